//! One datagram: read it, ask the engine, write the answer.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::{Arc, Mutex, PoisonError};

use bootwright_core::ipv6::{Grant, Holder, Prefix};
use bootwright_core::{Arch, Loader, MacAddr, Make, Sighting, Transport, Way};
use bootwright_engine::{Ipv6Ask, Ipv6Reply, OfferAsk, OfferReply, Told, Wants};
use bootwright_net::udp6::Datagram;
use bootwright_proto::dhcp6::{
    Answer, Boot, CLIENT_PORT, Client, ClientKind, Duid, Ends, Held, Message, Relayed, Reply, Request, SERVER_PORT,
    Silence, Status, classify, parse, question, render, sender_card, unwrap,
};

use super::ignored::Ignored;
use crate::core::Core;
use crate::counter::Counters;
use crate::dhcp::Pace;
use crate::mishap::contain;
use crate::place::Place;

/// Answers DHCP over IPv6 on one link.
pub struct Desk {
    core: Arc<Core>,
    counters: Arc<Counters>,
    place: Arc<Place>,
    server: Duid,
    pace: Mutex<Pace<Ipv6Addr>>,
}

/// A message and the way that it took.
struct Came<'a> {
    datagram: &'a Datagram<'a>,
    /// What relays put around it, if any did.
    relayed: Option<&'a Relayed<'a>>,
    /// The card that it was sent from, where that shows.
    card: Option<MacAddr>,
    /// That, or the one that the client made its name of.
    mac: Option<MacAddr>,
}

/// A reply that may leave.
pub(super) struct Answered {
    pub(super) payload: Vec<u8>,
    pub(super) to: SocketAddrV6,
}

impl Desk {
    /// A desk for the link with this card.
    #[must_use]
    pub fn new(core: Arc<Core>, counters: Arc<Counters>, place: Arc<Place>, card: MacAddr) -> Self {
        Self {
            core,
            counters,
            place,
            // By the card and not by anything kept: clients of a box that got another one ask everybody, and go on.
            server: Duid::of_card(card),
            pace: Mutex::default(),
        }
    }

    /// Handles one datagram: a reply, or nothing, which is counted with its reason. A panic costs this datagram and no other.
    pub(super) fn handle(&self, datagram: &Datagram<'_>) -> Option<Answered> {
        let link = &self.place.name;
        match contain(&self.counters, "dhcp6", || self.answer(datagram)) {
            Some(Ok(answered)) => {
                self.counters.count("dhcp6", "answered");
                Some(answered)
            }
            Some(Err((mac, ignored))) => {
                self.counters.count("dhcp6", ignored.name());
                let mac_shown = mac.map(tracing::field::display);
                tracing::debug!(%link, peer = %datagram.source, mac = mac_shown, why = %ignored, "no answer over IPv6");
                if let Some(mac) = mac {
                    self.core.overheard(mac, &ignored);
                }
                None
            }
            None => {
                tracing::error!(code = "E901", %link, peer = %datagram.source, "a packet made the daemon panic");
                None
            }
        }
    }

    fn answer(&self, datagram: &Datagram<'_>) -> Result<Answered, (Option<MacAddr>, Ignored)> {
        if datagram.truncated {
            return Err((None, Ignored::Truncated));
        }
        let relayed = unwrap(datagram.payload).map_err(|discard| (None, Ignored::Discarded(discard)))?;
        let (message, card) = match &relayed {
            Some(relayed) => (relayed.message, relayed.card),
            None => (datagram.payload, sender_card(*datagram.source.ip())),
        };
        let request = parse(message).map_err(|discard| (relayed.as_ref().and(card), Ignored::Discarded(discard)))?;
        let named = request.client_id.as_ref().and_then(Duid::card);
        let came = Came {
            datagram,
            relayed: relayed.as_ref(),
            card,
            mac: card.or(named),
        };
        self.answer_request(&request, &came)
            .map_err(|ignored| (came.mac, ignored))
    }

    fn answer_request(&self, request: &Request, came: &Came<'_>) -> Result<Answered, Ignored> {
        let Came {
            datagram,
            relayed,
            card,
            ..
        } = *came;
        let sender = *datagram.source.ip();
        let is_ours = self.place.link.addresses.iter().any(|address| address.ip == sender);
        if is_ours || (card.is_some() && card == self.place.link.mac) {
            return Err(Ignored::OwnPacket);
        }
        let ends = Ends {
            sender,
            destination: datagram.destination,
        };
        let asked = question(request, &self.server, relayed.is_none().then_some(ends)).map_err(|silence| {
            if silence == Silence::ForAnotherServer && relayed.is_none() {
                let link = &self.place.name;
                self.core.ask(|engine, now| engine.census6_overheard(now, link)).now();
            }
            Ignored::Silent(silence)
        })?;
        let now = self.core.now();
        let admitted = self
            .pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(relayed.map_or(sender, |relayed| relayed.peer), now);
        if !admitted {
            return Err(Ignored::TooOften);
        }
        let client = classify(request);
        let ask = self.ask(request, &client, asked, came);
        let reply = self.core.ask(|engine, now| engine.ipv6(now, &ask)).now();
        let answer = self.in_words(&client, reply)?;
        let payload = render(request, &answer).map_err(Ignored::Unrenderable)?;
        let mut to = datagram.source;
        // Where they listen, whatever they sent from (RFC 8415 section 7.2).
        let payload = match relayed {
            Some(relayed) => {
                to.set_port(SERVER_PORT);
                relayed.wrap(payload)
            }
            None => {
                to.set_port(CLIENT_PORT);
                payload
            }
        };
        Ok(Answered { payload, to })
    }

