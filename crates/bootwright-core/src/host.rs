//! A host as the store knows it.

use std::collections::BTreeMap;

use crate::{Facts, FirstStep, HostId, HostState, LocalMethod, ProfileName, RunNumber, Timestamp, Token};

/// The most finished runs that a host remembers.
pub const RUNS_REMEMBERED_MAX: usize = 20;

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name in the store.
    pub id: HostId,
    /// When it was first seen or named.
    pub since: Timestamp,
    /// What tells it from others.
    pub facts: Facts,
    /// Labels that an operator set on it; those of the configuration are beside the host's definition.
    pub labels: BTreeMap<String, String>,
    /// Metadata that an operator set on it.
    pub metadata: BTreeMap<String, String>,
    /// What the machine reported of itself, within the bounds of [`Reported`](crate::Reported).
    pub reported: BTreeMap<String, String>,
    /// What becomes of it.
    pub state: HostState,
    /// What brought its firmware to its boot loader the last time. Few words for many hosts, so they are kept apart.
    pub first_step: Option<Box<FirstStep>>,
    /// How it is sent to its own disk, and how well that went.
    pub local: LocalBoot,
    /// Its finished runs, the newest last.
    pub runs: Vec<FinishedRun>,
}

/// What is remembered of sending a host to its own disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalBoot {
    /// The method in use; none as long as the first of the firmware's list has not failed.
    pub method: Option<LocalMethod>,
    /// When a script that starts the local disk was last served, as long as no later event settled how it went.
    pub served: Option<Timestamp>,
    /// How often in a row the host came back from it too early. With nothing served since, it is parked.
    pub returns: u32,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedRun {
    /// Which run it was.
    pub number: RunNumber,
    /// What it installed.
    pub profile: ProfileName,
    /// Its token, which still answers repeated reports.
    pub token: Token,
    /// Until when the token answers.
    pub deadline: Timestamp,
    /// When its script was first served.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How often its script was served.
    pub attempts: u32,
    /// Nothing if it was reported done, else why it failed.
    pub failure: Option<crate::Failure>,
}

impl Host {
    /// A host that was just seen or named for the first time.
    #[must_use]
    pub fn new(id: HostId, since: Timestamp, facts: Facts) -> Self {
        Self {
            id,
            since,
            facts,
            labels: BTreeMap::new(),
            metadata: BTreeMap::new(),
            reported: BTreeMap::new(),
            state: HostState::default(),
            first_step: None,
            local: LocalBoot::default(),
            runs: Vec::new(),
        }
    }
}
