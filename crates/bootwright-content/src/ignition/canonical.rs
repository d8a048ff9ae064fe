//! A configuration as Ignition's own library writes it in version 3.4: with every table that it has a type for, empty ones
//! too, and in the order of its types.

use super::schema::{CONFIG, Field, Kind, Side};
use super::shape::{self, Form};
use super::{Version, json, version};
use crate::tree::{Entry, Node, Value};

/// The version that is written.
const WRITTEN: &str = "3.4.0";

/// Any configuration of version 3.0 to 3.4 as one of 3.4. Nothing if it is none of these.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let mut faults = Vec::new();
    let config = json::read(text, &mut faults).ok()?;
    let Ok(Version::Three(minor)) = version(&config) else {
        return None;
    };
    let config = shape::read(config, CONFIG, Form { minor, butane: None }, &mut faults);
    if faults.iter().any(|fault| !fault.warning) {
        return None;
    }
    let mut config = filled(config, CONFIG);
    set_version(&mut config);
    let mut out = String::new();
    config.write(&mut out);
    Some(out)
}

/// The same with the tables that a type has and the text does not.
fn filled(node: Node, fields: &[Field]) -> Node {
    let span = node.span.clone();
    let Value::Map(entries) = node.value else { return node };
    let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    let mut whole = Vec::new();
    for field in fields.iter().filter(|field| field.side != Side::Butane) {
        let found = entries
            .iter_mut()
            .find(|entry| entry.as_ref().is_some_and(|entry| entry.key == field.name))
            .and_then(Option::take);
        let node = match (found.map(|entry| entry.node), field.kind) {
            (Some(node), Kind::One(fields)) => filled(node, fields),
            (None, Kind::One(fields)) => filled(Node::new(Value::Map(Vec::new()), span.clone()), fields),
            (Some(node), Kind::Many(fields, _)) => match node.value {
                Value::List(items) if items.is_empty() => continue,
                Value::List(items) => {
                    let items = items.into_iter().map(|item| filled(item, fields)).collect();
                    Node::new(Value::List(items), node.span)
                }
                _ => node,
            },
            (Some(node), Kind::Texts | Kind::Words) if node.value == Value::List(Vec::new()) => continue,
            (Some(node), _) => node,
            (None, _) => continue,
        };
        whole.push(Entry {
            key: field.name.to_owned(),
            at: span.clone(),
            node,
        });
    }
    Node::new(Value::Map(whole), span)
}

fn set_version(config: &mut Node) {
    let Value::Map(entries) = &mut config.value else { return };
    let ignition = entries.iter_mut().find(|entry| entry.key == "ignition");
    let Some(Value::Map(entries)) = ignition.map(|entry| &mut entry.node.value) else {
        return;
    };
    for entry in entries.iter_mut().filter(|entry| entry.key == "version") {
        entry.node.value = Value::Text(WRITTEN.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    /// What matchbox's own tests expect of it (`docs/dialects.md`, 3.5).
    #[test]
    fn a_configuration_is_written_as_matchbox_writes_it() {
        let text = r#"{"ignition": {"version": "3.0.0"}, "systemd": {"units": [{"name": "a.service", "enabled": true}]},
            "storage": {"files": [{"path": "/a", "contents": {"source": "data:,x"}}]}}"#;
        let wanted = concat!(
            r#"{"ignition":{"config":{"replace":{"verification":{}}},"proxy":{},"security":{"tls":{}},"timeouts":{},"version":"3.4.0"},"#,
            r#""kernelArguments":{},"passwd":{},"storage":{"files":[{"group":{},"path":"/a","user":{},"contents":{"source":"data:,x","verification":{}}}]},"#,
            r#""systemd":{"units":[{"enabled":true,"name":"a.service"}]}}"#
        );
        assert_eq!(canonical(text).as_deref(), Some(wanted));
        assert_eq!(
            canonical(&canonical(text).unwrap()).as_deref(),
            Some(wanted),
            "it is its own form"
        );
        for none in [
            r#"{"ignition": {"version": "2.3.0"}}"#,
            r#"{"ignition": {"version": "3.5.0"}}"#,
            "{}",
            "x",
        ] {
            assert_eq!(canonical(none), None, "{none}");
        }
    }
}
