//! Whether addresses are leased at a place at all.

use bootwright_core::census::{Census, Pool};
use bootwright_core::lease::{LeaseWhy, Origin};
use bootwright_core::{DhcpMode, Way};

use crate::census::Warning;
use crate::engine::Engine;

impl Engine {
    /// Why no addresses are leased on a link, if so.
    #[must_use]
    pub fn closed(&self, link: &str) -> Option<LeaseWhy> {
        match self.policy.dhcp {
            DhcpMode::Server => {}
            DhcpMode::Observe => return Some(LeaseWhy::Observing),
            DhcpMode::Proxy | DhcpMode::Off => return Some(LeaseWhy::NotServer),
        }
        if self.policy.force {
            return None;
        }
        match self.census.get(link).map_or(Pool::Searching, Census::pool) {
            Pool::Searching => Some(LeaseWhy::CensusPending),
            Pool::Blind => Some(LeaseWhy::CensusBlind),
            Pool::Closed(server) => Some(LeaseWhy::ForeignServer { server }),
            Pool::Open => None,
        }
    }

    /// The reservations that cannot be kept, in words: this box has the address itself, and lends it to nobody.
    #[must_use]
    pub fn own_reservations(&self) -> Vec<Warning> {
        if self.policy.dhcp != DhcpMode::Server {
            return Vec::new();
        }
        let hosts = self.policy.hosts.iter();
        let reserved = hosts.flat_map(|(name, host)| host.addresses.iter().map(move |address| (name, address)));
        let own = reserved.filter(|(_, address)| self.lending.book.is_own(**address));
        own.map(|(name, address)| {
            let words = format!(
                "{address}, which the configuration keeps for {name}, is this box's own: {name} does not get it"
            );
            Warning::new("W118", words)
        })
        .collect()
    }

    /// Why no addresses are leased at a place, if so. Behind a relay nobody can look; there the relay's being listed counts.
    pub(super) fn closed_at(&self, origin: &Origin) -> Option<LeaseWhy> {
        let closed = self.closed(&origin.link);
        if let Some(LeaseWhy::NotServer | LeaseWhy::Observing) = closed {
            return closed;
        }
        let refusal = origin.way.refusal(&self.policy).map(LeaseWhy::Way);
        refusal.or_else(|| closed.filter(|_| origin.way == Way::Link))
    }

    /// Whether nobody else leases addresses at a place, as far as it was looked.
    pub(super) fn is_alone(&self, origin: &Origin) -> bool {
        let foreign = self.census.get(&origin.link).and_then(Census::lessor);
        origin.way != Way::Link || foreign.is_none()
    }
}
