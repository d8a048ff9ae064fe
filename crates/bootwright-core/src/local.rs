//! How a host is sent to its own disk, and what is tried next if it comes back.

use std::fmt;

use crate::{Arch, Firmware, LocalBoot, Span, Timestamp};

/// A host that asks again so soon after it was sent to its disk has not started from it.
pub const RETURN_SPAN: Span = Span::from_secs(120);

/// A way to start the local disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocalMethod {
    /// BIOS: run the boot sector of the first disk.
    BiosDisk,
    /// UEFI: start the removable-media loader of a local disk, for iPXE of November 2024 and later.
    UefiDisk,
    /// Leave iPXE with an error code: the firmware goes on to its next boot entry. Success would stop UEFI in its setup.
    Exit,
    /// Offer the firmware a boot file that is not there: its own boot over the network fails at once, by TFTP or HTTP, and it
    /// goes on to its next boot entry. For firmware that does not get over a program that was started and ended.
    NoFile,
    /// Offer the firmware nothing: it goes on to its next boot entry when it has asked long enough, which takes a minute.
    NoOffer,
}

impl LocalMethod {
    /// All methods.
    pub const ALL: [Self; 5] = [Self::BiosDisk, Self::UefiDisk, Self::Exit, Self::NoFile, Self::NoOffer];

    /// The name that the configuration and the record use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BiosDisk => "bios-disk",
            Self::UefiDisk => "uefi-disk",
            Self::Exit => "exit",
            Self::NoFile => "no-file",
            Self::NoOffer => "no-offer",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

impl fmt::Display for LocalMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The boot file that is offered to firmware that is to fail at once and go on to its disk. There is none of this name.
pub const NO_FILE: &str = "start-your-own-disk";

/// How a method acts before any boot loader runs, if it does: by a file that is not there, or by no offer at all.
#[must_use]
pub const fn before_loader(method: LocalMethod) -> Option<Option<&'static str>> {
    match method {
        LocalMethod::NoFile => Some(Some(NO_FILE)),
        LocalMethod::NoOffer => Some(None),
        LocalMethod::BiosDisk | LocalMethod::UefiDisk | LocalMethod::Exit => None,
    }
}

/// How often a host is sent to its disk and comes back too early before it is parked.
pub const TRIES_MAX: u32 = 3;

/// For how long firmware asks for an offer that it does not get: 60 s by the PXE specification, with a margin.
const ASKING_SPAN: Span = Span::from_secs(75);

/// Firmware that has not asked for so long has started its disk. Its ways to boot over the network take long where nobody
/// answers (OVMF: 175 s for each way by IPv6), and so does the self-test of a server.
const AWAY_SPAN: Span = Span::from_mins(10);

/// For how long firmware occupies itself with a file that is not there. Some asks for it more than once.
const FAILING_SPAN: Span = Span::from_secs(15);

/// Where a host is when it is sent to its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footing {
    /// Its firmware.
    pub firmware: Firmware,
    /// Whether its own firmware asks us before any boot loader does, and its boot loader can make it do so anew. A machine
    /// whose firmware is iPXE, for one, only shows itself when that runs.
    pub rounds: bool,
}

/// The methods that are tried, the most promising first.
///
/// The last one needs the firmware to go round once more, and keeps it from starting any boot loader. A BIOS takes a
/// network without a boot server best, though it asks for a minute; UEFI fails a file that is not there at once, whereas
/// each of its ways to boot over the network would ask for a minute.
#[must_use]
pub const fn methods(footing: Footing) -> &'static [LocalMethod] {
    match (footing.firmware, footing.rounds) {
        (Firmware::Bios, true) => &[LocalMethod::BiosDisk, LocalMethod::Exit, LocalMethod::NoOffer],
        (Firmware::Bios, false) => &[LocalMethod::BiosDisk, LocalMethod::Exit],
        (Firmware::Uefi, true) => &[LocalMethod::UefiDisk, LocalMethod::Exit, LocalMethod::NoFile],
        (Firmware::Uefi, false) => &[LocalMethod::UefiDisk, LocalMethod::Exit],
    }
}

/// What is known of how a host starts its disk, before it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub footing: Footing,
    /// The method that the configuration pins.
    pub pinned: Option<LocalMethod>,
    /// The method that works for others of its make.
    pub like: Option<LocalMethod>,
}

