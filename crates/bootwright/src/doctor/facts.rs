//! What the checks judge: everything that was gathered, as plain values.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use bootwright_config::Daemon;
use bootwright_core::{DhcpMode, Rules};
use bootwright_net::Link;
use bootwright_net::environment::Environment;
use bootwright_net::selection::Choice;

use super::boot::Booted;
use super::firewall::Ruleset;

/// What was gathered. An area that no check asked for is empty.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) site: Site,
    pub(super) network: Network,
    pub(super) segment: Segment,
    pub(super) ports: Ports,
    pub(super) firewall: Firewall,
    pub(super) process: Process,
    pub(super) disk: Disk,
    pub(super) store: Store,
    pub(super) config: Config,
    pub(super) image: Images,
    pub(super) boot: Boots,
}

/// What the configuration and the daemon say of the site.
#[derive(Debug)]
pub(super) struct Site {
    /// The daemon's settings; the defaults where the configuration cannot be used.
    pub(super) daemon: Daemon,
    /// How DHCP is answered.
    pub(super) mode: DhcpMode,
    pub(super) data_dir: PathBuf,
    pub(super) config: PathBuf,
    /// What a running daemon says.
    pub(super) running: Option<Running>,
}

/// A running daemon.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// Its process, where it can be seen from here.
    pub(super) pid: Option<u32>,
    pub(super) status: bootwright_proto::http::api::Status,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            daemon: Daemon::default(),
            mode: DhcpMode::Proxy,
            data_dir: PathBuf::new(),
            config: PathBuf::new(),
            running: None,
        }
    }
}

/// The box' interfaces.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// All of them, with what becomes of each.
    pub(super) links: Vec<(Link, Choice)>,
    /// Why they cannot be listed.
    pub(super) trouble: Option<String>,
    pub(super) environment: Option<Environment>,
    /// Default routes: the interface, and the router.
    pub(super) gateways: Vec<(String, Ipv4Addr)>,
    /// Bridges on which the spanning tree protocol is on, with the seconds that a port waits in each of its two states.
    pub(super) spanning: Vec<(String, u32)>,
    /// Names and patterns of `server.interfaces` that fit nothing.
    pub(super) absent: Vec<String>,
}

impl Network {
    pub(super) fn served(&self) -> impl Iterator<Item = &Link> {
        self.links
            .iter()
            .filter(|(_, choice)| *choice == Choice::Served)
            .map(|(link, _)| link)
    }
}

/// Other DHCP and boot servers.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// By interface; or why it was not searched.
    pub(super) servers: BTreeMap<String, Result<Vec<Server>, String>>,
}

/// Another server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) address: String,
    /// The names of what it does.
    pub(super) deeds: Vec<String>,
    /// The process that it is, on this box.
    pub(super) process: Option<String>,
    /// What ends it, on this box.
    pub(super) stop: Option<String>,
}

impl Server {
    pub(super) fn does(&self, deed: bootwright_core::census::Deed) -> bool {
        self.deeds.iter().any(|name| name == deed.name())
    }
}

/// Ports that the daemon needs.
#[derive(Debug, Default)]
pub(super) struct Ports {
    /// By the check that speaks of it.
    pub(super) ports: BTreeMap<&'static str, Port>,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub(super) number: u16,
    pub(super) protocol: &'static str,
    /// Who holds it, other than the daemon.
    pub(super) foreign: Vec<Holder>,
    /// Whether the daemon holds it.
    pub(super) ours: bool,
}

/// Who holds a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its name and number, in words.
    pub(super) words: String,
    /// The systemd unit that it belongs to, if that is another than ours.
    pub(super) unit: Option<String>,
    /// What ends it.
    pub(super) stop: Option<String>,
}

/// The packet filter.
#[derive(Debug, Default)]
pub(super) struct Firewall {
    pub(super) rules: Option<Result<Ruleset, String>>,
}

/// What a process may, and who it is.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// Whose capabilities they are, in words.
    pub(super) whose: String,
    /// The effective capabilities, as bits; nothing if they cannot be read.
    pub(super) capabilities: Option<u64>,
    /// The program's file, which could be given capabilities.
    pub(super) program: Option<PathBuf>,
    /// As which user the daemon runs, if one does.
    pub(super) user: Option<u32>,
}

