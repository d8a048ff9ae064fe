//! Sending a host to its own disk, seeing whether it starts, and what its like have taught.

use std::collections::BTreeMap;

use bootwright_core::local::{Footing, Known, Round, Search, before_loader, choose, methods};
use bootwright_core::{
    Arch, Cause, Change, Firmware, FrontEnd, HoldWhy, Host, HostId, LocalBoot, LocalMethod, LocalWhy, MacAddr,
    Sighting, Timestamp, Verb, Way,
};

use crate::engine::Engine;
use crate::ladder::Whence;
use crate::outcome::Outcome;
use crate::script::ScriptReply;

/// How many hosts of each product were seen to start their disk by which method. Follows from the hosts, and is as bounded
/// as they are.
#[derive(Debug, Default)]
pub(crate) struct Products(BTreeMap<(String, String), BTreeMap<LocalMethod, u32>>);

/// What a host teaches of its product; nothing as long as its disk was not seen to start.
fn lesson(host: &Host) -> Option<((String, String), LocalMethod)> {
    Some((product(host)?, host.local.proven()?))
}

fn product(host: &Host) -> Option<(String, String)> {
    let product = host.facts.product.clone()?;
    Some((host.facts.manufacturer.clone().unwrap_or_default(), product))
}

impl Products {
    /// Takes in that a host is another one now.
    pub(crate) fn follow(&mut self, before: Option<&Host>, after: Option<&Host>) {
        let (was, is) = (before.and_then(lesson), after.and_then(lesson));
        if was == is {
            return;
        }
        if let Some((product, method)) = was
            && let Some(counts) = self.0.get_mut(&product)
        {
            if let Some(count) = counts.get_mut(&method) {
                *count = count.saturating_sub(1);
            }
            counts.retain(|_, count| *count > 0);
            if counts.is_empty() {
                self.0.remove(&product);
            }
        }
        if let Some((product, method)) = is {
            let count = self.0.entry(product).or_default().entry(method).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What works for most hosts of this product; of equals the plainer one.
    fn method(&self, host: &Host) -> Option<LocalMethod> {
        let counts = self.0.get(&product(host)?)?;
        let most = counts.values().max()?;
        counts
            .iter()
            .find(|(_, count)| *count == most)
            .map(|(method, _)| *method)
    }
}

impl Engine {
    /// What is known of how a host starts its disk, before it is tried.
    fn known_of_disk(&self, host: &Host, seen: &Sighting) -> Known {
        let visit = self.visits.get(&host.id);
        let firmware = seen.firmware.or(visit.and_then(|visit| visit.firmware));
        // The ladder knows firmware that is not iPXE.
        let asked = host.first_step.is_some() || visit.is_some_and(|visit| visit.climb.is_some());
        // A Pi starts no boot loader of ours: it is not given its files, and goes on to its next way to boot.
        let pi = visit.is_some_and(|visit| visit.front == Some(FrontEnd::RaspberryPi));
        let pinned = self.definition(&host.id).and_then(|definition| definition.local);
        let by_ipxe = visit.and_then(|visit| visit.front).unwrap_or(FrontEnd::Ipxe) == FrontEnd::Ipxe;
        Known {
            footing: Footing {
                firmware: firmware.unwrap_or(Firmware::Bios),
                rounds: pi || (asked && by_ipxe),
            },
            pinned: pinned.or(pi.then_some(LocalMethod::NoFile)),
            like: self.products.method(host),
        }
    }

    fn whence_local(&self, known: &Known, host: &Host, chosen: &LocalBoot) -> Whence {
        let configured = self.definition(&host.id).and_then(|definition| definition.local);
        let first = known.pinned.or(methods(known.footing).first().copied());
        match chosen.method {
            _ if configured.is_some() => Whence::Configured,
            Some(_) if chosen.returns > 0 => Whence::Tried,
            Some(_) if host.local.proven() == chosen.method => Whence::Host,
            None => known.like.map_or(Whence::Default, |_| Whence::Make),
            method if method == known.like => Whence::Make,
            method if method == first => Whence::Default,
            Some(_) => Whence::Tried,
        }
    }

    /// How a host would be sent to its disk now, and whence that is known; nothing if it would be parked instead.
    pub(crate) fn preview_local(
        &self,
        now: Timestamp,
        host: &Host,
        seen: &Sighting,
    ) -> Option<(LocalMethod, Whence, u32)> {
        let known = self.known_of_disk(host, seen);
        let chosen = if self.would_be_sent_to_disk(now, &host.id) || !self.store_ready {
            LocalBoot {
                method: Some(known.present(&host.local)),
                ..host.local.clone()
            }
        } else {
            choose(&known, &host.local, now)
        };
        let method = servable(&known, chosen.method);
        (!chosen.is_parked()).then(|| (method, self.whence_local(&known, host, &chosen), chosen.returns))
    }

    /// How a host starts its disk, as far as that is known, and whence.
    #[must_use]
    pub fn local_method(&self, id: &HostId) -> Option<(LocalMethod, Whence)> {
        let host = self.host(id)?;
        let known = self.known_of_disk(host, &self.last_sighting(id));
        let is_known = known.pinned.is_some() || host.local.method.is_some() || known.like.is_some();
        is_known.then(|| (known.present(&host.local), self.whence_local(&known, host, &host.local)))
    }

    pub(crate) fn serve_local(&mut self, now: Timestamp, id: &HostId, seen: &Sighting, why: LocalWhy) -> ScriptReply {
        let Some(host) = self.host(id).cloned() else {
            return self.hold(now, id, HoldWhy::Undecided);
        };
        let known = self.known_of_disk(&host, seen);
        let local = if self.is_sent_to_disk(now, id) || !self.store_ready {
            LocalBoot {
                method: Some(known.present(&host.local)),
                ..host.local.clone()
            }
        } else {
            choose(&known, &host.local, now)
        };
        let (method, returns) = (servable(&known, local.method), local.returns);
        if self.store_ready && local != host.local {
            self.remember_local(now, &host, local.clone(), method);
        }
        if local.is_parked() && self.store_ready {
            return self.hold(now, id, HoldWhy::DiskDoesNotStart { times: returns });
        }
        let visit = self.visits.entry(id.clone()).or_default();
        visit.sent_to_disk = Some(now);
        visit.round = None;
        ScriptReply::Local {
            host,
            method,
            why,
            returns,
        }
    }

    fn remember_local(&mut self, now: Timestamp, host: &Host, local: LocalBoot, method: LocalMethod) {
        let times = times(local.returns);
        let (verb, note) = match local.returns {
            0 => (Verb::Local, format!("local-boot script served ({method})")),
            returns if returns == host.local.returns => (Verb::Local, format!("local-boot script served ({method})")),
            _ if local.is_parked() => (
                Verb::Loop,
                format!(
                    "came back from its disk too early, {times}: no method starts it, so that it waits from now on"
                ),
            ),
            _ => (
                Verb::Loop,
                format!("came back from its disk too early, {times}; local-boot script served ({method})"),
            ),
        };
        self.set_local(now, &host.id, local, Cause::Machine, verb, note);
    }

    fn set_local(&mut self, now: Timestamp, id: &HostId, local: LocalBoot, by: Cause, verb: Verb, note: String) {
        let host = id.clone();
        self.record(now, by, verb, note, Change::LocalBootSet { host, local });
    }

    /// Firmware searches that is kept from any boot loader, so that it goes on to its disk. Says whether the host was given
    /// another method, or was parked, since it has come back from there.
    pub(crate) fn passed_by(&mut self, now: Timestamp, id: &HostId, seen: &Sighting, arch: Arch) -> bool {
        let Some(host) = self.host(id).cloned() else {
            return false;
        };
        let mut known = self.known_of_disk(&host, seen);
        known.footing.rounds = true;
        let method = known.present(&host.local);
        let visit = self.visits.entry(id.clone()).or_default();
        let before = visit.round;
        let (round, search) = Round::search(before, method, arch, now);
        visit.round = Some(round);
        // Firmware that is to fail is on no ladder.
        visit.climb = None;
        if !self.store_ready {
            return false;
        }
        match search {
            Search::Same => false,
            Search::Fresh => {
                // The first round after a script that said so goes on counting.
                let returns = if before.is_none() { host.local.returns } else { 0 };
                if host.local.served.is_none() || returns != host.local.returns {
                    let local = LocalBoot {
                        method: Some(method),
                        served: Some(now),
                        returns,
                    };
                    let note = format!("is sent past every boot loader to its disk ({method})");
                    self.set_local(now, id, local, Cause::Machine, Verb::Local, note);
                }
                false
            }
            Search::Back => {
                let local = host.local.returned(&known);
                let parked = local.is_parked();
                let next = servable(&known, local.method);
                let times = times(local.returns);
                let then = if parked {
                    "no method starts it, so that it waits from now on".to_owned()
                } else {
                    format!("next is {next}")
                };
                let note = format!("came back from its disk too early, {times}; {then}");
                let changed = local.method != host.local.method || parked;
                self.set_local(now, id, local, Cause::Machine, Verb::Loop, note);
                changed
            }
        }
    }

    /// Whether it would be news that the host of this card has started its system.
    #[must_use]
    pub fn awaits_system(&self, mac: MacAddr) -> bool {
        let Some(id) = self.index.by_mac(mac) else { return false };
        let goes_round = self.visits.get(id).is_some_and(|visit| visit.round.is_some());
        let local = self.host(id).map(|host| &host.local);
        goes_round || local.is_some_and(|local| local.served.is_some() || local.returns > 0)
    }

    /// A card asks for an address as an operating system does: the host to which it belongs has started one.
    /// What comes by a way that is not listed teaches nothing.
    pub fn system_heard(&mut self, now: Timestamp, way: Way, mac: MacAddr) -> Outcome<()> {
        if let Some(id) = self.index.by_mac(mac).cloned()
            && way.refusal(&self.policy).is_none()
        {
            self.system_started(now, &id, "its system asks for an address");
        }
        self.outcome(())
    }

    /// A host's own system was seen, so that its disk has started.
    pub(crate) fn system_started(&mut self, now: Timestamp, id: &HostId, how: &str) {
        // Whenever its firmware asks next, it is not back from its disk.
        if let Some(visit) = self.visits.get_mut(id) {
            visit.round = None;
        }
        let Some(host) = self.host(id).filter(|_| self.store_ready) else {
            return;
        };
        // An installer asks for an address as well.
        if host.state.phase.run().is_some() || (host.local.served.is_none() && host.local.returns == 0) {
            return;
        }
        let local = host.local.started();
        let note = match local.method {
            Some(method) => format!("has started from its disk ({method}): {how}"),
            None => format!("has started from its disk: {how}"),
        };
        self.set_local(now, id, local, Cause::Machine, Verb::Up, note);
    }

    /// An operator wants a host to start its disk: what was found out about its methods is tried anew.
    pub(crate) fn forget_local(&mut self, now: Timestamp, id: &HostId, by: Cause) {
        let tried = self.host(id).is_some_and(|host| host.local.returns > 0);
        if tried {
            let note = "its own disk is tried anew".to_owned();
            self.set_local(now, id, LocalBoot::default(), by, Verb::Local, note);
        }
    }
}

fn times(returns: u32) -> String {
    match returns {
        1 => "once".to_owned(),
        returns => format!("{returns} times in a row"),
    }
}

/// What a boot loader is told of a method. One that acts before any boot loader runs cannot help firmware that is iPXE
/// itself: what comes nearest is to leave it.
fn servable(known: &Known, method: Option<LocalMethod>) -> LocalMethod {
    let method = method.unwrap_or(LocalMethod::Exit);
    if before_loader(method).is_some() && !known.footing.rounds {
        LocalMethod::Exit
    } else {
        method
    }
}

/// A host that no record speaks of begins with the first method of its list.
pub(crate) fn first_method(seen: &Sighting) -> LocalMethod {
    let footing = Footing {
        firmware: seen.firmware.unwrap_or(Firmware::Bios),
        rounds: false,
    };
    methods(footing).first().copied().unwrap_or(LocalMethod::Exit)
}
