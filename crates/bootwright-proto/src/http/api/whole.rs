//! Whole numbers. JSON knows no integers: `350409.0` is one as well (RFC 8259, 6; JSON Schema 2020-12, 4.2.3), and programs whose
//! numbers are all floats send it so.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};

/// Below this, each whole number is a float of its own: 2⁵³.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number, however it is written.
pub(super) fn or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let float = number
        .as_f64()
        .filter(|float| float.fract() == 0.0 && (0.0..=EXACT).contains(float));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within bounds"
    )]
    let whole = number.as_u64().or_else(|| float.map(|float| float as u64));
    whole
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("`{number}` is no whole number from 0 on")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for (text, expected) in [
            ("null", Some(None)),
            ("350409", Some(Some(350_409))),
            ("350409.0", Some(Some(350_409))),
            ("3.5e2", Some(Some(350))),
            ("18446744073709551615", Some(Some(u64::MAX))),
            ("0.5", None),
            ("-1", None),
            ("-1.0", None),
            ("1e300", None),
            ("\"7\"", None),
        ] {
            let read = or_nothing(&mut serde_json::Deserializer::from_str(text)).ok();
            assert_eq!(read, expected, "{text}");
        }
    }
}
