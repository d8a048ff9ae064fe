//! How the daemon does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// That it does.
    pub alive: bool,
}

/// A document without members, for commands that need none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How the daemon does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Whether all that the configuration asks for is served.
    pub ready: bool,
    /// Since when it runs.
    pub started: String,
    /// `proxy`, `observe` or `off`.
    pub mode: String,
    /// Why new installs are paused, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// The interfaces, those that are not served among them.
    pub links: Vec<LinkView>,
    /// How many hosts are in each state.
    pub hosts: BTreeMap<String, u64>,
    /// The same by how a person reads the states, as `badge` of a host names them.
    #[serde(default)]
    pub badges: BTreeMap<String, u64>,
    /// How many hosts wait for somebody to decide.
    #[serde(default)]
    pub attention: u64,
    /// What was counted since the start, by the part of the daemon and the reason: `dhcp.answered`, `tftp.too-short`. What
    /// never happened is not listed.
    pub counters: BTreeMap<String, u64>,
    /// The boot programs of the site's own, in the `firmware/` directory of the data directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_firmware: Vec<FirmwareView>,
    /// The door for browsers and other boxes, if the configuration has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlView>,
    /// The store.
    pub store: StoreView,
    /// What an operator should know, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkView {
    /// Its name.
    pub link: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How machines on it reach the machine plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Whether it is served.
    pub served: bool,
    /// Why not, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The other DHCP and boot servers that were found on it, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dhcp_servers: Vec<String>,
    /// The same servers, taken apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerView>,
    /// Whether they were searched for at least once, so that who is not listed is not there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub searched: bool,
}

/// Another DHCP or boot server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerView {
    /// The address by which it calls itself.
    pub address: String,
    /// The hardware address that its packets come from, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// The process that it is, if it runs on this very box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// What it does: `leases`, `boots`, `names-file`, `claims-pxe`, `hides-proxies`.
    pub deeds: Vec<String>,
    /// When it was first found.
    pub since: String,
    /// When it was last heard.
    pub heard: String,
}

/// A boot program of the site's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirmwareView {
    /// The name under which it is served.
    pub name: String,
    /// The SHA-256 of what is there, if that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether the site's `manifest.toml` lists it.
    pub listed: bool,
    /// Whether machines get it. One that is listed with another SHA-256 is not served.
    pub served: bool,
    /// The architectures whose first boot file it is, unless the configuration names another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arch: Vec<String>,
    /// Other names under which it is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
}

/// The door for browsers and other boxes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlView {
    /// Whether it is open.
    pub open: bool,
    /// Its port.
    pub port: u16,
    /// `self-signed`, `own` or `off`.
    pub tls: String,
    /// The SHA-256 of its certificate, as browsers show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// URLs by which it is reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Whether nobody can log in yet, and the one-time code in the log makes the first admin.
    pub awaits_first: bool,
    /// What is wrong with it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreView {
    /// What it is: `sqlite`.
    pub kind: String,
    /// Whether it can be written.
    pub ready: bool,
    /// Why not, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The last line of the record that is durable.
    pub seq: u64,
}
