//! The configuration that comes out, as text: tables with their keys, and above each where it comes from.

use std::fmt::Write as _;

/// The longest origin that a comment shows, in characters.
const ORIGIN_CHARS_MAX: usize = 200;

/// A text as TOML writes it on one line, for a value and for a key alike.
pub(super) fn text(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Texts as a list, or one of them by itself.
pub(super) fn texts(values: &[String]) -> String {
    match values {
        [one] => text(one),
        many => format!(
            "[{}]",
            many.iter().map(|value| text(value)).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// A key as TOML writes it.
pub(super) fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        text(name)
    }
}

/// One table.
#[derive(Debug, Default)]
pub(super) struct Table {
    header: String,
    comments: Vec<String>,
    keys: Vec<(String, String, String)>,
}

impl Table {
    /// A table with its brackets, such as `[dhcp]`, and where it comes from.
    pub(super) fn new(header: impl Into<String>, origin: &str) -> Self {
        let mut table = Self {
            header: header.into(),
            ..Self::default()
        };
        table.comment(origin);
        table
    }

    /// A comment above it; the same one stands there once.
    pub(super) fn comment(&mut self, words: &str) {
        let words = one_line(words);
        if !words.is_empty() && !self.comments.contains(&words) {
            self.comments.push(words);
        }
    }

    /// Sets a key to a value as TOML writes it, with where it comes from; an earlier value gives way.
    pub(super) fn set(&mut self, name: &str, value: String, origin: &str) {
        let (name, origin) = (key(name), one_line(origin));
        match self.keys.iter_mut().find(|(known, _, _)| *known == name) {
            Some(known) => (known.1, known.2) = (value, origin),
            None => self.keys.push((name, value, origin)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// The tables, in the order in which they are written.
#[derive(Debug, Default)]
pub(super) struct Draft(Vec<Table>);

impl Draft {
    /// Puts a table behind the others.
    pub(super) fn push(&mut self, table: Table) {
        self.0.push(table);
    }

    /// Puts a table behind the others if it says anything.
    pub(super) fn push_if_any(&mut self, table: Table) {
        if !table.is_empty() {
            self.0.push(table);
        }
    }

    /// The file.
    pub(super) fn write(&self, head: &str) -> String {
        let mut file = String::new();
        for line in head.lines() {
            let _ = writeln!(file, "# {}", one_line(line));
        }
        for table in &self.0 {
            file.push('\n');
            for comment in &table.comments {
                let _ = writeln!(file, "# {comment}");
            }
            let _ = writeln!(file, "{}", table.header);
            for (name, value, origin) in &table.keys {
                let comment = match origin.is_empty() {
                    true => String::new(),
                    false => format!("  # {origin}"),
                };
                let _ = writeln!(file, "{name} = {value}{comment}");
            }
        }
        file
    }
}

/// Words for a comment: on one line, of bounded length, without anything that TOML forbids in one.
fn one_line(words: &str) -> String {
    let plain = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(ORIGIN_CHARS_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_value_or_an_origin_the_file_is_toml_and_says_it() {
        for hostile in [
            "plain",
            "a\"b\\c",
            "\n[hosts.x]\nmac = 1",
            "'''",
            "\"\"\"",
            "\u{7f}\u{1}",
            "ä€\u{2028}",
        ] {
            let mut table = Table::new("[metadata]", hostile);
            table.set(hostile, text(hostile), hostile);
            table.set("list", texts(&[hostile.to_owned(), hostile.to_owned()]), "");
            let mut draft = Draft::default();
            draft.push(table);
            let file = draft.write(hostile);
            let read: toml::Table = file.parse().unwrap_or_else(|error| panic!("{error}: {file}"));
            assert_eq!(read.keys().collect::<Vec<_>>(), ["metadata"], "{file}");
            assert_eq!(read["metadata"][hostile].as_str(), Some(hostile), "{file}");
            assert_eq!(read["metadata"]["list"][1].as_str(), Some(hostile), "{file}");
        }
    }
}
