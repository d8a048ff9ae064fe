//! The mirror of a host.

use std::collections::BTreeMap;

use bootwright_core::{FinishedRun, Host, HostId, LocalBoot, LocalMethod, ProfileName, RunNumber, Timestamp};
use serde::{Deserialize, Serialize};

use super::RowError;
use super::facts::FactsRow;
use super::first_step::FirstStepRow;
use super::state::{FailureRow, StateRow, is_zero};
use super::text::{Secret, Text};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostRow {
    since: u64,
    facts: FactsRow,
    state: StateRow,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    reported: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_step: Option<FirstStepRow>,
    #[serde(default, skip_serializing_if = "LocalRow::is_empty")]
    local: LocalRow,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runs: Vec<FinishedRow>,
}

/// What is remembered of sending a host to its disk.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<MethodRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    served: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    returns: u32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MethodRow {
    BiosDisk,
    UefiDisk,
    Exit,
    NoFile,
    NoOffer,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishedRow {
    number: u32,
    profile: Text<ProfileName>,
    token: Text<Secret>,
    started: u64,
    deadline: u64,
    ended: u64,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureRow>,
}

/// The text that stands for a host beside its name.
pub(crate) fn host_body(host: &Host) -> Result<String, RowError> {
    let Host {
        id: _,
        since,
        facts,
        labels,
        metadata,
        reported,
        state,
        first_step,
        local,
        runs,
    } = host;
    let row = HostRow {
        since: since.as_millis(),
        facts: facts.into(),
        state: state.into(),
        first_step: first_step.as_deref().map(FirstStepRow::from),
        labels: labels.clone(),
        metadata: metadata.clone(),
        reported: reported.clone(),
        local: local.into(),
        runs: runs.iter().map(FinishedRow::from).collect(),
    };
    Ok(serde_json::to_string(&row)?)
}

/// The host that stands beside this name.
pub(crate) fn host_from(id: HostId, body: &str) -> Result<Host, RowError> {
    let row: HostRow = serde_json::from_str(body)?;
    // Collecting would keep the larger allocation of the rows, for every host as long as the process lives.
    let mut runs = Vec::with_capacity(row.runs.len());
    for run in row.runs {
        runs.push(run.into_run()?);
    }
    Ok(Host {
        id,
        since: Timestamp::from_millis(row.since),
        facts: row.facts.into_facts(),
        labels: row.labels,
        metadata: row.metadata,
        reported: row.reported,
        state: row.state.into_state()?,
        first_step: row.first_step.map(|step| Box::new(step.into_first_step())),
        local: row.local.into_local(),
        runs,
    })
}

impl From<&LocalBoot> for LocalRow {
    fn from(local: &LocalBoot) -> Self {
        Self {
            method: local.method.map(|method| match method {
                LocalMethod::BiosDisk => MethodRow::BiosDisk,
                LocalMethod::UefiDisk => MethodRow::UefiDisk,
                LocalMethod::Exit => MethodRow::Exit,
                LocalMethod::NoFile => MethodRow::NoFile,
                LocalMethod::NoOffer => MethodRow::NoOffer,
            }),
            served: local.served.map(Timestamp::as_millis),
            returns: local.returns,
        }
    }
}

impl LocalRow {
    fn is_empty(&self) -> bool {
        self.method.is_none() && self.served.is_none() && self.returns == 0
    }

    pub(crate) fn into_local(self) -> LocalBoot {
        LocalBoot {
            method: self.method.map(|method| match method {
                MethodRow::BiosDisk => LocalMethod::BiosDisk,
                MethodRow::UefiDisk => LocalMethod::UefiDisk,
                MethodRow::Exit => LocalMethod::Exit,
                MethodRow::NoFile => LocalMethod::NoFile,
                MethodRow::NoOffer => LocalMethod::NoOffer,
            }),
            served: self.served.map(Timestamp::from_millis),
            returns: self.returns,
        }
    }
}

impl From<&FinishedRun> for FinishedRow {
    fn from(run: &FinishedRun) -> Self {
        Self {
            number: run.number.get(),
            profile: Text(run.profile.clone()),
            token: Text(Secret(run.token)),
            started: run.started.as_millis(),
            deadline: run.deadline.as_millis(),
            ended: run.ended.as_millis(),
            attempts: run.attempts,
            failure: run.failure.as_ref().map(FailureRow::from),
        }
    }
}

impl FinishedRow {
    fn into_run(self) -> Result<FinishedRun, RowError> {
        Ok(FinishedRun {
            number: RunNumber::new(self.number),
            profile: self.profile.0,
            token: self.token.0.0,
            deadline: Timestamp::from_millis(self.deadline),
            started: Timestamp::from_millis(self.started),
            ended: Timestamp::from_millis(self.ended),
            attempts: self.attempts,
            failure: self.failure.map(FailureRow::into_failure).transpose()?,
        })
    }
}
