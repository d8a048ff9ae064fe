//! Addresses that are lent: to whom, until when, and what a machine may say about one.
//!
//! A lease belongs to a card, whatever program speaks for it: firmware, iPXE and the operating system of one machine name
//! themselves differently in option 61 and share the address all the same.

mod book;
mod decide;
mod pool;
mod runs;
mod subnet;
mod why;

use std::fmt;
use std::net::Ipv4Addr;

use crate::{MacAddr, Timestamp, Way};

pub use book::{Book, DECLINED_SPAN, GRACE_SPAN, Granted, OFFER_SPAN, Papers};
pub use decide::{Choice, Claim, LeaseVerdict, decide_lease};
pub use subnet::{AddressRange, Network, NotNetwork, Subnet};
pub use why::{LeaseWhy, NakWhy};

/// The most addresses that all pools of a site may have together, and so the most leases that are kept: four times what
/// one network of class B holds. A lease takes some 200 bytes.
pub const ADDRESSES_MAX: usize = 262_144;

/// The longest client identifier that is kept, in bytes; a DUID has at most 130 (RFC 8415 section 11.1).
pub const CLIENT_ID_BYTES_MAX: usize = 136;

/// One address, as the record knows it. The record has one lease for each address: a newer one takes the place of the older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The card that has it, or had it last.
    pub holder: MacAddr,
    /// What became of it.
    pub state: LeaseState,
    /// Since when the holder has it, or since when it has not any more.
    pub since: Timestamp,
    /// Until when the state lasts. A lease that is bound until a point in the past has ended; one that was released ended
    /// when it was.
    pub until: Timestamp,
    /// The client identifier with which it was last asked for, option 61; for people only.
    pub client_id: Option<Vec<u8>>,
    /// The name that the client gave itself, option 12, cleaned; for people only.
    pub host_name: Option<String>,
}

/// What became of an address. An address that was only offered has no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeaseState {
    /// It was granted.
    Bound,
    /// Its holder gave it back. It stays the one that this card gets again, as long as nobody else needed it.
    Released,
    /// Somebody else uses it: the holder declined it, or a probe was answered. Nobody gets it before `until`.
    Declined,
}

impl LeaseState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Bound, Self::Released, Self::Declined];

    /// The stable name, for the record and for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Released => "released",
            Self::Declined => "declined",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for LeaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Lease {
    /// Whether its holder may use the address now.
    #[must_use]
    pub fn is_in_use(&self, now: Timestamp) -> bool {
        self.state == LeaseState::Bound && self.until > now
    }
}

/// What a machine says about addresses (RFC 2131 section 4.3), after the protocol module has told the cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseMessage {
    /// DISCOVER: who has an address for me?
    Discover {
        /// The one that it would like.
        wish: Option<Ipv4Addr>,
    },
    /// REQUEST in state SELECTING: I take what you offered.
    Select {
        /// What it takes.
        address: Ipv4Addr,
    },
    /// REQUEST for what another server offered.
    ChoseAnother {
        /// The server.
        server: Ipv4Addr,
    },
    /// REQUEST in state INIT-REBOOT: I had this address before, is it still mine?
    Reboot {
        /// The address.
        address: Ipv4Addr,
    },
    /// REQUEST in state RENEWING, sent to us alone: I go on with this address.
    Renew {
        /// The address.
        address: Ipv4Addr,
    },
    /// REQUEST in state REBINDING, sent to everybody, as nobody answered the renewal.
    Rebind {
        /// The address.
        address: Ipv4Addr,
    },
    /// DECLINE: somebody else uses this address.
    Decline {
        /// The address.
        address: Ipv4Addr,
    },
    /// RELEASE: I need this address no longer.
    Release {
        /// The address.
        address: Ipv4Addr,
    },
    /// INFORM: I have this address, tell me the rest.
    Inform {
        /// The address.
        address: Ipv4Addr,
    },
}

impl LeaseMessage {
    /// The name for people and counters.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Discover { .. } => "discover",
            Self::Select { .. } => "select",
            Self::ChoseAnother { .. } => "chose-another",
            Self::Reboot { .. } => "init-reboot",
            Self::Renew { .. } => "renew",
            Self::Rebind { .. } => "rebind",
            Self::Decline { .. } => "decline",
            Self::Release { .. } => "release",
            Self::Inform { .. } => "inform",
        }
    }
}

/// Where a request comes from, as far as the choice of a subnet depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The interface of ours on which it arrived.
    pub link: String,
    /// Our addresses on that interface.
    pub addresses: Vec<Ipv4Addr>,
    /// The way that it took.
    pub way: Way,
    /// The relay that passed it on, if one did.
    pub relay: Option<Relay>,
    /// The subnet that the client would like, option 118 (RFC 3011).
    pub wish: Option<Ipv4Addr>,
}

/// A relay agent, as its request shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Its address on the client's segment, `giaddr`.
    pub address: Ipv4Addr,
    /// The subnet that it names in place of its own, sub-option 5 of option 82 (RFC 3527).
    pub selection: Option<Ipv4Addr>,
    /// The port or line from which it has the request, sub-option 1 of option 82; empty if it tells none.
    pub circuit: Vec<u8>,
}

/// What answered when it was looked whether somebody uses an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Nobody.
    Free,
    /// Somebody, with this card where the answer tells.
    InUse(Option<MacAddr>),
}
