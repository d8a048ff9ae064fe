//! What a machine tells of itself: JSON, as items with dotted names.

use serde_json::Value;

/// The last word of the route that takes it.
pub const FACTS: &str = "facts";

/// The items of a JSON object, nested names joined by points and the places in lists as numbers; nothing for another text.
#[must_use]
pub fn facts(body: &[u8]) -> Option<Vec<(String, String)>> {
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut items = Vec::new();
    flatten("", &Value::Object(object), &mut items);
    Some(items)
}

fn flatten(name: &str, value: &Value, flat: &mut Vec<(String, String)>) {
    let below = |key: &str| {
        if name.is_empty() {
            key.to_owned()
        } else {
            format!("{name}.{key}")
        }
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| flatten(&below(key), value, flat)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&index.to_string()), item, flat);
            }
        }
        Value::Null => {}
        Value::String(text) => flat.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => flat.push((name.to_owned(), value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_become_items_and_other_texts_nothing() {
        let body =
            br#"{"memory_mib": 476, "disks": [{"name": "vda", "empty": true, "model": null}], "cpu": {"model": "x"}}"#;
        let wanted = [
            ("cpu.model", "x"),
            ("disks.0.empty", "true"),
            ("disks.0.name", "vda"),
            ("memory_mib", "476"),
        ];
        let mut items = facts(body).expect("an object");
        items.sort();
        assert_eq!(items, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for other in ["", "[]", "7", "{", "\"x\"", "{\"a\": 1} x"] {
            assert_eq!(facts(other.as_bytes()), None, "{other}");
        }
        let deep = "{\"a\":".repeat(500) + "1" + &"}".repeat(500);
        assert_eq!(facts(deep.as_bytes()), None, "nested deeper than JSON is read");
    }
}