impl Known {
    /// The method that is in use, or begun with.
    #[must_use]
    pub fn present(&self, memory: &LocalBoot) -> LocalMethod {
        let listed = |method: &LocalMethod| methods(self.footing).contains(method);
        let first = methods(self.footing).first().copied().unwrap_or(LocalMethod::Exit);
        self.pinned
            .or(memory.method.filter(listed))
            .or(self.like.filter(listed))
            .unwrap_or(first)
    }
}

impl LocalBoot {
    /// Whether no method has started its disk, so that it is sent there no more until something changes.
    #[must_use]
    pub const fn is_parked(&self) -> bool {
        self.served.is_none() && self.returns >= TRIES_MAX
    }

    /// The method by which its system was seen to start, as long as nothing else has happened since.
    #[must_use]
    pub const fn proven(&self) -> Option<LocalMethod> {
        match (self.method, self.served, self.returns) {
            (Some(method), None, 0) => Some(method),
            _ => None,
        }
    }

    /// The same after its system was seen to start.
    #[must_use]
    pub const fn started(&self) -> Self {
        Self {
            method: self.method,
            served: None,
            returns: 0,
        }
    }

    /// The same after it was sent to its disk once more. What was seen to fail counts as long as the next method was not
    /// served yet.
    #[must_use]
    const fn sent(&self, method: LocalMethod, now: Timestamp) -> Self {
        let waits = self.served.is_none() && !self.is_parked();
        Self {
            method: Some(method),
            served: Some(now),
            returns: if waits { self.returns } else { 0 },
        }
    }

    /// The same after it came back too early: the next method of its list is its turn. After enough tries it is parked, and
    /// begins with the first if anybody lets it go.
    #[must_use]
    pub fn returned(&self, known: &Known) -> Self {
        let methods = methods(known.footing);
        let present = known.present(self);
        let place = methods.iter().position(|method| *method == present).unwrap_or(0);
        let next = methods.get(place.saturating_add(1)).or(methods.first());
        let returns = self.returns.saturating_add(1);
        let next = (returns < TRIES_MAX).then(|| known.pinned.or(next.copied()));
        Self {
            method: next.flatten(),
            served: None,
            returns,
        }
    }
}

/// How a host that asks what to boot is sent to its disk now, and what is to be remembered of it.
///
/// A host that came back within `RETURN_SPAN` gets the next method of its list, and keeps it; or it is parked.
#[must_use]
pub fn choose(known: &Known, memory: &LocalBoot, now: Timestamp) -> LocalBoot {
    let came_back = memory.served.is_some_and(|served| now.since(served) < RETURN_SPAN);
    let memory = if came_back {
        memory.returned(known)
    } else {
        memory.clone()
    };
    if came_back && memory.is_parked() {
        return memory;
    }
    memory.sent(known.present(&memory), now)
}

/// One search of firmware that is kept from any boot loader, so that it goes on to its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// As what it asked. UEFI asks again by another way on its way to the disk, which is the same round.
    arch: Arch,
    began: Timestamp,
    last: Timestamp,
}

/// What a search of such firmware says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// It goes on asking.
    Same,
    /// It begins to ask, after it was away for long or for the first time.
    Fresh,
    /// It begins to ask anew: its disk has not started.
    Back,
}

impl Round {
    /// Takes in a search of firmware that this method keeps from any boot loader.
    #[must_use]
    pub fn search(before: Option<Self>, method: LocalMethod, arch: Arch, now: Timestamp) -> (Self, Search) {
        let fresh = Self {
            arch,
            began: now,
            last: now,
        };
        let length = match method {
            LocalMethod::NoOffer => ASKING_SPAN,
            LocalMethod::NoFile | LocalMethod::BiosDisk | LocalMethod::UefiDisk | LocalMethod::Exit => FAILING_SPAN,
        };
        match before {
            None => (fresh, Search::Fresh),
            Some(before) if now.since(before.last) >= AWAY_SPAN => (fresh, Search::Fresh),
            Some(before) if before.arch == arch && now.since(before.began) >= length => (fresh, Search::Back),
            Some(before) => (Self { last: now, ..before }, Search::Same),
        }
    }
}

#[cfg(test)]
mod tests;
