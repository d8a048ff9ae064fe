//! Many addresses in little room: runs without gaps.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::AddressRange;

/// A set of addresses. Every operation takes time in proportion to the logarithm of the number of runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// The last address of each run by its first; no two runs touch.
    runs: BTreeMap<u32, u32>,
    count: u64,
}

impl Runs {
    /// How many addresses are in it.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn contains(&self, address: Ipv4Addr) -> bool {
        self.run_of(u32::from(address)).is_some()
    }

    fn run_of(&self, address: u32) -> Option<(u32, u32)> {
        let (first, last) = self.runs.range(..=address).next_back()?;
        (address <= *last).then_some((*first, *last))
    }

    /// Adds a range that has nothing in common with what is there.
    pub(super) fn insert_range(&mut self, range: AddressRange) {
        self.count = self.count.saturating_add(range.count());
        let (mut first, mut last) = (u32::from(range.first), u32::from(range.last));
        let before = first.checked_sub(1).and_then(|address| self.run_of(address));
        if let Some((start, _)) = before {
            first = start;
        }
        let after = last.checked_add(1).and_then(|address| self.run_of(address));
        if let Some((start, end)) = after {
            self.runs.remove(&start);
            last = end;
        }
        self.runs.insert(first, last);
    }

    pub(super) fn insert(&mut self, address: Ipv4Addr) {
        if !self.contains(address) {
            self.insert_range(AddressRange {
                first: address,
                last: address,
            });
        }
    }

    pub(super) fn remove(&mut self, address: Ipv4Addr) {
        let address = u32::from(address);
        let Some((first, last)) = self.run_of(address) else {
            return;
        };
        self.count = self.count.saturating_sub(1);
        self.runs.remove(&first);
        if first < address {
            self.runs.insert(first, address.saturating_sub(1));
        }
        if address < last {
            self.runs.insert(address.saturating_add(1), last);
        }
    }

    /// The first address from this one on; where there is none, the first of all.
    pub(super) fn next_from(&self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let from = u32::from(address);
        let here = self.run_of(from).map(|_| from);
        let next = || self.runs.range(from..).next().map(|(first, _)| *first);
        let any = || self.runs.first_key_value().map(|(first, _)| *first);
        here.or_else(next).or_else(any).map(Ipv4Addr::from)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(address: u32) -> Ipv4Addr {
        Ipv4Addr::from(address)
    }

    #[test]
    fn runs_hold_what_a_plain_set_holds() {
        // A fixed sequence that visits everything in a space of 64 addresses, the last of all addresses among them.
        let base = u32::MAX - 63;
        let (mut runs, mut set, mut state) = (Runs::default(), BTreeSet::new(), 1_u32);
        for _ in 0..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let address = at(base + (state >> 24) % 64);
            if state >> 31 == 0 {
                runs.insert(address);
                set.insert(address);
            } else {
                runs.remove(address);
                set.remove(&address);
            }
            assert_eq!(runs.count(), u64::try_from(set.len()).expect("64 at most"));
            assert_eq!(runs.contains(address), set.contains(&address));
            let probe = at(base + (state >> 16) % 64);
            let next = set.range(probe..).next().or_else(|| set.first()).copied();
            assert_eq!(runs.next_from(probe), next);
        }
        let touching = runs.runs.iter().zip(runs.runs.iter().skip(1));
        for ((_, last), (first, _)) in touching {
            assert!(last + 1 < *first, "two runs touch");
        }
    }
}
