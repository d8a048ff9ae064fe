//! The passing of time.

use bootwright_core::{Cause, Event, Failure, Host, HostId, Phase, Timestamp, Verb, due};

use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::record::failure_note;
use crate::visit::Stage;

/// How many hosts are looked at in one tick, so that a tick takes a bounded time.
const TICK_MAX: usize = 1_000;

impl Engine {
    /// When `tick` has something to do.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Lets everything happen that is due.
    pub fn tick(&mut self, now: Timestamp) -> Outcome<()> {
        for _ in 0..TICK_MAX {
            if !self.store_ready {
                break;
            }
            let Some((at, id)) = self.due.first().cloned() else {
                break;
            };
            if at > now {
                break;
            }
            self.set_due(&id, None);
            self.become_due(now, &id);
        }
        self.outcome(())
    }

    fn become_due(&mut self, now: Timestamp, id: &HostId) {
        let Some(host) = self.host(id).cloned() else { return };
        match due(&self.policy, &host) {
            Some((at, event)) if at <= now => {
                let event = at_now(event, now);
                let (verb, note) = due_note(&host, &event);
                let _: Result<(), _> = self.happen(now, Cause::Clock, id, &event, verb, note);
            }
            Some(_) | None => self.stage_overdue(now, &host),
        }
        self.reset_due(id);
    }

    fn stage_overdue(&mut self, now: Timestamp, host: &Host) {
        let Some(run) = host.state.phase.run() else { return };
        if self.stage_due(host).is_none_or(|at| at > now) {
            return;
        }
        let stage = self.visits.get(&host.id).map_or(Stage::Unseen, |visit| visit.stage);
        let waiting = match stage {
            Stage::Unseen => "it was not heard of since this process started",
            Stage::Discover | Stage::FirstFile | Stage::Script => "the kernel was not fetched",
            Stage::Kernel => "the installer has not called",
            Stage::Installer => "the installer does not come on",
        };
        let note = format!("run {} is stalled: {waiting}", run.number);
        let event = Event::StageOverdue { run: run.number };
        let _: Result<(), _> = self.happen(now, Cause::Clock, &host.id, &event, Verb::Stall, note);
    }

    /// When the present stage of a run takes too long.
    pub(crate) fn stage_due(&self, host: &Host) -> Option<Timestamp> {
        let run = host.state.phase.run().filter(|run| !run.stalled)?;
        let limits = self.profile_of_run(&host.id, &run.profile)?.stages;
        // After a restart nobody knows how far the run is: the longest limit counts, from the restart on.
        let Some(visit) = self.visits.get(&host.id).filter(|visit| visit.stage != Stage::Unseen) else {
            return Some(self.begun.max(run.started).after(limits.done));
        };
        // It is we who let it wait.
        if visit.stage == Stage::Script && visit.held.is_some() {
            return None;
        }
        let since = visit.pace.since().unwrap_or(run.started).max(run.started);
        let limit = match visit.stage {
            Stage::Unseen | Stage::Discover | Stage::FirstFile | Stage::Script => limits.kernel,
            Stage::Kernel => limits.config,
            Stage::Installer => limits.done,
        };
        Some(since.after(limit))
    }

    /// Sets anew when a host has to be looked at.
    pub(crate) fn reset_due(&mut self, id: &HostId) {
        if let Some(host) = self.host(id).cloned() {
            let at = self.due_at(&host);
            self.set_due(id, at);
        }
    }
}

fn at_now(event: Event, now: Timestamp) -> Event {
    match event {
        Event::GrantExpired { .. } => Event::GrantExpired { at: now },
        Event::DeadlinePassed { .. } => Event::DeadlinePassed { at: now },
        other => other,
    }
}

fn due_note(host: &Host, event: &Event) -> (Verb, String) {
    match (event, &host.state.phase) {
        (Event::DeadlinePassed { .. }, Phase::Installing { run, .. }) => {
            (Verb::Fail, failure_note(run.number.get(), &Failure::Deadline))
        }
        (Event::Locked, _) => (
            Verb::Lock,
            "locked: it has been up long enough to be protected".to_owned(),
        ),
        (_, _) => (Verb::Hold, "its arming was not used in time and has expired".to_owned()),
    }
}
