//! The record as the API shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventView {
    /// Its place in the record; it only grows.
    pub seq: u64,
    /// When, by the wall clock of that moment.
    pub time: String,
    /// When, on the site's time line, which never runs backwards.
    pub at_ms: u64,
    /// What happened, in one word: `new`, `armed`, `boot`, `done`, …
    pub verb: String,
    /// The host that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Who caused it: `operator <name>`, `rule <name>`, `machine`, `clock` or `daemon`.
    pub by: String,
    /// What people should know of it, one line.
    pub note: String,
    /// The name of the state that the host came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The profile that the state speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
    /// The attempt of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// A part of the record, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The lines.
    pub events: Vec<EventView>,
    /// What to ask for next: `after` of the next page.
    pub next: u64,
    /// Whether there is more already.
    pub more: bool,
    /// What was asked for and is not in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<EventGap>,
}

/// That events are missing between what a reader has seen and what the record keeps: it has let go of them, or it is another
/// record, such as that of a backup. Such a reader looks at everything anew. In a stream it is an event of the type `gap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventGap {
    /// The place up to which the reader has seen all.
    pub after: u64,
    /// The place of the first event that the record keeps.
    pub first: u64,
    /// The place of the last one.
    pub last: u64,
}
