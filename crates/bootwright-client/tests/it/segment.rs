//! A segment in memory: one machine, a server that leases addresses, a boot server that translates and decides nothing,
//! and virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_client::machine::{Fate, Machine, Output, Spec};
use bootwright_client::rom::Datagram;
use bootwright_proto::dhcp::{
    Arrival, Boot, BootFile, ClientKind, Destination, Lease, Merger, MessageType, Port, Question, Reply, Request,
    Strategy, classify, destination, parse, parse_answer, question, render,
};
use bootwright_proto::tftp::option::{Caps, Terms, Way};
use bootwright_proto::tftp::packet::{data_header, parse_request, render_oack};
use bootwright_proto::tftp::{Action, Transfer};

pub(crate) const MAIN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
pub(crate) const PROXY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const LEASED: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);

/// Changes a packet on its way: the last word of a test on what a server sends.
pub(crate) type Mangle = Box<dyn FnMut(Port, &mut Vec<u8>)>;

/// What answers HTTP: a URL in, a status and a body out.
pub(crate) type Web = Box<dyn FnMut(Duration, &str) -> (u16, String)>;

pub(crate) struct Segment {
    /// What the main server adds to its offers; nothing if there is no main server.
    pub(crate) main: Option<Option<Boot>>,
    /// How the boot server makes ROMs go on; nothing if there is none.
    pub(crate) strategy: Option<Strategy>,
    /// How late it answers.
    pub(crate) delay: Duration,
    /// What happens to its packets.
    pub(crate) mangle: Mangle,
    /// What happens to the main server's packets.
    pub(crate) mangle_main: Option<fn(&mut Vec<u8>)>,
    /// The web server.
    pub(crate) web: Web,
    /// What was sent, in words.
    pub(crate) log: Vec<String>,
    queue: BTreeMap<(Duration, u64), Delivery>,
    count: u64,
    transfer: Option<(Transfer, u16)>,
    port: u16,
    merger: Merger,
}

enum Delivery {
    Packet(SocketAddrV4, u16, Vec<u8>),
    Response(u32, u16, String),
}

/// The file that TFTP serves, whatever is asked for.
const FILE: &[u8] = &[0x5a; 5000];

impl Segment {
    pub(crate) fn new(web: impl FnMut(Duration, &str) -> (u16, String) + 'static) -> Self {
        Self {
            main: Some(None),
            strategy: Some(Strategy::Direct),
            delay: Duration::from_millis(1),
            mangle: Box::new(|_, _| {}),
            mangle_main: None,
            web: Box::new(web),
            log: Vec::new(),
            queue: BTreeMap::new(),
            count: 0,
            transfer: None,
            port: 40_000,
            merger: Merger::default(),
        }
    }

    /// Switches the machine on and lets it run until it has come to something, or ten minutes are over.
    pub(crate) fn boot(&mut self, spec: Spec) -> (Option<Fate>, Duration) {
        let now = Duration::ZERO;
        let (mut machine, outputs) = Machine::power_on(spec, now);
        self.run(&mut machine, now, outputs)
    }

    /// The same, and then on from what the world says of what it came to.
    pub(crate) fn boot_then(
        &mut self,
        spec: Spec,
        then: impl FnOnce(&mut Machine, Duration) -> Vec<Output>,
    ) -> Option<Fate> {
        let (mut machine, outputs) = Machine::power_on(spec, Duration::ZERO);
        let (_, now) = self.run(&mut machine, Duration::ZERO, outputs);
        let outputs = then(&mut machine, now);
        self.run(&mut machine, now, outputs).0
    }

    fn run(&mut self, machine: &mut Machine, mut now: Duration, outputs: Vec<Output>) -> (Option<Fate>, Duration) {
        let mut outputs = VecDeque::from(outputs);
        while now < Duration::from_secs(600) {
            while let Some(output) = outputs.pop_front() {
                self.carry(now, output);
            }
            if let Some(fate) = machine.fate() {
                return (Some(fate.clone()), now);
            }
            let next = self.queue.first_key_value().map(|(key, _)| key.0);
            let Some(due) = [next, machine.deadline()].into_iter().flatten().min() else {
                return (None, now);
            };
            now = now.max(due);
            let delivery = match self.queue.first_entry() {
                Some(first) if first.key().0 <= now => Some(first.remove()),
                _ => None,
            };
            outputs.extend(match delivery {
                Some(Delivery::Packet(source, port, bytes)) => machine.on_packet(now, source, port, &bytes),
                Some(Delivery::Response(id, status, body)) => machine.on_response(now, id, status, body.into_bytes()),
                None => machine.on_timer(now),
            });
        }
        (None, now)
    }

