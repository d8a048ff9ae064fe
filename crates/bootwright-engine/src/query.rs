//! What readers ask: nothing here changes anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::lease::Lease;
use bootwright_core::{Host, HostDefinition, HostId, LocalMethod, ProfileName, Timestamp};

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
    /// Only hosts whose name, card, serial number or profile holds this text.
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
            suggestion: self.suggestion(&host.id),
            leases: self.leases_of(host),
        }
    }

    /// A page of hosts.
    #[must_use]
    pub fn hosts(&self, filter: &Filter) -> HostPage {
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        let after = filter.after.as_deref().unwrap_or("");
        let from = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let mut found = self
            .world
            .hosts
            .range::<str, _>(from)
            .map(|(_, host)| host)
            .filter(|host| {
                filter
                    .state
                    .as_ref()
                    .is_none_or(|state| host.state.phase.name() == state)
            })
            .filter(|host| text.as_ref().is_none_or(|text| self.shows(host, text)));
        let hosts: Vec<HostView> = found
            .by_ref()
            .take(filter.limit)
            .map(|host| self.view_of(host))
            .collect();
        HostPage {
            hosts,
            more: found.next().is_some(),
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
