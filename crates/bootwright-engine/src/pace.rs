//! Whether a run comes on. The limit of a stage counts from its beginning, and anew whenever something happens that did not
//! happen before; what is only said again is no progress.

use std::collections::VecDeque;

use bootwright_core::{Cause, Event, HostId, Stayed, Timestamp, Verb};

use crate::engine::Engine;

/// How many different words are remembered. Installers that try something again and again say a few in turn.
const WORDS_MAX: usize = 16;

/// What a run has shown of itself at its present stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    since: Option<Timestamp>,
    percent: u8,
    heard: VecDeque<String>,
}

impl Pace {
    /// From when on the limit counts.
    pub(crate) const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// A stage or an attempt begins.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        *self = Self {
            since: Some(now),
            ..Self::default()
        };
    }

    /// Takes what was said or done. Says whether that is new.
    pub(crate) fn hear(&mut self, now: Timestamp, words: &str) -> bool {
        let new = !words.is_empty() && !self.heard.iter().any(|heard| heard == words);
        if new {
            self.since = Some(now);
            self.percent = 0;
            self.heard.push_back(words.to_owned());
            if self.heard.len() > WORDS_MAX {
                self.heard.pop_front();
            }
        }
        new
    }

    /// Takes how far the installer says it is. Says whether that is farther than before.
    pub(crate) fn count(&mut self, now: Timestamp, percent: Option<u8>) -> bool {
        let percent = percent.unwrap_or(0);
        let farther = percent > self.percent;
        if farther {
            (self.since, self.percent) = (Some(now), percent);
        }
        farther
    }
}

impl Engine {
    /// A run that was taken for stalled comes on.
    pub(crate) fn came_on(&mut self, now: Timestamp, id: &HostId) {
        let run = self.host(id).and_then(|host| host.state.phase.run());
        let Some(run) = run.filter(|run| run.stalled && self.store_ready).map(|run| run.number) else {
            return;
        };
        let note = format!("run {run}, heard of again");
        let _: Result<(), Stayed> =
            self.happen(now, Cause::Machine, id, &Event::StageReached { run }, Verb::Stall, note);
    }
}
