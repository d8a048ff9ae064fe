//! Metadata that hosts get by what they show.

use std::collections::{BTreeMap, BTreeSet};

use super::{Attribute, Attributes, Pattern};
use crate::RuleName;

/// Metadata for the hosts that a rule matches.
///
/// Every gift whose rule matches counts, whichever rule decides about the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gift {
    /// The rule that it stands in.
    pub rule: RuleName,
    /// What a host must show, all of it; nothing matches every host.
    pub when: BTreeMap<Attribute, Pattern>,
    /// The items by their names, nested ones joined by points.
    pub metadata: BTreeMap<String, String>,
}

impl Gift {
    /// Whether a host with these attributes, whose texts are in lower case, gets it. A condition on what is not known of the host is
    /// met if `presumed` says so.
    fn fits(&self, shown: &BTreeMap<&Attribute, Vec<String>>, presumed: bool) -> bool {
        self.when.iter().all(|(attribute, pattern)| match shown.get(attribute) {
            Some(texts) => texts.iter().any(|text| pattern.matches_lower(text)),
            None => presumed,
        })
    }
}

/// The first part of an item's name: a list or a table is given as a whole or not at all.
#[must_use]
pub fn first_part(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// What of these gifts a host gets: of what several give that which comes first in file order, and nothing of which `own`
/// names the first part.
#[must_use]
pub fn given(gifts: &[Gift], host: &Attributes, own: &BTreeSet<String>, presumed: bool) -> BTreeMap<String, String> {
    let shown = host.lowered();
    let mut taken = own.clone();
    let mut found = BTreeMap::new();
    for gift in gifts.iter().filter(|gift| gift.fits(&shown, presumed)) {
        let items = gift
            .metadata
            .iter()
            .filter(|(name, _)| !taken.contains(first_part(name)));
        let items: Vec<_> = items.map(|(name, value)| (name.clone(), value.clone())).collect();
        taken.extend(items.iter().map(|(name, _)| first_part(name).to_owned()));
        found.extend(items);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gift(rule: &str, when: &[(Attribute, &str)], metadata: &[(&str, &str)]) -> Gift {
        let when = when.iter();
        let metadata = metadata.iter();
        Gift {
            rule: rule.parse().expect("a name"),
            when: when
                .map(|(attribute, text)| (attribute.clone(), Pattern::new(text)))
                .collect(),
            metadata: metadata
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn all_that_match_give_and_lists_are_never_mixed() {
        let memory = Attribute::Fact("memory_mib".to_owned());
        let gifts = [
            gift(
                "large",
                &[(memory.clone(), ">=65536")],
                &[("role", "storage"), ("keys.0", "a"), ("keys.1", "b")],
            ),
            gift("rack", &[(Attribute::Serial, "r1*")], &[("vlan", "7")]),
            gift(
                "all",
                &[],
                &[
                    ("role", "node"),
                    ("keys.0", "c"),
                    ("keys.1", "d"),
                    ("keys.2", "e"),
                    ("ntp", "x"),
                ],
            ),
        ];
        let shown = |pairs: &[(&Attribute, &str)]| {
            let pairs = pairs.iter();
            Attributes(
                pairs
                    .map(|(attribute, text)| ((*attribute).clone(), vec![(*text).to_owned()]))
                    .collect(),
            )
        };
        let told = |host: &Attributes, own: &[&str], presumed| {
            let own = own.iter().map(|name| (*name).to_owned()).collect();
            let found = given(&gifts, host, &own, presumed);
            found
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let large = shown(&[(&memory, "131072"), (&Attribute::Serial, "R1-7")]);
        assert_eq!(told(&large, &[], false), "keys.0=a keys.1=b ntp=x role=storage vlan=7");
        assert_eq!(told(&large, &["keys", "vlan"], false), "ntp=x role=storage");
        let small = shown(&[(&memory, "4096")]);
        assert_eq!(told(&small, &[], false), "keys.0=c keys.1=d keys.2=e ntp=x role=node");
        assert_eq!(
            told(&shown(&[(&Attribute::Serial, "x")]), &[], true),
            "keys.0=a keys.1=b ntp=x role=storage",
            "its memory is not known, its serial number is another"
        );
    }
}
