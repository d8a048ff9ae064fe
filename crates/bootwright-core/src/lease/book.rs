//! The leases in memory, with everything that makes them quick to find.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::pool::Pool;
use super::{ADDRESSES_MAX, AddressRange, Lease, LeaseState, Origin, Subnet};
use crate::{MacAddr, Span, Timestamp};

/// For how long an offer stands. UEFI firmware decides after 4 seconds, a BIOS may take a minute.
pub const OFFER_SPAN: Span = Span::from_secs(60);

/// For how long nobody gets an address that somebody else was seen to use.
pub const DECLINED_SPAN: Span = Span::from_hours(1);

/// For how long after its end a lease is kept for its holder alone: installers often do not renew the firmware's lease.
pub const GRACE_SPAN: Span = Span::from_mins(10);

/// The most offers that are remembered at once; the oldest are forgotten first.
const OFFERS_MAX: usize = 65_536;

/// How much of what has come to its end is cleared away at once, so that no packet waits for it.
const SETTLED_MAX: usize = 1_000;

/// An address that was offered and not yet taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) holder: MacAddr,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) stranger: bool,
}

/// Who asks for an address, beside the card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Papers {
    /// Option 61.
    pub client_id: Option<Vec<u8>>,
    /// Option 12.
    pub host_name: Option<String>,
}

/// What a grant comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// For how long the address is lent from now on.
    pub span: Span,
    /// What has to be recorded; nothing if the record says so already.
    pub record: Vec<Lease>,
}

/// All leases and offers, and which addresses are left. Every operation takes time in proportion to the logarithm of the
/// number of addresses.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub(super) leases: BTreeMap<Ipv4Addr, Lease>,
    /// The addresses of each card, those left out that somebody else was seen to use.
    pub(super) of: BTreeSet<(MacAddr, Ipv4Addr)>,
    /// Leases that keep an address from others, by when they end.
    busy: BTreeSet<(Timestamp, Ipv4Addr)>,
    pub(super) offers: BTreeMap<Ipv4Addr, Offer>,
    /// What each card was offered last. Where addresses are scarce, several strangers may be offered the same one; the first
    /// that takes it has it.
    pub(super) offered: BTreeMap<MacAddr, (Ipv4Addr, Timestamp)>,
    offer_ends: BTreeSet<(Timestamp, MacAddr)>,
    pub(super) pools: Vec<Pool>,
    /// The pools by the first address of their networks.
    starts: BTreeMap<Ipv4Addr, usize>,
    /// Addresses that the configuration keeps for one machine.
    pub(super) reserved: BTreeSet<Ipv4Addr>,
    /// Addresses of routers, servers and relays, which nobody is lent unless they are reserved for him.
    infrastructure: BTreeSet<Ipv4Addr>,
    /// Our own addresses, which nobody is lent.
    pub(super) own: BTreeSet<Ipv4Addr>,
}

impl Book {
    /// Whether an address is one of our own.
    #[must_use]
    pub fn is_own(&self, address: Ipv4Addr) -> bool {
        self.own.contains(&address)
    }

    /// Takes over what the record has. Beyond the bound of [`ADDRESSES_MAX`], leases are left out.
    pub fn load(&mut self, now: Timestamp, leases: impl IntoIterator<Item = Lease>) {
        for lease in leases {
            if self.leases.len() < ADDRESSES_MAX {
                let address = lease.address;
                self.lift(address);
                self.put(lease);
                self.place(now, address);
            }
        }
    }

    /// Lends from these subnets from now on, and keeps these addresses for those for whom they are reserved. Leases stay
    /// as they are, also those that no subnet covers any more.
    pub fn lend(
        &mut self,
        now: Timestamp,
        subnets: &[Arc<Subnet>],
        reserved: BTreeSet<Ipv4Addr>,
        relays: &BTreeSet<Ipv4Addr>,
    ) {
        self.reserved = reserved;
        self.infrastructure = relays.clone();
        for subnet in subnets {
            let servers = subnet.routers.iter().chain(&subnet.dns).chain(&subnet.ntp);
            self.infrastructure.extend(servers.chain(&subnet.relays));
        }
        self.busy.clear();
        self.starts.clear();
        self.pools = subnets.iter().cloned().map(Pool::new).collect();
        for (index, subnet) in subnets.iter().enumerate() {
            self.starts.insert(subnet.network.address(), index);
        }
        self.fill(now);
    }

