//! The mirrors of what is remembered of the site as a whole, and of its rules.

use std::collections::BTreeMap;

use bootwright_core::{RuleName, RuleRecord, Site, Uuid};
use serde::{Deserialize, Serialize};

use super::RowError;
use super::change::RecordRow;
use super::state::{is_false, is_zero};
use super::text::Text;
use crate::{ClockMark, ClockReading};

/// What stands in the one row of the site beside its counts.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiteRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paused: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) failures: u32,
    /// The rules, where they have no table of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) rules: BTreeMap<String, RecordRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<ClockRow>,
    /// The sums of all rows of `revisions`, added up. Since format 4.
    #[serde(default, skip_serializing_if = "is_zero_sum")]
    pub(crate) revisions: i64,
    /// Whether this store is a copy that nobody has started from yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) backup: bool,
}

/// What the clocks showed at the last commit.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockRow {
    boot_id: Text<Uuid>,
    boottime_ms: u64,
    wall_ms: u64,
    site_ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_zero_sum(sum: &i64) -> bool {
    *sum == 0
}

impl From<ClockMark> for ClockRow {
    fn from(mark: ClockMark) -> Self {
        Self {
            boot_id: Text(mark.reading.boot_id),
            boottime_ms: mark.reading.boottime_ms,
            wall_ms: mark.reading.wall_ms,
            site_ms: mark.site_ms,
        }
    }
}

impl ClockRow {
    pub(crate) const fn mark(&self) -> ClockMark {
        ClockMark {
            reading: ClockReading {
                boot_id: self.boot_id.0,
                boottime_ms: self.boottime_ms,
                wall_ms: self.wall_ms,
            },
            site_ms: self.site_ms,
        }
    }
}

impl SiteRow {
    /// The row of a site with its rules inside.
    pub(crate) fn whole(site: &Site) -> Self {
        let rules = site.rules.iter();
        Self {
            paused: site.paused.clone(),
            failures: site.failures,
            rules: rules.map(|(name, record)| (name.to_string(), record.into())).collect(),
            clock: None,
            revisions: 0,
            backup: false,
        }
    }

    /// The site, with the rules that stand inside.
    pub(crate) fn into_site(self) -> Result<Site, RowError> {
        let rules = self.rules.into_iter().map(|(name, record)| {
            let name: RuleName = name.parse().map_err(|_| RowError::new("not the name of a rule"))?;
            Ok((name, record.into_record()))
        });
        Ok(Site {
            paused: self.paused,
            rules: rules.collect::<Result<_, RowError>>()?,
            failures: self.failures,
        })
    }

    pub(crate) fn body(&self) -> Result<String, RowError> {
        Ok(serde_json::to_string(self)?)
    }

    pub(crate) fn from_body(body: &str) -> Result<Self, RowError> {
        Ok(serde_json::from_str(body)?)
    }
}

/// The text that stands for a rule beside its name.
pub(crate) fn rule_body(record: &RuleRecord) -> Result<String, RowError> {
    Ok(serde_json::to_string(&RecordRow::from(record))?)
}

/// What is remembered of the rule with this text.
pub(crate) fn rule_from(body: &str) -> Result<RuleRecord, RowError> {
    let row: RecordRow = serde_json::from_str(body)?;
    Ok(row.into_record())
}