    fn carry(&mut self, now: Duration, output: Output) {
        match output {
            Output::Print(line) => self.note(now, &format!("| {line}")),
            Output::Fetch { id, url } => {
                self.note(now, &format!("GET {}", url.split('?').next().unwrap_or_default()));
                let (status, body) = (self.web)(now, &url);
                self.deliver(now, Duration::from_millis(2), Delivery::Response(id, status, body));
            }
            Output::Send(datagram) => match datagram.destination.port() {
                67 => self.on_dhcp(now, &datagram),
                4011 => self.on_boot_server(now, &datagram),
                _ => self.on_tftp(now, &datagram),
            },
        }
    }

    fn note(&mut self, now: Duration, words: &str) {
        self.log
            .push(format!("{:<3} {words}", now.as_secs()).trim_end().to_owned());
    }

    fn deliver(&mut self, now: Duration, after: Duration, delivery: Delivery) {
        self.count += 1;
        self.queue.insert((now + after, self.count), delivery);
    }

    fn on_dhcp(&mut self, now: Duration, datagram: &Datagram) {
        let request = parse(&datagram.bytes).expect("a sound packet");
        let kind = classify(&request).kind;
        let message = request.message.expect("a message type");
        self.note(now, &format!("{message:?} of {}", kind.name()));
        self.answer_as_main(now, &request, message);
        self.answer_as_proxy(now, Port::Dhcp, datagram, &request);
    }

    fn answer_as_main(&mut self, now: Duration, request: &Request, message: MessageType) {
        let Some(boot) = self.main.clone() else { return };
        let lease = Lease {
            address: LEASED,
            secs: Some(3600),
            mask: Ipv4Addr::new(255, 255, 255, 0),
            routers: vec![MAIN],
            dns: vec![MAIN],
            host_name: None,
            domain: None,
            search: Vec::new(),
            broadcast: None,
            ntp: Vec::new(),
            mtu: None,
        };
        let reply = match message {
            MessageType::Discover => Reply::LeaseOffer(lease, boot),
            MessageType::Request if request.server_id == Some(MAIN) => Reply::LeaseAck(lease, boot),
            _ => return,
        };
        let mut bytes = render(request, MAIN, &reply).expect("it fits");
        if reply.boot().is_none() {
            // A plain server names no next server.
            bytes[20..24].fill(0);
        }
        if let Some(mangle) = self.mangle_main {
            mangle(&mut bytes);
        }
        let answer = parse_answer(&bytes).expect("a sound answer");
        let delivery = Delivery::Packet(SocketAddrV4::new(MAIN, 67), 68, bytes);
        self.deliver(now, Duration::from_millis(2), delivery);
        let merged = self.merger.hear(moment(now), &answer, &[PROXY]).expect("it fits");
        self.deliver_merged(now, merged);
    }

    fn deliver_merged(&mut self, now: Duration, merged: Option<Vec<u8>>) {
        if let Some(bytes) = merged {
            let delivery = Delivery::Packet(SocketAddrV4::new(PROXY, 67), 68, bytes);
            self.deliver(now, Duration::from_millis(3), delivery);
        }
    }

    fn on_boot_server(&mut self, now: Duration, datagram: &Datagram) {
        let request = parse(&datagram.bytes).expect("a sound packet");
        let (from, to) = (datagram.source.port(), datagram.destination.ip());
        self.note(
            now,
            &format!("{:?} on port 4011 of {to} from port {from}", request.message),
        );
        if *to == PROXY {
            self.answer_as_proxy(now, Port::Pxe, datagram, &request);
        }
    }

