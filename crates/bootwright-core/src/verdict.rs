//! What a machine asks and what it is told, with the words for the reasons.

use std::fmt;
use std::net::Ipv4Addr;

use crate::{Arch, ProfileName, RuleName, Way};

/// What a machine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Firmware asks by DHCP where to boot.
    Offer {
        /// Its architecture.
        arch: Arch,
        /// What it is.
        loader: Loader,
        /// Which of the boot programs for its architecture is its turn, counted from 0.
        file: u8,
        /// Whether it was handed a boot program a short while ago and came back as what it was.
        handed: bool,
        /// Whether it asks for an entry of a boot menu that it was not shown.
        entry: bool,
        /// The way that the request took.
        way: Way,
    },
    /// iPXE, or another boot loader, asks what to do.
    Script,
    /// A boot loader fetches once more what it was told a moment ago: nothing of it was started since.
    ///
    /// Loaders other than iPXE look whether a file is there and then read it, or lose it and ask again. As long as the
    /// same start of the machine asks, that is one attempt.
    ScriptAgain,
}

/// How a machine's boot loader asks what to do, and in which language it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrontEnd {
    /// iPXE: it asks by HTTP, and says itself who it is.
    Ipxe,
    /// PXELINUX: the name of the file says who asks.
    Pxelinux,
    /// GRUB from the network.
    Grub,
    /// U-Boot, which asks for PXELINUX's files, and reads less of them: it neither waits nor asks a person.
    UBoot,
    /// The firmware of a Raspberry Pi: its configuration says what it starts, and it can neither wait nor ask a person.
    RaspberryPi,
    /// A boot server that asks on behalf of a machine, by Pixiecore's API: it takes what it is told, or lets the machine go.
    Pixiecore,
}

/// What asks by DHCP where to boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// A machine's own firmware, which needs a boot program.
    Firmware,
    /// iPXE that can fetch our script. It never gets a boot program, for that would be iPXE again.
    Ipxe,
    /// iPXE that does not speak HTTP. It gets ours, which does; but not again and again, should ours not speak it either.
    IpxeWithoutHttp,
    /// U-Boot. Many devices run it that nobody wants to boot from here, so a site has to name a boot file for it.
    UBoot,
    /// The boot ROM of a Raspberry Pi, which has names of its own for the files that it wants: a site has to keep these.
    RaspberryPi,
}

/// What a machine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Fetch this first boot file.
    FirstFile(String),
    /// Fetch the script.
    AskAgainByScript,
    /// Fetch the files whose names it knows itself: whether it gets them is decided when it asks.
    OwnFiles,
    /// Install this profile; it is this attempt of its run.
    Install {
        /// What to install.
        profile: ProfileName,
        /// Which attempt this is; the first begins the run.
        attempt: u32,
    },
    /// Ask a person at the console whether this profile may be installed; no run begins before that.
    Confirm(ProfileName),
    /// Show this boot menu to a person at the console, and ask again with what was chosen.
    Menu(ProfileName),
    /// The run has no attempt left: it fails, and the host boots its disk.
    GiveUp,
    /// The first rule that matches grants an install; record that and decide again.
    AutoArm {
        /// The rule.
        rule: RuleName,
        /// What it grants.
        profile: ProfileName,
    },
    /// Boot this profile, as every time.
    Live(ProfileName),
    /// Boot the own disk.
    Local(LocalWhy),
    /// Wait and ask again.
    Hold(HoldWhy),
    /// Nothing is answered.
    Silence(Why),
}

/// Why a host boots its own disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalWhy {
    /// It is installed.
    Installed,
    /// Its last run failed.
    Failed,
    /// An operator wants it so.
    Chosen,
    /// The policy for unknown hosts wants it so.
    Unknown,
    /// A person at its console chose it from a menu.
    Menu,
}

/// Why a host waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldWhy {
    /// Nobody has decided about it.
    Undecided,
    /// An operator wants it to wait.
    Chosen,
    /// A person at its console chose from a menu that it waits.
    ChosenAtConsole,
    /// What was chosen from a menu installs a profile whose install the console may not begin.
    NotAtConsole {
        /// The profile.
        profile: ProfileName,
    },
    /// It was sent to its own disk so many times in a row and came back too early: none of the methods starts it.
    DiskDoesNotStart {
        /// How many times.
        times: u32,
    },
    /// It is locked.
    Locked,
    /// Installs are paused, for this reason.
    Paused(String),
    /// As many installs as allowed are under way.
    Concurrent {
        /// How many are allowed.
        limit: u32,
    },
    /// As many installs as allowed began within the last hour.
    Hourly {
        /// How many are allowed.
        limit: u32,
    },
    /// The profile is not in the configuration, or not whole.
    NoProfile(ProfileName),
    /// What the run under way was started with is not known any more: an earlier text of this profile.
    RevisionLost(ProfileName),
    /// The profile cannot be rendered for this host, in these words.
    Unrenderable {
        /// The profile.
        profile: ProfileName,
        /// Where the mistake is, and what it is.
        why: String,
    },
    /// Its facts contradict each other or the record, in these words.
    Contradiction(String),
    /// None of its facts tells it from other machines.
    Nobody,
    /// The rule that would arm it has granted all that its limit allows.
    RuleLimit {
        /// The rule.
        rule: RuleName,
        /// Its limit.
        limit: u32,
    },
    /// The rule that would arm it came after the host; `apply` accepts that.
    RuleNotApplied {
        /// The rule.
        rule: RuleName,
    },
    /// The arming has expired.
    GrantExpired,
    /// The record cannot be written, so that nothing may begin.
    StoreDown,
    /// The record has so little room left that nothing new may begin.
    StoreLow,
}

