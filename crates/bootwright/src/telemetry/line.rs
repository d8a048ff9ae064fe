//! One line of the log: what was said, and how it looks as text and as JSON.

use std::fmt::{Debug, Write as _};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::{VERBS, is_unsafe, sanitise};

/// What was said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) when: Timestamp,
    pub(super) what: What,
    /// Its place in the record.
    pub(super) seq: Option<u64>,
    /// How often it was said again without being shown, and within how many seconds.
    pub(super) repeats: Option<Repeats>,
}

/// What makes two lines the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct What {
    level: &'static str,
    verb: &'static str,
    host: Option<String>,
    run: Option<u64>,
    code: Option<String>,
    by: Option<String>,
    text: String,
    /// The other fields, in the order in which they were given: a name, the value as text shows it, and whether it is a number.
    fields: Vec<(&'static str, String, Sort)>,
    /// The bytes of a packet, for those who look that closely.
    dump: Option<String>,
}

/// How a field is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    /// As it is.
    Plain,
    /// Within quotes.
    Quoted,
    /// A number, or a truth value.
    Bare,
}

/// Lines that were not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Repeats {
    pub(super) times: u32,
    pub(super) seconds: u64,
}

impl Said {
    /// What an event says.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut said = Self {
            when: Timestamp::now(),
            what: What {
                level: level_name(*event.metadata().level()),
                verb: level_name(*event.metadata().level()),
                host: None,
                run: None,
                code: None,
                by: None,
                text: String::new(),
                fields: Vec::new(),
                dump: None,
            },
            seq: None,
            repeats: None,
        };
        event.record(&mut said);
        said
    }

    /// The line for people, with its newline. A text of several lines goes on indented, so that nobody but us begins a line.
    pub(super) fn text(&self) -> String {
        let What {
            verb,
            host,
            run,
            code,
            by,
            text,
            fields,
            dump,
            ..
        } = &self.what;
        let host = host.as_deref().map_or_else(|| "-".to_owned(), sanitise);
        let run = run.map_or_else(|| "-".to_owned(), |run| run.to_string());
        let mut line = format!("{:.0} {verb:<6} {host:<12} {run:<3} ", self.when);
        let mut rows = text.lines();
        line.push_str(&sanitise(rows.next().unwrap_or_default()));
        // Writing to a string cannot fail.
        for (name, value, sort) in fields {
            let value = sanitise(value);
            let _ = match sort {
                Sort::Plain | Sort::Bare => write!(line, " {name}={value}"),
                Sort::Quoted => write!(line, " {name}={value:?}"),
            };
        }
        if let Some(by) = by {
            let _ = write!(line, " (by {})", sanitise(by));
        }
        if let Some(Repeats { times, seconds }) = self.repeats {
            let _ = write!(line, " (×{times} in {seconds} s)");
        }
        if let Some(code) = code {
            let _ = write!(line, " [{}]", sanitise(code));
        }
        for row in rows {
            let _ = write!(line, "\n    {}", sanitise(row));
        }
        if let Some(dump) = dump {
            line.push_str(dump);
        }
        line.push('\n');
        line
    }

    /// The line as a JSON object, with its newline.
    pub(super) fn json(&self) -> String {
        let What {
            level,
            verb,
            host,
            run,
            code,
            by,
            text,
            fields,
            dump,
        } = &self.what;
        let fields: Map<String, Value> = fields
            .iter()
            .map(|(name, value, sort)| ((*name).to_owned(), json_value(value, *sort)))
            .chain(dump.iter().map(|dump| ("dump".to_owned(), dump.trim().into())))
            .collect();
        let object = Object {
            time: format!("{:.3}", self.when),
            level,
            verb,
            host: host.as_deref().map(sanitise),
            run: *run,
            text: whole(text),
            code: code.as_deref(),
            by: by.as_deref().map(sanitise),
            seq: self.seq,
            repeats: self.repeats,
            fields,
        };
        let mut line = serde_json::to_string(&object).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// One line of `--log json`. Documented in `docs/operating.md`; a member may be added, none is renamed or removed.
#[derive(Serialize)]
struct Object<'a> {
    time: String,
    level: &'a str,
    verb: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<u64>,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats: Option<Repeats>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

/// A text with its lines, and nothing else that steers.
fn whole(text: &str) -> String {
    text.chars()
        .map(|c| if c != '\n' && is_unsafe(c) { '\u{fffd}' } else { c })
        .collect()
}

fn json_value(value: &str, sort: Sort) -> Value {
    match sort {
        Sort::Bare => serde_json::from_str(value).unwrap_or_else(|_| value.into()),
        Sort::Plain | Sort::Quoted => sanitise(value).into(),
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

impl Said {
    fn put(&mut self, field: &Field, value: String, sort: Sort) {
        let what = &mut self.what;
        match field.name() {
            "message" => what.text = value,
            "host" => what.host = Some(value),
            "by" => what.by = Some(value),
            "code" => what.code = Some(value),
            "dump" => what.dump = Some(value),
            "event" => match VERBS.iter().find(|verb| **verb == value) {
                Some(verb) => what.verb = verb,
                None => what.fields.push(("event", value, sort)),
            },
            name => what.fields.push((name, value, sort)),
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"), Sort::Plain);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned(), Sort::Quoted);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "run" => self.what.run = Some(value),
            "seq" => self.seq = Some(value),
            _ => self.put(field, value.to_string(), Sort::Bare),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.to_string(), Sort::Bare);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.to_string(), Sort::Bare);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn said(text: &str) -> Said {
        Said {
            when: Timestamp::UNIX_EPOCH,
            what: What {
                level: "warn",
                verb: "ignore",
                host: Some("oak-42".to_owned()),
                run: Some(3),
                code: Some("W999".to_owned()),
                by: None,
                text: text.to_owned(),
                fields: vec![
                    ("link", "eno1".to_owned(), Sort::Plain),
                    ("bytes", "7".to_owned(), Sort::Bare),
                ],
                dump: None,
            },
            seq: Some(9),
            repeats: None,
        }
    }

    #[test]
    fn a_line_has_its_columns_and_nobody_else_begins_one() {
        let said = said("one\n1970-01-01T00:00:00Z done   elm-1  forged\x1b[2J");
        assert_eq!(
            said.text(),
            "1970-01-01T00:00:00Z ignore oak-42       3   one link=eno1 bytes=7 [W999]\n    \
             1970-01-01T00:00:00Z done   elm-1  forged\u{fffd}[2J\n"
        );
    }

    #[test]
    fn the_same_line_as_json_is_one_object_on_one_line() {
        let mut said = said("one\ntwo\x1b");
        said.repeats = Some(Repeats { times: 14, seconds: 10 });
        assert_eq!(
            said.json(),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\"verb\":\"ignore\",\"host\":\"oak-42\",\"run\":3,\
             \"text\":\"one\\ntwo\u{fffd}\",\"code\":\"W999\",\"seq\":9,\"repeats\":{\"times\":14,\"seconds\":10},\
             \"fields\":{\"bytes\":7,\"link\":\"eno1\"}}\n"
        );
    }
}
