//! The files of a data directory while they are read, and what was found wrong in them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bootwright_content::nearest;

use super::json;
use crate::diagnostic::{Diagnostic, Severity};
use crate::finding::Findings;
use crate::node::{At, File, Node};

/// The largest file that is read, in bytes; these are configurations.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// The most files that a directory may have: 10,000 machines with a few files each.
pub const FILES_MAX: usize = 50_000;

/// What a file holds, or why nobody can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(Arc<str>),
    /// It cannot be used, for this reason.
    Unusable(String),
}

/// The files, by their relative paths.
pub(crate) struct Files {
    directory: String,
    index: BTreeMap<String, usize>,
    content: Vec<Content>,
    pub(super) findings: Findings,
}

impl Files {
    pub(crate) fn new(directory: &str, files: BTreeMap<String, Content>) -> Self {
        let directory = directory.trim_end_matches('/').to_owned();
        let (mut index, mut content, mut list) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (path, what) in files {
            index.insert(path.clone(), list.len());
            let text = match &what {
                Content::Text(text) => Arc::clone(text),
                Content::Unusable(_) => "".into(),
            };
            list.push(File {
                path: format!("{directory}/{path}"),
                text,
            });
            content.push(what);
        }
        Self {
            directory,
            index,
            content,
            findings: Findings::new(list),
        }
    }

    /// The relative paths, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// The names directly below a directory, files and directories alike, in order.
    pub(super) fn names<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a str> {
        let mut last = "";
        let under = self.index.keys().filter_map(move |path| {
            let rest = path.strip_prefix(directory)?.strip_prefix('/')?;
            rest.split('/').next()
        });
        under.filter(move |name| {
            let is_new = *name != last;
            last = name;
            is_new
        })
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.index.contains_key(path)
    }

    /// The text of a file; nothing if there is none, or if it cannot be used, which is told.
    pub(super) fn text(&mut self, path: &str) -> Option<Arc<str>> {
        let index = *self.index.get(path)?;
        match self.content.get(index)? {
            Content::Text(text) => Some(Arc::clone(text)),
            Content::Unusable(why) => {
                let message = format!("cannot be read: {why}");
                self.error(
                    path,
                    0..0,
                    message,
                    "it and what needs it is left out until that is mended",
                );
                None
            }
        }
    }

    /// A file that is JSON.
    pub(super) fn json(&mut self, path: &str) -> Option<Node> {
        let text = self.text(path)?;
        let index = *self.index.get(path)?;
        match json::parse(index, &text) {
            Ok(node) => Some(node),
            Err(json::NotJson { span, message }) => {
                let hint = "nothing else is affected; write it as JSON (RFC 8259)";
                self.error(path, span, format!("not JSON: {message}"), hint);
                None
            }
        }
    }

    /// The file that a key names, if it is there; else a mistake is told at the name.
    pub(super) fn named(&mut self, directory: &str, key: &str, named: Option<(&str, &At)>) -> Option<String> {
        let (name, at) = named.filter(|(name, _)| !name.is_empty())?;
        let path = format!("{directory}/{name}");
        if self.has(&path) {
            return Some(path);
        }
        let hint = match nearest(name, self.names(directory)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`{key}` is the name of a file below `{directory}/`"),
        };
        let message = format!("there is no file `{}`", path.escape_debug());
        self.findings.error(at, message).hint = Some(hint);
        None
    }

    pub(super) fn error(&mut self, path: &str, span: Range<usize>, message: impl Into<String>, hint: &str) {
        self.tell(Severity::Error, path, span, message.into(), hint);
    }

    pub(super) fn warn(&mut self, path: &str, span: Range<usize>, message: impl Into<String>, hint: &str) {
        self.tell(Severity::Warning, path, span, message.into(), hint);
    }

    /// Something about the directory as a whole.
    pub(super) fn warn_all(&mut self, message: impl Into<String>, hint: &str) {
        let (directory, nothing) = (self.directory.clone(), "".into());
        let diagnostic = Diagnostic::new(Severity::Warning, &directory, &nothing, 0..0, message.into());
        self.findings.push(0, diagnostic.with_hint(hint));
    }

    fn tell(&mut self, severity: Severity, path: &str, span: Range<usize>, message: String, hint: &str) {
        let Some(index) = self.index.get(path).copied() else {
            return;
        };
        let Some(file) = self.findings.files().get(index).cloned() else {
            return;
        };
        let diagnostic = Diagnostic::new(severity, &file.path, &file.text, span, message);
        self.findings.push(index, diagnostic.with_hint(hint));
    }

    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.findings.into_all()
    }
}
