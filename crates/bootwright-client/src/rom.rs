//! Firmware that looks for something to boot: the client's side of DHCP and PXE, without sockets.
//!
//! A state machine like the firmware's own: it sends, gathers offers, chooses as that firmware chooses, and ends with
//! what it boots or with the error that it would show. Time is a [`Duration`] since any fixed point of the caller's
//! monotonic clock.
//!
//! Sources: PXE 2.1; tianocore/edk2, NetworkPkg/UefiPxeBcDxe and HttpBootDxe; ipxe/ipxe, src/net/udp/dhcp.c.

mod choice;
mod quirk;
mod wire;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_core::{Arch, MacAddr, Uuid};
use bootwright_proto::dhcp::{Answer, CLIENT_PORT, MessageType, PXE_PORT, SERVER_PORT, parse_answer};

use crate::ipxe::Generation;

pub use quirk::Quirk;

use choice::{Chosen, Next, after_ack, choose, is_offer};
use wire::Question;

/// Which firmware it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// A BIOS with a PXE ROM by the PXE 2.1 specification.
    Bios,
    /// UEFI with EDK2's PXE client.
    Uefi {
        /// As which processor it presents itself.
        arch: Arch,
    },
    /// x64 UEFI with EDK2's HTTP boot client.
    UefiHttp,
    /// iPXE.
    Ipxe {
        /// Which builds.
        generation: Generation,
        /// As which processor it presents itself, and with what firmware beneath it.
        arch: Arch,
        /// Whether it was itself booted by PXE: then it repeats the bare vendor class of the offer that led to it.
        chained: bool,
    },
}

/// One start of a firmware's network boot.
#[derive(Clone, Debug)]
pub struct Rom {
    firmware: Firmware,
    quirk: Quirk,
    mac: MacAddr,
    uuid: Option<Uuid>,
    xid: u32,
    began: Duration,
    sent: u32,
    offers: Vec<Answer>,
    stage: Stage,
    deadline: Duration,
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// From where; 0.0.0.0 as long as the machine has no address.
    pub source: SocketAddrV4,
    /// To where.
    pub destination: SocketAddrV4,
    /// The payload.
    pub bytes: Vec<u8>,
}

/// What the firmware goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The machine's address.
    pub address: Ipv4Addr,
    /// Where the boot file is.
    pub place: Place,
}

/// Where a boot file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a TFTP server.
    Tftp {
        /// The server.
        server: Ipv4Addr,
        /// The name, as it is asked for.
        name: Vec<u8>,
    },
    /// At a URL.
    Url(String),
}

/// Why the firmware boots nothing from the network, as it tells on its screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nobody leases an address (PXE-E51, EDK2 PXE-E16).
    NoAddress,
    /// There is an address and nothing to boot (PXE-E53).
    NoBootFile,
    /// The boot server on port 4011 does not answer (PXE-E55, EDK2 PXE-E16).
    NoBootServer,
    /// An offer that asks for a choice without offering one (EDK2 PXE-E21).
    Cancelled,
    /// The server took its offer back.
    Refused,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Offers are gathered until the end of the window.
    Discover,
    /// The lease was requested.
    Request(Chosen),
    /// The boot server was asked.
    BootServer(Chosen, Ipv4Addr),
    Over(Result<Found, Fault>),
}

/// How long a firmware waits for answers to its first, second, … packet.
const UEFI_WINDOWS: &[u64] = &[4, 8, 16, 32];
const IPXE_WINDOWS: &[u64] = &[1, 2, 4, 8, 10, 10];

/// How often and how long a request is repeated.
const REQUEST_WINDOWS: &[u64] = &[4, 4, 4, 4];
const BOOT_SERVER_WINDOWS: &[u64] = &[1, 2, 3, 4];

/// How long iPXE waits for a proxy after it has an offer, counted from its start.
const PROXY_SPAN: Duration = Duration::from_millis(2500);

impl Rom {
    /// Starts looking, and the first packet. The seed makes the transaction ids; EFI builds of iPXE of 2019 send the same
    /// one at every boot, so that equal seeds are no mistake.
    #[must_use]
    pub fn begin(
        firmware: Firmware,
        mac: MacAddr,
        uuid: Option<Uuid>,
        seed: u32,
        now: Duration,
    ) -> (Self, Option<Datagram>) {
        Self::begin_odd(firmware, Quirk::None, mac, uuid, seed, now)
    }

