//! A table while it is read: which keys were asked for, and what to say of the others.

use std::fmt::Display;

use bootwright_content::nearest;
use bootwright_core::Span;

use crate::duration;
use crate::finding::Findings;
use crate::node::{At, Entry, Node, Table, Value};

/// A table of settings. Every key that is asked for is known; `finish` complains about the rest.
pub(crate) struct Section<'a> {
    /// Its name as it stands in the file, such as `profiles.debian`.
    pub(crate) name: String,
    table: Option<&'a Table>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The table under this key of the parent; nothing where the key is absent, an empty section with a complaint where it
    /// is no table.
    pub(crate) fn of(parent: &'a Table, key: &str, findings: &mut Findings) -> Option<Self> {
        let entry = parent.get(key)?;
        Some(Self::new(key.to_owned(), entry, findings))
    }

    pub(crate) fn new(name: String, entry: &'a Entry, findings: &mut Findings) -> Self {
        Self::from_node(name, &entry.node, findings)
    }

    pub(crate) fn from_node(name: String, node: &'a Node, findings: &mut Findings) -> Self {
        let table = match &node.value {
            Value::Table(table) => Some(table),
            other => {
                findings
                    .error(&node.at, format!("`{name}` must be a table, not {}", other.kind()))
                    .hint = Some(format!("write `[{name}]` and its keys below"));
                None
            }
        };
        Self {
            name,
            table,
            asked: Vec::new(),
        }
    }

    /// The entry under a key, which is known from now on.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Entry> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table?.get(key)
    }

    /// A key that a later version takes.
    pub(crate) fn later(&mut self, key: &'static str, instead: &str, findings: &mut Findings) {
        if let Some(entry) = self.take(key) {
            let message = format!("`{}.{key}` is not in this version", self.name);
            findings.error(&entry.key, message).hint = Some(instead.to_owned());
        }
    }

    /// Complains about keys that nobody asked for.
    pub(crate) fn finish(self, findings: &mut Findings) {
        #[cfg(test)]
        findings.note_asked(&self.name, &self.asked);
        for (key, entry) in self.table.into_iter().flatten() {
            if !self.asked.contains(&key.as_str()) {
                unknown_key(&self.name, key, entry, &self.asked, None, findings);
            }
        }
    }

    /// Warns of keys that nobody asked for, in files that are not ours: their own programs pass over such keys.
    pub(crate) fn finish_mildly(self, findings: &mut Findings) {
        for (key, entry) in self.table.into_iter().flatten() {
            if !self.asked.contains(&key.as_str()) {
                let hint = match nearest(key, self.asked.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "it does nothing".to_owned(),
                };
                let message = format!("`{}` has no key `{}`", self.name, key.escape_debug());
                findings.warn(&entry.key, message).hint = Some(hint);
            }
        }
    }

    pub(crate) fn text(
        &mut self,
        key: &'static str,
        example: &str,
        findings: &mut Findings,
    ) -> Option<(&'a str, &'a At)> {
        let entry = self.take(key)?;
        let text = text(&self.key(key), &entry.node, example, findings)?;
        Some((text, &entry.node.at))
    }

    pub(crate) fn bool(&mut self, key: &'static str, findings: &mut Findings) -> Option<bool> {
        let entry = self.take(key)?;
        match &entry.node.value {
            Value::Bool(truth) => Some(*truth),
            other => {
                wrong_kind(&self.key(key), "true or false", &entry.node.at, other, "true", findings);
                None
            }
        }
    }

    /// A whole number between these.
    pub(crate) fn number(&mut self, key: &'static str, least: u32, most: u32, findings: &mut Findings) -> Option<u32> {
        let entry = self.take(key)?;
        let name = self.key(key);
        let number = match &entry.node.value {
            Value::Integer(number) => u32::try_from(*number).ok(),
            Value::HugeInteger => None,
            other => {
                wrong_kind(
                    &name,
                    "a whole number",
                    &entry.node.at,
                    other,
                    &least.to_string(),
                    findings,
                );
                return None;
            }
        };
        let fitting = number.filter(|number| (least..=most).contains(number));
        if fitting.is_none() {
            findings.error(&entry.node.at, format!("`{name}` must be between {least} and {most}"));
        }
        fitting
    }

    /// A span of time such as `"90s"`, `"30m"` or `"1h30m"`.
    pub(crate) fn span(&mut self, key: &'static str, example: &str, findings: &mut Findings) -> Option<Span> {
        let entry = self.take(key)?;
        span(&self.key(key), &entry.node, example, findings)
    }

    /// A list of texts, or one.
    pub(crate) fn texts(
        &mut self,
        key: &'static str,
        example: &str,
        findings: &mut Findings,
    ) -> Vec<(&'a str, &'a At)> {
        let Some(entry) = self.take(key) else { return Vec::new() };
        let name = self.key(key);
        items(&entry.node)
            .iter()
            .filter_map(|item| Some((text(&name, item, example, findings)?, &item.at)))
            .collect()
    }

    /// The key with the section's name in front.
    pub(crate) fn key(&self, key: &str) -> String {
        format!("{}.{}", self.name, quoted(key))
    }

    /// All entries, for tables whose keys an operator chooses.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Entry)> + use<'a> {
        self.table.into_iter().flatten()
    }
}

