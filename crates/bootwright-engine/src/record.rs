//! Recording: the only place where the world changes.

use std::sync::Arc;

use bootwright_core::nickname::mac_key;
use bootwright_core::{
    Cause, Change, Entry, Event, Facts, Failure, Host, HostId, Phase, Stayed, Step, Timestamp, Verb, apply, step,
};

use crate::engine::Engine;
use crate::limit::HOSTS_MAX;
use crate::outcome::Woken;

impl Engine {
    /// Records a change: it is applied at once, and the shell makes it durable.
    pub(crate) fn record(&mut self, now: Timestamp, by: Cause, verb: Verb, note: String, change: Change) {
        let host = change.host().cloned();
        let before = host.as_ref().and_then(|id| self.world.hosts.get(id)).cloned();
        if let Some(before) = &before {
            self.leave_derived(before);
            if matches!(change, Change::FactsBound { .. } | Change::HostForgotten { .. }) {
                self.index.remove(&before.id, &before.facts);
            }
            if let Some(step) = before.first_step.as_deref().filter(|_| moves_first_step(&change)) {
                self.makes.leave(step);
            }
        }
        let entry = Entry {
            at: now,
            by,
            verb,
            note,
            change,
        };
        apply(&mut self.world, &entry);
        let after = host.as_ref().and_then(|id| self.world.hosts.get(id)).cloned();
        if let Some(after) = &after {
            if matches!(entry.change, Change::FactsBound { .. } | Change::HostAdded { .. }) {
                if let Some(definition) = self.find_definition(after) {
                    self.definition_of.insert(after.id.clone(), definition);
                }
                self.index_host(after);
            }
            if let Some(step) = after.first_step.as_deref().filter(|_| moves_first_step(&entry.change)) {
                self.makes.enter(step);
            }
            self.enter_derived(after, now);
            if may_render_otherwise(&entry.change)
                && let Some(visit) = self.visits.get_mut(&after.id)
            {
                visit.trial = None;
                if visit.held.is_some() {
                    self.pending.woken.and(Woken::Host(after.id.clone()));
                }
            }
        } else if let Some(id) = &host {
            self.definition_of.remove(id);
            let address = self.visits.remove(id).and_then(|visit| visit.address);
            if let Some(address) = address.filter(|address| self.addresses.get(address) == Some(id)) {
                self.addresses.remove(&address);
            }
        }
        self.products.follow(before.as_deref(), after.as_deref());
        self.tally.follow(before.as_deref(), after.as_deref());
        self.pending.entries.push(entry);
        self.follow(now, before.as_deref(), after.as_deref());
    }

    /// What a change of state brings with it: budgets, wake-ups, the pause after failures.
    fn follow(&mut self, now: Timestamp, before: Option<&Host>, after: Option<&Host>) {
        let was = before.and_then(|host| host.state.phase.run());
        let is = after.and_then(|host| host.state.phase.run());
        if let Some(after) = after
            && before
                .is_none_or(|before| before.state != after.state || before.local.is_parked() != after.local.is_parked())
        {
            self.pending.woken.and(Woken::Host(after.id.clone()));
        }
        match (was, is) {
            (Some(was), Some(is)) if was.number == is.number => {}
            (Some(was), is) => {
                let mut in_use = self
                    .installing
                    .iter()
                    .filter_map(|id| self.world.hosts.get(id)?.state.phase.run());
                if !in_use.any(|run| run.profile == was.profile && run.revision == was.revision) {
                    self.revisions.leave(was);
                }
                self.pending.woken.and(Woken::All);
                if is.is_some() {
                    self.starts.push_back(now);
                }
                self.pause_after_failures(now);
            }
            (None, Some(_)) => self.starts.push_back(now),
            (None, None) => {}
        }
        while self.starts.len() > 100_000 {
            self.starts.pop_front();
        }
    }

    fn pause_after_failures(&mut self, now: Timestamp) {
        let failures = self.world.site.failures;
        if failures >= self.policy.safety.pause_after_failures && self.world.site.paused.is_none() {
            let why = format!("{failures} runs in a row failed");
            self.pause(now, Cause::Daemon, &why);
        }
    }

    pub(crate) fn pause(&mut self, now: Timestamp, by: Cause, why: &str) {
        let note = format!("installs are paused: {why}; `bootwright resume` lets them go on");
        self.record(
            now,
            by,
            Verb::Pause,
            note,
            Change::PauseSet {
                why: Some(why.to_owned()),
            },
        );
    }

