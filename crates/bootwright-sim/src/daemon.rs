//! The daemon without its sockets: requests in, engine, record, answers out. An answer that promises something leaves
//! with the commit that holds its promise.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use bootwright_core::local::NO_FILE;
use bootwright_core::{Arch, Facts, Loader, Make, Policy, Sighting, Timestamp, Transport};
use bootwright_engine::{Engine, HoldScreen, OfferAsk, OfferReply, Outcome, Wants, Woken};
use bootwright_proto::dhcp::{
    Arrival, Boot, BootFile, Client, ClientKind, Merger, MessageType, Port, Question, Reply, Request, Strategy,
    classify, is_system, parse_answer, question, render,
};
use bootwright_proto::http::BaseUrl;
use bootwright_proto::tftp::option::{Caps, Terms, Way};
use bootwright_proto::tftp::packet::{data_header, parse_request, render_error, render_oack};
use bootwright_proto::tftp::{Action, ErrorCode, Outcome as Ended, Transfer};

use bootwright_store::{Loaded, Writing};

use crate::deadline::Deadlines;
use crate::lend::{Errand, Parcel};
use crate::reply::{Parked, Waiting};

/// The daemon's address.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// The firmware that TFTP serves, whatever is asked for.
const FIRMWARE: &[u8] = &[0x5a; 3000];

/// What leaves when a commit is durable.
#[derive(Debug)]
pub(crate) enum Release {
    /// Nothing.
    Nothing,
    /// An answer by HTTP.
    Http(Waiting, u16, String),
    /// An answer by DHCP about an address.
    Lease(Parcel),
    /// The same, if nobody uses the address.
    Look(Box<Errand>, Parcel),
}

/// What has to be recorded together, and what leaves then.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) writing: Writing,
    pub(crate) release: Release,
}

/// The daemon's memory, which a crash takes.
pub(crate) struct Daemon {
    pub(crate) engine: Engine,
    pub(crate) base: BaseUrl,
    pub(crate) pending: VecDeque<Batch>,
    /// The writer has failed, and the store has to be opened again.
    pub(crate) failed: bool,
    pub(crate) parked: Vec<Parked>,
    transfers: BTreeMap<u16, (Transfer, SocketAddrV4)>,
    names: BTreeMap<u16, String>,
    /// Transfers that are over, of which the engine was not told yet.
    pub(crate) ended: Vec<(Ipv4Addr, String, Ended)>,
    /// The transfer of each client, by its end of it.
    peers: BTreeMap<SocketAddrV4, u16>,
    pub(crate) deadlines: Deadlines<u16>,
    next_port: u16,
    merger: Merger,
}

impl Daemon {
    pub(crate) fn start(policy: &Arc<Policy>, loaded: Loaded, now: Timestamp) -> Self {
        let mut engine = Engine::new(Arc::clone(policy), loaded.world, now);
        engine.load_revisions(loaded.revisions);
        engine.load_leases(now, loaded.leases);
        engine.set_own_addresses(now, [SERVER].into());
        let mut daemon = Self {
            engine,
            base: "http://10.77.0.1:8080"
                .parse()
                .unwrap_or_else(|_| unreachable!("a URL")),
            pending: VecDeque::new(),
            failed: false,
            parked: Vec::new(),
            transfers: BTreeMap::new(),
            names: BTreeMap::new(),
            ended: Vec::new(),
            peers: BTreeMap::new(),
            deadlines: Deadlines::default(),
            next_port: 40_000,
            merger: Merger::default(),
        };
        let outcome = daemon.engine.reload(now, None, Arc::clone(policy));
        let (_, woken) = daemon.submit(outcome, |_| Release::Nothing);
        daemon.wake(now, &woken);
        daemon
    }

    /// Takes what has to be recorded, and the answer that may leave at once.
    pub(crate) fn submit<R>(
        &mut self,
        outcome: Outcome<R>,
        release: impl FnOnce(&R) -> Release,
    ) -> (Option<Release>, Woken) {
        let held = release(&outcome.reply);
        let woken = outcome.woken;
        if outcome.promises && self.failed {
            // What was promised cannot be recorded: whoever asked is told to come again.
            return (Some(unrecorded(held)), woken);
        }
        let writing = Writing {
            entries: outcome.entries,
            leases: outcome.leases,
            revisions: outcome.revisions,
        };
        if outcome.promises {
            self.pending.push_back(Batch { writing, release: held });
            return (None, woken);
        }
        if writing != Writing::default() && !self.failed {
            self.pending.push_back(Batch {
                writing,
                release: Release::Nothing,
            });
        }
        (Some(held), woken)
    }

