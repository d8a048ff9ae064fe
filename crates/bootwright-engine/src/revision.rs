//! The profiles that runs under way were started with: a run goes on with what it was started with, whatever the
//! configuration says by then, also after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bootwright_core::{HostId, Policy, Profile, ProfileName, RevisionChange, RevisionKey, Run};

use crate::engine::Engine;

/// What runs need, and what the record has of it. As many as runs are under way, at most.
#[derive(Default)]
pub(crate) struct Revisions {
    in_use: BTreeMap<RevisionKey, Arc<Profile>>,
    recorded: BTreeSet<RevisionKey>,
    changed: bool,
}

fn key(run: &Run) -> RevisionKey {
    RevisionKey {
        profile: run.profile.clone(),
        revision: run.revision,
    }
}

impl Revisions {
    /// What a run was started with, if that is known.
    pub(crate) fn of(&self, run: &Run) -> Option<&Arc<Profile>> {
        self.in_use.get(&key(run))
    }

    /// A run is under way. If nobody remembers what it was started with, the configuration may still have it.
    pub(crate) fn enter(&mut self, run: &Run, policy: &Policy) {
        let key = key(run);
        if !self.in_use.contains_key(&key)
            && let Some(profile) = policy.profiles.get(&run.profile)
            && profile.revision == run.revision
        {
            self.in_use.insert(key, Arc::clone(profile));
            self.changed = true;
        }
    }

    /// No run under way was started with the same as this one.
    pub(crate) fn leave(&mut self, run: &Run) {
        self.in_use.remove(&key(run));
        self.changed = true;
    }

    /// What the record has to be told so that it keeps what is in use, and nothing else.
    pub(crate) fn changes(&mut self) -> Vec<RevisionChange> {
        if !std::mem::take(&mut self.changed) {
            return Vec::new();
        }
        let gone = self.recorded.iter().filter(|key| !self.in_use.contains_key(*key));
        let new = self.in_use.iter().filter(|(key, _)| !self.recorded.contains(*key));
        let dropped = gone.cloned().map(RevisionChange::Dropped);
        let kept = new.map(|(_, profile)| RevisionChange::Kept(Arc::clone(profile)));
        let changes = dropped.chain(kept).collect();
        self.recorded = self.in_use.keys().cloned().collect();
        changes
    }
}

impl Engine {
    /// Takes over what the record has of the profiles that runs were started with. To be called once, before the first
    /// question.
    pub fn load_revisions(&mut self, stored: impl IntoIterator<Item = Profile>) {
        let runs = |engine: &Self| -> Vec<(HostId, Run)> {
            let installing = engine.installing.iter().filter_map(|id| engine.world.hosts.get(id));
            installing
                .filter_map(|host| Some((host.id.clone(), host.state.phase.run()?.clone())))
                .collect()
        };
        let runs = runs(self);
        let needed: BTreeSet<RevisionKey> = runs.iter().map(|(_, run)| key(run)).collect();
        for profile in stored {
            let key = RevisionKey::of(&profile);
            if needed.contains(&key) {
                self.revisions.in_use.insert(key.clone(), Arc::new(profile));
            }
            self.revisions.recorded.insert(key);
        }
        self.revisions.changed = true;
        for (id, _) in &runs {
            self.reset_due(id);
        }
    }

    /// The profile for a run that begins; for a run under way what it was started with, if that is known.
    pub(crate) fn profile_of_run(&self, id: &HostId, name: &ProfileName) -> Option<Arc<Profile>> {
        let under_way = self.host(id).and_then(|host| host.state.phase.run());
        match under_way.filter(|run| run.profile == *name) {
            Some(run) => self.revisions.of(run).cloned(),
            None => self.policy.profiles.get(name).cloned(),
        }
    }

    /// Whether nobody knows what the run of this host was started with.
    pub(crate) fn is_revision_lost(&self, id: &HostId) -> bool {
        let under_way = self.host(id).and_then(|host| host.state.phase.run());
        under_way.is_some_and(|run| self.revisions.of(run).is_none())
    }
}
