//! The search for other DHCPv6 servers on one link: sends what the engine's census wants sent, and hands it every answer.
//!
//! Answers come to port 546 of our link-local address, which is the DHCP client's of this very box where it has one. The port is
//! ours only while a round listens; where somebody else has it, nothing can be heard, and that is told.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bootwright_core::Timestamp;
use bootwright_core::census::{By, Deed, Due, Sign};
use bootwright_engine::{Engine, Outcome};
use bootwright_net::udp6::{Datagram, Socket};
use bootwright_net::{Link, port};
use bootwright_proto::dhcp6::{CLIENT_PORT, SERVER_PORT, SERVERS, parse_found, search, sender_card};
use tokio::time::{Instant, sleep, timeout_at};

use crate::core::Core;
use crate::counter::Counters;

/// How often to look what is due, and whether the link still carries packets.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often to look whether the port is free where it is not.
const BLIND: Duration = Duration::from_secs(30);

/// The longest answer that is read.
const PACKET_MAX: usize = 2048;

/// The most answers that are read between two looks at what is due: more are a flood.
const ANSWERS_MAX: usize = 256;

/// The search on one link.
pub struct Searcher {
    /// The engine.
    pub core: Arc<Core>,
    /// The counters.
    pub counters: Arc<Counters>,
    /// The link that is searched.
    pub link: Link,
    /// The box's links, as last seen.
    pub links: Arc<ArcSwap<Vec<Link>>>,
}

/// A round under way.
struct Round {
    socket: Socket,
    transaction: [u8; 3],
}

impl Searcher {
    /// Searches for as long as the future is polled.
    pub async fn run(self) {
        let mut round: Option<Round> = None;
        let mut carries = self.carries();
        if carries {
            self.ask(|engine, now, link| engine.census6_hurry(now, link));
        }
        loop {
            let carried = std::mem::replace(&mut carries, self.carries());
            if carries && !carried {
                self.ask(|engine, now, link| engine.census6_begin(now, link));
            }
            if !carries || self.core.policy().census.is_none() {
                round = None;
                sleep(LOOK_EVERY).await;
                continue;
            }
            let Some((at, due)) = self.core.read(|engine, _| engine.census6_due(&self.link.name)) else {
                // The engine has started anew from the record, which knows nothing of other servers.
                self.ask(|engine, now, link| engine.census6_begin(now, link));
                continue;
            };
            let wait = Duration::from_millis(at.since(self.core.now()).as_millis());
            if !wait.is_zero() {
                self.listen(round.as_ref(), Instant::now() + wait.min(LOOK_EVERY)).await;
                continue;
            }
            match due {
                Due::Conclude => {
                    round = None;
                    self.ask(|engine, now, link| engine.census6_concluded(now, link));
                }
                Due::Search => match self.begin(round.take()).await {
                    Ok(begun) => {
                        self.search(&begun);
                        round = Some(begun);
                    }
                    Err(why) => {
                        self.ask(|engine, now, link| engine.census6_blind(now, link, Some(why)));
                        sleep(BLIND).await;
                    }
                },
            }
        }
    }

    fn carries(&self) -> bool {
        let links = self.links.load();
        let mut same = links.iter().filter(|link| link.index == self.link.index);
        same.any(|link| link.carrier && link.up)
    }

    fn ask(&self, question: impl FnOnce(&mut Engine, Timestamp, &str) -> Outcome<()>) {
        let link = &self.link.name;
        self.core.ask(|engine, now| question(engine, now, link)).now();
    }

    /// The round that is under way, or a new one with the port and a transaction of its own.
    async fn begin(&self, round: Option<Round>) -> Result<Round, String> {
        if let Some(round) = round {
            return Ok(round);
        }
        // Both could bind, and then it would be chance who hears an answer.
        let owners = tokio::task::spawn_blocking(|| port::owners(CLIENT_PORT)).await;
        let here = |ip: IpAddr| ip.is_unspecified() || self.link.addresses.iter().any(|address| address.ip == ip);
        let theirs = owners
            .unwrap_or_default()
            .into_iter()
            .find(|owner| owner.address.is_ipv6() && here(owner.address));
        if let Some(owner) = theirs {
            return Err(format!(
                "{owner} has port {CLIENT_PORT} of this box, to which servers answer"
            ));
        }
        let socket = Socket::bind(&self.link, CLIENT_PORT, None).map_err(|error| error.to_string())?;
        let mut transaction = [0; 3];
        getrandom::fill(&mut transaction).map_err(|error| error.to_string())?;
        self.ask(|engine, now, link| engine.census6_blind(now, link, None));
        Ok(Round { socket, transaction })
    }

    fn search(&self, round: &Round) {
        let Some(card) = self.link.mac else { return };
        let everybody = SocketAddrV6::new(SERVERS, SERVER_PORT, 0, self.link.index);
        let packet = search(card, round.transaction);
        let sent = round.socket.try_send(&packet, everybody, Ipv6Addr::UNSPECIFIED);
        let counted = if sent.is_ok() { "searched" } else { "send-failed" };
        self.counters.count("census6", counted);
        if let Err(why) = sent {
            tracing::debug!(link = %self.link.name, %why, "cannot search for other DHCPv6 servers");
        }
        self.ask(|engine, now, link| engine.census6_searched(now, link));
    }

    /// Hears answers until then, if a round is under way.
    async fn listen(&self, round: Option<&Round>, until: Instant) {
        let Some(round) = round else {
            return tokio::time::sleep_until(until).await;
        };
        let mut buffer = [0; PACKET_MAX];
        for _ in 0..ANSWERS_MAX {
            match timeout_at(until, round.socket.receive(&mut buffer)).await {
                Ok(Ok(datagram)) => self.hear(&datagram, round.transaction),
                Ok(Err(_)) => break,
                Err(_) => return,
            }
        }
        self.counters.count("census6", "too-many-answers");
        tokio::time::sleep_until(until).await;
    }

    fn hear(&self, datagram: &Datagram<'_>, transaction: [u8; 3]) {
        let found = parse_found(datagram.payload).filter(|found| found.transaction == transaction);
        let Some(found) = found else {
            self.counters.count("census6", "unreadable");
            return;
        };
        self.counters.count("census6", "answer");
        let server = *datagram.source.ip();
        let links = self.links.load();
        let ours = links.iter().flat_map(|link| &link.addresses).map(|address| address.ip);
        // With two cards on one segment we hear ourselves.
        if ours.clone().any(|ip| ip == IpAddr::V6(server)) {
            return;
        }
        let leads_here = |url: &String| ours.clone().any(|ip| url.contains(&format!("[{ip}]")));
        let boots = found.url.as_ref().is_some_and(|url| !leads_here(url));
        let deeds = [(found.leases, Deed::Leases), (boots, Deed::Boots)];
        let sign = Sign {
            server,
            station: sender_card(server),
            process: None,
            deeds: deeds
                .into_iter()
                .filter(|(does, _)| *does)
                .map(|(_, deed)| deed)
                .collect::<BTreeSet<_>>(),
            by: By::Search,
        };
        self.ask(|engine, now, link| engine.census6_heard(now, link, &sign));
    }
}
