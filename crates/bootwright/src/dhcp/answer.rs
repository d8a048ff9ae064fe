//! One datagram: read it, ask the engine, write the reply.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};

use bootwright_core::way::Traces;
use bootwright_core::{Arch, Loader, MacAddr, Make, Sighting, Transport, Way, Why};
use bootwright_engine::{OfferAsk, OfferReply, Wants};
use bootwright_net::udp::Datagram;
use bootwright_proto::dhcp::{
    Arrival, Boot, BootFile, Client, ClientKind, Destination, Discard, Feature, MessageType, NotBootFile, Port,
    Question, Reply, Request, Silence, Unrenderable, classify, destination, is_search, parse, question, render,
};

use super::pace::Pace;
use crate::census;
use crate::core::Core;
use crate::counter::Counters;
use crate::mishap::contain;
use crate::place::Place;

/// Answers the DHCP requests of one link.
#[derive(Clone)]
pub struct Desk {
    core: Arc<Core>,
    counters: Arc<Counters>,
    place: Arc<Place>,
    pace: Arc<Mutex<Pace>>,
}

/// Why a datagram got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It was longer than any DHCP packet.
    Truncated,
    /// It is no sound request.
    Discarded(Discard),
    /// It is none for a boot server.
    Silent(Silence),
    /// The policy says so.
    Policy(Why),
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
}

/// A reply on its way.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) payload: Vec<u8>,
    pub(super) to: Destination,
    pub(super) from: Ipv4Addr,
}

impl Desk {
    /// A desk for one link.
    #[must_use]
    pub fn new(core: Arc<Core>, counters: Arc<Counters>, place: Arc<Place>) -> Self {
        Self {
            core,
            counters,
            place,
            pace: Arc::default(),
        }
    }

    /// Handles one datagram: a reply, or nothing, which is counted with its reason.
    ///
    /// A panic costs this datagram and no other. (One in the engine ends the process: see `telemetry`.)
    pub(super) fn handle(&self, datagram: &Datagram<'_>, port: Port) -> Option<Answered> {
        match contain(&self.counters, "dhcp", || self.answer(datagram, port)) {
            Some(Ok(answered)) => {
                self.counters.count("dhcp", "answered");
                Some(answered)
            }
            Some(Err((mac, ignored))) => {
                self.ignore(datagram, mac, &ignored);
                None
            }
            None => {
                tracing::error!(link = %self.place.name, peer = %datagram.source, "a packet made the daemon panic");
                None
            }
        }
    }

    fn ignore(&self, datagram: &Datagram<'_>, mac: Option<MacAddr>, ignored: &Ignored) {
        self.counters.count("dhcp", ignored.name());
        tracing::debug!(
            link = %self.place.name,
            peer = %datagram.source,
            mac = mac.map(tracing::field::display),
            why = %ignored,
            "no answer"
        );
        if let Some(mac) = mac {
            self.core.overheard(mac, ignored);
        }
    }

    fn answer(&self, datagram: &Datagram<'_>, port: Port) -> Result<Answered, (Option<MacAddr>, Ignored)> {
        if datagram.truncated {
            return Err((None, Ignored::Truncated));
        }
        let request = parse(datagram.payload).map_err(|discard| (None, Ignored::Discarded(discard)))?;
        self.answer_request(&request, datagram, port)
            .map_err(|ignored| (Some(request.mac), ignored))
    }

    fn answer_request(&self, request: &Request, datagram: &Datagram<'_>, port: Port) -> Result<Answered, Ignored> {
        if Some(request.mac) == self.place.link.mac {
            return Err(Ignored::OwnPacket);
        }
        let way = self.place.way(Traces {
            giaddr: request.giaddr,
            ciaddr: request.ciaddr,
            sender: *datagram.source.ip(),
            destination: datagram.destination,
        });
        self.hear_address(request, way);
        let client = classify(request);
        let ours = self.place.all_addresses();
        census::overhear(&self.core, &self.place.name, &ours, request);
        let arrival = Arrival { port, ours: &ours };
        let question = question(request, &client, arrival).map_err(Ignored::Silent)?;
        let now = self.core.now();
        if !self
            .pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(request.mac, now)
        {
            return Err(Ignored::TooOften);
        }
        let from = self.local_address(request, datagram).ok_or(Ignored::NoAddress)?;
        let boot = self.boot(request, &client, (question, way), from)?;
        let reply = match question {
            Question::Discover => Reply::ProxyOffer(boot),
            Question::BootFile | Question::MenuEntry => Reply::BootAck(boot),
        };
        let payload = render(request, from, &reply).map_err(Ignored::Unrenderable)?;
        let to = destination(request, port, datagram.source, &reply);
        Ok(Answered { payload, to, from })
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
        let asked = datagram
            .local
            .or_else(|| self.place.addresses().find(|ip| *ip == datagram.destination));
        asked
            .or_else(|| self.place.link.ipv4_towards(towards))
            .or_else(|| self.place.link.ipv4())
    }

