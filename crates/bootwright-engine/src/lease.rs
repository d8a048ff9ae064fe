//! A machine speaks about its address: the DHCP server's side of RFC 2131.

mod answer;
mod lending;
mod line;
mod place;

use std::net::Ipv4Addr;

use bootwright_core::lease::{LeaseMessage, LeaseWhy, NakWhy, Origin};
use bootwright_core::{MacAddr, Uuid};
use bootwright_proto::dhcp;

use crate::offer::{OfferAsk, OfferReply};

pub(crate) use lending::Lending;

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
        /// Whether to look first whether somebody uses the address; [`Engine::probed`](crate::Engine::probed) takes the
        /// result.
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

impl LeaseReply {
    /// The address that the machine gets with it.
    #[must_use]
    pub const fn address(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Offer { lease, .. } | Self::Ack { lease, .. } => Some(lease.address),
            Self::Told(_) | Self::Nak(_) | Self::Noted | Self::Silence(_) => None,
        }
    }
}
