//! What YAML and JSON texts hold, with the place of every value in the text it came from.

use std::ops::Range;

/// The deepest nesting that is read.
pub(crate) const DEPTH_MAX: usize = 64;

/// The most values of one text, copies by YAML's aliases included.
pub(crate) const NODES_MAX: usize = 200_000;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// The bytes of the text that it came from.
    pub(crate) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Whole(i64),
    /// A number that is not whole, or too large, as it is written.
    Real(String),
    Text(String),
    /// An unquoted YAML scalar: what it is follows from where it stands.
    Plain(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// The bytes of the key.
    pub(crate) at: Range<usize>,
    pub(crate) node: Node,
}

/// Something that is wrong, or odd, in a text of install configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong: lower case, no final period.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The bytes of the text that are wrong.
    pub span: Range<usize>,
    /// Whether the machine that reads it goes on all the same.
    pub warning: bool,
}

impl Fault {
    pub(crate) fn new(span: &Range<usize>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            span: span.clone(),
            warning: false,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn warning(span: &Range<usize>, message: impl Into<String>) -> Self {
        Self {
            warning: true,
            ..Self::new(span, message)
        }
    }
}

/// What stands for a key that is not there.
static NOTHING: &[Node] = &[];

impl Node {
    pub(crate) const fn new(value: Value, span: Range<usize>) -> Self {
        Self { value, span }
    }

    pub(crate) fn text_at(span: &Range<usize>, text: impl Into<String>) -> Self {
        Self::new(Value::Text(text.into()), span.clone())
    }

    pub(crate) fn map_at<const N: usize>(span: &Range<usize>, entries: [(&str, Value); N]) -> Self {
        let entry = |(key, value): (&str, Value)| Entry {
            key: key.to_owned(),
            at: span.clone(),
            node: Self::new(value, span.clone()),
        };
        Self::new(Value::Map(entries.into_iter().map(entry).collect()), span.clone())
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Map(entries) => entries
                .iter_mut()
                .find(|entry| entry.key == key)
                .map(|entry| &mut entry.node),
            _ => None,
        }
    }

    /// The text of a key; nothing if there is none or it is no text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    pub(crate) const fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Plain(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub(crate) fn whole(&self, key: &str) -> Option<i64> {
        match self.get(key)?.value {
            Value::Whole(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn list(&self, key: &str) -> &[Self] {
        match self.get(key).map(|node| &node.value) {
            Some(Value::List(items)) => items,
            _ => NOTHING,
        }
    }

    pub(crate) fn list_mut(&mut self, key: &str) -> &mut [Self] {
        match self.get_mut(key).map(|node| &mut node.value) {
            Some(Value::List(items)) => items,
            _ => &mut [],
        }
    }

    /// The place of a key's value, else that of the whole.
    pub(crate) fn at(&self, key: &str) -> &Range<usize> {
        self.get(key).map_or(&self.span, |node| &node.span)
    }

    /// Sets a key of a map.
    pub(crate) fn set(&mut self, key: &str, node: Self) {
        if let Some(present) = self.get_mut(key) {
            *present = node;
        } else if let Value::Map(entries) = &mut self.value {
            entries.push(Entry {
                key: key.to_owned(),
                at: node.span.clone(),
                node,
            });
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry> {
        match &mut self.value {
            Value::Map(entries) => {
                let place = entries.iter().position(|entry| entry.key == key)?;
                Some(entries.remove(place))
            }
            _ => None,
        }
    }

    /// The text as JSON, without spaces.
    pub(crate) fn write(&self, out: &mut String) {
        match &self.value {
            Value::Null => out.push_str("null"),
            Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Whole(number) => out.push_str(&number.to_string()),
            Value::Real(number) => out.push_str(number),
            Value::Text(text) | Value::Plain(text) => quote(text, out),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (index, entry) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quote(&entry.key, out);
                    out.push(':');
                    entry.node.write(out);
                }
                out.push('}');
            }
        }
    }

    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Flag(_) => "true or false",
            Value::Whole(_) | Value::Real(_) => "a number",
            Value::Text(_) | Value::Plain(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a table of keys",
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// The line and the character in it, both from 1, of a place in a text.
#[must_use]
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}
