//! The built-in client on the sockets of this box: carries its packets to the daemon and the answers back.
//!
//! Two things are not the daemon's and are played here: the DHCP server that leases the address beside a proxy, and the grant
//! of a lease, which would be recorded. So no address is used up, and no machine is known afterwards.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use bootwright_client::ipxe::Generation;
use bootwright_client::machine::{Fate, Gone, Machine, Output, Spec, Start};
use bootwright_client::rom::{Datagram, Fault, Quirk};
use bootwright_client::tftp::End;
use bootwright_core::MacAddr;
use bootwright_net::udp::{Batch, Outgoing, Socket};
use bootwright_proto::dhcp::{
    Boot, BootFile, CLIENT_PORT, Lease, MessageType, PXE_PORT, Reply, Request, SERVER_PORT, Strategy, parse,
    parse_answer, render,
};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::super::super::boot::Booted;
use super::super::client;

/// How long an answer may take on one box.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How often a DISCOVER is sent: a datagram may be lost where a buffer is full.
const DISCOVERS: u32 = 2;

/// How long TFTP may be silent. Firmware waits longer, and on one box nothing is far.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// The longest boot.
const BOOT_MAX: Duration = Duration::from_secs(40);

/// The longest datagram.
const DATAGRAM_MAX: usize = 2048;

/// The bit of the second byte of the flags that asks for an answer to everybody (RFC 2131 section 2).
const BROADCAST_AT: usize = 10;
const BROADCAST_BIT: u8 = 0x80;
/// Where the address that is offered stands.
const YIADDR_AT: std::ops::Range<usize> = 16..20;

/// Through how much of the daemon a boot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// Through all of it.
    All,
    /// From TFTP on: DHCP is not served, or packets are captured from the wire, on which what this box sends to itself is not.
    Files,
}

/// A boot to try.
pub(super) struct Drive {
    pub(super) link: String,
    /// Our address on the link, which is the client's as well.
    pub(super) server: Ipv4Addr,
    pub(super) through: Through,
    /// Whether the firmware is led to port 4011, or fetches what it was offered.
    pub(super) asks_pxe_port: bool,
    /// The boot program, where no offer names it.
    pub(super) file: String,
    /// The URL by which machines are told to reach the machine plane.
    pub(super) base: String,
}

/// A boot under way.
struct Trip<'a> {
    drive: &'a Drive,
    dhcp: Option<Socket>,
    /// The sockets of TFTP, by the ports that the machine takes itself to have.
    files: BTreeMap<u16, UdpSocket>,
    began: Instant,
    /// When anything was last heard.
    heard: Instant,
    /// How far the machine's clock is ahead of ours: where it would only wait for more offers, it need not.
    ahead: Duration,
    stages: Vec<String>,
    /// The stage under way.
    stage: String,
    /// The offer that the machine goes on from, of a daemon that leases addresses.
    lease: Option<Vec<u8>>,
    scripted: bool,
}

impl Drive {
    /// Boots, and says how far it came.
    pub(super) async fn boot(&self, start: Start) -> Booted {
        let mut trip = Trip {
            drive: self,
            dhcp: None,
            files: BTreeMap::new(),
            began: Instant::now(),
            heard: Instant::now(),
            ahead: Duration::ZERO,
            stages: Vec::new(),
            stage: "the start".to_owned(),
            lease: None,
            scripted: false,
        };
        if self.through == Through::All {
            match Socket::bind(&self.link, CLIENT_PORT) {
                Ok(socket) => trip.dhcp = Some(socket),
                Err(error) => return Booted::Untried(format!("{error}")),
            }
        }
        match trip.run(start).await {
            Ok(()) => Booted::Script { stages: trip.stages },
            Err(why) => Booted::Failed { stage: trip.stage, why },
        }
    }
}

