//! The `Range` field (RFC 9110 section 14).

use std::ops::Range;

/// Which bytes a range asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeAnswer {
    /// All of it: no range, several ranges, or a field that is malformed, which counts as not given.
    Whole,
    /// These bytes, which lie within the file and are at least one.
    Part(Range<u64>),
    /// The file has no such bytes.
    Unsatisfiable,
}

/// Which bytes of a file of `len` bytes the value of a `Range` field asks for.
#[must_use]
pub fn range(field: &str, len: u64) -> RangeAnswer {
    parse(field, len).unwrap_or(RangeAnswer::Whole)
}

fn parse(field: &str, len: u64) -> Option<RangeAnswer> {
    let (unit, set) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let part = match (number(first)?, number(last)?) {
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(len),
        (Some(first), None) => first..len,
        (None, Some(count)) => len.saturating_sub(count)..len,
        (None, None) => return None,
    };
    Some(if part.is_empty() {
        RangeAnswer::Unsatisfiable
    } else {
        RangeAnswer::Part(part)
    })
}

/// A number, or nothing where none stands; numbers beyond 64 bits are the largest, which lies beyond every file.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_single_range() {
        let huge = "bytes=0-99999999999999999999999";
        for (field, expected) in [
            ("bytes=0-0", RangeAnswer::Part(0..1)),
            ("bytes=10-19", RangeAnswer::Part(10..20)),
            ("Bytes = 10-19", RangeAnswer::Part(10..20)),
            ("bytes=90-", RangeAnswer::Part(90..100)),
            ("bytes=90-500", RangeAnswer::Part(90..100)),
            ("bytes=-10", RangeAnswer::Part(90..100)),
            ("bytes=-500", RangeAnswer::Part(0..100)),
            (huge, RangeAnswer::Part(0..100)),
            ("bytes=100-", RangeAnswer::Unsatisfiable),
            ("bytes=-0", RangeAnswer::Unsatisfiable),
            ("bytes=18446744073709551615-", RangeAnswer::Unsatisfiable),
            ("bytes=20-10", RangeAnswer::Whole),
            ("bytes=0-1,5-6", RangeAnswer::Whole),
            ("bytes=-", RangeAnswer::Whole),
            ("bytes=a-b", RangeAnswer::Whole),
            ("bytes=+1-2", RangeAnswer::Whole),
            ("lines=1-2", RangeAnswer::Whole),
            ("", RangeAnswer::Whole),
        ] {
            assert_eq!(range(field, 100), expected, "{field}");
        }
    }

    #[test]
    fn an_empty_file_has_no_bytes_to_ask_for() {
        assert_eq!(range("bytes=0-", 0), RangeAnswer::Unsatisfiable);
        assert_eq!(range("bytes=-1", 0), RangeAnswer::Unsatisfiable);
    }

    proptest::proptest! {
        #[test]
        fn a_part_always_lies_within_the_file(field in "bytes=[0-9]{0,20}-[0-9]{0,20}", len: u64) {
            if let RangeAnswer::Part(part) = range(&field, len) {
                assert!(part.start < part.end && part.end <= len);
            }
        }

        #[test]
        fn any_text_gives_an_answer(field: String, len: u64) {
            let _ = range(&field, len);
        }
    }
}
