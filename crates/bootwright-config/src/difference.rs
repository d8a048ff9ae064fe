//! What differs between two configurations, key by key, as people have written them.

use std::collections::BTreeMap;

use crate::finding::Findings;
use crate::load::Source;
use crate::merge;
use crate::node::{self, File, Table, Value};
use crate::section::quoted;

/// The longest value that is shown, in characters.
const SHOWN_MAX: usize = 120;

/// A key that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key with its section in front, such as `safety.wipe` or `rules.rack-1.limit`.
    pub key: String,
    /// What stood there, in TOML; nothing where nothing did, or where it is not to be shown.
    pub before: Option<String>,
    /// What stands there.
    pub after: Option<String>,
    /// Whether it counts only when the daemon is started anew.
    pub restart: bool,
}

/// What differs, in the order of the keys. Texts that are no TOML count as empty.
#[must_use]
pub fn differences(before: &[Source], after: &[Source]) -> Vec<Difference> {
    let (before, after) = (flat(before), flat(after));
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differ
        .map(|key| {
            let shown =
                |side: &BTreeMap<String, String>| side.get(key).filter(|_| may_be_shown(key)).map(|text| short(text));
            Difference {
                key: key.clone(),
                before: shown(&before),
                after: shown(&after),
                restart: needs_restart(key),
            }
        })
        .collect()
}

/// Sockets and directories are opened once.
fn needs_restart(key: &str) -> bool {
    let sections = ["server.", "control.", "tftp.", "store.", "compat."];
    sections.iter().any(|section| key.starts_with(section)) || matches!(key, "dhcp.sockets" | "ipv6.mode")
}

/// Documents and metadata may hold what not everybody should read who may look at the settings.
fn may_be_shown(key: &str) -> bool {
    !key.contains(".files.") && !key.contains(".metadata")
}

fn short(text: &str) -> String {
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    let begun: String = text.chars().take(SHOWN_MAX).collect();
    format!("{begun}…")
}

/// All keys that hold a value, with that value.
fn flat(sources: &[Source]) -> BTreeMap<String, String> {
    let file = |source: &Source| File {
        path: source.path.clone(),
        text: source.text.as_str().into(),
    };
    let files: Vec<File> = sources.iter().map(file).collect();
    // What is wrong with it has been said by then.
    let mut findings = Findings::new(files.clone());
    let mut root = Table::new();
    for (index, file) in files.iter().enumerate() {
        if let Ok(table) = node::parse(index, file) {
            merge::add(&mut root, table, &mut findings);
        }
    }
    let mut found = BTreeMap::new();
    for (name, entry) in &root {
        flatten(&quoted(name), &entry.node.value, &mut found);
    }
    found
}

fn flatten(key: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) if !table.is_empty() => {
            for (name, entry) in table {
                flatten(&format!("{key}.{}", quoted(name)), &entry.node.value, found);
            }
        }
        // Rules have names and an order, which counts.
        Value::List(rules) if key == "rules" => {
            let mut order = Vec::new();
            for (index, rule) in rules.iter().enumerate() {
                let name = match &rule.value {
                    Value::Table(table) => match table.get("name").map(|entry| &entry.node.value) {
                        Some(Value::Text(name)) => quoted(name),
                        _ => index.to_string(),
                    },
                    _ => index.to_string(),
                };
                flatten(&format!("{key}.{name}"), &rule.value, found);
                order.push(name);
            }
            found.insert("rules".to_owned(), order.join(", "));
        }
        other => {
            found.insert(key.to_owned(), text(other));
        }
    }
}

/// A value as it stands in TOML, on one line.
fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{}\"", text.escape_default()),
        Value::Integer(number) => number.to_string(),
        Value::HugeInteger => "a number".to_owned(),
        Value::Float(digits) | Value::DateTime(digits) => digits.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| text(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let entries: Vec<String> = table
                .iter()
                .map(|(name, entry)| format!("{} = {}", quoted(name), text(&entry.node.value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Vec<Source> {
        vec![Source {
            path: "config.toml".to_owned(),
            text: text.to_owned(),
        }]
    }

    fn told(before: &str, after: &str) -> Vec<String> {
        let found = differences(&source(before), &source(after));
        let line = |one: Difference| {
            let side = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            let restart = if one.restart { " (restart)" } else { "" };
            format!("{}: {} -> {}{restart}", one.key, side(one.before), side(one.after))
        };
        found.into_iter().map(line).collect()
    }

    #[test]
    fn each_key_that_differs_is_named_and_no_other() {
        let before = "[safety]\nwipe = \"always\"\nmax_attempts = 2\n[hosts.oak]\nmac = \"52:54:00:00:00:01\"\n[[rules]]\n\
                      name = \"a\"\nprofile = \"p\"\n";
        assert_eq!(told(before, before), Vec::<String>::new());
        let after = "[server]\nhttp = \":8081\"\n[safety]\nmax_attempts = 3\n[hosts.\"o k\"]\nmac = [\"a\", \"b\"]\n[[rules]]\n\
                     name = \"b\"\nprofile = \"q\"\n[[rules]]\nname = \"a\"\nprofile = \"p\"\n";
        assert_eq!(
            told(before, after),
            [
                "hosts.\"o k\".mac: - -> [\"a\", \"b\"]",
                "hosts.oak.mac: \"52:54:00:00:00:01\" -> -",
                "rules: a -> b, a",
                "rules.b.name: - -> \"b\"",
                "rules.b.profile: - -> \"q\"",
                "safety.max_attempts: 2 -> 3",
                "safety.wipe: \"always\" -> -",
                "server.http: - -> \":8081\" (restart)",
            ]
        );
    }

    #[test]
    fn documents_and_metadata_are_named_and_not_shown() {
        let after = "[profiles.p.files]\n\"a.cfg\" = \"password\"\n[hosts.h.metadata]\nkey = \"secret\"\n";
        assert_eq!(
            told("", after),
            ["hosts.h.metadata.key: - -> -", "profiles.p.files.\"a.cfg\": - -> -"]
        );
    }

    /// What is said of a restart is what the daemon's settings say.
    #[test]
    fn what_needs_a_restart_is_what_makes_other_settings_of_the_daemon() {
        let load = |text: &str| crate::load(&source(text), &|_: &str| Err("there is none".to_owned()));
        let plain = load("").expect("nothing is wrong").daemon;
        for text in [
            "[server]\ninterfaces = [\"eth1\"]",
            "[server]\nbase_url = \"http://10.0.0.1\"",
            "[server]\nhttp = \":8081\"",
            "[server]\ndata_dir = \"/srv\"",
            "[control]\nlisten = \":8444\"",
            "[dhcp]\nsockets = \"packet\"",
            "[dhcp]\nmode = \"observe\"",
            "[dhcp]\nrelays = [\"10.0.0.1\"]",
            "[ipv6]\nmode = \"proxy\"",
            "[tftp]\nstrict = true",
            "[tftp]\nmax_blksize = 512",
            "[safety]\nmax_attempts = 3",
            "[naming]\npattern = \"node-{number}\"",
            "[hosts.h]\nmac = \"52:54:00:00:00:01\"",
        ] {
            let daemon = load(text).expect(text).daemon;
            let found = differences(&source(""), &source(text));
            let [one] = found.as_slice() else {
                panic!("{text}: {found:?}")
            };
            assert_eq!(one.restart, daemon != plain, "{text}");
        }
    }
}
