//! Whether somebody uses an IPv4 address: asked by ARP on our own link, by ICMP beyond a router.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bootwright_core::MacAddr;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::frame::BROADCAST;
use crate::link::Link;
use crate::sys;

/// How long an answer is waited for: RFC 5227 would have a station wait for seconds, but a machine that boots waits for us,
/// and on one segment an answer takes milliseconds.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// When a question that was not answered is asked once more.
const AGAIN: Duration = Duration::from_millis(200);

/// The length of an ARP packet for IPv4 over Ethernet (RFC 826).
const ARP_LEN: usize = 28;

/// How much of a packet is read: an IPv4 header with options, and an echo.
const PACKET_MAX: usize = 128;

/// Who waits to hear of which address. What is heard is a station, where the answer tells it.
#[derive(Debug, Default)]
struct Waiting {
    questions: Mutex<BTreeMap<Ipv4Addr, Vec<oneshot::Sender<Option<MacAddr>>>>>,
}

impl Waiting {
    fn questions(&self) -> MutexGuard<'_, BTreeMap<Ipv4Addr, Vec<oneshot::Sender<Option<MacAddr>>>>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, address: Ipv4Addr) -> oneshot::Receiver<Option<MacAddr>> {
        let (sender, receiver) = oneshot::channel();
        self.questions().entry(address).or_default().push(sender);
        receiver
    }

    fn answer(&self, address: Ipv4Addr, station: Option<MacAddr>) {
        for waiting in self.questions().remove(&address).into_iter().flatten() {
            // Who asked may have gone.
            let _ = waiting.send(station);
        }
    }

    /// Forgets those who wait no more.
    fn leave(&self, address: Ipv4Addr) {
        let mut questions = self.questions();
        if let Some(waiting) = questions.get_mut(&address) {
            waiting.retain(|sender| !sender.is_closed());
            if waiting.is_empty() {
                questions.remove(&address);
            }
        }
    }

    /// Asks, asks again, and waits. Nothing if nobody answers in time.
    async fn ask(&self, address: Ipv4Addr, send: impl Fn() -> io::Result<()>) -> io::Result<Option<Heard>> {
        let mut receiver = self.enter(address);
        let asked = async {
            send()?;
            tokio::select! {
                heard = &mut receiver => return Ok(heard.ok()),
                () = sleep(AGAIN) => send()?,
            }
            Ok::<_, io::Error>((&mut receiver).await.ok())
        };
        let heard = match timeout(PATIENCE, asked).await {
            Ok(heard) => heard?,
            Err(_) => {
                // On a busy box the answer may have arrived without anybody having read it yet.
                tokio::task::yield_now().await;
                receiver.try_recv().ok()
            }
        };
        self.leave(address);
        Ok(heard.map(|station| Heard { station }))
    }
}

/// Somebody uses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// His station, if the answer tells it.
    pub station: Option<MacAddr>,
}

/// Asks for addresses on one link, by ARP.
#[derive(Debug)]
pub struct ArpProber {
    socket: Arc<AsyncFd<Socket>>,
    waiting: Arc<Waiting>,
    index: u32,
    own: MacAddr,
    listening: AbortHandle,
}

impl Drop for ArpProber {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl ArpProber {
    /// Opens a socket for a link. Must be called inside a tokio runtime. Takes the capability NET_RAW.
    ///
    /// # Errors
    /// When the kernel refuses, or the link is not Ethernet.
    pub fn open(link: &Link) -> io::Result<Self> {
        let own = link.mac.ok_or(io::ErrorKind::Unsupported)?;
        let protocol = libc::ETH_P_ARP as u16;
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), None)?;
        // Binding it to a protocol is what makes it receive.
        socket.bind(&sys::address::link_address(link.index, protocol, BROADCAST.octets()))?;
        let socket = Arc::new(sys::watched::watch(socket, Interest::READABLE)?);
        let waiting = Arc::new(Waiting::default());
        let listener = (Arc::clone(&socket), Arc::clone(&waiting));
        let listening = tokio::spawn(async move {
            let (socket, waiting) = listener;
            listen(&socket, |packet| {
                if let Some((address, station)) = user(packet).filter(|(_, station)| *station != own) {
                    waiting.answer(address, Some(station));
                }
            })
            .await;
        });
        Ok(Self {
            socket,
            waiting,
            index: link.index,
            own,
            listening: listening.abort_handle(),
        })
    }

    /// Who uses the address on this link; nobody if none answers within [`PATIENCE`]. A machine that is just about to take
    /// it counts as well.
    ///
    /// # Errors
    /// When the question cannot be sent.
    pub async fn probe(&self, address: Ipv4Addr) -> io::Result<Option<Heard>> {
        let packet = question(self.own, address);
        let everybody = sys::address::link_address(self.index, libc::ETH_P_ARP as u16, BROADCAST.octets());
        let send = || self.socket.get_ref().send_to(&packet, &everybody).map(drop);
        self.waiting.ask(address, send).await
    }
}

