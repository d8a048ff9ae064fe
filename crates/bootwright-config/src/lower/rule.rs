//! `[[rules]]`: which profile and which metadata hosts get by their attributes.

use std::collections::{BTreeMap, BTreeSet};

use bootwright_core::decide::UNKNOWN_RULE;
use bootwright_core::rule::Hidden;
use bootwright_core::{Attribute, Gift, Pattern, Reported, Rule, RuleName, Rules};

use super::Profiles;
use super::host::metadata;
use crate::digest;
use crate::finding::Findings;
use crate::node::{At, Entry, Node, Table, Value};
use crate::section::{Section, items, parse, quoted, text};

/// The attributes, in the words of the configuration.
const ATTRIBUTES: &[(&str, Attribute)] = &[
    ("host", Attribute::Host),
    ("mac", Attribute::Mac),
    ("uuid", Attribute::Uuid),
    ("serial", Attribute::Serial),
    ("asset", Attribute::Asset),
    ("manufacturer", Attribute::Manufacturer),
    ("product", Attribute::Product),
    ("firmware", Attribute::Firmware),
    ("interface", Attribute::Link),
];

/// What the rules of a file say.
#[derive(Default)]
pub(super) struct Lowered {
    /// Which profile hosts get.
    pub(super) rules: Vec<Rule>,
    /// Which metadata.
    pub(super) gifts: Vec<Gift>,
}

pub(super) fn lower(root: &Table, profiles: &Profiles, findings: &mut Findings) -> Lowered {
    let Some(entry) = root.get("rules") else {
        return Lowered::default();
    };
    if !matches!(entry.node.value, Value::List(_)) {
        findings
            .error(
                &entry.key,
                format!("`rules` must be a list of tables, not {}", entry.node.value.kind()),
            )
            .hint = Some("write `[[rules]]` with two brackets, once for each rule".to_owned());
        return Lowered::default();
    }
    let (mut rules, mut places): (Vec<Rule>, Vec<At>) = (Vec::new(), Vec::new());
    let mut gifts = Vec::new();
    let mut names: BTreeMap<String, At> = BTreeMap::new();
    for (index, node) in items(&entry.node).iter().enumerate() {
        let (rule, gift) = rule(index, node, profiles, &mut names, findings);
        gifts.extend(gift);
        if let Some((rule, at)) = rule {
            rules.push(rule);
            places.push(at);
        }
    }
    let rules = Rules::from(rules);
    for Hidden { rule, by } in rules.hidden() {
        let (Some(hidden), Some(earlier)) = (rules.get(rule), rules.get(by)) else {
            continue;
        };
        let (Some(at), Some(before)) = (places.get(rule), places.get(by)) else {
            continue;
        };
        let message = format!(
            "rule `{}` is never reached: rule `{}` before it matches every host that it matches",
            hidden.name, earlier.name
        );
        findings.warn(at, message).hint = Some("move it to the front, or remove it".to_owned());
        findings.point_to(before, "the rule before it");
    }
    let rules = rules.to_vec();
    Lowered { rules, gifts }
}

