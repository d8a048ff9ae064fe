//! Templates: strict, bounded, without access to files, network or programs.

mod error;

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};

use crate::bound::TooMuch;
use crate::context::Context;
use crate::secret::{SecretUse, Secrets, secrets_asked};
use crate::value::{self, Raw};
use crate::{bound, filter, known, snippet};

pub use error::TemplateError;

/// How many steps one template may take. A template that writes a thousand lines takes some ten thousand.
pub(crate) const FUEL: u64 = 1_000_000;

/// The largest text that one template may write, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// A template whose text is well formed and asks for nothing that no host has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    name: &'a str,
    text: &'a str,
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
    // Its widths are numbers within a text, which nothing bounds.
    environment.remove_filter("format");
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
        bounded(text)?;
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
                ..TemplateError::at(text, error::find_name(text, &unknown.name))
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
    /// If it asks for metadata, a label, a run or a secret that this host has not, takes too long, or writes too much. No error
    /// holds a secret.
    pub fn render(&self, context: &Context) -> Result<String, TemplateError> {
        let Secrets::Open(known) = &context.secrets else {
            return self.render_shown(context);
        };
        let is_known = |asked: &SecretUse| asked.name.as_ref().is_some_and(|name| known.contains_key(name));
        if let Some(asked) = secrets_asked(self.text).into_iter().find(|asked| !is_known(asked)) {
            return Err(TemplateError {
                message: "the secret is not at hand".to_owned(),
                hint: Some("name it in `[secrets]`, and here in quotation marks".to_owned()),
                ..TemplateError::at(self.text, asked.span)
            });
        }
        self.render_shown(context).or_else(|error| {
            // The words of an error may quote a value. Those of the same template without its secrets quote none of them.
            self.render_shown(&context.without_secrets())?;
            Err(TemplateError {
                message: "it cannot be rendered with its secrets in place".to_owned(),
                hint: Some("look for a filter that a secret does not fit".to_owned()),
                ..TemplateError::at(self.text, error.span)
            })
        })
    }

    fn render_shown(&self, context: &Context) -> Result<String, TemplateError> {
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

/// Refuses what the template engine would choke on.
fn bounded(text: &str) -> Result<(), TemplateError> {
    let (message, hint, span) = if let Some(span) = bound::too_large(text) {
        let message = format!("more than {} lines, or characters in a line", bound::LINES_MAX);
        let hint = "serve large files from `/assets/` instead";
        (message, hint, span.start..span.start)
    } else {
        match bound::too_long(text) {
            None => return Ok(()),
            Some(TooMuch::Tokens(span)) => (
                format!("an expression has more than {} words and signs", bound::TOKENS_MAX),
                "write it in several steps with `{% set … %}`",
                span,
            ),
            Some(TooMuch::Digits(span)) => (
                format!("a number has more than {} digits", bound::DIGITS_MAX),
                "write it as text in quotation marks",
                span,
            ),
        }
    };
    let place = TemplateError::at(text, span);
    Err(TemplateError {
        message,
        hint: Some(hint.to_owned()),
        ..place
    })
}
