//! The engine's memory, and how it is filled.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bootwright_core::fact::{Quality, mac_quality};
use bootwright_core::identify::{Owner, difference};
use bootwright_core::lease::Lease;
use bootwright_core::{
    Cause, Census, Entry, Facts, Host, HostDefinition, HostId, HostIndex, Policy, RuleName, RunNumber, Situation, Span,
    Timestamp, Token, World, due,
};

use crate::ipv6::Declined;
use crate::ladder::Makes;
use crate::lease::Lending;
use crate::limit::{
    Bucket, NEWS_BURST, NEWS_PER_SEC, SERVER_NEWS_BURST, SERVER_NEWS_PER_SEC, STRANGERS_BURST, STRANGERS_PER_SEC,
};
use crate::outcome::{Outcome, Woken};
use crate::own_disk::Products;
use crate::record::name_key;
use crate::revision::Revisions;
use crate::tally::Tally;
use crate::visit::{Ignored, Visit};

/// The world in memory, and the only way to change it.
pub struct Engine {
    pub(crate) policy: Arc<Policy>,
    pub(crate) world: World,
    pub(crate) index: HostIndex,
    pub(crate) definitions: HostIndex,
    pub(crate) definition_of: BTreeMap<HostId, HostId>,
    pub(crate) visits: BTreeMap<HostId, Visit>,
    pub(crate) makes: Makes,
    pub(crate) products: Products,
    pub(crate) tally: Tally,
    pub(crate) addresses: BTreeMap<IpAddr, HostId>,
    pub(crate) lending: Lending,
    /// Addresses of IPv6 that others use. Only in memory: who gets such an address declines it again.
    pub(crate) declined: Declined,
    /// Why machines got no answer that the configuration names and that were never remembered.
    pub(crate) unmet: BTreeMap<HostId, Option<Ignored>>,
    pub(crate) tokens: BTreeMap<Token, (HostId, RunNumber)>,
    pub(crate) due: BTreeSet<(Timestamp, HostId)>,
    pub(crate) due_of: BTreeMap<HostId, Timestamp>,
    pub(crate) installing: BTreeSet<HostId>,
    pub(crate) starts: VecDeque<Timestamp>,
    pub(crate) rule_arms: VecDeque<(Timestamp, RuleName)>,
    pub(crate) revisions: Revisions,
    pub(crate) strangers: Bucket,
    pub(crate) news: Bucket,
    pub(crate) census: BTreeMap<String, Census>,
    /// The same of those that speak IPv6.
    pub(crate) census6: BTreeMap<String, Census<Ipv6Addr>>,
    pub(crate) server_news: Bucket,
    /// By whom requests came that are not for us, and when that was told.
    pub(crate) intruders: BTreeMap<Ipv4Addr, Timestamp>,
    pub(crate) begun: Timestamp,
    pub(crate) store_ready: bool,
    store_up: bool,
    store_low: bool,
    pub(crate) pending: Pending,
}

/// What the input at hand has caused so far.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) entries: Vec<Entry>,
    pub(crate) leases: Vec<Lease>,
    pub(crate) promises: bool,
    pub(crate) woken: Woken,
}

