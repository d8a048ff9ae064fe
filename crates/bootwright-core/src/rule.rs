//! Rules: which profile a host gets by its attributes.

pub mod gift;
mod list;

use std::collections::BTreeMap;
use std::fmt;

pub use gift::Gift;
pub use list::{Hidden, Rules};

use crate::{Dialect, ProfileName, RuleName};

/// Selects a profile for hosts by attributes. The first match in file order wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// What a host must show, all of it; nothing matches every host.
    pub when: BTreeMap<Attribute, Pattern>,
    /// What hosts that match get.
    pub profile: ProfileName,
    /// Whether it grants an install by itself to hosts that are seen for the first time.
    pub auto_arm: bool,
    /// How many installs it may grant.
    pub limit: Option<u32>,
    /// The system from whose data it was made; nothing if it is the operator's own.
    pub source: Option<Dialect>,
    /// A digest of all of the above: another text is another rule.
    pub fingerprint: u64,
}

/// What a rule may ask about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// The host's name.
    Host,
    /// The address of any of its cards.
    Mac,
    /// Its UUID.
    Uuid,
    /// Its serial number.
    Serial,
    /// Its asset tag.
    Asset,
    /// Who made it.
    Manufacturer,
    /// What the maker calls it.
    Product,
    /// `bios` or `uefi`.
    Firmware,
    /// The interface of ours on which it is seen.
    Link,
    /// One of its labels.
    Label(String),
    /// One of the things that it reported of itself, by its name; `*` in the name stands for a number in a list. A claim: no rule
    /// that asks for one arms by itself.
    Fact(String),
}

/// A pattern over text: `*` stands for any text, `?` for one character, all else for itself in any case. A number behind `>`, `>=`,
/// `<` or `<=` stands for the numbers that are greater or smaller.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern with this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of the text fits. Takes time in proportion to the product of both lengths, whatever they hold.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.matches_lower(&text.to_lowercase())
    }

    /// The same for a text that is in lower case already.
    fn matches_lower(&self, text: &str) -> bool {
        if let Some((order, number)) = self.comparison() {
            return text
                .trim()
                .parse::<i128>()
                .is_ok_and(|shown| order.holds(shown, number));
        }
        match self.0.find(['*', '?']) {
            None => self.0 == text,
            Some(at) if at + 1 == self.0.len() && self.0.ends_with('*') => {
                self.0.get(..at).is_some_and(|beginning| text.starts_with(beginning))
            }
            Some(_) => glob(&self.0.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>()),
        }
    }

    /// Whether it compares numbers.
    #[must_use]
    pub fn is_comparison(&self) -> bool {
        self.comparison().is_some()
    }

    fn comparison(&self) -> Option<(Order, i128)> {
        let (order, number) = Order::ALL
            .iter()
            .find_map(|(sign, order)| Some((*order, self.0.strip_prefix(sign)?)))?;
        Some((order, number.trim().parse().ok()?))
    }

    /// Whether every text that fits `other` is sure to fit this pattern as well.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if other.is_comparison() {
            return self == other || self.0 == "*";
        }
        self == other || self.0 == "*" || (!other.0.contains(['*', '?']) && self.matches(&other.0)) || {
            let prefix = self.0.strip_suffix('*').filter(|prefix| !prefix.contains(['*', '?']));
            prefix.is_some_and(|prefix| other.0.starts_with(prefix))
        }
    }
}

/// How a number must stand to another.
#[derive(Clone, Copy, Debug)]
enum Order {
    AtLeast,
    AtMost,
    More,
    Less,
}

