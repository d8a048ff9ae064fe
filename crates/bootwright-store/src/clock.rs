//! The site's own time line, which runs forward whatever the wall clock does.
//!
//! While one kernel runs, the time line is as exact as its boot clock, suspension included. Over a reboot only the wall
//! clock can tell how much time went by; it may have been set wrong in between, so that it is believed within bounds.

use bootwright_core::{Span, Timestamp, Uuid};

/// The longest time that a machine is believed to have been off: a clock that is years ahead moves deadlines by a month.
pub const OFF_MAX: Span = Span::from_hours(30 * 24);

/// What the clocks of the machine show at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Which start of the kernel it is, so that boot clocks of different starts are never compared.
    pub boot_id: Uuid,
    /// Milliseconds since that start, time in suspension included.
    pub boottime_ms: u64,
    /// The wall clock, in milliseconds since the Unix epoch.
    pub wall_ms: u64,
}

/// What the clocks showed at a commit, and where the site's time line stood then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockMark {
    /// What the machine's clocks showed.
    pub reading: ClockReading,
    /// The site's time, in milliseconds.
    pub site_ms: u64,
}

/// The site's time line while this process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteClock {
    began: ClockReading,
    site_ms: u64,
    resumed: Resumed,
}

/// How the time line was taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// There was none: it starts as the wall clock.
    First,
    /// The kernel is the same: exactly this time went by.
    SameBoot(Span),
    /// The kernel was started anew, and by the wall clock this time went by.
    OtherBoot(Span),
    /// The kernel was started anew, and the wall clock says something that cannot be believed: the time line goes on
    /// from where it stood, or `OFF_MAX` later.
    Unsure(Span),
}

/// Takes the site's time line up where the last commit left it.
#[must_use]
pub fn resume(mark: Option<&ClockMark>, now: ClockReading) -> SiteClock {
    let Some(mark) = mark else {
        return SiteClock {
            began: now,
            site_ms: now.wall_ms,
            resumed: Resumed::First,
        };
    };
    let before = mark.reading;
    let resumed = if before.boot_id == now.boot_id {
        Resumed::SameBoot(Span::from_millis(now.boottime_ms.saturating_sub(before.boottime_ms)))
    } else {
        match now.wall_ms.checked_sub(before.wall_ms) {
            Some(off) if off <= OFF_MAX.as_millis() => Resumed::OtherBoot(Span::from_millis(off)),
            Some(_) => Resumed::Unsure(OFF_MAX),
            None => Resumed::Unsure(Span::ZERO),
        }
    };
    SiteClock {
        began: now,
        site_ms: mark.site_ms.saturating_add(resumed.passed().as_millis()),
        resumed,
    }
}

impl Resumed {
    /// How much time is taken to have gone by since the last commit.
    #[must_use]
    pub const fn passed(self) -> Span {
        match self {
            Self::First => Span::ZERO,
            Self::SameBoot(span) | Self::OtherBoot(span) | Self::Unsure(span) => span,
        }
    }
}

impl SiteClock {
    /// The site's time when the boot clock shows this.
    #[must_use]
    pub const fn now(&self, boottime_ms: u64) -> Timestamp {
        let passed = boottime_ms.saturating_sub(self.began.boottime_ms);
        Timestamp::from_millis(self.site_ms.saturating_add(passed))
    }

    /// What is to be recorded beside a commit.
    #[must_use]
    pub const fn mark(&self, now: ClockReading) -> ClockMark {
        ClockMark {
            reading: now,
            site_ms: self.now(now.boottime_ms).as_millis(),
        }
    }

    /// How the time line was taken up at the start of this process.
    #[must_use]
    pub const fn resumed(&self) -> Resumed {
        self.resumed
    }
}

#[cfg(test)]
mod tests;