    /// Held machines whose question may have another answer now.
    pub(crate) fn wake(&mut self, now: Timestamp, woken: &Woken) -> Vec<Parked> {
        if *woken == Woken::None {
            return Vec::new();
        }
        let (mut awake, mut asleep) = (Vec::new(), Vec::new());
        for parked in std::mem::take(&mut self.parked) {
            let wakes = match woken {
                Woken::None => false,
                Woken::All => parked.screen != self.screen(now, &parked.facts),
                Woken::Host(host) => self.engine.find(&parked.facts).as_ref() == Some(host),
            };
            if wakes { awake.push(parked) } else { asleep.push(parked) }
        }
        self.parked = asleep;
        awake
    }

    /// What a held machine is shown; nothing if it is not held.
    pub(crate) fn screen(&self, now: Timestamp, facts: &Facts) -> Option<HoldScreen> {
        self.engine
            .find(facts)
            .and_then(|host| self.engine.held_screen(now, &host))
    }

    /// A DHCP request, on port 67 or 4011: the reply, if there is one. Whatever it records waits for nobody.
    pub(crate) fn dhcp(
        &mut self,
        now: Timestamp,
        port: Port,
        request: &Request,
    ) -> (Option<(SocketAddrV4, Vec<u8>)>, Woken) {
        let client = classify(request);
        if is_system(request, &client) {
            let outcome = self.engine.system_heard(now, bootwright_core::Way::Link, request.mac);
            let (_, woken) = self.submit(outcome, |()| Release::Nothing);
            return (None, woken);
        }
        if let Some(address) = request
            .requested
            .filter(|_| request.message == Some(MessageType::Request))
        {
            self.engine
                .hear_address(bootwright_core::Way::Link, request.mac, address.into());
        }
        let arrival = Arrival { port, ours: &[SERVER] };
        let Ok(question) = question(request, &client, arrival) else {
            return (None, Woken::None);
        };
        let Some(ask) = offer_ask(self.engine.policy(), request, &client, question) else {
            return (None, Woken::None);
        };
        let outcome = self.engine.offer(now, &ask);
        let boot = boot_of(&self.base, &outcome.reply);
        let (_, woken) = self.submit(outcome, |_| Release::Nothing);
        let Some(boot) = boot else { return (None, woken) };
        let merges = matches!(
            boot,
            Boot::Pxe {
                strategy: Strategy::Merged,
                ..
            }
        );
        if merges && question == Question::Discover {
            let merged = self.merger.ask(now, request, SERVER, boot).ok().flatten();
            return (merged.map(|bytes| (SocketAddrV4::new(SERVER, 67), bytes)), woken);
        }
        let reply = match question {
            Question::Discover => Reply::ProxyOffer(boot),
            Question::BootFile | Question::MenuEntry => Reply::BootAck(boot),
        };
        let from = match port {
            Port::Dhcp => 67,
            Port::Pxe => 4011,
        };
        let bytes = render(request, SERVER, &reply).ok();
        (bytes.map(|bytes| (SocketAddrV4::new(SERVER, from), bytes)), woken)
    }

    /// Another server's answer to a machine is seen: what goes out with it.
    pub(crate) fn overhear(&mut self, now: Timestamp, bytes: &[u8]) -> Option<(SocketAddrV4, Vec<u8>)> {
        let answer = parse_answer(bytes).ok()?;
        let merged = self.merger.hear(now, &answer, &[SERVER]).ok().flatten()?;
        Some((SocketAddrV4::new(SERVER, 67), merged))
    }

    /// A TFTP packet: packets to send, with the port that they leave from.
    pub(crate) fn tftp(&mut self, now: Duration, peer: SocketAddrV4, port: u16, bytes: &[u8]) -> (u16, Vec<Vec<u8>>) {
        if port != 69 {
            let action = match self.transfers.get_mut(&port) {
                Some((transfer, known)) if *known == peer => transfer.on_packet(now, bytes),
                Some(_) | None => return (port, Vec::new()),
            };
            return (port, self.blocks(port, action));
        }
        let Ok(request) = parse_request(bytes) else {
            return (port, Vec::new());
        };
        if request.name == NO_FILE.as_bytes() {
            let mut bytes = vec![0; 128];
            let len = render_error(ErrorCode::NotFound, "no such file", &mut bytes).unwrap_or(0);
            bytes.truncate(len);
            return (port, vec![bytes]);
        }
        let name = String::from_utf8_lossy(request.name).into_owned();
        let size = u64::try_from(FIRMWARE.len()).unwrap_or(0);
        let caps = Caps {
            blksize: 1468,
            windowsize: 16,
        };
        let way = Way { mtu: 1500, ipv6: false };
        let terms = Terms::negotiate(&request.asked, request.mode, size, way, caps);
        let (transfer, action) = Transfer::begin(terms, size, now);
        // A client that asks again has not heard the first answer: its new transfer takes the place of the old one.
        if let Some(before) = self.peers.get(&peer).copied() {
            self.forget(before);
        }
        self.next_port = self.next_port.checked_add(1).unwrap_or(40_001);
        let port = self.next_port;
        self.forget(port);
        self.transfers.insert(port, (transfer, peer));
        self.peers.insert(peer, port);
        self.names.insert(port, name);
        (port, self.blocks(port, action))
    }

