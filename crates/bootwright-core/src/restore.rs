//! What has to be recorded when a site starts from a backup.
//!
//! Between the backup and now, machines were installed that it does not know of, and grants were used up that it still
//! holds. Nothing that it promises may lead to a written disk before a person has looked.

use crate::{Cause, Change, Entry, Event, Phase, Step, Timestamp, Verb, World, step};

/// Withdraws every grant, cancels every run, and pauses new installs: a rule would otherwise arm the machines that are
/// newer than the backup as if they had never been seen.
#[must_use]
pub fn after_restore(world: &World, at: Timestamp) -> Vec<Entry> {
    let entry = |verb, note: String, change| Entry {
        at,
        by: Cause::Daemon,
        verb,
        note,
        change,
    };
    let mut entries = Vec::new();
    for host in world.hosts.values() {
        if let Step::Moved(state) = step(&host.state, &Event::Restored) {
            let what = match host.state.phase {
                Phase::Installing { .. } => "its run was restored from a backup: cancelled",
                Phase::Armed { .. }
                | Phase::New { .. }
                | Phase::Installed { .. }
                | Phase::Failed { .. }
                | Phase::Live { .. }
                | Phase::Ignored => "its grant was restored from a backup: withdrawn",
            };
            let change = Change::StateSet {
                host: host.id.clone(),
                state: *state,
            };
            entries.push(entry(
                Verb::Hold,
                format!("{what}, held until it is armed again"),
                change,
            ));
        }
    }
    let why = "the store was restored from a backup; look through the hosts, then resume".to_owned();
    let change = Change::PauseSet { why: Some(why.clone()) };
    entries.push(entry(Verb::Pause, why, change));
    entries
}
