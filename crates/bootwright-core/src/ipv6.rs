//! IPv6: what machines hear from us there, and which addresses they get.
//!
//! An address is a function of who asks (see [`Prefix::address`]), so that there is nothing to keep: it survives whatever
//! becomes of this box, no pool runs out, and firmware, iPXE and whatever else asks from one card have one address.

mod decide;
mod prefix;

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv6Addr;

use crate::{DhcpMode, MacAddr, Policy, Span, Way};

pub use decide::{Claim, Grant, Silence, Verdict, decide};
pub use prefix::{NotPrefix, Prefix};

/// What the operator's configuration says of IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Whether and how machines are answered there.
    pub mode: Mode,
    /// The networks in which addresses are lent, none twice.
    pub prefixes: Vec<Prefix>,
    /// How long a machine may use an address without asking again.
    pub lease: Span,
    /// The name servers that machines are told.
    pub dns: Vec<Ipv6Addr>,
    /// The relays through which machines of other links are answered, by the addresses that they send from.
    pub relays: BTreeSet<Ipv6Addr>,
}

/// Whether and how machines are answered over IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Off,
    /// Boot data beside another server or a router that gives the addresses.
    Proxy,
    /// Boot data and the addresses.
    Server,
}

/// What a machine says (RFC 8415 section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Message {
    /// It looks for servers.
    Solicit,
    /// It takes what we have advertised.
    Request,
    /// It asks whether its addresses still belong to its link.
    Confirm,
    /// It asks us for more time.
    Renew,
    /// It asks anybody for more time.
    Rebind,
    /// It gives its addresses back.
    Release,
    /// Somebody else uses what we gave it.
    Decline,
    /// It has its addresses and asks for everything else.
    Information,
}

/// A network interface for which a machine wants an address (RFC 8415 section 21.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Its number with the machine.
    pub id: u32,
    /// The addresses that it has or would like.
    pub addresses: Vec<Ipv6Addr>,
}

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The card that asks, where the packet shows it.
    Card(MacAddr),
    /// Else what the machine calls itself; then each of its interfaces has an address of its own.
    Name(Vec<u8>),
}

impl Default for Ipv6 {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            prefixes: Vec::new(),
            lease: Span::from_secs(3600),
            dns: Vec::new(),
            relays: BTreeSet::new(),
        }
    }
}

impl Policy {
    /// Whether machines of networks are served that none of our links is in.
    #[must_use]
    pub fn serves_beyond(&self) -> bool {
        !self.relays.is_empty() || !self.ipv6.relays.is_empty()
    }

    /// Whether and how DHCP is answered that came this way. Where everything is only observed, IPv6 is too.
    #[must_use]
    pub fn dhcp_by(&self, way: Way) -> DhcpMode {
        match (way, self.dhcp, self.ipv6.mode) {
            (Way::Link | Way::Relay { .. } | Way::Routed { .. } | Way::Astray { .. }, mode, _) => mode,
            (Way::Ipv6, _, Mode::Off) => DhcpMode::Off,
            (Way::Ipv6, DhcpMode::Observe, _) => DhcpMode::Observe,
            (Way::Ipv6, _, Mode::Proxy) => DhcpMode::Proxy,
            (Way::Ipv6, _, Mode::Server) => DhcpMode::Server,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Proxy => "proxy",
            Self::Server => "server",
        })
    }
}
