//! Numbers and points in time as people say them.

use jiff::Timestamp;
use maud::{Markup, html};

/// How long something takes or took: `4 s`, `1 min 28 s`, `3 h 5 min`, `2 d 4 h`.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => two(minutes, "min", seconds % 60, "s"),
        (0, _, _) => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

fn two(large: u64, unit: &str, small: u64, part: &str) -> String {
    if small == 0 {
        format!("{large} {unit}")
    } else {
        format!("{large} {unit} {small} {part}")
    }
}

/// How long ago a point was; nothing if the text is none.
pub(crate) fn elapsed_ms(since: &str) -> Option<u64> {
    let since: Timestamp = since.parse().ok()?;
    let elapsed = Timestamp::now().as_millisecond().saturating_sub(since.as_millisecond());
    Some(u64::try_from(elapsed).unwrap_or(0))
}

/// A point in time as a distance from now, with the point itself for machines and for whoever points at it.
pub(crate) fn when(at: &str) -> Markup {
    html! { time datetime=(at) title=(exact(at)) { (distance(at)) } }
}

fn distance(at: &str) -> String {
    let Ok(point) = at.parse::<Timestamp>() else {
        return at.to_owned();
    };
    let ahead = point.as_millisecond().saturating_sub(Timestamp::now().as_millisecond());
    match (ahead.unsigned_abs(), ahead > 0) {
        (0..5000, _) => "just now".to_owned(),
        (ms, true) => format!("in {}", coarse(ms)),
        (ms, false) => format!("{} ago", coarse(ms)),
    }
}

/// The same to one unit: nobody reads seconds of an hour ago.
fn coarse(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A point in time without its fractions: `2026-03-01 12:00:00 UTC`.
pub(crate) fn exact(at: &str) -> String {
    let whole = at.split(['.', 'Z']).next().unwrap_or(at);
    format!("{} UTC", whole.replacen('T', " ", 1))
}

/// A number of bytes: `14 MB`, `1.0 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut unit, mut tenths) = (0, bytes / 100);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("TB");
    if tenths < 100 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", tenths / 10)
    }
}

/// So many of something, with a space for each thousand.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 machine`, `12 machines`.
pub(crate) fn counted(count: u64, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{} {one}s", number(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_two_units() {
        let told: Vec<String> = [0, 4_000, 60_000, 88_000, 11_100_000, 187_200_000].map(span).into();
        assert_eq!(told, ["0 s", "4 s", "1 min", "1 min 28 s", "3 h 5 min", "2 d 4 h"]);
    }

    #[test]
    fn bytes_are_told_with_as_many_digits_as_matter() {
        let told: Vec<String> = [0, 999, 1_000, 14_200_000, 104_857_600, 1_073_741_824, 5_000_000_000_000]
            .map(bytes)
            .into();
        assert_eq!(told, ["0 B", "999 B", "1.0 kB", "14 MB", "104 MB", "1.0 GB", "5.0 TB"]);
    }

    #[test]
    fn points_are_told_as_distances_and_exactly() {
        assert_eq!(exact("2026-03-01T12:00:00.250Z"), "2026-03-01 12:00:00 UTC");
        assert_eq!(distance("no time"), "no time");
        let ago = Timestamp::now().checked_sub(jiff::Span::new().minutes(7)).unwrap();
        assert_eq!(distance(&ago.to_string()), "7 min ago");
        assert_eq!(counted(1, "machine"), "1 machine");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
