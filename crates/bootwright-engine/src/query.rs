//! What readers ask: nothing here changes anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::lease::Lease;
use bootwright_core::{
    Host, HostDefinition, HostId, LocalMethod, Phase, ProfileName, Span, Stance, Timestamp, Unknown,
};

use crate::engine::Engine;
use crate::ladder::Whence;
use crate::record::phase_words;
use crate::visit::Visit;

/// A host and what is known around it.
#[derive(Clone, Debug)]
pub struct HostView {
    /// The host.
    pub host: Arc<Host>,
    /// Its name for people.
    pub name: HostId,
    /// What the configuration says of it.
    pub definition: Option<HostDefinition>,
    /// The same with the metadata that rules give it.
    pub described: Option<HostDefinition>,
    /// Its present or last boot.
    pub visit: Visit,
    /// How it starts its own disk, as far as that is known, and whence.
    pub local: Option<(LocalMethod, Whence)>,
    /// How a person reads its state.
    pub badge: &'static str,
    /// Whether it waits for somebody to decide.
    pub attention: bool,
    /// The profile that it would be armed with if nobody names another.
    pub suggestion: Option<ProfileName>,
    /// The leases of its cards, those that have ended among them.
    pub leases: Vec<Lease>,
}

/// Which hosts a reader wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only hosts in this state, by its name.
    pub state: Option<String>,
    /// Only hosts that read as one of these; see [`Engine::badge`]. Empty: all.
    pub badges: Vec<String>,
    /// Only hosts whose state speaks of this profile.
    pub profile: Option<String>,
    /// Only hosts with this label, and this value if one is named.
    pub label: Option<(String, Option<String>)>,
    /// Only hosts that were last seen on this interface.
    pub link: Option<String>,
    /// Only hosts that wait for somebody to decide.
    pub attention: bool,
    /// Only hosts whose name, card, address, serial number, profile, make or label holds this text.
    pub text: Option<String>,
    /// Only hosts behind this one in the order of names.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A page of hosts.
#[derive(Clone, Debug)]
pub struct HostPage {
    /// The hosts, in the order of their names in the store.
    pub hosts: Vec<HostView>,
    /// Whether there are more behind the last.
    pub more: bool,
    /// How many there are on all pages together.
    pub total: usize,
}

/// How the site stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// How many hosts are in each state, by its name.
    pub states: BTreeMap<&'static str, usize>,
    /// Why installs are paused, if they are.
    pub paused: Option<String>,
    /// How many runs are under way.
    pub installing: usize,
    /// How many of them have been silent for too long.
    pub stalled: usize,
    /// How many other servers there are on the segments that should not be there.
    pub rogues: usize,
    /// How many hosts are known.
    pub hosts: usize,
    /// Whether what is decided can be recorded.
    pub store_ready: bool,
}

/// What became of the runs of one profile that hosts remember.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Experience {
    /// How many hosts are armed with it, install it, have it or boot it.
    pub hosts: u64,
    /// How long the runs took that went well, shortest first.
    pub took: Vec<Span>,
    /// How many did not go well.
    pub failed: u64,
}

impl Engine {
    /// One host, by any of its names.
    #[must_use]
    pub fn view(&self, name: &str) -> Option<HostView> {
        let id = self.resolve(name)?;
        self.host(&id).map(|host| self.view_of(host))
    }

    fn view_of(&self, host: &Arc<Host>) -> HostView {
        HostView {
            host: Arc::clone(host),
            name: self.display_name(&host.id).clone(),
            definition: self.definition(&host.id).cloned(),
            described: self.described(&host.id),
            visit: self.visits.get(&host.id).cloned().unwrap_or_default(),
            local: self.local_method(&host.id),
            badge: self.badge(host),
            attention: self.needs_attention(host),
            suggestion: self.suggestion(&host.id),
            leases: self.leases_of(host),
        }
    }

    /// A page of hosts.
    #[must_use]
    pub fn hosts(&self, filter: &Filter) -> HostPage {
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        let after = filter.after.as_deref().unwrap_or("");
        let fitting = self.world.hosts.values().filter(|host| self.fits(host, filter));
        let fitting = fitting.filter(|host| text.as_ref().is_none_or(|text| self.shows(host, text)));
        let (mut hosts, mut total, mut more) = (Vec::new(), 0, false);
        for host in fitting {
            total += 1;
            if host.id.as_str() <= after {
                continue;
            }
            if hosts.len() < filter.limit {
                hosts.push(self.view_of(host));
            } else {
                more = true;
            }
        }
        HostPage { hosts, more, total }
    }