impl Trip<'_> {
    async fn run(&mut self, start: Start) -> Result<(), String> {
        let spec = spec(start)?;
        let (mut machine, outputs) = Machine::power_on(spec, self.now());
        let mut outputs = VecDeque::from(outputs);
        loop {
            while let Some(output) = outputs.pop_front() {
                if self.is_held(&output) {
                    return Ok(());
                }
                let more = self.carry(&mut machine, output).await?;
                outputs.extend(more);
            }
            if let Some(fate) = machine.fate() {
                return self.end(fate);
            }
            if self.began.elapsed() > BOOT_MAX {
                return Err(format!("not over after {} s", BOOT_MAX.as_secs()));
            }
            if self.heard.elapsed() > SILENCE_MAX {
                return Err(format!("nothing came within {} s", SILENCE_MAX.as_secs()));
            }
            outputs.extend(self.wait(&mut machine).await);
        }
    }

    /// The machine's clock.
    fn now(&self) -> Duration {
        self.began.elapsed() + self.ahead
    }

    fn reach(&mut self, stage: &str) {
        if self.stage != stage {
            stage.clone_into(&mut self.stage);
        }
    }

    fn pass(&mut self, words: String) {
        if self.stages.last() != Some(&words) {
            self.stages.push(words);
        }
    }

    /// Whether the machine has its script and waits to be decided about, as one that nobody knows does.
    fn is_held(&mut self, output: &Output) -> bool {
        let held = matches!(output, Output::Fetch { url, .. } if path(url).starts_with("/hold"));
        if held && self.scripted {
            self.pass("held".to_owned());
        }
        held && self.scripted
    }

    fn end(&mut self, fate: &Fate) -> Result<(), String> {
        if self.scripted {
            match fate {
                Fate::Kernel(_) => self.pass("a kernel".to_owned()),
                Fate::Disk { .. } | Fate::NextEntry(Gone::Left(_)) => self.pass("its own disk".to_owned()),
                Fate::Reboot => self.pass("a restart".to_owned()),
                Fate::NextEntry(gone) => return Err(words(gone)),
                Fate::Hung => return Err("the boot program hangs".to_owned()),
            }
            return Ok(());
        }
        Err(match fate {
            Fate::NextEntry(gone) => words(gone),
            other => format!("it ended before its script: {other:?}"),
        })
    }

    /// Does what the machine wants.
    async fn carry(&mut self, machine: &mut Machine, output: Output) -> Result<Vec<Output>, String> {
        if !matches!(&output, Output::Send(sent) if is_tftp(sent)) {
            self.heard = Instant::now();
        }
        match output {
            Output::Print(_) => Ok(Vec::new()),
            Output::Fetch { id, url } => {
                self.reach(&format!("HTTP ({url})"));
                let (status, body) = client::get(&url).await?;
                if status != 200 {
                    return Err(format!("status {status}"));
                }
                self.scripted |= path(&url).starts_with("/ipxe") && body.starts_with(b"#!ipxe");
                self.pass(format!("HTTP {}", path(&url).split('?').next().unwrap_or_default()));
                Ok(machine.on_response(self.now(), id, status, body))
            }
            Output::Send(datagram) if datagram.destination.ip().is_broadcast() => self.dhcp(machine, datagram).await,
            Output::Send(datagram) if datagram.destination.port() == PXE_PORT => self.pxe(machine, datagram).await,
            Output::Send(datagram) => self.file(datagram).await,
        }
    }

    /// A DISCOVER or a REQUEST.
    async fn dhcp(&mut self, machine: &mut Machine, datagram: Datagram) -> Result<Vec<Output>, String> {
        let request = parse(&datagram.bytes).map_err(|why| why.to_string())?;
        let server = SocketAddrV4::new(self.drive.server, SERVER_PORT);
        if request.message == Some(MessageType::Request) {
            // The grant is not asked for: it would be recorded.
            let answer = match self.lease.take() {
                Some(mut offer) => {
                    grant(&mut offer);
                    offer
                }
                None => self.stand_in(&request, true)?,
            };
            return Ok(machine.on_packet(self.now(), server, CLIENT_PORT, &answer));
        }
        let of_ipxe = !request.user_class.is_empty();
        let by = if of_ipxe { "iPXE's DISCOVER" } else { "DISCOVER" };
        self.reach(&format!("DHCP ({by} without an offer of ours)"));
        let offer = match self.drive.through {
            Through::All => {
                let offer = self.discover(datagram.bytes).await?;
                self.pass(format!("{by}, OFFER"));
                offer
            }
            Through::Files => self.render(&request, self.boot(of_ipxe, Strategy::Direct)?)?,
        };
        let leases = parse_answer(&offer).is_ok_and(|answer| !answer.yiaddr.is_unspecified());
        let mut packets = Vec::new();
        if leases {
            let mut offer = offer;
            if let Some(place) = offer.get_mut(YIADDR_AT) {
                place.copy_from_slice(&self.drive.server.octets());
            }
            self.lease = Some(offer.clone());
            packets.push(offer);
        } else {
            packets.push(self.stand_in(&request, false)?);
            packets.push(
                if self.drive.asks_pxe_port && !of_ipxe && self.drive.through == Through::All {
                    self.render(&request, self.boot(false, Strategy::NoVendorOptions)?)?
                } else {
                    offer
                },
            );
        }
        let mut outputs = Vec::new();
        for packet in packets {
            outputs.extend(machine.on_packet(self.now(), server, CLIENT_PORT, &packet));
        }
        if outputs.is_empty()
            && let Some(deadline) = machine.deadline()
        {
            self.ahead += deadline.saturating_sub(self.now());
            outputs.extend(machine.on_timer(self.now().max(deadline)));
        }
        Ok(outputs)
    }

    /// Sends a DISCOVER and waits for an offer of ours.
    async fn discover(&self, mut packet: Vec<u8>) -> Result<Vec<u8>, String> {
        let socket = self.dhcp.as_ref().ok_or("there is no socket for DHCP")?;
        // The answer has to come to this box.
        if let Some(flags) = packet.get_mut(BROADCAST_AT) {
            *flags |= BROADCAST_BIT;
        }
        let outgoing = Outgoing {
            payload: &packet,
            to: SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT),
            from: Ipv4Addr::UNSPECIFIED,
        };
        let mut batch = Batch::new(DATAGRAM_MAX);
        for _ in 0..DISCOVERS {
            socket
                .send(&outgoing)
                .await
                .map_err(|error| format!("the DISCOVER cannot be sent: {error}"))?;
            let until = Instant::now() + PATIENCE;
            while let Ok(received) = timeout(
                until.saturating_duration_since(Instant::now()),
                socket.receive(&mut batch),
            )
            .await
            {
                received.map_err(|error| error.to_string())?;
                for datagram in batch.datagrams() {
                    let Ok(answer) = parse_answer(datagram.payload) else {
                        continue;
                    };
                    let to_us = packet.get(4..8) == datagram.payload.get(4..8)
                        && packet.get(28..34) == datagram.payload.get(28..34);
                    if to_us && answer.server_id == Some(self.drive.server) {
                        return Ok(datagram.payload.to_vec());
                    }
                }
            }
        }
        Err(format!(
            "{DISCOVERS} DISCOVERs were sent on {}, and the daemon has not offered anything within {} s",
            self.drive.link,
            (PATIENCE * DISCOVERS).as_secs()
        ))
    }

    /// What the offer that was not asked for would say.
    fn boot(&self, of_ipxe: bool, strategy: Strategy) -> Result<Reply, String> {
        let name = |text: String| BootFile::try_from(text).map_err(|why| why.to_string());
        Ok(Reply::ProxyOffer(if of_ipxe {
            Boot::Ipxe {
                script: name(format!("{}/boot.ipxe", self.drive.base))?,
            }
        } else {
            Boot::Pxe {
                file: name(self.drive.file.clone())?,
                strategy,
            }
        }))
    }

    fn render(&self, request: &Request, reply: Reply) -> Result<Vec<u8>, String> {
        render(request, self.drive.server, &reply).map_err(|why| why.to_string())
    }

    /// What a DHCP server beside us would send: an address and nothing else.
    fn stand_in(&self, request: &Request, granted: bool) -> Result<Vec<u8>, String> {
        let lease = Lease {
            address: self.drive.server,
            secs: Some(60),
            mask: Ipv4Addr::new(255, 255, 255, 0),
            routers: Vec::new(),
            dns: Vec::new(),
            host_name: None,
            domain: None,
            search: Vec::new(),
            broadcast: None,
            ntp: Vec::new(),
            mtu: None,
        };
        let reply = if granted {
            Reply::LeaseAck(lease, None)
        } else {
            Reply::LeaseOffer(lease, None)
        };
        self.render(request, reply)
    }

    /// A question to the boot server.
    async fn pxe(&mut self, machine: &mut Machine, datagram: Datagram) -> Result<Vec<Output>, String> {
        self.reach("port 4011");
        let plain = |error: std::io::Error| error.to_string();
        let socket = UdpSocket::bind((self.drive.server, 0)).await.map_err(plain)?;
        socket
            .send_to(&datagram.bytes, datagram.destination)
            .await
            .map_err(plain)?;
        let mut buffer = vec![0; DATAGRAM_MAX];
        match timeout(PATIENCE, socket.recv_from(&mut buffer)).await {
            Ok(Ok((len, SocketAddr::V4(from)))) => {
                self.pass("4011".to_owned());
                buffer.truncate(len);
                Ok(machine.on_packet(self.now(), from, datagram.source.port(), &buffer))
            }
            Ok(Ok(_)) => Err("an answer over IPv6".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs_f32())),
        }
    }

    /// A packet of TFTP.
    async fn file(&mut self, datagram: Datagram) -> Result<Vec<Output>, String> {
        self.reach(&format!("TFTP of `{}`", self.drive.file));
        let port = datagram.source.port();
        let plain = |error: std::io::Error| error.to_string();
        if !self.files.contains_key(&port) {
            let socket = UdpSocket::bind((self.drive.server, 0)).await.map_err(plain)?;
            self.files.insert(port, socket);
        }
        if let Some(socket) = self.files.get(&port) {
            socket
                .send_to(&datagram.bytes, datagram.destination)
                .await
                .map_err(plain)?;
        }
        Ok(Vec::new())
    }

    /// Waits for a packet of TFTP, or for the time that the machine has set itself.
    async fn wait(&mut self, machine: &mut Machine) -> Vec<Output> {
        let deadline = machine.deadline().unwrap_or_else(|| self.now() + PATIENCE);
        let left = deadline.saturating_sub(self.now()).min(SILENCE_MAX);
        let newest = self.files.iter().next_back();
        let mut buffer = vec![0; DATAGRAM_MAX];
        if let Some((port, socket)) = newest
            && let Ok(Ok((len, SocketAddr::V4(from)))) = timeout(left, socket.recv_from(&mut buffer)).await
        {
            let port = *port;
            self.heard = Instant::now();
            buffer.truncate(len);
            let before = machine.address();
            let outputs = machine.on_packet(self.now(), from, port, &buffer);
            // Whoever has its boot program looks for an address again, now as iPXE.
            if before.is_some()
                && outputs
                    .iter()
                    .any(|output| matches!(output, Output::Send(sent) if sent.destination.ip().is_broadcast()))
            {
                self.pass(format!("TFTP {}", self.drive.file));
            }
            return outputs;
        }
        if newest.is_none() {
            tokio::time::sleep(left).await;
        }
        machine.on_timer(self.now())
    }
}

