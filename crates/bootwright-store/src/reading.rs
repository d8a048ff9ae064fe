//! The machine's real clocks.

use std::time::{SystemTime, UNIX_EPOCH};

use bootwright_core::Uuid;
use nix::time::{ClockId, clock_gettime};

use crate::{ClockReading, StoreError};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

impl ClockReading {
    /// Which start of the kernel this is. It stays the same while the process runs: read it once.
    ///
    /// # Errors
    /// When `/proc` does not tell.
    pub fn boot_id() -> Result<Uuid, StoreError> {
        let path = std::path::Path::new(BOOT_ID);
        let text = std::fs::read_to_string(path).map_err(|error| StoreError::io("read", path, &error))?;
        text.trim().parse().map_err(|_| StoreError::Io {
            action: "read",
            path: path.to_owned(),
            cause: format!("`{}` is no boot id", text.trim()),
        })
    }

    /// What the clocks show now.
    #[must_use]
    pub fn now(boot_id: Uuid) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            boot_id,
            boottime_ms: Self::boottime_ms(),
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// What the boot clock alone shows now, in milliseconds: all that the site's time line needs between commits.
    #[must_use]
    pub fn boottime_ms() -> u64 {
        // The clock exists since Linux 2.6.39 and reading it has no other way to fail.
        clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| {
            let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
            let millis = u64::try_from(time.tv_nsec()).unwrap_or(0) / 1_000_000;
            seconds.saturating_mul(1000).saturating_add(millis)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_of_this_machine_can_be_read() {
        let boot_id = ClockReading::boot_id().expect("a boot id");
        let (first, second) = (ClockReading::now(boot_id), ClockReading::now(boot_id));
        assert!(first.boottime_ms > 0 && first.wall_ms > 1_600_000_000_000);
        assert!(second.boottime_ms >= first.boottime_ms);
    }
}
