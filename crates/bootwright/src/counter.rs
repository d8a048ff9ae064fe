//! What is counted: every packet that got an answer, and every one that got none with its reason.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::Meters;
use crate::tftp::{Counts, Why};

/// From how many panics within [`PANICS_WITHIN`] on the daemon is not well.
const PANICS_MAX: usize = 5;
/// See [`PANICS_MAX`].
const PANICS_WITHIN: Duration = Duration::from_secs(60);

/// Counters by kind and reason. The reasons are names in the code, so there is a bounded number of them.
#[derive(Debug, Default)]
pub struct Counters {
    counts: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    /// When the last few panics happened.
    panics: Mutex<VecDeque<Instant>>,
    tftp: OnceLock<Arc<Counts>>,
    /// What is measured besides.
    pub meters: Meters,
}

impl Counters {
    /// Counts one.
    pub fn count(&self, kind: &'static str, reason: &'static str) {
        self.count_many(kind, reason, 1);
    }

    /// Counts as many at once. None is not counted, so that what never happened is not shown.
    pub fn count_many(&self, kind: &'static str, reason: &'static str, many: usize) {
        if many > 0 {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry((kind, reason)).or_default() += many as u64;
        }
    }

    /// Counts a panic.
    pub fn count_panic(&self, kind: &'static str) {
        self.count(kind, "panicked");
        let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        panics.push_back(Instant::now());
        if panics.len() > PANICS_MAX {
            panics.pop_front();
        }
    }

    /// Whether requests are served without frequent panics.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        let panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = panics.iter().filter(|panic| panic.elapsed() < PANICS_WITHIN);
        recent.count() < PANICS_MAX
    }

    /// Shows what the TFTP server counts by itself, too.
    pub fn show_tftp(&self, counts: &Arc<Counts>) {
        self.tftp.get_or_init(|| Arc::clone(counts));
    }

    /// All counts, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (why, count) in self.tftp.get().iter().flat_map(|counts| counts.iter()) {
            // What is refused with words is counted with those that are refused later, when their file is not there.
            if count > 0 && why != Why::Refused {
                *counts.entry(("tftp", why.name())).or_default() += count;
            }
        }
        counts
            .into_iter()
            .map(|((kind, reason), count)| (kind, reason, count))
            .collect()
    }
}