/// The data directory.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) exists: bool,
    /// Why nothing can be written there.
    pub(super) unwritable: Option<String>,
    /// Why what was written could not be made durable, or how long it took.
    pub(super) synced: Option<Result<u64, String>>,
    /// The file system: its type, where it is mounted, and whether only for reading.
    pub(super) mount: Option<Mount>,
    /// Bytes: free, and all.
    pub(super) bytes: Option<(u64, u64)>,
    /// Files that can still be made, and all; nothing where the file system knows no limit.
    pub(super) inodes: Option<(u64, u64)>,
    /// The user that the directory belongs to.
    pub(super) owner: Option<u32>,
    /// Its group.
    pub(super) group: Option<u32>,
    /// Files and directories in it that belong to others.
    pub(super) foreign: Vec<PathBuf>,
    /// Images that were added and that no profile boots.
    pub(super) unused_images: Vec<String>,
}

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) kind: String,
    pub(super) point: String,
    pub(super) read_only: bool,
}

/// The record.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// What is wrong with it, or that it cannot be read; nothing if there is none yet.
    pub(super) problems: Option<Result<Vec<String>, String>>,
    /// How many entries it has.
    pub(super) last: u64,
    /// The clock, in seconds since 1970.
    pub(super) now: u64,
    /// When the record was last written, by the clock of then.
    pub(super) written: Option<u64>,
}

/// The configuration.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// What it says, in a few words; nothing if it cannot be used.
    pub(super) good: Option<String>,
    /// What is wrong with its form: rendered, with file and line.
    pub(super) mistakes: Vec<String>,
    /// What it refers to and is not there.
    pub(super) dangling: Vec<String>,
    pub(super) rules: Rules,
    /// Secret files, and files of the configuration, that others may read or write: the file, and the mode that goes.
    pub(super) modes: Vec<(PathBuf, &'static str)>,
    /// Secrets that cannot be had, in words.
    pub(super) secrets: Vec<String>,
}

/// Boot programs and images.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// What is wrong with the boot programs: words, and what helps.
    pub(super) firmware: Vec<(String, String)>,
    /// Commands that put missing boot programs in place, from packages that are installed here.
    pub(super) packaged: Vec<String>,
    /// How many boot programs are served.
    pub(super) programs: usize,
    /// Files of images that are missing or changed: words, and the command that brings them back.
    pub(super) files: Vec<(String, Option<String>)>,
    /// How many profiles were looked at.
    pub(super) profiles: usize,
    /// Kernels and ramdisks of profiles, with the versions that they name: profile, kernel's, ramdisk's.
    pub(super) pairs: Vec<(String, Versioned, Versioned)>,
    /// Profiles that lead to an `https:` URL, with it.
    pub(super) https: Vec<(String, String)>,
    /// Whether machines with a BIOS fetch a boot program of ours.
    pub(super) bios: Option<String>,
    /// Keys of images: the image, the file, and either what it says or why it cannot be read.
    pub(super) keys: Vec<(String, String, Result<Vec<Key>, String>)>,
    /// The clock, in seconds since 1970.
    pub(super) now: u64,
}

/// The name of a key and when it expires, in seconds since 1970, if ever.
pub(super) type Key = (String, Option<u64>);

/// A file and the version of the kernel that it is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Versioned {
    pub(super) path: String,
    pub(super) version: Option<String>,
}

/// What came of trying to boot.
#[derive(Debug, Default)]
pub(super) struct Boots {
    /// Why nothing was tried.
    pub(super) untried: Option<String>,
    /// The machine plane by each URL that machines are told: how it answered.
    pub(super) urls: Vec<(String, Result<String, String>)>,
    /// Each boot program by each address: how it came.
    pub(super) programs: Vec<(String, Result<String, String>)>,
    /// Each boot: on which interface and as what, and how far it came.
    pub(super) boots: Vec<(String, Booted)>,
}
