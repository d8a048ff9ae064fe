//! One datagram: read it, ask the engine, write the reply.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bootwright_core::lease::LeaseWhy;
use bootwright_core::way::Traces;
use bootwright_core::{Arch, DhcpMode, Loader, MacAddr, Make, Sighting, Strategy, Transport, Way, Why};
use bootwright_engine::{OfferAsk, OfferReply, Wants};
use bootwright_net::udp::Datagram;
use bootwright_proto::dhcp::{
    Arrival, Boot, BootFile, CLIENT_PORT, Client, ClientKind, Destination, Discard, Feature, MessageType, NotBootFile,
    Port, Question, Reply, Request, Silence, Unrenderable, classify, destination, is_search, is_system, parse,
    question, render_over, sender,
};
use bootwright_proto::hexdump::Hexdump;

use super::later::{Later, Tray};
use super::merge::Merging;
use super::outlet::Answered;
use super::pace::Pace;
use super::paper::Paper;
use super::probe::Looks;
use crate::census;
use crate::core::Core;
use crate::counter::Counters;
use crate::metrics::{LinkMeter, Verdict};
use crate::mishap::contain;
use crate::place::Place;

/// Answers the DHCP requests of one link.
#[derive(Clone)]
pub struct Desk {
    core: Arc<Core>,
    counters: Arc<Counters>,
    place: Arc<Place>,
    meter: Arc<LinkMeter>,
    /// The URL of the script at the link's first address, at which nearly everybody gets it.
    script: Option<(Ipv4Addr, BootFile)>,
    pace: Arc<Mutex<Pace<MacAddr>>>,
    merging: Arc<Merging>,
    looks: Arc<Looks>,
}

/// What becomes of a request that is not ignored.
pub(super) enum Handled {
    /// A reply that may leave.
    Now(Answered),
    /// An offer that has to wait.
    Later(Later),
    /// Nothing leaves now: nobody expects a reply, or it was put to those that wait for the record.
    Noted,
}

/// Why a datagram got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It was longer than any DHCP packet.
    Truncated,
    /// It belongs to a VLAN of which this link is no part: an answer would arrive elsewhere.
    OtherVlan(u16),
    /// It is no sound request.
    Discarded(Discard),
    /// It is none for a boot server.
    Silent(Silence),
    /// The policy says so.
    Policy(Why),
    /// It gets no address.
    Lease(LeaseWhy),
    /// It was granted an address, and that could not be recorded.
    Unrecorded,
    /// Too many others wait.
    TooManyWaiting,
    /// It is being looked whether somebody uses the address that it would be offered; that offer will answer it.
    BeingLookedAt,
    /// Other machines use all the addresses that were tried for it.
    AllInUse,
    /// It comes from our own card: a search of ours, or this box's own DHCP client.
    OwnPacket,
    /// The link has no address to answer from.
    NoAddress,
    /// The client asks more often than any firmware does.
    TooOften,
    /// Nothing in it tells the client's architecture.
    NoArchitecture,
    /// The file that it should fetch has a name that no reply can carry.
    BadFile(NotBootFile),
    /// The reply cannot be written.
    Unrenderable(Unrenderable),
    /// Its offer is held until that of the DHCP server is seen.
    Held,
}

impl Desk {
    /// A desk for one link.
    #[must_use]
    pub fn new(core: Arc<Core>, counters: Arc<Counters>, place: Arc<Place>, merging: Arc<Merging>) -> Self {
        let script = place
            .link
            .ipv4()
            .and_then(|from| Some((from, script_at(&place, from).ok()?)));
        Self {
            core,
            meter: counters.meters.link(&place.name),
            counters,
            script,
            place,
            pace: Arc::default(),
            looks: Arc::default(),
            merging,
        }
    }

    /// Handles one datagram: a reply, or nothing, which is counted with its reason. Replies are counted by those who send
    /// them, many at a time.
    ///
    /// A panic costs this datagram and no other. (One in the engine ends the process: see `telemetry`.)
    pub(super) fn handle(&self, datagram: &Datagram<'_>, port: Port, tray: &mut Tray) -> Option<Handled> {
        self.show("received", datagram.source, datagram.payload);
        let mut message = None;
        let answered = contain(&self.counters, "dhcp", || {
            self.answer(datagram, port, tray, &mut message)
        });
        self.meter.count(message, verdict(answered.as_ref()));
        match answered {
            Some(Ok(handled)) => Some(handled),
            Some(Err((mac, ignored))) => {
                self.ignore(datagram.source, mac, &ignored);
                None
            }
            None => {
                tracing::error!(code = "E901", link = %self.place.name, peer = %datagram.source, "a packet made the daemon panic");
                None
            }
        }
    }

