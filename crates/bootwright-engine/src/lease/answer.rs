//! What becomes of a message about an address.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use bootwright_core::lease::{
    CLIENT_ID_BYTES_MAX, Choice, Claim, Lease, LeaseMessage, LeaseVerdict, LeaseWhy, Papers, Probed, Subnet,
    decide_lease,
};
use bootwright_core::{Cause, Facts, HostDefinition, HostId, MacAddr, Phase, Span, Stance, Timestamp, Verb, Why};
use bootwright_proto::dhcp;

use super::{LeaseAsk, LeaseReply};
use crate::engine::Engine;
use crate::offer::OfferReply;
use crate::outcome::Outcome;

impl Engine {
    /// Takes over the leases that the record has. To be called once, before the first question.
    pub fn load_leases(&mut self, now: Timestamp, leases: impl IntoIterator<Item = Lease>) {
        self.lending.book.load(now, leases);
    }

    /// Says which addresses are ours, on all interfaces: none of them is ever lent.
    pub fn set_own_addresses(&mut self, now: Timestamp, addresses: BTreeSet<Ipv4Addr>) {
        self.lending.book.set_own(now, addresses);
    }

    /// A machine speaks about its address. An acknowledgement promises the lease: it may leave only when what the outcome
    /// holds is durable. An offer and a refusal promise nothing.
    pub fn lease(&mut self, now: Timestamp, ask: &LeaseAsk) -> Outcome<LeaseReply> {
        self.lending.book.settle(now);
        let reply = self.answer_lease(now, ask);
        if let LeaseReply::Silence(why) = &reply {
            self.warn_of_pool(now, why);
            self.warn_of_place(now, ask, why);
            if let LeaseWhy::Way(way) = why {
                self.tell_intruder(now, Some(ask.mac), way);
            }
        }
        self.outcome(reply)
    }

    fn answer_lease(&mut self, now: Timestamp, ask: &LeaseAsk) -> LeaseReply {
        if let Some(why) = self.closed_at(&ask.origin) {
            return LeaseReply::Silence(why);
        }
        let definition = self.definition_of_card(ask);
        // Where the configuration names cards, it keeps the address for those; else for all that the machine turns out to have.
        let is_meant = |definition: &&HostDefinition| {
            let cards = &definition.facts.macs;
            cards.is_empty() || cards.contains(&ask.mac)
        };
        let named = definition.and_then(|name| self.policy.hosts.get(name));
        let reserved = named
            .filter(is_meant)
            .map_or(&[][..], |definition| &definition.addresses);
        let known = definition.is_some() || self.was_decided(ask.mac);
        let claim = Claim {
            message: ask.message,
            holder: ask.mac,
            origin: &ask.origin,
            reserved,
            known,
            alone: self.is_alone(&ask.origin),
        };
        // Whom nobody has decided about is told no name: it may be anybody's.
        let decided = || self.index.by_mac(ask.mac).filter(|_| known);
        let name = definition.or_else(decided).map(ToString::to_string);
        let verdict = decide_lease(&self.lending.book, &claim, now);
        match verdict {
            LeaseVerdict::Offer(choice) => self.offer_lease(now, ask, choice, known, name),
            LeaseVerdict::Grant(choice) => self.grant(now, ask, choice, name),
            LeaseVerdict::Tell(subnet) => LeaseReply::Told(terms(&subnet, Ipv4Addr::UNSPECIFIED, None, name)),
            LeaseVerdict::Nak(why) => LeaseReply::Nak(why),
            LeaseVerdict::Withdraw(why) => {
                self.lending.book.withdraw(now, ask.mac);
                LeaseReply::Silence(why)
            }
            LeaseVerdict::Silence(why) => LeaseReply::Silence(why),
            LeaseVerdict::Release(_) | LeaseVerdict::Decline(_) if !self.store_ready => {
                LeaseReply::Silence(LeaseWhy::StoreDown)
            }
            LeaseVerdict::Release(address) => {
                let released = self.lending.book.release(now, address);
                self.pending.leases.extend(released);
                LeaseReply::Noted
            }
            LeaseVerdict::Decline(address) => {
                self.keep_back(now, address, ask.mac);
                let note = format!("declined {address}: another machine uses it; nobody gets it for an hour");
                self.lease_note(now, ask.mac, note);
                LeaseReply::Noted
            }
        }
    }