/// An ARP probe: a request from nobody, so that no station's table changes by it (RFC 5227 section 2.1.1).
fn question(own: MacAddr, address: Ipv4Addr) -> [u8; ARP_LEN] {
    let mut packet = [0; ARP_LEN];
    packet[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    packet[8..14].copy_from_slice(&own.octets());
    packet[24..].copy_from_slice(&address.octets());
    packet
}

/// The address that an ARP packet shows to be used, or to be about to be used, and by which station.
fn user(packet: &[u8]) -> Option<(Ipv4Addr, MacAddr)> {
    let packet: &[u8; ARP_LEN] = packet.first_chunk()?;
    let [0, 1, 8, 0, 6, 4, 0, operation, rest @ ..] = packet else {
        return None;
    };
    let [a, b, c, d, e, f, sender @ ..] = rest;
    let station = MacAddr::new([*a, *b, *c, *d, *e, *f]);
    let (sender, target) = (address(sender.get(..4)?)?, address(sender.get(10..14)?)?);
    match (operation, sender.is_unspecified()) {
        (1 | 2, false) => Some((sender, station)),
        // Another one probes for it.
        (1, true) => Some((target, station)),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    bytes.first_chunk::<4>().copied().map(Ipv4Addr::from)
}

/// Asks for addresses beyond a router, by ICMP echo.
#[derive(Debug)]
pub struct EchoProber {
    socket: Arc<AsyncFd<Socket>>,
    waiting: Arc<Waiting>,
    number: AtomicU16,
    listening: AbortHandle,
}

impl Drop for EchoProber {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl EchoProber {
    /// Opens a socket. Must be called inside a tokio runtime. Takes the capability NET_RAW.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn open() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking(), Some(Protocol::ICMPV4))?;
        let socket = Arc::new(sys::watched::watch(socket, Interest::READABLE)?);
        let waiting = Arc::new(Waiting::default());
        let listener = (Arc::clone(&socket), Arc::clone(&waiting));
        let listening = tokio::spawn(async move {
            let (socket, waiting) = listener;
            listen(&socket, |packet| {
                if let Some(address) = answerer(packet) {
                    waiting.answer(address, None);
                }
            })
            .await;
        });
        Ok(Self {
            socket,
            waiting,
            number: AtomicU16::new(0),
            listening: listening.abort_handle(),
        })
    }

    /// Whether somebody uses the address; nobody if none answers within [`PATIENCE`].
    ///
    /// # Errors
    /// When the question cannot be sent, for want of a route.
    pub async fn probe(&self, address: Ipv4Addr) -> io::Result<Option<Heard>> {
        let packet = echo(self.number.fetch_add(1, Ordering::Relaxed));
        let to = SocketAddr::V4(SocketAddrV4::new(address, 0)).into();
        let send = || self.socket.get_ref().send_to(&packet, &to).map(drop);
        self.waiting.ask(address, send).await
    }
}

/// An echo request (RFC 792) with this number, without data.
fn echo(number: u16) -> [u8; 8] {
    let [high, low] = number.to_be_bytes();
    // Type 8, and an identifier of ours; the checksum is the complement of the sum of all words.
    let sum = 0x0800_u32 + 0x4257 + u32::from(number);
    let folded = (sum & 0xffff) + (sum >> 16);
    let [first, second] = (!(folded as u16)).to_be_bytes();
    [8, 0, first, second, 0x42, 0x57, high, low]
}

/// Who sent an echo reply: the source of the IPv4 packet that holds it.
fn answerer(packet: &[u8]) -> Option<Ipv4Addr> {
    let words = packet.first()? & 0x0f;
    let reply = packet.get(usize::from(words) * 4)? == &0;
    reply.then(|| address(packet.get(12..16)?)).flatten()
}

/// Hands on every packet that arrives, for as long as the future is polled.
async fn listen(socket: &AsyncFd<Socket>, mut hear: impl FnMut(&[u8])) {
    loop {
        let Ok(mut ready) = socket.readable().await else { return };
        let mut buffer = [0; PACKET_MAX];
        match ready.try_io(|socket| socket.get_ref().read(&mut buffer)) {
            Ok(Ok(len)) => hear(buffer.get(..len).unwrap_or_default()),
            // A link that went down says so once, and may come up again.
            Ok(Err(error)) => {
                tracing::debug!(why = %error, "cannot hear who uses addresses");
                sleep(AGAIN).await;
            }
            Err(_would_block) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_has_a_right_checksum_whatever_its_number() {
        for number in [0, 1, 0xb5a8, 0xb5a9, u16::MAX] {
            let sum: u32 = echo(number)
                .chunks(2)
                .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
                .sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "{number:#x}");
        }
    }

    #[test]
    fn only_what_shows_a_user_of_an_address_counts() {
        let own = MacAddr::new([2, 0, 0, 0, 0, 1]);
        let wanted = Ipv4Addr::new(10, 0, 0, 9);
        let probe = question(own, wanted);
        assert_eq!(user(&probe), Some((wanted, own)), "somebody probes for it");
        let mut reply = probe;
        reply[7] = 2;
        reply[14..18].copy_from_slice(&wanted.octets());
        assert_eq!(user(&reply), Some((wanted, own)));
        let mut request = reply;
        request[7] = 1;
        request[24..].copy_from_slice(&[10, 0, 0, 1]);
        assert_eq!(user(&request), Some((wanted, own)), "its user asks for another");
        for broken in [&reply[..27], &[0; ARP_LEN][..], &[]] {
            assert_eq!(user(broken), None);
        }
        let mut reverse = reply;
        reverse[7] = 3;
        assert_eq!(user(&reverse), None);
        assert_eq!(answerer(&[]), None);
        assert_eq!(answerer(&[0x4f; 20]), None);
    }
}
