//! The table of keys as a JSON Schema, for editors and for programs.

use bootwright_config::schema::{Key, Kind, TOP};
use serde_json::{Map, Value, json};

/// How spans of time are written.
const SPAN: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";

/// The schema of `config.toml` and of the files of `conf.d`, of which none has to hold anything.
pub(super) fn document() -> Value {
    let mut document = table(TOP);
    document.insert(
        "$schema".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    document.insert("title".to_owned(), "Bootwright's configuration".into());
    let version = concat!(
        "As bootwright ",
        env!("CARGO_PKG_VERSION"),
        " reads it; what keys mean together only `bootwright check` tells"
    );
    document.insert("description".to_owned(), version.into());
    document.into()
}

fn table(keys: &[Key]) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in keys {
        let mut form = form(key.kind);
        form.insert("description".to_owned(), key.says.into());
        properties.insert(key.name.to_owned(), form.into());
    }
    object(json!({"type": "object", "properties": properties, "additionalProperties": false}))
}

fn form(kind: Kind) -> Map<String, Value> {
    match kind {
        Kind::Text => object(json!({"type": "string"})),
        Kind::Words(words) => object(json!({"type": "string", "enum": words})),
        Kind::Bool => object(json!({"type": "boolean"})),
        Kind::Number(least, most) => object(json!({"type": "integer", "minimum": least, "maximum": most})),
        Kind::Span => object(json!({"type": "string", "pattern": SPAN, "minLength": 2})),
        Kind::SpanOrOff => object(json!({
            "anyOf": [{"type": "string", "pattern": SPAN, "minLength": 2}, {"type": "string", "enum": ["off"]}],
        })),
        Kind::Scalar => object(json!({"type": ["string", "number", "boolean"]})),
        Kind::Anything => object(json!({"type": "object"})),
        Kind::Table(keys) => table(keys),
        Kind::Map(kind) => object(json!({"type": "object", "additionalProperties": form(*kind)})),
        Kind::List(kind) => object(json!({"type": "array", "items": form(*kind)})),
        Kind::Items(kind) => object(json!({"anyOf": [form(*kind), {"type": "array", "items": form(*kind)}]})),
        Kind::Either(kinds) => {
            let forms: Vec<Value> = kinds.iter().map(|kind| form(*kind).into()).collect();
            object(json!({"anyOf": forms}))
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
