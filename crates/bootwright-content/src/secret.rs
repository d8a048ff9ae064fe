//! Secrets in templates: `{{ secret("luks") }}`.
//!
//! Nothing here reads a secret. The shell fetches what a document asks for at the moment at which it is sent and hands it in; for
//! everybody else, previews and checks among them, `‹secret:luks›` stands in its place.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};
use zeroize::Zeroizing;

use crate::bound;

/// The longest name of a secret, in bytes.
const SECRET_NAME_BYTES_MAX: usize = 64;

/// The text of a secret. It has neither `Display` nor a `Debug` that shows it, and its memory is overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// The secrets that a template gets to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// None: each is shown as `‹secret:name›`.
    #[default]
    Hidden,
    /// These, by name, and no other.
    Open(Arc<BTreeMap<String, Secret>>),
}

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSecret {
    /// There is nothing in it.
    Empty,
    /// It holds control characters other than line breaks and tabs.
    NotText,
}

impl Secret {
    /// The secret that was read, without the line break at its end.
    ///
    /// # Errors
    ///
    /// If nothing is left, since a password that could not be read must not become an empty one, or if it is no text.
    pub fn read(text: &str) -> Result<Self, NotSecret> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(NotSecret::Empty);
        }
        if line.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(NotSecret::NotText);
        }
        Ok(Self(Zeroizing::new(line.to_owned())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for NotSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::NotText => "it is no text",
        })
    }
}

/// Whether a text can be the name of a secret: letters, digits, `-` and `_`.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.len() <= SECRET_NAME_BYTES_MAX && name.chars().all(fits)
}

/// A place in a template that asks for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// Which one; nothing where no name stands in quotation marks, so that nobody can tell beforehand.
    pub name: Option<String>,
    /// Where, in bytes.
    pub span: Range<usize>,
}

/// The places of a template that ask for a secret.
#[must_use]
pub fn secrets_asked(template: &str) -> Vec<SecretUse> {
    let mut found = Vec::new();
    for expression in bound::expressions(template) {
        let text = template.get(expression.clone()).unwrap_or_default();
        let mut quote = None;
        let mut escaped = false;
        for (place, c) in text.char_indices() {
            match quote {
                Some(_) if escaped => escaped = false,
                Some(_) if c == '\\' => escaped = true,
                Some(open) => quote = (c != open).then_some(open),
                None if matches!(c, '"' | '\'') => quote = Some(c),
                None => {
                    if let Some(length) = word_at(text, place, "secret") {
                        let start = expression.start + place;
                        let argument = text.get(place + length..).unwrap_or_default();
                        found.push(SecretUse {
                            name: literal(argument),
                            span: start..start + length,
                        });
                    }
                }
            }
        }
    }
    found
}

/// The length of a word, if it stands at this place as a whole and not as part of a dotted name.
fn word_at(text: &str, place: usize, word: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let rest = text.get(place..)?.strip_prefix(word)?;
    let before = text.get(..place)?.chars().next_back();
    let whole = !before.is_some_and(part) && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    whole.then_some(word.len())
}

/// The name in `("name")`.
fn literal(argument: &str) -> Option<String> {
    let inside = argument.trim_start().strip_prefix('(')?.trim_start();
    let quote = inside.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, rest) = inside.get(1..)?.split_once(quote)?;
    (rest.trim_start().starts_with(')') && is_secret_name(name)).then(|| name.to_owned())
}

/// The function `secret` of templates.
#[derive(Debug)]
pub(crate) struct Function(Secrets);

impl Function {
    pub(crate) fn value(secrets: &Secrets) -> Value {
        Value::from_object(Self(secrets.clone()))
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let refuse = |words: String| Error::new(ErrorKind::InvalidOperation, words);
        let name = match args {
            [name] => name.as_str().filter(|name| is_secret_name(name)),
            _ => None,
        };
        let Some(name) = name else {
            return Err(refuse(
                "write the name of one secret, as in `secret(\"luks\")`".to_owned(),
            ));
        };
        match &self.0 {
            Secrets::Hidden => Ok(Value::from(shown(name))),
            Secrets::Open(known) => match known.get(name) {
                Some(Secret(text)) => Ok(Value::from(text.as_str())),
                None => Err(refuse(format!("there is no secret `{name}`"))),
            },
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("secret")
    }
}

/// What stands in the place of a secret for whoever must not see it.
fn shown(name: &str) -> String {
    format!("‹secret:{name}›")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(template: &str) -> Vec<Option<String>> {
        secrets_asked(template).into_iter().map(|asked| asked.name).collect()
    }

    #[test]
    fn the_places_that_ask_for_secrets_are_found() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(
            names("{{ secret(\"a-1\") }} {{ secret ( 'b' ) | json }}"),
            [some("a-1"), some("b")]
        );
        assert_eq!(names("{% set x = secret('a') ~ \"secret('no')\" %}"), [some("a")]);
        assert_eq!(names("{{ secret(host.name) }}{{ secret('a b') }}"), [None, None]);
        for none in [
            "secret('a')",
            "{# secret('a') #}",
            "{{ metadata.secret }}",
            "{{ secrets }} {{ my_secret('a') }}",
            "{{ 'secret(\"a\")' }}",
        ] {
            assert_eq!(names(none), [], "{none}");
        }
        let text = "é {{ secret('a') }}";
        assert_eq!(text.get(secrets_asked(text)[0].span.clone()), Some("secret"));
    }

    #[test]
    fn a_secret_is_text_and_not_empty() {
        let secret = |text: &str| Secret(Zeroizing::new(text.to_owned()));
        assert_eq!(Secret::read("hunter2\r\n"), Ok(secret("hunter2")));
        assert_eq!(Secret::read("\n"), Err(NotSecret::Empty));
        assert_eq!(Secret::read(""), Err(NotSecret::Empty));
        assert_eq!(Secret::read("a\nb\n"), Ok(secret("a\nb")));
        assert_eq!(Secret::read("a\0b"), Err(NotSecret::NotText));
        assert_eq!(format!("{:?}", Secret::read("hunter2")), "Ok(Secret(…))");
    }
}
