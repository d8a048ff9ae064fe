//! The query of a target, as iPXE and installers write it.

use std::fmt;

use super::percent::{Malformed, decode};

/// More items than any client of ours sends.
const ITEMS_MAX: usize = 64;

/// A query: what stands behind the first `?` of a target, still encoded.
///
/// Its `Debug` shows how long it is and not what it holds, since reports may carry what a site keeps to itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<u8>);

impl Query {
    /// The query with these bytes, without the question mark.
    #[must_use]
    pub fn new(encoded: &[u8]) -> Self {
        Self(encoded.to_vec())
    }

    /// Its items in order, each name and value decoded exactly once. A `+` stays a plus sign, a malformed escape stays
    /// as it is, and what is no UTF-8 becomes the replacement character.
    pub fn items(&self) -> impl Iterator<Item = (String, String)> {
        self.halves().map(|(name, value)| (text(name), text(value)))
    }

    /// The value of the first item with this name, if it is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        // Each question asks for some twenty names, so that only what is wanted is decoded.
        let is_named = |encoded: &[u8]| {
            if encoded.contains(&b'%') {
                text(encoded) == name
            } else {
                encoded == name.as_bytes()
            }
        };
        self.halves()
            .find(|(own, value)| !value.is_empty() && is_named(own))
            .map(|(_, value)| text(value))
    }

    /// Names and values, encoded.
    fn halves(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let parts = self.0.split(|byte| *byte == b'&');
        parts.filter(|part| !part.is_empty()).take(ITEMS_MAX).map(|part| {
            let mut halves = part.splitn(2, |byte| *byte == b'=');
            (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
        })
    }

    /// The bytes as they came, for front ends that read their queries in their own way.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.0
    }
}

fn text(encoded: &[u8]) -> String {
    let bytes = decode(encoded, &Malformed::Literal).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({} bytes)", self.0.len())
    }
}
