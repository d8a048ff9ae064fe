//! The receiver of syslog (UDP): whose message it is tells the address that sent it, and nothing in the message itself.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootwright_config::Listen;
use bootwright_engine::{Speaker, Unheard};
use bootwright_proto::syslog::Message;
use tokio::net::UdpSocket;

use super::Scribe;
use crate::core::Core;
use crate::counter::Counters;
use crate::front;

/// No message is longer: RFC 5426 wants 2048 bytes at least, and rsyslog sends up to 8 KiB.
const MESSAGE_BYTES_MAX: usize = 8192;

/// How many messages of one address are taken at once, and in each second: an installer that unpacks a thousand packages.
const BURST: u32 = 2000;
/// See [`BURST`].
const PER_SECOND: u32 = 500;

/// Of how many addresses is known how much they sent. With more, all begin anew.
const SOURCES_MAX: usize = 4096;

/// For how long it is remembered that an address is nobody's: the kernel's neighbour table is not read for each message.
const STRANGER_FOR: Duration = Duration::from_secs(10);

/// Binds the port for syslog.
///
/// # Errors
/// When it is held, or may not be opened.
pub fn bind(listen: Listen) -> io::Result<std::net::UdpSocket> {
    let address = listen.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let socket = std::net::UdpSocket::bind(SocketAddr::new(address, listen.port))?;
    // A burst of messages should not be lost; what the kernel grants will do.
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(1 << 20);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Takes messages for as long as the future is polled.
pub async fn listen(socket: UdpSocket, core: Arc<Core>, counters: Arc<Counters>, scribe: Scribe) {
    let mut desk = Desk {
        core,
        counters,
        scribe,
        sources: BTreeMap::new(),
    };
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, peer)) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                desk.take(peer.ip().to_canonical(), bytes).await;
            }
            Err(error) => {
                tracing::warn!(code = "E107", why = %error, "cannot receive syslog");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

struct Desk {
    core: Arc<Core>,
    counters: Arc<Counters>,
    scribe: Scribe,
    sources: BTreeMap<IpAddr, Source>,
}

/// What is known of an address.
struct Source {
    left: u32,
    filled: Instant,
    /// Until when it is nobody's.
    stranger: Option<Instant>,
    told: bool,
}

impl Source {
    fn new(now: Instant) -> Self {
        Self {
            left: BURST,
            filled: now,
            stranger: None,
            told: false,
        }
    }

    fn admit(&mut self, now: Instant) -> bool {
        let ms = u32::try_from((now - self.filled).as_millis()).unwrap_or(u32::MAX);
        let more = ms.saturating_mul(PER_SECOND) / 1000;
        if more > 0 {
            self.left = self.left.saturating_add(more).min(BURST);
            self.filled = now;
        }
        let admitted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        admitted
    }
}

impl Desk {
    async fn take(&mut self, peer: IpAddr, bytes: &[u8]) {
        let now = Instant::now();
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&peer) {
            self.sources.clear();
        }
        let source = self.sources.entry(peer).or_insert_with(|| Source::new(now));
        if !source.admit(now) {
            self.refuse(peer, "rate-limited");
            return;
        }
        if source.stranger.is_some_and(|until| now < until) {
            self.refuse(peer, Unheard::Stranger.name());
            return;
        }
        let Some(message) = Message::read(bytes) else {
            self.refuse(peer, "empty");
            return;
        };
        match self.speaker(peer).await {
            Ok(speaker) => self.hear(speaker, &message),
            Err(why) => {
                if why == Unheard::Stranger
                    && let Some(source) = self.sources.get_mut(&peer)
                {
                    source.stranger = Some(now + STRANGER_FOR);
                }
                self.refuse(peer, why.name());
            }
        }
    }

    /// Whose address this is: as machines were seen and leases say, else as the kernel's neighbour table does.
    async fn speaker(&self, peer: IpAddr) -> Result<Speaker, Unheard> {
        let known = self.core.read(|engine, now| engine.speaker(now, peer));
        if known != Err(Unheard::Stranger) {
            return known;
        }
        let card = front::card_at(peer).await.ok_or(Unheard::Stranger)?;
        self.core.read(|engine, now| {
            let host = engine.host_of_card(card).cloned().ok_or(Unheard::Stranger)?;
            engine.speaker_of(now, host)
        })
    }

    fn hear(&self, speaker: Speaker, message: &Message) {
        let line = message.line();
        self.core
            .ask(|engine, now| engine.voice(now, &speaker, &line, message.is_severe()))
            .now();
        let time = jiff::Timestamp::now();
        self.scribe.note(speaker, format!("{time:.0} {line}"));
    }

    fn refuse(&mut self, peer: IpAddr, why: &'static str) {
        self.counters.count("voice", why);
        if let Some(source) = self.sources.get_mut(&peer)
            && !std::mem::replace(&mut source.told, true)
        {
            tracing::info!(event = "net", code = "W617", %peer, why, "messages by syslog are not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_sends_much_is_taken_at_its_pace() {
        let begin = Instant::now();
        let mut source = Source::new(begin);
        let admitted = (0..5000).filter(|_| source.admit(begin)).count();
        assert_eq!(admitted, BURST as usize);
        let later = begin + Duration::from_secs(1);
        let admitted = (0..5000).filter(|_| source.admit(later)).count();
        assert_eq!(admitted, PER_SECOND as usize);
    }
}
