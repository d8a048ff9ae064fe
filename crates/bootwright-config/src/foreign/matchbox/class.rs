//! Which machines boot what, in the order in which matchbox would choose, and which documents they may ask for besides.
//!
//! matchbox chooses anew for each request, so that one machine has several groups: `{}` for its script, `{"os": "installed"}` for the
//! second configuration that its installer asks for. Here a machine has one profile, and such a document is another one of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use bootwright_core::Attribute;

use super::group::{Group, attribute};

/// The most documents by words that a profile has; these are steps of an install.
const VARIANTS_MAX: usize = 32;

/// Machines that boot the same.
pub(super) struct Class<'a> {
    /// The group that it is called by.
    pub(super) name: &'a str,
    /// What is asked of them.
    pub(super) when: BTreeMap<String, String>,
    /// The group that they boot by.
    pub(super) base: &'a Group,
    /// Groups whose documents they get if they ask with these words besides.
    pub(super) variants: Vec<(&'a Group, BTreeMap<String, String>)>,
}

impl Class<'_> {
    pub(super) fn conditions(&self) -> Vec<(Attribute, &str)> {
        let asked = self.when.iter();
        asked.map(|(key, value)| (attribute(key), value.as_str())).collect()
    }
}

/// The classes, that which counts first first. `boots` tells which groups boot anything.
pub(super) fn classes<'a>(groups: &'a [Group], boots: impl Fn(&Group) -> bool) -> Vec<Class<'a>> {
    let mut order: Vec<&Group> = groups.iter().collect();
    order.sort_by_key(|group| Reverse(rank(&group.selector)));
    let bases: Vec<&Group> = order.iter().copied().filter(|group| boots(group)).collect();
    let worded: Vec<&Group> = order
        .iter()
        .copied()
        .filter(|group| !group.words().is_empty())
        .collect();
    // Most are about one card each, and only those of the same card can go together.
    let mut by_card: BTreeMap<Option<&String>, Vec<&Group>> = BTreeMap::new();
    for group in &worded {
        by_card.entry(group.selector.get("mac")).or_default().push(group);
    }
    let variants = |base: &'a Group, when: &BTreeMap<String, String>| {
        let card = when.get("mac");
        let mut near: Vec<&'a Group> = by_card.get(&card).cloned().unwrap_or_default();
        if card.is_some() {
            near.extend(by_card.get(&None).into_iter().flatten());
        }
        near.sort_by_key(|group| Reverse(rank(&group.selector)));
        let fitting = near
            .into_iter()
            .filter(|group| group.id != base.id && is_within(&group.of_machine(), when));
        let mut words = BTreeSet::new();
        let more = fitting.filter_map(|group| Some((group, besides(&group.words(), when)?)));
        // Of those that answer to the same words the one that asks for most of the machine counts.
        let first = more.filter(|(_, asked)| words.insert(asked.clone()));
        first.take(VARIANTS_MAX).collect::<Vec<_>>()
    };
    let mut classes = Vec::new();
    let mut taken: BTreeSet<BTreeMap<String, String>> = bases.iter().map(|group| group.selector.clone()).collect();
    let mut ranked = Vec::new();
    for base in &bases {
        ranked.push((rank(&base.selector), 0, classes.len()));
        classes.push(Class {
            name: &base.id,
            when: base.selector.clone(),
            base,
            variants: variants(base, &base.selector),
        });
    }
    // Documents for some machines of a group that has no class for just these yet.
    for group in &worded {
        let when = group.of_machine();
        let best = || bases.iter().find(|base| is_within(&base.selector, &when));
        if when.is_empty() || taken.contains(&when) {
            continue;
        }
        if let Some(base) = best() {
            taken.insert(when.clone());
            ranked.push((rank(&base.selector), when.len(), classes.len()));
            let variants = variants(base, &when);
            classes.push(Class {
                name: &group.id,
                when,
                base,
                variants,
            });
        }
    }
    ranked.sort_by(|a, b| b.cmp(a));
    let mut places: Vec<Option<Class<'a>>> = classes.into_iter().map(Some).collect();
    let chosen = ranked
        .into_iter()
        .filter_map(|(_, _, place)| places.get_mut(place)?.take());
    chosen.collect()
}

/// By what matchbox orders groups: those that ask for more first, then by what they ask for, backwards.
fn rank(selector: &BTreeMap<String, String>) -> (usize, String) {
    let asked: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    (selector.len(), asked.join(","))
}

fn is_within(less: &BTreeMap<String, String>, more: &BTreeMap<String, String>) -> bool {
    less.iter().all(|(key, value)| more.get(key) == Some(value))
}

/// The words that are no condition already; nothing if there is none, or if they contradict one.
fn besides(words: &BTreeMap<String, String>, when: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let contradicts = words
        .iter()
        .any(|(key, value)| when.get(key).is_some_and(|other| other != value));
    let more = words.iter().filter(|(key, _)| !when.contains_key(*key));
    let more: BTreeMap<_, _> = more.map(|(key, value)| (key.clone(), value.clone())).collect();
    (!contradicts && !more.is_empty()).then_some(more)
}
