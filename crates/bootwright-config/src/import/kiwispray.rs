//! KIWIspray: its directory is read where it stands, and its hosts become known.
//!
//! What an image boots are scripts of iPXE that ask KIWIspray's own routes, so that they are left to the dialect.

use std::collections::BTreeMap;
use std::ops::Range;

use bootwright_core::MacAddr;

use super::draft::{self, Draft, Table};
use super::left::Left;
use super::machine::{self, Machine};
use super::{Given, Imported, Standing, Text, native};
use crate::compat::{Compat, Dialect};
use crate::foreign::{self, Content, json};
use crate::node::{Node, Value};

/// The file with everything that KIWIspray remembers.
pub(super) const HOSTS: &str = "known_hosts.json";

/// States that are no images.
const STATES: &[&str] = &["new", "finished"];

pub(super) fn import(given: &[Given], mut left: Left) -> Imported {
    let mut draft = Draft::default();
    let (mut steps, mut known) = (Vec::new(), Vec::new());
    for file in native::alone(given) {
        let text = Text {
            path: file.path,
            text: "".into(),
        };
        left.tell(&text, 0..0, "it is not read", "name the directory in which `ks.py` is");
    }
    if let Some((directory, files)) = native::below(given) {
        let mut compat = Compat::plain(Dialect::Kiwispray);
        compat.data_dir = Some(directory.clone());
        let lowered = foreign::lower(&compat, &|_| Ok(files.clone())).unwrap_or_default();
        for diagnostic in lowered.diagnostics {
            left.keep(diagnostic);
        }
        let mut table = Table::new("[compat.kiwispray]", &directory);
        table.set("enabled", "true".to_owned(), "");
        table.set("listen", draft::text(":5000"), "the port of ks.py");
        table.set("data_dir", draft::text(&directory), "");
        draft.push(table);
        // A host's state names an image; which profile that is, is known by the name that the reader gives.
        let images: BTreeMap<String, String> = lowered
            .profiles
            .iter()
            .filter_map(|profile| {
                let origin = &profile.files.get(foreign::kiwispray::SCRIPT)?.origin;
                let image = origin.strip_prefix("images/")?.split('/').next()?;
                Some((image.to_owned(), profile.name.to_string()))
            })
            .collect();
        let machines = hosts(&directory, &files, &images, &mut left);
        known = machine::write(machines, &|_| false, &mut draft, &mut left);
        steps.push("stop ks.py: its port is Bootwright's from now on".to_owned());
    }
    let (left, more_left) = left.into_parts();
    Imported {
        config: draft.write("What KIWIspray served, as `bootwright import kiwispray` read it."),
        machines: known,
        left,
        more_left,
        steps,
        ..Imported::default()
    }
}

fn hosts(
    directory: &str,
    files: &BTreeMap<String, Content>,
    images: &BTreeMap<String, String>,
    left: &mut Left,
) -> Vec<Machine> {
    let path = format!("{directory}/{HOSTS}");
    let text = match files.get(HOSTS) {
        Some(Content::Text(text)) => Text {
            path,
            text: text.clone(),
        },
        other => {
            let text = Text { path, text: "".into() };
            let why = match other {
                Some(Content::Unusable(why)) => why.clone(),
                _ => "there is none".to_owned(),
            };
            left.tell(
                &text,
                0..0,
                format!("no host is known: {why}"),
                "KIWIspray remembers its hosts in this file",
            );
            return Vec::new();
        }
    };
    let node = match json::parse(0, &text.text) {
        Ok(node) => node,
        Err(json::NotJson { span, message }) => {
            left.tell(&text, span, format!("not JSON: {message}"), "no host was carried over");
            return Vec::new();
        }
    };
    let Value::List(entries) = &node.value else {
        left.tell(
            &text,
            node.at.span.clone(),
            "it is no list of hosts",
            "no host was carried over",
        );
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| host(entry, &text, images, left))
        .collect()
}

