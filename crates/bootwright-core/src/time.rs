//! Points and spans of time.

use std::fmt;

/// A point on the site's own time line, in milliseconds.
///
/// It starts as the wall clock of the day the store was made and from then on only runs forward: a clock that is set
/// back or forth moves no deadline, and what has expired stays expired over a restart. People are shown the wall clock,
/// which is recorded beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Timestamp {
    /// The point this many milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The point that much later; the end of time if there is none.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The point that much earlier; the epoch if there is none.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long ago `earlier` was; nothing if it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of this many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// A span of this many seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// A span of this many minutes.
    #[must_use]
    pub const fn from_mins(mins: u64) -> Self {
        Self::from_secs(mins.saturating_mul(60))
    }

    /// A span of this many hours.
    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_mins(hours.saturating_mul(60))
    }

    /// Its length in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The two spans one after the other.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Span {
    /// Words for people: `850 ms`, `12 s`, `2 min`, `1 h 30 min`, `3 d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0 / 1000;
        let (days, hours, mins) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
        match (days, hours, mins) {
            (0, 0, 0) if self.0 < 1000 => write!(f, "{} ms", self.0),
            (0, 0, 0) => write!(f, "{secs} s"),
            (0, 0, _) if secs.is_multiple_of(60) => write!(f, "{mins} min"),
            (0, 0, _) => write!(f, "{mins} min {} s", secs % 60),
            (0, _, 0) => write!(f, "{hours} h"),
            (0, _, _) => write!(f, "{hours} h {mins} min"),
            (_, 0, _) => write!(f, "{days} d"),
            (_, _, _) => write!(f, "{days} d {hours} h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let cases = [
            (0, "0 ms"),
            (850, "850 ms"),
            (12_000, "12 s"),
            (120_000, "2 min"),
            (88_000, "1 min 28 s"),
            (5_400_000, "1 h 30 min"),
            (86_400_000, "1 d"),
        ];
        for (millis, words) in cases {
            assert_eq!(Span::from_millis(millis).to_string(), words);
        }
    }

    #[test]
    fn time_never_wraps() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.after(Span::from_secs(1)), end);
        assert_eq!(Timestamp::from_millis(5).since(end), Span::ZERO);
    }
}
