//! When each of many has to be called: kept in order, so that nobody is looked at who is not due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Points in time by their owner.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines<K> {
    of: BTreeMap<K, Duration>,
    order: BTreeSet<(Duration, K)>,
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Sets when an owner has to be called; nothing if it need not be.
    pub(crate) fn set(&mut self, owner: K, at: Option<Duration>) {
        let before = match at {
            Some(at) => self.of.insert(owner, at),
            None => self.of.remove(&owner),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.order.remove(&(before, owner));
        }
        if let Some(at) = at {
            self.order.insert((at, owner));
        }
    }

    /// The next point in time at all.
    pub(crate) fn first(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Whose time has come, in the order of their names.
    pub(crate) fn due(&self, now: Duration) -> Vec<K> {
        let due = self.order.iter().take_while(|(at, _)| *at <= now);
        let mut owners: Vec<K> = due.map(|(_, owner)| *owner).collect();
        owners.sort_unstable();
        owners
    }
}

#[cfg(test)]
mod tests {
    use super::{Deadlines, Duration};

    #[test]
    fn who_is_due_is_known_whatever_was_set_before() {
        let second = Duration::from_secs;
        let mut deadlines = Deadlines::default();
        for (owner, at) in [(3, 5), (1, 9), (2, 5), (1, 4)] {
            deadlines.set(owner, Some(second(at)));
        }
        deadlines.set(4, Some(second(1)));
        deadlines.set(4, None);
        assert_eq!(
            (deadlines.first(), deadlines.due(second(5))),
            (Some(second(4)), vec![1, 2, 3])
        );
        deadlines.set(1, None);
        assert_eq!((deadlines.first(), deadlines.due(second(4))), (Some(second(5)), vec![]));
    }
}
