//! Exactly what a host would be answered now, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::host::FactsView;

/// Exactly what a host would be answered now, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// What was asked about: a name, an address or a UUID.
    pub subject: String,
    /// Who it is.
    pub identity: IdentityView,
    /// The name of its state.
    pub state: String,
    /// What the state is about, in words.
    pub words: String,
    /// Every rule in file order, with its verdict.
    pub rules: Vec<RuleView>,
    /// Every safety rule that has a say, in words, those that stop something first.
    pub safety: Vec<Line>,
    /// What the disk guard would say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardView>,
    /// What it would be answered, on each channel.
    pub answers: Vec<Answer>,
    /// What was not answered of late, and why, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Line>,
    /// The addresses that are leased to it or kept for it, or why none is; nothing where another server leases them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<Line>,
    /// Other DHCP and boot servers where it was last seen, or that there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segment: Vec<Line>,
}

/// Who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "identity", rename_all = "snake_case")]
pub enum IdentityView {
    /// A host in the store.
    Known {
        /// Its name.
        host: String,
        /// What tells it from others.
        facts: FactsView,
    },
    /// Not in the store, but it could be told from others.
    Unknown,
    /// Nothing tells it from others.
    Nobody,
    /// Its facts contradict each other or the record.
    Contradiction {
        /// The hosts that fit in part.
        candidates: Vec<Candidate>,
        /// What contradicts, in words.
        why: String,
    },
}

/// A host that fits in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Its name.
    pub host: String,
    /// What is recorded of it.
    pub facts: FactsView,
}

/// A rule and its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleView {
    /// Its name.
    pub rule: String,
    /// What it would give.
    pub profile: String,
    /// Whether it fits.
    pub matches: bool,
    /// Whether it is the one that counts: the first that fits.
    pub decides: bool,
    /// What does not fit, or what the rule may do, in words.
    pub why: String,
}

/// What the disk guard would say of disks that are not empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GuardView {
    /// `empty-only` or `always`.
    pub wipe: String,
    /// Serial numbers of disks that may be overwritten all the same.
    pub allowed: Vec<String>,
}

/// What is answered on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The channel: `dhcp bios`, `dhcp efi64`, `dhcp ipxe`, `tftp`, `ipxe`.
    pub channel: String,
    /// The verdict in one word: `first-file`, `script`, `install`, `give-up`, `live`, `local`, `hold`, `silence`.
    pub verdict: String,
    /// The verdict in words.
    pub words: String,
    /// The text that would be sent, tokens left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A point, and when it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The stable code.
    pub code: String,
    /// The point, in words.
    pub words: String,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}
