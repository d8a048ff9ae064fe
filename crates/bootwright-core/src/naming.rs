//! How machines are named that the configuration does not name. A name is given once, when a machine is first seen, and stays with
//! its record through every install.

use std::fmt;
use std::str::FromStr;

use crate::{Facts, HostId, nickname};

/// How high the number in a pattern goes: each stranger looks for the first that is free.
const NUMBER_MAX: u32 = 9999;

/// Where names come from, in this order; a nickname such as `oak-42` where neither has one left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Names to be given out one after the other.
    pub list: Vec<HostId>,
    /// What further names look like.
    pub pattern: Option<NamePattern>,
}

/// What names look like: a text with `{number}`, `{mac}` or `{serial}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

/// A text that is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPattern;

impl fmt::Display for NotPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no pattern of names: expected `a-z`, `0-9` and `-` around `{number}`, `{mac}` or `{serial}`")
    }
}

impl FromStr for NamePattern {
    type Err = NotPattern;

    fn from_str(text: &str) -> Result<Self, NotPattern> {
        let tried = text
            .replace("{number}", "9999")
            .replace("{mac}", "525400abcdef")
            .replace("{serial}", "s1");
        let differs = tried != text;
        match tried.parse::<HostId>() {
            Ok(_) if differs => Ok(Self(text.to_owned())),
            _ => Err(NotPattern),
        }
    }
}

impl Naming {
    /// A name for a machine with these facts that is not taken. `key` is what its nickname is made from.
    #[must_use]
    pub fn name(&self, facts: &Facts, key: &[u8], is_taken: impl Fn(&str) -> bool) -> Option<HostId> {
        let listed = self.list.iter().find(|name| !is_taken(name.as_str())).cloned();
        let made = || self.pattern.as_ref().and_then(|pattern| pattern.name(facts, &is_taken));
        listed.or_else(made).or_else(|| nickname::nickname(key, &is_taken))
    }
}

impl NamePattern {
    fn name(&self, facts: &Facts, is_taken: &impl Fn(&str) -> bool) -> Option<HostId> {
        let mac = facts.macs.first().map(|mac| mac.hyphens().replace('-', ""));
        let serial = facts
            .serial
            .as_deref()
            .map(in_names)
            .filter(|serial| !serial.is_empty());
        // A machine without what the pattern asks for gets a nickname.
        if (self.0.contains("{mac}") && mac.is_none()) || (self.0.contains("{serial}") && serial.is_none()) {
            return None;
        }
        let text = self
            .0
            .replace("{mac}", &mac.unwrap_or_default())
            .replace("{serial}", &serial.unwrap_or_default());
        let free = |name: String| (!is_taken(&name)).then(|| name.parse().ok()).flatten();
        if text.contains("{number}") {
            return (1..=NUMBER_MAX).find_map(|number| free(text.replace("{number}", &number.to_string())));
        }
        free(text)
    }
}

/// What of a machine's text may stand in a name.
fn in_names(text: &str) -> String {
    let kept: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '-'
            }
        })
        .take(32)
        .collect();
    kept.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::MacAddr;

    fn naming(list: &[&str], pattern: Option<&str>) -> Naming {
        Naming {
            list: list.iter().map(|name| name.parse().expect("a name")).collect(),
            pattern: pattern.map(|pattern| pattern.parse().expect("a pattern")),
        }
    }

    fn given(naming: &Naming, facts: &[Facts]) -> Vec<String> {
        let mut taken = BTreeSet::new();
        for facts in facts {
            let name = naming.name(facts, b"key", |name| taken.contains(name)).expect("a name");
            assert!(taken.insert(name.to_string()), "{name} is given twice");
        }
        // In the order of names.
        taken.into_iter().collect()
    }

    #[test]
    fn names_come_from_the_list_then_from_the_pattern_then_they_are_nicknames() {
        let machine = |number: u8| Facts {
            serial: Some("CZ 1234/x".to_owned()),
            ..Facts::of_mac(MacAddr::new([0x52, 0x54, 0, 0, 0, number]))
        };
        let machines: Vec<Facts> = (1..=4).map(machine).collect();
        let names = given(&naming(&["alpha", "beta"], Some("node-{number}")), &machines);
        assert_eq!(names, ["alpha", "beta", "node-1", "node-2"]);
        let names = given(&naming(&[], Some("r1-{mac}")), &machines[..2]);
        assert_eq!(names, ["r1-525400000001", "r1-525400000002"]);
        let names = given(&naming(&[], Some("{serial}")), &machines[..2]);
        assert_eq!(names[0], "cz-1234-x");
        assert_eq!(
            names.len(),
            2,
            "the second has a nickname, since both show one serial number"
        );
        let names = given(&naming(&[], Some("{serial}")), &[Facts::default()]);
        assert!(!names[0].is_empty() && names[0] != "{serial}", "{names:?}");
    }

    #[test]
    fn a_pattern_makes_names_that_differ() {
        for bad in ["node", "Node-{number}", "-{number}", "{name}", "a_{mac}", ""] {
            assert_eq!(bad.parse::<NamePattern>(), Err(NotPattern), "{bad}");
        }
    }
}
