//! One configuration put on top of another, as Ignition merges a child into its parent.
//!
//! Single values of the child win; entries of lists that have the same key become one, and others are added behind. A
//! path is one thing: what the child puts there takes the place of what the parent had, whatever that was.

use super::check::identity;
use super::schema::{CONFIG, Field, Key, Kind};
use crate::tree::{Entry, Node, Value};

/// `child` on top of `parent`; both have the shape of an Ignition 3 configuration.
pub(crate) fn put_on(mut parent: Node, child: Node) -> Node {
    let version = parent
        .get("ignition")
        .and_then(|ignition| ignition.get("version"))
        .cloned();
    if let (Some(here), Some(there)) = (parent.get_mut("storage"), child.get("storage")) {
        give_way(here, there);
    }
    merge(&mut parent, child, CONFIG);
    if let (Some(version), Some(ignition)) = (version, parent.get_mut("ignition")) {
        ignition.set("version", version);
    }
    parent
}

/// Takes out of the parent what stands at a path where the child has something of another kind.
fn give_way(parent: &mut Node, child: &Node) {
    let lists = ["directories", "files", "links"];
    for list in lists {
        let taken: Vec<String> = lists
            .iter()
            .filter(|other| **other != list)
            .flat_map(|other| child.list(other))
            .filter_map(|node| node.text("path").map(str::to_owned))
            .collect();
        if let Some(Value::List(items)) = parent.get_mut(list).map(|node| &mut node.value) {
            items.retain(|item| !taken.iter().any(|path| item.text("path") == Some(path)));
        }
    }
}

fn merge(parent: &mut Node, child: Node, fields: &[Field]) {
    let Value::Map(entries) = child.value else { return };
    for Entry { key, at, node } in entries {
        let kind = fields.iter().find(|field| field.name == key).map(|field| field.kind);
        let Some(present) = parent.get_mut(&key) else {
            if let Value::Map(entries) = &mut parent.value {
                entries.push(Entry { key, at, node });
            }
            continue;
        };
        match (kind, node.value) {
            (Some(Kind::One(fields)), value) => merge(present, Node::new(value, node.span), fields),
            (Some(Kind::Texts), Value::List(added)) => append(present, added, true),
            (Some(Kind::Words), Value::List(added)) => append(present, added, false),
            (Some(Kind::Many(fields, key)), Value::List(added)) => lists(present, added, fields, key),
            (_, value) => present.value = value,
        }
    }
}

/// Adds what is not there yet, where `once` says so, and everything elsewhere.
fn append(present: &mut Node, added: Vec<Node>, once: bool) {
    let Value::List(items) = &mut present.value else { return };
    for item in added {
        if !items.iter().any(|present| once && present.value == item.value) {
            items.push(item);
        }
    }
}

fn lists(present: &mut Node, added: Vec<Node>, fields: &[Field], key: Key) {
    let Value::List(items) = &mut present.value else { return };
    for item in added {
        let same = identity(&item, key);
        let place = items
            .iter_mut()
            .find(|present| same.is_some() && identity(present, key) == same);
        match place {
            Some(present) => merge(present, item, fields),
            None => items.push(item),
        }
    }
}
