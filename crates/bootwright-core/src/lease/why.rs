//! Why a machine that asks for an address gets none.

use std::fmt;
use std::net::Ipv4Addr;

use super::Network;
use crate::{MacAddr, Why};

/// Why a machine that speaks about addresses hears nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseWhy {
    /// The mode is not `server`.
    NotServer,
    /// We observe only.
    Observing,
    /// Another server leases addresses on this link, and the configuration does not say `force`.
    ForeignServer {
        /// The other server.
        server: Ipv4Addr,
    },
    /// It is not known yet whether another server leases addresses on this link.
    CensusPending,
    /// It cannot be told whether another server leases addresses on this link.
    CensusBlind,
    /// It came by a way on which nobody is heard.
    Way(Why),
    /// No subnet of the configuration is served where the request comes from.
    NoSubnet,
    /// Every address of the subnet is lent, offered or kept.
    Exhausted {
        /// The subnet.
        subnet: Network,
    },
    /// What is left of the subnet's addresses is kept for machines that the operator knows.
    KeptForKnown {
        /// The subnet.
        subnet: Network,
    },
    /// More strangers ask for addresses at this port than the few that are left allow.
    TooManyStrangers,
    /// The record cannot be written, and a lease that is not recorded must not be granted.
    StoreDown,
    /// We have no record of this machine having the address, so that another server may (RFC 2131 section 4.3.2).
    NoRecord {
        /// The address.
        address: Ipv4Addr,
    },
    /// The machine speaks of an address that another one has.
    NotHolder {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        holder: MacAddr,
    },
    /// The address is in no subnet that is served where the request comes from.
    ForeignAddress {
        /// The address.
        address: Ipv4Addr,
    },
    /// It took the offer of another server.
    ChoseAnother {
        /// That server.
        server: Ipv4Addr,
    },
    /// It wants to boot, and gets no boot data.
    Boot(Why),
}

impl LeaseWhy {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotServer => "not-server",
            Self::Observing => "observing",
            Self::ForeignServer { .. } => "foreign-server",
            Self::CensusPending => "census-pending",
            Self::CensusBlind => "census-blind",
            Self::NoSubnet => "no-subnet",
            Self::Exhausted { .. } => "pool-exhausted",
            Self::KeptForKnown { .. } => "pool-kept-for-known",
            Self::TooManyStrangers => "too-many-strangers",
            Self::StoreDown => "store-down",
            Self::NoRecord { .. } => "no-lease-record",
            Self::NotHolder { .. } => "not-lease-holder",
            Self::ForeignAddress { .. } => "foreign-address",
            Self::ChoseAnother { .. } => "chose-another-server",
            Self::Way(why) | Self::Boot(why) => why.name(),
        }
    }
}

impl fmt::Display for LeaseWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotServer => f.write_str("the mode is not `server`"),
            Self::Observing => f.write_str("the mode is `observe`"),
            Self::ForeignServer { server } => write!(
                f,
                "the DHCP server {server} leases addresses here; switch it off, or set `dhcp.force = true`"
            ),
            Self::CensusPending => f.write_str("it is still being looked whether another DHCP server answers here"),
            Self::CensusBlind => f.write_str(
                "it cannot be told whether another DHCP server answers here; `dhcp.force = true` goes without",
            ),
            Self::Way(why) => write!(f, "{why}"),
            Self::NoSubnet => f.write_str("no `[[dhcp.pools]]` serves the place that it asks from"),
            Self::Exhausted { subnet } => write!(f, "the pool of {subnet} has no address left"),
            Self::KeptForKnown { subnet } => write!(
                f,
                "what is left of the pool of {subnet} is kept for machines that the configuration names or that were armed"
            ),
            Self::TooManyStrangers => {
                f.write_str("too many machines that nobody knows ask for addresses there, and few are left")
            }
            Self::StoreDown => f.write_str("the store cannot be written, so that no address can be granted"),
            Self::NoRecord { address } => write!(f, "there is no record that it ever had {address} from here"),
            Self::NotHolder { address, holder } => write!(f, "{address} belongs to {holder}"),
            Self::ForeignAddress { address } => write!(f, "{address} is in no subnet that is served there"),
            Self::ChoseAnother { server } => write!(f, "it took the offer of the server {server}"),
            Self::Boot(why) => write!(f, "{why}"),
        }
    }
}

/// Why a machine is told that an address is not for it, so that it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NakWhy {
    /// The address does not belong to the segment that the machine is on.
    WrongSubnet {
        /// The address.
        address: Ipv4Addr,
    },
    /// Another machine has it.
    Taken {
        /// The address.
        address: Ipv4Addr,
    },
    /// This machine has another one.
    HasAnother {
        /// What it has.
        address: Ipv4Addr,
    },
    /// The configuration lends it no longer, or not to this machine.
    NotLent {
        /// The address.
        address: Ipv4Addr,
    },
}

impl NakWhy {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WrongSubnet { .. } => "nak-wrong-subnet",
            Self::Taken { .. } => "nak-taken",
            Self::HasAnother { .. } => "nak-has-another",
            Self::NotLent { .. } => "nak-not-lent",
        }
    }
}

impl fmt::Display for NakWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongSubnet { address } => write!(f, "{address} does not belong to this segment"),
            Self::Taken { address } => write!(f, "another machine has {address}"),
            Self::HasAnother { address } => write!(f, "its address is {address}"),
            Self::NotLent { address } => write!(f, "{address} is not lent to it"),
        }
    }
}