    /// Lets an event happen to a host. Records the state that it comes to, if that is another.
    pub(crate) fn happen(
        &mut self,
        now: Timestamp,
        by: Cause,
        host: &HostId,
        event: &Event,
        verb: Verb,
        note: String,
    ) -> Result<(), Stayed> {
        let state = self
            .world
            .hosts
            .get(host)
            .map(|host| host.state.clone())
            .unwrap_or_default();
        match step(&state, event) {
            Step::Moved(state) => {
                let change = Change::StateSet {
                    host: host.clone(),
                    state: *state,
                };
                self.record(now, by, verb, note, change);
                Ok(())
            }
            Step::Stayed(why) => Err(why),
        }
    }

    /// News about a host that changes nothing. Not recorded when there is too much of it.
    pub(crate) fn note(&mut self, now: Timestamp, host: &HostId, by: Cause, verb: Verb, note: String) {
        self.note_with(now, host, by, verb, || note);
    }

    /// The same, with words that are made only if they are recorded: firmware asks often.
    ///
    /// Such an entry changes nothing in the world, so that nothing which is derived from it has to be derived anew, but
    /// for the time at which a run is due: that depends on how far the machine was seen to be.
    pub(crate) fn note_with(
        &mut self,
        now: Timestamp,
        host: &HostId,
        by: Cause,
        verb: Verb,
        note: impl FnOnce() -> String,
    ) {
        if !self.store_ready || !self.news.take(now) || !self.world.hosts.contains_key(host) {
            return;
        }
        if self.installing.contains(host) {
            self.reset_due(host);
        }
        self.pending.entries.push(Entry {
            at: now,
            by,
            verb,
            note: note(),
            change: Change::HostNoted { host: host.clone() },
        });
    }

    /// Remembers a machine that was not there before, under the name that the configuration has for it or a nickname.
    pub(crate) fn add_host(
        &mut self,
        now: Timestamp,
        by: Cause,
        facts: &Facts,
        name: Option<HostId>,
    ) -> Option<HostId> {
        if !self.store_ready || self.world.hosts.len() >= HOSTS_MAX {
            return None;
        }
        if name.is_none() && !self.strangers.take(now) {
            return None;
        }
        let id = name.or_else(|| self.free_name(facts))?;
        let note = describe(facts);
        let change = Change::HostAdded {
            host: id.clone(),
            facts: facts.clone(),
        };
        self.record(now, by, Verb::New, note, change);
        Some(id)
    }

    /// The host as it stands.
    pub(crate) fn host(&self, id: &HostId) -> Option<&Arc<Host>> {
        self.world.hosts.get(id)
    }
}

/// Whether a change concerns what templates are filled with; rules ask for most of it as well.
const fn may_render_otherwise(change: &Change) -> bool {
    matches!(
        change,
        Change::FactsBound { .. } | Change::LabelSet { .. } | Change::MetadataSet { .. } | Change::ReportedSet { .. }
    )
}

/// What a nickname is made from.
pub(crate) fn name_key(facts: &Facts) -> Vec<u8> {
    match (facts.macs.first(), facts.uuid, &facts.serial) {
        (Some(mac), _, _) => mac_key(*mac).to_vec(),
        (None, Some(uuid), _) => uuid.to_string().into_bytes(),
        (None, None, Some(serial)) => serial.clone().into_bytes(),
        (None, None, None) => Vec::new(),
    }
}

const fn moves_first_step(change: &Change) -> bool {
    matches!(change, Change::FirstStepSet { .. } | Change::HostForgotten { .. })
}

/// A machine in a few words.
pub(crate) fn describe(facts: &Facts) -> String {
    let mut words: Vec<String> = facts.macs.iter().take(2).map(ToString::to_string).collect();
    let maker = [&facts.manufacturer, &facts.product]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>();
    if !maker.is_empty() {
        words.push(maker.join(" "));
    }
    if let Some(serial) = &facts.serial {
        words.push(format!("serial {serial}"));
    }
    words.join(", ")
}

/// How a run's end is told.
pub(crate) fn failure_note(run: u32, failure: &Failure) -> String {
    format!("run {run} failed: {failure}; next boots: local disk")
}

/// The state's name and run, for notes.
pub(crate) fn phase_words(phase: &Phase) -> String {
    match phase.run() {
        Some(run) => format!("{} run {}", phase.name(), run.number),
        None => phase.name().to_owned(),
    }
}