    fn fits(&self, host: &Host, filter: &Filter) -> bool {
        let phase = &host.state.phase;
        let state = || filter.state.as_ref().is_none_or(|state| phase.name() == state);
        let badge = || filter.badges.is_empty() || filter.badges.iter().any(|badge| badge == self.badge(host));
        let profile = || {
            let wanted = filter.profile.as_ref();
            wanted.is_none_or(|wanted| phase.profile().is_some_and(|own| own.as_str() == wanted))
        };
        let label = || {
            filter.label.as_ref().is_none_or(|(key, value)| {
                let own = self.label(host, key);
                own.is_some_and(|own| value.as_ref().is_none_or(|value| value == own))
            })
        };
        let link = || {
            let seen = self.visits.get(&host.id).and_then(|visit| visit.link.as_ref());
            filter.link.is_none() || filter.link.as_ref() == seen
        };
        let attention = || !filter.attention || self.needs_attention(host);
        state() && badge() && profile() && label() && link() && attention()
    }

    /// The value of a host's label: its own, else the configuration's.
    fn label<'a>(&'a self, host: &'a Host, key: &str) -> Option<&'a String> {
        let defined = || {
            self.definition(&host.id)
                .and_then(|definition| definition.labels.get(key))
        };
        host.labels.get(key).or_else(defined)
    }

