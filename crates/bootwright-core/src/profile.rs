//! What to boot, and how its end is known.

use std::collections::BTreeMap;

use crate::{Dialect, ProfileName, Span};

/// What a host boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: ProfileName,
    /// The kernel: a path on the machine plane such as `/images/debian/linux`, or an absolute URL. A template.
    pub kernel: String,
    /// What goes with the kernel, in order.
    pub initrds: Vec<Initrd>,
    /// The kernel's arguments, each a template.
    pub args: Vec<String>,
    /// The documents of a run, by the name under which `/r/<token>/` serves them; each a template.
    pub files: BTreeMap<String, Document>,
    /// What ends a run with success.
    pub done: DoneTrigger,
    /// Who has to agree before a run writes.
    pub confirm: Confirm,
    /// How long a run may take before it fails.
    pub deadline: Span,
    /// How long its stages may take before it is marked stalled.
    pub stages: StageLimits,
    /// What a person at the console chooses from, if the profile is a menu; all of the above is empty then.
    pub menu: Option<Menu>,
    /// The system from whose data it was made, in whose words its clients are told it; nothing if it is the operator's own.
    pub source: Option<Dialect>,
    /// A digest of all of the above: another text is another revision.
    pub revision: u64,
}

/// The parts of a NoCloud seed. A profile that has one of them answers for all: to some releases of cloud-init a part that is
/// missing is an error, after ten attempts.
pub const SEED: [&str; 4] = ["user-data", "meta-data", "vendor-data", "network-config"];

impl Profile {
    /// Whether its runs have a document of this name: one of its own, or a part of the seed that it has another part of.
    #[must_use]
    pub fn has_document(&self, name: &str) -> bool {
        let is_seed = || SEED.contains(&name) && SEED.iter().any(|part| self.files.contains_key(*part));
        self.files.contains_key(name) || is_seed()
    }
}

/// A boot menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// What stands above it.
    pub title: String,
    /// What can be chosen, in order; never empty.
    pub entries: Vec<MenuEntry>,
    /// Which entry is taken when nobody chooses; the first is 0. Never one that installs: time is no person.
    pub default: Option<u16>,
    /// When it is taken; nothing to wait for a person.
    pub timeout: Option<Span>,
}

/// An entry of a boot menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuEntry {
    /// What stands there.
    pub title: String,
    /// What it does.
    pub choice: Choice,
}

/// What an entry of a boot menu does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Boot the own disk.
    Local,
    /// Wait until an operator decides.
    Hold,
    /// Boot a profile that is never finished.
    Live(ProfileName),
    /// Install a profile, if the host is armed with the menu and the profile lets the console agree.
    Install(ProfileName),
}

/// An initial ramdisk, or a file to be put into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initrd {
    /// A path on the machine plane, an absolute URL, or `{{ run.url }}/…` for a document. A template.
    pub source: String,
    /// Where in the initial ramdisk iPXE puts it, if it is a plain file and no archive.
    pub target: Option<String>,
}

/// A document that is rendered for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The template's text.
    pub template: String,
    /// Where the text stands, for messages: a file, or the key in the configuration.
    pub origin: String,
    /// What is added to it for each host.
    pub add: Additions,
}

/// What is added to an Ignition document for each host, where it does not have it itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// `/etc/hostname` with the host's name.
    pub hostname: bool,
    /// A unit that reports the end of Fedora CoreOS's installer.
    pub done: bool,
    /// A unit that reports the first start of the installed system.
    pub up: bool,
}

/// What ends a run with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoneTrigger {
    /// The installer calls `done`.
    Callback,
    /// The named document was fetched, for systems that cannot call.
    ConfigServed(String),
    /// The named artefact was fetched to the last byte, for systems that run nothing of ours.
    LastArtifact(String),
    /// An operator says so.
    Manual,
}

/// Who has to agree before a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// The operator who arms the host; nobody else is asked.
    Dashboard,
    /// Also a person at the machine's console.
    Console,
    /// Nobody is asked, a rule may arm it.
    None,
}

/// How long each stage of a run may take before the run is marked stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageLimits {
    /// From the script to the kernel.
    pub kernel: Span,
    /// From the kernel to the first call of the installer.
    pub config: Span,
    /// From the first call of the installer to its end.
    pub done: Span,
}

impl Default for StageLimits {
    fn default() -> Self {
        Self {
            kernel: Span::from_mins(2),
            config: Span::from_mins(10),
            done: Span::from_mins(60),
        }
    }
}
