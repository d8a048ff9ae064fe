//! Several files as one.

use crate::finding::Findings;
use crate::node::{Entry, Table, Value};

/// The tables of named things: what files give adds up, and a name can be given once.
const NAMED: &[&str] = &["hosts", "profiles", "images", "compat", "secrets"];

/// Adds a later file to what was read before. Settings of the later file replace those of the earlier one.
pub(crate) fn add(merged: &mut Table, later: Table, findings: &mut Findings) {
    for (name, entry) in later {
        match merged.get_mut(&name) {
            Some(earlier) => add_section(&name, earlier, entry, findings),
            None => {
                merged.insert(name, entry);
            }
        }
    }
}

fn add_section(name: &str, earlier: &mut Entry, later: Entry, findings: &mut Findings) {
    match (&mut earlier.node.value, later.node.value) {
        (Value::Table(earlier), Value::Table(later)) if NAMED.contains(&name) => {
            add_named(name, earlier, later, findings)
        }
        (Value::Table(earlier), Value::Table(later)) => add_settings(earlier, later),
        (Value::List(earlier), Value::List(later)) => earlier.extend(later),
        (before, after) => {
            let message = format!(
                "`{name}` is {} here and {} in another file",
                after.kind(),
                before.kind()
            );
            findings.error(&later.key, message);
            findings.point_to(&earlier.key, "the other file");
        }
    }
}

fn add_named(section: &str, earlier: &mut Table, later: Table, findings: &mut Findings) {
    for (name, entry) in later {
        if let Some(first) = earlier.get(&name) {
            let message = format!("`{section}.{name}` is given twice");
            findings.error(&entry.key, message).hint =
                Some("rename one of them, or put both into one table".to_owned());
            findings.point_to(&first.key, "it is given here first");
        } else {
            earlier.insert(name, entry);
        }
    }
}

fn add_settings(earlier: &mut Table, later: Table) {
    for (key, entry) in later {
        match earlier.get_mut(&key) {
            // A list of pairs: `[dhcp.arch]`.
            Some(Entry { node, .. }) if key == "arch" => match (&mut node.value, entry.node.value) {
                (Value::Table(pairs), Value::Table(more)) => pairs.extend(more),
                (place, value) => *place = value,
            },
            // Each subnet may have a file of its own.
            Some(Entry { node, .. }) if key == "pools" => match (&mut node.value, entry.node.value) {
                (Value::List(pools), Value::List(more)) => pools.extend(more),
                (place, value) => *place = value,
            },
            _ => {
                earlier.insert(key, entry);
            }
        }
    }
}