fn rule(
    index: usize,
    node: &Node,
    profiles: &Profiles,
    names: &mut BTreeMap<String, At>,
    findings: &mut Findings,
) -> (Option<(Rule, At)>, Option<Gift>) {
    let at = header(node);
    let mut section = Section::from_node(format!("rules[{index}]"), node, findings);
    let name = name(&mut section, &at, names, findings);
    let when = section
        .take("when")
        .map_or_else(BTreeMap::new, |entry| when(&section.key("when"), entry, findings));
    let profile_key = section.key("profile");
    let given = section.text("profile", "debian", findings);
    let metadata = metadata(&mut section, findings);
    let only_gives = section.take("profile").is_none() && section.take("metadata").is_some();
    if section.take("profile").is_none() && !only_gives && matches!(node.value, Value::Table(_)) {
        findings.error(&at, format!("`{}` has no profile", section.name)).hint =
            Some("add `profile = \"…\"`, or `metadata = { … }` for a rule that only gives metadata".to_owned());
    }
    let profile = given.and_then(|(profile, at)| profiles.find(&profile_key, profile, at, findings));
    let auto_arm = section.bool("auto_arm", findings).unwrap_or(false);
    let limit = section.number("limit", 1, u32::MAX, findings);
    let limit_entry = section.take("limit");
    if let Some(entry) = section.take("auto_arm")
        && auto_arm
        && limit_entry.is_none()
    {
        findings
            .error(
                &entry.node.at,
                "`auto_arm` needs a limit: it overwrites disks without anybody being asked",
            )
            .hint = Some("add `limit = …`, the number of machines that it may install".to_owned());
    }
    if let Some(entry) = section.take("auto_arm").filter(|_| auto_arm) {
        refuse_claims(&when, &section.name, &entry.node.at, findings);
        if only_gives {
            findings
                .error(&entry.node.at, "a rule without a profile has nothing to arm with")
                .hint = Some("add `profile = \"…\"`, or remove `auto_arm`".to_owned());
        }
    }
    if let (false, Some(entry)) = (auto_arm, limit_entry) {
        findings.warn(&entry.key, "`limit` does nothing without `auto_arm = true`");
    }
    section.finish(findings);
    let Some(name) = name else { return (None, None) };
    let gift = (!metadata.is_empty()).then(|| Gift {
        rule: name.clone(),
        when: when.clone(),
        metadata,
    });
    let rule = profile.map(|profile| {
        let mut rule = Rule {
            name,
            when,
            profile,
            auto_arm,
            limit,
            source: None,
            fingerprint: 0,
        };
        rule.fingerprint = digest::rule(&rule);
        (rule, at)
    });
    (rule, gift)
}

/// What machines say of themselves arms none: whoever can send a request could pick his install.
fn refuse_claims(when: &BTreeMap<Attribute, Pattern>, name: &str, at: &At, findings: &mut Findings) {
    let claims = when.keys().filter(|attribute| matches!(attribute, Attribute::Fact(_)));
    let claims: Vec<String> = claims.map(|attribute| format!("`{attribute}`")).collect();
    if !claims.is_empty() {
        let message = format!(
            "`{name}` cannot arm by {}: a machine says that of itself",
            claims.join(" and ")
        );
        findings.error(at, message).hint =
            Some("remove `auto_arm`, or ask for what the machine cannot choose, such as `mac` or a label".to_owned());
    }
}

fn name(
    section: &mut Section<'_>,
    at: &At,
    names: &mut BTreeMap<String, At>,
    findings: &mut Findings,
) -> Option<RuleName> {
    let given = section.text("name", "rack-1", findings);
    let Some((text, at)) = given else {
        if section.take("name").is_none() && section.entries().next().is_some() {
            findings.error(at, format!("`{}` has no name", section.name)).hint =
                Some("add `name = \"…\"`; what the rule has granted is remembered by it".to_owned());
        }
        return None;
    };
    let name = parse::<RuleName>(&section.key("name"), text, at, findings)?;
    if text == UNKNOWN_RULE {
        findings
            .error(at, format!("a rule cannot be called `{UNKNOWN_RULE}`"))
            .hint = Some("that is what `safety.unknown` is remembered by".to_owned());
    }
    if let Some(first) = names.insert(text.to_owned(), at.clone()) {
        findings.error(at, format!("rule `{text}` is given twice")).hint = Some("rename one of them".to_owned());
        findings.point_to(&first, "it is given here first");
    }
    Some(name)
}

fn when(key: &str, entry: &Entry, findings: &mut Findings) -> BTreeMap<Attribute, Pattern> {
    let table = Section::new(key.to_owned(), entry, findings);
    let mut found = BTreeMap::new();
    for (name, entry) in table.entries() {
        if matches!(name.as_str(), "label" | "fact") {
            conditions(&table, name, entry, &mut found, findings);
        } else {
            condition(&table, name, entry, &mut found, findings);
        }
    }
    found
}