    fn offer_lease(
        &mut self,
        now: Timestamp,
        ask: &LeaseAsk,
        choice: Choice,
        known: bool,
        name: Option<String>,
    ) -> LeaseReply {
        let boot = match self.boot_data(now, ask) {
            Ok(boot) => boot,
            Err(why) => return LeaseReply::Silence(LeaseWhy::Boot(why)),
        };
        let address = choice.address;
        self.lending.book.offer(now, ask.mac, address, choice.is_new && !known);
        let span = choice.subnet.span(ask.booting);
        let probe = choice.subnet.probe && choice.is_untried && !self.lending.was_tried(now, address);
        LeaseReply::Offer {
            lease: terms(&choice.subnet, address, Some(span), name),
            boot,
            probe,
        }
    }

    fn grant(&mut self, now: Timestamp, ask: &LeaseAsk, choice: Choice, name: Option<String>) -> LeaseReply {
        if !self.store_ready {
            return LeaseReply::Silence(LeaseWhy::StoreDown);
        }
        let boot = match self.boot_data(now, ask) {
            Ok(boot) => boot,
            Err(why) => return LeaseReply::Silence(LeaseWhy::Boot(why)),
        };
        if choice.is_scarce && !self.lending.lines.admit(now, &ask.origin, ask.mac) {
            return LeaseReply::Silence(LeaseWhy::TooManyStrangers);
        }
        let papers = Papers {
            client_id: ask
                .client_id
                .as_ref()
                .map(|id| id.iter().copied().take(CLIENT_ID_BYTES_MAX).collect()),
            host_name: ask.host_name.as_deref().and_then(bootwright_core::fact::clean_text),
        };
        let span = choice.subnet.span(ask.booting);
        let granted = self.lending.book.bind(now, ask.mac, choice.address, span, &papers);
        self.pending.leases.extend(granted.record);
        self.pending.promises = true;
        self.take_address(ask.mac, choice.address);
        LeaseReply::Ack {
            lease: terms(&choice.subnet, choice.address, Some(granted.span), name),
            boot,
        }
    }

    /// The address belongs to this card and to no other machine, whatever was seen before.
    fn take_address(&mut self, mac: MacAddr, address: Ipv4Addr) {
        if self.index.by_mac(mac).is_some() {
            self.learn_address(mac, address.into());
        } else if let Some(before) = self.addresses.remove(&address.into())
            && let Some(visit) = self.visits.get_mut(&before)
        {
            visit.address = None;
        }
    }

    /// What a boot client is told to boot. One that is not to be answered gets no address either: it could do nothing with
    /// it. U-Boot is no boot client unless the site wants it to be one, and gets its address in any case.
    fn boot_data(&mut self, now: Timestamp, ask: &LeaseAsk) -> Result<Option<OfferReply>, Why> {
        let Some(boot) = &ask.boot else { return Ok(None) };
        let first = matches!(ask.message, LeaseMessage::Discover { .. });
        match self.answer_offer(now, boot, first) {
            OfferReply::Silence(Why::UBootNotServed) => Ok(None),
            OfferReply::Silence(why) => Err(why),
            reply => Ok(Some(reply)),
        }
    }

    /// What answered when it was looked whether somebody uses an address that is to be offered. If somebody does, nobody
    /// gets it for a while; ask [`Self::lease`] again for another one.
    pub fn probed(&mut self, now: Timestamp, address: Ipv4Addr, found: Probed) -> Outcome<()> {
        let asker = self.lending.book.offered_to(address);
        // Whoever took it meanwhile answers rightly.
        let taken = self.lending.book.holder(now, address).is_some();
        match found {
            _ if taken => {}
            Probed::InUse(found) if found.is_none() || found != asker => {
                self.keep_back(now, address, found.or(asker).unwrap_or(MacAddr::new([0; 6])));
                let note = format!("uses {address}, which is not leased to it; nobody gets it for an hour");
                match found {
                    Some(mac) => self.lease_note(now, mac, note),
                    None => self.site_note(now, Cause::Daemon, Verb::Warn, format!("a machine {note}")),
                }
            }
            Probed::InUse(_) | Probed::Free => self.lending.note_tried(now, address),
        }
        self.outcome(())
    }

