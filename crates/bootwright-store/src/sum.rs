//! The checksum that guards every row against damage by accident.
//!
//! Frozen: sums are kept in stores. Each step is a bijection of the running value, and for a given running value a
//! bijection of the word that goes in; damage that is confined to eight neighbouring bytes is therefore always found,
//! and all other damage but for one case in 2^64. It is no protection against somebody who writes a false row and its
//! sum; whoever can write the file owns the store.

/// A running checksum.
#[derive(Clone, Copy)]
pub(crate) struct Sum(u64);

/// An odd number without a pattern (the fraction of the golden ratio).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Sum {
    /// A sum of rows of this kind; equal contents of another kind have another sum.
    pub(crate) fn of(kind: &str) -> Self {
        Self(FACTOR).text(kind)
    }

    /// Goes on with a number.
    pub(crate) fn number(self, number: u64) -> Self {
        let mixed = (self.0 ^ number).wrapping_mul(FACTOR);
        Self(mixed ^ (mixed >> 29))
    }

    /// Goes on with a text and its length.
    pub(crate) fn text(self, text: &str) -> Self {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        let mut sum = self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        for word in words {
            sum = sum.number(u64::from_le_bytes(*word));
        }
        let mut last = [0_u8; 8];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        sum.number(u64::from_le_bytes(last))
    }

    /// Goes on with a text that may be missing, which is not the same as an empty one.
    pub(crate) fn maybe(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.number(1).text(text),
            None => self.number(0),
        }
    }

    /// The sum, as the signed number that SQLite keeps.
    pub(crate) const fn finish(self) -> i64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(FACTOR);
        (mixed ^ (mixed >> 31)).cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_flipped_bit_is_noticed() {
        let text = "{\"since\":1700000000000,\"facts\":{\"macs\":[\"52:54:00:12:34:56\"]}}";
        let good = Sum::of("host").text(text).finish();
        for bit in 0..text.len() * 8 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(flipped) = std::str::from_utf8(&bytes) {
                assert_ne!(Sum::of("host").text(flipped).finish(), good, "bit {bit}");
            }
        }
    }

    #[test]
    fn where_one_text_ends_and_the_next_begins_counts() {
        let sum = |a: &str, b: &str| Sum::of("x").text(a).text(b).finish();
        assert_ne!(sum("ab", "c"), sum("a", "bc"));
        assert_ne!(sum("a\0", ""), sum("a", ""));
        assert_ne!(Sum::of("x").maybe(None).finish(), Sum::of("x").maybe(Some("")).finish());
    }
}
