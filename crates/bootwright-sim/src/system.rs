//! A machine's own system, as far as its network goes: a DHCP client that calls itself otherwise than firmware did.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_client::rom::Datagram;
use bootwright_core::MacAddr;
use bootwright_proto::dhcp::{Answer, CLIENT_PORT, MessageType, Request, SERVER_PORT, parse_answer, render_request};

/// How long it waits for an answer before it asks again, at first and at most.
const PATIENCE: [Duration; 2] = [Duration::from_secs(4), Duration::from_secs(64)];

/// How often it asks for the address that it had before it asks for any.
const REBOOTS_MAX: u32 = 2;

/// The client.
#[derive(Clone, Debug)]
pub(crate) struct System {
    mac: MacAddr,
    xid: u32,
    stage: Stage,
    /// How often it has asked the present question.
    tries: u32,
    deadline: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It wants the address that it had when it was last up (RFC 2131 section 3.2).
    Reboot(Ipv4Addr),
    Discover,
    Select {
        server: Ipv4Addr,
        address: Ipv4Addr,
    },
    Bound(Bound),
}

/// A lease, with the points in time of RFC 2131 section 4.4.5.
#[derive(Clone, Copy, Debug)]
struct Bound {
    server: Ipv4Addr,
    address: Ipv4Addr,
    rebind_at: Duration,
    until: Duration,
}

impl System {
    /// The system starts. `before` is the address that it had when it was last up.
    pub(crate) fn start(mac: MacAddr, before: Option<Ipv4Addr>, seed: u32, now: Duration) -> (Self, Datagram) {
        let mut system = Self {
            mac,
            xid: seed,
            stage: before.map_or(Stage::Discover, Stage::Reboot),
            tries: 0,
            deadline: now,
        };
        let first = system.ask(now);
        (system, first)
    }

    /// The address that it has.
    pub(crate) const fn address(&self) -> Option<Ipv4Addr> {
        match self.stage {
            Stage::Bound(bound) => Some(bound.address),
            Stage::Reboot(_) | Stage::Discover | Stage::Select { .. } => None,
        }
    }

    /// When to call [`Self::on_timer`].
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The time has come.
    pub(crate) fn on_timer(&mut self, now: Duration) -> Option<Datagram> {
        if now < self.deadline {
            return None;
        }
        match self.stage {
            Stage::Reboot(_) if self.tries >= REBOOTS_MAX => self.turn(Stage::Discover),
            Stage::Select { .. } if self.tries >= 4 => self.turn(Stage::Discover),
            Stage::Bound(bound) if now >= bound.until => self.turn(Stage::Discover),
            Stage::Reboot(_) | Stage::Select { .. } | Stage::Discover | Stage::Bound(_) => {}
        }
        Some(self.ask(now))
    }

    /// A packet arrived on port 68.
    pub(crate) fn on_packet(&mut self, now: Duration, bytes: &[u8]) -> Option<Datagram> {
        let answer = parse_answer(bytes).ok()?;
        if (answer.xid, answer.mac) != (self.xid, self.mac) {
            return None;
        }
        match (answer.message?, self.stage) {
            (MessageType::Offer, Stage::Discover) => {
                let (server, address) = (answer.server_id?, answer.yiaddr);
                // A proxy's offer leads to no address.
                if address.is_unspecified() {
                    return None;
                }
                self.turn(Stage::Select { server, address });
                Some(self.ask(now))
            }
            (MessageType::Ack, Stage::Reboot(address) | Stage::Select { address, .. }) if answer.yiaddr == address => {
                self.bind(now, &answer);
                None
            }
            (MessageType::Ack, Stage::Bound(bound)) if answer.yiaddr == bound.address => {
                self.bind(now, &answer);
                None
            }
            (MessageType::Nak, Stage::Reboot(_) | Stage::Select { .. } | Stage::Bound(_)) => {
                self.turn(Stage::Discover);
                Some(self.ask(now))
            }
            _ => None,
        }
    }

    fn bind(&mut self, now: Duration, answer: &Answer) {
        let Some((server, secs)) = answer.server_id.zip(answer.lease_secs) else {
            return;
        };
        let span = Duration::from_secs(u64::from(secs));
        self.turn(Stage::Bound(Bound {
            server,
            address: answer.yiaddr,
            rebind_at: now.saturating_add(span * 7 / 8),
            until: now.saturating_add(span),
        }));
        self.deadline = now.saturating_add(span / 2);
    }

    fn turn(&mut self, stage: Stage) {
        (self.stage, self.tries) = (stage, 0);
    }

    /// Asks the question of its stage, once more.
    fn ask(&mut self, now: Duration) -> Datagram {
        let [first, most] = PATIENCE;
        let patience = (first * 2_u32.saturating_pow(self.tries.min(4))).min(most);
        self.tries = self.tries.saturating_add(1);
        self.deadline = now.saturating_add(patience);
        let mut request = self.request();
        let mut ends = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
        match self.stage {
            Stage::Discover => request.message = Some(MessageType::Discover),
            Stage::Reboot(address) => request.requested = Some(address),
            Stage::Select { server, address } => {
                (request.server_id, request.requested) = (Some(server), Some(address));
            }
            Stage::Bound(bound) => {
                request.ciaddr = bound.address;
                let rebinds = now >= bound.rebind_at;
                ends = (bound.address, if rebinds { Ipv4Addr::BROADCAST } else { bound.server });
            }
        }
        Datagram {
            source: SocketAddrV4::new(ends.0, CLIENT_PORT),
            destination: SocketAddrV4::new(ends.1, SERVER_PORT),
            bytes: render_request(&request),
        }
    }

    /// A REQUEST that asks for nothing yet.
    fn request(&self) -> Request {
        let octets = self.mac.octets();
        let mut chaddr = [0; 16];
        for (to, from) in chaddr.iter_mut().zip(octets) {
            *to = from;
        }
        Request {
            htype: 1,
            hops: 0,
            xid: self.xid,
            secs: 0,
            broadcast: false,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            mac: self.mac,
            chaddr,
            message: Some(MessageType::Request),
            host_name: None,
            requested: None,
            server_id: None,
            parameters: vec![1, 3, 6, 15, 51],
            max_message: None,
            vendor_class: Vec::new(),
            // A DUID with an IAID before it (RFC 4361), as the systems of today call themselves.
            client_id: Some([&[255, 0, 0, 0, 1, 0, 3, 0, 1], octets.as_slice()].concat()),
            user_class: Vec::new(),
            archs: Vec::new(),
            interface: None,
            uuid: None,
            machine_id: None,
            boot_item: None,
            ipxe: None,
            relay_info: None,
            link_selection: None,
            server_id_override: None,
            subnet_selection: None,
        }
    }
}
