//! What is wrong with a template, in our words and at its place.

use std::fmt;
use std::ops::Range;

use minijinja::ErrorKind;

use super::FUEL;
use crate::snippet;

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// What is wrong: lower case, no final period.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line in the template's text, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The bytes of the template's text that are wrong.
    pub span: Range<usize>,
}

impl TemplateError {
    /// An error with this place and no words yet.
    #[must_use]
    pub fn at(text: &str, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            message: String::new(),
            hint: None,
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            span,
        }
    }

    pub(super) fn of(error: &minijinja::Error, text: &str) -> Self {
        let span = error
            .range()
            .map_or_else(|| line_span(text, error.line()), |span| whole_name(text, span));
        let span = whole_characters(text, unclosed_comment(text, error).unwrap_or(span));
        let place = Self::at(text, span.clone());
        let source = text.get(span).unwrap_or_default().trim();
        let inner = std::iter::successors(cause(error), |inner| cause(inner)).last();
        let (message, hint) = match inner {
            // All that a snippet asks for is the run.
            Some(inner) if inner.kind() == ErrorKind::UndefinedError => words(inner, "run.url"),
            Some(inner) => words(inner, source),
            None => words(error, source),
        };
        Self { message, hint, ..place }
    }
}

/// What happened, in our words, and what to do about it.
fn words(error: &minijinja::Error, source: &str) -> (String, Option<String>) {
    let detail = error.detail().unwrap_or_default();
    let root = source.split(['.', '[', ' ', '|']).next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError if root == "run" => (
            format!("`{source}` is known only while a host is installed"),
            Some("a profile that is booted live must not use `run`".to_owned()),
        ),
        ErrorKind::UndefinedError => (
            format!("`{source}` is not known for this host"),
            Some(format!("set it, or write `{source} | default(\"…\")`")),
        ),
        ErrorKind::BadEscape if detail.starts_with("a whole text") => (
            format!("`{source}` is what the machine says, and must be quoted"),
            Some("add a filter such as `| shell`, `| json` or `| yaml`, or use the name without `raw.`".to_owned()),
        ),
        ErrorKind::OutOfFuel => (
            format!("the template takes more than {FUEL} steps"),
            Some("look for a loop that is too long".to_owned()),
        ),
        ErrorKind::UnknownFilter => (
            format!("there is no filter `{source}`"),
            Some(format!("filters that quote are {}", crate::filter::QUOTING)),
        ),
        ErrorKind::TemplateNotFound => {
            let names: Vec<String> = snippet::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
            (
                "no snippet of this name".to_owned(),
                Some(format!("there are {}", names.join(", "))),
            )
        }
        ErrorKind::SyntaxError if detail.contains("end of comment") => (
            "a comment is not closed".to_owned(),
            Some("`{#` begins a comment; for `${#name}` of a shell write `${{ \"{#\" }}name}`".to_owned()),
        ),
        kind if detail.is_empty() => (kind.to_string(), None),
        kind => (format!("{kind}: {detail}"), None),
    }
}

/// The error of a snippet that an error of the including text wraps.
fn cause(error: &minijinja::Error) -> Option<&minijinja::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

/// The span within the text: the template language counts a character as one byte where it complains about it.
fn whole_characters(text: &str, span: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end).max(start)
}

/// Where a comment begins that the text ends in.
fn unclosed_comment(text: &str, error: &minijinja::Error) -> Option<Range<usize>> {
    let unclosed = error.kind() == ErrorKind::SyntaxError && error.detail()?.contains("end of comment");
    let start = text.rfind("{#")?;
    unclosed.then_some(start..start + 2)
}

/// The span with the whole of the name that it begins in the middle of, as those of the template language may.
fn whole_name(text: &str, span: Range<usize>) -> Range<usize> {
    let part_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let begins_within = text.get(span.clone()).is_some_and(|text| text.starts_with('.'));
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.trim_end_matches(part_of_name).len();
    if begins_within { start..span.end } else { span }
}

/// The line with this number without its indent, for errors that name no place in it.
fn line_span(text: &str, line: Option<usize>) -> Range<usize> {
    let mut start = 0;
    for (number, line_text) in text.split_inclusive('\n').enumerate() {
        if Some(number + 1) == line {
            let indent = line_text.len() - line_text.trim_start().len();
            return start + indent..start + line_text.trim_end().len().max(indent);
        }
        start += line_text.len();
    }
    0..0
}

/// Where a name first stands as a whole name.
pub(super) fn find_name(text: &str, name: &str) -> Range<usize> {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    for (start, _) in text.match_indices(name) {
        let end = start + name.len();
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(end..).and_then(|after| after.chars().next());
        if !before.is_some_and(|c| part_of_name(c) || c == '.') && !after.is_some_and(part_of_name) {
            return start..end;
        }
    }
    0..0
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for TemplateError {}
