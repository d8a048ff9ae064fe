//! JSON with the place of every value.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::de::IgnoredAny;

use crate::tree::{DEPTH_MAX, Entry, Fault, NODES_MAX, Node, Value};

/// Reads a text; of keys that are given twice the last one counts, as for every reader of JSON, with a warning.
pub(crate) fn read(text: &str, faults: &mut Vec<Fault>) -> Result<Node, Fault> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(misshapen(text, &error));
    }
    let mut reader = Reader {
        text,
        at: 0,
        nodes: 0,
        faults,
    };
    reader.value(0)
}

fn misshapen(text: &str, error: &serde_json::Error) -> Fault {
    let start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let column = line.floor_char_boundary(error.column().saturating_sub(1).min(line.len()));
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    Fault::new(
        &(start + column..start + line.len()),
        format!("the text is no JSON: {words}"),
    )
}

/// Walks through a text that is known to be JSON.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn peek(&mut self) -> u8 {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += space;
        rest.get(space).copied().unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<Node, Fault> {
        let first = self.peek();
        let start = self.at;
        self.nodes += 1;
        if depth > DEPTH_MAX || self.nodes > NODES_MAX {
            let message = format!("more than {NODES_MAX} values, or more than {DEPTH_MAX} deep in each other");
            return Err(Fault::new(&(start..start), message));
        }
        let value = match first {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Value::Text(self.string()?),
            _ => self.word(),
        };
        Ok(Node::new(value, start..self.at))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            match self.peek() {
                b']' | 0 => break,
                b',' => self.at += 1,
                _ => items.push(self.value(depth + 1)?),
            }
        }
        self.at += 1;
        Ok(Value::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = BTreeSet::new();
        self.at += 1;
        loop {
            match self.peek() {
                b'}' | 0 => break,
                b',' => {
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let start = self.at;
            let key = self.string()?;
            let at: Range<usize> = start..self.at;
            if !seen.insert(key.clone()) {
                let message = format!("the key `{}` is given twice; the last one counts", key.escape_debug());
                self.faults.push(Fault::warning(&at, message));
                entries.retain(|entry| entry.key != key);
            }
            self.peek();
            self.at += 1;
            let node = self.value(depth + 1)?;
            entries.push(Entry { key, at, node });
        }
        self.at += 1;
        Ok(Value::Map(entries))
    }

    fn string(&mut self) -> Result<String, Fault> {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        let mut escaped = false;
        let length = rest
            .iter()
            .position(|byte| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            })
            .unwrap_or(rest.len());
        let span = self.at..(self.at + length + 2).min(self.text.len());
        self.at = span.end;
        let quoted = self.text.get(span.clone()).unwrap_or_default();
        serde_json::from_str(quoted).map_err(|_| Fault::new(&span, "the text is not in Unicode"))
    }

    fn word(&mut self) -> Value {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .find(|c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        self.at += length.max(1);
        match word {
            "null" => Value::Null,
            "true" => Value::Flag(true),
            "false" => Value::Flag(false),
            number => number
                .parse()
                .map_or_else(|_| Value::Real(number.to_owned()), Value::Whole),
        }
    }
}