impl Order {
    /// Each by its sign, the longer ones in front.
    const ALL: [(&'static str, Self); 4] = [
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (">", Self::More),
        ("<", Self::Less),
    ];

    const fn holds(self, shown: i128, wanted: i128) -> bool {
        match self {
            Self::AtLeast => shown >= wanted,
            Self::AtMost => shown <= wanted,
            Self::More => shown > wanted,
            Self::Less => shown < wanted,
        }
    }
}

/// Matches with one step back per star: the last star takes one character more whenever the rest does not fit.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || text.get(t) == Some(&c) => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((star_p, star_t)) = star else { return false };
                p = star_p + 1;
                t = star_t + 1;
                star = Some((star_p, t));
            }
        }
    }
    pattern.iter().skip(p).all(|&c| c == '*')
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Mac => f.write_str("mac"),
            Self::Uuid => f.write_str("uuid"),
            Self::Serial => f.write_str("serial"),
            Self::Asset => f.write_str("asset"),
            Self::Manufacturer => f.write_str("manufacturer"),
            Self::Product => f.write_str("product"),
            Self::Firmware => f.write_str("firmware"),
            Self::Link => f.write_str("interface"),
            Self::Label(key) => write!(f, "label.{key}"),
            Self::Fact(name) => write!(f, "fact.{name}"),
        }
    }
}

/// The attributes of one host, as rules see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub BTreeMap<Attribute, Vec<String>>);

impl Attributes {
    /// All of them, with their texts in lower case.
    fn lowered(&self) -> BTreeMap<&Attribute, Vec<String>> {
        let lower = |texts: &Vec<String>| texts.iter().map(|text| text.to_lowercase()).collect();
        self.0
            .iter()
            .map(|(attribute, texts)| (attribute, lower(texts)))
            .collect()
    }
}

/// Why a rule did or did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleVerdict {
    /// All that it asks is there.
    Matches,
    /// This attribute does not fit.
    Differs {
        /// Which.
        attribute: Attribute,
        /// What the rule asks for.
        wanted: Pattern,
        /// What the host shows.
        shown: Vec<String>,
    },
}

impl Rule {
    /// Whether the rule matches a host with these attributes, or what does not fit.
    #[must_use]
    pub fn verdict(&self, host: &Attributes) -> RuleVerdict {
        for (attribute, wanted) in &self.when {
            let shown = host.0.get(attribute).map_or(&[] as &[String], Vec::as_slice);
            if !shown.iter().any(|text| wanted.matches(text)) {
                let (attribute, wanted) = (attribute.clone(), wanted.clone());
                return RuleVerdict::Differs {
                    attribute,
                    wanted,
                    shown: shown.to_vec(),
                };
            }
        }
        RuleVerdict::Matches
    }

    /// Whether every host that this rule matches is sure to match `earlier`, so that behind it this rule is never reached.
    #[must_use]
    pub fn is_hidden_by(&self, earlier: &Self) -> bool {
        earlier
            .when
            .iter()
            .all(|(attribute, pattern)| self.when.get(attribute).is_some_and(|own| pattern.covers(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts_in_any_case() {
        for (pattern, text, fits) in [
            ("R1*", "r1-07", true),
            ("R1*", "xr1", false),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("52:54:00:*", "52:54:00:12:34:56", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} on {text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (pattern, text, fits) in [
            (">=16384", "16384", true),
            (">=16384", "131072", true),
            (">=16384", "9999", false),
            ("> 4", "5", true),
            (">4", "4", false),
            ("<=4", "4", true),
            ("<500000000000", "480103981056", true),
            (">=4", "many", false),
            (">=4", "", false),
            (">many", ">many", true),
            ("4", "4", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} on {text}");
        }
        let covers = |a: &str, b: &str| Pattern::new(a).covers(&Pattern::new(b));
        assert!(covers(">=4", "8") && covers("*", ">=4") && !covers(">=8", "4"));
        assert!(!covers("*5", ">=5") && !covers("8", ">=4"));
    }

    #[test]
    fn a_pattern_of_many_stars_does_not_take_long() {
        let pattern = Pattern::new(&"a*".repeat(200));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(150))));
    }

    #[test]
    fn what_covers_what() {
        let covers = |a: &str, b: &str| Pattern::new(a).covers(&Pattern::new(b));
        assert!(covers("*", "r1*"));
        assert!(covers("r*", "r1*"));
        assert!(covers("r1?", "r17"));
        assert!(!covers("r1*", "r*"));
        assert!(!covers("r1", "r1*"));
    }
}
