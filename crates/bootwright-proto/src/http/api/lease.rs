//! Addresses that were leased.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Leases, in the order of their addresses. Those that have ended are among them: their machines get them again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseList {
    /// The leases.
    pub leases: Vec<LeaseEntry>,
    /// What to ask for next: `after` of the next page. Nothing behind the last lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A lease in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseEntry {
    /// The address.
    pub address: String,
    /// The card that has or had it.
    pub mac: String,
    /// The host that the card belongs to, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `bound`; `released` when the machine gave it back; `declined` if somebody else was seen to use it.
    pub state: String,
    /// Since when the card has it without a break.
    pub since: String,
    /// Until when it lasts or lasted; when it was given back.
    pub until: String,
    /// What the machine calls itself (option 12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
}
