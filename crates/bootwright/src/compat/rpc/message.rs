//! The messages of matchbox's API on the wire (Protocol Buffers), by their field numbers; `docs/dialects.md`, 3.10.

use std::collections::BTreeMap;

/// A group.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Group {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) profile: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub(super) selector: BTreeMap<String, String>,
    /// JSON.
    #[prost(bytes = "vec", tag = "5")]
    pub(super) metadata: Vec<u8>,
}

/// A profile.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Profile {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) ignition_id: String,
    #[prost(string, tag = "4")]
    pub(super) cloud_id: String,
    #[prost(message, optional, tag = "5")]
    pub(super) boot: Option<NetBoot>,
    #[prost(string, tag = "6")]
    pub(super) generic_id: String,
}

/// What a profile boots. The number 3 was the arguments' before matchbox 0.7.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NetBoot {
    #[prost(string, tag = "1")]
    pub(super) kernel: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) initrd: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub(super) args: Vec<String>,
}

/// Whatever is put, and what is answered to a question for one.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OfGroup {
    #[prost(message, optional, tag = "1")]
    pub(super) group: Option<Group>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OfProfile {
    #[prost(message, optional, tag = "1")]
    pub(super) profile: Option<Profile>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Groups {
    #[prost(message, repeated, tag = "1")]
    pub(super) groups: Vec<Group>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Profiles {
    #[prost(message, repeated, tag = "1")]
    pub(super) profiles: Vec<Profile>,
}

/// A document that is put.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PutDocument {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) config: Vec<u8>,
}

/// A document that was asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Document {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) config: Vec<u8>,
}

/// Which one: its id or its name.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Which {
    #[prost(string, tag = "1")]
    pub(super) id: String,
}

/// What a machine says.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Labels {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(super) labels: BTreeMap<String, String>,
}

/// It was done, and there is nothing to say.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Nothing {}
