//! How many hosts are in each state, counted as they change: whoever asks often should not have to look at all of them.

use std::collections::BTreeMap;

use bootwright_core::Host;

/// How many hosts are in each state, by its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    /// A host was this, and is that.
    pub(crate) fn follow(&mut self, before: Option<&Host>, after: Option<&Host>) {
        let name = |host: &Host| host.state.phase.name();
        let (before, after) = (before.map(name), after.map(name));
        if before == after {
            return;
        }
        if let Some(count) = before.and_then(|name| self.0.get_mut(name)) {
            *count = count.saturating_sub(1);
        }
        if let Some(name) = after {
            *self.0.entry(name).or_default() += 1;
        }
    }

    /// The states that at least one host is in.
    pub(crate) fn states(&self) -> BTreeMap<&'static str, usize> {
        let some = self.0.iter().filter(|(_, count)| **count > 0);
        some.map(|(name, count)| (*name, *count)).collect()
    }
}
