//! Templates: strict, bounded, without access to files, network or programs.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use crate::context::Context;
use crate::value::{self, Raw};
use crate::{bound, filter, known, snippet};

/// How many steps one template may take. A template that writes a thousand lines takes some ten thousand.
const FUEL: u64 = 1_000_000;

/// The largest text that one template may write, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// A template whose text is well formed and asks for nothing that no host has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    name: &'a str,
    text: &'a str,
}

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

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // A line that holds nothing but `{% … %}` leaves no empty line behind.
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.unwrap_or_default());
    environment.set_debug(false);
    environment.set_fuel(Some(FUEL));
    environment.remove_global("debug");
    environment.set_formatter(|out, state, value| {
        if value.downcast_object_ref::<Raw>().is_some() {
            return Err(minijinja::Error::new(
                ErrorKind::BadEscape,
                "a whole text is printed unquoted",
            ));
        }
        minijinja::escape_formatter(out, state, value)
    });
    filter::register(&mut environment);
    for (name, text) in snippet::ALL {
        // A snippet that does not compile is found by the test that renders each.
        let added = environment.add_template(name, text);
        debug_assert!(added.is_ok(), "{name}: {added:?}");
    }
    environment
}

impl<'a> Template<'a> {
    /// Reads a template and looks up every name that it asks for. `name` is for messages.
    ///
    /// # Errors
    ///
    /// If the text is no template, or asks for a name that no host ever has. Names below `metadata` and `label` differ from
    /// host to host and are looked up when it renders.
    pub fn compile(name: &'a str, text: &'a str) -> Result<Self, TemplateError> {
        if let Some(span) = bound::too_large(text) {
            return Err(TemplateError {
                message: format!("more than {} lines, or characters in a line", bound::LINES_MAX),
                hint: Some("serve large files from `/assets/` instead".to_owned()),
                ..TemplateError::at(text, span.start..span.start)
            });
        }
        if let Some(span) = bound::too_long(text) {
            return Err(TemplateError {
                message: format!("an expression has more than {} words and signs", bound::TOKENS_MAX),
                hint: Some("write it in several steps with `{% set … %}`".to_owned()),
                ..TemplateError::at(text, span)
            });
        }
        let parsed = ENVIRONMENT
            .template_from_named_str(name, text)
            .map_err(|error| TemplateError::of(&error, text))?;
        let mut asked: Vec<String> = parsed.undeclared_variables(true).into_iter().collect();
        asked.sort_unstable();
        let template = Self { name, text };
        match asked.iter().find_map(|asked| known::unknown(asked)) {
            Some(unknown) => Err(TemplateError {
                message: format!("`{}` is not known in templates", unknown.name),
                hint: unknown.hint,
                ..TemplateError::at(text, find_name(text, &unknown.name))
            }),
            None => Ok(template),
        }
    }

    /// Whether it asks for something of the run, which a live boot has not.
    #[must_use]
    pub fn needs_run(&self) -> bool {
        let parsed = ENVIRONMENT.template_from_named_str(self.name, self.text);
        parsed.is_ok_and(|parsed| {
            let asks = parsed.undeclared_variables(false).contains("run");
            asks || snippet::ALL.iter().any(|(name, _)| self.text.contains(name))
        })
    }

    /// The text for one host.
    ///
    /// # Errors
    ///
    /// If it asks for metadata, a label or a run that this host has not, takes too long, or writes too much.
    pub fn render(&self, context: &Context) -> Result<String, TemplateError> {
        let text = self
            .run(value::root(context))
            .map_err(|error| TemplateError::of(&error, self.text))?;
        if text.len() > OUTPUT_BYTES_MAX {
            return Err(TemplateError {
                message: format!("the text is larger than {} MiB", OUTPUT_BYTES_MAX >> 20),
                hint: Some("serve large files from `/assets/` instead".to_owned()),
                ..TemplateError::at(self.text, 0..0)
            });
        }
        Ok(text)
    }

    /// Whether it asks for what differs from host to host: labels and metadata.
    pub(crate) fn depends_on_host(&self) -> bool {
        let parsed = ENVIRONMENT.template_from_named_str(self.name, self.text);
        parsed.is_ok_and(|parsed| {
            let asked = parsed.undeclared_variables(false);
            ["label", "metadata", "raw"].iter().any(|name| asked.contains(*name))
        })
    }

    /// Renders with something in place of every label and metadata, for mistakes that show whatever that is.
    pub(crate) fn try_out(&self, context: &Context) -> Result<(), TemplateError> {
        match self.run(value::root_of_anything(context)) {
            Ok(_) => Ok(()),
            Err(error) if self.depends_on_host() && !is_sure(&error) => Ok(()),
            Err(error) => Err(TemplateError::of(&error, self.text)),
        }
    }

    fn run(&self, values: Value) -> Result<String, minijinja::Error> {
        ENVIRONMENT
            .template_from_named_str(self.name, self.text)?
            .render(values)
    }
}

/// Whether an error comes about with whatever labels and metadata.
fn is_sure(error: &minijinja::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownTest
            | ErrorKind::TemplateNotFound
            | ErrorKind::BadEscape
            | ErrorKind::OutOfFuel
    )
}

impl TemplateError {
    /// An error with this place and no words yet.
    pub(crate) fn at(text: &str, span: Range<usize>) -> Self {
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

    fn of(error: &minijinja::Error, text: &str) -> Self {
        let span = error
            .range()
            .map_or_else(|| line_span(text, error.line()), |span| whole_name(text, span));
        let span = unclosed_comment(text, error).unwrap_or(span);
        let place = Self::at(text, span.clone());
        let source = text.get(span).unwrap_or_default().trim();
        let inner = std::error::Error::source(error).and_then(|source| source.downcast_ref::<minijinja::Error>());
        let (message, hint) = words(inner.unwrap_or(error), source);
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
            Some("add `| shell`, `| json` or `| yaml`, or use the name without `raw.`".to_owned()),
        ),
        ErrorKind::OutOfFuel => (
            format!("the template takes more than {FUEL} steps"),
            Some("look for a loop that is too long".to_owned()),
        ),
        ErrorKind::UnknownFilter => (
            format!("there is no filter `{source}`"),
            Some("filters that quote are `shell`, `json` and `yaml`".to_owned()),
        ),
        ErrorKind::TemplateNotFound => {
            let names: Vec<String> = snippet::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
            (
                "no snippet of this name".to_owned(),
                Some(format!("there are {}", names.join(" and "))),
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
fn find_name(text: &str, name: &str) -> Range<usize> {
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
