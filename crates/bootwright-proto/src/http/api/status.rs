//! How the daemon does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the daemon does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What was counted since the start, by name; silences under `silence.<reason>`.
    pub counters: BTreeMap<String, u64>,
    /// The store.
    pub store: StoreView,
    /// The images and how they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageView>,
    /// What an operator should know, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The DHCP servers that were seen on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dhcp_servers: Vec<String>,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How long the last commit took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_commit_ms: Option<u64>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageView {
    /// Its name.
    pub image: String,
    /// Whether all its files are there.
    pub complete: bool,
    /// How many bytes they have.
    pub bytes: u64,
    /// What is wrong with it, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}
