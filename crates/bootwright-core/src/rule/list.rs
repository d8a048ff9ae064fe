//! The rules of a site in file order, with an index: which of them a host may match at all.
//!
//! Each rule stands in the index below one of its conditions, that which fewest rules share: below the whole text if the
//! pattern has no wildcard, else below the text before its first one. A host looks up what it shows, and only the rules found
//! there, and the few that stand nowhere, are compared with it. So ten thousand rules, each for a machine of its own, cost
//! a host as much as a handful.

use std::collections::BTreeMap;
use std::ops::Deref;

use super::{Attribute, Attributes, Pattern, Rule};
use crate::Dialect;

/// All rules of a site, in file order: the first that matches wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
    shelves: BTreeMap<Attribute, Shelf>,
    /// The rules that no text leads to, in order.
    anywhere: Vec<usize>,
}

/// The rules that are found by one attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shelf {
    /// Those that ask for one text, by it.
    whole: BTreeMap<String, Vec<usize>>,
    /// Those that ask for a beginning, by its length in bytes and by itself.
    beginning: BTreeMap<usize, BTreeMap<String, Vec<usize>>>,
}

/// What a rule is found by: whatever matches the rule shows this text, or one that begins so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Whole(&'a str),
    Beginning(&'a str),
}

impl<'a> Key<'a> {
    /// What a pattern is found by; nothing if it may match texts that have no beginning in common.
    fn of(pattern: &'a Pattern) -> Option<Self> {
        let text = pattern.as_str();
        if pattern.is_comparison() {
            return None;
        }
        match text.find(['*', '?']) {
            None => Some(Self::Whole(text)),
            Some(0) => None,
            Some(at) => text.get(..at).map(Self::Beginning),
        }
    }
}

impl From<Vec<Rule>> for Rules {
    fn from(rules: Vec<Rule>) -> Self {
        let (mut shelves, mut anywhere) = (BTreeMap::<Attribute, Shelf>::new(), Vec::new());
        {
            let mut shared: BTreeMap<(&Attribute, Key<'_>), usize> = BTreeMap::new();
            for place in rules.iter().flat_map(places) {
                *shared.entry(place).or_default() += 1;
            }
            for (number, rule) in rules.iter().enumerate() {
                let rarest = places(rule).min_by_key(|place| (shared.get(place).copied(), place.1));
                let Some((attribute, key)) = rarest else {
                    anywhere.push(number);
                    continue;
                };
                let shelf = shelves.entry(attribute.clone()).or_default();
                let (texts, text) = match key {
                    Key::Whole(text) => (&mut shelf.whole, text),
                    Key::Beginning(text) => (shelf.beginning.entry(text.len()).or_default(), text),
                };
                texts.entry(text.to_owned()).or_default().push(number);
            }
        }
        Self {
            rules,
            shelves,
            anywhere,
        }
    }
}

/// All that a rule could be found by.
fn places(rule: &Rule) -> impl Iterator<Item = (&Attribute, Key<'_>)> {
    let when = rule.when.iter();
    when.filter_map(|(attribute, pattern)| Some((attribute, Key::of(pattern)?)))
}

impl Deref for Rules {
    type Target = [Rule];

    fn deref(&self) -> &[Rule] {
        &self.rules
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.rules.iter()
    }
}

impl Rules {
    /// The first rule in file order that matches.
    #[must_use]
    pub fn first_match(&self, host: &Attributes) -> Option<&Rule> {
        self.first(host, |_| true)
    }

    /// The first that matches of the rules that were made from the data of this system.
    #[must_use]
    pub fn first_match_of(&self, source: Dialect, host: &Attributes) -> Option<&Rule> {
        self.first(host, |rule| rule.source == Some(source))
    }

    fn first(&self, host: &Attributes, counts: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        let shown = host.lowered();
        let fits = |(attribute, pattern): (&Attribute, &Pattern)| {
            shown
                .get(attribute)
                .is_some_and(|texts| texts.iter().any(|text| pattern.matches_lower(text)))
        };
        let texts = shown
            .iter()
            .flat_map(|(attribute, texts)| texts.iter().map(|text| (*attribute, text.as_str())));
        self.led_to(texts)
            .into_iter()
            .filter_map(|number| self.rules.get(number))
            .find(|rule| counts(rule) && rule.when.iter().all(fits))
    }

    /// The rules that are never reached, each behind the first that matches every host that it matches.
    #[must_use]
    pub fn hidden(&self) -> Vec<Hidden> {
        let mut found = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            // Whatever covers a pattern is found by the pattern's own text: by the whole of it, or by its beginning.
            let texts = rule
                .when
                .iter()
                .map(|(attribute, pattern)| (attribute, pattern.as_str()));
            let earlier = self.led_to(texts).into_iter().take_while(|earlier| *earlier < number);
            let is_behind = |by: &usize| self.rules.get(*by).is_some_and(|by| rule.is_hidden_by(by));
            found.extend(
                earlier
                    .into_iter()
                    .find(is_behind)
                    .map(|by| Hidden { rule: number, by }),
            );
        }
        found
    }

    /// The rules that these texts lead to, and those that none leads to, in file order.
    fn led_to<'a>(&self, texts: impl Iterator<Item = (&'a Attribute, &'a str)>) -> Vec<usize> {
        let mut found = self.anywhere.clone();
        for (attribute, text) in texts {
            let Some(shelf) = self.shelves.get(attribute) else {
                continue;
            };
            found.extend(shelf.whole.get(text).into_iter().flatten());
            for (bytes, beginnings) in &shelf.beginning {
                let rules = text.get(..*bytes).and_then(|beginning| beginnings.get(beginning));
                found.extend(rules.into_iter().flatten());
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// A rule that is never reached, by its number in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The rule.
    pub rule: usize,
    /// The rule before it that matches every host that it matches.
    pub by: usize,
}