/// The machine: a card whose address somebody could have made up, and nothing else that tells it from others.
fn spec(start: Start) -> Result<Spec, String> {
    let mut random = [0; 7];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    let [a, b, c, d, e, f, g] = random;
    Ok(Spec {
        start,
        generation: Generation::Of2025,
        mac: MacAddr::new([0x02, 0x62, 0x77, a, b, c]),
        others: std::collections::BTreeSet::new(),
        uuid: None,
        serial: None,
        asset: None,
        manufacturer: None,
        product: None,
        quirk: Quirk::None,
        dead_program: None,
        seed: u32::from_be_bytes([d, e, f, g]),
    })
}

/// Makes the grant of an offer: the message type, which is its first option.
fn grant(offer: &mut [u8]) {
    let at = offer.windows(3).skip(240).position(|option| option == [53, 1, 2]);
    if let Some(kind) = at.and_then(|at| offer.get_mut(at + 242)) {
        *kind = 5;
    }
}

fn is_tftp(datagram: &Datagram) -> bool {
    !datagram.destination.ip().is_broadcast() && datagram.destination.port() != PXE_PORT
}

fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

fn words(gone: &Gone) -> String {
    match gone {
        Gone::Fault(Fault::NoAddress) => "no offer with an address (PXE-E51)".to_owned(),
        Gone::Fault(Fault::NoBootFile) => "an address and no boot file (PXE-E53)".to_owned(),
        Gone::Fault(Fault::NoBootServer) => "the boot server does not answer on port 4011 (PXE-E55)".to_owned(),
        Gone::Fault(Fault::Cancelled) => "an offer that asks for a choice and offers none".to_owned(),
        Gone::Fault(Fault::Refused) => "the lease was refused".to_owned(),
        Gone::Tftp(End::Refused { text, .. }) => format!("the boot program is refused: {text}"),
        Gone::Tftp(End::Silence) => "no answer by TFTP (PXE-E32)".to_owned(),
        Gone::Tftp(other) => format!("TFTP ended with {other:?}"),
        Gone::Http => "the boot program does not come by HTTP".to_owned(),
        Gone::Left(code) => format!("iPXE was left with {code:#x}"),
        Gone::Runaway => "the script runs in circles".to_owned(),
    }
}
