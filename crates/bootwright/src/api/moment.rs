//! Points in time for people.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bootwright_core::Timestamp;

use crate::core::Core;

/// Turns points of the site's time line into the wall clock's.
#[derive(Clone)]
pub(super) struct Moments {
    core: Arc<Core>,
    started: String,
}

impl Moments {
    /// Made when the daemon starts.
    pub(super) fn new(core: Arc<Core>) -> Self {
        let started = wall(wall_ms());
        Self { core, started }
    }

    /// When the daemon started.
    pub(super) fn started(&self) -> String {
        self.started.clone()
    }

    /// A reading of both clocks, for one answer.
    pub(super) fn read(&self) -> Now {
        let (site, wall) = (self.core.now().as_millis(), wall_ms());
        let ahead_ms = i64::try_from(wall).unwrap_or(i64::MAX).saturating_sub_unsigned(site);
        Now {
            // Whole seconds, so that the same point is told alike each time although the clocks are read one by one.
            ahead_ms: ahead_ms.saturating_add(500).div_euclid(1000).saturating_mul(1000),
        }
    }
}

/// How far the wall clock is ahead of the site's time line.
#[derive(Clone, Copy)]
pub(super) struct Now {
    ahead_ms: i64,
}

impl Now {
    /// The point as an RFC 3339 text in UTC.
    pub(super) fn text(self, at: Timestamp) -> String {
        wall(at.as_millis().saturating_add_signed(self.ahead_ms))
    }
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since the Unix epoch as an RFC 3339 text in UTC; the end of what the calendar knows for those beyond.
pub(super) fn wall(millis: u64) -> String {
    let moment = i64::try_from(millis)
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", moment.unwrap_or(jiff::Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_texts_of_one_length() {
        assert_eq!(wall(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(wall(1_772_366_400_250), "2026-03-01T12:00:00.250Z");
        assert!(wall(u64::MAX).starts_with("9999-12-3"));
    }

    #[test]
    fn the_wall_clock_is_ahead_or_behind() {
        let at = Timestamp::from_millis(10_000);
        assert_eq!(Now { ahead_ms: 5000 }.text(at), "1970-01-01T00:00:15.000Z");
        assert_eq!(Now { ahead_ms: -5000 }.text(at), "1970-01-01T00:00:05.000Z");
    }
}
