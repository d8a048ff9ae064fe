//! What is known of a host's present boot: seen, not promised, and gone with the process.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bootwright_core::local::Round;
use bootwright_core::{
    Arch, Climb, Firmware, FrontEnd, HoldWhy, Loader, MacAddr, RunNumber, Sighting, Timestamp, Trial,
};

use crate::custody::Custody;
use crate::limit::WARNING_SPAN;
use crate::pace::Pace;
use crate::transfer::Fetching;

/// How far a boot has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing was seen yet.
    #[default]
    Unseen,
    /// Its firmware asked for an address.
    Discover,
    /// Its firmware fetched the first boot file.
    FirstFile,
    /// Its boot loader asked what to do.
    Script,
    /// It fetched the kernel.
    Kernel,
    /// Its installer called.
    Installer,
}

impl Stage {
    /// The stage's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unseen => "unseen",
            Self::Discover => "discover",
            Self::FirstFile => "first-file",
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Installer => "installer",
        }
    }

    /// The part of a boot that has a limit of its own.
    const fn leg(self) -> Leg {
        match self {
            Self::Unseen => Leg::Unseen,
            Self::Discover | Self::FirstFile | Self::Script => Leg::Loader,
            Self::Kernel => Leg::Kernel,
            Self::Installer => Leg::Installer,
        }
    }
}

/// The parts of a boot whose length is limited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leg {
    Unseen,
    Loader,
    Kernel,
    Installer,
}

/// The present or last boot of a host, as far as it was seen since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// When it was last heard of.
    pub seen: Option<Timestamp>,
    /// How far it has come.
    pub stage: Stage,
    /// Since when it is at this stage.
    pub since: Option<Timestamp>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The interface of ours on which it was last seen.
    pub link: Option<String>,
    /// Its firmware.
    pub firmware: Option<Firmware>,
    /// Its architecture, as its DHCP request named it.
    pub arch: Option<Arch>,
    /// What its firmware is, as its last DHCP request showed.
    pub rom: Option<Loader>,
    /// The card that it boots from.
    pub boot_mac: Option<MacAddr>,
    /// The boot loader that last asked what to do.
    pub front: Option<FrontEnd>,
    /// What a person at its console chose from a menu, as it last said.
    pub chosen: Option<u16>,
    /// Whether a person at its console opened the menu of waiting machines, as it last said.
    pub menu: bool,
    /// Why it is held, as long as it is.
    pub held: Option<HoldWhy>,
    /// Why its last unanswered request got no answer.
    pub ignored: Option<Ignored>,
    /// Whether its boot loader, as it asks at this moment, is the one that asked before: nothing shows that the machine has
    /// started anew since.
    pub(crate) same_start: bool,
    /// The attempt that its boot loader was last told to begin.
    pub(crate) promise: Option<Promise>,
    /// When its boot loader was last told to start the disk.
    pub(crate) sent_to_disk: Option<Timestamp>,
    /// Its firmware's search, while it is kept from any boot loader so that it goes on to its disk.
    pub(crate) round: Option<Round>,
    /// Where its firmware stands on the ladder of offers and boot programs.
    pub climb: Option<Climb>,
    /// When it was first handed a boot program although it is iPXE; nothing once it gets on with it.
    pub(crate) handed: Option<Timestamp>,
    /// When it was last told to wait.
    pub(crate) held_at: Option<Timestamp>,
    /// How far its installer says it is, in hundredths of the stage it is at.
    pub percent: Option<u8>,
    /// What its installer last said.
    pub message: Option<String>,
    /// What came of rendering for it, until something changes that it depends on.
    pub(crate) trial: Option<Trial>,
    /// What became of the documents of its attempt.
    pub(crate) custody: Option<Custody>,
    /// Whether its run comes on.
    pub(crate) pace: Pace,
    /// What was recorded that its firmware, and its boot loader, would have been answered, where we only observe.
    pub(crate) observed: [Option<String>; 2],
    /// How often the machine of a run told something new of what it is made of.
    pub(crate) tellings: Option<(RunNumber, u32)>,
    /// How many lines the installer of a run has put into the record.
    pub(crate) spoken: Option<(RunNumber, u32)>,
    /// The file that it is fetching.
    pub fetching: Option<Fetching>,
    /// When news of each kind about it were last told.
    pub(crate) told: BTreeMap<News, Timestamp>,
}

/// News that a machine makes again and again as it asks again and again. Those of one kind hold up none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum News {
    /// Its facts contradict the record.
    Doubt,
    /// Something that it needs did not come about.
    Trouble,
    /// It asks at its console for agreement.
    Confirm,
    /// It shows a menu.
    Menu,
    /// A document was refused.
    Refused,
}

/// An attempt that a boot loader was told to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    /// The run.
    pub(crate) run: RunNumber,
    /// Which attempt of it.
    pub(crate) attempt: u32,
    /// When it was last told.
    pub(crate) at: Timestamp,
    /// How often.
    pub(crate) times: u32,
}

/// Requests that got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Why.
    pub why: String,
    /// How many in a row, for this reason.
    pub times: u64,
    /// When the last one came.
    pub last: Timestamp,
}

impl Visit {
    /// Whether news of this kind are due, which they then are no more for a minute.
    pub(crate) fn is_due(&mut self, now: Timestamp, news: News) -> bool {
        let is_due = self.told.get(&news).is_none_or(|at| now.since(*at) > WARNING_SPAN);
        if is_due {
            self.told.insert(news, now);
        }
        is_due
    }

    /// Takes over what a request shows; the address is the engine's to bind.
    pub(crate) fn see(&mut self, now: Timestamp, seen: &Sighting) {
        self.seen = Some(now);
        self.boot_mac = seen.boot_mac.or(self.boot_mac);
        self.firmware = seen.firmware.or(seen.arch.map(Firmware::of)).or(self.firmware);
        self.arch = seen.arch.or(self.arch);
        self.chosen = seen.chosen;
        self.menu = seen.menu;
        if seen.link.is_some() {
            self.link.clone_from(&seen.link);
        }
    }

    /// Moves to a stage; a lower one than the present begins another boot. Says whether another limit counts from now on: a
    /// machine whose firmware runs in circles comes nowhere.
    pub(crate) fn reach(&mut self, now: Timestamp, stage: Stage) -> bool {
        let turns = self.stage.leg() != stage.leg();
        if turns {
            self.pace.begin(now);
        }
        if self.stage != stage {
            self.stage = stage;
            self.since = Some(now);
            self.percent = None;
            self.fetching = None;
        }
        self.seen = Some(now);
        turns
    }
}
