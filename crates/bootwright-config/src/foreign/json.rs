//! JSON (RFC 8259) as a tree in which everything has its place, so that a mistake is shown where it stands.
//!
//! `null` counts as absent, as it does to the programs whose files these are. Of a key that is given twice the last counts.

use std::ops::Range;

use crate::node::{At, Entry, Node, Table, Value};

/// Deeper than any configuration; the reader is recursive.
const DEPTH_MAX: usize = 64;

/// Why a text is no JSON, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotJson {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

/// Reads a whole text.
pub(crate) fn parse(file: usize, text: &str) -> Result<Node, NotJson> {
    let mut reader = Reader { file, text, at: 0 };
    // Editors of another system put one there.
    reader.skip("\u{feff}");
    let node = reader.value(0)?;
    reader.space();
    match (node, reader.at == text.len()) {
        (Some(node), true) => Ok(node),
        (None, true) => Err(reader.fault("it says nothing but `null`")),
        (_, false) => Err(reader.fault("something stands behind its end")),
    }
}

struct Reader<'a> {
    file: usize,
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, word: &str) -> bool {
        let there = self.rest().starts_with(word);
        if there {
            self.at += word.len();
        }
        there
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fault(&self, message: &str) -> NotJson {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        NotJson {
            span: self.at..self.at + length,
            message: message.to_owned(),
        }
    }

    /// A value; nothing for `null`.
    fn value(&mut self, depth: usize) -> Result<Option<Node>, NotJson> {
        self.space();
        if depth > DEPTH_MAX {
            return Err(self.fault("it is nested too deep"));
        }
        let start = self.at;
        let value = match self.peek() {
            None => return Err(self.fault("it ends where a value should be")),
            Some(b'{') => Value::Table(self.table(depth)?),
            Some(b'[') => Value::List(self.list(depth)?),
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) if self.skip("true") => Value::Bool(true),
            Some(_) if self.skip("false") => Value::Bool(false),
            Some(_) if self.skip("null") => return Ok(None),
            Some(b'\'') => return Err(self.fault("text stands in double quotation marks")),
            Some(_) => return Err(self.fault("expected a value")),
        };
        let at = self.place(start);
        Ok(Some(Node { at, value }))
    }

    fn place(&self, start: usize) -> At {
        At {
            file: self.file,
            span: start..self.at,
        }
    }

    fn table(&mut self, depth: usize) -> Result<Table, NotJson> {
        self.at += 1;
        let mut table = Table::new();
        self.space();
        if self.skip("}") {
            return Ok(table);
        }
        loop {
            self.space();
            let start = self.at;
            match self.peek() {
                Some(b'"') => {}
                Some(b'}') => return Err(self.fault("a comma stands before the end of a table")),
                _ => return Err(self.fault("expected a key in double quotation marks")),
            }
            let name = self.string()?;
            let key = self.place(start);
            self.space();
            if !self.skip(":") {
                return Err(self.fault("expected `:` behind a key"));
            }
            if let Some(node) = self.value(depth + 1)? {
                table.insert(name, Entry { key, node });
            }
            self.space();
            if self.skip("}") {
                return Ok(table);
            }
            if !self.skip(",") {
                return Err(self.fault("expected `,` or `}`"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, NotJson> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.skip("]") {
            return Ok(items);
        }
        loop {
            self.space();
            if self.peek() == Some(b']') {
                return Err(self.fault("a comma stands before the end of a list"));
            }
            items.extend(self.value(depth + 1)?);
            self.space();
            if self.skip("]") {
                return Ok(items);
            }
            if !self.skip(",") {
                return Err(self.fault("expected `,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                self.at = start;
                return Err(self.fault("a text has no end"));
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(text);
                }
                '\\' => text.push(self.escape()?),
                c if c < ' ' => return Err(self.fault("a line ends within a text")),
                c => {
                    self.at += c.len_utf8();
                    text.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        let wrong = self.fault("there is no such escape");
        let c = self.rest().chars().nth(1);
        let plain = match c {
            Some(c @ ('"' | '\\' | '/')) => Some(c),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('u') => None,
            _ => return Err(wrong),
        };
        self.at += 2;
        if let Some(c) = plain {
            return Ok(c);
        }
        let Some(first) = self.four() else { return Err(wrong) };
        if (0xd800..0xdc00).contains(&first) && self.skip("\\u") {
            let Some(second) = self.four() else { return Err(wrong) };
            let low = second.wrapping_sub(0xdc00);
            let both = 0x1_0000 + ((first - 0xd800) << 10) + (low & 0x3ff);
            return Ok(if low < 0x400 { char::from_u32(both) } else { None }.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four(&mut self) -> Option<u32> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()))?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(value)
    }

    fn number(&mut self) -> Result<Value, NotJson> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let digits = text.trim_start_matches('-');
        let zero = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        if let (Ok(number), false) = (text.parse::<i64>(), zero || text.starts_with('+')) {
            return Ok(Value::Integer(number));
        }
        let shaped =
            !zero && !text.ends_with('.') && !text.contains(".e") && !text.contains(".E") && !digits.starts_with('.');
        if shaped && text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Ok(Value::Float(text.to_owned()));
        }
        self.at = start;
        Err(self.fault("this is no number"))
    }
}

/// A value as compact JSON, the keys of tables in order.
pub(crate) fn write(node: &Node) -> String {
    match &node.value {
        Value::Text(text) | Value::DateTime(text) => quote(text),
        Value::Integer(number) => number.to_string(),
        Value::HugeInteger => "0".to_owned(),
        Value::Float(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(write).collect();
            format!("[{}]", items.join(","))
        }
        Value::Table(table) => {
            let pairs = table
                .iter()
                .map(|(key, entry)| format!("{}:{}", quote(key), write(&entry.node)));
            let pairs: Vec<String> = pairs.collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

/// A text in quotation marks.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (usize, String) {
        let fault = parse(0, text).expect_err("it is no JSON");
        (fault.span.start, fault.message)
    }

    #[test]
    fn what_is_json_is_read_with_its_places() {
        let text = r#"{"a": [1, -2.5e3, true, null, "x\u00e9\ud83d\ude00\n"], "b": {}}"#;
        let node = parse(3, text).expect("JSON");
        assert_eq!(write(&node), "{\"a\":[1,-2.5e3,true,\"xé😀\\u000a\"],\"b\":{}}");
        let Value::Table(table) = &node.value else {
            panic!("a table")
        };
        assert_eq!(
            table["b"].key,
            At {
                file: 3,
                span: text.len() - 8..text.len() - 5
            }
        );
    }

    #[test]
    fn what_is_none_is_refused_where_it_goes_wrong() {
        for (text, at, message) in [
            ("", 0, "it ends where a value should be"),
            ("{\"a\": 1,}", 8, "a comma stands before the end of a table"),
            ("[1,]", 3, "a comma stands before the end of a list"),
            ("{a: 1}", 1, "expected a key in double quotation marks"),
            ("{\"a\" 1}", 5, "expected `:` behind a key"),
            ("{\"a\": 'x'}", 6, "text stands in double quotation marks"),
            ("\"abc", 0, "a text has no end"),
            ("01", 0, "this is no number"),
            ("1 2", 2, "something stands behind its end"),
            ("\"\\x\"", 1, "there is no such escape"),
        ] {
            assert_eq!(refused(text), (at, message.to_owned()), "{text}");
        }
        assert!(
            parse(0, &"[".repeat(100_000)).is_err(),
            "deep nesting ends in an answer"
        );
    }
}
