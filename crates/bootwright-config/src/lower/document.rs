//! `[profiles.<name>.files]`: the documents of a run.

use std::collections::BTreeMap;

use bootwright_content::{Part, butane};
use bootwright_core::{Additions, Document};

use super::origin::{Origin, Origins};
use crate::finding::Findings;
use crate::load::Reader;
use crate::node::{At, Node, Value};
use crate::section::{Section, choice, wrong_kind};

/// The largest document, in bytes; it is kept in memory and rendered for every run.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;

pub(super) fn files(
    section: &mut Section<'_>,
    origins: &mut Origins,
    read: &dyn Reader,
    findings: &mut Findings,
) -> BTreeMap<String, Document> {
    let Some(entry) = section.take("files") else {
        return BTreeMap::new();
    };
    let table = Section::new(section.key("files"), entry, findings);
    let mut found = BTreeMap::new();
    for (name, entry) in table.entries() {
        let key = table.key(name);
        // The report routes of a run stand beside its documents.
        let reserved = ["done", "fail", "up", "progress", "log", "facts"].contains(&name.as_str());
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if reserved || name.starts_with('.') || name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
            let message = format!("`{}` cannot be the name of a file", name.escape_debug());
            let hint = if reserved {
                "a run has a report route of this name"
            } else {
                "use letters, digits, `.`, `-` and `_`, not beginning with a point"
            };
            findings.error(&entry.key, message).hint = Some(hint.to_owned());
            continue;
        }
        if let Some((template, origin, mut add)) = document(&key, &entry.node, read, findings) {
            let shown = match &origin {
                Origin::Here(_) => key.clone(),
                Origin::File { path, .. } => path.clone(),
            };
            let is_ignition = [".ign", ".bu", ".butane"]
                .iter()
                .any(|ending| name.ends_with(ending) || shown.ends_with(ending));
            if add != Additions::default() && !is_ignition {
                findings
                    .error(
                        &entry.key,
                        format!("`{key}.add` is for Ignition, which this file is not"),
                    )
                    .hint = Some("name it `….ign`, or write what is missing into its template".to_owned());
                add = Additions::default();
            }
            origins.insert(Part::File(name.clone()), origin);
            found.insert(
                name.clone(),
                Document {
                    template,
                    origin: shown,
                    add,
                },
            );
        }
    }
    found
}

fn document(key: &str, node: &Node, read: &dyn Reader, findings: &mut Findings) -> Option<(String, Origin, Additions)> {
    let example = "{ file = \"preseed.cfg\" }";
    let mut add = Additions::default();
    let (text, origin) = match &node.value {
        Value::Text(text) => (text.clone(), Origin::Here(node.at.clone())),
        Value::Table(_) => {
            let mut table = Section::from_node(key.to_owned(), node, findings);
            let inline = table.text("text", "…", findings);
            let file = table.text("file", "preseed.cfg", findings);
            add = additions(&mut table, findings);
            let given = usize::from(table.take("text").is_some()) + usize::from(table.take("file").is_some());
            table.finish(findings);
            if given != 1 {
                findings
                    .error(&node.at, format!("`{key}` needs `file` or `text`, and not both"))
                    .hint = Some(format!("for example `{example}`"));
            }
            match (inline, file) {
                (Some((text, at)), None) => (text.to_owned(), Origin::Here(at.clone())),
                (None, Some((name, at))) => from_file(key, name, at, read, findings)?,
                _ => return None,
            }
        }
        other => {
            wrong_kind(key, "text or a table", &node.at, other, example, findings);
            return None;
        }
    };
    if text.len() > DOCUMENT_BYTES_MAX {
        findings.error(&node.at, format!("`{key}` is larger than 1 MiB")).hint =
            Some("put it into `assets/` in the data directory, and let a document refer to `/assets/…`".to_owned());
        return None;
    }
    Some((text, origin, add))
}

/// `add`: what Ignition gets for each host.
fn additions(table: &mut Section<'_>, findings: &mut Findings) -> Additions {
    let key = table.key("add");
    let known = ["hostname", "done", "up"].map(|word| (word, word));
    let words = table.texts("add", "[\"hostname\", \"up\"]", findings);
    let asked: Vec<&str> = words
        .into_iter()
        .filter_map(|(word, at)| choice(&key, word, at, &known, findings))
        .collect();
    let asked = |word: &str| asked.contains(&word);
    Additions {
        hostname: asked("hostname"),
        done: asked("done"),
        up: asked("up"),
    }
}

/// The file of this name beside the one that names it.
fn from_file(key: &str, name: &str, at: &At, read: &dyn Reader, findings: &mut Findings) -> Option<(String, Origin)> {
    let path = match findings.file(at).path.rsplit_once('/') {
        Some((directory, _)) if !name.starts_with('/') => format!("{directory}/{name}"),
        _ => name.to_owned(),
    };
    match read.text(&path) {
        Ok(text) => {
            let template = with_its_files(&path, &text, read);
            let origin = Origin::File {
                named: at.clone(),
                path,
                text: text.into(),
            };
            Some((template, origin))
        }
        Err(error) => {
            findings
                .error(at, format!("`{key}`: cannot read `{}`: {error}", path.escape_debug()))
                .hint = Some("the path is relative to the file that names it".to_owned());
            None
        }
    }
}

/// A Butane configuration with the files beside it that it names, so that a run gets what was there when it was armed;
/// other texts as they are.
fn with_its_files(path: &str, text: &str, reader: &dyn Reader) -> String {
    if !path.ends_with(".bu") && !path.ends_with(".butane") {
        return text.to_owned();
    }
    let directory = path.rsplit_once('/').map(|(directory, _)| directory);
    let read = |name: &str| match directory {
        Some(directory) => reader.text(&format!("{directory}/{name}")),
        None => reader.text(name),
    };
    butane::bundle(text, &read, &|name| reader.tree(directory.unwrap_or("."), name))
}
