//! The configuration as people write it: a tree of TOML values, each with its place.
//!
//! A tree of our own and not serde's structs, since those stop at the first unknown key, and an operator wants to hear of
//! all mistakes at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Severity};

/// A file and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: Arc<str>,
}

/// A place in one of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// The file's index.
    pub(crate) file: usize,
    pub(crate) span: Range<usize>,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    /// An integer that does not fit 64 bits.
    HugeInteger,
    Float(String),
    Bool(bool),
    DateTime(String),
    List(Vec<Node>),
    Table(Table),
}

/// A table by its keys.
pub(crate) type Table = BTreeMap<String, Entry>;

/// One key of a table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where the key stands.
    pub(crate) key: At,
    pub(crate) node: Node,
}

/// Reads one file.
pub(crate) fn parse(index: usize, file: &File) -> Result<Table, Box<Diagnostic>> {
    let document = DeTable::parse(&file.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = format!("not TOML: {}", error.message().replace('\n', "; "));
        Box::new(Diagnostic::new(Severity::Error, &file.path, &file.text, span, message))
    })?;
    Ok(table(index, document.into_inner()))
}

fn table(file: usize, entries: DeTable<'_>) -> Table {
    let entry = |(key, node): (toml::Spanned<std::borrow::Cow<'_, str>>, toml::Spanned<DeValue<'_>>)| {
        let at = At { file, span: key.span() };
        let node = Node {
            at: At {
                file,
                span: node.span(),
            },
            value: value(file, node.into_inner()),
        };
        (key.into_inner().into_owned(), Entry { key: at, node })
    };
    entries.into_iter().map(entry).collect()
}

fn value(file: usize, value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).map_or(Value::HugeInteger, Value::Integer)
        }
        DeValue::Float(digits) => Value::Float(digits.as_str().to_owned()),
        DeValue::Boolean(truth) => Value::Bool(truth),
        DeValue::Datetime(time) => Value::DateTime(time.to_string()),
        DeValue::Array(items) => {
            let item = |item: toml::Spanned<DeValue<'_>>| Node {
                at: At {
                    file,
                    span: item.span(),
                },
                value: self::value(file, item.into_inner()),
            };
            Value::List(items.into_iter().map(item).collect())
        }
        DeValue::Table(entries) => Value::Table(table(file, entries)),
    }
}

impl Value {
    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) | Self::HugeInteger => "a whole number",
            Self::Float(_) => "a number with a point",
            Self::Bool(_) => "true or false",
            Self::DateTime(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}