    /// Shows a packet to whoever looks that closely, and costs others nothing.
    pub(super) fn show(&self, event: &'static str, peer: SocketAddrV4, payload: &[u8]) {
        tracing::trace!(
            link = %self.place.name,
            %peer,
            event,
            bytes = payload.len(),
            dump = %format_args!("\n{}", Hexdump(payload)),
            "packet"
        );
    }

    pub(super) fn ignore(&self, peer: SocketAddrV4, mac: Option<MacAddr>, ignored: &Ignored) {
        self.counters.count("dhcp", ignored.name());
        tracing::debug!(
            link = %self.place.name,
            %peer,
            mac = mac.map(tracing::field::display),
            why = %ignored,
            "no answer"
        );
        if let Some(mac) = mac {
            self.core.overheard(mac, ignored);
        }
    }

    fn answer(
        &self,
        datagram: &Datagram<'_>,
        port: Port,
        tray: &mut Tray,
        message: &mut Option<MessageType>,
    ) -> Result<Handled, (Option<MacAddr>, Ignored)> {
        let of_sender = |ignored| (sender(datagram.payload), ignored);
        if datagram.truncated {
            return Err(of_sender(Ignored::Truncated));
        }
        if let Some(vlan) = datagram.vlan {
            return Err(of_sender(Ignored::OtherVlan(vlan)));
        }
        let request = parse(datagram.payload).map_err(|discard| of_sender(Ignored::Discarded(discard)))?;
        let mac = request.mac;
        *message = request.message;
        self.answer_request(request, datagram, port, tray)
            .map_err(|ignored| (Some(mac), ignored))
    }

    fn answer_request(
        &self,
        request: Request,
        datagram: &Datagram<'_>,
        port: Port,
        tray: &mut Tray,
    ) -> Result<Handled, Ignored> {
        if Some(request.mac) == self.place.link.mac {
            return Err(Ignored::OwnPacket);
        }
        let way = self.place.way(Traces {
            giaddr: request.giaddr,
            ciaddr: request.ciaddr,
            sender: *datagram.source.ip(),
            destination: datagram.destination,
        });
        let client = classify(&request);
        // Only a server's name is compared with them, and who searches names none.
        let ours = request
            .server_id
            .map(|_| self.place.all_addresses())
            .unwrap_or_default();
        census::overhear(&self.core, &self.place.name, &ours, &request);
        if is_system(&request, &client) {
            self.core.system_heard(way, request.mac);
        }
        let arrival = Arrival { port, ours: &ours };
        if self.core.glance().dhcp == DhcpMode::Server {
            return self.serve(request, &client, datagram, (arrival, way), tray);
        }
        self.hear_address(&request, way);
        let question = question(&request, &client, arrival).map_err(Ignored::Silent)?;
        self.answer_boot(&request, &client, (question, way), (datagram, port), &mut tray.paper)
            .map(Handled::Now)
    }