    /// What the engine says that the client should boot.
    fn boot(
        &self,
        request: &Request,
        client: &Client,
        (question, way): (Question, Way),
        from: Ipv4Addr,
    ) -> Result<Boot, Ignored> {
        let policy = self.core.policy();
        // A build of iPXE that cannot speak HTTP is a ROM like any other: it gets ours, which can.
        let loader = match &client.kind {
            // One that tells no features at all is old or cut down, and most of those speak HTTP.
            ClientKind::Ipxe(ipxe) if ipxe.has(Feature::Http) || ipxe.has_none() => Loader::Ipxe,
            ClientKind::Ipxe(_) => Loader::IpxeWithoutHttp,
            ClientKind::UBoot => Loader::UBoot,
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
        let ask = OfferAsk {
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
        };
        let reply = self.core.ask(|engine, now| engine.offer(now, &ask)).now();
        match reply {
            OfferReply::Silence(why) => Err(Ignored::Policy(why)),
            OfferReply::Script => {
                let url = format!("{}/boot.ipxe", self.place.base_url(from));
                Ok(Boot::Ipxe {
                    script: boot_file(&url)?,
                })
            }
            OfferReply::FirstFile {
                file,
                transport: Transport::Tftp,
                strategy,
            } => Ok(Boot::Pxe {
                file: boot_file(&file)?,
                strategy,
            }),
            OfferReply::FirstFile {
                file,
                transport: Transport::Http,
                ..
            } => {
                let url = format!("{}/firmware/{file}", self.place.base_url(from));
                Ok(Boot::Http { url: boot_file(&url)? })
            }
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }
}

fn boot_file(name: &str) -> Result<BootFile, Ignored> {
    BootFile::new(name).map_err(Ignored::BadFile)
}

impl Answered {
    /// The receiver, as far as a UDP socket can reach it.
    pub(super) fn receiver(&self) -> SocketAddrV4 {
        match self.to {
            Destination::BroadcastLocal { port } => SocketAddrV4::new(Ipv4Addr::BROADCAST, port),
            Destination::Unicast { addr, port } => SocketAddrV4::new(addr, port),
            Destination::Relay { giaddr } => SocketAddrV4::new(giaddr, bootwright_proto::dhcp::SERVER_PORT),
            // A proxy assigns no addresses, so that nobody has to be reached before he has one; broadcast reaches all.
            Destination::LinkUnicast { .. } => {
                SocketAddrV4::new(Ipv4Addr::BROADCAST, bootwright_proto::dhcp::CLIENT_PORT)
            }
        }
    }
}

impl Ignored {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Discarded(discard) => discard.name(),
            Self::Silent(silence) => silence.name(),
            Self::Policy(why) => why.name(),
            Self::OwnPacket => "own-packet",
            Self::NoAddress => "no-address",
            Self::TooOften => "rate-limited",
            Self::NoArchitecture => "no-architecture",
            Self::BadFile(_) => "bad-file-name",
            Self::Unrenderable(why) => why.name(),
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("longer than any DHCP packet"),
            Self::Discarded(discard) => write!(f, "{discard}"),
            Self::Silent(silence) => write!(f, "{silence}"),
            Self::Policy(why) => write!(f, "{why}"),
            Self::OwnPacket => f.write_str("it comes from this box itself"),
            Self::NoAddress => f.write_str("the interface has no address to answer from"),
            Self::TooOften => f.write_str("it asks more often than any firmware does"),
            Self::NoArchitecture => f.write_str("it does not tell its architecture"),
            Self::BadFile(why) => write!(f, "the boot file cannot be named in a reply: {why}"),
            Self::Unrenderable(why) => write!(f, "{why}"),
        }
    }
}