    fn answer_as_proxy(&mut self, now: Duration, port: Port, datagram: &Datagram, request: &Request) {
        let Some(strategy) = self.strategy else { return };
        let client = classify(request);
        let arrival = Arrival { port, ours: &[PROXY] };
        let Ok(question) = question(request, &client, arrival) else {
            return;
        };
        let file = |name: &str| BootFile::new(name).expect("a name");
        let boot = match client.kind {
            ClientKind::Ipxe(_) => Boot::Ipxe {
                script: file("http://10.77.0.1:8080/boot.ipxe"),
            },
            ClientKind::UefiHttp => Boot::Http {
                url: file("http://10.77.0.1:8080/firmware/snponly.efi"),
            },
            ClientKind::BiosPxe => Boot::Pxe {
                file: file("undionly.kpxe"),
                strategy,
            },
            _ => Boot::Pxe {
                file: file("snponly.efi"),
                strategy,
            },
        };
        let merges = matches!(&boot, Boot::Pxe { strategy, .. } if *strategy == Strategy::Merged);
        if merges && question == Question::Discover {
            let merged = self.merger.ask(moment(now), request, PROXY, boot).expect("it fits");
            return self.deliver_merged(now, merged);
        }
        let reply = match question {
            Question::Discover => Reply::ProxyOffer(boot),
            Question::BootFile | Question::MenuEntry => Reply::BootAck(boot),
        };
        let mut bytes = render(request, PROXY, &reply).expect("it fits");
        (self.mangle)(port, &mut bytes);
        let to = match destination(request, port, datagram.source, &reply) {
            Destination::BroadcastLocal { port } | Destination::Unicast { port, .. } => port,
            other => panic!("nobody relays here: {other:?}"),
        };
        let from = match port {
            Port::Dhcp => 67,
            Port::Pxe => 4011,
        };
        let delivery = Delivery::Packet(SocketAddrV4::new(PROXY, from), to, bytes);
        self.deliver(now, self.delay, delivery);
    }

    fn on_tftp(&mut self, now: Duration, datagram: &Datagram) {
        assert_eq!(*datagram.destination.ip(), PROXY, "only the proxy serves files");
        let action = if datagram.destination.port() == 69 {
            let request = parse_request(&datagram.bytes).expect("a request");
            let name = String::from_utf8_lossy(request.name).into_owned();
            self.note(now, &format!("TFTP {name}"));
            let way = Way { mtu: 1500, ipv6: false };
            let caps = Caps {
                blksize: 1468,
                windowsize: 16,
            };
            let size = u64::try_from(FILE.len()).expect("a small file");
            let terms = Terms::negotiate(&request.asked, request.mode, size, way, caps);
            self.port += 1;
            let (transfer, action) = Transfer::begin(terms, size, now);
            self.transfer = Some((transfer, datagram.source.port()));
            action
        } else {
            match &mut self.transfer {
                Some((transfer, _)) => transfer.on_packet(now, &datagram.bytes),
                None => return,
            }
        };
        self.send_blocks(now, action);
    }

    fn send_blocks(&mut self, now: Duration, action: Action) {
        let Some((transfer, to)) = &self.transfer else { return };
        let mut packets = Vec::new();
        match action {
            Action::SendOack => {
                let mut bytes = vec![0; 512];
                let len = render_oack(transfer.terms(), &mut bytes).expect("it fits");
                bytes.truncate(len);
                packets.push(bytes);
            }
            Action::Send(blocks) => {
                for block in blocks.first..blocks.first + u64::from(blocks.count) {
                    let (start, len) = transfer.span(block);
                    let start = usize::try_from(start).expect("a small file");
                    let mut bytes = data_header(Transfer::wire(block)).to_vec();
                    bytes.extend(&FILE[start..start + usize::from(len)]);
                    packets.push(bytes);
                }
            }
            Action::Ignore(_) | Action::Wait | Action::Finish(_) => {}
        }
        let (to, from) = (*to, SocketAddrV4::new(PROXY, self.port));
        for bytes in packets {
            self.deliver(now, Duration::from_millis(1), Delivery::Packet(from, to, bytes));
        }
    }
}

fn moment(now: Duration) -> bootwright_core::Timestamp {
    bootwright_core::Timestamp::from_millis(u64::try_from(now.as_millis()).expect("a short story"))
}

/// Takes an option out of a packet.
pub(crate) fn without(bytes: &mut Vec<u8>, wanted: u8) {
    let mut at = 240;
    while at + 1 < bytes.len() && bytes[at] != 255 {
        let len = 2 + usize::from(bytes[at + 1]);
        if bytes[at] == wanted {
            bytes.drain(at..at + len);
        } else {
            at += len;
        }
    }
}
