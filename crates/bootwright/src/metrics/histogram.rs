//! Times in buckets, without a lock: whoever answers machines only adds to three numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often something took how long.
#[derive(Debug)]
pub struct Histogram {
    /// The upper bounds of the buckets in microseconds, rising; one more bucket has no bound.
    bounds: &'static [u64],
    counts: Box<[AtomicU64]>,
    sum_us: AtomicU64,
}

impl Histogram {
    /// One with these upper bounds, in microseconds.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_us: AtomicU64::new(0),
        }
    }

    /// Adds a time.
    pub fn observe(&self, took: Duration) {
        self.observe_many(took, 1);
    }

    /// Adds a time that so many took.
    pub fn observe_many(&self, took: Duration, many: u64) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|bound| *bound < us);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(many, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us.saturating_mul(many), Ordering::Relaxed);
    }

    /// The buckets as Prometheus counts them (each with all below it): the bound in seconds, nothing for the last.
    pub(super) fn buckets(&self) -> Vec<(Option<f64>, u64)> {
        let mut sum = 0;
        let counts = self.counts.iter().enumerate();
        counts
            .map(|(place, count)| {
                sum += count.load(Ordering::Relaxed);
                (self.bounds.get(place).map(|us| seconds(*us)), sum)
            })
            .collect()
    }

    /// The sum of all times, in seconds.
    pub(super) fn sum(&self) -> f64 {
        seconds(self.sum_us.load(Ordering::Relaxed))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a time of more than 285 years would be off by a microsecond"
)]
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_its_bucket_and_in_all_above() {
        let histogram = Histogram::new(&[100, 1000]);
        histogram.observe(Duration::from_micros(100));
        histogram.observe_many(Duration::from_micros(101), 2);
        histogram.observe(Duration::from_secs(2));
        assert_eq!(histogram.buckets(), [(Some(0.0001), 1), (Some(0.001), 3), (None, 4)]);
        assert!((histogram.sum() - 2.000_302).abs() < 1e-9, "{}", histogram.sum());
    }
}