impl Engine {
    /// An engine that goes on where the record ends.
    #[must_use]
    pub fn new(policy: Arc<Policy>, world: World, now: Timestamp) -> Self {
        let mut engine = Self {
            policy: Arc::new(Policy::default()),
            world,
            index: HostIndex::new(),
            definitions: HostIndex::new(),
            definition_of: BTreeMap::new(),
            visits: BTreeMap::new(),
            makes: Makes::default(),
            products: Products::default(),
            tally: Tally::default(),
            addresses: BTreeMap::new(),
            lending: Lending::default(),
            declined: Declined::default(),
            unmet: BTreeMap::new(),
            tokens: BTreeMap::new(),
            due: BTreeSet::new(),
            due_of: BTreeMap::new(),
            installing: BTreeSet::new(),
            starts: VecDeque::new(),
            rule_arms: VecDeque::new(),
            revisions: Revisions::default(),
            strangers: Bucket::new(STRANGERS_BURST, STRANGERS_PER_SEC, now),
            news: Bucket::new(NEWS_BURST, NEWS_PER_SEC, now),
            census: BTreeMap::new(),
            census6: BTreeMap::new(),
            server_news: Bucket::new(SERVER_NEWS_BURST, SERVER_NEWS_PER_SEC, now),
            intruders: BTreeMap::new(),
            begun: now,
            store_ready: true,
            store_up: true,
            store_low: false,
            pending: Pending::default(),
        };
        let hosts: Vec<Arc<Host>> = engine.world.hosts.values().cloned().collect();
        let mut starts = BTreeSet::new();
        let hour_ago = now.before(Span::from_hours(1));
        for host in &hosts {
            engine.index_host(host);
            engine.products.follow(None, Some(host));
            engine.tally.follow(None, Some(host));
            if let Some(step) = &host.first_step {
                engine.makes.enter(step);
            }
            let runs = host
                .runs
                .iter()
                .map(|run| run.started)
                .chain(host.state.phase.run().map(|run| run.started));
            starts.extend(
                runs.filter(|started| *started > hour_ago)
                    .map(|started| (started, host.id.clone())),
            );
        }
        engine.index.pack();
        engine.starts = starts.into_iter().map(|(started, _)| started).collect();
        engine.adopt_policy(now, policy);
        for host in &hosts {
            engine.enter_derived(host, now);
        }
        engine
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The record, folded.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Says how the store fares: whether it can be written at all, and whether so little room is left that nothing new may
    /// begin. What a run under way promises is still recorded then.
    pub fn set_store(&mut self, up: bool, low: bool) -> Outcome<()> {
        (self.store_up, self.store_low, self.store_ready) = (up, low, up);
        self.pending.woken.and(Woken::All);
        self.outcome(())
    }

    /// Says whether so much waits to be recorded that nothing more should be for the moment.
    pub fn set_busy(&mut self, busy: bool) {
        self.store_ready = self.store_up && !busy;
    }

    /// Says that the store has little room left, as soon as it is known; [`Self::set_store`] says when that is over.
    pub fn set_low(&mut self) {
        self.store_low = true;
    }

    /// Whether the store has so little room left that nothing new may begin.
    #[must_use]
    pub fn store_low(&self) -> bool {
        self.store_low
    }

    /// Whether what is decided can be recorded.
    #[must_use]
    pub fn store_up(&self) -> bool {
        self.store_up
    }

    /// Replaces the policy and everything that is derived from it. Changes no host.
    pub(crate) fn adopt_policy(&mut self, now: Timestamp, policy: Arc<Policy>) {
        self.lending.adopt(now, &self.policy, &policy);
        self.definitions = HostIndex::new();
        for (name, definition) in &policy.hosts {
            self.definitions.insert(name, &definition.facts);
            for mac in &definition.facts.macs {
                self.definitions.assign(name, *mac);
            }
        }
        self.policy = policy;
        self.definition_of.clear();
        // Templates and what they are filled with may be others now.
        self.visits.values_mut().for_each(|visit| visit.trial = None);
        let names: Vec<(HostId, HostId)> = self
            .world
            .hosts
            .values()
            .filter_map(|host| self.find_definition(host).map(|name| (host.id.clone(), name)))
            .collect();
        self.definition_of.extend(names);
        for run in self
            .installing
            .iter()
            .filter_map(|id| self.world.hosts.get(id)?.state.phase.run())
        {
            self.revisions.enter(run, &self.policy);
        }
        let hosts: Vec<Arc<Host>> = self.world.hosts.values().cloned().collect();
        for host in hosts {
            self.index_named_cards(&host);
            self.set_due(&host.id, self.due_at(&host));
        }
    }

    /// Enters a host's facts into the index.
    pub(crate) fn index_host(&mut self, host: &Host) {
        self.index.insert(&host.id, &host.facts);
        self.index_named_cards(host);
    }

    /// An address that many machines may have tells a host from others only while the configuration names it.
    fn index_named_cards(&mut self, host: &Host) {
        let doubtful = host.facts.macs.iter().filter(|mac| mac_quality(**mac) != Quality::Good);
        for mac in doubtful {
            if self.definitions.by_mac(*mac).is_some() {
                self.index.assign(&host.id, *mac);
            } else {
                self.index.release(&host.id, *mac);
            }
        }
    }

    /// Which definition of the configuration speaks of this host: the one of its name, or the one that its facts fit.
    pub(crate) fn find_definition(&self, host: &Host) -> Option<HostId> {
        if self.policy.hosts.contains_key(&host.id) {
            return Some(host.id.clone());
        }
        self.definition_for(&host.facts)
    }

    /// Which definition of the configuration a machine fits: it shares a card with it, or the papers that it names, and
    /// contradicts it in nothing. A definition that names other cards must be met in both papers.
    pub(crate) fn definition_for(&self, facts: &Facts) -> Option<HostId> {
        let cards = facts.macs.iter().filter_map(|mac| self.definitions.by_mac(*mac));
        let by_card: BTreeSet<&HostId> = cards.collect();
        let fits = |name: &HostId| {
            let definition = self.policy.hosts.get(name)?;
            let same = difference(&definition.facts, facts).is_none();
            same.then_some(definition)
        };
        match by_card.len() {
            1 => {
                return by_card
                    .first()
                    .filter(|name| fits(name).is_some())
                    .map(|name| (*name).clone());
            }
            0 => {}
            _ => return None,
        }
        let uuid = facts.uuid.map_or(Owner::None, |uuid| self.definitions.by_uuid(uuid));
        let serial = facts.serial.as_ref();
        let serial = serial.map_or(Owner::None, |serial| self.definitions.by_serial(serial));
        let (name, both) = match (uuid, serial) {
            (Owner::One(a), Owner::One(b)) if a == b => (a, true),
            (Owner::One(_), Owner::One(_)) => return None,
            (Owner::One(name), _) | (_, Owner::One(name)) => (name, false),
            _ => return None,
        };
        let definition = fits(name)?;
        let other_cards = !definition.facts.macs.is_empty() && !facts.macs.is_empty();
        (both || !other_cards).then(|| name.clone())
    }

    /// The definition that the configuration has of a host. One that was never seen has the definition of its name.
    #[must_use]
    pub fn definition(&self, host: &HostId) -> Option<&HostDefinition> {
        let unseen = || (!self.world.hosts.contains_key(host)).then_some(host);
        let name = self.definition_of.get(host).or_else(unseen)?;
        self.policy.hosts.get(name)
    }

    /// The same with the metadata that rules give the host by what it shows now.
    #[must_use]
    pub fn described(&self, host: &HostId) -> Option<HostDefinition> {
        let definition = self.definition(host);
        match self.world.hosts.get(host) {
            Some(known) => self.policy.described(known, definition, &self.last_sighting(host)),
            None => definition.cloned(),
        }
    }

    /// The host's name for people: the one that the configuration gives it, else the one in the store.
    #[must_use]
    pub fn display_name<'a>(&'a self, host: &'a HostId) -> &'a HostId {
        self.definition_of.get(host).unwrap_or(host)
    }

    pub(crate) fn situation(&self, now: Timestamp) -> Situation<'_> {
        let hour_ago = now.before(Span::from_hours(1));
        // In order of time, and asked for with every packet.
        let earlier = self.starts.partition_point(|started| *started <= hour_ago);
        let started = self.starts.len() - earlier;
        Situation {
            site: &self.world.site,
            installing: u32::try_from(self.installing.len()).unwrap_or(u32::MAX),
            started_last_hour: u32::try_from(started).unwrap_or(u32::MAX),
            store_ready: self.store_ready,
            store_low: self.store_low,
            revision_lost: false,
            trial: None,
            now,
        }
    }

