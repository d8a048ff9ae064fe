//! How long things took.

use std::time::Duration;

use serde_json::{Value, json};

/// Durations, kept whole until the end.
#[derive(Default)]
pub(crate) struct Tally {
    micros: Vec<u32>,
}

impl Tally {
    pub(crate) fn add(&mut self, took: Duration) {
        self.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn count(&self) -> usize {
        self.micros.len()
    }

    /// The median, the 99th of a hundred and the longest, in milliseconds.
    pub(crate) fn milliseconds(&mut self) -> Value {
        self.micros.sort_unstable();
        let at = |share: f64| {
            let place = (self.micros.len() as f64 * share) as usize;
            let micros = self.micros.get(place.min(self.micros.len().saturating_sub(1)));
            micros.map(|micros| f64::from(*micros) / 1000.0)
        };
        json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
    }
}
