//! What an installer reports about its run.
//!
//! Reading is total: an install must not fail because its report was worded in an unexpected way. Values may come in the
//! query, as a form, as JSON or as plain text; where several name the same thing, the query counts.

use std::collections::BTreeMap;

use super::query::Query;

/// The longest line that a report may put into the record, in bytes.
const LINE_BYTES_MAX: usize = 400;

/// The kinds of report, which are the last words of `/r/<token>/…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportKind {
    /// `done`.
    Done,
    /// `fail`.
    Fail,
    /// `up`.
    Up,
    /// `progress`.
    Progress,
    /// `log`.
    Log,
}

/// What a run reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The installer finished.
    Done,
    /// The installer failed, in these words if it said any.
    Fail {
        /// Why, one line.
        reason: Option<String>,
    },
    /// The installed system is up.
    Up,
    /// How far it is.
    Progress(Progress),
    /// Lines for the log, with their line breaks.
    Log(String),
}

/// How far an install is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The stage in the installer's own words; `guard` asks whether a disk may be overwritten, `ipxe` is our own script.
    pub stage: Option<String>,
    /// How much of the stage is done.
    pub percent: Option<u8>,
    /// What the installer says about it, one line.
    pub message: Option<String>,
    /// The serial number of the disk that the stage is about.
    pub serial: Option<String>,
    /// What was found on that disk; nothing if it is empty.
    pub content: Option<String>,
    /// The error that our own script met. Such a report says that the machine tries again, not that it got further.
    pub error: Option<String>,
}

impl ReportKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Done, Self::Fail, Self::Up, Self::Progress, Self::Log];

    /// The word in the URL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Fail => "fail",
            Self::Up => "up",
            Self::Progress => "progress",
            Self::Log => "log",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Report {
    /// Reads a report. `content_type` is the field as it came; the body is what the limit of the route let through.
    #[must_use]
    pub fn read(kind: ReportKind, query: &Query, content_type: Option<&str>, body: &[u8]) -> Self {
        if kind == ReportKind::Log {
            return Self::Log(log_text(query, body));
        }
        let values = Values::read(query, content_type, body);
        match kind {
            ReportKind::Done | ReportKind::Log => Self::Done,
            ReportKind::Up => Self::Up,
            ReportKind::Fail => Self::Fail {
                reason: values.line(&["reason", "message", "msg"]),
            },
            ReportKind::Progress => Self::Progress(Progress {
                stage: values.line(&["stage"]),
                percent: values.line(&["percent", "pct"]).as_deref().and_then(percent),
                message: values.line(&["message", "msg"]).or_else(|| values.event()),
                serial: values.line(&["serial"]),
                content: values.line(&["content"]).filter(|content| content != "empty"),
                error: values.line(&["error"]),
            }),
        }
    }
}

/// The named values of a report: those of the query, and those of the body.
struct Values([BTreeMap<String, String>; 2]);

impl Values {
    fn read(query: &Query, content_type: Option<&str>, body: &[u8]) -> Self {
        Self([first_of_each(query), body_values(content_type, body)])
    }

    /// The first value, the query's before the body's, that goes by one of these names and says anything.
    fn line(&self, names: &[&str]) -> Option<String> {
        let named = |values: &BTreeMap<String, String>| {
            let mut named = names.iter().filter_map(|name| values.get(*name));
            named.find_map(|text| line(text))
        };
        self.0.iter().find_map(named)
    }

    /// An event as curtin, subiquity and cloud-init report it to a webhook: the description, and how it ended.
    fn event(&self) -> Option<String> {
        let kind = self.line(&["event_type"])?;
        let what = self.line(&["description"]).or_else(|| self.line(&["name"]))?;
        match (kind.as_str(), self.line(&["result"])) {
            ("finish", Some(result)) if result != "SUCCESS" => Some(format!("{what}: {result}")),
            ("finish", _) => Some(format!("{what}: done")),
            _ => Some(what),
        }
    }
}

fn first_of_each(query: &Query) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, value) in query.items() {
        values.entry(name).or_insert(value);
    }
    values
}

fn body_values(content_type: Option<&str>, body: &[u8]) -> BTreeMap<String, String> {
    let plain = || BTreeMap::from([("message".to_owned(), String::from_utf8_lossy(body).into_owned())]);
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    if body.trim_ascii().is_empty() {
        BTreeMap::new()
    } else if content_type.contains("json") || body.trim_ascii_start().starts_with(b"{") {
        json_values(body).unwrap_or_else(plain)
    } else if content_type.starts_with("application/x-www-form-urlencoded") && body.contains(&b'=') {
        form_values(body)
    } else {
        plain()
    }
}

/// Members that are no text are written as JSON, since a wrongly typed number is still what the installer means.
fn json_values(body: &[u8]) -> Option<BTreeMap<String, String>> {
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let texts = members.into_iter().filter_map(|(name, value)| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some((name, text)),
        value => Some((name, value.to_string())),
    });
    Some(texts.collect())
}

/// In a form, unlike in the queries of iPXE, a `+` is a space.
fn form_values(body: &[u8]) -> BTreeMap<String, String> {
    let spaced: Vec<u8> = body
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    first_of_each(&Query::new(&spaced))
}

/// `71`, `71%` and `71.4` are all 71.
fn percent(text: &str) -> Option<u8> {
    let digits = text.trim_end_matches('%').trim();
    let whole = digits.split('.').next().unwrap_or_default();
    whole.parse::<u8>().ok().filter(|percent| *percent <= 100)
}

/// One line without control characters, of bounded length.
fn line(text: &str) -> Option<String> {
    let mut kept = String::new();
    for c in text.trim().chars() {
        let c = if crate::syslog::steers(c) { ' ' } else { c };
        if kept.len().saturating_add(c.len_utf8()) > LINE_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    let kept = kept.trim_end();
    (!kept.is_empty()).then(|| kept.to_owned())
}

fn log_text(query: &Query, body: &[u8]) -> String {
    let text = if body.is_empty() {
        query.get("message").or_else(|| query.get("msg")).unwrap_or_default()
    } else {
        String::from_utf8_lossy(body).into_owned()
    };
    text.split('\n')
        .map(|line| crate::syslog::plain(line.strip_suffix('\r').unwrap_or(line)))
        .collect::<Vec<_>>()
        .join("\n")
}