/// Why nothing is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// An operator wants the host ignored.
    HostIgnored,
    /// The policy wants unknown hosts ignored.
    UnknownIgnored,
    /// We observe only, and it would have been told this.
    Observing(Box<Verdict>),
    /// DHCP is off.
    DhcpOff,
    /// No boot file is configured for this architecture.
    ArchNotServed(Arch),
    /// It is to start its own disk, and the configuration wants that done by not answering it.
    OwnDisk,
    /// It asks for an entry of a boot menu, and was shown none.
    NoMenu,
    /// It is iPXE without HTTP and came back after it was handed a boot program: it would go on so for ever.
    HandedBefore,
    /// The name of the file that its boot loader asks for does not say who it is; the next one does.
    NameTellsNobody,
    /// It came through a relay that the configuration does not list.
    RelayNotListed(Ipv4Addr),
    /// It came through a relay that the configuration lists, from an address that it does not.
    RelaySenderNotListed {
        /// The relay.
        relay: Ipv4Addr,
        /// Who sent it.
        sender: Ipv4Addr,
    },
    /// The relay that it names is ourselves.
    RelayIsUs(Ipv4Addr),
    /// It came from another network, and no relay is listed through which one could boot from here.
    NotOnLink(Ipv4Addr),
    /// It is U-Boot, for which neither the site nor its host has a boot file.
    UBootNotServed,
    /// It is a Raspberry Pi, and the site has no directory of firmware for these.
    PiNotServed,
}

impl Loader {
    /// Whether it is what a machine begins with, so that its question begins a boot.
    #[must_use]
    pub const fn is_rom(self) -> bool {
        match self {
            Self::Firmware | Self::RaspberryPi | Self::UBoot => true,
            Self::Ipxe | Self::IpxeWithoutHttp => false,
        }
    }
}

impl FrontEnd {
    /// The boot loaders of machines: all but those that ask on behalf of one.
    pub const ALL: [Self; 5] = [Self::Ipxe, Self::Pxelinux, Self::Grub, Self::UBoot, Self::RaspberryPi];

    /// The name in paths, counters and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipxe => "ipxe",
            Self::Pxelinux => "pxelinux",
            Self::Grub => "grub",
            Self::UBoot => "u-boot",
            Self::RaspberryPi => "raspberry-pi",
            Self::Pixiecore => "pixiecore",
        }
    }

    /// Whether a person at the machine's console can agree to something there.
    #[must_use]
    pub const fn asks_console(self) -> bool {
        match self {
            Self::Ipxe | Self::Pxelinux | Self::Grub => true,
            Self::UBoot | Self::RaspberryPi | Self::Pixiecore => false,
        }
    }

    /// The front end with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|front| front.name() == name)
    }
}

impl fmt::Display for FrontEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipxe => "iPXE",
            Self::Pxelinux => "PXELINUX",
            Self::Grub => "GRUB",
            Self::UBoot => "U-Boot",
            Self::RaspberryPi => "a Raspberry Pi",
            Self::Pixiecore => "Pixiecore",
        })
    }
}

impl fmt::Display for LocalWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Installed => "it is installed",
            Self::Failed => "its last run failed; arm it again to install it",
            Self::Chosen => "an operator chose its own disk",
            Self::Unknown => "the policy for unknown hosts is `local`",
            Self::Menu => "somebody at its console chose its own disk",
        })
    }
}

