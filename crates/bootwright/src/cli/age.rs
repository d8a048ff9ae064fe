//! Points in time as people say them.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The moment that ages are told from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now(Timestamp);

impl Now {
    /// The wall clock.
    pub(super) fn read() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Timestamp::from_millisecond(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).unwrap_or_default())
    }

    /// How long ago or ahead an RFC 3339 text is, by its largest unit: `5 s ago`, `in 2 h`. A text that is none stays.
    pub(super) fn relative(self, text: &str) -> String {
        let Ok(then) = text.parse::<Timestamp>() else {
            return text.to_owned();
        };
        let seconds = then.as_second().saturating_sub(self.0.as_second());
        match seconds {
            0 => "now".to_owned(),
            1.. => format!("in {}", largest_unit(seconds.unsigned_abs())),
            _ => format!("{} ago", largest_unit(seconds.unsigned_abs())),
        }
    }

    /// The same, or a dash where there is no time.
    pub(super) fn relative_or_dash(self, text: Option<&String>) -> String {
        text.map_or_else(|| "-".to_owned(), |text| self.relative(text))
    }
}

fn largest_unit(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// An RFC 3339 text as the wall clock of this place shows it: date and time to the second. A text that is none stays.
pub(super) fn local(text: &str) -> String {
    let Ok(then) = text.parse::<Timestamp>() else {
        return text.to_owned();
    };
    then.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_by_their_largest_unit() {
        let now = Now("2026-03-01T12:00:00Z".parse().unwrap());
        for (text, words) in [
            ("2026-03-01T12:00:00.4Z", "now"),
            ("2026-03-01T11:59:01Z", "59 s ago"),
            ("2026-03-01T11:00:01Z", "59 min ago"),
            ("2026-02-28T13:00:00Z", "23 h ago"),
            ("2026-02-01T12:00:00Z", "28 d ago"),
            ("2026-03-01T14:00:05Z", "in 2 h"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(now.relative(text), words);
        }
    }
}
