//! A machine speaks over IPv6: about its address, and about what to boot.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use bootwright_core::ipv6::{Association, Claim, Grant, Holder, Message, Prefix, Silence, Verdict, decide};
use bootwright_core::lease::DECLINED_SPAN;
use bootwright_core::{MacAddr, Timestamp, Why};

use crate::engine::Engine;
use crate::offer::{OfferAsk, OfferReply};
use crate::outcome::Outcome;

/// How many declined addresses are remembered. Beyond that the oldest are tried again, and declined again.
const DECLINED_MAX: usize = 4096;

/// A message over IPv6, after the protocol module has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6Ask {
    /// What it says.
    pub message: Message,
    /// Who says it.
    pub holder: Holder,
    /// What it wants addresses for.
    pub associations: Vec<Association>,
    /// The networks that its link is in.
    pub here: Vec<Prefix>,
    /// The relay that sent us the packet, if one did.
    pub relay: Option<Ipv6Addr>,
    /// Whether it presents itself as a boot client.
    pub boots: bool,
    /// Whether it takes an advertisement without an address.
    pub takes_proxy: bool,
    /// What a boot client asks beside its address; nothing for all others, and for one whose architecture is not known.
    pub boot: Option<OfferAsk>,
}

/// What a machine is told over IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ipv6Reply {
    /// What it could have, and what to boot.
    Advertise(Told),
    /// What it has, and what to boot.
    Grant(Told),
    /// Whether its addresses belong to its link.
    Confirm {
        /// All of them do.
        on_link: bool,
    },
    /// It was taken note of.
    Noted,
    /// Nothing.
    Silence(Ipv6Why),
}

/// What an answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// For each association.
    pub grants: Vec<Grant>,
    /// For how long, in seconds.
    pub secs: u32,
    /// Name servers.
    pub dns: Vec<Ipv6Addr>,
    /// What to boot, for a boot client.
    pub boot: Option<OfferReply>,
}

/// Why a machine is told nothing over IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ipv6Why {
    /// For the sake of its address.
    Address(Silence),
    /// It is a boot client that is not answered, and could do nothing with an address alone.
    Boot(Why),
}

/// Addresses that others use, and since when that is known.
#[derive(Debug, Default)]
pub(crate) struct Declined(BTreeMap<Ipv6Addr, Timestamp>);

impl Declined {
    fn holds(&self, now: Timestamp, address: Ipv6Addr) -> bool {
        self.0.get(&address).is_some_and(|at| now.since(*at) < DECLINED_SPAN)
    }

    fn note(&mut self, now: Timestamp, address: Ipv6Addr) {
        if self.0.len() >= DECLINED_MAX {
            self.0.retain(|_, at| now.since(*at) < DECLINED_SPAN);
        }
        if self.0.len() >= DECLINED_MAX {
            let oldest = self.0.iter().min_by_key(|(_, at)| **at).map(|(address, _)| *address);
            oldest.map(|oldest| self.0.remove(&oldest));
        }
        self.0.insert(address, now);
    }
}

impl Engine {
    /// A machine speaks over IPv6. The answer waits for nothing: an address follows from who asks, so that a grant promises
    /// nothing that could be forgotten.
    pub fn ipv6(&mut self, now: Timestamp, ask: &Ipv6Ask) -> Outcome<Ipv6Reply> {
        let reply = self.answer_ipv6(now, ask);
        self.outcome(reply)
    }

    fn answer_ipv6(&mut self, now: Timestamp, ask: &Ipv6Ask) -> Ipv6Reply {
        let claim = Claim {
            message: ask.message,
            holder: &ask.holder,
            associations: &ask.associations,
            here: &ask.here,
            relay: ask.relay,
            boots: ask.boots,
            takes_proxy: ask.takes_proxy,
        };
        let verdict = decide(&self.policy, &claim, |address| self.declined.holds(now, address));
        match verdict {
            Verdict::Advertise(grants) => self
                .tell_ipv6(now, ask, grants, true)
                .map_or_else(refused, Ipv6Reply::Advertise),
            Verdict::AdvertiseBoot => self
                .tell_ipv6(now, ask, Vec::new(), true)
                .map_or_else(refused, Ipv6Reply::Advertise),
            Verdict::Inform => self
                .tell_ipv6(now, ask, Vec::new(), true)
                .map_or_else(refused, Ipv6Reply::Grant),
            Verdict::Grant(grants) => {
                let address = grants.iter().find_map(|grant| grant.address);
                let told = self.tell_ipv6(now, ask, grants, false);
                if told.is_ok() {
                    self.take_ipv6(ask, address);
                }
                told.map_or_else(refused, Ipv6Reply::Grant)
            }
            Verdict::Confirm { on_link } => Ipv6Reply::Confirm { on_link },
            Verdict::Noted { declined } => {
                for address in declined {
                    self.declined.note(now, address);
                }
                Ipv6Reply::Noted
            }
            Verdict::Silence(why) => match &ask.boot {
                // What it would be told is for the record all the same.
                Some(boot) if why == Silence::Observing => match self.answer_offer(now, boot, true) {
                    OfferReply::Silence(why) => refused(why),
                    OfferReply::FirstFile { .. } | OfferReply::Script | OfferReply::OwnFiles => {
                        Ipv6Reply::Silence(Ipv6Why::Address(why))
                    }
                },
                _ => Ipv6Reply::Silence(Ipv6Why::Address(why)),
            },
        }
    }

    /// A boot client that is not to be answered gets no address either: it could do nothing with it.
    fn tell_ipv6(&mut self, now: Timestamp, ask: &Ipv6Ask, grants: Vec<Grant>, first: bool) -> Result<Told, Why> {
        let boot = match &ask.boot {
            Some(boot) => match self.answer_offer(now, boot, first) {
                OfferReply::Silence(why) => return Err(why),
                reply => Some(reply),
            },
            None => None,
        };
        Ok(Told {
            grants,
            secs: u32::try_from(self.policy.ipv6.lease.as_millis() / 1000).unwrap_or(u32::MAX),
            dns: self.policy.ipv6.dns.clone(),
            boot,
        })
    }

    /// Remembers who has an address, for what comes from there without a name.
    fn take_ipv6(&mut self, ask: &Ipv6Ask, address: Option<Ipv6Addr>) {
        if let (Some(mac), Some(address)) = (boot_mac(ask), address) {
            self.learn_address(mac, address.into());
        }
    }
}

/// The card of a machine that boots. What an operating system has beside its other addresses is no news.
fn boot_mac(ask: &Ipv6Ask) -> Option<MacAddr> {
    ask.boot.as_ref().and_then(|boot| boot.seen.boot_mac)
}

fn refused(why: Why) -> Ipv6Reply {
    Ipv6Reply::Silence(Ipv6Why::Boot(why))
}

impl Ipv6Why {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Address(why) => why.name(),
            Self::Boot(why) => why.name(),
        }
    }
}

impl std::fmt::Display for Ipv6Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(why) => write!(f, "{why}"),
            Self::Boot(why) => write!(f, "{why}"),
        }
    }
}
