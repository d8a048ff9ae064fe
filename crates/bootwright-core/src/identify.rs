//! Which host a machine is.
//!
//! Facts are good, shared or junk. A match needs one good fact and no contradiction. Cards go in and out of machines, so
//! a card alone says less than the board's papers: UUID and serial number together are a match even with other cards.

use std::borrow::Borrow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, mem};

use crate::fact::{Quality, mac_quality, serial_quality, uuid_quality};
use crate::{Facts, HostId, MacAddr, Uuid};

/// Which host a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// This host.
    Known(HostId),
    /// None that we know, but one that can be known again.
    Unknown,
    /// None of its facts tells it from others.
    Nobody,
    /// Its facts speak for different hosts, or against the one that they name.
    Contradiction {
        /// The hosts that the facts speak for.
        candidates: Vec<HostId>,
        /// What does not fit, in words.
        why: String,
    },
}

/// Finds hosts by their facts.
#[derive(Clone, Debug, Default)]
pub struct HostIndex {
    macs: BTreeMap<MacAddr, HostId>,
    uuids: BTreeMap<Uuid, Owners>,
    serials: BTreeMap<Box<str>, Owners>,
}

impl HostIndex {
    /// An index of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a host's good facts. A card that another host has stays with that host.
    ///
    /// Cards whose address a maker or driver made up, and gives to many machines, are left out: see `assign`.
    pub fn insert(&mut self, host: &HostId, facts: &Facts) {
        for &mac in facts.macs.iter().filter(|mac| mac_quality(**mac) == Quality::Good) {
            self.macs.entry(mac).or_insert_with(|| host.clone());
        }
        if let Some(uuid) = facts.uuid.filter(|uuid| uuid_quality(*uuid) == Quality::Good) {
            add_owner(&mut self.uuids, uuid, host);
        }
        if let Some(serial) = facts
            .serial
            .as_ref()
            .filter(|serial| serial_quality(serial) == Quality::Good)
        {
            add_owner(&mut self.serials, serial.as_str().into(), host);
        }
    }

    /// Takes as little room as it can. Facts that came in their own order, as those of a whole site do that is loaded, leave
    /// each node of a tree half empty.
    pub fn pack(&mut self) {
        self.macs = mem::take(&mut self.macs).into_iter().collect();
        self.uuids = mem::take(&mut self.uuids).into_iter().collect();
        self.serials = mem::take(&mut self.serials).into_iter().collect();
    }

    /// Enters a card that the configuration names, so that a person vouches for an address that proves nothing by itself.
    pub fn assign(&mut self, host: &HostId, mac: MacAddr) {
        if !mac.is_zero() && !mac.is_multicast() {
            self.macs.entry(mac).or_insert_with(|| host.clone());
        }
    }

    /// Takes one card of a host out.
    pub fn release(&mut self, host: &HostId, mac: MacAddr) {
        if self.macs.get(&mac) == Some(host) {
            self.macs.remove(&mac);
        }
    }

    /// Takes a host's facts out.
    pub fn remove(&mut self, host: &HostId, facts: &Facts) {
        for mac in &facts.macs {
            self.release(host, *mac);
        }
        if let Some(uuid) = facts.uuid {
            remove_owner(&mut self.uuids, &uuid, host);
        }
        if let Some(serial) = &facts.serial {
            remove_owner(&mut self.serials, serial.as_str(), host);
        }
    }

    /// The host that has this card.
    #[must_use]
    pub fn by_mac(&self, mac: MacAddr) -> Option<&HostId> {
        self.macs.get(&mac)
    }

    /// The only host with this UUID, in either byte order, and whether several have it.
    #[must_use]
    pub fn by_uuid(&self, uuid: Uuid) -> Owner<'_> {
        match owner(self.uuids.get(&uuid)) {
            Owner::None => owner(self.uuids.get(&uuid.swapped())),
            found => found,
        }
    }

    /// The only host with this serial number, and whether several have it.
    #[must_use]
    pub fn by_serial(&self, serial: &str) -> Owner<'_> {
        owner(self.serials.get(serial))
    }
}

