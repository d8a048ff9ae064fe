//! What must hold whatever happens: worked out from what was acknowledged, and from nothing that the engine says of itself.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bootwright_core::lease::{Lease, LeaseState, Subnet};
use bootwright_core::{MacAddr, Policy, Span, Timestamp};

/// Who uses which address, by what was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct LeaseChecker {
    held: BTreeMap<Ipv4Addr, (MacAddr, Timestamp)>,
    acknowledged: usize,
}

impl LeaseChecker {
    /// How many acknowledgements were looked at.
    #[must_use]
    pub const fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Who uses an address.
    #[must_use]
    pub fn holder(&self, now: Timestamp, address: Ipv4Addr) -> Option<MacAddr> {
        let (holder, until) = self.held.get(&address)?;
        (*until > now).then_some(*holder)
    }

    /// A machine is granted an address until a point in time, and `record` is what would be left if the power went now.
    ///
    /// # Errors
    /// When it must not have it.
    pub fn grant(
        &mut self,
        now: Timestamp,
        policy: &Policy,
        holder: MacAddr,
        (address, until): (Ipv4Addr, Timestamp),
        record: &[Lease],
    ) -> Result<(), String> {
        self.acknowledged += 1;
        may_be_lent(policy, holder, address)?;
        if let Some(other) = self.holder(now, address).filter(|other| *other != holder) {
            return Err(format!("{address} is granted to {holder}, and {other} uses it"));
        }
        let recorded = record.iter().any(|lease| {
            let same = (lease.address, lease.holder, lease.state) == (address, holder, LeaseState::Bound);
            same && lease.until >= until
        });
        if !recorded {
            return Err(format!("{address} is granted to {holder}, and that is not recorded"));
        }
        let subnet = subnet_of(policy, address).map(|subnet| subnet.network);
        // It uses one address in a subnet, the one that it was granted last.
        self.held.retain(|other, (who, _)| {
            let same_subnet = subnet.is_some_and(|subnet| subnet.contains(*other));
            *who != holder || !same_subnet
        });
        self.held.insert(address, (holder, until));
        Ok(())
    }

    /// The address that a machine was granted last, as long as it lasts.
    #[must_use]
    pub fn address_of(&self, now: Timestamp, holder: MacAddr) -> Option<Ipv4Addr> {
        let mut held = self.held.iter();
        let found = held.find(|(_, (who, until))| *who == holder && *until > now);
        found.map(|(address, _)| *address)
    }

    /// The daemon begins anew with what `record` says of an address.
    ///
    /// # Errors
    /// When an acknowledgement that still lasts is not in it.
    pub fn survived(&self, now: Timestamp, record: impl Fn(Ipv4Addr) -> Option<Lease>) -> Result<(), String> {
        for (address, (holder, until)) in self.held.iter().filter(|(_, (_, until))| *until > now) {
            let stands = record(*address).is_some_and(|lease| {
                (lease.holder, lease.state) == (*holder, LeaseState::Bound) && lease.until >= *until
            });
            if !stands {
                return Err(format!(
                    "{address} was granted to {holder}, and after a start nobody knows"
                ));
            }
        }
        Ok(())
    }

    /// A machine is offered an address.
    ///
    /// # Errors
    /// When it must not have it.
    pub fn offer(&self, now: Timestamp, policy: &Policy, holder: MacAddr, address: Ipv4Addr) -> Result<(), String> {
        may_be_lent(policy, holder, address)?;
        match self.holder(now, address) {
            Some(other) if other != holder => Err(format!("{address} is offered to {holder}, and {other} uses it")),
            _ => Ok(()),
        }
    }

    /// A machine stops using an address: it gave it back, or was told that it is not its own.
    pub fn end(&mut self, holder: MacAddr, address: Ipv4Addr) {
        if self.held.get(&address).is_some_and(|(who, _)| *who == holder) {
            self.held.remove(&address);
        }
    }

    /// A machine takes another address, and uses none but that.
    pub fn only(&mut self, holder: MacAddr, address: Ipv4Addr) {
        self.held.retain(|other, (who, _)| *who != holder || *other == address);
    }

    /// A machine stops using all that it had: its address was refused.
    pub fn end_all(&mut self, holder: MacAddr) {
        self.held.retain(|_, (who, _)| *who != holder);
    }
}

fn subnet_of(policy: &Policy, address: Ipv4Addr) -> Option<&Subnet> {
    let subnets = policy.subnets.iter();
    subnets
        .map(AsRef::as_ref)
        .find(|subnet| subnet.network.contains(address))
}

/// Whether the configuration lets a card have an address at all.
fn may_be_lent(policy: &Policy, holder: MacAddr, address: Ipv4Addr) -> Result<(), String> {
    let owner = policy.hosts.values().find(|host| host.addresses.contains(&address));
    if let Some(owner) = owner {
        let own = owner.facts.macs.contains(&holder);
        return if own {
            Ok(())
        } else {
            Err(format!("{address} is another machine's, not {holder}'s"))
        };
    }
    let subnet = subnet_of(policy, address).ok_or_else(|| format!("{address} is in no subnet"))?;
    let servers = subnet
        .routers
        .iter()
        .chain(&subnet.dns)
        .chain(&subnet.ntp)
        .chain(&subnet.relays);
    let taken = servers.chain(&policy.relays).any(|server| *server == address);
    let [.., last] = address.octets();
    if !subnet.lends(address) || taken || last == 0 || last == 255 {
        return Err(format!("{address} is not for machines, and is given to {holder}"));
    }
    Ok(())
}

/// The end of a grant of so many seconds.
pub(crate) fn end_of(asked: Timestamp, secs: u32) -> Timestamp {
    asked.after(Span::from_secs(u64::from(secs)))
}
