//! The mirror of a host's state, flat so that `sqlite3` shows it with short paths.

use bootwright_core::{
    Failure, Grant, Grantor, HostState, Phase, ProfileName, RuleName, Run, RunNumber, Stance, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::RowError;
use super::facts::FactsRow;
use super::text::{Digest, Secret, Text};

/// The state: a phase by name, and the fields that this phase has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRow {
    phase: PhaseRow,
    #[serde(default, skip_serializing_if = "is_false")]
    locked: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    runs: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    stance: Option<StanceRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Text<ProfileName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    up: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<GrantRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    queue: Vec<Text<ProfileName>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PhaseRow {
    New,
    Armed,
    Installing,
    Installed,
    Failed,
    Live,
    Ignored,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StanceRow {
    Policy,
    Hold,
    Local,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunRow {
    number: u32,
    profile: Text<ProfileName>,
    revision: Text<Digest>,
    token: Text<Secret>,
    started: u64,
    deadline: u64,
    attempts: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    stalled: bool,
    /// Since format 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<std::net::IpAddr>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Text<RuleName>>,
    at: u64,
    expires: u64,
    machine: FactsRow,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wipe: Vec<String>,
}

/// Why a run failed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailureRow {
    kind: FailureKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FailureKind {
    Reported,
    Deadline,
    AttemptsUsed,
    Guard,
    Cancelled,
    IdentityChanged,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(crate) fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn texts(names: &[ProfileName]) -> Vec<Text<ProfileName>> {
    names.iter().cloned().map(Text).collect()
}

impl StateRow {
    fn empty(state: &HostState, phase: PhaseRow) -> Self {
        Self {
            phase,
            locked: state.locked,
            runs: state.runs,
            stance: None,
            profile: None,
            number: None,
            at: None,
            up: None,
            failure: None,
            run: None,
            grant: None,
            queue: Vec::new(),
        }
    }
}

impl From<&HostState> for StateRow {
    fn from(state: &HostState) -> Self {
        let row = |phase| Self::empty(state, phase);
        match &state.phase {
            Phase::New { stance } => Self {
                stance: Some(match stance {
                    Stance::Policy => StanceRow::Policy,
                    Stance::Hold => StanceRow::Hold,
                    Stance::Local => StanceRow::Local,
                }),
                ..row(PhaseRow::New)
            },
            Phase::Armed { grant, queue } => Self {
                grant: Some((&**grant).into()),
                queue: texts(queue),
                ..row(PhaseRow::Armed)
            },
            Phase::Installing { run, grant, rest } => Self {
                run: Some(run.into()),
                grant: Some((&**grant).into()),
                queue: texts(rest),
                ..row(PhaseRow::Installing)
            },
            Phase::Installed { run, profile, done, up } => Self {
                number: Some(run.get()),
                profile: Some(Text(profile.clone())),
                at: Some(done.as_millis()),
                up: up.map(Timestamp::as_millis),
                ..row(PhaseRow::Installed)
            },
            Phase::Failed {
                run,
                profile,
                at,
                failure,
            } => Self {
                number: Some(run.get()),
                profile: Some(Text(profile.clone())),
                at: Some(at.as_millis()),
                failure: Some(failure.into()),
                ..row(PhaseRow::Failed)
            },
            Phase::Live { profile } => Self {
                profile: Some(Text(profile.clone())),
                ..row(PhaseRow::Live)
            },
            Phase::Ignored => row(PhaseRow::Ignored),
        }
    }
}

impl StateRow {
    pub(crate) fn into_state(self) -> Result<HostState, RowError> {
        let (locked, runs) = (self.locked, self.runs);
        Ok(HostState {
            phase: self.into_phase()?,
            locked,
            runs,
        })
    }

    fn into_phase(self) -> Result<Phase, RowError> {
        let queue = self.queue.into_iter().map(|name| name.0).collect();
        let profile = |kind| self.profile.map(|name| name.0).ok_or(RowError::lacks(kind, "profile"));
        let number = |kind| self.number.map(RunNumber::new).ok_or(RowError::lacks(kind, "number"));
        let at = |kind| self.at.map(Timestamp::from_millis).ok_or(RowError::lacks(kind, "at"));
        let grant = |kind| {
            let row = self.grant.ok_or(RowError::lacks(kind, "grant"))?;
            row.into_grant().map(Box::new)
        };
        Ok(match self.phase {
            PhaseRow::New => Phase::New {
                stance: match self.stance.ok_or(RowError::lacks("new", "stance"))? {
                    StanceRow::Policy => Stance::Policy,
                    StanceRow::Hold => Stance::Hold,
                    StanceRow::Local => Stance::Local,
                },
            },
            PhaseRow::Armed => Phase::Armed {
                grant: grant("armed")?,
                queue,
            },
            PhaseRow::Installing => Phase::Installing {
                run: self.run.ok_or(RowError::lacks("installing", "run"))?.into_run(),
                grant: grant("installing")?,
                rest: queue,
            },
            PhaseRow::Installed => Phase::Installed {
                run: number("installed")?,
                profile: profile("installed")?,
                done: at("installed")?,
                up: self.up.map(Timestamp::from_millis),
            },
            PhaseRow::Failed => Phase::Failed {
                run: number("failed")?,
                profile: profile("failed")?,
                at: at("failed")?,
                failure: self
                    .failure
                    .ok_or(RowError::lacks("failed", "failure"))?
                    .into_failure()?,
            },
            PhaseRow::Live => Phase::Live {
                profile: profile("live")?,
            },
            PhaseRow::Ignored => Phase::Ignored,
        })
    }
}

impl From<&Run> for RunRow {
    fn from(run: &Run) -> Self {
        Self {
            number: run.number.get(),
            profile: Text(run.profile.clone()),
            revision: Text(Digest(run.revision)),
            token: Text(Secret(run.token)),
            started: run.started.as_millis(),
            deadline: run.deadline.as_millis(),
            attempts: run.attempts,
            stalled: run.stalled,
            to: run.to,
        }
    }
}

impl RunRow {
    fn into_run(self) -> Run {
        Run {
            number: RunNumber::new(self.number),
            profile: self.profile.0,
            revision: self.revision.0.0,
            token: self.token.0.0,
            started: Timestamp::from_millis(self.started),
            deadline: Timestamp::from_millis(self.deadline),
            attempts: self.attempts,
            stalled: self.stalled,
            to: self.to,
        }
    }
}

impl From<&Grant> for GrantRow {
    fn from(grant: &Grant) -> Self {
        let (operator, rule) = match &grant.by {
            Grantor::Operator(name) => (Some(name.clone()), None),
            Grantor::Rule(name) => (None, Some(Text(name.clone()))),
        };
        Self {
            operator,
            rule,
            at: grant.at.as_millis(),
            expires: grant.expires.as_millis(),
            machine: (&grant.machine).into(),
            wipe: grant.wipe.iter().cloned().collect(),
        }
    }
}

impl GrantRow {
    fn into_grant(self) -> Result<Grant, RowError> {
        let by = match (self.operator, self.rule) {
            (Some(name), None) => Grantor::Operator(name),
            (None, Some(name)) => Grantor::Rule(name.0),
            (None, None) | (Some(_), Some(_)) => return Err(RowError::lacks("grant", "operator` or `rule")),
        };
        Ok(Grant {
            by,
            at: Timestamp::from_millis(self.at),
            expires: Timestamp::from_millis(self.expires),
            machine: self.machine.into_facts(),
            wipe: self.wipe.into_iter().collect(),
        })
    }
}

impl From<&Failure> for FailureRow {
    fn from(failure: &Failure) -> Self {
        let (kind, words) = match failure {
            Failure::Reported(words) => (FailureKind::Reported, Some(words)),
            Failure::Deadline => (FailureKind::Deadline, None),
            Failure::AttemptsUsed => (FailureKind::AttemptsUsed, None),
            Failure::Guard(words) => (FailureKind::Guard, Some(words)),
            Failure::Cancelled => (FailureKind::Cancelled, None),
            Failure::IdentityChanged(words) => (FailureKind::IdentityChanged, Some(words)),
        };
        Self {
            kind,
            words: words.cloned(),
        }
    }
}

impl FailureRow {
    pub(crate) fn into_failure(self) -> Result<Failure, RowError> {
        let words = || self.words.ok_or(RowError::lacks("failure", "words"));
        Ok(match self.kind {
            FailureKind::Reported => Failure::Reported(words()?),
            FailureKind::Deadline => Failure::Deadline,
            FailureKind::AttemptsUsed => Failure::AttemptsUsed,
            FailureKind::Guard => Failure::Guard(words()?),
            FailureKind::Cancelled => Failure::Cancelled,
            FailureKind::IdentityChanged => Failure::IdentityChanged(words()?),
        })
    }
}
