//! Where a machine's firmware stands on the ladder of offers and boot programs, and what its like have taught.

use std::collections::BTreeMap;

use bootwright_core::ladder::Start;
use bootwright_core::{
    Cause, Change, Climb, DhcpMode, FirstStep, Host, HostDefinition, HostId, Loader, Make, Sighting, Strategy,
    Timestamp, Transport, Verb, Way,
};

use crate::engine::Engine;
use crate::offer::{OfferAsk, Wants};

/// How many hosts of each make were brought to their boot loader in which way. Follows from the hosts, and is as bounded
/// as they are.
#[derive(Debug, Default)]
pub(crate) struct Makes(BTreeMap<Make, Tally>);

#[derive(Debug, Default)]
struct Tally {
    strategies: [u32; Strategy::LADDER.len()],
    files: BTreeMap<String, u32>,
}

/// Whence it is known how a host's firmware is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The configuration says so.
    Configured,
    /// It worked for this host before.
    Host,
    /// It worked for most hosts of the same make.
    Make,
    /// It is tried, since what came before led nowhere.
    Tried,
    /// It is what everybody gets.
    Default,
}

impl Whence {
    /// The word for it, which programs compare.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Host => "host",
            Self::Make => "make",
            Self::Tried => "tried",
            Self::Default => "default",
        }
    }
}

impl Makes {
    pub(crate) fn enter(&mut self, step: &FirstStep) {
        let tally = self.0.entry(step.make).or_default();
        if let Some(count) = step.strategy.and_then(|strategy| tally.count(strategy)) {
            *count = count.saturating_add(1);
        }
        match tally.files.get_mut(&step.file) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                tally.files.insert(step.file.clone(), 1);
            }
        }
    }

    pub(crate) fn leave(&mut self, step: &FirstStep) {
        let Some(tally) = self.0.get_mut(&step.make) else {
            return;
        };
        if let Some(count) = step.strategy.and_then(|strategy| tally.count(strategy)) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = tally.files.get_mut(&step.file) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                tally.files.remove(&step.file);
            }
        }
        // Every host counts in `files`.
        if tally.files.is_empty() {
            self.0.remove(&step.make);
        }
    }

    /// What works for most hosts of a make; of equals the plainer one.
    fn strategy(&self, make: &Make) -> Option<Strategy> {
        let counts = &self.0.get(make)?.strategies;
        let most = counts.iter().copied().max().filter(|most| *most > 0)?;
        let place = counts.iter().position(|count| *count == most)?;
        Strategy::LADDER.get(place).copied()
    }

    /// Which of these boot programs calls from most hosts of a make; of equals the first.
    fn file<'a>(&self, make: &Make, files: impl Iterator<Item = &'a str>) -> Option<u8> {
        let counts = &self.0.get(make)?.files;
        let counted = files
            .zip(0_u8..)
            .map(|(file, place)| (counts.get(file).copied().unwrap_or(0), place));
        let best = counted.max_by_key(|(count, place)| (*count, std::cmp::Reverse(*place)))?;
        (best.0 > 0).then_some(best.1)
    }
}

impl Tally {
    fn count(&mut self, strategy: Strategy) -> Option<&mut u32> {
        let place = Strategy::LADDER.iter().position(|known| *known == strategy)?;
        self.strategies.get_mut(place)
    }
}

impl Engine {
    /// Where a machine stands that asks now, and stood `before`. Nothing for one that is not on the ladder: iPXE understands
    /// every offer, and over IPv6 there is one form of them.
    pub(crate) fn stand(
        &self,
        now: Timestamp,
        host: Option<&Host>,
        before: Option<Climb>,
        definition: Option<&HostDefinition>,
        ask: &OfferAsk,
    ) -> Option<Climb> {
        if ask.loader != Loader::Firmware || ask.way == Way::Ipv6 {
            return None;
        }
        match (ask.wants, before) {
            (Wants::File | Wants::MenuEntry, Some(mut climb)) => {
                climb.asked_boot_server(now);
                Some(climb)
            }
            (Wants::Offer, _) | (_, None) => {
                let (start, _) = self.start(host, definition, ask);
                Some(Climb::search(before.as_ref(), &start, now))
            }
        }
    }