    /// What the engine is asked.
    fn ask(&self, request: &Request, client: &Client, message: Message, came: &Came<'_>) -> Ipv6Ask {
        let name = || request.client_id.as_ref().map_or(&[][..], Duid::bytes).to_vec();
        let boots = client.kind != ClientKind::Plain;
        Ipv6Ask {
            message,
            holder: came.card.map_or_else(|| Holder::Name(name()), Holder::Card),
            associations: request.associations.clone(),
            here: match came.relayed {
                Some(relayed) => relayed.link.map(Prefix::of).into_iter().collect(),
                None => self.place.link.ipv6_addresses().map(Prefix::of).collect(),
            },
            relay: came.relayed.map(|_| *came.datagram.source.ip()),
            boots,
            // EDK2's PXE takes what has no address for an offer of addresses, and waits for it in vain.
            takes_proxy: client.kind == ClientKind::UefiHttp,
            boot: boots.then(|| self.offer_ask(request, client, came.mac)).flatten(),
        }
    }

    /// What the engine is asked about what to boot; nothing where no architecture is told.
    fn offer_ask(&self, request: &Request, client: &Client, mac: Option<MacAddr>) -> Option<OfferAsk> {
        let policy = self.core.policy();
        let loader = match client.kind {
            // It tells no features over IPv6, and a build without HTTP is rare.
            ClientKind::Ipxe => Loader::Ipxe,
            ClientKind::UefiHttp | ClientKind::UefiPxe | ClientKind::Plain => Loader::Firmware,
        };
        let arch = client.arch(|arch| policy.first_files.contains_key(&arch));
        let arch = arch.or((loader == Loader::Ipxe).then_some(Arch::BIOS))?;
        let mut seen = Sighting {
            boot_mac: mac,
            link: Some(self.place.name.clone()),
            arch: Some(arch),
            ..Sighting::default()
        };
        seen.facts.macs.extend(mac);
        seen.facts.uuid = client.uuid;
        let words = request.vendor_class.as_ref().map_or(&[][..], |class| &class.words);
        Some(OfferAsk {
            arch,
            loader,
            way: Way::Ipv6,
            make: Make::new(words, mac.unwrap_or(MacAddr::new([0; 6]))),
            wants: Wants::Offer,
            seen,
        })
    }

    /// What the engine says, in the words of the protocol.
    fn in_words(&self, client: &Client, reply: Ipv6Reply) -> Result<Answer, Ignored> {
        let mut answer = Answer {
            reply: Reply::Reply,
            server: self.server.clone(),
            held: Vec::new(),
            status: None,
            boot: None,
            dns: Vec::new(),
        };
        let told = match reply {
            Ipv6Reply::Advertise(told) => {
                answer.reply = Reply::Advertise;
                told
            }
            Ipv6Reply::Grant(told) => told,
            Ipv6Reply::Confirm { on_link } => {
                answer.status = Some(if on_link { Status::Success } else { Status::NotOnLink });
                return Ok(answer);
            }
            Ipv6Reply::Noted => {
                answer.status = Some(Status::Success);
                return Ok(answer);
            }
            Ipv6Reply::Silence(why) => return Err(Ignored::Engine(why)),
        };
        answer.boot = self.boot(client, &told)?;
        let held = |grant: Grant| Held {
            association: grant.association,
            address: grant.address,
            secs: told.secs,
            withdrawn: grant.withdrawn,
        };
        answer.held = told.grants.into_iter().map(held).collect();
        answer.dns = told.dns;
        Ok(answer)
    }

    fn boot(&self, client: &Client, told: &Told) -> Result<Option<Boot>, Ignored> {
        let Some(boot) = &told.boot else { return Ok(None) };
        let near = told.grants.iter().find_map(|grant| grant.address).map(Prefix::of);
        let ours = self.our_address(near).ok_or(Ignored::NoAddress)?;
        let base = || self.place.base_url(ours.into());
        let url = match boot {
            // A Raspberry Pi's ROM, which speaks no IPv6 as far as we have seen, knows its files itself.
            OfferReply::Silence(_) | OfferReply::OwnFiles => return Ok(None),
            OfferReply::Script => format!("{}/boot.ipxe", base()),
            OfferReply::FirstFile { file, transport, .. } => match transport {
                Transport::Tftp => format!("tftp://[{ours}]/{file}"),
                Transport::Http => format!("{}/firmware/{file}", base()),
            },
        };
        Ok(Some(match client.kind {
            ClientKind::UefiHttp => Boot::Http(url),
            ClientKind::UefiPxe | ClientKind::Ipxe | ClientKind::Plain => Boot::Url(url),
        }))
    }

    /// Our address in a machine's own network, else any that leads beyond the link. Of several the one with the lowest number:
    /// that is one that a person has given, and not one that the kernel made up for a while.
    fn our_address(&self, near: Option<Prefix>) -> Option<Ipv6Addr> {
        let is_far = |address: &Ipv6Addr| near.is_some_and(|near| Prefix::of(*address) != near);
        let station = |address: &Ipv6Addr| address.to_bits() as u64;
        let addresses = self.place.link.ipv6_addresses();
        addresses.min_by_key(|address| (is_far(address), station(address)))
    }

    /// Notes a reply that did not leave.
    pub(super) fn note_sent(&self, peer: SocketAddrV6, sent: std::io::Result<()>) {
        if let Err(error) = sent {
            self.counters.count("dhcp6", "send-failed");
            let peer = SocketAddr::V6(peer);
            tracing::warn!(link = %self.place.name, %peer, why = %error, "cannot send a DHCPv6 reply");
        }
    }

    pub(super) fn link(&self) -> &str {
        &self.place.name
    }
}
