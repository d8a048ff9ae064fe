//! A machine speaks about its address: the DHCP server's side of RFC 2131.

use std::net::Ipv4Addr;

use bootwright_core::lease::{Lease, LeaseMessage, LeaseWhy, NakWhy, Origin, Probed};
use bootwright_core::{MacAddr, Timestamp, Uuid};
use bootwright_proto::dhcp;

use crate::engine::Engine;
use crate::offer::{OfferAsk, OfferReply};
use crate::outcome::Outcome;

/// A DHCP request about an address, after the protocol module has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseAsk {
    /// What it says.
    pub message: LeaseMessage,
    /// The card that asks: whose lease it is, whatever the client calls itself.
    pub mac: MacAddr,
    /// The UUID of option 97, by which a reservation may know the machine.
    pub uuid: Option<Uuid>,
    /// Where it comes from.
    pub origin: Origin,
    /// Option 61, for people only.
    pub client_id: Option<Vec<u8>>,
    /// Option 12, for people only.
    pub host_name: Option<String>,
    /// Whether firmware or a boot loader asks, which gets its address for a short time only.
    pub booting: bool,
    /// What a boot client asks beside its address; nothing for all others, and for one whose architecture is not known.
    pub boot: Option<OfferAsk>,
}

/// What a machine is told about its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseReply {
    /// An offer, which promises nothing.
    Offer {
        /// The address and what belongs to it.
        lease: dhcp::Lease,
        /// What to boot, for a boot client.
        boot: Option<OfferReply>,
        /// Whether to look first whether somebody uses the address; [`Engine::probed`] takes the result.
        probe: bool,
    },
    /// The grant, or its renewal.
    Ack {
        /// The address and what belongs to it.
        lease: dhcp::Lease,
        /// What to boot, for a boot client.
        boot: Option<OfferReply>,
    },
    /// The answer to INFORM: what belongs to the address that the machine has, without an address and a time.
    Told(dhcp::Lease),
    /// The address is not for this machine.
    Nak(NakWhy),
    /// It was taken note of; nobody expects an answer.
    Noted,
    /// Nothing is answered.
    Silence(LeaseWhy),
}

impl Engine {
    /// Takes over the leases that the record has. To be called once, before the first question.
    pub fn load_leases(&mut self, leases: impl IntoIterator<Item = Lease>) {
        drop(leases.into_iter());
    }

    /// A machine speaks about its address. An acknowledgement promises the lease: it may leave only when what the outcome
    /// holds is durable. An offer and a refusal promise nothing.
    pub fn lease(&mut self, _now: Timestamp, _ask: &LeaseAsk) -> Outcome<LeaseReply> {
        self.outcome(LeaseReply::Silence(LeaseWhy::NotServer))
    }

    /// What answered when it was looked whether somebody uses an address that is to be offered. If somebody does, nobody
    /// gets it for a while; ask [`Self::lease`] again for another one.
    pub fn probed(&mut self, _now: Timestamp, _address: Ipv4Addr, _found: Probed) -> Outcome<()> {
        self.outcome(())
    }

    /// What a look at a link has found: another DHCP server, or none. Until this was said once for a link, no addresses
    /// are leased on it; if there was one at first, none are either, unless the configuration says `force`. One that turns
    /// up later is warned of and changes nothing: else anybody could switch us off by answering.
    pub fn set_foreign_server(&mut self, _now: Timestamp, _link: &str, _server: Option<Ipv4Addr>) -> Outcome<()> {
        self.outcome(())
    }

    /// Says which addresses are ours, on all interfaces: none of them is ever lent.
    pub fn set_own_addresses(&mut self, _addresses: Vec<Ipv4Addr>) {}

    /// All leases that the record has, in the order of their addresses.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        std::iter::empty()
    }
}