    /// Puts every address that may be lent into its place.
    fn fill(&mut self, now: Timestamp) {
        for pool in &mut self.pools {
            pool.free = super::runs::Runs::default();
            for range in &pool.subnet.ranges {
                pool.free.insert_range(*range);
            }
        }
        let special: Vec<Ipv4Addr> = self.pools.iter().flat_map(|pool| odd_addresses(&pool.subnet)).collect();
        let special = special.into_iter().chain(self.reserved.iter().copied());
        let special: BTreeSet<Ipv4Addr> = special
            .chain(self.infrastructure.iter().copied())
            .chain(self.own.iter().copied())
            .collect();
        for address in special {
            if let Some(pool) = self.pool_of(address).and_then(|index| self.pools.get_mut(index)) {
                pool.free.remove(address);
            }
        }
        for pool in &mut self.pools {
            pool.size = pool.free.count();
        }
        let taken: BTreeSet<Ipv4Addr> = self.leases.keys().chain(self.offers.keys()).copied().collect();
        for address in taken {
            self.lift(address);
            self.place(now, address);
        }
    }

    /// Says which addresses are ours.
    pub fn set_own(&mut self, now: Timestamp, own: BTreeSet<Ipv4Addr>) {
        if self.own != own {
            self.own = own;
            self.busy.clear();
            let subnets: Vec<Arc<Subnet>> = self.pools.iter().map(|pool| Arc::clone(&pool.subnet)).collect();
            self.pools = subnets.into_iter().map(Pool::new).collect();
            self.fill(now);
        }
    }

    /// The pool of the subnet that an address belongs to.
    pub(super) fn pool_of(&self, address: Ipv4Addr) -> Option<usize> {
        // Most sites have one, and it is asked for many times for each lease.
        if let [only] = self.pools.as_slice() {
            return only.subnet.network.contains(address).then_some(0);
        }
        let (_, index) = self.starts.range(..=address).next_back()?;
        let pool = self.pools.get(*index)?;
        pool.subnet.network.contains(address).then_some(*index)
    }

    /// The pools of the subnets that are served at a place, in the order of the configuration.
    pub(super) fn serving(&self, origin: &Origin) -> Vec<usize> {
        let serving = |(_, pool): &(usize, &Pool)| pool.subnet.serves(origin);
        let mut found: Vec<usize> = self
            .pools
            .iter()
            .enumerate()
            .filter(serving)
            .map(|(index, _)| index)
            .collect();
        // A client may choose between the subnets of its place, and no others (RFC 3011).
        if let Some(wish) = origin.wish.and_then(|wish| self.pool_of(wish))
            && found.contains(&wish)
        {
            found = vec![wish];
        }
        found
    }

    /// Whether an address may be lent to whoever asks.
    pub(super) fn lends(&self, address: Ipv4Addr) -> bool {
        let pool = self.pool_of(address).and_then(|index| self.pools.get(index));
        pool.is_some_and(|pool| pool.subnet.lends(address))
            && !self.reserved.contains(&address)
            && !self.infrastructure.contains(&address)
            && !self.own.contains(&address)
            && !is_odd(address)
    }

    /// Takes an address out of every set that says where it stands; [`Self::place`] puts it back.
    fn lift(&mut self, address: Ipv4Addr) {
        let Some(pool) = self.pool_of(address).and_then(|index| self.pools.get_mut(index)) else {
            return;
        };
        pool.free.remove(address);
        if let Some(offer) = self.offers.get(&address) {
            pool.offered.remove(&(offer.since, address));
        }
        if let Some(lease) = self.leases.get(&address) {
            pool.ended.remove(&(lease.ended(), address));
            pool.declined.remove(&(lease.until, address));
            self.busy.remove(&(lease.busy_until(), address));
        }
    }

    fn place(&mut self, now: Timestamp, address: Ipv4Addr) {
        let lends = self.lends(address);
        let Some(pool) = self
            .pool_of(address)
            .and_then(|index| self.pools.get_mut(index))
            .filter(|_| lends)
        else {
            return;
        };
        match self.offers.get(&address).filter(|offer| offer.until > now) {
            Some(offer) if offer.stranger => {
                pool.offered.insert((offer.since, address));
            }
            Some(_) => {}
            None => match self.leases.get(&address) {
                None => pool.free.insert(address),
                Some(lease) if lease.busy_until() > now => {
                    self.busy.insert((lease.busy_until(), address));
                    if lease.state == LeaseState::Declined {
                        pool.declined.insert((lease.until, address));
                    }
                }
                Some(lease) => {
                    pool.ended.insert((lease.ended(), address));
                }
            },
        }
    }

