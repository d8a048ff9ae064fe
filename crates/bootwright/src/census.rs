//! The search for other DHCP and boot servers on one link: sends what the engine's census wants sent, and hands it every
//! answer that is heard, ours and other machines'.
//!
//! Searches leave as raw frames, since port 68 is most often the DHCP client's of this very box. Such frames do not reach a
//! server on this box; where one holds port 67 a copy goes through the kernel, which hands broadcasts to it too.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bootwright_core::census::{By, Deed, Due, Sign};
use bootwright_core::{Arch, Timestamp};
use bootwright_engine::{Engine, Outcome};
use bootwright_net::Link;
use bootwright_net::frame::{BROADCAST, FrameSocket, OutgoingFrame};
use bootwright_net::port;
use bootwright_net::snoop::{Captured, Snoop};
use bootwright_net::udp::{Outgoing, Socket};
use bootwright_proto::dhcp::{Answer, CLIENT_PORT, MessageType, Request, SERVER_PORT, deeds, parse_answer, search};
use tokio::time::{Instant, timeout_at};

use crate::core::Core;
use crate::counter::Counters;
use crate::dhcp::Merging;

/// How often to look what is due, and whether the link still carries packets.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many answers are read in a second: enough for the busiest server, few enough for a flood of them.
const ANSWERS_PER_SEC: u32 = 1000;
/// How many searches are remembered to know their answers.
const XIDS_MAX: usize = 32;

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
    /// What is sent to clients on the link.
    pub snoop: Snoop,
    /// The way out.
    pub frames: FrameSocket,
    /// Offers of ours that wait for a server's.
    pub merging: Arc<Merging>,
}

/// What a search has to remember from one packet to the next.
#[derive(Default)]
struct Memory {
    xids: VecDeque<u32>,
    searches: u32,
    /// The processes of this box that hold the server's port.
    local: Option<String>,
}

impl Searcher {
    /// Searches for as long as the future is polled.
    pub async fn run(self) {
        let mut memory = Memory::default();
        self.merging.listen();
        let (mut second, mut heard) = (Instant::now(), 0);
        // Served anew, it keeps what was known before, unless it carried nothing meanwhile.
        let mut carries = self.carries();
        if carries {
            self.ask(|engine, now, link| engine.census_hurry(now, link));
        }
        loop {
            let carried = std::mem::replace(&mut carries, self.carries());
            if carries && !carried {
                self.ask(|engine, now, link| engine.census_begin(now, link));
            }
            let wait = if carries {
                self.step(&mut memory).await
            } else {
                LOOK_EVERY
            };
            let until = Instant::now() + wait;
            while let Ok(captured) = timeout_at(until, self.snoop.receive()).await {
                let Ok(captured) = captured else {
                    tracing::warn!(code = "W115", link = %self.link.name, "the search for other DHCP servers has ended");
                    return;
                };
                self.hear(&captured, &memory);
                heard += 1;
                if second.elapsed() >= Duration::from_secs(1) {
                    (second, heard) = (Instant::now(), 0);
                } else if heard >= ANSWERS_PER_SEC {
                    self.counters.count("census", "too-many-answers");
                    tokio::time::sleep_until(second + Duration::from_secs(1)).await;
                }
                if Instant::now() >= until {
                    break;
                }
            }
        }
    }

    fn carries(&self) -> bool {
        let links = self.links.load();
        links
            .iter()
            .any(|link| link.index == self.link.index && link.carrier && link.up)
    }

    fn ask(&self, question: impl FnOnce(&mut Engine, Timestamp, &str) -> Outcome<()>) {
        let link = &self.link.name;
        self.core.ask(|engine, now| question(engine, now, link)).now();
    }

    /// Does what is due, and says when to come back.
    async fn step(&self, memory: &mut Memory) -> Duration {
        let Some((at, due)) = self.core.read(|engine, _| engine.census_due(&self.link.name)) else {
            // The engine has started anew from the record, which knows nothing of other servers.
            self.ask(|engine, now, link| engine.census_begin(now, link));
            return Duration::ZERO;
        };
        let wait = Duration::from_millis(at.since(self.core.now()).as_millis());
        if !wait.is_zero() {
            return wait.min(LOOK_EVERY);
        }
        match due {
            Due::Search => {
                if self.core.policy().census.is_some() {
                    self.search(memory).await;
                }
                self.ask(|engine, now, link| engine.census_searched(now, link));
            }
            Due::Conclude => self.ask(|engine, now, link| engine.census_concluded(now, link)),
        }
        Duration::ZERO
    }

