//! What a machine is told about its addresses over IPv6.

use std::fmt;
use std::net::Ipv6Addr;

use super::{Association, Holder, Message, Prefix};
use crate::{DhcpMode, Policy, Way};

/// How often another address is tried where those before are in use.
const TURNS: u8 = 8;

/// A message and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// What the machine says.
    pub message: Message,
    /// Who it is.
    pub holder: &'a Holder,
    /// What it wants addresses for.
    pub associations: &'a [Association],
    /// The networks that its link is in.
    pub here: &'a [Prefix],
    /// The relay that sent us the packet, if one did.
    pub relay: Option<Ipv6Addr>,
    /// Whether it presents itself as a boot client.
    pub boots: bool,
    /// Whether it takes an advertisement that has no address in it: of all clients, EDK2 alone does.
    pub takes_proxy: bool,
}

/// What a machine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These addresses could be had.
    Advertise(Vec<Grant>),
    /// These addresses are its own.
    Grant(Vec<Grant>),
    /// Boot data, by somebody who gives no addresses.
    AdvertiseBoot,
    /// Everything but addresses.
    Inform,
    /// Whether the addresses that it has belong to its link.
    Confirm {
        /// All of them do.
        on_link: bool,
    },
    /// It was taken note of; these addresses of ours somebody else uses.
    Noted {
        /// The addresses.
        declined: Vec<Ipv6Addr>,
    },
    /// Nothing.
    Silence(Silence),
}

/// What an association gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its number with the machine.
    pub association: u32,
    /// Its address; none if others use all that were tried.
    pub address: Option<Ipv6Addr>,
    /// Addresses that it believes to have and may use no more.
    pub withdrawn: Vec<Ipv6Addr>,
}

/// Why a machine is told nothing about its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// IPv6 is off.
    Off,
    /// We observe only.
    Observing,
    /// A relay sent it that the configuration does not list.
    RelayNotListed(Ipv6Addr),
    /// It does not present itself as a boot client, and another server gives the addresses here.
    NotABootClient,
    /// It looks for an address, and another server gives them here.
    AddressesElsewhere,
    /// It wants an address on a link where the configuration lends none.
    NoPrefixHere,
    /// It speaks of addresses that we did not give it, to everybody.
    NotOurAddresses,
    /// It asks for addresses without an association for which we give any.
    NoAssociation,
}

/// What a machine is told about its addresses. `is_declined` says of which addresses it is known that others use them.
#[must_use]
pub fn decide(policy: &Policy, claim: &Claim<'_>, is_declined: impl Fn(Ipv6Addr) -> bool) -> Verdict {
    let mode = policy.dhcp_by(Way::Ipv6);
    // Anybody can say that he is a relay, and a machine behind one cannot be told from one that he made up.
    if let Some(relay) = claim.relay
        && mode != DhcpMode::Off
        && !policy.ipv6.relays.contains(&relay)
    {
        return Verdict::Silence(Silence::RelayNotListed(relay));
    }
    match mode {
        DhcpMode::Off => Verdict::Silence(Silence::Off),
        DhcpMode::Observe => Verdict::Silence(Silence::Observing),
        DhcpMode::Proxy => beside_another(claim),
        DhcpMode::Server => alone(policy, claim, is_declined),
    }
}

fn beside_another(claim: &Claim<'_>) -> Verdict {
    let silence = match claim.message {
        Message::Solicit | Message::Information if !claim.boots => Silence::NotABootClient,
        Message::Solicit if claim.takes_proxy => return Verdict::AdvertiseBoot,
        Message::Information => return Verdict::Inform,
        Message::Solicit
        | Message::Request
        | Message::Confirm
        | Message::Renew
        | Message::Rebind
        | Message::Release
        | Message::Decline => Silence::AddressesElsewhere,
    };
    Verdict::Silence(silence)
}

fn alone(policy: &Policy, claim: &Claim<'_>, is_declined: impl Fn(Ipv6Addr) -> bool) -> Verdict {
    if claim.message == Message::Information {
        return Verdict::Inform;
    }
    let Some(prefix) = policy.ipv6.prefixes.iter().find(|prefix| claim.here.contains(prefix)) else {
        return Verdict::Silence(Silence::NoPrefixHere);
    };
    if claim.associations.is_empty() {
        return Verdict::Silence(Silence::NoAssociation);
    }
    let grants = || grants(*prefix, claim, &is_declined);
    let held = || claim.associations.iter().flat_map(|association| &association.addresses);
    match claim.message {
        Message::Solicit => Verdict::Advertise(grants()),
        Message::Request | Message::Renew => Verdict::Grant(grants()),
        Message::Rebind => {
            let grants = grants();
            let ours = |address| grants.iter().any(|grant| grant.address == Some(address));
            if held().any(|address| ours(*address)) {
                Verdict::Grant(grants)
            } else {
                Verdict::Silence(Silence::NotOurAddresses)
            }
        }
        Message::Confirm if held().next().is_none() => Verdict::Silence(Silence::NotOurAddresses),
        Message::Confirm => Verdict::Confirm {
            on_link: held().all(|address| claim.here.contains(&Prefix::of(*address))),
        },
        Message::Release => Verdict::Noted { declined: Vec::new() },
        Message::Decline => {
            let granted: Vec<Ipv6Addr> = grants().into_iter().filter_map(|grant| grant.address).collect();
            Verdict::Noted {
                declined: held().copied().filter(|address| granted.contains(address)).collect(),
            }
        }
        Message::Information => Verdict::Inform,
    }
}

/// A card has one address whatever numbers the programs on it give their associations; whoever has none to show is told
/// apart by those numbers.
fn grants(prefix: Prefix, claim: &Claim<'_>, is_declined: &impl Fn(Ipv6Addr) -> bool) -> Vec<Grant> {
    let numbered = claim.associations.iter().zip(0_u32..);
    numbered
        .map(|(association, place)| {
            let interface = match claim.holder {
                Holder::Card(_) => place,
                Holder::Name(_) => association.id,
            };
            let mut turns = (0..TURNS).map(|turn| prefix.address(claim.holder, interface, turn));
            let address = turns.find(|address| !is_declined(*address));
            let others = association.addresses.iter().copied();
            Grant {
                association: association.id,
                address,
                withdrawn: match claim.message {
                    Message::Renew | Message::Rebind => others.filter(|other| Some(*other) != address).collect(),
                    // What it would like is no address that it has.
                    _ => Vec::new(),
                },
            }
        })
        .collect()
}

impl Silence {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Off => "ipv6-off",
            Self::Observing => "observing",
            Self::RelayNotListed(_) => "relay-not-listed",
            Self::NotABootClient => "not-a-boot-client",
            Self::AddressesElsewhere => "addresses-elsewhere",
            Self::NoPrefixHere => "no-prefix-here",
            Self::NotOurAddresses => "not-our-addresses",
            Self::NoAssociation => "no-association",
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RelayNotListed(relay) => return write!(f, "relay {relay} is not in `ipv6.relays`"),
            Self::Off => "IPv6 is off",
            Self::Observing => "the mode is `observe`",
            Self::NotABootClient => "not a boot client",
            Self::AddressesElsewhere => {
                "it speaks of addresses, and with `ipv6.mode = \"proxy\"` another server gives those"
            }
            Self::NoPrefixHere => "no network of its link is in `ipv6.prefixes`",
            Self::NotOurAddresses => "it has addresses that are not from us",
            Self::NoAssociation => "it asks for no address of the kind that is lent here",
        })
    }
}