impl fmt::Display for HoldWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undecided => f.write_str("nobody has armed it"),
            Self::Chosen => f.write_str("it is held until it is armed"),
            Self::ChosenAtConsole => f.write_str("somebody at its console chose to wait"),
            Self::NotAtConsole { profile } => write!(
                f,
                "`{profile}` was chosen at its console, and that profile does not say `confirm = \"console\"`"
            ),
            Self::DiskDoesNotStart { times } => write!(
                f,
                "its own disk does not start: it came back {times} times in a row; `bootwright host local` tries again"
            ),
            Self::Locked => f.write_str("it is locked"),
            Self::Paused(why) => write!(f, "installs are paused: {why}"),
            Self::Concurrent { limit } => {
                write!(f, "{limit} installs are under way, as many as `max_concurrent` allows")
            }
            Self::Hourly { limit } => {
                write!(
                    f,
                    "{limit} installs began within the last hour, as many as `max_new_per_hour` allows"
                )
            }
            Self::NoProfile(profile) => write!(f, "profile `{profile}` is not in the configuration"),
            Self::RevisionLost(profile) => write!(
                f,
                "profile `{profile}` reads otherwise now, and what its run was started with is not in the record"
            ),
            Self::Unrenderable { profile, why } => write!(f, "profile `{profile}` cannot be rendered for it: {why}"),
            Self::Contradiction(why) => write!(f, "its identity is in doubt: {why}"),
            Self::Nobody => f.write_str("it shows neither a proper hardware address nor a UUID nor a serial number"),
            Self::RuleLimit { rule, limit } => write!(f, "rule `{rule}` has granted its {limit} installs"),
            Self::RuleNotApplied { rule } => {
                write!(
                    f,
                    "rule `{rule}` is younger than this host; `bootwright apply` accepts it"
                )
            }
            Self::GrantExpired => f.write_str("its arming has expired"),
            Self::StoreDown => f.write_str("the store cannot be written"),
            Self::StoreLow => f.write_str("the disk of the store is full, and nothing new may begin until it has room"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostIgnored => f.write_str("the host is ignored"),
            Self::UnknownIgnored => f.write_str("the policy for unknown hosts is `ignore`"),
            Self::Observing(would) => match would.as_ref() {
                Verdict::FirstFile(file) => write!(f, "the mode is `observe`; else it would fetch `{file}`"),
                Verdict::OwnFiles => f.write_str("the mode is `observe`; else it would fetch its own files"),
                Verdict::Silence(why) => write!(f, "the mode is `observe`; else it would hear nothing as well: {why}"),
                _ => f.write_str("the mode is `observe`; else it would fetch the script"),
            },
            Self::DhcpOff => f.write_str("the mode is `off`"),
            Self::ArchNotServed(arch) => write!(f, "no boot file is configured for {arch}"),
            Self::OwnDisk => f.write_str("it is to start its own disk, by the method `no-offer`"),
            Self::NoMenu => f.write_str("it asks for an entry of a boot menu that it was not shown"),
            Self::HandedBefore => f.write_str(
                "it is an iPXE without HTTP, and the boot file that it was handed within the last 10 minutes led back to it",
            ),
            Self::RelayNotListed(relay) => write!(f, "relay {relay} is not in `dhcp.relays`"),
            Self::NameTellsNobody => f.write_str("the name of the file does not say who asks; the next one does"),
            Self::RelaySenderNotListed { relay, sender } => write!(
                f,
                "relay {relay} is in `dhcp.relays`, but {sender} sent it, which is not: list that too if the relay has it"
            ),
            Self::RelayIsUs(relay) => write!(f, "it names {relay} as its relay, which is this box: no relay sent it"),
            Self::NotOnLink(sender) => write!(f, "it came from {sender}, in none of our networks and through no listed relay"),
            Self::UBootNotServed => f.write_str("it is U-Boot, and `[dhcp.arch]` has no boot file for it"),
            Self::PiNotServed => f.write_str("it is a Raspberry Pi, and `tftp.raspberry_pi` names no directory of its firmware"),
        }
    }
}

impl Why {
    /// Whose address is the reason: somebody through whom requests come that have no business here.
    #[must_use]
    pub const fn intruder(&self) -> Option<Ipv4Addr> {
        match self {
            Self::RelayNotListed(address)
            | Self::RelaySenderNotListed { sender: address, .. }
            | Self::RelayIsUs(address)
            | Self::NotOnLink(address) => Some(*address),
            Self::HostIgnored
            | Self::UnknownIgnored
            | Self::Observing(_)
            | Self::DhcpOff
            | Self::ArchNotServed(_)
            | Self::NoMenu
            | Self::HandedBefore
            | Self::NameTellsNobody
            | Self::OwnDisk
            | Self::UBootNotServed
            | Self::PiNotServed => None,
        }
    }

    /// A name for counters.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HostIgnored => "host-ignored",
            Self::UnknownIgnored => "unknown-ignored",
            Self::Observing(_) => "observing",
            Self::DhcpOff => "dhcp-off",
            Self::ArchNotServed(_) => "arch-not-served",
            Self::OwnDisk => "own-disk",
            Self::NoMenu => "no-menu",
            Self::HandedBefore => "handed-before",
            Self::NameTellsNobody => "name-tells-nobody",
            Self::RelayNotListed(_) => "relay-not-listed",
            Self::RelaySenderNotListed { .. } => "relay-sender-not-listed",
            Self::RelayIsUs(_) => "relay-is-us",
            Self::NotOnLink(_) => "not-on-link",
            Self::UBootNotServed => "uboot-not-served",
            Self::PiNotServed => "raspberry-pi-not-served",
        }
    }
}
