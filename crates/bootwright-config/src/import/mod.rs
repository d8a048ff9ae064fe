//! Existing installations of other systems as a configuration of ours, to be written once and then edited.
//!
//! Pure: the shell gathers the files, and writes what comes out. Nothing here arms a machine. What has no counterpart is named
//! with its file and line.

mod dhcpd;
mod dnsmasq;
mod draft;
mod dynamic_ignition;
mod flatcar;
mod kiwispray;
mod left;
mod line;
mod machine;
mod native;
mod pool;
mod pxelinux;
mod variable;

use std::sync::Arc;

use bootwright_core::{HostId, MacAddr};

use crate::compat::Dialect;
use crate::diagnostic::Diagnostic;
use crate::foreign::Content;

pub(crate) use left::Left;

/// A system whose installation can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// bootcfg: its data directory, units and scripts with its options.
    Bootcfg,
    /// dnsmasq: `dnsmasq.conf`, the files of `dnsmasq.d`, files of hosts.
    Dnsmasq,
    /// dynamic-ignition-coreos: `nodes.json`, `config.ign`, `dhcpd.conf`, `pxelinux.cfg/`.
    DynamicIgnition,
    /// The Flatcar PXE container: `node-configs/*-ignite-boot.yml`.
    Flatcar,
    /// KIWIspray: the directory of `ks.py`.
    Kiwispray,
    /// matchbox: its data directory, units and scripts with its options.
    Matchbox,
}

impl System {
    /// All of them, in the order of their names.
    pub const ALL: &[Self] = &[
        Self::Bootcfg,
        Self::Dnsmasq,
        Self::DynamicIgnition,
        Self::Flatcar,
        Self::Kiwispray,
        Self::Matchbox,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bootcfg => "bootcfg",
            Self::Dnsmasq => "dnsmasq",
            Self::DynamicIgnition => "dynamic-ignition",
            Self::Flatcar => "flatcar",
            Self::Kiwispray => "kiwispray",
            Self::Matchbox => "matchbox",
        }
    }

    /// Whether a file below a directory that was given is read, by its path there.
    #[must_use]
    pub fn reads(self, path: &str) -> bool {
        let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        let top = path.split('/').next().unwrap_or_default();
        match self {
            // As dnsmasq does: what lies deeper, or was set aside by a package, is none of it.
            Self::Dnsmasq => !path.contains('/') && !ends(&[".dpkg-dist", ".dpkg-old", ".dpkg-new", ".bak"]),
            Self::Bootcfg | Self::Matchbox => !["assets", "images"].contains(&top),
            Self::Kiwispray => path == kiwispray::HOSTS || ends(&[".tmpl"]),
            Self::DynamicIgnition => {
                ends(&["nodes.json", ".ign", "dhcpd.conf"]) || path.split('/').any(|part| part == "pxelinux.cfg")
            }
            Self::Flatcar => ends(&[".yml", ".yaml", "Dockerfile"]),
        }
    }
}

/// A file that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its path, as messages name it.
    pub path: String,
    /// The directory that was given and below which it lies; nothing for a file that was given itself.
    pub directory: Option<String>,
    /// What it holds.
    pub content: Content,
}

/// What an installation becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The file for `conf.d`, as TOML with a comment on where each piece comes from.
    pub config: String,
    /// Documents beside it, by their relative paths.
    pub documents: Vec<(String, String)>,
    /// The machines that it names.
    pub machines: Vec<Known>,
    /// What has no counterpart, or is not whole, in the order of the files.
    pub left: Vec<Diagnostic>,
    /// How many more of those there are.
    pub more_left: usize,
    /// What is left to be done by hand, in a line each.
    pub steps: Vec<String>,
}

/// What becomes of a machine that the other system knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name in `[hosts]`.
    pub host: HostId,
    /// One of its cards, by which a daemon is told of it that has not read the new configuration yet.
    pub mac: Option<MacAddr>,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a machine stood in the other system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It was installed, and is to boot its own disk.
    Installed,
    /// It was waiting, or in the middle of something: an operator has to look.
    Waiting,
    /// It was not answered.
    Ignored,
    /// The other system did not keep such a record.
    Unrecorded,
}

/// A text that was given.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) text: Arc<str>,
}

/// Turns an installation into a configuration, whose documents will lie in a directory `name` beside it.
#[must_use]
pub fn import(system: System, given: &[Given], name: &str) -> Imported {
    let mut left = Left::default();
    match system {
        System::Bootcfg => native::import(Dialect::Bootcfg, given, name, left),
        System::Matchbox => native::import(Dialect::Matchbox, given, name, left),
        System::Kiwispray => kiwispray::import(given, left),
        System::DynamicIgnition => dynamic_ignition::import(texts(given, &mut left), name, left),
        System::Flatcar => flatcar::import(texts(given, &mut left), name, left),
        System::Dnsmasq => dnsmasq::import(texts(given, &mut left), left),
    }
}

/// The texts among the files. What is none is told.
fn texts(given: &[Given], left: &mut Left) -> Vec<Text> {
    let mut texts = Vec::new();
    for file in given {
        match &file.content {
            Content::Text(text) => texts.push(Text {
                path: file.path.clone(),
                text: Arc::clone(text),
            }),
            Content::Unusable(why) => {
                let nothing = Text {
                    path: file.path.clone(),
                    text: "".into(),
                };
                left.tell(
                    &nothing,
                    0..0,
                    format!("cannot be read: {why}"),
                    "nothing of it was carried over",
                );
            }
        }
    }
    texts
}
