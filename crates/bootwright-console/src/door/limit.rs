//! How many connections there are, in all and from one source.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections that are counted.
#[derive(Debug)]
pub(super) struct Places {
    all_max: usize,
    each_max: usize,
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// A connection's place. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    source: IpAddr,
}

impl Places {
    pub(super) fn new(all_max: usize, each_max: usize) -> Arc<Self> {
        Arc::new(Self {
            all_max,
            each_max,
            taken: Mutex::default(),
        })
    }

    /// A place for a connection from there; nothing if there are too many.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let source = match from.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            // Who has one address of a network has all.
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&source).copied().unwrap_or(0);
        if own >= self.each_max || taken.values().sum::<usize>() >= self.all_max {
            return None;
        }
        taken.insert(source, own + 1);
        Some(Place {
            places: Arc::clone(self),
            source,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.source) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_source_and_come_back() {
        let places = Places::new(3, 2);
        let from = |last: u8| IpAddr::from([10, 0, 0, last]);
        let first = places.take(from(1)).unwrap();
        let _second = places.take(from(1)).unwrap();
        assert!(places.take(from(1)).is_none());
        let third = places.take(from(2)).unwrap();
        assert!(places.take(from(3)).is_none());
        drop(third);
        drop(first);
        assert!(places.take(from(1)).is_some());
        assert_eq!(places.taken.lock().unwrap().len(), 1);
    }
}