    /// The same of a firmware that does not understand everything.
    #[must_use]
    pub fn begin_odd(
        firmware: Firmware,
        quirk: Quirk,
        mac: MacAddr,
        uuid: Option<Uuid>,
        seed: u32,
        now: Duration,
    ) -> (Self, Option<Datagram>) {
        let mut rom = Self {
            firmware,
            quirk,
            mac,
            uuid,
            xid: seed,
            began: now,
            sent: 0,
            offers: Vec::new(),
            stage: Stage::Discover,
            deadline: now,
        };
        let first = rom.discover(now);
        (rom, first)
    }

    /// How it ended, once it has.
    #[must_use]
    pub const fn end(&self) -> Option<&Result<Found, Fault>> {
        match &self.stage {
            Stage::Over(end) => Some(end),
            Stage::Discover | Stage::Request(_) | Stage::BootServer(..) => None,
        }
    }

    /// When to call [`Rom::on_timer`]. Packets move it.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// A datagram that arrived on `port` of the machine.
    pub fn on_packet(&mut self, now: Duration, source: SocketAddrV4, port: u16, bytes: &[u8]) -> Option<Datagram> {
        let answer = parse_answer(bytes).ok()?;
        if answer.xid != self.xid || answer.mac != self.mac {
            return None;
        }
        match self.stage.clone() {
            Stage::Discover if port == CLIENT_PORT && source.port() == SERVER_PORT => self.on_offer(now, answer),
            Stage::Request(chosen) if port == CLIENT_PORT && source.port() == SERVER_PORT => {
                self.on_lease(now, chosen, &answer)
            }
            Stage::BootServer(chosen, server) if port == self.boot_port() => {
                // iPXE hears a boot server only from its own port, EDK2 from any.
                let ipxe = matches!(self.firmware, Firmware::Ipxe { .. });
                if !ipxe || (source.port() == PXE_PORT && *source.ip() == server) {
                    self.on_boot_server(chosen, &answer);
                }
                None
            }
            Stage::Discover | Stage::Request(_) | Stage::BootServer(..) | Stage::Over(_) => None,
        }
    }

    /// The time has come that [`Rom::deadline`] named.
    pub fn on_timer(&mut self, now: Duration) -> Option<Datagram> {
        if now < self.deadline {
            return None;
        }
        match self.stage.clone() {
            Stage::Discover => match choose(self.firmware, &self.offers) {
                Some(chosen) => self.request(now, chosen),
                None => self.discover(now),
            },
            Stage::Request(chosen) => self.send_request(now, chosen),
            Stage::BootServer(chosen, server) => self.send_boot_request(now, chosen, server),
            Stage::Over(_) => None,
        }
    }

    fn discover(&mut self, now: Duration) -> Option<Datagram> {
        let windows = match self.firmware {
            Firmware::Ipxe { .. } => IPXE_WINDOWS,
            Firmware::Bios | Firmware::Uefi { .. } | Firmware::UefiHttp => UEFI_WINDOWS,
        };
        if !self.wait(now, windows) {
            let leased = self.offers.iter().any(|offer| !offer.yiaddr.is_unspecified());
            return self.fail(if leased { Fault::NoBootFile } else { Fault::NoAddress });
        }
        Some(self.broadcast(now, Question::Discover))
    }

    /// Sets the deadline of the next try; says no if all are used.
    fn wait(&mut self, now: Duration, windows: &[u64]) -> bool {
        let window = usize::try_from(self.sent).ok().and_then(|at| windows.get(at));
        self.sent = self.sent.saturating_add(1);
        self.deadline = now.saturating_add(Duration::from_secs(window.copied().unwrap_or(0)));
        window.is_some()
    }

    fn on_offer(&mut self, now: Duration, offer: Answer) -> Option<Datagram> {
        let keeps = is_offer(self.firmware, &offer) && !self.quirk.passes_over(&offer);
        if offer.message != Some(MessageType::Offer) || !keeps || self.offers.len() >= 16 {
            return None;
        }
        self.offers.push(offer);
        if !matches!(self.firmware, Firmware::Ipxe { .. }) {
            return None;
        }
        // iPXE goes on as soon as it has an offer that needs no proxy, or one of each, else when it has waited enough.
        let main = self.offers.iter().find(|offer| !offer.yiaddr.is_unspecified());
        let settled = main.is_some_and(|main| {
            let alone = main.ipxe_option(0xb0) == Some(&[1])
                || (main.vendor_class.starts_with(b"PXEClient") && !main.file.is_empty());
            alone || self.offers.iter().any(|offer| offer.yiaddr.is_unspecified())
        });
        if settled {
            let chosen = choose(self.firmware, &self.offers)?;
            return self.request(now, chosen);
        }
        if main.is_some() {
            self.deadline = self.began.saturating_add(PROXY_SPAN).max(now);
        }
        None
    }

