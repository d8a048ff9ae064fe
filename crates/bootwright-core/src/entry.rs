//! What the store records, and how a host or the site is folded from it.
//!
//! Entries are outcomes: the state that a host came to, not the event that led there. The fold is therefore small and
//! never changes, and new rules of `step` do not rewrite history.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::host::RUNS_REMEMBERED_MAX;
use crate::{
    Facts, Failure, FinishedRun, FirstStep, Host, HostId, HostState, LocalBoot, Phase, RuleName, Run, Timestamp,
};

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, on the site's time line.
    pub at: Timestamp,
    /// Who caused it.
    pub by: Cause,
    /// What happened, in one word of the closed list `Verb`.
    pub verb: Verb,
    /// What people should know of it: one line, never a secret.
    pub note: String,
    /// What changed.
    pub change: Change,
}

/// Who caused an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A person, by the name under which the control plane knows them.
    Operator(String),
    /// A rule that the operator wrote.
    Rule(RuleName),
    /// A machine on the segment.
    Machine,
    /// The passing of time.
    Clock,
    /// Bootwright itself.
    Daemon,
}

/// What kind of thing an entry tells, for people and filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// A host was seen or named for the first time.
    New,
    /// A host is held.
    Hold,
    /// A host was armed or its queue grew.
    Armed,
    /// An install script was served.
    Boot,
    /// A file was fetched.
    Fetch,
    /// The disk guard answered.
    Guard,
    /// An install finished.
    Done,
    /// The installed system is up.
    Up,
    /// A run failed.
    Fail,
    /// A stage takes too long.
    Stall,
    /// A script that starts the local disk was served.
    Local,
    /// A host came back from its own disk too early.
    Loop,
    /// A host boots a live profile.
    Live,
    /// A host is ignored.
    Ignore,
    /// A host was locked or unlocked.
    Lock,
    /// Facts, labels or metadata of a host changed.
    Set,
    /// A host was forgotten.
    Forget,
    /// Something odd that an operator should know.
    Warn,
    /// Installs were paused or resumed.
    Pause,
    /// The configuration was read.
    Reload,
    /// Firmware asked for an address or a file.
    Seen,
    /// Somebody logged in or out or was refused, or who may log in changed.
    Auth,
}

impl Verb {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::New,
        Self::Hold,
        Self::Armed,
        Self::Boot,
        Self::Fetch,
        Self::Guard,
        Self::Done,
        Self::Up,
        Self::Fail,
        Self::Stall,
        Self::Local,
        Self::Loop,
        Self::Live,
        Self::Ignore,
        Self::Lock,
        Self::Set,
        Self::Forget,
        Self::Warn,
        Self::Pause,
        Self::Reload,
        Self::Seen,
        Self::Auth,
    ];

    /// The name, as the log, the API and the configuration spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Hold => "hold",
            Self::Armed => "armed",
            Self::Boot => "boot",
            Self::Fetch => "fetch",
            Self::Guard => "guard",
            Self::Done => "done",
            Self::Up => "up",
            Self::Fail => "fail",
            Self::Stall => "stall",
            Self::Local => "local",
            Self::Loop => "loop",
            Self::Live => "live",
            Self::Ignore => "ignore",
            Self::Lock => "lock",
            Self::Set => "set",
            Self::Forget => "forget",
            Self::Warn => "warn",
            Self::Pause => "pause",
            Self::Reload => "reload",
            Self::Seen => "seen",
            Self::Auth => "auth",
        }
    }
}

/// What an entry changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A host that was not there before.
    HostAdded {
        /// Its name.
        host: HostId,
        /// What is known of it.
        facts: Facts,
    },
    /// The facts of a host.
    FactsBound {
        /// The host.
        host: HostId,
        /// All that is known of it now.
        facts: Facts,
    },
    /// The state of a host.
    StateSet {
        /// The host.
        host: HostId,
        /// The state that it came to.
        state: HostState,
    },
    /// What brought a host's firmware to its boot loader; nothing forgets it.
    FirstStepSet {
        /// The host.
        host: HostId,
        /// What is remembered now.
        step: Option<FirstStep>,
    },
    /// What is remembered of sending a host to its own disk.
    LocalBootSet {
        /// The host.
        host: HostId,
        /// What is remembered now.
        local: LocalBoot,
    },
    /// One label of a host; nothing takes it away.
    LabelSet {
        /// The host.
        host: HostId,
        /// The label.
        key: String,
        /// Its value.
        value: Option<String>,
    },
    /// One item of a host's metadata; nothing takes it away.
    MetadataSet {
        /// The host.
        host: HostId,
        /// The item.
        key: String,
        /// Its value.
        value: Option<String>,
    },
    /// What a machine reported of itself; an empty map takes it away.
    ReportedSet {
        /// The host.
        host: HostId,
        /// All that is known from reports now.
        reported: BTreeMap<String, String>,
    },
    /// A host that is no longer there.
    HostForgotten {
        /// The host.
        host: HostId,
    },
    /// Something that happened to a host and changes nothing but what people know.
    HostNoted {
        /// The host.
        host: HostId,
    },
    /// Whether new installs are paused, and why.
    PauseSet {
        /// Why, or nothing if installs go on.
        why: Option<String>,
    },
    /// What is remembered of a rule that may arm hosts; nothing forgets it.
    RuleSet {
        /// The rule.
        rule: RuleName,
        /// What is remembered now.
        record: Option<RuleRecord>,
    },
    /// Something that happened to the site and changes nothing but what people know.
    SiteNoted,
}

