//! What has to be recorded when a site starts from a backup.
//!
//! Between the backup and now, machines were installed that it does not know of, and grants were used up that it still
//! holds. Nothing that it promises may lead to a written disk before a person has looked.

use bootwright_core::{Cause, Change, Entry, HostState, Phase, Stance, Timestamp, Verb, World};

/// Withdraws every grant, cancels every run, and pauses new installs: a rule would otherwise arm the machines that are
/// newer than the backup as if they had never been seen.
#[must_use]
pub fn after_restore(world: &World, at: Timestamp) -> Vec<Entry> {
    let entry = |verb, note: &str, change| Entry {
        at,
        by: Cause::Daemon,
        verb,
        note: note.to_owned(),
        change,
    };
    let held = |state: &HostState| HostState {
        phase: Phase::New { stance: Stance::Hold },
        ..state.clone()
    };
    let mut entries = Vec::new();
    for host in world.hosts.values() {
        let note = match host.state.phase {
            Phase::Armed { .. } => "its grant was restored from a backup: held until it is armed again",
            Phase::Installing { .. } => "its run was restored from a backup: cancelled, held until it is armed again",
            Phase::New { .. }
            | Phase::Installed { .. }
            | Phase::Failed { .. }
            | Phase::Live { .. }
            | Phase::Ignored => {
                continue;
            }
        };
        let change = Change::StateSet {
            host: host.id.clone(),
            state: held(&host.state),
        };
        entries.push(entry(Verb::Hold, note, change));
    }
    let why = "the store was restored from a backup; look through the hosts, then resume".to_owned();
    let change = Change::PauseSet { why: Some(why.clone()) };
    entries.push(entry(Verb::Pause, &why, change));
    entries
}
