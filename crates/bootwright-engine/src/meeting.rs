//! Who asks: strangers, machines that are not what they were, and what is learned of each.

use std::collections::BTreeSet;

use bootwright_core::identify::{Owner, difference, grant_difference};
use bootwright_core::{Cause, Change, Event, Facts, HostId, HostState, Phase, Sighting, Timestamp, Verb};

use crate::engine::Engine;
use crate::record::describe;
use crate::visit::News;

impl Engine {
    /// A host may be decided about by its serial number before it was ever seen. Its firmware's request shows only a card,
    /// so that it was remembered as a stranger meanwhile; now that it shows its serial number, the stranger is that host.
    pub(crate) fn merge_sighting(&mut self, now: Timestamp, facts: &Facts) {
        let Some(serial) = facts.serial.as_deref().filter(|_| self.store_ready) else {
            return;
        };
        let Owner::One(named) = self.index.by_serial(serial) else {
            return;
        };
        let cards: BTreeSet<&HostId> = facts.macs.iter().filter_map(|mac| self.index.by_mac(*mac)).collect();
        let (Some(named), Some(stranger), 1) = (self.host(named), cards.first(), cards.len()) else {
            return;
        };
        let Some(stranger) = self.host(stranger) else { return };
        let is_stranger = stranger.state == HostState::default()
            && stranger.facts.serial.is_none()
            && stranger.labels.is_empty()
            && stranger.metadata.is_empty()
            && !self.policy.hosts.contains_key(&stranger.id);
        let fits = named.facts.macs.is_empty() && difference(&named.facts, facts).is_none();
        if is_stranger && fits && named.id != stranger.id {
            let note = format!("it is {}, by its serial number", named.id);
            let host = stranger.id.clone();
            self.record(now, Cause::Machine, Verb::Set, note, Change::HostForgotten { host });
        }
    }

    /// A machine that the record does not have: perhaps one that the configuration names.
    pub(crate) fn meet(&mut self, now: Timestamp, facts: &Facts) -> Option<HostId> {
        let defined = self.defined_as(facts);
        self.add_host(now, Cause::Machine, facts, defined)
    }

    /// A machine whose facts tell it from others only because the configuration names them.
    pub(crate) fn meet_defined(&mut self, now: Timestamp, facts: &Facts) -> Option<HostId> {
        let defined = self.defined_as(facts)?;
        self.add_host(now, Cause::Machine, facts, Some(defined))
    }

    pub(crate) fn defined_as(&self, facts: &Facts) -> Option<HostId> {
        self.definition_for(facts)
            .filter(|name| !self.world.hosts.contains_key(name))
    }

    /// A grant speaks of one machine. If another comes in its name the grant ends. Says whether it did.
    pub(crate) fn check_grant(&mut self, now: Timestamp, id: &HostId, seen: &Sighting) -> bool {
        let Some(host) = self.host(id) else { return false };
        let granted = match &host.state.phase {
            Phase::Armed { grant, .. } | Phase::Installing { grant, .. } => &grant.machine,
            Phase::New { .. }
            | Phase::Installed { .. }
            | Phase::Failed { .. }
            | Phase::Live { .. }
            | Phase::Ignored => return false,
        };
        let Some(difference) = grant_difference(granted, &seen.facts) else {
            return false;
        };
        // What cannot be recorded does not happen; no install is served either as long as that lasts.
        if !self.store_ready {
            return true;
        }
        let difference = difference.to_string();
        let note = format!("held, it is not the machine that was armed: {difference}");
        let event = Event::IdentityChanged {
            seen: seen.facts.clone(),
            difference,
            at: now,
        };
        let happened = self.happen(now, Cause::Machine, id, &event, Verb::Warn, note);
        if happened.is_ok() {
            self.pending.promises = true;
        }
        true
    }

    /// The facts contradict the record. What the candidates were granted ends, as nobody can say who is asking.
    pub(crate) fn doubt(&mut self, now: Timestamp, candidates: &[HostId], seen: &Sighting, why: &str) {
        for id in candidates {
            let visit = self.visits.entry(id.clone()).or_default();
            let warn = visit.is_due(now, News::Doubt);
            let event = Event::IdentityChanged {
                seen: seen.facts.clone(),
                difference: why.to_owned(),
                at: now,
            };
            let note = format!("held, its identity is in doubt: {why} ({})", describe(&seen.facts));
            let is_armed = self
                .host(id)
                .is_some_and(|host| matches!(host.state.phase, Phase::Armed { .. }));
            let happened = is_armed
                && self.store_ready
                && self
                    .happen(now, Cause::Machine, id, &event, Verb::Warn, note.clone())
                    .is_ok();
            self.pending.promises |= happened;
            if warn && !happened {
                self.note(now, id, Cause::Machine, Verb::Warn, note);
            }
        }
    }

    /// Keeps what the machine shows beyond what was known.
    pub(crate) fn bind_facts(&mut self, now: Timestamp, id: &HostId, seen: &Facts) {
        let Some(host) = self.host(id) else { return };
        let joined = host.facts.joined(seen);
        if joined != host.facts && self.store_ready {
            let note = describe(&joined);
            self.record(
                now,
                Cause::Machine,
                Verb::Set,
                note,
                Change::FactsBound {
                    host: id.clone(),
                    facts: joined,
                },
            );
        }
    }
}
