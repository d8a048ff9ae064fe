//! Server mode: what a client says about its address, and the engine's answer.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use bootwright_core::lease::{LeaseMessage, Origin, Relay};
use bootwright_core::{MacAddr, Way};
use bootwright_engine::{LeaseAsk, LeaseReply, OfferReply};
use bootwright_net::udp::Datagram;
use bootwright_proto::dhcp::{
    Arrival, Boot, Client, ClientKind, Port, Question, Reply, Request, ServerQuestion, destination, render_over,
    server_question,
};

use super::answer::{Desk, Handled, Ignored};
use super::later::{Later, Tray};
use super::outlet::Answered;
use super::probe::{Looking, NoLook, Where};
use crate::commit::Commit;

/// A request about an address, and all that is needed to answer it later.
pub(super) struct Errand {
    pub(super) request: Request,
    ask: LeaseAsk,
    source: SocketAddrV4,
    /// Our address that was asked, if one was.
    asked: Option<Ipv4Addr>,
    station: Option<MacAddr>,
}

impl Desk {
    /// Answers a client in server mode.
    pub(super) fn serve(
        &self,
        request: Request,
        client: &Client,
        datagram: &Datagram<'_>,
        (arrival, way): (Arrival<'_>, Way),
        tray: &mut Tray,
    ) -> Result<Handled, Ignored> {
        let asked = self.asked(datagram);
        let message = match server_question(&request, client, arrival, asked.is_some()).map_err(Ignored::Silent)? {
            ServerQuestion::Boot(question) => {
                let from = (datagram, arrival.port);
                return self
                    .answer_boot(&request, client, (question, way), from, &mut tray.paper)
                    .map(Handled::Now);
            }
            ServerQuestion::Lease(message) => message,
        };
        self.admit(request.mac)?;
        // Only as many wait for the record as it takes in a moment; for the others nothing is granted yet.
        let may_promise = match message {
            LeaseMessage::Select { .. }
            | LeaseMessage::Reboot { .. }
            | LeaseMessage::Renew { .. }
            | LeaseMessage::Rebind { .. } => true,
            LeaseMessage::Discover { .. }
            | LeaseMessage::ChoseAnother { .. }
            | LeaseMessage::Decline { .. }
            | LeaseMessage::Release { .. }
            | LeaseMessage::Inform { .. } => false,
        };
        if may_promise && tray.grants.is_full() {
            return Err(Ignored::TooManyWaiting);
        }
        let errand = Errand {
            ask: self.lease_ask(&request, client, (message, way)),
            request,
            source: datagram.source,
            asked,
            station: datagram.source_mac,
        };
        let (reply, commit) = self
            .core()
            .ask_often(tray.grants.settlements(), |engine, now| engine.lease(now, &errand.ask));
        let (untried, grants) = (untried(&reply), matches!(reply, LeaseReply::Ack { .. }));
        let Some(answered) = self.reply_to(&errand, reply, tray.paper.take())? else {
            return Ok(Handled::Noted);
        };
        match commit {
            Commit::Refused(_) if grants => Err(Ignored::Unrecorded),
            Commit::Pending(ticket) if grants => {
                tray.grants.add(ticket, answered, errand.request.mac);
                Ok(Handled::Noted)
            }
            Commit::Nothing | Commit::Pending(_) | Commit::Refused(_) => {
                match untried.map(|address| self.look_for(&errand, address)).transpose()? {
                    Some(Some(looking)) => Ok(Handled::Later(Later {
                        answered,
                        errand: Box::new(errand),
                        looking,
                    })),
                    Some(None) | None => Ok(Handled::Now(answered)),
                }
            }
        }
    }

    fn lease_ask(&self, request: &Request, client: &Client, (message, way): (LeaseMessage, Way)) -> LeaseAsk {
        let relay = request.is_relayed().then(|| Relay {
            address: request.giaddr,
            selection: request.link_selection,
            circuit: request.circuit().to_vec(),
        });
        let boots = client.kind != ClientKind::Plain;
        LeaseAsk {
            message,
            mac: request.mac,
            uuid: request.uuid,
            origin: Origin {
                link: self.place().name.clone(),
                addresses: self.place().addresses().collect(),
                way,
                relay,
                wish: request.subnet_selection,
            },
            client_id: request.client_id.clone(),
            host_name: request.host_name.clone(),
            booting: boots,
            boot: boots
                .then(|| self.offer_ask(request, client, (Question::Discover, way)).ok())
                .flatten(),
        }
    }

    /// Asks for an offer once more.
    pub(super) fn ask_again(&self, errand: &Errand) -> LeaseReply {
        self.core().ask(|engine, now| engine.lease(now, &errand.ask)).now()
    }

    /// The bytes for what the engine says, in the place of what is in a buffer; none where nobody expects an answer.
    pub(super) fn reply_to(
        &self,
        errand: &Errand,
        said: LeaseReply,
        sheet: Vec<u8>,
    ) -> Result<Option<Answered>, Ignored> {
        let boot = |boot: Option<OfferReply>, from| -> Result<Option<Boot>, Ignored> {
            boot.map(|boot| self.boot_of(boot, from)).transpose()
        };
        let (from, reply) = match said {
            LeaseReply::Offer { lease, boot: data, .. } => {
                let from = self.server_address(errand, lease.address)?;
                (from, Reply::LeaseOffer(lease, boot(data, from)?))
            }
            LeaseReply::Ack { lease, boot: data } => {
                let from = self.server_address(errand, lease.address)?;
                (from, Reply::LeaseAck(lease, boot(data, from)?))
            }
            LeaseReply::Told(lease) => {
                let from = self.server_address(errand, errand.request.ciaddr)?;
                (from, Reply::LeaseAck(lease, None))
            }
            LeaseReply::Nak(why) => {
                self.counters().count("dhcp", why.name());
                tracing::debug!(link = %self.place().name, mac = %errand.request.mac, %why, "refused an address");
                // It was answered, and that with a no, which whoever looks for its address wants to know.
                self.core()
                    .overheard(errand.request.mac, &format_args!("refused (DHCPNAK): {why}"));
                (self.server_address(errand, errand.request.ciaddr)?, Reply::Nak)
            }
            LeaseReply::Noted => return Ok(None),
            LeaseReply::Silence(why) => return Err(Ignored::Lease(why)),
        };
        let payload = render_over(sheet, &errand.request, from, &reply).map_err(Ignored::Unrenderable)?;
        Ok(Some(Answered {
            payload,
            to: destination(&errand.request, Port::Dhcp, errand.source, &reply),
            from: (from, Port::Dhcp),
            station: errand.station,
        }))
    }

    /// The address by which we call ourselves: the one that was asked, else the one in the client's network. It must be the
    /// same in the offer and in the grant.
    fn server_address(&self, errand: &Errand, client: Ipv4Addr) -> Result<Ipv4Addr, Ignored> {
        let towards = if errand.request.is_relayed() {
            errand.request.giaddr
        } else {
            client
        };
        let near = || self.place().link.ipv4_towards(towards);
        errand.asked.or_else(near).ok_or(Ignored::NoAddress)
    }

    /// Begins to look whether somebody uses an address; none where that cannot be looked.
    pub(super) fn look_for(&self, errand: &Errand, address: Ipv4Addr) -> Result<Option<Looking>, Ignored> {
        let place = if errand.request.is_relayed() {
            Where::Beyond
        } else {
            Where::Here
        };
        match Arc::clone(self.looks()).begin(&self.place().link, address, place) {
            Ok(looking) => Ok(Some(looking)),
            Err(NoLook::Blind) => Ok(None),
            Err(NoLook::UnderWay) => Err(Ignored::BeingLookedAt),
            Err(NoLook::Busy) => Err(Ignored::TooManyWaiting),
        }
    }

    /// Notes why a request got no answer after all.
    pub(super) fn ignore_errand(&self, errand: &Errand, ignored: &Ignored) {
        self.ignore(errand.source, Some(errand.request.mac), ignored);
    }
}

/// The address that is offered and has to be looked at before.
pub(super) const fn untried(said: &LeaseReply) -> Option<Ipv4Addr> {
    match said {
        LeaseReply::Offer { lease, probe: true, .. } => Some(lease.address),
        LeaseReply::Offer { .. }
        | LeaseReply::Ack { .. }
        | LeaseReply::Told(_)
        | LeaseReply::Nak(_)
        | LeaseReply::Noted
        | LeaseReply::Silence(_) => None,
    }
}