    fn keep_back(&mut self, now: Timestamp, address: Ipv4Addr, holder: MacAddr) {
        let record = self.lending.book.decline(now, address, holder);
        if self.store_ready {
            self.pending.leases.extend(record);
        }
    }

    /// The definition of the configuration that speaks of a card.
    fn definition_of_card(&self, ask: &LeaseAsk) -> Option<&HostId> {
        if let Some(host) = self.index.by_mac(ask.mac) {
            return self.definition_of.get(host);
        }
        let facts = Facts {
            uuid: ask.uuid,
            ..Facts::of_mac(ask.mac)
        };
        let name = self.definition_for(&facts)?;
        self.policy.hosts.get_key_value(&name).map(|(name, _)| name)
    }

    /// Whether the machine is more than one that once showed itself.
    fn was_decided(&self, mac: MacAddr) -> bool {
        let host = self.index.by_mac(mac).and_then(|id| self.host(id));
        host.is_some_and(|host| match &host.state.phase {
            Phase::New { stance: Stance::Policy } => host.state.locked,
            Phase::New {
                stance: Stance::Hold | Stance::Local,
            }
            | Phase::Armed { .. }
            | Phase::Installing { .. }
            | Phase::Installed { .. }
            | Phase::Failed { .. }
            | Phase::Live { .. }
            | Phase::Ignored => true,
        })
    }

    /// News about a card, which may be a host's.
    fn lease_note(&mut self, now: Timestamp, mac: MacAddr, note: String) {
        match self.index.by_mac(mac).cloned() {
            Some(host) => self.note(now, &host, Cause::Machine, Verb::Warn, note),
            None if self.news.take(now) => self.site_note(now, Cause::Machine, Verb::Warn, format!("{mac}: {note}")),
            None => {}
        }
    }

    /// A relay that is listed, or a machine that wants to boot, on a segment for which there is no pool: most likely somebody
    /// forgot one. Other machines are none of our business where we lend nothing.
    fn warn_of_place(&mut self, now: Timestamp, ask: &LeaseAsk, why: &LeaseWhy) {
        let origin = &ask.origin;
        if *why != LeaseWhy::NoSubnet || (origin.relay.is_none() && !ask.booting) {
            return;
        }
        if self.lending.warns_of_place(now, origin) {
            let place = match &origin.relay {
                Some(relay) => format!("behind relay {}", relay.address),
                None => format!("on {}", origin.link),
            };
            let note = format!("{} asks for an address {place} and gets none: {why}", ask.mac);
            self.site_note(now, Cause::Machine, Verb::Warn, note);
        }
    }

    fn warn_of_pool(&mut self, now: Timestamp, why: &LeaseWhy) {
        let (LeaseWhy::Exhausted { subnet } | LeaseWhy::KeptForKnown { subnet }) = why else {
            return;
        };
        if self.lending.warns(now, *subnet) {
            self.site_note(now, Cause::Daemon, Verb::Warn, why.to_string());
        }
    }
}

/// An address and what belongs to it, as it is told to a machine.
fn terms(subnet: &Subnet, address: Ipv4Addr, span: Option<Span>, name: Option<String>) -> dhcp::Lease {
    let secs = |span: Span| u32::try_from(span.as_millis() / 1000).unwrap_or(u32::MAX);
    dhcp::Lease {
        address,
        secs: span.map(secs),
        mask: subnet.network.mask(),
        routers: subnet.routers.clone(),
        dns: subnet.dns.clone(),
        host_name: name,
        domain: subnet.domain.clone(),
        search: subnet.search.clone(),
        broadcast: Some(subnet.network.broadcast()),
        ntp: subnet.ntp.clone(),
        mtu: subnet.mtu,
    }
}
