//! Files beside a configuration that `local` and `trees` name, and how they travel with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tree::{Fault, Node, Value};
use crate::yaml;

/// The files that a configuration may name, below one directory.
///
/// Paths are relative, with `/` between their parts, and never lead out of the directory: this is seen to before.
pub trait Files {
    /// What a file holds.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, for people.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Everything below a directory but directories, in the order of the paths.
    ///
    /// # Errors
    ///
    /// Why it cannot be listed, for people.
    fn tree(&self, path: &str) -> Result<Vec<TreeEntry>, String>;
}

/// Something below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Its path below the directory that was listed.
    pub path: String,
    /// What it is.
    pub kind: TreeKind,
}

/// What lies in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeKind {
    /// A file, and whether somebody may execute it.
    File {
        /// Whether somebody may.
        executable: bool,
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: String,
    },
}

/// No files at all.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("there are no files beside this configuration".to_owned())
    }

    fn tree(&self, _: &str) -> Result<Vec<TreeEntry>, String> {
        Err("there are no files beside this configuration".to_owned())
    }
}

/// Why a path must not be read, if so.
fn refusal(path: &str) -> Option<&'static str> {
    let out = path.starts_with('/') || path.contains(['\\', '\0']) || path.split('/').any(|part| part == "..");
    if path.is_empty() {
        Some("the path is empty")
    } else if out {
        Some("the path leads out of the directory that the configuration lies in")
    } else {
        None
    }
}

/// The path that a node names, if it stays below the directory.
pub(super) fn path(node: &Node) -> Result<&str, Fault> {
    let path = node.as_text().unwrap_or_default();
    match refusal(path) {
        Some(message) => Err(Fault::new(&node.span, message).hint("name a file below it, without `..`")),
        None => Ok(path),
    }
}

/// What the file that a node names holds.
pub(super) fn readable(node: &Node, files: &dyn Files) -> Result<Vec<u8>, Fault> {
    let path = path(node)?;
    files
        .read(path)
        .map_err(|error| Fault::new(&node.span, format!("cannot read `{}`: {error}", path.escape_debug())))
}

/// What stands between a configuration and the files that travel with it: a second YAML document.
///
/// A line that is left empty stands before it, since a template that ends in `{% … %}` takes one away.
const SEAM: &str = "\n---\n# the files that this configuration names, in Base64\n";

/// Something below a directory, with what it holds if it is a file.
pub type Planted = (TreeEntry, Vec<u8>);

/// Reads a text file.
pub type Read<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Reads everything below a directory.
pub type List<'a> = &'a dyn Fn(&str) -> Result<Vec<Planted>, String>;

/// The configuration with the files and directories that it names by `local`, `contents_local` and `ssh_authorized_keys_local`.
///
/// The names are looked for in the text as it is, before it is a template, so that they must stand there themselves. One
/// that cannot be read is left out: it is an error where it is needed.
#[must_use]
pub fn bundle(text: &str, read: Read<'_>, list: List<'_>) -> String {
    let mut found = BTreeMap::new();
    for name in named(text) {
        // A name that a template makes is none yet.
        if refusal(name).is_some() || name.contains('{') {
            continue;
        }
        let directory = name.trim_end_matches('/');
        if let Ok(contents) = read(name) {
            found.insert(name.to_owned(), contents.into_bytes());
        } else if let Ok(planted) = list(directory) {
            found.insert(format!("{directory}/"), listing(&planted));
            for (entry, contents) in planted {
                if let TreeKind::File { .. } = entry.kind {
                    found.insert(format!("{directory}/{}", entry.path), contents);
                }
            }
        }
    }
    if found.is_empty() {
        return text.to_owned();
    }
    let mut out = format!("{text}\n{SEAM}");
    for (name, contents) in found {
        out.push_str(&crate::text::yaml(&name));
        out.push_str(": |\n");
        let encoded = STANDARD.encode(contents);
        for line in encoded.as_bytes().chunks(100) {
            out.push_str("  ");
            out.push_str(&String::from_utf8_lossy(line));
            out.push('\n');
        }
    }
    out
}

