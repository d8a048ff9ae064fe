//! Spans of time as people write them: `90s`, `30m`, `24h`, `7d`, `1h30m`.

use bootwright_core::Span;

/// The longest span that makes sense in a configuration: a hundred years.
const SECS_MAX: u64 = 100 * 366 * 24 * 3600;

/// Reads a span, the larger units first; nothing if the text is none, or if it is longer than a hundred years.
pub(crate) fn read(text: &str) -> Option<Span> {
    let mut rest = text;
    let mut secs: u64 = 0;
    let mut smaller_than = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        if unit >= smaller_than {
            return None;
        }
        smaller_than = unit;
        secs = secs.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = tail.get(1..)?;
    }
    (!text.is_empty() && secs <= SECS_MAX).then(|| Span::from_secs(secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units_and_the_larger_come_first() {
        for (text, secs) in [
            ("90s", Some(90)),
            ("30m", Some(1800)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("1h30m", Some(5400)),
            ("0s", Some(0)),
            ("", None),
            ("24", None),
            ("h", None),
            ("30m1h", None),
            ("1h1h", None),
            ("-1h", None),
            ("1.5h", None),
            ("1 h", None),
            ("99999999999999999999d", None),
            ("9999999d", None),
        ] {
            assert_eq!(read(text), secs.map(Span::from_secs), "{text}");
        }
    }
}