    fn request(&mut self, now: Duration, chosen: Chosen) -> Option<Datagram> {
        self.sent = 0;
        self.send_request(now, chosen)
    }

    fn send_request(&mut self, now: Duration, chosen: Chosen) -> Option<Datagram> {
        if !self.wait(now, REQUEST_WINDOWS) {
            return self.fail(Fault::NoAddress);
        }
        let question = Question::Request {
            server: chosen.main.server_id?,
            address: chosen.main.yiaddr,
        };
        self.stage = Stage::Request(chosen);
        Some(self.broadcast(now, question))
    }

    fn on_lease(&mut self, now: Duration, chosen: Chosen, answer: &Answer) -> Option<Datagram> {
        match answer.message {
            Some(MessageType::Nak) => return self.fail(Fault::Refused),
            Some(MessageType::Ack) => {}
            _ => return None,
        }
        if answer.server_id != chosen.main.server_id || answer.yiaddr != chosen.main.yiaddr {
            return None;
        }
        if chosen.proxy.as_ref().is_some_and(|proxy| self.quirk.forgets(proxy)) {
            return self.fail(Fault::NoBootFile);
        }
        match after_ack(self.firmware, &chosen) {
            Ok(Next::Boot(place)) => self.finish(&chosen, place),
            Ok(Next::Ask(server)) => {
                self.sent = 0;
                // EDK2 makes up another transaction for the boot server.
                if !matches!(self.firmware, Firmware::Ipxe { .. }) {
                    self.xid = self.xid.wrapping_mul(0x9e37_79b1).wrapping_add(1);
                }
                self.send_boot_request(now, chosen, server)
            }
            Err(fault) => self.fail(fault),
        }
    }

    fn send_boot_request(&mut self, now: Duration, chosen: Chosen, server: Ipv4Addr) -> Option<Datagram> {
        if !self.wait(now, BOOT_SERVER_WINDOWS) {
            return self.fail(Fault::NoBootServer);
        }
        let address = chosen.main.yiaddr;
        let question = Question::BootServer {
            address,
            proxy: chosen.proxy.as_ref().and_then(|proxy| proxy.server_id),
            item: chosen.boot_item(),
        };
        let datagram = Datagram {
            source: SocketAddrV4::new(address, self.boot_port()),
            destination: SocketAddrV4::new(server, PXE_PORT),
            bytes: self.render(now, question),
        };
        self.stage = Stage::BootServer(chosen, server);
        Some(datagram)
    }

    fn on_boot_server(&mut self, chosen: Chosen, answer: &Answer) {
        if answer.message != Some(MessageType::Ack) {
            return;
        }
        match choice::place(self.firmware, answer, None) {
            Some(place) => self.finish(&chosen, place),
            None => self.fail(Fault::NoBootFile),
        };
    }

    /// The port from which the boot server is asked. BIOS ROMs and iPXE keep their own, EDK2 uses the server's.
    const fn boot_port(&self) -> u16 {
        match self.firmware {
            Firmware::Uefi { .. } | Firmware::UefiHttp => PXE_PORT,
            Firmware::Bios | Firmware::Ipxe { .. } => CLIENT_PORT,
        }
    }

    fn finish(&mut self, chosen: &Chosen, place: Place) -> Option<Datagram> {
        let address = chosen.main.yiaddr;
        self.stage = Stage::Over(Ok(Found { address, place }));
        None
    }

    fn fail(&mut self, fault: Fault) -> Option<Datagram> {
        self.stage = Stage::Over(Err(fault));
        None
    }

    fn broadcast(&self, now: Duration, question: Question) -> Datagram {
        Datagram {
            source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT),
            destination: SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT),
            bytes: self.render(now, question),
        }
    }

    fn render(&self, now: Duration, question: Question) -> Vec<u8> {
        let elapsed = now.saturating_sub(self.began).as_secs();
        let secs = match self.firmware {
            // iPXE counts its packets there and tells what it holds already.
            Firmware::Ipxe { .. } => {
                let held = self.offers.iter().any(|offer| !offer.yiaddr.is_unspecified());
                let proxy = self.offers.iter().any(|offer| offer.yiaddr.is_unspecified());
                (u64::from(self.sent) << 2) | u64::from(held) << 1 | u64::from(proxy)
            }
            Firmware::Bios | Firmware::Uefi { .. } | Firmware::UefiHttp => elapsed,
        };
        let secs = u16::try_from(secs).unwrap_or(u16::MAX);
        wire::render(self.firmware, self.mac, self.uuid, self.xid, secs, question)
    }
}