    /// How a person reads a host's state, in one word: the state's own, but that what policy makes of an undecided host, a
    /// stage that takes too long, and whether an installed system has called tell more.
    #[must_use]
    pub fn badge(&self, host: &Host) -> &'static str {
        match &host.state.phase {
            Phase::New { stance: Stance::Hold } => "held",
            Phase::New { stance: Stance::Local } => "local",
            Phase::New { stance: Stance::Policy } => match self.policy.safety.unknown {
                Unknown::Hold => "held",
                Unknown::Local => "local",
                Unknown::Ignore | Unknown::Install(_) => "new",
            },
            Phase::Armed { .. } => "armed",
            Phase::Installing { run, .. } if run.stalled => "stalled",
            Phase::Installing { .. } => "installing",
            Phase::Installed { up: Some(_), .. } => "up",
            Phase::Installed { up: None, .. } => "done",
            Phase::Failed { .. } => "failed",
            Phase::Live { .. } => "live",
            Phase::Ignored => "ignored",
        }
    }

    /// Whether a host waits for somebody to decide: nobody has said anything about it and it is held, its run failed or
    /// takes too long, or nothing starts its own disk.
    #[must_use]
    pub fn needs_attention(&self, host: &Host) -> bool {
        let undecided = matches!(host.state.phase, Phase::New { stance: Stance::Policy });
        match self.badge(host) {
            "held" => undecided,
            "failed" | "stalled" => true,
            _ => host.local.is_parked(),
        }
    }

    fn shows(&self, host: &Host, text: &str) -> bool {
        let name = self.display_name(&host.id);
        let mac = |mac: &bootwright_core::MacAddr| mac.to_string().contains(text);
        host.id.as_str().contains(text)
            || name.as_str().contains(text)
            || host.facts.macs.iter().any(mac)
            || host
                .facts
                .serial
                .as_ref()
                .is_some_and(|serial| serial.to_lowercase().contains(text))
            || host
                .state
                .phase
                .profile()
                .is_some_and(|profile| profile.as_str().contains(text))
            || self.visits.get(&host.id).is_some_and(|visit| {
                let address = visit.address.map(|address| address.to_string());
                address.is_some_and(|address| address.contains(text))
            })
            || [&host.facts.manufacturer, &host.facts.product]
                .into_iter()
                .flatten()
                .any(|make| make.to_lowercase().contains(text))
            || host.labels.values().any(|value| value.to_lowercase().contains(text))
    }

    /// What became of the runs that hosts remember, by profile: how long those took that went well, shortest first, and how
    /// many did not.
    #[must_use]
    pub fn experience(&self) -> BTreeMap<ProfileName, Experience> {
        let mut found: BTreeMap<ProfileName, Experience> = BTreeMap::new();
        for host in self.world.hosts.values() {
            if let Some(profile) = host.state.phase.profile() {
                found.entry(profile.clone()).or_default().hosts += 1;
            }
            for run in &host.runs {
                let of = found.entry(run.profile.clone()).or_default();
                match run.failure {
                    None => of.took.push(run.ended.since(run.started)),
                    Some(_) => of.failed += 1,
                }
            }
        }
        found.values_mut().for_each(|of| of.took.sort_unstable());
        found
    }

    /// How many hosts read as each badge, and how many wait for somebody to decide. Looks at every host.
    #[must_use]
    pub fn readings(&self) -> (BTreeMap<&'static str, usize>, usize) {
        let (mut badges, mut attention) = (BTreeMap::new(), 0);
        for host in self.world.hosts.values() {
            *badges.entry(self.badge(host)).or_insert(0) += 1;
            attention += usize::from(self.needs_attention(host));
        }
        (badges, attention)
    }

    /// How the site stands.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let stalled = |id: &&HostId| {
            let run = self.host(id).and_then(|host| host.state.phase.run());
            run.is_some_and(|run| run.stalled)
        };
        Overview {
            states: self.tally.states(),
            stalled: self.installing.iter().filter(stalled).count(),
            rogues: self.rogues(),
            paused: self.world.site.paused.clone(),
            installing: self.installing.len(),
            hosts: self.world.hosts.len(),
            store_ready: self.store_ready,
        }
    }

    /// The host behind a code from a machine's console: its name and state, and nothing else.
    #[must_use]
    pub fn by_code(&self, code: &str) -> Option<(HostId, String)> {
        let wanted = code.to_ascii_uppercase();
        let host = self
            .world
            .hosts
            .values()
            .find(|host| bootwright_core::nickname::console_code(host.id.as_str().as_bytes()) == wanted)?;
        Some((self.display_name(&host.id).clone(), phase_words(&host.state.phase)))
    }

    /// Which host has this address, as far as it was seen.
    #[must_use]
    pub fn host_at(&self, now: Timestamp, address: std::net::IpAddr) -> Option<HostId> {
        if let Some(host) = self.addresses.get(&address) {
            return Some(host.clone());
        }
        // What we lent tells after a restart as well, when nobody was seen yet.
        let std::net::IpAddr::V4(address) = address else {
            return None;
        };
        let mac = self.lending.book.holder(now, address)?;
        self.index.by_mac(mac).cloned()
    }

    /// All leases that the record has, in the order of their addresses; those that have ended are among them.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.lending.book.leases()
    }

    /// The lease of an address, if it was ever leased.
    #[must_use]
    pub fn lease_of(&self, address: std::net::Ipv4Addr) -> Option<&Lease> {
        self.lending.book.lease(address)
    }

    /// The host that a card belongs to.
    #[must_use]
    pub fn host_of_card(&self, mac: bootwright_core::MacAddr) -> Option<&HostId> {
        self.index.by_mac(mac)
    }

    /// The leases of a host's cards.
    #[must_use]
    pub fn leases_of(&self, host: &Host) -> Vec<Lease> {
        let cards = host.facts.macs.iter();
        cards
            .flat_map(|mac| self.lending.book.leases_of(*mac))
            .cloned()
            .collect()
    }

    /// The host that shows these facts, if it is one and beyond doubt.
    #[must_use]
    pub fn find(&self, facts: &bootwright_core::Facts) -> Option<HostId> {
        let facts_of = |id: &HostId| self.world().hosts.get(id).map(|host| &host.facts);
        match bootwright_core::identify(&self.index, facts_of, facts) {
            bootwright_core::Identity::Known(id) => Some(id),
            _ => None,
        }
    }

    /// A host's firmware, as it was last seen.
    #[must_use]
    pub fn firmware_of(&self, host: &HostId) -> Option<bootwright_core::Firmware> {
        self.visits.get(host).and_then(|visit| visit.firmware)
    }

    /// When a host was last heard of.
    #[must_use]
    pub fn last_seen(&self, host: &HostId) -> Option<Timestamp> {
        self.visits.get(host).and_then(|visit| visit.seen)
    }
}
