//! The addresses of one subnet that may be lent to whoever asks, each in exactly one place.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Subnet;
use super::runs::Runs;
use crate::{MacAddr, Timestamp};

/// What of a subnet's addresses is at hand. Addresses in use are in none of the sets but `declined`.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) subnet: Arc<Subnet>,
    /// How many addresses it has to lend in all.
    pub(super) size: u64,
    /// Those that nobody had yet.
    pub(super) free: Runs,
    /// Those that somebody had, the one that has been unused for longest first.
    pub(super) ended: BTreeSet<(Timestamp, Ipv4Addr)>,
    /// Those that are offered to strangers who have not answered, the oldest offer first.
    pub(super) offered: BTreeSet<(Timestamp, Ipv4Addr)>,
    /// Those that somebody else uses, by when they are tried again.
    pub(super) declined: BTreeSet<(Timestamp, Ipv4Addr)>,
}

impl Pool {
    pub(super) fn new(subnet: Arc<Subnet>) -> Self {
        Self {
            subnet,
            size: 0,
            free: Runs::default(),
            ended: BTreeSet::new(),
            offered: BTreeSet::new(),
            declined: BTreeSet::new(),
        }
    }

    /// How many addresses nobody uses or was just offered.
    pub(super) fn available(&self) -> u64 {
        let ended = u64::try_from(self.ended.len()).unwrap_or(u64::MAX);
        self.free.count().saturating_add(ended)
    }

    /// How many addresses a stranger must leave for machines that the operator knows.
    pub(super) fn kept(&self) -> u64 {
        let share = u64::from(self.subnet.known_share.min(100));
        self.size.saturating_mul(share).checked_div(100).unwrap_or(0)
    }

    /// Whether so few addresses are left that strangers have to stand in line.
    pub(super) fn is_scarce(&self) -> bool {
        self.available().saturating_mul(4) < self.size
    }

    /// How many addresses may be kept back because somebody else uses them: a quarter, or else whoever declines what he is
    /// offered could empty the pool.
    pub(super) fn declined_max(&self) -> usize {
        usize::try_from(self.size.div_ceil(4)).unwrap_or(usize::MAX).max(1)
    }

    /// The address to lend next: one that nobody had, from a place on that depends on the card alone, so that a machine
    /// whose lease was forgotten gets its old address again; else the one that has been unused for longest.
    pub(super) fn next_for(&self, holder: MacAddr) -> Option<Ipv4Addr> {
        let fresh = self.start(holder).and_then(|start| self.free.next_from(start));
        fresh.or_else(|| self.ended.first().map(|(_, address)| *address))
    }

    fn start(&self, holder: MacAddr) -> Option<Ipv4Addr> {
        let all: u64 = self.subnet.ranges.iter().map(|range| range.count()).sum();
        let mut place = hash(holder).checked_rem(all)?;
        for range in &self.subnet.ranges {
            if place < range.count() {
                let offset = u32::try_from(place).ok()?;
                return u32::from(range.first).checked_add(offset).map(Ipv4Addr::from);
            }
            place = place.saturating_sub(range.count());
        }
        None
    }
}

/// FNV-1a of 64 bits, its halves joined: cards that a maker numbered one after the other end up apart.
fn hash(mac: MacAddr) -> u64 {
    let hash = mac.octets().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}
