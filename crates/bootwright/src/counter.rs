//! What is counted: every packet that got an answer, and every one that got none with its reason.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counters by kind and reason. The reasons are names in the code, so there is a bounded number of them.
#[derive(Debug, Default)]
pub struct Counters {
    counts: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

impl Counters {
    /// Counts one.
    pub fn count(&self, kind: &'static str, reason: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((kind, reason)).or_default() += 1;
    }

    /// All counts, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|((kind, reason), count)| (*kind, *reason, *count))
            .collect()
    }
}