    /// Tells a client that has an address, or gets it from another server, what to boot.
    pub(super) fn answer_boot(
        &self,
        request: &Request,
        client: &Client,
        (question, way): (Question, Way),
        (datagram, port): (&Datagram<'_>, Port),
        paper: &mut Paper,
    ) -> Result<Answered, Ignored> {
        self.admit(request.mac)?;
        let from = self.local_address(request, datagram).ok_or(Ignored::NoAddress)?;
        let ask = self.offer_ask(request, client, (question, way))?;
        let reply = self.core.ask(|engine, now| engine.offer(now, &ask)).now();
        let boot = self.boot_of(reply, from)?;
        let merges = matches!(
            boot,
            Boot::Pxe {
                strategy: Strategy::Merged,
                ..
            }
        );
        if merges && question == Question::Discover && self.merging.hears() {
            let merged = self.merging.ask(self.core.now(), request, from, boot);
            return Ok(Answered {
                payload: merged.map_err(Ignored::Unrenderable)?.ok_or(Ignored::Held)?,
                to: Destination::BroadcastLocal { port: CLIENT_PORT },
                from: (from, port),
                station: None,
            });
        }
        let reply = match question {
            Question::Discover => Reply::ProxyOffer(boot),
            Question::BootFile | Question::MenuEntry => Reply::BootAck(boot),
        };
        let payload = render_over(paper.take(), request, from, &reply).map_err(Ignored::Unrenderable)?;
        Ok(Answered {
            payload,
            to: destination(request, port, datagram.source, &reply),
            from: (from, port),
            station: datagram.source_mac,
        })
    }

    /// Whether the client is not too often there.
    pub(super) fn admit(&self, mac: MacAddr) -> Result<(), Ignored> {
        let now = self.core.now();
        let admitted = self.pace.lock().unwrap_or_else(PoisonError::into_inner).admit(mac, now);
        admitted.then_some(()).ok_or(Ignored::TooOften)
    }

    /// A client that takes an offer of another server says which address it will have.
    fn hear_address(&self, request: &Request, way: Way) {
        if request.message == Some(MessageType::Request)
            && let Some(address) = request
                .requested
                .or(Some(request.ciaddr))
                .filter(|ip| !ip.is_unspecified())
        {
            self.core.hear_address(way, request.mac, address.into());
        }
    }

    /// Our address for this client: the one that was asked, else the one in the client's network, else the link's first.
    fn local_address(&self, request: &Request, datagram: &Datagram<'_>) -> Option<Ipv4Addr> {
        let towards = if request.is_relayed() {
            request.giaddr
        } else {
            request.ciaddr
        };
        self.asked(datagram)
            .or_else(|| self.place.link.ipv4_towards(towards))
            .or_else(|| self.place.link.ipv4())
    }

    /// Our address to which a datagram was sent, if it was not sent to everybody.
    pub(super) fn asked(&self, datagram: &Datagram<'_>) -> Option<Ipv4Addr> {
        datagram
            .local
            .or_else(|| self.place.addresses().find(|ip| *ip == datagram.destination))
    }

    /// What the engine is asked about a client that wants to boot.
    pub(super) fn offer_ask(
        &self,
        request: &Request,
        client: &Client,
        (question, way): (Question, Way),
    ) -> Result<OfferAsk, Ignored> {
        let policy = self.core.glance();
        // A build of iPXE that cannot speak HTTP is a ROM like any other: it gets ours, which can.
        let loader = match &client.kind {
            // One that tells no features at all is old or cut down, and most of those speak HTTP.
            ClientKind::Ipxe(ipxe) if ipxe.has(Feature::Http) || ipxe.has_none() => Loader::Ipxe,
            ClientKind::Ipxe(_) => Loader::IpxeWithoutHttp,
            ClientKind::UBoot => Loader::UBoot,
            ClientKind::RaspberryPi => Loader::RaspberryPi,
            _ => Loader::Firmware,
        };
        let arch = client.arch(|arch| policy.first_files.contains_key(&arch));
        let arch = arch
            .or((loader == Loader::Ipxe).then_some(Arch::BIOS))
            .ok_or(Ignored::NoArchitecture)?;
        let mut seen = Sighting {
            boot_mac: Some(request.mac),
            link: Some(self.place.name.clone()),
            arch: Some(arch),
            ..Sighting::default()
        };
        if is_search(request) {
            // Another box of ours looks for boot servers: no machine that is to be remembered.
            seen.boot_mac = None;
        } else {
            seen.facts.macs.insert(request.mac);
            seen.facts.uuid = request.uuid;
        }
        Ok(OfferAsk {
            seen,
            arch,
            loader,
            way,
            make: Make::new(&request.vendor_class, request.mac),
            wants: match question {
                Question::Discover => Wants::Offer,
                Question::BootFile => Wants::File,
                Question::MenuEntry => Wants::MenuEntry,
            },
        })
    }

    /// What the engine says that a client should boot, in the words of the protocol.
    pub(super) fn boot_of(&self, reply: OfferReply, from: Ipv4Addr) -> Result<Boot, Ignored> {
        match reply {
            OfferReply::Silence(why) => Err(Ignored::Policy(why)),
            OfferReply::Script => {
                let script = match &self.script {
                    Some((at, script)) if *at == from => script.clone(),
                    _ => script_at(&self.place, from)?,
                };
                Ok(Boot::Ipxe { script })
            }
            OfferReply::OwnFiles => Ok(Boot::RaspberryPi),
            OfferReply::FirstFile {
                file,
                transport: Transport::Tftp,
                strategy,
            } => Ok(Boot::Pxe {
                file: boot_file(file)?,
                strategy,
            }),
            OfferReply::FirstFile {
                file,
                transport: Transport::Http,
                ..
            } => {
                let url = format!("{}/firmware/{file}", self.place.base_url(from.into()));
                Ok(Boot::Http { url: boot_file(url)? })
            }
        }
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    pub(super) const fn looks(&self) -> &Arc<Looks> {
        &self.looks
    }

    pub(super) fn count_answers(&self, count: usize) {
        self.counters.count_many("dhcp", "answered", count);
    }

    /// So many answers have left, to packets that were read at this moment.
    pub(super) fn time_answers(&self, count: usize, read: Instant) {
        if count > 0 {
            let many = u64::try_from(count).unwrap_or(u64::MAX);
            self.counters.meters.offer.observe_many(read.elapsed(), many);
        }
    }

    /// Notes a reply that did not leave.
    pub(super) fn note_sent(&self, peer: SocketAddrV4, sent: io::Result<()>) {
        if let Err(error) = sent {
            self.counters.count("dhcp", "send-failed");
            tracing::warn!(link = %self.place.name, %peer, why = %error, "cannot send a DHCP reply");
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }
}

/// What became of a packet, for the meter of its link.
fn verdict<E>(answered: Option<&Result<Handled, E>>) -> Verdict {
    match answered {
        Some(Ok(Handled::Now(_))) => Verdict::Answered,
        Some(Ok(Handled::Later(_) | Handled::Noted)) => Verdict::Noted,
        Some(Err(_)) => Verdict::Ignored,
        None => Verdict::Panicked,
    }
}

fn boot_file(name: String) -> Result<BootFile, Ignored> {
    BootFile::try_from(name).map_err(Ignored::BadFile)
}

/// The URL of the script, at an address of ours.
fn script_at(place: &Place, from: Ipv4Addr) -> Result<BootFile, Ignored> {
    boot_file(format!("{}/boot.ipxe", place.base_url(from.into())))
}

impl Ignored {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::OtherVlan(_) => "other-vlan",
            Self::Discarded(discard) => discard.name(),
            Self::Silent(silence) => silence.name(),
            Self::Policy(why) => why.name(),
            Self::Lease(why) => why.name(),
            Self::Unrecorded => "unrecorded",
            Self::TooManyWaiting => "too-many-waiting",
            Self::BeingLookedAt => "being-looked-at",
            Self::AllInUse => "all-in-use",
            Self::OwnPacket => "own-packet",
            Self::NoAddress => "no-address",
            Self::TooOften => "rate-limited",
            Self::NoArchitecture => "no-architecture",
            Self::BadFile(_) => "bad-file-name",
            Self::Unrenderable(why) => why.name(),
            Self::Held => "held-for-merging",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("longer than any DHCP packet"),
            Self::OtherVlan(vlan) => write!(f, "it is tagged for VLAN {vlan}; serve that VLAN's own interface"),
            Self::Discarded(discard) => write!(f, "{discard}"),
            Self::Silent(silence) => write!(f, "{silence}"),
            Self::Policy(why) => write!(f, "{why}"),
            Self::Lease(why) => write!(f, "{why}"),
            Self::Unrecorded => f.write_str("the grant of its address could not be recorded"),
            Self::TooManyWaiting => f.write_str("too many machines wait for the record or a probe; it will ask again"),
            Self::BeingLookedAt => {
                f.write_str("it is being looked whether somebody uses its address; it is answered then")
            }
            Self::AllInUse => f.write_str("other machines use all the addresses that were tried for it"),
            Self::OwnPacket => f.write_str("it comes from this box itself"),
            Self::NoAddress => f.write_str("the interface has no address to answer from"),
            Self::TooOften => f.write_str("it asks more often than any firmware does"),
            Self::NoArchitecture => f.write_str("it does not tell its architecture"),
            Self::BadFile(why) => write!(f, "the boot file cannot be named in a reply: {why}"),
            Self::Unrenderable(why) => write!(f, "{why}"),
            Self::Held => f.write_str("its offer waits for that of the DHCP server, to be merged with it"),
        }
    }
}