    /// Puts a lease in the place of the one that the address had.
    fn put(&mut self, lease: Lease) {
        if let Some(before) = self.leases.get(&lease.address) {
            self.of.remove(&(before.holder, before.address));
        }
        if lease.state != LeaseState::Declined {
            self.of.insert((lease.holder, lease.address));
        }
        self.leases.insert(lease.address, lease);
    }

    /// Clears away what has come to its end, a bounded piece of it.
    pub fn settle(&mut self, now: Timestamp) {
        for _ in 0..SETTLED_MAX {
            match self.offer_ends.first().copied() {
                Some((end, holder)) if end <= now => self.withdraw(now, holder),
                _ => break,
            }
        }
        for _ in 0..SETTLED_MAX {
            match self.busy.first().copied() {
                Some((end, address)) if end <= now => {
                    self.lift(address);
                    self.place(now, address);
                }
                _ => break,
            }
        }
    }

    /// Holds an address for a card for a short time.
    pub fn offer(&mut self, now: Timestamp, holder: MacAddr, address: Ipv4Addr, stranger: bool) {
        let same = self
            .offered
            .get(&holder)
            .is_some_and(|(offered, _)| *offered == address);
        let since = self
            .offers
            .get(&address)
            .filter(|offer| same && offer.holder == holder)
            .map_or(now, |offer| offer.since);
        self.withdraw(now, holder);
        if self.offered.len() >= OFFERS_MAX
            && let Some((_, oldest)) = self.offer_ends.first().copied()
        {
            self.withdraw(now, oldest);
        }
        let until = now.after(OFFER_SPAN);
        self.lift(address);
        self.offers.insert(
            address,
            Offer {
                holder,
                since,
                until,
                stranger,
            },
        );
        self.offered.insert(holder, (address, until));
        self.offer_ends.insert((until, holder));
        self.place(now, address);
    }

    /// Takes back what a card was offered.
    pub fn withdraw(&mut self, now: Timestamp, holder: MacAddr) {
        let Some((address, until)) = self.offered.remove(&holder) else {
            return;
        };
        self.offer_ends.remove(&(until, holder));
        if self.offers.get(&address).is_some_and(|offer| offer.holder == holder) {
            self.lift(address);
            self.offers.remove(&address);
            self.place(now, address);
        }
    }

    /// Grants an address. A lease that was recorded lately, and lasts for most of the time that would be granted now, is
    /// granted for the rest of its time without another record.
    pub fn bind(&mut self, now: Timestamp, holder: MacAddr, address: Ipv4Addr, span: Span, papers: &Papers) -> Granted {
        self.withdraw(now, holder);
        let before = self
            .leases
            .get(&address)
            .filter(|lease| lease.holder == holder && lease.is_in_use(now));
        let since = before.map_or(now, |lease| lease.since);
        let left = before.map_or(Span::ZERO, |lease| lease.until.since(now));
        let enough = left.as_millis() >= span.as_millis().saturating_mul(3) / 4 && left > Span::ZERO;
        let lease = Lease {
            address,
            holder,
            state: LeaseState::Bound,
            since,
            until: if enough { now.after(left) } else { now.after(span) },
            client_id: papers.client_id.clone(),
            host_name: papers.host_name.clone(),
        };
        self.lift(address);
        self.offers.remove(&address);
        self.put(lease.clone());
        self.place(now, address);
        let mut record = self.release_others(now, &lease);
        if !enough {
            record.push(lease);
        }
        let span = if enough { left.min(span) } else { span };
        Granted { span, record }
    }

    /// A card has one address in a subnet: what else it had there is free again.
    fn release_others(&mut self, now: Timestamp, kept: &Lease) -> Vec<Lease> {
        let pool = self.pool_of(kept.address);
        let others = self
            .addresses_of(kept.holder)
            .filter(|address| *address != kept.address);
        let others: Vec<Ipv4Addr> = others.filter(|address| self.pool_of(*address) == pool).collect();
        others
            .into_iter()
            .filter_map(|address| self.release(now, address))
            .collect()
    }

