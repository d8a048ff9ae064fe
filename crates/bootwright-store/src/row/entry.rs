//! The mirror of an entry: the columns of one event.

use bootwright_core::{Cause, Entry, Timestamp, Verb};

use super::RowError;
use super::change::ChangeRow;
use crate::sum::Sum;
use crate::{Recorded, Seq};

/// One row of the event table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventRow {
    pub(crate) seq: u64,
    pub(crate) at: u64,
    pub(crate) wall: u64,
    pub(crate) cause: String,
    pub(crate) actor: Option<String>,
    pub(crate) verb: String,
    pub(crate) note: String,
    pub(crate) change: String,
    pub(crate) sum: i64,
}

/// The verbs and their spelling in the store.
const VERBS: [(Verb, &str); 22] = [
    (Verb::New, "new"),
    (Verb::Hold, "hold"),
    (Verb::Armed, "armed"),
    (Verb::Boot, "boot"),
    (Verb::Fetch, "fetch"),
    (Verb::Guard, "guard"),
    (Verb::Done, "done"),
    (Verb::Up, "up"),
    (Verb::Fail, "fail"),
    (Verb::Stall, "stall"),
    (Verb::Local, "local"),
    (Verb::Loop, "loop"),
    (Verb::Live, "live"),
    (Verb::Ignore, "ignore"),
    (Verb::Lock, "lock"),
    (Verb::Set, "set"),
    (Verb::Forget, "forget"),
    (Verb::Warn, "warn"),
    (Verb::Pause, "pause"),
    (Verb::Reload, "reload"),
    (Verb::Seen, "seen"),
    (Verb::Auth, "auth"),
];

impl EventRow {
    /// The row of an entry, its sum included.
    pub(crate) fn new(seq: Seq, wall_ms: u64, entry: &Entry) -> Result<Self, RowError> {
        let (cause, actor) = match &entry.by {
            Cause::Operator(name) => ("operator", Some(name.clone())),
            Cause::Rule(name) => ("rule", Some(name.to_string())),
            Cause::Machine => ("machine", None),
            Cause::Clock => ("clock", None),
            Cause::Daemon => ("daemon", None),
        };
        let verb = VERBS.iter().find(|(verb, _)| *verb == entry.verb);
        let mut row = Self {
            seq: seq.get(),
            at: entry.at.as_millis(),
            wall: wall_ms,
            cause: cause.to_owned(),
            actor,
            verb: verb.ok_or(RowError::new("a verb without a spelling"))?.1.to_owned(),
            note: entry.note.clone(),
            change: serde_json::to_string(&ChangeRow::from(&entry.change))?,
            sum: 0,
        };
        row.sum = row.expected_sum();
        Ok(row)
    }

    /// The sum that the other columns have.
    fn expected_sum(&self) -> i64 {
        Sum::of("event")
            .number(self.seq)
            .number(self.at)
            .number(self.wall)
            .text(&self.cause)
            .maybe(self.actor.as_deref())
            .text(&self.verb)
            .text(&self.note)
            .text(&self.change)
            .finish()
    }

    /// The entry, if the row is whole.
    pub(crate) fn into_recorded(self) -> Result<Recorded, RowError> {
        let seq = self.seq;
        if self.sum != self.expected_sum() {
            return Err(RowError::new(format!("event {seq} has a wrong checksum")));
        }
        self.decoded()
            .map_err(|error| RowError::new(format!("event {seq}: {error}")))
    }

    fn decoded(self) -> Result<Recorded, RowError> {
        let by = match (self.cause.as_str(), self.actor) {
            ("operator", Some(name)) => Cause::Operator(name),
            ("rule", Some(name)) => Cause::Rule(name.parse().map_err(|_| RowError::new("not the name of a rule"))?),
            ("machine", None) => Cause::Machine,
            ("clock", None) => Cause::Clock,
            ("daemon", None) => Cause::Daemon,
            (cause, _) => return Err(RowError::new(format!("unknown cause `{cause}`"))),
        };
        let verb = VERBS.iter().find(|(_, name)| *name == self.verb);
        let change: ChangeRow = serde_json::from_str(&self.change)?;
        Ok(Recorded {
            seq: Seq::new(self.seq),
            wall_ms: self.wall,
            entry: Entry {
                at: Timestamp::from_millis(self.at),
                by,
                verb: verb
                    .ok_or_else(|| RowError::new(format!("unknown verb `{}`", self.verb)))?
                    .0,
                note: self.note,
                change: change.into_change()?,
            },
        })
    }
}
