//! What this box' clocks say, for a time line of our own that survives a wall clock that jumps.

use std::fs;
use std::io;

use nix::time::{ClockId, clock_gettime};

/// Reads the clocks.
#[derive(Clone, Debug)]
pub struct Clock {
    boot_id: String,
}

/// One look at all clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Which boot of this box it was: readings of `boottime_ms` are comparable only within one. A random UUID in text.
    pub boot_id: String,
    /// Milliseconds since that boot, suspended time included. Only ever runs forward.
    pub boottime_ms: u64,
    /// Milliseconds since the Unix epoch as the wall clock has it, which may be wrong and may be set at any time.
    pub wall_ms: u64,
}

impl Clock {
    /// Finds out which boot this is.
    ///
    /// # Errors
    /// When the kernel does not tell, as without `/proc`.
    pub fn new() -> io::Result<Self> {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        Ok(Self {
            boot_id: boot_id.trim_end().to_owned(),
        })
    }

    /// Reads all clocks now.
    #[must_use]
    pub fn read(&self) -> ClockReading {
        ClockReading {
            boot_id: self.boot_id.clone(),
            boottime_ms: self.boottime_ms(),
            wall_ms: millis(ClockId::CLOCK_REALTIME),
        }
    }

    /// Milliseconds since this box booted, suspended time included. Costs some 30 ns.
    #[must_use]
    pub fn boottime_ms(&self) -> u64 {
        millis(ClockId::CLOCK_BOOTTIME)
    }
}

/// A clock before its epoch reads as 0.
fn millis(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("Linux has had these clocks since 2.6.39");
    let millis = i128::from(time.tv_sec()) * 1000 + i128::from(time.tv_nsec()) / 1_000_000;
    u64::try_from(millis).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_clocks_run_with_the_systems_own() {
        let clock = Clock::new().expect("this kernel tells");
        let (first, start) = (clock.read(), Instant::now());
        while start.elapsed() < Duration::from_millis(20) {
            std::thread::yield_now();
        }
        let second = clock.read();
        let passed = second.boottime_ms - first.boottime_ms;
        let at_most = start.elapsed().as_millis() as u64 + 1;
        assert!((19..=at_most).contains(&passed), "{passed} ms of {at_most}");
        assert_eq!(first.boot_id, second.boot_id);
        assert_eq!(first.boot_id.len(), 36, "a UUID: {}", first.boot_id);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_millis() as u64;
        assert!(now.abs_diff(second.wall_ms) < 5_000);
        let uptime = fs::read_to_string("/proc/uptime").expect("this kernel tells");
        let seconds: f64 = uptime.split(' ').next().expect("a word").parse().expect("a number");
        let boottime = clock.boottime_ms() as f64 / 1000.0;
        assert!((boottime - seconds).abs() < 5.0, "{boottime} {seconds}");
    }
}