    fn forget(&mut self, port: u16) {
        if let Some((_, peer)) = self.transfers.remove(&port) {
            self.peers.remove(&peer);
        }
        self.names.remove(&port);
        self.deadlines.set(port, None);
    }

    /// The transfers whose time has come: for each its port, its peer and its packets.
    pub(crate) fn tftp_timers(&mut self, now: Duration) -> Vec<(u16, SocketAddrV4, Vec<Vec<u8>>)> {
        let ports = self.deadlines.due(now);
        let mut sent = Vec::new();
        for port in ports {
            if let Some((transfer, peer)) = self.transfers.get_mut(&port) {
                let (action, peer) = (transfer.on_timer(now), *peer);
                sent.push((port, peer, self.blocks(port, action)));
            }
        }
        sent
    }

    fn blocks(&mut self, port: u16, action: Action) -> Vec<Vec<u8>> {
        let Some((transfer, _)) = self.transfers.get(&port) else {
            return Vec::new();
        };
        self.deadlines.set(port, Some(transfer.deadline()));
        match action {
            Action::SendOack => {
                let mut bytes = vec![0; 512];
                let len = render_oack(transfer.terms(), &mut bytes).unwrap_or(0);
                bytes.truncate(len);
                vec![bytes]
            }
            Action::Send(blocks) => (blocks.first..blocks.first + u64::from(blocks.count))
                .map(|block| {
                    let (start, len) = transfer.span(block);
                    let mut bytes = data_header(Transfer::wire(block)).to_vec();
                    let start = usize::try_from(start).unwrap_or(usize::MAX);
                    bytes.extend(FIRMWARE.iter().skip(start).take(usize::from(len)));
                    bytes
                })
                .collect(),
            Action::Ignore(_) | Action::Wait => Vec::new(),
            Action::Finish(outcome) => {
                let peer = self.transfers.get(&port).map(|(_, peer)| *peer.ip());
                if let Some((peer, name)) = peer.zip(self.names.remove(&port)) {
                    self.ended.push((peer, name, outcome));
                }
                self.forget(port);
                Vec::new()
            }
        }
    }
}

/// What is said in place of an answer whose promise could not be recorded.
pub(crate) fn unrecorded(release: Release) -> Release {
    match release {
        Release::Http(waiting, _, _) => Release::Http(waiting, 503, String::new()),
        Release::Lease(_) | Release::Look(..) | Release::Nothing => Release::Nothing,
    }
}

/// What the engine is asked about a client that wants to boot.
pub(crate) fn offer_ask(policy: &Policy, request: &Request, client: &Client, question: Question) -> Option<OfferAsk> {
    let loader = match client.kind {
        ClientKind::Ipxe(_) => Loader::Ipxe,
        ClientKind::UBoot => Loader::UBoot,
        ClientKind::RaspberryPi => Loader::RaspberryPi,
        _ => Loader::Firmware,
    };
    let known = |arch: Arch| policy.first_files.contains_key(&arch);
    let arch = client.arch(known).or((loader == Loader::Ipxe).then_some(Arch::BIOS))?;
    let mut seen = Sighting {
        boot_mac: Some(request.mac),
        link: Some("lan0".to_owned()),
        arch: Some(arch),
        ..Sighting::default()
    };
    seen.facts.macs.insert(request.mac);
    seen.facts.uuid = request.uuid;
    Some(OfferAsk {
        seen,
        arch,
        loader,
        make: Make::new(&request.vendor_class, request.mac),
        wants: match question {
            Question::Discover => Wants::Offer,
            Question::BootFile => Wants::File,
            Question::MenuEntry => Wants::MenuEntry,
        },
        way: bootwright_core::Way::Link,
    })
}

/// What the engine says that a client should boot, in the words of the protocol.
pub(crate) fn boot_of(base: &BaseUrl, reply: &OfferReply) -> Option<Boot> {
    let file = |name: &str| BootFile::new(name).ok();
    Some(match reply {
        OfferReply::Silence(_) => return None,
        OfferReply::OwnFiles => Boot::RaspberryPi,
        OfferReply::Script => Boot::Ipxe {
            script: file(&base.join("/boot.ipxe"))?,
        },
        OfferReply::FirstFile {
            file: name,
            transport: Transport::Tftp,
            strategy,
        } => Boot::Pxe {
            file: file(name)?,
            strategy: *strategy,
        },
        OfferReply::FirstFile {
            file: name,
            transport: Transport::Http,
            ..
        } => Boot::Http {
            url: file(&base.join(&format!("/firmware/{name}")))?,
        },
    })
}
