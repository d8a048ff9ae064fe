//! How a machine's firmware is brought to its boot loader, and what is tried next if it does not get there.
//!
//! Two things may be at fault: the wording of the offer, if the firmware asks again and again and fetches nothing; and the
//! boot program, if it is fetched and never calls.

use crate::{Arch, Make, Span, Strategy, Timestamp, Transport};

/// A machine that asks again for so long without fetching anything has not understood its offer.
pub const PATIENCE: Span = Span::from_secs(10);

/// What a machine asks within so short a time is one question, heard twice: on two links, or through a relay as well.
pub const ECHO_SPAN: Span = Span::from_secs(1);

/// A machine that was silent for so long begins with what is remembered of it.
pub const CLIMB_SPAN: Span = Span::from_hours(1);

/// How many offers of one wording a machine gets before the next is tried.
pub const OFFERS_MAX: u8 = 2;

/// How often in a row a machine may fetch a boot program that does not call before it gets another one. Once may have been
/// somebody at the power button.
pub const FETCHES_MAX: u8 = 2;

/// What brought a host's firmware to its boot loader the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStep {
    /// What the machine showed of its make.
    pub make: Make,
    /// The wording of the offer; nothing for firmware that boots by HTTP, which knows but one.
    pub strategy: Option<Strategy>,
    /// The boot program that called.
    pub file: String,
}

/// Where a machine stands on the ladder. What is seen, not promised: it is gone with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Climb {
    /// What it shows of its make.
    pub make: Make,
    /// The architecture that it asked for last.
    pub arch: Arch,
    /// The wording of the offer in use.
    pub strategy: Strategy,
    /// Which of the boot programs for its architecture is in use, counted from 0.
    pub file: u8,
    /// How many offers of this wording led to nothing so far.
    pub offers: u8,
    /// How often in a row the boot program was fetched and did not call.
    pub fetches: u8,
    /// Whether it was fetched since the machine last searched for servers.
    fetched: bool,
    since: Timestamp,
    last: Timestamp,
}

/// Where a machine begins, and how far it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// What it shows of its make.
    pub make: Make,
    /// The architecture that it asks for. One that fetches by HTTP knows but one wording, and says nothing of the others.
    pub arch: Arch,
    /// The wording that worked for it or its like, or the configuration's.
    pub strategy: Strategy,
    /// Whether the configuration says so, so that it stays.
    pub pinned: bool,
    /// Whether offers may be merged with the DHCP server's.
    pub merged: bool,
    /// The boot program that worked for it or its like.
    pub file: u8,
    /// How many boot programs there are for its architecture.
    pub files: u8,
}

impl Climb {
    /// Where a machine stands that searches for servers, and that stood there before.
    #[must_use]
    pub fn search(before: Option<&Self>, start: &Start, now: Timestamp) -> Self {
        let worded = start.arch.transport() == Transport::Tftp;
        let fresh = Self {
            make: start.make,
            arch: start.arch,
            strategy: start.strategy,
            file: start.file,
            offers: u8::from(worded),
            fetches: 0,
            fetched: false,
            since: now,
            last: now,
        };
        let Some(before) = before.filter(|before| now.since(before.last) < CLIMB_SPAN) else {
            return fresh;
        };
        let mut climb = Self {
            make: start.make,
            arch: start.arch,
            ..*before
        };
        if now.since(before.last) < ECHO_SPAN {
            return climb;
        }
        climb.last = now;
        if climb.file >= start.files || start.files == 1 {
            climb.file = start.file;
        }
        if climb.fetched {
            climb.fetched = false;
            climb.fetches = climb.fetches.saturating_add(1);
            if climb.fetches >= FETCHES_MAX && start.files > 1 {
                climb.fetches = 0;
                climb.file = climb.file.saturating_add(1).checked_rem(start.files).unwrap_or(0);
            }
        }
        if !worded {
            return climb;
        }
        let refused = climb.strategy == Strategy::Merged && !start.merged;
        if start.pinned || refused {
            climb.strategy = start.strategy;
        } else if climb.offers >= OFFERS_MAX && now.since(climb.since) >= PATIENCE {
            climb.strategy = climb.strategy.next(start.merged);
            climb.offers = 0;
        }
        if climb.offers == 0 {
            climb.since = now;
        }
        climb.offers = climb.offers.saturating_add(1);
        climb
    }

    /// Whether a machine that stood here and stands there now has fetched its boot program in between, and asks again without
    /// anything that it starts having called.
    #[must_use]
    pub const fn came_back(&self, after: &Self) -> bool {
        self.fetched && !after.fetched
    }

    /// It asked port 4011: that takes its time, and whether it leads anywhere is seen.
    pub fn asked_boot_server(&mut self, now: Timestamp) {
        self.since = now;
    }

    /// It asked for its boot program: the wording of the offer is right.
    pub fn fetching(&mut self) {
        self.offers = 0;
    }

    /// It has its boot program.
    pub fn fetched(&mut self) {
        self.offers = 0;
        self.fetched = true;
    }

    /// The boot program called. Says whether it was this boot's.
    pub fn called(&mut self) -> bool {
        self.offers = 0;
        self.fetches = 0;
        std::mem::take(&mut self.fetched)
    }
}

#[cfg(test)]
mod tests;
