//! What became of reading the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of reading the configuration, by `reload` or `check`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReloadReport {
    /// Whether it is in force. After `check`: whether it could be.
    pub accepted: bool,
    /// Errors, warnings and notes, in the order of files and lines.
    pub diagnostics: Vec<DiagnosticView>,
    /// What differs from before, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// How many armings the rules propose; `apply` accepts them.
    pub proposals: u32,
}

/// What differs between the configuration in force and the one on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigDiff {
    /// Whether the one on disk can be used; if not, a reload would change nothing.
    pub usable: bool,
    /// What differs, in the order of the keys.
    pub changes: Vec<ConfigChange>,
    /// What is wrong or odd about the one on disk.
    pub diagnostics: Vec<DiagnosticView>,
}

/// A key that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigChange {
    /// The key with its section in front.
    pub key: String,
    /// What is in force, in TOML. Documents and metadata are named and not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What is on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether it counts only after a restart.
    pub restart: bool,
}

/// One thing that is wrong or odd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosticView {
    /// How bad it is.
    pub severity: Severity,
    /// The stable code, which `bootwright help` explains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What it is.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The lines of the file with carets below, for a terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered: Option<String>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, and likely does something else than meant.
    Warning,
    /// Something to know.
    Note,
}
