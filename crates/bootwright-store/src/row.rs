//! The frozen spelling of what is stored: mirrors of the core's values, and the way there and back.
//!
//! The core's types may change, these may not: stores in the field are written in them. A new format is a new mirror
//! beside the old one, a migration, and a new directory of golden files.

mod change;
mod entry;
mod facts;
mod first_step;
mod host;
mod lease;
mod profile;
mod site;
mod state;
mod text;

use std::fmt;

pub(crate) use entry::EventRow;
pub(crate) use host::{host_body, host_from};
pub(crate) use lease::LeaseRow;
pub(crate) use profile::{key_text, profile_body, profile_from};
pub(crate) use site::{SiteRow, rule_body, rule_from};

/// A row that says something the core has no value for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError(String);

/// A column of the record that holds a text of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The change of an event.
    Change,
    /// A host.
    Host,
    /// A profile that a run was started with.
    Revision,
    /// What is remembered of a rule.
    Rule,
    /// The site.
    Site,
}

/// Reads a text of the record and writes what it says anew, as an upgrade would.
///
/// # Errors
/// When it says nothing that we know.
pub fn reread(column: Column, text: &str) -> Result<String, RowError> {
    match column {
        Column::Change => {
            let row: change::ChangeRow = serde_json::from_str(text)?;
            let change = row.into_change()?;
            Ok(serde_json::to_string(&change::ChangeRow::from(&change))?)
        }
        Column::Host => {
            let id = "host".parse().map_err(|_| RowError::new("not the name of a host"))?;
            host_body(&host_from(id, text)?)
        }
        Column::Revision => profile_body(&profile_from("profile", "0000000000000000", text)?),
        Column::Rule => rule_body(&rule_from(text)?),
        Column::Site => SiteRow::whole(&SiteRow::from_body(text)?.into_site()?).body(),
    }
}

impl RowError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// A mirror lacks a field that its kind must have.
    fn lacks(kind: &str, field: &str) -> Self {
        Self(format!("`{kind}` without `{field}`"))
    }
}

impl std::error::Error for RowError {}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<serde_json::Error> for RowError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests;
