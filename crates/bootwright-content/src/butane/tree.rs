//! `storage.trees`: whole directories beside the configuration.

use super::contents::data_url;
use super::local::{Files, TreeEntry, TreeKind, path};
use crate::tree::{Fault, Node, Value};

/// Puts the files and links of all trees into the configuration.
pub(super) fn plant(config: &mut Node, files: &dyn Files, faults: &mut Vec<Fault>) {
    let Some(storage) = config.get_mut("storage") else {
        return;
    };
    let Some(entry) = storage.remove("trees") else { return };
    let Value::List(trees) = entry.node.value else { return };
    for tree in trees {
        let Some(local) = tree.get("local").filter(|local| local.as_text() != Some("")) else {
            faults.push(Fault::new(
                &tree.span,
                "a tree needs `local`, the directory that it is in",
            ));
            continue;
        };
        let found = path(local).and_then(|name| {
            let listed = files.tree(name.trim_end_matches('/'));
            listed.map_err(|error| Fault::new(&local.span, format!("cannot list `{}`: {error}", name.escape_debug())))
        });
        match found {
            Ok(found) => found
                .iter()
                .for_each(|entry| one(storage, &tree, local, entry, files, faults)),
            Err(fault) => faults.push(fault),
        }
    }
}

fn one(storage: &mut Node, tree: &Node, local: &Node, entry: &TreeEntry, files: &dyn Files, faults: &mut Vec<Fault>) {
    let base = tree.text("path").unwrap_or("/").trim_end_matches('/');
    let target = format!("{base}/{}", entry.path);
    let span = local.span.clone();
    let list = match entry.kind {
        TreeKind::File { .. } => "files",
        TreeKind::Link { .. } => "links",
    };
    let others = ["directories", "files", "links"]
        .into_iter()
        .filter(|other| *other != list);
    let mut taken = others
        .flat_map(|other| storage.list(other))
        .any(|node| node.text("path") == Some(&target));
    if storage.get(list).is_none() {
        storage.set(list, Node::new(Value::List(Vec::new()), span.clone()));
    }
    let Some(Value::List(items)) = storage.get_mut(list).map(|node| &mut node.value) else {
        return;
    };
    if !items.iter().any(|item| item.text("path") == Some(&target)) && !taken {
        items.push(Node::map_at(&span, [("path", Value::Text(target.clone()))]));
    }
    let Some(node) = items.iter_mut().find(|item| item.text("path") == Some(&target)) else {
        return faults.push(exists(&span, &target));
    };
    match &entry.kind {
        TreeKind::Link { target: leads } => {
            taken |= node.text("target").is_some_and(|target| !target.is_empty());
            node.set("target", Node::text_at(&span, leads.as_str()));
        }
        TreeKind::File { executable } => {
            let contents = node.get("contents");
            taken |= contents.is_some_and(|contents| contents.text("source").is_some_and(|source| !source.is_empty()));
            let compressed = contents
                .and_then(|contents| contents.text("compression"))
                .is_some_and(|compression| !compression.is_empty());
            let name = format!(
                "{}/{}",
                local.as_text().unwrap_or_default().trim_end_matches('/'),
                entry.path
            );
            let bytes = match files.read(&name) {
                Ok(bytes) => bytes,
                Err(error) => {
                    let message = format!("cannot read `{}`: {error}", name.escape_debug());
                    return faults.push(Fault::new(&span, message));
                }
            };
            let (url, compression) = data_url(&bytes, compressed);
            if node.get("contents").is_none() {
                node.set("contents", Node::new(Value::Map(Vec::new()), span.clone()));
            }
            if let Some(contents) = node.get_mut("contents") {
                contents.set("source", Node::text_at(&span, url));
                if let Some(compression) = compression {
                    contents.set("compression", Node::text_at(&span, compression));
                }
            }
            if node.get("mode").is_none() {
                let mode = if *executable { 0o755 } else { 0o644 };
                node.set("mode", Node::new(Value::Whole(mode), span.clone()));
            }
        }
    }
    if taken {
        faults.push(exists(&span, &target));
    }
}

fn exists(span: &std::ops::Range<usize>, target: &str) -> Fault {
    let message = format!(
        "`{}` of the tree has contents elsewhere, or is of another kind there",
        target.escape_debug()
    );
    Fault::new(span, message)
}