/// What is remembered of a rule that may arm hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRecord {
    /// A digest of the rule's text: another text is another rule.
    pub fingerprint: u64,
    /// Since when the rule stands; it arms only hosts that were first seen later.
    pub since: Timestamp,
    /// How many installs it has granted.
    pub granted: u32,
}

/// What is remembered of the site as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Why new installs are paused, if they are.
    pub paused: Option<String>,
    /// The rules that may arm hosts.
    pub rules: BTreeMap<RuleName, RuleRecord>,
    /// How many runs in a row ended without success.
    pub failures: u32,
}

/// All that the entries say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// The hosts by name. Shared, so that readers keep what they were given while the world goes on.
    pub hosts: BTreeMap<HostId, Arc<Host>>,
    /// The rest.
    pub site: Site,
}

impl Change {
    /// The host that the change is about.
    #[must_use]
    pub const fn host(&self) -> Option<&HostId> {
        match self {
            Self::HostAdded { host, .. }
            | Self::FactsBound { host, .. }
            | Self::StateSet { host, .. }
            | Self::FirstStepSet { host, .. }
            | Self::LocalBootSet { host, .. }
            | Self::LabelSet { host, .. }
            | Self::MetadataSet { host, .. }
            | Self::ReportedSet { host, .. }
            | Self::HostForgotten { host }
            | Self::HostNoted { host } => Some(host),
            Self::PauseSet { .. } | Self::RuleSet { .. } | Self::SiteNoted => None,
        }
    }
}

/// Folds one entry into the world. An entry about a host that is not there changes nothing.
///
/// Frozen: the record of every site was written for this function.
pub fn apply(world: &mut World, entry: &Entry) {
    match &entry.change {
        Change::HostAdded { host, facts } => {
            let added = || Arc::new(Host::new(host.clone(), entry.at, facts.clone()));
            world.hosts.entry(host.clone()).or_insert_with(added);
        }
        Change::HostForgotten { host } => {
            world.hosts.remove(host);
        }
        Change::PauseSet { why } => {
            world.site.paused.clone_from(why);
            world.site.failures = 0;
        }
        Change::RuleSet {
            rule,
            record: Some(record),
        } => {
            world.site.rules.insert(rule.clone(), record.clone());
        }
        Change::RuleSet { rule, record: None } => {
            world.site.rules.remove(rule);
        }
        Change::SiteNoted => {}
        Change::StateSet { host, state } => {
            if let Some(host) = world.hosts.get_mut(host)
                && let Some(finished) = set_state(Arc::make_mut(host), state, entry.at)
            {
                world.site.failures = if finished {
                    0
                } else {
                    world.site.failures.saturating_add(1)
                };
            }
        }
        Change::FactsBound { host, .. }
        | Change::FirstStepSet { host, .. }
        | Change::LocalBootSet { host, .. }
        | Change::LabelSet { host, .. }
        | Change::MetadataSet { host, .. }
        | Change::ReportedSet { host, .. }
        | Change::HostNoted { host } => {
            if let Some(host) = world.hosts.get_mut(host) {
                apply_to_host(Arc::make_mut(host), &entry.change);
            }
        }
    }
}

fn apply_to_host(host: &mut Host, change: &Change) {
    match change {
        Change::FactsBound { facts, .. } => host.facts = facts.clone(),
        Change::FirstStepSet { step, .. } => host.first_step = step.clone().map(Box::new),
        Change::LocalBootSet { local, .. } => host.local = local.clone(),
        Change::LabelSet { key, value, .. } => set_or_remove(&mut host.labels, key, value.as_ref()),
        Change::MetadataSet { key, value, .. } => set_or_remove(&mut host.metadata, key, value.as_ref()),
        Change::ReportedSet { reported, .. } => host.reported.clone_from(reported),
        Change::HostAdded { .. }
        | Change::HostForgotten { .. }
        | Change::StateSet { .. }
        | Change::HostNoted { .. }
        | Change::PauseSet { .. }
        | Change::RuleSet { .. }
        | Change::SiteNoted => {}
    }
}

fn set_or_remove(map: &mut BTreeMap<String, String>, key: &str, value: Option<&String>) {
    match value {
        Some(value) => map.insert(key.to_owned(), value.clone()),
        None => map.remove(key),
    };
}

/// Sets the state; a run that is over goes into the host's memory. Says whether such a run
/// succeeded; one that an operator stopped did neither.
fn set_state(host: &mut Host, state: &HostState, at: Timestamp) -> Option<bool> {
    let ended = match (host.state.phase.run(), state.phase.run()) {
        (Some(before), Some(after)) if before.number == after.number => None,
        (Some(before), _) => Some(finished_run(before, &state.phase, at)),
        (None, _) => None,
    };
    host.state = state.clone();
    let ended = ended?;
    let succeeded = match &ended.failure {
        None => Some(true),
        Some(Failure::Cancelled) => None,
        Some(_) => Some(false),
    };
    host.runs.push(ended);
    if host.runs.len() > RUNS_REMEMBERED_MAX {
        host.runs.remove(0);
    }
    host.local = LocalBoot {
        served: None,
        returns: 0,
        ..host.local.clone()
    };
    succeeded
}

fn finished_run(run: &Run, after: &Phase, ended: Timestamp) -> FinishedRun {
    let failure = match after {
        Phase::Installed { .. } | Phase::Armed { .. } => None,
        Phase::Failed { failure, .. } => Some(failure.clone()),
        Phase::New { .. } | Phase::Installing { .. } | Phase::Live { .. } | Phase::Ignored => Some(Failure::Cancelled),
    };
    FinishedRun {
        number: run.number,
        profile: run.profile.clone(),
        token: run.token,
        deadline: run.deadline,
        started: run.started,
        ended,
        attempts: run.attempts,
        failure,
    }
}