fn host(node: &Node, text: &Text, images: &BTreeMap<String, String>, left: &mut Left) -> Option<Machine> {
    let span = start(node);
    let Value::Table(table) = &node.value else {
        left.tell(text, span, "it is no host", "it was left out");
        return None;
    };
    let word = |key: &str| match table.get(key).map(|entry| &entry.node.value) {
        Some(Value::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Some(Value::Integer(number)) => Some(number.to_string()),
        _ => None,
    };
    let id = word("id").unwrap_or_default();
    let line = text.text.get(..span.start).unwrap_or_default().matches('\n').count() + 1;
    let mut machine = Machine::at(text, span.clone(), format!("{}:{line}, id {id}", text.path));
    machine.name = word("hostname").filter(|name| name != "not-set");
    for mac in word("macs").unwrap_or_default().split_whitespace() {
        match mac.parse::<MacAddr>() {
            Ok(mac) => machine.macs.push(mac),
            Err(_) => {
                let message = format!("`{}` is no hardware address", mac.escape_debug());
                left.tell(text, span.clone(), message, "it was left out");
            }
        }
    }
    machine.uuid = word("uuid").and_then(|uuid| uuid.parse().ok());
    machine.serial = word("serial").and_then(|serial| bootwright_core::fact::clean_text(&serial));
    if let Some(entry) = table.get("metadata") {
        machine.metadata = metadata(&entry.node, text, left);
    }
    state(&word("state").unwrap_or_default(), &mut machine, images, left);
    Some(machine)
}

/// The state: a list of images that are to be booted one after the other, `new` or `finished`.
fn state(state: &str, machine: &mut Machine, images: &BTreeMap<String, String>, left: &mut Left) {
    let queue: Vec<&str> = state
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    machine.standing = match queue.as_slice() {
        ["finished"] => Standing::Installed,
        _ => Standing::Waiting,
    };
    let wanted: Vec<&str> = queue.iter().copied().filter(|word| !STATES.contains(word)).collect();
    let known: Vec<&String> = wanted.iter().filter_map(|image| images.get(*image)).collect();
    machine.profile = known.first().map(|profile| (*profile).clone());
    let (text, span) = (machine.text.clone(), machine.span.clone());
    if let Some(image) = wanted.iter().find(|image| !images.contains_key(**image)) {
        let message = format!("there is no image `{}`, which its state names", image.escape_debug());
        left.tell(
            &text,
            span,
            message,
            "the machine waits until it is armed with a profile",
        );
    } else if !wanted.is_empty() {
        let profiles: Vec<&str> = known.iter().map(|profile| profile.as_str()).collect();
        let message = format!(
            "state `{}`: nothing is armed by an import, and the machine waits",
            state.escape_debug()
        );
        let hint = format!("`bootwright host arm NAME {}` grants that", profiles.join(","));
        left.tell(&text, span, message, &hint);
    }
}

/// Where a host begins, in place of all of it.
fn start(node: &Node) -> Range<usize> {
    node.at.span.start..node.at.span.start + 1
}

/// Names and values of metadata as TOML.
pub(super) fn metadata(node: &Node, text: &Text, left: &mut Left) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Value::Table(table) = &node.value else { return found };
    for (key, entry) in table {
        let fits = !key.is_empty() && key.len() <= 63 && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match toml_value(&entry.node, 0).filter(|_| fits) {
            Some(value) => {
                found.insert(key.clone(), value);
            }
            None => {
                let message = format!("metadata `{}` is not carried over", key.escape_debug());
                let hint = "names consist of letters, digits and `_`, and values are texts, numbers, lists and tables";
                left.tell(text, entry.key.span.clone(), message, hint);
            }
        }
    }
    found
}

fn toml_value(node: &Node, depth: usize) -> Option<String> {
    let fits = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    Some(match &node.value {
        Value::Text(text) if text.chars().any(char::is_control) => return None,
        Value::Text(text) => draft::text(text),
        Value::Integer(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Float(digits) => draft::text(digits),
        Value::List(items) if depth < 4 => {
            let items: Option<Vec<String>> = items.iter().map(|item| toml_value(item, depth + 1)).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Table(table) if depth < 4 => {
            let pair = |(key, entry): (&String, &crate::node::Entry)| {
                let value = toml_value(&entry.node, depth + 1).filter(|_| fits(key))?;
                Some(format!("{} = {value}", draft::key(key)))
            };
            format!(
                "{{ {} }}",
                table.iter().map(pair).collect::<Option<Vec<_>>>()?.join(", ")
            )
        }
        _ => return None,
    })
}
