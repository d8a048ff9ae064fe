//! What the engine keeps in memory to lend addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use bootwright_core::lease::{Book, Network, Origin};
use bootwright_core::{Policy, Span, Timestamp};

use super::line::Lines;

/// For how long an address that nobody answered from is not tried again.
const TRIED_SPAN: Span = Span::from_mins(10);

/// How many tried addresses are remembered.
const TRIED_MAX: usize = 65_536;

/// A warning that a pool is used up, or that there is none for a place, is not repeated within this time.
const POOL_WARNING_SPAN: Span = Span::from_mins(10);

/// The leases, and what is known around them.
#[derive(Debug, Default)]
pub(crate) struct Lending {
    pub(crate) book: Book,
    pub(super) lines: Lines,
    tried: BTreeMap<Ipv4Addr, Timestamp>,
    warned: BTreeMap<Network, Timestamp>,
    /// Places that no subnet serves, by the link and the relay: as few as there are links and listed relays.
    unserved: BTreeMap<(String, Option<Ipv4Addr>), Timestamp>,
}

impl Lending {
    /// Lends what a policy says, if it says something else than the one before.
    pub(crate) fn adopt(&mut self, now: Timestamp, before: &Policy, policy: &Policy) {
        let reserved = reserved(policy);
        let same =
            before.subnets == policy.subnets && before.relays == policy.relays && self::reserved(before) == reserved;
        if !same {
            self.book.lend(now, &policy.subnets, reserved, &policy.relays);
            self.warned.clear();
            self.unserved.clear();
        }
    }

    /// Whether nobody answered from an address a short while ago.
    pub(super) fn was_tried(&self, now: Timestamp, address: Ipv4Addr) -> bool {
        self.tried.get(&address).is_some_and(|at| now.since(*at) < TRIED_SPAN)
    }

    pub(super) fn note_tried(&mut self, now: Timestamp, address: Ipv4Addr) {
        if self.tried.len() >= TRIED_MAX {
            self.tried.retain(|_, at| now.since(*at) < TRIED_SPAN);
        }
        if self.tried.len() < TRIED_MAX {
            self.tried.insert(address, now);
        }
    }

    /// Whether it is time to warn that a pool is used up.
    pub(super) fn warns(&mut self, now: Timestamp, subnet: Network) -> bool {
        is_due(&mut self.warned, now, subnet)
    }

    /// Whether it is time to warn that machines ask at a place which no subnet serves.
    pub(super) fn warns_of_place(&mut self, now: Timestamp, origin: &Origin) -> bool {
        let relay = origin.relay.as_ref().map(|relay| relay.address);
        is_due(&mut self.unserved, now, (origin.link.clone(), relay))
    }
}

/// Whether what was warned of may be warned of again, which is noted.
fn is_due<K: Ord>(warned: &mut BTreeMap<K, Timestamp>, now: Timestamp, about: K) -> bool {
    let due = warned.get(&about).is_none_or(|at| now.since(*at) >= POOL_WARNING_SPAN);
    if due {
        warned.insert(about, now);
    }
    due
}

fn reserved(policy: &Policy) -> BTreeSet<Ipv4Addr> {
    let addresses = policy.hosts.values().flat_map(|definition| &definition.addresses);
    addresses.copied().collect()
}
