//! Hosts as the API shows them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Hosts, in the order of their names in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostList {
    /// The hosts.
    pub hosts: Vec<HostSummary>,
    /// What to ask for next: `after` of the next page. Nothing behind the last host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many hosts fit on all pages together.
    #[serde(default)]
    pub total: u64,
}

/// A host in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostSummary {
    /// Its name.
    pub host: String,
    /// The name of its state: `new`, `armed`, `installing`, `installed`, `failed`, `live`, `ignored`.
    pub state: String,
    /// The profile that the state speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Whether it is locked.
    pub locked: bool,
    /// Whether a stage of its run takes too long.
    pub stalled: bool,
    /// The number of its present or last run; 0 before the first.
    pub run: u32,
    /// The card that it was last seen booting from, else the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The address that it was last seen with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it was last heard of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// How far its install is, or the file that it is fetching before one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// How a person reads its state: `new`, `held`, `local`, `armed`, `installing`, `stalled`, `done`, `up`, `failed`, `live`,
    /// `ignored`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub badge: String,
    /// Whether it waits for somebody to decide.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attention: bool,
    /// Why, in words: what its machine waits for, or how its run failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The profile that it is armed with if nobody names another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// When its run began, if one is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_started: Option<String>,
    /// Its labels, those of the configuration among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The interface of ours on which it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// `bios` or `uefi`, as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Its maker and what the maker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
}

/// The log of an install: what its installer said by syslog, in reports, and as its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostLog {
    /// The host.
    pub host: String,
    /// The run that it is of; 0 where no run has a log.
    pub run: u32,
    /// The runs that have a log.
    pub runs: Vec<u32>,
    /// How many bytes the log has.
    pub bytes: u64,
    /// Whether `text` is all of it, or only its end.
    pub whole: bool,
    /// Its lines, without anything that steers a terminal. Nothing in them is more than a claim.
    pub text: String,
}

/// Everything about a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostDetail {
    /// What a list shows.
    #[serde(flatten)]
    pub summary: HostSummary,
    /// When it was first seen or named.
    pub since: String,
    /// What tells it from others.
    pub facts: FactsView,
    /// Where it stands, with all that belongs to that.
    pub detail: StateView,
    /// Why the state means what the machine is told now, in words.
    pub words: String,
    /// Whether the configuration names it.
    pub configured: bool,
    /// Its metadata, that of the configuration among it.
    pub metadata: BTreeMap<String, String>,
    /// What its machine reported of itself, which nobody has confirmed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reported: BTreeMap<String, String>,
    /// How its firmware is brought to its boot loader, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_step: Option<FirstStepView>,
    /// How it is sent to its own disk.
    pub local_boot: LocalBootView,
    /// The addresses that its cards were leased here, those that have ended among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leases: Vec<LeaseView>,
    /// The code on its console.
    pub code: String,
    /// Its finished runs, the newest last.
    pub runs: Vec<FinishedRunView>,
}

/// An address that was leased to a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseView {
    /// The address.
    pub address: String,
    /// The card.
    pub mac: String,
    /// `bound`; `released` when the machine gave it back; `declined` if somebody else was seen to use it.
    pub state: String,
    /// Until when that lasts or lasted; when it was given back.
    pub until: String,
}

/// What is known of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FactsView {
    /// Its cards.
    pub cards: Vec<CardView>,
    /// Its UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Its serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Its asset tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// What the maker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

/// A card of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardView {
    /// Its address.
    pub mac: String,
    /// How far it tells the host from others: `good`, `shared` or `junk`.
    pub quality: String,
}

/// Where a host stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StateView {
    /// Seen, and nobody has decided.
    New {
        /// `policy`, or what an operator said: `hold` or `local`.
        stance: String,
    },
    /// An install was granted.
    Armed {
        /// The permission.
        grant: GrantView,
        /// What will be installed, in order.
        queue: Vec<String>,
    },
    /// Its install script was served.
    Installing {
        /// The run.
        run: RunView,
        /// The permission.
        grant: GrantView,
        /// What will be installed after it.
        rest: Vec<String>,
    },
    /// Installed.
    Installed {
        /// The run that did it.
        run: u32,
        /// What was installed.
        profile: String,
        /// When.
        done: String,
        /// When the installed system first reported.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        up: Option<String>,
    },
    /// Its run ended without success.
    Failed {
        /// The run.
        run: u32,
        /// What was to be installed.
        profile: String,
        /// When it failed.
        at: String,
        /// The stable code of the reason.
        failure: String,
        /// The reason in words.
        reason: String,
    },
    /// It boots a profile every time.
    Live {
        /// The profile.
        profile: String,
    },
    /// It is never answered.
    Ignored,
}

/// A permission to install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantView {
    /// Who gave it: a person's name, or `rule <name>`.
    pub by: String,
    /// When.
    pub at: String,
    /// When it lapses unused.
    pub expires: String,
    /// Serial numbers of disks that may be overwritten although they are not empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_wipe: Vec<String>,
}

/// A run under way. Its token is a secret and not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// Which run of the host.
    pub number: u32,
    /// What it installs.
    pub profile: String,
    /// When its script was first served.
    pub started: String,
    /// When it fails if nothing is heard.
    pub deadline: String,
    /// How often its script was served.
    pub attempts: u32,
    /// Whether a stage takes too long.
    pub stalled: bool,
}

/// How far an install is, as the installer or the bytes served tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressView {
    /// The stage: `script`, `kernel`, or what the installer calls it.
    pub stage: String,
    /// How much of it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// What the installer said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The file that is being fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How many bytes of it the machine has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How many bytes it has in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinishedRunView {
    /// Which run of the host.
    pub number: u32,
    /// What it installed.
    pub profile: String,
    /// When its script was first served.
    pub started: String,
    /// When it ended.
    pub ended: String,
    /// How long it took.
    pub took_ms: u64,
    /// How often its script was served.
    pub attempts: u32,
    /// Whether it was reported done.
    pub succeeded: bool,
    /// The stable code of why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The reason in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a host's firmware is brought to its boot loader.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirstStepView {
    /// How the offer was worded that worked the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// The boot program that called the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What it shows of its make: the first half of its card's address, and its vendor class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// How the configuration wants the offer to be worded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// How its last offer was worded, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<String>,
    /// How many offers of this wording led to nothing so far.
    #[serde(default, skip_serializing_if = "none")]
    pub unanswered: u8,
    /// How often in a row it fetched its boot program, which did not call.
    #[serde(default, skip_serializing_if = "none")]
    pub uncalled: u8,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so
const fn none(number: &u8) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// How a host is sent to its own disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalBootView {
    /// The method that is remembered: `bios-disk`, `uefi-disk`, `exit`, `no-file` or `no-offer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Whether the configuration pins it.
    pub pinned: bool,
    /// How often in a row the host came back too early.
    pub returns: u32,
    /// Whence the method is known: `configured`, `host`, `make`, `tried` or `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whence: Option<String>,
    /// Whether no method has started its disk, so that it waits.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parked: bool,
}