    /// The same with what concerns one host alone.
    pub(crate) fn situation_of(&self, now: Timestamp, host: &HostId) -> Situation<'_> {
        Situation {
            revision_lost: self.is_revision_lost(host),
            trial: self.visits.get(host).and_then(|visit| visit.trial.as_ref()),
            ..self.situation(now)
        }
    }

    pub(crate) fn due_at(&self, host: &Host) -> Option<Timestamp> {
        let state = due(&self.policy, host).map(|(at, _)| at);
        let stage = self.stage_due(host);
        state.into_iter().chain(stage).min()
    }

    /// Sets when a host has to be looked at next.
    pub(crate) fn set_due(&mut self, id: &HostId, at: Option<Timestamp>) {
        let before = match at {
            Some(at) => self.due_of.insert(id.clone(), at),
            None => self.due_of.remove(id),
        };
        if let Some(before) = before {
            self.due.remove(&(before, id.clone()));
        }
        if let Some(at) = at {
            self.due.insert((at, id.clone()));
        }
    }

    /// Enters what is derived from a host's state: its tokens, its due time, whether it is installing.
    pub(crate) fn enter_derived(&mut self, host: &Host, now: Timestamp) {
        if let Some(run) = host.state.phase.run() {
            self.installing.insert(host.id.clone());
            self.tokens.insert(run.token, (host.id.clone(), run.number));
            self.revisions.enter(run, &self.policy);
        }
        self.set_due(&host.id, self.due_at(host));
        for run in host.runs.iter().filter(|run| run.deadline > now) {
            self.tokens.insert(run.token, (host.id.clone(), run.number));
        }
    }

    /// Takes out what `enter_derived` entered.
    pub(crate) fn leave_derived(&mut self, host: &Host) {
        self.set_due(&host.id, None);
        self.installing.remove(&host.id);
        let runs = host
            .runs
            .iter()
            .map(|run| run.token)
            .chain(host.state.phase.run().map(|run| run.token));
        for token in runs {
            self.tokens.remove(&token);
        }
    }

    /// A name for a stranger that no host and no definition has.
    pub(crate) fn free_name(&self, facts: &Facts) -> Option<HostId> {
        self.policy.naming.name(facts, &name_key(facts), |name| {
            self.world.hosts.contains_key(name) || self.policy.hosts.contains_key(name)
        })
    }

    /// The host that people mean by this name: one that the store names so, or the only one that the configuration names so,
    /// or the one with this hardware address.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<HostId> {
        if let Some((host, _)) = self.world.hosts.get_key_value(name) {
            return Some(host.clone());
        }
        match self.hosts_defined_as(name).as_slice() {
            [] => {}
            [host] => return Some((*host).clone()),
            _ => return None,
        }
        if let Ok(mac) = name.parse() {
            return self.index.by_mac(mac).cloned();
        }
        match self.index.by_uuid(name.parse().ok()?) {
            Owner::One(host) => Some(host.clone()),
            Owner::None | Owner::Several => None,
        }
    }

    /// The hosts of which one definition of the configuration speaks; more than one if they share what it names.
    pub(crate) fn hosts_defined_as(&self, name: &str) -> Vec<&HostId> {
        if !self.policy.hosts.contains_key(name) {
            return Vec::new();
        }
        self.definition_of
            .iter()
            .filter(|(_, definition)| definition.as_str() == name)
            .map(|(host, _)| host)
            .collect()
    }

    pub(crate) fn outcome<R>(&mut self, reply: R) -> Outcome<R> {
        let Pending {
            entries,
            leases,
            promises,
            woken,
        } = std::mem::take(&mut self.pending);
        let revisions = if self.store_up {
            self.revisions.changes()
        } else {
            Vec::new()
        };
        Outcome {
            reply,
            entries,
            leases,
            revisions,
            promises,
            woken,
        }
    }

    pub(crate) fn operator(by: &str) -> Cause {
        Cause::Operator(by.to_owned())
    }
}
