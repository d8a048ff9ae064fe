//! The shape of a configuration: which keys it may have, and of what kind their values are.

use std::ops::Range;

use super::schema::{Field, Kind, Side, snake};
use crate::known::nearest;
use crate::tree::{Entry, Fault, Node, Value};

/// How a configuration is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<'a> {
    /// The minor number of Ignition's version 3 that it is, or becomes.
    pub(crate) minor: u8,
    /// For Butane: the words that name its version, such as `fcos 1.4.0`. Keys are then spelled its way, and one that the
    /// version does not know is an error; Ignition only warns of it and goes on.
    pub(crate) butane: Option<&'a str>,
}

impl Form<'_> {
    fn spelled(&self, field: &Field) -> String {
        if self.butane.is_some() {
            snake(field.name)
        } else {
            field.name.to_owned()
        }
    }

    fn has(&self, field: &Field) -> bool {
        let other = if self.butane.is_some() {
            Side::Ignition
        } else {
            Side::Butane
        };
        field.side != other
    }
}

/// The configuration with Ignition's keys in the schema's order, without what is null, every value of its kind.
pub(crate) fn read(node: Node, fields: &[Field], form: Form<'_>, faults: &mut Vec<Fault>) -> Node {
    let span = node.span.clone();
    let entries = match node.value {
        Value::Map(entries) => entries,
        Value::Null => Vec::new(),
        other => {
            wrong(&Node::new(other, span.clone()), "a table of keys", faults);
            Vec::new()
        }
    };
    let mut found: Vec<(usize, Entry)> = Vec::new();
    for entry in entries {
        let field = fields
            .iter()
            .enumerate()
            .find(|(_, field)| form.has(field) && form.spelled(field) == entry.key);
        match field {
            Some((place, field)) if field.since <= form.minor => {
                if let Some(node) = value(entry.node, field.kind, form, faults) {
                    let entry = Entry {
                        key: field.name.to_owned(),
                        at: entry.at,
                        node,
                    };
                    found.push((place, entry));
                }
            }
            field => faults.push(unknown(&entry, field.map(|(_, field)| field), fields, form)),
        }
    }
    found.sort_by_key(|(place, _)| *place);
    Node::new(Value::Map(found.into_iter().map(|(_, entry)| entry).collect()), span)
}

fn value(node: Node, kind: Kind, form: Form<'_>, faults: &mut Vec<Fault>) -> Option<Node> {
    if node.value == Value::Null {
        return None;
    }
    let span = node.span.clone();
    let value = match (kind, node.value) {
        (Kind::Text, Value::Text(text) | Value::Plain(text)) => Value::Text(text),
        (Kind::Whole, Value::Whole(number)) => Value::Whole(number),
        (Kind::Whole, Value::Plain(text)) => match whole(&text) {
            Some(number) => Value::Whole(number),
            None => return refuse(Value::Plain(text), &span, "a whole number", faults),
        },
        (Kind::Flag, Value::Flag(flag)) => Value::Flag(flag),
        (Kind::Flag, Value::Plain(text)) => match flag(&text) {
            Some(flag) => Value::Flag(flag),
            None => return refuse(Value::Plain(text), &span, "`true` or `false`", faults),
        },
        (Kind::Texts | Kind::Words, Value::List(items)) => Value::List(
            items
                .into_iter()
                .filter_map(|item| value(item, Kind::Text, form, faults))
                .collect(),
        ),
        (Kind::One(fields), value @ Value::Map(_)) => return Some(read(Node::new(value, span), fields, form, faults)),
        (Kind::Many(fields, _), Value::List(items)) => {
            let read = |item| read(item, fields, form, faults);
            Value::List(items.into_iter().map(read).collect())
        }
        (Kind::Text, other) => return refuse(other, &span, "text", faults),
        (Kind::Whole, other) => return refuse(other, &span, "a whole number", faults),
        (Kind::Flag, other) => return refuse(other, &span, "`true` or `false`", faults),
        (Kind::Texts | Kind::Words | Kind::Many(..), other) => return refuse(other, &span, "a list", faults),
        (Kind::One(_), other) => return refuse(other, &span, "a table of keys", faults),
    };
    Some(Node::new(value, span))
}

fn refuse(value: Value, span: &Range<usize>, expected: &str, faults: &mut Vec<Fault>) -> Option<Node> {
    wrong(&Node::new(value, span.clone()), expected, faults);
    None
}

fn wrong(node: &Node, expected: &str, faults: &mut Vec<Fault>) {
    let fault = Fault::new(&node.span, format!("this must be {expected}, not {}", node.kind()));
    faults.push(match expected {
        "a list" => fault.hint("begin each entry with `- `, or put them between `[` and `]`"),
        "a whole number" => fault.hint("write it without quotation marks, such as `0644`"),
        _ => fault,
    });
}

fn unknown(entry: &Entry, field: Option<&Field>, fields: &[Field], form: Form<'_>) -> Fault {
    let key = entry.key.escape_debug();
    let of = form
        .butane
        .map_or_else(|| format!("Ignition 3.{}", form.minor), str::to_owned);
    let mut fault = Fault::new(&entry.at, format!("the key `{key}` is not known in {of}"));
    fault.warning = form.butane.is_none();
    if let Some(field) = field {
        return fault.hint(format!(
            "Ignition 3.{} is the first that has it; use a later version",
            field.since
        ));
    }
    let names: Vec<String> = fields
        .iter()
        .filter(|field| form.has(field) && field.since <= form.minor)
        .map(|field| form.spelled(field))
        .collect();
    match nearest(&entry.key, names.iter().map(String::as_str)) {
        Some(name) => fault.hint(format!("did you mean `{name}`?")),
        None => fault.hint(format!("known here: `{}`", names.join("`, `"))),
    }
}

/// A whole number of YAML 1.1 or 1.2, octal as people write modes.
fn whole(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (radix, digits) = if let Some(digits) = digits.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = digits.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = digits.strip_prefix("0b") {
        (2, digits)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits.get(1..)?)
    } else {
        (10, digits.as_str())
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok()?.checked_mul(sign)
}

/// What YAML 1.1 and 1.2 call true and false.
fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "on" => Some(true),
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Puts the keys in the schema's order and takes out what is empty, as Butane writes.
pub(crate) fn arrange(node: &mut Node, fields: &[Field]) {
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries.iter_mut() {
        match (
            fields
                .iter()
                .find(|field| field.name == entry.key)
                .map(|field| field.kind),
            &mut entry.node,
        ) {
            (Some(Kind::One(fields)), node) => arrange(node, fields),
            (
                Some(Kind::Many(fields, _)),
                Node {
                    value: Value::List(items),
                    ..
                },
            ) => {
                items.iter_mut().for_each(|item| arrange(item, fields));
            }
            _ => {}
        }
    }
    entries.retain(|entry| match &entry.node.value {
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        Value::Whole(0) => entry.key != "number",
        Value::Null | Value::Flag(_) | Value::Whole(_) | Value::Real(_) | Value::Text(_) | Value::Plain(_) => true,
    });
    let place = |key: &str| {
        fields
            .iter()
            .position(|field| field.name == key)
            .unwrap_or(fields.len())
    };
    entries.sort_by_key(|entry| place(&entry.key));
}
