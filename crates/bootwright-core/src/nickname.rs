//! Names for machines that nobody has named: a word and a number, easy to say across a room.

use crate::{HostId, MacAddr};

const WORDS: &[&str] = &[
    "alder", "amber", "apple", "ash", "aspen", "basil", "bay", "beech", "birch", "bloom", "briar", "brook", "cedar",
    "cherry", "clay", "cliff", "clover", "coral", "cove", "creek", "dale", "dawn", "delta", "dune", "elder", "elm",
    "fern", "field", "fig", "fir", "fjord", "flint", "fox", "glen", "grove", "hazel", "heath", "heron", "hill",
    "holly", "iris", "ivy", "juniper", "lake", "larch", "lark", "laurel", "lily", "linden", "maple", "marsh", "meadow",
    "mint", "moss", "oak", "olive", "opal", "orchid", "otter", "pear", "pine", "plum", "pond", "poplar", "quartz",
    "quince", "raven", "reed", "ridge", "river", "robin", "rose", "rowan", "rye", "sage", "shore", "slate", "spruce",
    "stone", "sun", "swan", "teal", "thorn", "thyme", "tulip", "vale", "vine", "violet", "walnut", "willow", "wren",
    "yarrow", "yew",
];

/// The first nickname for this key that is not taken: the same key gives the same name as long as it is free.
///
/// The number grows as the words run out, so there is always one.
#[must_use]
pub fn nickname(key: &[u8], is_taken: impl Fn(&str) -> bool) -> Option<HostId> {
    let digest = fnv1a(key);
    let words = u64::try_from(WORDS.len()).ok()?;
    for round in 0..100_u64 {
        let span = 100 * 10_u64.pow(u32::try_from(round / 20).ok()?);
        let mixed = fnv1a(&(digest ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes());
        let word = WORDS.get(usize::try_from(mixed % words).ok()?)?;
        let name = format!("{word}-{}", (mixed / words) % span);
        if !is_taken(&name) {
            return name.parse().ok();
        }
    }
    None
}

/// The key of a machine with this card.
#[must_use]
pub fn mac_key(mac: MacAddr) -> [u8; 6] {
    mac.octets()
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A code of five characters that a person reads from a screen and types: RFC 4648 base 32, which has no 0, 1 or 8.
#[must_use]
pub fn console_code(key: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = fnv1a(&fnv1a(key).to_be_bytes());
    (0..5_u32)
        .filter_map(|place| {
            usize::try_from(digest >> (place * 5) & 31)
                .ok()
                .and_then(|at| ALPHABET.get(at))
        })
        .map(|&letter| char::from(letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_card_gets_the_same_name_unless_it_is_taken() {
        let key = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
        let first = nickname(&key, |_| false).expect("a name");
        assert_eq!(nickname(&key, |_| false).as_ref(), Some(&first));
        let second = nickname(&key, |name| name == first.as_str()).expect("another name");
        assert_ne!(first, second);
    }

    #[test]
    fn a_hundred_thousand_machines_find_names() {
        let mut taken = std::collections::BTreeSet::new();
        for number in 0..100_000_u32 {
            let name = nickname(&number.to_be_bytes(), |name| taken.contains(name)).expect("a free name");
            assert!(taken.insert(name.to_string()));
        }
    }

    #[test]
    fn codes_have_five_characters_of_base_32() {
        let code = console_code(b"oak-42");
        assert_eq!(code.len(), 5);
        assert!(
            code.bytes()
                .all(|c| c.is_ascii_uppercase() || (b'2'..=b'7').contains(&c))
        );
    }
}
