//! What a machine reports of itself while it is being looked at: its disks, its memory, its cards.
//!
//! These are claims. They are kept apart from what operators say, they never take its place, and no rule arms by them.

use std::collections::BTreeMap;

/// The most items that are kept of one host.
pub const REPORTED_ITEMS_MAX: usize = 256;

/// The longest name of an item, in bytes.
pub const REPORTED_NAME_BYTES_MAX: usize = 63;

/// The longest value of an item, in bytes; what is longer is cut.
pub const REPORTED_VALUE_BYTES_MAX: usize = 256;

/// The most that the names and values of one host take together, in bytes.
pub const REPORTED_BYTES_MAX: usize = 16 << 10;

/// What of a report is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// The items by their names, nested ones joined by points.
    pub items: BTreeMap<String, String>,
    /// How many were left out, as they have no name that can be kept, or there is no room for them.
    pub left_out: usize,
}

impl Reported {
    /// Whether a text can be the name of an item: words with points between them.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        };
        name.len() <= REPORTED_NAME_BYTES_MAX && name.split('.').all(word)
    }

    /// What of these items can be kept. Of several with one name the last counts; where there is no room, the first ones do.
    #[must_use]
    pub fn of(items: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut reported = Self::default();
        let mut bytes = 0_usize;
        for (name, value) in items {
            let value = clean(&value);
            let before = reported
                .items
                .get(&name)
                .map(|old| name.len().saturating_add(old.len()));
            let after = bytes
                .saturating_sub(before.unwrap_or(0))
                .saturating_add(name.len())
                .saturating_add(value.len());
            let room = before.is_some() || reported.items.len() < REPORTED_ITEMS_MAX;
            if !Self::is_name(&name) || !room || after > REPORTED_BYTES_MAX {
                reported.left_out = reported.left_out.saturating_add(1);
                continue;
            }
            bytes = after;
            reported.items.insert(name, value);
        }
        reported
    }

    /// These items in the place of those of `old` that begin with the same first part; the others of `old` stay.
    #[must_use]
    pub fn over(self, old: &BTreeMap<String, String>) -> Self {
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let told: std::collections::BTreeSet<String> = self.items.keys().map(|name| first(name)).collect();
        let kept = old.iter().filter(|(name, _)| !told.contains(&first(name)));
        let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
        let left_out = self.left_out;
        let mut joined = Self::of(self.items.into_iter().chain(kept));
        joined.left_out = joined.left_out.saturating_add(left_out);
        joined
    }
}

/// One line without control characters, of bounded length.
fn clean(value: &str) -> String {
    let mut kept = String::new();
    for c in value.trim().chars().filter(|c| !c.is_control()) {
        if kept.len().saturating_add(c.len_utf8()) > REPORTED_VALUE_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn names_are_words_and_values_are_lines() {
        let reported = Reported::of([
            item("disks.0.serial", " S3Z\n\u{1b}[2J9 "),
            item("", "x"),
            item("a..b", "x"),
            item("a b", "x"),
            item("{{ secret }}", "x"),
            item(&"n".repeat(64), "x"),
            item("model", &"é".repeat(200)),
        ]);
        assert_eq!(reported.items["disks.0.serial"], "S3Z[2J9");
        assert_eq!(reported.items["model"].len(), REPORTED_VALUE_BYTES_MAX);
        assert_eq!((reported.items.len(), reported.left_out), (2, 5));
    }

    #[test]
    fn number_and_size_are_bounded() {
        let many = Reported::of((0..1000).map(|n| item(&format!("n{n}"), "1")));
        assert_eq!((many.items.len(), many.left_out), (REPORTED_ITEMS_MAX, 744));
        let large = Reported::of((0..200).map(|n| item(&format!("n{n}"), &"x".repeat(500))));
        let bytes: usize = large.items.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= REPORTED_BYTES_MAX && large.left_out > 100, "{bytes}");
        let again = Reported::of((0..1000).map(|_| item("same", &"x".repeat(200))));
        assert_eq!((again.items.len(), again.left_out), (1, 0));
    }

    #[test]
    fn what_is_told_anew_takes_the_place_of_the_whole_of_it() {
        let old = Reported::of([
            item("disks.0.name", "sda"),
            item("disks.1.name", "sdb"),
            item("rack", "7"),
        ]);
        let new = Reported::of([item("disks.0.name", "nvme0n1")]).over(&old.items);
        let wanted = Reported::of([item("disks.0.name", "nvme0n1"), item("rack", "7")]);
        assert_eq!(new, wanted);
    }
}