/// Who has a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// No host.
    None,
    /// One host.
    One(&'a HostId),
    /// Several, so that the fact is shared and tells nothing.
    Several,
}

/// The hosts that have a fact. Nearly always it is one, which lies in place: a set of one takes the room of eleven.
#[derive(Clone, Debug)]
enum Owners {
    One(HostId),
    /// Two at least.
    Several(BTreeSet<HostId>),
}

fn owner(owners: Option<&Owners>) -> Owner<'_> {
    match owners {
        None => Owner::None,
        Some(Owners::One(host)) => Owner::One(host),
        Some(Owners::Several(_)) => Owner::Several,
    }
}

fn add_owner<K: Ord>(map: &mut BTreeMap<K, Owners>, key: K, host: &HostId) {
    match map.entry(key) {
        Entry::Vacant(place) => drop(place.insert(Owners::One(host.clone()))),
        Entry::Occupied(mut place) => match place.get_mut() {
            Owners::One(known) if known == host => {}
            Owners::One(known) => {
                let both = BTreeSet::from([known.clone(), host.clone()]);
                place.insert(Owners::Several(both));
            }
            Owners::Several(hosts) => drop(hosts.insert(host.clone())),
        },
    }
}

fn remove_owner<K: Ord + Borrow<Q>, Q: Ord + ?Sized>(map: &mut BTreeMap<K, Owners>, key: &Q, host: &HostId) {
    match map.get_mut(key) {
        None => {}
        Some(Owners::One(known)) if known == host => {
            map.remove(key);
        }
        Some(owners) => {
            let Owners::Several(hosts) = owners else { return };
            hosts.remove(host);
            if let (1, Some(last)) = (hosts.len(), hosts.first()) {
                *owners = Owners::One(last.clone());
            }
        }
    }
}

/// Which host shows these facts. `facts_of` gives the recorded facts of a host that the index names.
#[must_use]
pub fn identify<'a>(index: &HostIndex, facts_of: impl Fn(&HostId) -> Option<&'a Facts>, seen: &Facts) -> Identity {
    let by_cards: BTreeSet<&HostId> = seen.macs.iter().filter_map(|mac| index.by_mac(*mac)).collect();
    let mut cards = by_cards.iter();
    match (cards.next(), cards.next()) {
        (Some(host), None) => match facts_of(host).and_then(|known| difference(known, seen)) {
            None => match owner_of_papers(index, seen).filter(|owner| owner != host) {
                None => Identity::Known((*host).clone()),
                Some(owner) => Identity::Contradiction {
                    candidates: vec![(*host).clone(), owner.clone()],
                    why: "its card belongs to one host, its UUID and its serial number to another".to_owned(),
                },
            },
            Some(difference) => Identity::Contradiction {
                candidates: vec![(*host).clone()],
                why: difference.to_string(),
            },
        },
        (Some(_), Some(_)) => {
            let candidates = by_cards.into_iter().cloned().collect();
            Identity::Contradiction {
                candidates,
                why: "its cards belong to different hosts".to_owned(),
            }
        }
        (None, _) => by_papers(index, facts_of, seen),
    }
}