/// What lies below a directory, as it travels: its kind, its path and where it leads, each ended by a zero byte, which no
/// path can hold.
fn listing(planted: &[Planted]) -> Vec<u8> {
    let mut text = String::new();
    for (entry, _) in planted {
        let (kind, target) = match &entry.kind {
            TreeKind::File { executable: false } => ("file", ""),
            TreeKind::File { executable: true } => ("program", ""),
            TreeKind::Link { target } => ("link", target.as_str()),
        };
        for word in [kind, &entry.path, target] {
            text.push_str(word);
            text.push('\0');
        }
    }
    text.into_bytes()
}

/// The reverse of [`listing`].
fn listed(bytes: &[u8]) -> Vec<TreeEntry> {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.split('\0').collect();
    let entries = words.chunks_exact(3).filter_map(|entry| {
        let [kind, path, target] = entry else { return None };
        let kind = match *kind {
            "file" => TreeKind::File { executable: false },
            "program" => TreeKind::File { executable: true },
            "link" => TreeKind::Link {
                target: (*target).to_owned(),
            },
            _ => return None,
        };
        Some(TreeEntry {
            path: (*path).to_owned(),
            kind,
        })
    });
    entries.collect()
}

/// The names behind the keys that name files.
fn named(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut keys_indent = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        let (item, entry) = match trimmed.strip_prefix("- ") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, trimmed),
        };
        if let Some(outer) = keys_indent {
            if item && indent >= outer {
                names.push(scalar(entry));
                continue;
            }
            keys_indent = None;
        }
        if let Some(rest) = entry.strip_prefix("ssh_authorized_keys_local:") {
            match rest.trim().strip_prefix('[') {
                Some(list) => names.extend(list.trim_end_matches(']').split(',').map(scalar)),
                None => keys_indent = Some(indent),
            }
        }
        for key in ["local:", "contents_local:"] {
            // Within `{ … }` the key follows a brace or a comma.
            let start = entry.strip_prefix(key);
            let within = || {
                let (before, after) = entry.split_once(key)?;
                before.trim_end().ends_with(['{', ',']).then_some(after)
            };
            if let Some(rest) = start.or_else(within) {
                names.push(scalar(rest.split([',', '}']).next().unwrap_or_default()));
            }
        }
    }
    names
}

/// A name without its quotation marks and what is said behind it.
fn scalar(text: &str) -> &str {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or_default();
        }
    }
    text.split(" #").next().unwrap_or_default().trim()
}

/// Files that came with their configuration.
#[derive(Clone, Debug, Default)]
pub struct Bundled(BTreeMap<String, Vec<u8>>);

/// A configuration without the files that came with it, and the files.
#[must_use]
pub fn split(text: &str) -> (&str, Bundled) {
    let Some((config, rest)) = text.rsplit_once(SEAM) else {
        return (text, Bundled::default());
    };
    let mut found = BTreeMap::new();
    for document in yaml::read(rest).unwrap_or_default() {
        let Value::Map(entries) = document.value else { continue };
        for entry in entries {
            let encoded: String = entry.node.as_text().unwrap_or_default().split_whitespace().collect();
            if let Ok(contents) = STANDARD.decode(encoded) {
                found.insert(entry.key, contents);
            }
        }
    }
    (config.strip_suffix('\n').unwrap_or(config), Bundled(found))
}

impl Files for Bundled {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let found = self.0.get(path).cloned();
        found.ok_or_else(|| "no text file of this name lies beside the configuration".to_owned())
    }

    fn tree(&self, path: &str) -> Result<Vec<TreeEntry>, String> {
        let found = self.0.get(&format!("{path}/"));
        found
            .map(|bytes| listed(bytes))
            .ok_or_else(|| "no directory of this name lies beside the configuration, or it cannot be read".to_owned())
    }
}
