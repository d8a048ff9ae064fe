//! The configuration as it was read, with where each line stands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the configuration's files say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigView {
    /// The files, in the order in which they count.
    pub files: Vec<String>,
    /// What they set, in that order. What is not set has its default.
    pub settings: Vec<SettingView>,
    /// Why what is on the disk now is not in force, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A key and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingView {
    /// The section: `safety`, `profiles.debian`.
    pub section: String,
    /// The key within it.
    pub key: String,
    /// The value, as TOML. What looks like a secret is not shown.
    pub value: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}
