//! The text of a name. Most names are short and lie in place: hosts are found by their names many times for each packet,
//! and a comparison that reads no other memory makes that several times quicker among 100,000 of them.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The most bytes that lie in place; with them a name takes 24 bytes.
const SHORT_MAX: usize = 22;

/// A text that holds no NUL, cheap to clone and to compare.
#[derive(Clone)]
pub(crate) enum Label {
    /// In place, filled up with zeros: so that the order of the bytes is the order of the texts.
    Short { bytes: [u8; SHORT_MAX], len: u8 },
    /// Elsewhere, shared by all copies.
    Long(Arc<str>),
}

impl Label {
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT_MAX];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(start), Ok(len)) => {
                start.copy_from_slice(text.as_bytes());
                Self::Short { bytes, len }
            }
            _ => Self::Long(text.into()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Short { bytes, len } => {
                let text = bytes.get(..usize::from(*len)).unwrap_or_default();
                // It was text when it came.
                str::from_utf8(text).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
}

/// The bytes as two numbers that have the same order.
#[inline]
fn numbers(bytes: &[u8; SHORT_MAX]) -> (u128, u64) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v] = *bytes;
    (
        u128::from_be_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]),
        u64::from_be_bytes([0, 0, q, r, s, t, u, v]),
    )
}

impl Ord for Label {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Short { bytes: ours, .. }, Self::Short { bytes: theirs, .. }) => numbers(ours).cmp(&numbers(theirs)),
            (Self::Short { .. } | Self::Long(_), Self::Short { .. } | Self::Long(_)) => {
                self.as_str().cmp(other.as_str())
            }
        }
    }
}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Label {}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As the text does, which names are looked up by.
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_ordered_as_their_texts_whether_they_lie_in_place_or_not() {
        let long = "b".repeat(SHORT_MAX);
        let longer = "b".repeat(SHORT_MAX + 1);
        let texts = ["", "a", "a-", "a0", "aa", "b", &long, &longer, "bc", "z9"];
        for a in texts {
            assert_eq!(Label::new(a).as_str(), a);
            for b in texts {
                assert_eq!(Label::new(a).cmp(&Label::new(b)), a.cmp(b), "{a} and {b}");
                assert_eq!(Label::new(a) == Label::new(b), a == b, "{a} and {b}");
            }
        }
    }

    #[test]
    fn a_name_takes_no_more_room_than_a_string() {
        assert_eq!(size_of::<Label>(), size_of::<String>());
        assert!(matches!(
            Label::new(&"a".repeat(SHORT_MAX)),
            Label::Short { len: 22, .. }
        ));
        assert!(matches!(Label::new(&"a".repeat(SHORT_MAX + 1)), Label::Long(_)));
    }
}
