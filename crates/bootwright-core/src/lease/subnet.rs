//! A subnet, and who gets addresses from it.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::Origin;
use crate::{Pattern, Span};

/// A network and its prefix, such as `192.168.77.0/24`. No bit is set beyond the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: u32,
    prefix: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNetwork {
    /// Not an address, a slash and a prefix.
    Form,
    /// The prefix leaves no room for two machines and the two addresses that nobody may have: 8 to 30 will do.
    Prefix,
    /// The address has bits beyond the prefix: this is the network that was probably meant.
    HostBits(Network),
}

impl Network {
    /// The network of this address and prefix; bits beyond the prefix are cut off.
    ///
    /// # Errors
    /// A prefix outside 8 to 30.
    pub fn of(address: Ipv4Addr, prefix: u8) -> Result<Self, NotNetwork> {
        if !(8..=30).contains(&prefix) {
            return Err(NotNetwork::Prefix);
        }
        let address = u32::from(address) & mask(prefix);
        Ok(Self { address, prefix })
    }

    /// Whether the address belongs to it.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.prefix) == self.address
    }

    /// Whether the two have addresses in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.address()) || other.contains(self.address())
    }

    /// The address of the network itself.
    #[must_use]
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::from(self.address)
    }

    /// The address to which everybody in it listens.
    #[must_use]
    pub fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from(self.address | !mask(self.prefix))
    }

    /// The mask.
    #[must_use]
    pub fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from(mask(self.prefix))
    }

    /// How many leading bits belong to the network.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether a machine may have the address: it lies in the network and is neither of the two that nobody may have.
    #[must_use]
    pub fn has_room_for(self, address: Ipv4Addr) -> bool {
        self.contains(address) && address != self.address() && address != self.broadcast()
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX
        .checked_shl(32_u32.saturating_sub(u32::from(prefix)))
        .unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix)
    }
}

impl FromStr for Network {
    type Err = NotNetwork;

    fn from_str(text: &str) -> Result<Self, NotNetwork> {
        let (address, prefix) = text.split_once('/').ok_or(NotNetwork::Form)?;
        let address: Ipv4Addr = address.parse().map_err(|_| NotNetwork::Form)?;
        let prefix: u8 = prefix.parse().map_err(|_| NotNetwork::Form)?;
        let network = Self::of(address, prefix)?;
        if network.address() == address {
            Ok(network)
        } else {
            Err(NotNetwork::HostBits(network))
        }
    }
}

/// Addresses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    /// The first.
    pub first: Ipv4Addr,
    /// The last, not below the first.
    pub last: Ipv4Addr,
}

impl AddressRange {
    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }

    /// How many addresses it has.
    #[must_use]
    pub fn count(self) -> u64 {
        u64::from(u32::from(self.last).saturating_sub(u32::from(self.first))).saturating_add(1)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// A subnet on which addresses are lent, and what goes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The network. No two subnets overlap, so that it is the subnet's name as well.
    pub network: Network,
    /// What may be lent to whoever asks, in order and without overlaps; empty where only reserved addresses are lent.
    pub ranges: Vec<AddressRange>,
    /// The routers, best first.
    pub routers: Vec<Ipv4Addr>,
    /// The name servers, best first.
    pub dns: Vec<Ipv4Addr>,
    /// The domain in which machines look names up.
    pub domain: Option<String>,
    /// Further domains in which they do, best first.
    pub search: Vec<String>,
    /// The time servers, best first.
    pub ntp: Vec<Ipv4Addr>,
    /// The largest packet, if it is not Ethernet's 1500 bytes.
    pub mtu: Option<u16>,
    /// For how long an operating system has an address.
    pub lease: Span,
    /// For how long firmware and boot loaders have one.
    pub boot_lease: Span,
    /// The interfaces on which it is served, as names or patterns with `*` and `?`. None named: each one that has an
    /// address in the network.
    pub links: Vec<Pattern>,
    /// Relays that stand for it although their address lies elsewhere.
    pub relays: Vec<Ipv4Addr>,
    /// Whether it is looked whether somebody uses an address before it is offered for the first time.
    pub probe: bool,
    /// How many of a hundred addresses are kept for machines that the operator knows. At 100 strangers get none.
    pub known_share: u8,
}

impl Subnet {
    /// How long a lease lasts.
    #[must_use]
    pub const fn span(&self, booting: bool) -> Span {
        if booting { self.boot_lease } else { self.lease }
    }

    /// Whether the address may be lent to whoever asks.
    #[must_use]
    pub fn lends(&self, address: Ipv4Addr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Whether a machine at this place gets its addresses from here.
    ///
    /// A relay tells by the subnet that it names (RFC 3527), else by its own address; a link by our addresses on it, unless
    /// the configuration names the links.
    #[must_use]
    pub fn serves(&self, origin: &Origin) -> bool {
        match &origin.relay {
            Some(relay) => match relay.selection {
                Some(selection) => self.network.contains(selection),
                None => self.network.contains(relay.address) || self.relays.contains(&relay.address),
            },
            None if self.links.is_empty() => origin.addresses.iter().any(|address| self.network.contains(*address)),
            None => self.links.iter().any(|pattern| pattern.matches(&origin.link)),
        }
    }
}
