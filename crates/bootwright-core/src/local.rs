//! How a host is sent to its own disk, and what is tried next if it comes back.

use std::fmt;

use crate::{Firmware, LocalBoot, Span, Timestamp};

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

/// The methods for a firmware, the most promising first.
#[must_use]
pub const fn methods(firmware: Firmware) -> &'static [LocalMethod] {
    match firmware {
        Firmware::Bios => &[LocalMethod::BiosDisk, LocalMethod::Exit],
        Firmware::Uefi => &[LocalMethod::UefiDisk, LocalMethod::Exit],
    }
}

/// How the host is sent to its disk now, and what is to be remembered of it.
///
/// A host that came back within `RETURN_SPAN` gets the next method of its firmware's list, and keeps it.
#[must_use]
pub fn choose(firmware: Firmware, pinned: Option<LocalMethod>, memory: &LocalBoot, now: Timestamp) -> LocalBoot {
    let methods = methods(firmware);
    let first = methods.first().copied().unwrap_or(LocalMethod::Exit);
    let present = pinned
        .or(memory.method.filter(|method| methods.contains(method)))
        .unwrap_or(first);
    let came_back = memory.served.is_some_and(|served| now.since(served) < RETURN_SPAN);
    if !came_back {
        return LocalBoot {
            method: Some(present),
            served: Some(now),
            returns: 0,
        };
    }
    let place = methods.iter().position(|method| *method == present).unwrap_or(0);
    let next = methods.get(place.saturating_add(1)).copied().unwrap_or(first);
    LocalBoot {
        method: Some(pinned.unwrap_or(next)),
        served: Some(now),
        returns: memory.returns.saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    #[test]
    fn a_host_that_comes_back_at_once_gets_the_next_method_and_keeps_it() {
        let first = choose(Firmware::Uefi, None, &LocalBoot::default(), at(1000));
        assert_eq!((first.method, first.returns), (Some(LocalMethod::UefiDisk), 0));
        let second = choose(Firmware::Uefi, None, &first, at(1030));
        assert_eq!((second.method, second.returns), (Some(LocalMethod::Exit), 1));
        let next_day = choose(Firmware::Uefi, None, &second, at(90_000));
        assert_eq!((next_day.method, next_day.returns), (Some(LocalMethod::Exit), 0));
    }

    #[test]
    fn after_the_last_method_comes_the_first_again() {
        let memory = LocalBoot {
            method: Some(LocalMethod::Exit),
            served: Some(at(10)),
            returns: 1,
        };
        let again = choose(Firmware::Bios, None, &memory, at(20));
        assert_eq!((again.method, again.returns), (Some(LocalMethod::BiosDisk), 2));
    }

    #[test]
    fn a_pinned_method_stays() {
        let memory = LocalBoot {
            method: Some(LocalMethod::Exit),
            served: Some(at(10)),
            returns: 0,
        };
        let again = choose(Firmware::Bios, Some(LocalMethod::Exit), &memory, at(20));
        assert_eq!((again.method, again.returns), (Some(LocalMethod::Exit), 1));
    }
}