/// The items of a list, or the one value that stands in its place.
pub(crate) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

pub(crate) fn text<'a>(name: &str, node: &'a Node, example: &str, findings: &mut Findings) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) => Some(text),
        other => {
            wrong_kind(name, "text", &node.at, other, &format!("\"{example}\""), findings);
            None
        }
    }
}

pub(crate) fn span(name: &str, node: &Node, example: &str, findings: &mut Findings) -> Option<Span> {
    let hint = format!("write a number and its unit (`s`, `m`, `h` or `d`), as in `\"{example}\"`");
    let read = match &node.value {
        Value::Text(text) => duration::read(text),
        other => {
            findings
                .error(
                    &node.at,
                    format!("`{name}` must be a span of time, not {}", other.kind()),
                )
                .hint = Some(hint);
            return None;
        }
    };
    match read {
        Some(span) => Some(span),
        None => {
            findings.error(&node.at, format!("`{name}` is no span of time")).hint = Some(hint);
            None
        }
    }
}

/// Text that a type of the core reads by itself; its own words say what it expects.
pub(crate) fn parse<T>(name: &str, text: &str, at: &At, findings: &mut Findings) -> Option<T>
where
    T: std::str::FromStr,
    T::Err: Display,
{
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            findings.error(at, format!("`{name}`: `{}` is {error}", text.escape_debug()));
            None
        }
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(
    name: &str,
    text: &str,
    at: &At,
    choices: &[(&str, T)],
    findings: &mut Findings,
) -> Option<T> {
    if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let hint = match nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean `\"{near}\"`?"),
        None => format!("write one of {}", listed(&words)),
    };
    findings
        .error(at, format!("`{name}` cannot be `{}`", text.escape_debug()))
        .hint = Some(hint);
    None
}

pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
    quoted.join(", ")
}

pub(crate) fn wrong_kind(name: &str, wanted: &str, at: &At, found: &Value, example: &str, findings: &mut Findings) {
    findings
        .error(at, format!("`{name}` must be {wanted}, not {}", found.kind()))
        .hint = Some(format!("for example `{example}`"));
}

/// `place` is the section that the key belongs to, where that is known.
pub(crate) fn unknown_key(
    section: &str,
    key: &str,
    entry: &Entry,
    known: &[&str],
    place: Option<&str>,
    findings: &mut Findings,
) {
    let within = if section.is_empty() {
        String::new()
    } else {
        format!(" in `{section}`")
    };
    let hint = match (place, nearest(key, known.iter().copied())) {
        (Some(place), _) => format!("it belongs below `{place}`"),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => {
            let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("known are {}", known.join(", "))
        }
    };
    findings
        .error(&entry.key, format!("unknown key `{}`{within}", key.escape_debug()))
        .hint = Some(hint);
}

/// A key as it stands in TOML: in quotation marks where it holds more than letters, digits, `-` and `_`.
pub(crate) fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare {
        key.to_owned()
    } else {
        format!("\"{}\"", key.escape_debug())
    }
}
