//! The way that a DHCP request took to us, as far as its packet shows it.

use std::net::Ipv4Addr;

use crate::{Policy, Why};

/// How a DHCP request came.
///
/// What a relay says of itself is a claim: anybody can fill in the field, and the address of a packet's sender is easily
/// made up, too. So neither is believed where the configuration does not list it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// From a machine on the link itself.
    #[default]
    Link,
    /// Through a relay.
    Relay {
        /// What stands in the request as the relay's address (`giaddr`, RFC 1542 section 4.1), to which answers go.
        relay: Ipv4Addr,
        /// Who sent us the packet: the relay by another of its addresses, or the last of several relays.
        sender: Ipv4Addr,
        /// Whether the address is one of our own, which no relay has.
        is_ours: bool,
    },
    /// From a machine of another network that has its address and sends from it: port 4011, and the renewal of a lease.
    Routed {
        /// Its address.
        sender: Ipv4Addr,
    },
    /// From another network, and neither through a relay nor from a machine that says that the address is its own.
    Astray {
        /// Who sent it.
        sender: Ipv4Addr,
    },
    /// By IPv6, from a machine on the link itself: DHCP's group and the addresses that it is sent from there do not leave a
    /// link.
    Ipv6,
}

/// How near to us an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearness {
    /// It is one of ours.
    Ours,
    /// It lies in a network that one of our links is in.
    OnLink,
    /// It lies elsewhere.
    Elsewhere,
}

/// The parts of a packet that show its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traces {
    /// The field in which relays write their address; unspecified if none did.
    pub giaddr: Ipv4Addr,
    /// The field in which a client writes the address that it has.
    pub ciaddr: Ipv4Addr,
    /// The source of the IP packet.
    pub sender: Ipv4Addr,
    /// Its destination.
    pub destination: Ipv4Addr,
}

impl Way {
    /// The way of a packet.
    #[must_use]
    pub fn of(traces: Traces, nearness: impl Fn(Ipv4Addr) -> Nearness) -> Self {
        let Traces {
            giaddr,
            ciaddr,
            sender,
            destination,
        } = traces;
        if !giaddr.is_unspecified() {
            return Self::Relay {
                relay: giaddr,
                sender,
                is_ours: nearness(giaddr) == Nearness::Ours,
            };
        }
        // No router passes on what is sent to everybody, whoever the sender says that he is.
        let is_local = destination == Ipv4Addr::BROADCAST || sender.is_unspecified();
        if is_local || nearness(sender) != Nearness::Elsewhere {
            Self::Link
        } else if sender == ciaddr {
            Self::Routed { sender }
        } else {
            Self::Astray { sender }
        }
    }

    /// The relay through which it came, if it did.
    #[must_use]
    pub const fn relay(self) -> Option<Ipv4Addr> {
        match self {
            Self::Relay { relay, .. } => Some(relay),
            Self::Link | Self::Ipv6 | Self::Routed { .. } | Self::Astray { .. } => None,
        }
    }

    /// Why nothing that came so is heard, if so.
    #[must_use]
    pub fn refusal(self, policy: &Policy) -> Option<Why> {
        match self {
            Self::Link | Self::Ipv6 => None,
            Self::Relay {
                relay, is_ours: true, ..
            } => Some(Why::RelayIsUs(relay)),
            Self::Relay { relay, .. } if !policy.relays.contains(&relay) => Some(Why::RelayNotListed(relay)),
            Self::Relay { relay, sender, .. } if !policy.relays.contains(&sender) => {
                Some(Why::RelaySenderNotListed { relay, sender })
            }
            Self::Relay { .. } => None,
            // Behind a relay there is a network of which nobody told us more.
            Self::Routed { sender } => policy.relays.is_empty().then_some(Why::NotOnLink(sender)),
            Self::Astray { sender } => Some(Why::NotOnLink(sender)),
        }
    }
}
