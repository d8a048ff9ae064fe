//! The filters that quote a value for a format.

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use crate::text;
use crate::value::Raw;

/// The filters that quote, for messages.
pub(crate) const QUOTING: &str =
    "`shell`, `json`, `yaml`, `xml`, `kickstart`, `preseed`, `kernel`, `ipxe`, `plain` and `word`";

/// Puts our filters in the place of those that would print whole texts unquoted.
pub(crate) fn register(environment: &mut Environment<'_>) {
    environment.add_filter("shell", shell);
    environment.add_filter("json", json);
    environment.add_filter("tojson", json);
    environment.add_filter("yaml", yaml);
    environment.add_filter("python", python);
    for (name, quote) in QUOTES {
        environment.add_filter(*name, move |value: Value| of_text(&value, *quote));
    }
}

/// How a single text is quoted.
type Quote = fn(&str) -> String;

/// The filters that take one text.
const QUOTES: &[(&str, Quote)] = &[
    ("word", text::word),
    ("ipxe", text::word),
    ("kernel", text::argument),
    ("xml", text::xml),
    // Anaconda reads a line of a kickstart file as a shell would, by Python's `shlex`.
    ("kickstart", text::shell),
    ("preseed", text::preseed),
    ("plain", text::one_line),
];

fn of_text(value: &Value, quote: Quote) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Err(refuse("the value is not known")),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => Err(refuse("a list or table is no text")),
        _ => Ok(quote(&whole(value))),
    }
}

/// The text of a value, the whole of it where a machine made it up.
fn whole(value: &Value) -> String {
    match value.downcast_object_ref::<Raw>() {
        Some(raw) => raw.one_line(),
        None => value.to_string(),
    }
}

/// One shell word, or one for each item of a list.
fn shell(value: Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let words: Result<Vec<_>, _> = value.try_iter()?.map(shell).collect();
            Ok(words?.join(" "))
        }
        ValueKind::Map => Err(refuse("a table is no shell word")),
        ValueKind::Undefined => Err(refuse("the value is not known")),
        _ => Ok(text::shell(&whole(&value))),
    }
}

/// JSON (RFC 8259), on one line.
fn json(value: Value) -> Result<String, Error> {
    tree(&value).map(|tree| tree.to_string())
}

/// A YAML scalar in quotation marks; what is no text is written as in JSON, which YAML reads as well.
fn yaml(value: Value) -> Result<String, Error> {
    match tree(&value)? {
        serde_json::Value::String(text) => Ok(text::yaml(&text)),
        other => Ok(other.to_string()),
    }
}

/// A table as Python prints it (`repr`), with what the other one adds; for scripts that were written for other systems.
fn python(value: Value, other: Option<Value>) -> Result<String, Error> {
    let mut tree = tree(&value)?;
    if let Some(other) = other
        && let (serde_json::Value::Object(all), serde_json::Value::Object(more)) = (&mut tree, self::tree(&other)?)
    {
        more.into_iter().for_each(|(name, value)| {
            all.entry(name).or_insert(value);
        });
    }
    Ok(repr(&tree))
}

fn repr(value: &serde_json::Value) -> String {
    use serde_json::Value as Json;
    let text = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::String(words) => text(&text::one_line(words)),
        Json::Array(items) => format!("[{}]", list(items.iter().map(repr).collect())),
        Json::Object(pairs) => {
            let pair = |(name, value): (&String, &Json)| format!("{}: {}", text(name), repr(value));
            format!("{{{}}}", list(pairs.iter().map(pair).collect()))
        }
    }
}

fn tree(value: &Value) -> Result<serde_json::Value, Error> {
    use serde_json::Value as Json;
    Ok(match value.kind() {
        ValueKind::Undefined => return Err(refuse("the value is not known")),
        ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::Number => match (i64::try_from(value.clone()), f64::try_from(value.clone())) {
            (Ok(number), _) => Json::from(number),
            (Err(_), Ok(number)) => Json::from(number),
            (Err(_), Err(_)) => Json::String(value.to_string()),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Result<Vec<_>, _> = value.try_iter()?.map(|item| tree(&item)).collect();
            Json::Array(items?)
        }
        ValueKind::Map => {
            let mut pairs = serde_json::Map::new();
            for key in value.try_iter()? {
                pairs.insert(key.to_string(), tree(&value.get_item(&key)?)?);
            }
            Json::Object(pairs)
        }
        _ => Json::String(whole(value)),
    })
}

fn refuse(words: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, words)
}
