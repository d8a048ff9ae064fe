//! What is wrong with a configuration: the file, the place in it, and what to do.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One thing that is wrong, or odd, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the configuration can be used all the same.
    pub severity: Severity,
    /// What is wrong: lower case, no final period, backticks around names.
    pub message: String,
    /// The file, as `Source::path` names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The bytes of the file that are wrong.
    pub span: Range<usize>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The other place that it is about, such as where a name stands first.
    pub other: Option<Place>,
    /// The file's text, for the excerpt.
    text: Arc<str>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as `Source::path` names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The bytes.
    pub span: Range<usize>,
    /// What is there, in a few words.
    pub label: String,
    text: Arc<str>,
}

/// Whether a configuration can be used all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but is probably not what was meant.
    Warning,
}

impl Diagnostic {
    /// A diagnostic on these bytes of a file. A span that does not fit the text is cut to it.
    #[must_use]
    pub fn new(severity: Severity, file: &str, text: &Arc<str>, span: Range<usize>, message: String) -> Self {
        let span = fitting(text, span);
        let (line, column) = position(text, span.start);
        Self {
            severity,
            message,
            file: file.to_owned(),
            line,
            column,
            span,
            hint: None,
            other: None,
            text: Arc::clone(text),
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with another place that it is about.
    #[must_use]
    pub fn with_other(mut self, file: &str, text: &Arc<str>, span: Range<usize>, label: &str) -> Self {
        let span = fitting(text, span);
        let (line, column) = position(text, span.start);
        self.other = Some(Place {
            file: file.to_owned(),
            line,
            column,
            span,
            label: label.to_owned(),
            text: Arc::clone(text),
        });
        self
    }

    /// The text for a terminal: the message, `file:line:column`, the lines with carets beneath, and the hint. No colours.
    #[must_use]
    pub fn render(&self) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let here = Excerpt::of(&self.text, &self.span, self.line);
        let here = Snippet::source(here.text)
            .line_start(here.line)
            .path(&*self.file)
            .annotation(AnnotationKind::Primary.span(here.span));
        let mut group = level.primary_title(&*self.message).element(here);
        if let Some(other) = &self.other {
            let there = Excerpt::of(&other.text, &other.span, other.line);
            let mark = AnnotationKind::Context.span(there.span).label(&*other.label);
            let there = Snippet::source(there.text).line_start(there.line);
            group = group.element(there.path(&*other.file).annotation(mark));
        }
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(&**hint));
        }
        Renderer::plain().render(&[group])
    }
}

/// The lines of a file that a place touches. Whoever draws a place reads no more than these, as a file of many mistakes is
/// drawn once for each.
struct Excerpt<'a> {
    text: &'a str,
    /// The number of its first line.
    line: usize,
    /// The place, counted from its beginning.
    span: Range<usize>,
}

impl<'a> Excerpt<'a> {
    fn of(text: &'a str, span: &Range<usize>, line: usize) -> Self {
        let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[span.end..]
            .find('\n')
            .map_or(text.len(), |newline| span.end + newline + 1);
        Self {
            text: &text[start..end],
            line,
            span: span.start - start..span.end - start,
        }
    }
}

/// One line, for logs.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {message}")?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// The line and the character in it, both from 1.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// The span within the text, on whole characters.
fn fitting(text: &str, span: Range<usize>) -> Range<usize> {
    let end = text.floor_char_boundary(span.end.min(text.len()));
    let start = text.floor_char_boundary(span.start.min(end));
    start..end
}