    /// Whether the last offer to a machine held our menu.
    pub(crate) fn was_shown_menu(&self, ask: &OfferAsk) -> bool {
        let id = ask.seen.boot_mac.and_then(|mac| self.index.by_mac(mac));
        let climb = id.and_then(|id| self.visits.get(id)?.climb);
        climb.is_some_and(|climb| climb.strategy == Strategy::OneEntryMenu)
    }

    /// Where a machine begins, and whence that is known.
    pub(crate) fn start(
        &self,
        host: Option<&Host>,
        definition: Option<&HostDefinition>,
        ask: &OfferAsk,
    ) -> (Start, Whence) {
        let merged = self.policy.merged_offer && self.policy.dhcp == DhcpMode::Proxy && matches!(ask.way, Way::Link);
        let allowed = |strategy: &Strategy| merged || *strategy != Strategy::Merged;
        let configured = definition.and_then(|definition| definition.offer).filter(allowed);
        let learned = host.and_then(|host| host.first_step.as_deref());
        let own = learned.and_then(|step| step.strategy).filter(allowed);
        let of_make = || self.makes.strategy(&ask.make).filter(allowed);
        let (strategy, whence) = match (configured, own) {
            (Some(strategy), _) => (strategy, Whence::Configured),
            (None, Some(strategy)) => (strategy, Whence::Host),
            (None, None) => of_make().map_or((Strategy::Direct, Whence::Default), |strategy| (strategy, Whence::Make)),
        };
        let named = definition.is_some_and(|definition| definition.first_file.is_some());
        let files = || self.policy.boot_files(ask.arch);
        let count = if named {
            1
        } else {
            files().take(usize::from(u8::MAX)).count()
        };
        let own = || learned.and_then(|step| files().zip(0_u8..).find(|(file, _)| *file == step.file));
        let file = match count {
            0 | 1 => None,
            _ => own()
                .map(|(_, place)| place)
                .or_else(|| self.makes.file(&ask.make, files())),
        };
        let start = Start {
            make: ask.make,
            arch: ask.arch,
            strategy,
            pinned: configured.is_some(),
            merged,
            file: file.unwrap_or(0),
            files: u8::try_from(count).unwrap_or(u8::MAX),
        };
        (start, whence)
    }

    /// A boot loader asks what to do, so that the boot program of whoever has its cards works, whoever it is.
    pub(crate) fn boot_program_called(&mut self, now: Timestamp, seen: &Sighting) {
        for mac in &seen.facts.macs {
            let Some(id) = self.index.by_mac(*mac) else { continue };
            let visit = self.visits.get_mut(id);
            if let Some(climb) = visit.and_then(|visit| visit.climb.as_mut())
                && climb.called()
            {
                let (id, climb) = (id.clone(), *climb);
                self.learn_first_step(now, &id, &climb);
            }
        }
    }

    /// Remembers how a host got to its boot loader, if that is news.
    fn learn_first_step(&mut self, now: Timestamp, id: &HostId, climb: &Climb) {
        let named = self
            .definition(id)
            .and_then(|definition| definition.first_file.as_deref());
        let of_arch = || self.policy.boot_files(climb.arch).nth(usize::from(climb.file));
        let (Some(file), Some(host)) = (named.or_else(of_arch), self.host(id)) else {
            return;
        };
        let worded = climb.arch.transport() == Transport::Tftp;
        let strategy = worded.then_some(climb.strategy);
        let known = host
            .first_step
            .as_deref()
            .is_some_and(|known| known.make == climb.make && known.strategy == strategy && known.file == file);
        if known || !self.store_ready {
            return;
        }
        let step = FirstStep {
            make: climb.make,
            strategy,
            file: file.to_owned(),
        };
        let note = match strategy {
            Some(strategy) => format!("boots by {file}, with the offer {strategy}"),
            None => format!("boots by {file}"),
        };
        if self.news.take(now) {
            let change = Change::FirstStepSet {
                host: id.clone(),
                step: Some(step),
            };
            self.record(now, Cause::Machine, Verb::Set, note, change);
        }
    }
}
