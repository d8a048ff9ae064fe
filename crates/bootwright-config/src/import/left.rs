//! What could not be carried over.

use std::ops::Range;

use super::Text;
use crate::diagnostic::{Diagnostic, Severity};

/// How many things are told one by one. A file of nothing but mistakes is none that anybody has run.
const LEFT_MAX: usize = 1000;

/// What could not be carried over, so far.
#[derive(Debug, Default)]
pub(crate) struct Left {
    found: Vec<Diagnostic>,
    more: usize,
}

impl Left {
    /// These bytes of a file have no counterpart, or not the whole one.
    pub(crate) fn tell(&mut self, text: &Text, span: Range<usize>, message: impl Into<String>, hint: &str) {
        if self.found.len() >= LEFT_MAX {
            self.more += 1;
            return;
        }
        let diagnostic = Diagnostic::new(Severity::Warning, &text.path, &text.text, span, message.into());
        self.found.push(diagnostic.with_hint(hint));
    }

    /// What the reader of a data directory has found. Its hints speak of the dialect that reads the directory in place.
    pub(crate) fn keep(&mut self, mut found: Diagnostic) {
        if found.hint.as_ref().is_some_and(|hint| hint.contains("[compat.")) {
            found.hint = Some("let the installer call `{{ run.url }}/done`, or set `done` of the profile".to_owned());
        }
        if self.found.len() < LEFT_MAX {
            self.found.push(found);
        } else {
            self.more += 1;
        }
    }

    /// All of it in the order of the files and lines, and how much more there is.
    pub(crate) fn into_parts(mut self) -> (Vec<Diagnostic>, usize) {
        self.found
            .sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
        self.found.dedup();
        (self.found, self.more)
    }
}