/// A machine none of whose cards is known: the same board with another card, or another machine with the same papers?
///
/// One paper is enough if the machine shows no card, or if of the host nothing but its papers is known.
fn by_papers<'a>(index: &HostIndex, facts_of: impl Fn(&HostId) -> Option<&'a Facts>, seen: &Facts) -> Identity {
    let uuid = good_uuid(seen).map_or(Owner::None, |uuid| index.by_uuid(uuid));
    let serial = good_serial(seen).map_or(Owner::None, |serial| index.by_serial(serial));
    let has_good_mac = seen.macs.iter().any(|mac| mac_quality(*mac) == Quality::Good);
    match (uuid, serial) {
        (Owner::One(a), Owner::One(b)) if a == b => Identity::Known(a.clone()),
        (Owner::One(a), Owner::One(b)) if !has_good_mac => Identity::Contradiction {
            candidates: vec![a.clone(), b.clone()],
            why: "its UUID and its serial number belong to different hosts".to_owned(),
        },
        (Owner::One(host), Owner::None | Owner::Several) | (Owner::None | Owner::Several, Owner::One(host))
            if !has_good_mac || facts_of(host).is_some_and(|known| known.macs.is_empty()) =>
        {
            match facts_of(host).and_then(|known| difference(known, seen)) {
                None => Identity::Known(host.clone()),
                Some(difference) => Identity::Contradiction {
                    candidates: vec![host.clone()],
                    why: difference.to_string(),
                },
            }
        }
        (uuid, serial) => {
            let papers = uuid == Owner::None && good_uuid(seen).is_some()
                || serial == Owner::None && good_serial(seen).is_some();
            if has_good_mac || papers {
                Identity::Unknown
            } else {
                Identity::Nobody
            }
        }
    }
}

/// The host whose UUID and serial number, both of them and nobody else's, are seen.
fn owner_of_papers<'a>(index: &'a HostIndex, seen: &Facts) -> Option<&'a HostId> {
    match (index.by_uuid(good_uuid(seen)?), index.by_serial(good_serial(seen)?)) {
        (Owner::One(a), Owner::One(b)) if a == b => Some(a),
        _ => None,
    }
}

fn good_uuid(facts: &Facts) -> Option<Uuid> {
    facts.uuid.filter(|uuid| uuid_quality(*uuid) == Quality::Good)
}

fn good_serial(facts: &Facts) -> Option<&str> {
    facts
        .serial
        .as_deref()
        .filter(|serial| serial_quality(serial) == Quality::Good)
}

/// How the machine that is seen differs from the one that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Another UUID.
    Uuid {
        /// The recorded one.
        known: Uuid,
        /// The one that is seen.
        seen: Uuid,
    },
    /// Another serial number.
    Serial {
        /// The recorded one.
        known: String,
        /// The one that is seen.
        seen: String,
    },
    /// None of the cards that are known.
    Cards,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid { known, seen } => write!(f, "its UUID is {seen}, not {known}"),
            Self::Serial { known, seen } => write!(f, "its serial number is `{seen}`, not `{known}`"),
            Self::Cards => f.write_str("it has none of the cards that are known"),
        }
    }
}

/// Whether the board's papers differ: a good fact on both sides that is not the same.
///
/// The two byte orders of a UUID are the same UUID.
#[must_use]
pub fn difference(known: &Facts, seen: &Facts) -> Option<Difference> {
    if let (Some(known), Some(seen)) = (good_uuid(known), good_uuid(seen))
        && known != seen
        && known != seen.swapped()
    {
        return Some(Difference::Uuid { known, seen });
    }
    if let (Some(known), Some(seen)) = (good_serial(known), good_serial(seen))
        && known != seen
    {
        return Some(Difference::Serial {
            known: known.to_owned(),
            seen: seen.to_owned(),
        });
    }
    None
}

fn good_macs(facts: &Facts) -> BTreeSet<MacAddr> {
    let good = |mac: &MacAddr| mac_quality(*mac) == Quality::Good;
    facts.macs.iter().copied().filter(good).collect()
}

/// Whether a machine may use a grant that was given for another sight of it: the same papers, and at least one card in
/// common where both show cards. An address that many machines may have is not held in common as long as there are better.
#[must_use]
pub fn grant_difference(granted: &Facts, seen: &Facts) -> Option<Difference> {
    if let Some(difference) = difference(granted, seen) {
        return Some(difference);
    }
    let (ours, theirs) = (good_macs(granted), good_macs(seen));
    let apart = if ours.is_empty() || theirs.is_empty() {
        !granted.macs.is_empty() && !seen.macs.is_empty() && granted.macs.is_disjoint(&seen.macs)
    } else {
        ours.is_disjoint(&theirs)
    };
    apart.then_some(Difference::Cards)
}
