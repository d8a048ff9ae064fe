//! The rules of a site find what reading them one after the other finds.
//!
//! The reading stands here, written from what `docs/configuration.md` says of rules: all conditions have to be met, a
//! condition is met by any of the host's texts, `*` stands for any text and `?` for one character, all else for itself in any
//! case, and the first rule in file order wins.

use std::collections::BTreeMap;

use bootwright_core::rule::{Hidden, Rules};
use bootwright_core::{Attribute, Attributes, Dialect, Pattern, Rule, RuleVerdict};
use proptest::prelude::*;
use proptest::sample::select;

/// What conditions and hosts have in common, so that they meet often: some begin alike, some differ in case alone, some have
/// letters of several bytes.
const TEXTS: [&str; 14] = [
    "R1",
    "r1",
    "r1-07",
    "R1-7",
    "r17",
    "r2",
    "",
    "52:54:00:00:00:01",
    "52:54:00:00:00:02",
    "ÄÖ-1",
    "äö-2",
    "ΑΣ",
    "x",
    "R",
];

const PATTERNS: [&str; 14] = [
    "*",
    "**",
    "?",
    "r1*",
    "R1-?",
    "r1-*7",
    "*7",
    "52:54:00:*",
    "52:54:*:01",
    "ä*",
    "ÄÖ*",
    "r?",
    "?1*",
    "r1**",
];

fn attribute() -> impl Strategy<Value = Attribute> {
    select(vec![
        Attribute::Host,
        Attribute::Mac,
        Attribute::Serial,
        Attribute::Product,
        Attribute::Firmware,
        Attribute::Label("rack".to_owned()),
        Attribute::Label("row".to_owned()),
    ])
}

fn pattern() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => select(&TEXTS[..]), 2 => select(&PATTERNS[..])]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let when = prop::collection::btree_map(attribute(), pattern(), 0..4);
    let source = select(vec![None, None, Some(Dialect::Bootcfg), Some(Dialect::Matchbox)]);
    prop::collection::vec((when, source), 0..24).prop_map(|rules| {
        let rule = |(number, (when, source)): (usize, (BTreeMap<Attribute, &str>, _))| Rule {
            name: format!("rule-{number}").parse().expect("a name"),
            when: when
                .into_iter()
                .map(|(attribute, text)| (attribute, Pattern::new(text)))
                .collect(),
            profile: "debian".parse().expect("a name"),
            auto_arm: false,
            limit: None,
            source,
            fingerprint: 0,
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

fn host() -> impl Strategy<Value = Attributes> {
    let texts = prop::collection::vec(select(&TEXTS[..]).prop_map(str::to_owned), 0..3);
    prop::collection::btree_map(attribute(), texts, 0..7).prop_map(Attributes)
}

fn fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some(('*', after)), None) => fits(after, text),
        (Some(('*', after)), Some((_, rest))) => fits(after, text) || fits(pattern, rest),
        (Some(_), None) => false,
        (Some((wanted, after)), Some((shown, rest))) => (*wanted == '?' || wanted == shown) && fits(after, rest),
    }
}

fn is_met(pattern: &Pattern, shown: &[String]) -> bool {
    let chars = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    shown.iter().any(|text| fits(&chars(pattern.as_str()), &chars(text)))
}

fn matches(rule: &Rule, host: &Attributes) -> bool {
    let mut conditions = rule.when.iter();
    conditions.all(|(attribute, pattern)| host.0.get(attribute).is_some_and(|shown| is_met(pattern, shown)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_first_rule_that_matches_is_that_of_reading_all(rules in rules(), host in host()) {
        let read = |counts: &dyn Fn(&Rule) -> bool| {
            rules.iter().find(|rule| counts(rule) && matches(rule, &host)).map(|rule| &rule.name)
        };
        let index = Rules::from(rules.clone());
        prop_assert_eq!(index.first_match(&host).map(|rule| &rule.name), read(&|_| true));
        let of = |rule: &Rule| rule.source == Some(Dialect::Bootcfg);
        prop_assert_eq!(index.first_match_of(Dialect::Bootcfg, &host).map(|rule| &rule.name), read(&of));
        for rule in &index {
            prop_assert_eq!(rule.verdict(&host) == RuleVerdict::Matches, matches(rule, &host), "{}", rule.name);
        }
        prop_assert_eq!(&index[..], &rules[..], "in file order, none lost");
    }

    #[test]
    fn the_rules_that_are_never_reached_are_those_of_comparing_all(rules in rules()) {
        let mut read = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let by = rules[..number].iter().position(|earlier| rule.is_hidden_by(earlier));
            read.extend(by.map(|by| Hidden { rule: number, by }));
        }
        prop_assert_eq!(Rules::from(rules).hidden(), read);
    }

    /// What is called hidden never wins, whichever host it is.
    #[test]
    fn a_rule_that_is_never_reached_is_never_reached(rules in rules(), host in host()) {
        let index = Rules::from(rules);
        let first = index.first_match(&host).map(|rule| rule.name.clone());
        for hidden in index.hidden() {
            prop_assert_ne!(Some(&index[hidden.rule].name), first.as_ref());
        }
    }
}
