//! Percent-encoding (RFC 3986 section 2.1), undone exactly once.

use std::fmt::Write as _;

/// What a `%` stands before in a text that is decoded.
pub(super) enum Malformed {
    /// It is refused.
    Refused,
    /// It stands for itself: iPXE of 2019 undoes escapes before it sends them.
    Literal,
}

/// The bytes that a text stands for, or nothing if an escape is malformed and such are refused.
///
/// A `+` stays a plus sign: iPXE never escapes one, and only HTML forms mean a space by it.
pub(super) fn decode(text: &[u8], malformed: &Malformed) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        match (escape(tail), malformed) {
            (Some((byte, tail)), _) => {
                bytes.push(byte);
                rest = tail;
            }
            (None, Malformed::Literal) => bytes.push(b'%'),
            (None, Malformed::Refused) => return None,
        }
    }
    Some(bytes)
}

/// A text as a part of a path or a query: everything but letters, digits and `-._~:` is escaped.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], tail) = text.split_first_chunk::<2>()?;
    Some((byte(*high, *low)?, tail))
}

/// The byte that two hexadecimal digits stand for.
pub(super) fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Bytes as lower-case hexadecimal digits, as iPXE's `:hexraw` prints them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The bytes that hexadecimal digits stand for, with or without `:` or `-` between them.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !b":-".contains(byte)).collect();
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| byte(*high, *low)).collect()
}
