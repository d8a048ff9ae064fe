//! Machines that the record does not have, for questions that no machine asks. Nothing here changes anything.

use std::sync::Arc;

use bootwright_core::{Facts, Host, HostId, Identity, Sighting, Timestamp, identify};

use crate::engine::Engine;
use crate::query::HostView;
use crate::visit::Visit;

impl Engine {
    /// Which host a machine with these facts is.
    #[must_use]
    pub fn identify(&self, facts: &Facts) -> Identity {
        let facts_of = |id: &HostId| self.world.hosts.get(id).map(|host| &host.facts);
        identify(&self.index, facts_of, facts)
    }

    /// The host that a machine with these facts would become if it came now: the one that the configuration names, or one
    /// with a nickname.
    #[must_use]
    pub fn newcomer(&self, now: Timestamp, facts: &Facts) -> Option<HostView> {
        let id = self.defined_as(facts).or_else(|| self.free_name(facts))?;
        Some(self.imagined(now, id, facts))
    }

    /// The host that the configuration names so, if it was never seen.
    #[must_use]
    pub fn configured_newcomer(&self, now: Timestamp, name: &str) -> Option<HostView> {
        let (id, definition) = self.policy.hosts.get_key_value(name)?;
        let seen = self.world.hosts.contains_key(id);
        (!seen).then(|| self.imagined(now, id.clone(), &definition.facts))
    }

    fn imagined(&self, now: Timestamp, id: HostId, facts: &Facts) -> HostView {
        let definition = self.definition(&id).cloned();
        let visit = Visit {
            ignored: self.unmet.get(&id).cloned().flatten(),
            ..Visit::default()
        };
        let leases = facts.macs.iter().flat_map(|mac| self.lending.book.leases_of(*mac));
        let host = Host::new(id.clone(), now, facts.clone());
        HostView {
            described: self.policy.described(&host, definition.as_ref(), &Sighting::default()),
            badge: self.badge(&host),
            attention: self.needs_attention(&host),
            host: Arc::new(host),
            name: id,
            suggestion: definition.as_ref().and_then(|definition| definition.profile.clone()),
            definition,
            visit,
            local: None,
            leases: leases.cloned().collect(),
        }
    }
}
