//! What became of runs, as the record tells it: how many ended how, and how long they took.

use std::collections::BTreeMap;
use std::time::Duration;

use bootwright_core::{Change, Failure, HostId, Phase, RunNumber, Timestamp, Verb, World};
use bootwright_store::Recorded;

use super::histogram::Histogram;
use crate::telemetry::verb_name;

/// Of how many profiles the times are kept apart. Those beyond are counted together.
const PROFILES_MAX: usize = 200;

/// The name of those beyond.
const OTHERS: &str = "(others)";

/// How long a stage takes, in microseconds: from ten seconds to three hours.
const STAGE_BOUNDS: &[u64] = &[
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    1_200_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    10_800_000_000,
];

/// What became of runs since the start. Only the thread that records touches it, and whoever reads.
#[derive(Debug, Default)]
pub struct Runs {
    open: BTreeMap<HostId, Open>,
    /// When installs ended whose system was not heard of yet, with the profile.
    done: BTreeMap<HostId, (Timestamp, String)>,
    pub(super) ended: BTreeMap<(String, &'static str), u64>,
    pub(super) stages: BTreeMap<(String, &'static str), Histogram>,
    pub(super) events: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Debug)]
struct Open {
    number: RunNumber,
    profile: String,
    started: Timestamp,
}

impl Runs {
    /// The runs that were under way when we started.
    pub fn begin(&mut self, world: &World) {
        for host in world.hosts.values() {
            self.look(&host.id, &host.state.phase);
        }
    }

    /// Something was recorded.
    pub fn observe(&mut self, recorded: &Recorded) {
        let entry = &recorded.entry;
        *self.events.entry(verb_name(entry.verb)).or_default() += 1;
        match &entry.change {
            Change::StateSet { host, state } => {
                let same = |open: &Open| state.phase.run().is_some_and(|run| run.number == open.number);
                if let Some(open) = self.open.get(host).filter(|open| !same(open)).cloned() {
                    self.open.remove(host);
                    self.end(host, &open, &state.phase, entry.at);
                }
                self.look(host, &state.phase);
                if entry.verb == Verb::Up
                    && let Some((ended, profile)) = self.done.remove(host)
                {
                    self.took(profile, "up", entry.at.since(ended).as_millis());
                }
            }
            Change::HostForgotten { host } => {
                self.open.remove(host);
                self.done.remove(host);
            }
            _ => {}
        }
    }

    fn look(&mut self, host: &HostId, phase: &Phase) {
        if let Some(run) = phase.run() {
            self.done.remove(host);
            self.open.entry(host.clone()).or_insert_with(|| Open {
                number: run.number,
                profile: run.profile.to_string(),
                started: run.started,
            });
        }
    }

    fn end(&mut self, host: &HostId, open: &Open, after: &Phase, at: Timestamp) {
        let result = match after {
            Phase::Installed { .. } | Phase::Armed { .. } => "done",
            Phase::Failed { failure, .. } => match failure {
                Failure::Reported(_) => "reported",
                Failure::Deadline => "deadline",
                Failure::AttemptsUsed => "attempts-used",
                Failure::Guard(_) => "guard",
                Failure::IdentityChanged(_) => "identity-changed",
                Failure::Cancelled => "cancelled",
            },
            Phase::New { .. } | Phase::Installing { .. } | Phase::Live { .. } | Phase::Ignored => "cancelled",
        };
        let profile = self.known(&open.profile);
        *self.ended.entry((profile, result)).or_default() += 1;
        if result == "done" {
            self.took(open.profile.clone(), "install", at.since(open.started).as_millis());
            self.done.insert(host.clone(), (at, open.profile.clone()));
        }
    }

    fn took(&mut self, profile: String, stage: &'static str, ms: u64) {
        let profile = self.known(&profile);
        let stages = self.stages.entry((profile, stage));
        stages
            .or_insert_with(|| Histogram::new(STAGE_BOUNDS))
            .observe(Duration::from_millis(ms));
    }

    /// The profile's name, unless there are too many already.
    fn known(&self, profile: &str) -> String {
        let names = |place: &(String, &'static str)| place.0 == profile;
        let there = self.ended.keys().any(names) || self.stages.keys().any(names);
        let room = self.ended.len() < PROFILES_MAX * 4;
        if there || room {
            profile.to_owned()
        } else {
            OTHERS.to_owned()
        }
    }
}
