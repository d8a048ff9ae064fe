//! What rules would arm, and the operator's word on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an operator may accept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalList {
    /// The proposals.
    pub proposals: Vec<Proposal>,
}

/// An arming that a rule would make of a host that was there before the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// The host.
    pub host: String,
    /// The rule.
    pub rule: String,
    /// What would be installed.
    pub profile: String,
    /// The name of the host's state now.
    pub state: String,
}

/// Accepts proposals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// Only for these hosts; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyReport {
    /// Those that were armed.
    pub armed: Vec<Proposal>,
    /// Those that were not, and why, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}
