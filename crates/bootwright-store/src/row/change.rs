//! The mirror of a change, flat like that of a state.

use std::collections::BTreeMap;

use bootwright_core::{Change, HostId, RuleName, RuleRecord, Timestamp};
use serde::{Deserialize, Serialize};

use super::RowError;
use super::facts::FactsRow;
use super::first_step::FirstStepRow;
use super::host::LocalRow;
use super::state::StateRow;
use super::text::{Digest, Text};

/// A change: its kind by name, and the fields that this kind has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRow {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Text<HostId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<FactsRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<LocalRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<FirstStepRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Text<RuleName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordRow>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    HostAdded,
    FactsBound,
    StateSet,
    FirstStepSet,
    LocalBootSet,
    LabelSet,
    MetadataSet,
    ReportedSet,
    HostForgotten,
    HostNoted,
    PauseSet,
    RuleSet,
    SiteNoted,
}

/// What is remembered of a rule.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordRow {
    fingerprint: Text<Digest>,
    since: u64,
    granted: u32,
}

impl ChangeRow {
    fn empty(kind: Kind) -> Self {
        Self {
            kind,
            host: None,
            facts: None,
            state: None,
            local: None,
            step: None,
            key: None,
            value: None,
            why: None,
            rule: None,
            record: None,
            reported: None,
        }
    }

    fn of(kind: Kind, host: &HostId) -> Self {
        Self {
            host: Some(Text(host.clone())),
            ..Self::empty(kind)
        }
    }

    fn item(kind: Kind, host: &HostId, key: &str, value: Option<&String>) -> Self {
        Self {
            key: Some(key.to_owned()),
            value: value.cloned(),
            ..Self::of(kind, host)
        }
    }
}

impl From<&Change> for ChangeRow {
    fn from(change: &Change) -> Self {
        match change {
            Change::HostAdded { host, facts } => Self {
                facts: Some(facts.into()),
                ..Self::of(Kind::HostAdded, host)
            },
            Change::FactsBound { host, facts } => Self {
                facts: Some(facts.into()),
                ..Self::of(Kind::FactsBound, host)
            },
            Change::StateSet { host, state } => Self {
                state: Some(state.into()),
                ..Self::of(Kind::StateSet, host)
            },
            Change::FirstStepSet { host, step } => Self {
                step: step.as_ref().map(FirstStepRow::from),
                ..Self::of(Kind::FirstStepSet, host)
            },
            Change::LocalBootSet { host, local } => Self {
                local: Some(local.into()),
                ..Self::of(Kind::LocalBootSet, host)
            },
            Change::LabelSet { host, key, value } => Self::item(Kind::LabelSet, host, key, value.as_ref()),
            Change::MetadataSet { host, key, value } => Self::item(Kind::MetadataSet, host, key, value.as_ref()),
            Change::ReportedSet { host, reported } => Self {
                reported: Some(reported.clone()),
                ..Self::of(Kind::ReportedSet, host)
            },
            Change::HostForgotten { host } => Self::of(Kind::HostForgotten, host),
            Change::HostNoted { host } => Self::of(Kind::HostNoted, host),
            Change::PauseSet { why } => Self {
                why: why.clone(),
                ..Self::empty(Kind::PauseSet)
            },
            Change::RuleSet { rule, record } => Self {
                rule: Some(Text(rule.clone())),
                record: record.as_ref().map(RecordRow::from),
                ..Self::empty(Kind::RuleSet)
            },
            Change::SiteNoted => Self::empty(Kind::SiteNoted),
        }
    }
}

impl ChangeRow {
    pub(crate) fn into_change(self) -> Result<Change, RowError> {
        let host = || self.host.map(|host| host.0).ok_or(RowError::lacks("change", "host"));
        let key = || self.key.ok_or(RowError::lacks("change", "key"));
        let facts = || self.facts.ok_or(RowError::lacks("change", "facts"));
        Ok(match self.kind {
            Kind::HostAdded => Change::HostAdded {
                host: host()?,
                facts: facts()?.into_facts(),
            },
            Kind::FactsBound => Change::FactsBound {
                host: host()?,
                facts: facts()?.into_facts(),
            },
            Kind::StateSet => Change::StateSet {
                host: host()?,
                state: self.state.ok_or(RowError::lacks("state-set", "state"))?.into_state()?,
            },
            Kind::FirstStepSet => Change::FirstStepSet {
                host: host()?,
                step: self.step.map(FirstStepRow::into_first_step),
            },
            Kind::LocalBootSet => Change::LocalBootSet {
                host: host()?,
                local: self
                    .local
                    .ok_or(RowError::lacks("local-boot-set", "local"))?
                    .into_local(),
            },
            Kind::LabelSet => Change::LabelSet {
                host: host()?,
                key: key()?,
                value: self.value,
            },
            Kind::MetadataSet => Change::MetadataSet {
                host: host()?,
                key: key()?,
                value: self.value,
            },
            Kind::ReportedSet => Change::ReportedSet {
                host: host()?,
                reported: self.reported.ok_or(RowError::lacks("reported-set", "reported"))?,
            },
            Kind::HostForgotten => Change::HostForgotten { host: host()? },
            Kind::HostNoted => Change::HostNoted { host: host()? },
            Kind::PauseSet => Change::PauseSet { why: self.why },
            Kind::RuleSet => Change::RuleSet {
                rule: self.rule.ok_or(RowError::lacks("rule-set", "rule"))?.0,
                record: self.record.map(RecordRow::into_record),
            },
            Kind::SiteNoted => Change::SiteNoted,
        })
    }
}

impl From<&RuleRecord> for RecordRow {
    fn from(record: &RuleRecord) -> Self {
        Self {
            fingerprint: Text(Digest(record.fingerprint)),
            since: record.since.as_millis(),
            granted: record.granted,
        }
    }
}

impl RecordRow {
    pub(crate) fn into_record(self) -> RuleRecord {
        RuleRecord {
            fingerprint: self.fingerprint.0.0,
            since: Timestamp::from_millis(self.since),
            granted: self.granted,
        }
    }
}