/// The conditions of a table within a table, by their names joined with points.
fn conditions(
    table: &Section<'_>,
    name: &str,
    entry: &Entry,
    found: &mut BTreeMap<Attribute, Pattern>,
    findings: &mut Findings,
) {
    match &entry.node.value {
        Value::Table(below) => {
            for (part, entry) in below {
                conditions(table, &format!("{name}.{part}"), entry, found, findings);
            }
        }
        _ => condition(table, name, entry, found, findings),
    }
}

fn condition(
    table: &Section<'_>,
    name: &str,
    entry: &Entry,
    found: &mut BTreeMap<Attribute, Pattern>,
    findings: &mut Findings,
) {
    let Some(attribute) = attribute(name) else {
        let words: BTreeSet<&str> = ATTRIBUTES.iter().map(|(word, _)| *word).collect();
        let hint = match bootwright_content::nearest(name, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("known are {}, `label.<name>` and `fact.<name>`", words.join(", "))
            }
        };
        findings
            .error(&entry.key, format!("rules cannot ask for `{}`", name.escape_debug()))
            .hint = Some(hint);
        return;
    };
    let key = format!(
        "{}.{}",
        table.name,
        name.split('.').map(quoted).collect::<Vec<_>>().join(".")
    );
    if let Value::List(_) = entry.node.value {
        findings
            .error(&entry.node.at, format!("`{key}` must be one text, not a list"))
            .hint = Some("use `*` and `?` in the text, or write a rule for each".to_owned());
        return;
    }
    let Some(pattern) = text(&key, &entry.node, "R1*", findings) else {
        return;
    };
    let is_pattern = pattern.contains(['*', '?']);
    let is_number = matches!(attribute, Attribute::Label(_) | Attribute::Fact(_));
    if is_number && pattern.starts_with(['<', '>']) && !Pattern::new(pattern).is_comparison() {
        let message = format!(
            "`{key}` compares with `{}`, which is no whole number",
            pattern.escape_debug()
        );
        findings.error(&entry.node.at, message).hint = Some("for example `\">=16384\"`".to_owned());
        return;
    }
    if !is_number && Pattern::new(pattern).is_comparison() {
        findings
            .error(&entry.node.at, format!("`{key}` cannot be compared as a number"))
            .hint = Some("labels and reported facts can".to_owned());
        return;
    }
    let at = &entry.node.at;
    let pattern = match attribute {
        Attribute::Mac if is_pattern => pattern.replace('-', ":"),
        Attribute::Mac => match parse::<bootwright_core::MacAddr>(&key, pattern, at, findings) {
            Some(mac) => mac.to_string(),
            None => return,
        },
        Attribute::Uuid if !is_pattern => match parse::<bootwright_core::Uuid>(&key, pattern, at, findings) {
            Some(uuid) => uuid.to_string(),
            None => return,
        },
        Attribute::Firmware if !is_pattern && !["bios", "uefi"].contains(&pattern) => {
            findings
                .error(at, format!("`{key}` cannot be `{}`", pattern.escape_debug()))
                .hint = Some("write `\"bios\"` or `\"uefi\"`".to_owned());
            return;
        }
        _ => pattern.to_owned(),
    };
    found.insert(attribute, Pattern::new(&pattern));
}

fn attribute(name: &str) -> Option<Attribute> {
    if let Some(label) = name.strip_prefix("label.") {
        let fits = !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        return fits.then(|| Attribute::Label(label.to_owned()));
    }
    if let Some(fact) = name.strip_prefix("fact.") {
        let part = |part: &str| part == "*" || Reported::is_name(part);
        return fact.split('.').all(part).then(|| Attribute::Fact(fact.to_owned()));
    }
    ATTRIBUTES
        .iter()
        .find(|(word, _)| *word == name)
        .map(|(_, attribute)| attribute.clone())
}

/// The place to show for a rule as a whole: its name, else where it begins.
fn header(node: &Node) -> At {
    match &node.value {
        Value::Table(table) => table
            .get("name")
            .map_or_else(|| node.at.clone(), |entry| entry.node.at.clone()),
        _ => node.at.clone(),
    }
}
