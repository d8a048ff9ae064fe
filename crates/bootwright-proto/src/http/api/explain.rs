//! Exactly what a host would be answered now, and why.

use std::collections::BTreeMap;

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
    /// What its machine reported of itself, which nobody has confirmed; no rule arms by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reported: BTreeMap<String, String>,
    /// The profile that it would be armed with if nobody names another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant: Option<Meant>,
    /// Every rule in file order, with its verdict.
    pub rules: Vec<RuleView>,
    /// The metadata that rules give it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<String, String>,
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
    /// Commands that show what would have to be otherwise for it to be answered otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why_not: Vec<String>,
}

/// The profile that a host is meant for. That grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Meant {
    /// The profile.
    pub profile: String,
    /// What says so: `hosts.NAME.profile`, `rules.NAME` or `safety.unknown`.
    pub by: String,
    /// The file and the line in which that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
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
    /// The file and the line in which it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
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
    /// The channel: `dhcp bios`, `dhcp efi64`, `dhcp ipxe`, `tftp`, `ipxe`, `config`; with packets also `pxe bios`, which is
    /// port 4011.
    pub channel: String,
    /// The verdict in one word: `first-file`, `script`, `install`, `give-up`, `live`, `local`, `hold`, `silence`.
    pub verdict: String,
    /// The verdict in words.
    pub words: String,
    /// The text that would be sent, tokens left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many bytes are sent, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The packet that answers one with the transaction 0, in hexadecimal, where packets were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<String>,
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