    /// Sends a search for DHCP servers and one for boot servers, as UEFI and as BIOS by turns.
    async fn search(&self, memory: &mut Memory) {
        let Some(mac) = self.link.mac else { return };
        memory.local = local_servers().await;
        // Where nobody on this box has the port, nobody on it answers us.
        self.snoop.hear_this_box(memory.local.is_some());
        memory.searches = memory.searches.wrapping_add(1);
        let arch = if memory.searches % 2 == 1 {
            Arch::EFI64
        } else {
            Arch::BIOS
        };
        for boots in [None, Some(arch)] {
            let mut bytes = [0; 4];
            if getrandom::fill(&mut bytes).is_err() {
                return;
            }
            let xid = u32::from_be_bytes(bytes);
            memory.xids.push_back(xid);
            if memory.xids.len() > XIDS_MAX {
                memory.xids.pop_front();
            }
            let packet = search(mac, xid, boots);
            self.send(&packet, memory.local.is_some()).await;
        }
    }

    async fn send(&self, packet: &[u8], to_this_box: bool) {
        let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT);
        let sent = self.frames.send(&OutgoingFrame {
            payload: packet,
            from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT),
            to: everybody,
            station: BROADCAST,
        });
        let trouble = match sent {
            Ok(()) if to_this_box => self.send_by_kernel(packet, everybody).await.err(),
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        };
        self.counters
            .count("census", if trouble.is_none() { "searched" } else { "send-failed" });
        if let Some(why) = trouble {
            tracing::debug!(link = %self.link.name, %why, "cannot search for other DHCP servers");
        }
    }

    async fn send_by_kernel(&self, packet: &[u8], to: SocketAddrV4) -> Result<(), String> {
        let socket = Socket::bind(&self.link.name, 0).map_err(|error| error.to_string())?;
        let outgoing = Outgoing {
            payload: packet,
            to,
            from: Ipv4Addr::UNSPECIFIED,
        };
        socket.send(&outgoing).await.map_err(|error| error.to_string())
    }

    /// Lets a server's offer pass on what of ours has waited for it. Says whether the answer was such an offer of ours
    /// already, which bears the server's name.
    fn merge(&self, answer: &Answer) -> bool {
        let ours: Vec<Ipv4Addr> = self.link.ipv4_addresses().collect();
        if let Some(merged) = self.merging.hear(self.core.now(), answer, &ours) {
            let from = self.link.ipv4().unwrap_or(Ipv4Addr::UNSPECIFIED);
            let sent = self.frames.send(&OutgoingFrame {
                payload: &merged,
                from: SocketAddrV4::new(from, SERVER_PORT),
                to: SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT),
                station: BROADCAST,
            });
            self.counters
                .count("dhcp", if sent.is_ok() { "merged" } else { "send-failed" });
        }
        ours.contains(&answer.siaddr) && !answer.yiaddr.is_unspecified()
    }

    /// Somebody answers a client, perhaps us.
    fn hear(&self, captured: &Captured, memory: &Memory) {
        let Ok(answer) = parse_answer(&captured.payload) else {
            self.counters.count("census", "unreadable");
            return;
        };
        self.counters.count("census", "answer");
        if self.core.policy().merged_offer && self.merge(&answer) {
            return;
        }
        let from_here = Some(captured.source_mac) == self.link.mac;
        // With two cards on one segment we hear ourselves.
        let other_card = |link: &Link| link.mac == Some(captured.source_mac);
        if !from_here && self.links.load().iter().any(other_card) {
            return;
        }
        let to_us = Some(answer.mac) == self.link.mac && memory.xids.contains(&answer.xid);
        let process = || memory.local.clone().unwrap_or_else(|| "a process".to_owned());
        let sign = Sign {
            server: answer.server_id.unwrap_or(*captured.source.ip()),
            station: Some(captured.source_mac),
            process: from_here.then(process),
            deeds: deeds(&answer),
            by: if to_us { By::Search } else { By::Chance },
        };
        report(&self.core, &self.link.name, &sign);
    }
}

/// Hands a sign of another server to the engine.
fn report(core: &Core, link: &str, sign: &Sign) {
    core.ask(|engine, now| engine.census_heard(now, link, sign)).now();
}

/// A client chooses an offer, and says whose: where that is not ours, there is another server.
pub fn overhear(core: &Core, link: &str, ours: &[Ipv4Addr], request: &Request) {
    let chosen = request
        .server_id
        .filter(|server| !server.is_unspecified() && !ours.contains(server));
    let Some(server) = chosen else { return };
    if request.message == Some(MessageType::Request) && !request.is_relayed() && request.boot_item.is_none() {
        let sign = Sign {
            server,
            station: None,
            process: None,
            deeds: [Deed::Leases].into(),
            by: By::Chance,
        };
        report(core, link, &sign);
    }
}

/// Who else on this box holds the server's port, in words.
async fn local_servers() -> Option<String> {
    let owners = tokio::task::spawn_blocking(|| port::owners(SERVER_PORT)).await;
    let names: Vec<String> = owners.unwrap_or_default().iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