    /// The addresses that a card has or had.
    pub(super) fn addresses_of(&self, holder: MacAddr) -> impl Iterator<Item = Ipv4Addr> + '_ {
        let all = (holder, Ipv4Addr::UNSPECIFIED)..=(holder, Ipv4Addr::BROADCAST);
        self.of.range(all).map(|(_, address)| *address)
    }

    /// Ends a lease that is in use. Its holder stays the one who gets the address again. What to record.
    pub fn release(&mut self, now: Timestamp, address: Ipv4Addr) -> Option<Lease> {
        let lease = self.leases.get(&address).filter(|lease| lease.is_in_use(now))?;
        let released = Lease {
            state: LeaseState::Released,
            since: now,
            until: now,
            ..lease.clone()
        };
        self.lift(address);
        self.put(released.clone());
        self.place(now, address);
        Some(released)
    }

    /// Keeps an address from everybody for a while, since somebody else was seen to use it. What to record.
    pub fn decline(&mut self, now: Timestamp, address: Ipv4Addr, holder: MacAddr) -> Vec<Lease> {
        let mut record = Vec::new();
        let pool = self.pool_of(address).and_then(|index| self.pools.get(index));
        let crowded = pool.filter(|pool| pool.declined.len() >= pool.declined_max());
        if let Some((_, oldest)) = crowded.and_then(|pool| pool.declined.first().copied()) {
            record.extend(self.pardon(now, oldest));
        }
        let lease = Lease {
            address,
            holder,
            state: LeaseState::Declined,
            since: now,
            until: now.after(DECLINED_SPAN),
            client_id: None,
            host_name: None,
        };
        self.withdraw(now, holder);
        self.lift(address);
        self.offers.remove(&address);
        self.put(lease.clone());
        self.place(now, address);
        record.push(lease);
        record
    }

    /// Lends an address again that was kept back.
    fn pardon(&mut self, now: Timestamp, address: Ipv4Addr) -> Option<Lease> {
        let lease = self.leases.get(&address)?;
        let pardoned = Lease {
            until: now,
            ..lease.clone()
        };
        self.lift(address);
        self.put(pardoned.clone());
        self.place(now, address);
        Some(pardoned)
    }

    /// All leases, in the order of their addresses.
    pub fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values()
    }

    /// The leases of one card.
    pub fn leases_of(&self, holder: MacAddr) -> impl Iterator<Item = &Lease> {
        self.addresses_of(holder)
            .filter_map(|address| self.leases.get(&address))
    }

    /// The lease of an address, also one that has ended.
    #[must_use]
    pub fn lease(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.leases.get(&address)
    }

    /// Who may use an address now.
    #[must_use]
    pub fn holder(&self, now: Timestamp, address: Ipv4Addr) -> Option<MacAddr> {
        self.leases
            .get(&address)
            .filter(|lease| lease.is_in_use(now))
            .map(|lease| lease.holder)
    }

    /// To whom an address is offered, if it is.
    #[must_use]
    pub fn offered_to(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.offers.get(&address).map(|offer| offer.holder)
    }
}

impl Lease {
    /// Until when nobody else gets the address.
    pub(super) fn busy_until(&self) -> Timestamp {
        match self.state {
            LeaseState::Bound => self.until.after(GRACE_SPAN),
            LeaseState::Released | LeaseState::Declined => self.until,
        }
    }

    /// When the address was last of use.
    pub(super) const fn ended(&self) -> Timestamp {
        self.until
    }
}

/// Old firmware takes an address that ends in 0 or 255 for one of a whole network, whatever the mask says.
fn is_odd(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [_, _, _, 0 | 255])
}

/// The addresses of a subnet's ranges that are never lent.
fn odd_addresses(subnet: &Subnet) -> Vec<Ipv4Addr> {
    subnet.ranges.iter().flat_map(|range| odd_in(*range)).collect()
}

fn odd_in(range: AddressRange) -> impl Iterator<Item = Ipv4Addr> {
    let (first, last) = (u32::from(range.first), u32::from(range.last));
    let blocks = (first >> 8)..=(last >> 8);
    let odd = blocks.flat_map(|block| [block << 8, (block << 8) | 255]);
    odd.filter(move |address| (first..=last).contains(address))
        .map(Ipv4Addr::from)
}
