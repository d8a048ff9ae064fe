//! The table against the lowering: neither knows a key that the other does not.

use std::collections::{BTreeMap, BTreeSet};

use super::{Key, Kind, TOP};
use crate::finding::Findings;
use crate::node::{self, File, Table};
use crate::{Source, load, lower, merge};

/// A configuration in which every table stands at least once. What it says need not make sense.
const EVERY_TABLE: &str = r#"
[server]
[control]
tls = { cert = "/a.pem", key = "/b.pem" }
[dhcp]
mode = "server"
[dhcp.arch]
[[dhcp.pools]]
subnet = "192.168.77.0/24"
[ipv6]
[tftp]
[store]
[safety]
unknown = { install = "p" }
[naming]
[secrets.s]
[images.i]
[profiles.p]
initrds = [{ source = "/images/a/b" }]
files = { "a.ign" = { text = "" } }
done = { config-served = "a.ign" }
stages = {}
[profiles.m]
kind = "menu"
entries = [{ title = "Own disk" }]
[hosts.h]
[[rules]]
[webhooks.w]
url = "https://hooks.example.net/"
secret = { file = "w" }
[compat.bootcfg]
[compat.dynamic-ignition]
[compat.flatcar]
[compat.kiwispray]
[compat.matchbox]
rpc_listen = ":8083"
[compat.pixiecore]
"#;

/// Keys that are known so that people are told what to write in their place.
const LATER: &[(&str, &str)] = &[
    ("profiles.*", "image"),
    ("profiles.*", "config"),
    ("profiles.*", "disk"),
];

/// The name of a section as the lowering has it, as a path of the table.
fn path(section: &str) -> String {
    let parts: Vec<&str> = section.split('.').collect();
    let path = match parts.as_slice() {
        ["profiles", _, "files", ..] => "profiles.*.files.*".to_owned(),
        [map @ ("secrets" | "images" | "profiles" | "hosts" | "webhooks"), _] => format!("{map}.*"),
        [
            map @ ("secrets" | "images" | "profiles" | "hosts" | "webhooks"),
            _,
            rest @ ..,
        ] => format!("{map}.*.{}", rest.join(".")),
        _ => section.to_owned(),
    };
    path.replace("[1]", "").replace("[0]", "")
}

/// The keys that the lowering asks each section for, whichever way it goes.
fn asked() -> BTreeMap<String, BTreeSet<String>> {
    let file = File {
        path: "config.toml".to_owned(),
        text: EVERY_TABLE.into(),
    };
    let mut findings = Findings::new(vec![file.clone()]);
    let mut root = Table::new();
    let table = node::parse(0, &file).unwrap_or_else(|error| panic!("{}", error.render()));
    merge::add(&mut root, table, &mut findings);
    let _lowered = lower::lower(
        &root,
        &|_: &str| Ok(String::new()),
        &|_| Err("not here".to_owned()),
        &mut findings,
    );
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (section, key) in findings.asked() {
        let path = path(section);
        if !LATER.contains(&(path.as_str(), key)) {
            asked.entry(path).or_default().insert((*key).to_owned());
        }
    }
    asked
}

/// The keys of each table of ours.
fn listed(path: &str, kind: Kind, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match kind {
        Kind::Table(keys) => {
            found.insert(path.to_owned(), keys.iter().map(|key| key.name.to_owned()).collect());
            for key in keys {
                let below = if path.is_empty() {
                    key.name.to_owned()
                } else {
                    format!("{path}.{}", key.name)
                };
                listed(&below, key.kind, found);
            }
        }
        Kind::Map(kind) => listed(&format!("{path}.*"), *kind, found),
        Kind::Items(kind) | Kind::List(kind) => listed(path, *kind, found),
        Kind::Either(kinds) => kinds.iter().for_each(|kind| listed(path, *kind, found)),
        Kind::Text
        | Kind::Words(_)
        | Kind::Bool
        | Kind::Number(..)
        | Kind::Span
        | Kind::SpanOrOff
        | Kind::Scalar
        | Kind::Anything => {}
    }
}

#[test]
fn the_lowering_asks_for_every_key_of_the_table_and_for_no_other() {
    let mut ours = BTreeMap::new();
    listed("", Kind::Table(TOP), &mut ours);
    let sections = ours.remove("").expect("the top");
    let known: BTreeSet<String> = lower::SECTIONS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(sections, known);
    // What holds nothing but tables, or what somebody chooses, is not asked key by key.
    ours.remove("compat");
    for (path, keys) in asked() {
        let listed = ours.remove(&path).unwrap_or_else(|| {
            panic!("the lowering knows a table `{path}` with {keys:?}; add it to `schema/table.rs`")
        });
        assert_eq!(listed, keys, "`schema/table.rs` and the lowering differ about `{path}`");
    }
    assert!(ours.is_empty(), "no configuration of this test has {:?}", ours.keys());
}

/// A value that a kind does not take, as TOML.
fn wrong(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Bool => Some("\"yes\""),
        Kind::Number(..) | Kind::Span | Kind::SpanOrOff => Some("\"soon\""),
        Kind::Words(_) => Some("\"nonsense\""),
        Kind::Text | Kind::Items(_) | Kind::Table(_) | Kind::Map(_) | Kind::Anything => Some("true"),
        Kind::List(_) | Kind::Either(_) => Some("7"),
        Kind::Scalar => None,
    }
}

fn refused(text: &str) -> bool {
    let source = Source {
        path: "config.toml".to_owned(),
        text: text.to_owned(),
    };
    load(&[source], &|_: &str| Ok(String::new())).is_err()
}

#[test]
fn what_the_table_does_not_take_the_lowering_refuses() {
    let mut tried = 0;
    for section in TOP {
        let keys = match section.kind {
            Kind::Table(keys) => keys,
            _ => continue,
        };
        for Key { name, kind, .. } in keys {
            let Some(wrong) = wrong(*kind) else { continue };
            let text = format!("[{}]\n{name} = {wrong}\n", section.name);
            assert!(refused(&text), "{text}");
            tried += 1;
        }
        assert!(
            refused(&format!("[{}]\nnonsense = 1\n", section.name)),
            "{}",
            section.name
        );
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn every_key_says_what_it_is() {
    fn look(kind: Kind) {
        match kind {
            Kind::Table(keys) => {
                let names: BTreeSet<&str> = keys.iter().map(|key| key.name).collect();
                assert_eq!(names.len(), keys.len(), "a key stands there twice");
                for key in keys {
                    assert!(!key.says.is_empty() && !key.says.ends_with('.'), "{}", key.name);
                    look(key.kind);
                }
            }
            Kind::Map(kind) | Kind::Items(kind) | Kind::List(kind) => look(*kind),
            Kind::Either(kinds) => kinds.iter().for_each(|kind| look(*kind)),
            _ => {}
        }
    }
    look(Kind::Table(TOP));
}
