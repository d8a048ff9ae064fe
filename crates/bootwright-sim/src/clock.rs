//! The clocks of the box that the daemon runs on: one that only runs forward, and one on the wall that anybody may set.

use std::time::Duration;

use bootwright_core::{Timestamp, Uuid};
use bootwright_store::{ClockMark, ClockReading, SiteClock, resume};

/// The box's clocks.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    boots: u128,
    booted: Duration,
    wall_ms: u64,
    site: SiteClock,
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Clock {
    /// The clocks of a box that was just started.
    pub(crate) fn new(wall_ms: u64) -> Self {
        let reading = ClockReading {
            boot_id: Uuid::from_text_order([0; 16]),
            boottime_ms: 0,
            wall_ms,
        };
        Self {
            boots: 0,
            booted: Duration::ZERO,
            wall_ms,
            site: resume(None, reading),
        }
    }

    pub(crate) fn reading(&self, now: Duration) -> ClockReading {
        let boottime_ms = millis(now.saturating_sub(self.booted));
        ClockReading {
            boot_id: Uuid::from_text_order(self.boots.to_be_bytes()),
            boottime_ms,
            wall_ms: self.wall_ms.saturating_add(boottime_ms),
        }
    }

    /// The site's time.
    pub(crate) fn now(&self, now: Duration) -> Timestamp {
        self.site.now(self.reading(now).boottime_ms)
    }

    pub(crate) fn mark(&self, now: Duration) -> ClockMark {
        self.site.mark(self.reading(now))
    }

    /// The wall clock is set; nothing may depend on it while the box is on.
    pub(crate) fn set_wall(&mut self, wall_ms: u64) {
        self.wall_ms = wall_ms;
    }

    /// The kernel is started anew.
    pub(crate) fn reboot(&mut self, now: Duration) {
        self.wall_ms = self.reading(now).wall_ms;
        self.boots += 1;
        self.booted = now;
    }

    /// The daemon starts, and takes the time line up where the record left it.
    pub(crate) fn resume(&mut self, now: Duration, mark: Option<&ClockMark>) {
        self.site = resume(mark, self.reading(now));
    }
}
