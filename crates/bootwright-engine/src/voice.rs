//! What installers say besides their reports: logs by syslog, which name no run and are known by the address that sends them.

use std::net::IpAddr;

use bootwright_core::{Cause, HostId, RunNumber, Span, Timestamp, Verb};

use crate::engine::Engine;
use crate::limit::words;
use crate::outcome::Outcome;
use crate::visit::Stage;

/// For how long after its end a run's log is kept: an installer says a few words more before it restarts.
const AFTERWARDS: Span = Span::from_mins(2);

/// How many lines an installer may put into the record in one run. What it says beyond is in its log alone.
const LINES_MAX: u32 = 200;

/// Whose log a message belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// The host.
    pub host: HostId,
    /// The run.
    pub run: RunNumber,
}

/// Why a message belongs to no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Nobody is known by this address.
    Stranger,
    /// The host has no run under way.
    NoRun,
}

impl Unheard {
    /// The name under which it is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stranger => "unknown-address",
            Self::NoRun => "no-run",
        }
    }
}

impl Engine {
    /// Whose log it is that comes from this address.
    ///
    /// # Errors
    /// When it is nobody's.
    pub fn speaker(&self, now: Timestamp, address: IpAddr) -> Result<Speaker, Unheard> {
        let id = self.host_at(now, address).ok_or(Unheard::Stranger)?;
        self.speaker_of(now, id)
    }

    /// The same of a host that is known otherwise.
    ///
    /// # Errors
    /// When it has no run.
    pub fn speaker_of(&self, now: Timestamp, host: HostId) -> Result<Speaker, Unheard> {
        let known = self.host(&host).ok_or(Unheard::Stranger)?;
        let under_way = known.state.phase.run().map(|run| run.number);
        let over = || {
            let last = known.runs.last()?;
            (now.since(last.ended) <= AFTERWARDS).then_some(last.number)
        };
        match under_way.or_else(over) {
            Some(run) => Ok(Speaker { host, run }),
            None => Err(Unheard::NoRun),
        }
    }

    /// A run's log goes on. It is a sign of life, and grants nothing; what is severe goes into the record.
    pub fn voice(&mut self, now: Timestamp, speaker: &Speaker, said: &str, severe: bool) -> Outcome<()> {
        let Speaker { host, run } = speaker;
        let present = self.host(host).and_then(|host| host.state.phase.run());
        if present.is_some_and(|present| present.number == *run) {
            let said = words(said);
            let visit = self.visits.entry(host.clone()).or_default();
            let mut came_on = visit.reach(now, Stage::Installer);
            came_on |= visit.pace.hear(now, &said);
            if came_on {
                self.came_on(now, host);
            }
            if !self.has_spoken(host, *run) {
                self.voice_note(now, host, *run, Verb::Fetch, "its log arrives by syslog");
            }
            if severe {
                self.voice_note(now, host, *run, Verb::Warn, &said);
            }
            self.reset_due(host);
        }
        self.outcome(())
    }

    fn has_spoken(&self, host: &HostId, run: RunNumber) -> bool {
        let visit = self.visits.get(host);
        visit.and_then(|visit| visit.spoken).is_some_and(|(of, _)| of == run)
    }

    /// Puts a line of an installer into the record, as far as its run may have more of them.
    pub(crate) fn voice_note(&mut self, now: Timestamp, host: &HostId, run: RunNumber, verb: Verb, said: &str) {
        let visit = self.visits.entry(host.clone()).or_default();
        let before = visit.spoken.filter(|(of, _)| *of == run).map_or(0, |(_, lines)| lines);
        visit.spoken = Some((run, before.saturating_add(1)));
        let note = match before {
            LINES_MAX => {
                format!("run {run}, installer: it says much; the rest is in its log, `bootwright host log {host}`")
            }
            before if before > LINES_MAX => return,
            _ => format!("run {run}, installer: {said}"),
        };
        self.note(now, host, Cause::Machine, verb, note);
    }
}
