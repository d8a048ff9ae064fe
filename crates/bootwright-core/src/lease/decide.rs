//! What a machine that speaks about its address is told (RFC 2131 section 4.3). Reads the book and changes nothing.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::book::{Book, GRACE_SPAN};
use super::pool::Pool;
use super::{Lease, LeaseMessage, LeaseState, LeaseWhy, NakWhy, Origin, Subnet};
use crate::{MacAddr, Span, Timestamp, Way};

/// Who says something about an address, and what is known of him.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// What is said.
    pub message: LeaseMessage,
    /// The card.
    pub holder: MacAddr,
    /// Where it is.
    pub origin: &'a Origin,
    /// The addresses that the configuration keeps for this machine.
    pub reserved: &'a [Ipv4Addr],
    /// Whether the operator knows the machine: the configuration names it, or it was decided about.
    pub known: bool,
    /// Whether no other server leases addresses there, as far as it was looked: only then is a machine told that its
    /// address is wrong for the place.
    pub alone: bool,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseVerdict {
    /// Offer this address.
    Offer(Choice),
    /// Grant this address.
    Grant(Choice),
    /// Tell what belongs to the address that the machine has on this subnet.
    Tell(Arc<Subnet>),
    /// Say no.
    Nak(NakWhy),
    /// The machine gives this address back.
    Release(Ipv4Addr),
    /// Somebody else uses this address.
    Decline(Ipv4Addr),
    /// Take back what was offered, and say nothing.
    Withdraw(LeaseWhy),
    /// Say nothing.
    Silence(LeaseWhy),
}

/// An address for a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The address.
    pub address: Ipv4Addr,
    /// Its subnet.
    pub subnet: Arc<Subnet>,
    /// Whether the machine gets it anew: it had no right to it by a reservation, a lease or an offer.
    pub is_new: bool,
    /// Whether a stranger would use up one of a few that are left, so that strangers should stand in line.
    pub is_scarce: bool,
    /// Whether it is unsure whether somebody else uses it.
    pub is_untried: bool,
}

/// How long an address that this card had lately is not tried again.
const TRUSTED_SPAN: Span = GRACE_SPAN;

/// Decides about one message.
#[must_use]
pub fn decide_lease(book: &Book, claim: &Claim<'_>, now: Timestamp) -> LeaseVerdict {
    let desk = Desk { book, claim, now };
    match claim.message {
        LeaseMessage::Discover { wish } => match desk.choose(wish) {
            Ok(choice) => LeaseVerdict::Offer(choice),
            Err(why) => LeaseVerdict::Silence(why),
        },
        LeaseMessage::Select { address } => desk.select(address),
        LeaseMessage::ChoseAnother { server } => LeaseVerdict::Withdraw(LeaseWhy::ChoseAnother { server }),
        LeaseMessage::Reboot { address } => desk.reboot(address),
        LeaseMessage::Renew { address } | LeaseMessage::Rebind { address } => desk.renew(address),
        LeaseMessage::Decline { address } => desk.decline(address),
        LeaseMessage::Release { address } => desk.release(address),
        LeaseMessage::Inform { address } => desk.inform(address),
    }
}

struct Desk<'a> {
    book: &'a Book,
    claim: &'a Claim<'a>,
    now: Timestamp,
}

impl<'a> Desk<'a> {
    fn pools(&self) -> impl Iterator<Item = &'a Pool> {
        let book = self.book;
        book.serving(self.claim.origin)
            .into_iter()
            .filter_map(|index| book.pools.get(index))
    }

    /// DISCOVER: what is reserved for it, else what it has, what it was offered, what it had, what it wishes, what is left.
    fn choose(&self, wish: Option<Ipv4Addr>) -> Result<Choice, LeaseWhy> {
        let mut refusal = LeaseWhy::NoSubnet;
        let pools: Vec<&Pool> = self.pools().collect();
        if let Some(choice) = pools.iter().find_map(|pool| self.by_right(pool)) {
            return Ok(choice);
        }
        for pool in pools {
            match self.anew(pool, wish) {
                Ok(choice) => return Ok(choice),
                Err(why) => refusal = why,
            }
        }
        Err(refusal)
    }

    /// The address to which the card has a right in a subnet: nobody else gets it meanwhile.
    fn by_right(&self, pool: &Pool) -> Option<Choice> {
        let current = self.mine_in(pool).find(|lease| lease.busy_until() > self.now);
        let offered = self.offered().filter(|address| pool.subnet.network.contains(*address));
        let ways = [self.reserved_in(pool), current.map(|lease| lease.address), offered];
        let address = ways
            .into_iter()
            .flatten()
            .find(|address| self.may_have(*address).is_ok())?;
        Some(self.choice(pool, address, false))
    }

    fn mine_in<'p>(&'p self, pool: &'p Pool) -> impl Iterator<Item = &'p Lease> {
        let mine = self.book.leases_of(self.claim.holder);
        mine.filter(|lease| pool.subnet.network.contains(lease.address))
    }

    /// An address that somebody else could have as well: the one that the card had before, the one that it wishes, or the
    /// next one.
    fn anew(&self, pool: &Pool, wish: Option<Ipv4Addr>) -> Result<Choice, LeaseWhy> {
        let subnet = pool.subnet.network;
        let past = self
            .mine_in(pool)
            .max_by_key(|lease| lease.until)
            .map(|lease| lease.address);
        // What another machine had is left to it as long as there is something that nobody had.
        let wish = wish.filter(|address| pool.free.count() == 0 || pool.free.contains(*address));
        let ways = [past, wish].into_iter().flatten();
        let next = || {
            let mut ways = ways.filter(|address| is_available(self.book, pool, *address));
            ways.next().or_else(|| pool.next_for(self.claim.holder))
        };
        // An offer that nobody has taken ties an address to nobody, where another stranger would get none.
        let again = || pool.offered.first().map(|(_, address)| *address);
        let address = if self.is_left(pool) { next() } else { again() };
        match address {
            Some(address) => Ok(self.choice(pool, address, true)),
            None if !self.claim.known && (pool.available() > 0 || pool.size == 0) => {
                Err(LeaseWhy::KeptForKnown { subnet })
            }
            None => Err(LeaseWhy::Exhausted { subnet }),
        }
    }

    /// Whether there is an address left for this machine, and not only for those that the operator knows.
    fn is_left(&self, pool: &Pool) -> bool {
        pool.available() > if self.claim.known { 0 } else { pool.kept() }
    }

    fn choice(&self, pool: &Pool, address: Ipv4Addr, is_new: bool) -> Choice {
        let lately = self
            .book
            .lease(address)
            .is_some_and(|lease| lease.holder == self.claim.holder && lease.until.after(TRUSTED_SPAN) > self.now);
        Choice {
            address,
            subnet: Arc::clone(&pool.subnet),
            is_new,
            is_scarce: !self.claim.known && !self.is_kept(pool, address) && pool.is_scarce(),
            is_untried: !lately,
        }
    }

    fn offered(&self) -> Option<Ipv4Addr> {
        let (address, until) = self.book.offered.get(&self.claim.holder)?;
        (*until > self.now).then_some(*address)
    }

    /// The address that is kept for this machine in a subnet, if nothing is in its way.
    fn reserved_in(&self, pool: &Pool) -> Option<Ipv4Addr> {
        let reserved = self.claim.reserved.iter().copied();
        let mut here = reserved.filter(|address| pool.subnet.network.has_room_for(*address));
        here.find(|address| self.may_have(*address).is_ok())
    }

    /// Whether nothing speaks against the card having this address.
    fn may_have(&self, address: Ipv4Addr) -> Result<(), NakWhy> {
        let book = self.book;
        let reserved = self.claim.reserved.contains(&address);
        if book.own.contains(&address) || !(reserved || book.lends(address)) {
            return Err(NakWhy::NotLent { address });
        }
        match book.lease(address) {
            Some(lease) if lease.state == LeaseState::Declined && lease.until > self.now => {
                Err(NakWhy::NotLent { address })
            }
            Some(lease) if lease.holder != self.claim.holder && lease.busy_until() > self.now => {
                Err(NakWhy::Taken { address })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether another card was offered the address, and this one was not.
    fn is_offered_to_another(&self, address: Ipv4Addr) -> bool {
        let offer = self.book.offers.get(&address).filter(|offer| offer.until > self.now);
        offer.is_some_and(|offer| offer.holder != self.claim.holder) && self.offered() != Some(address)
    }

    /// The pool of an address, if its subnet is served where the request comes from.
    fn here(&self, address: Ipv4Addr) -> Option<&'a Pool> {
        self.pools().find(|pool| pool.subnet.network.contains(address))
    }

    /// Whether the address is kept from everybody but this card, so that granting it takes nothing from anybody.
    fn is_kept(&self, pool: &Pool, address: Ipv4Addr) -> bool {
        let mine = self.is_mine(address) && !is_available(self.book, pool, address);
        self.claim.reserved.contains(&address) || (mine && !self.is_offered_to_another(address))
    }

    /// Whether the record has the card with this address, be it that the lease has ended.
    fn is_mine(&self, address: Ipv4Addr) -> bool {
        self.book.of.contains(&(self.claim.holder, address))
    }

    fn select(&self, address: Ipv4Addr) -> LeaseVerdict {
        let Some(pool) = self.here(address) else {
            return LeaseVerdict::Nak(NakWhy::WrongSubnet { address });
        };
        if let Err(why) = self.may_have(address) {
            return LeaseVerdict::Nak(why);
        }
        if let Some(other) = self.reserved_in(pool).filter(|reserved| *reserved != address) {
            return LeaseVerdict::Nak(NakWhy::HasAnother { address: other });
        }
        if self.offered() == Some(address) || self.is_kept(pool, address) {
            return LeaseVerdict::Grant(self.choice(pool, address, false));
        }
        // We may have offered it before a restart. It must then be one that we would offer now.
        if let Some(mine) = self.by_right(pool) {
            return LeaseVerdict::Nak(NakWhy::HasAnother { address: mine.address });
        }
        if self.is_offered_to_another(address) && !self.claim.known {
            return LeaseVerdict::Nak(NakWhy::Taken { address });
        }
        match self.anew(pool, Some(address)) {
            Ok(choice) if is_available(self.book, pool, address) || self.claim.known => {
                LeaseVerdict::Grant(Choice { address, ..choice })
            }
            Ok(_) | Err(_) => LeaseVerdict::Nak(NakWhy::NotLent { address }),
        }
    }

    fn reboot(&self, address: Ipv4Addr) -> LeaseVerdict {
        if self.pools().next().is_none() {
            return LeaseVerdict::Silence(LeaseWhy::NoSubnet);
        }
        let Some(pool) = self.here(address) else {
            return if self.claim.alone {
                LeaseVerdict::Nak(NakWhy::WrongSubnet { address })
            } else {
                LeaseVerdict::Silence(LeaseWhy::ForeignAddress { address })
            };
        };
        self.go_on(pool, address, true)
    }

    fn renew(&self, address: Ipv4Addr) -> LeaseVerdict {
        let elsewhere = || {
            // A renewal comes straight to us from behind a relay, which therefore does not tell where it comes from.
            let index = self.book.pool_of(address).filter(|_| self.is_mine(address))?;
            self.book.pools.get(index)
        };
        match self.here(address).or_else(elsewhere) {
            Some(pool) => self.go_on(pool, address, false),
            None => LeaseVerdict::Silence(LeaseWhy::ForeignAddress { address }),
        }
    }

    /// The card says that it has this address.
    fn go_on(&self, pool: &Pool, address: Ipv4Addr, reboot: bool) -> LeaseVerdict {
        // While it runs, a machine is moved only to an address that no other card had: that card may be its own second one.
        let moves = |other: &Ipv4Addr| {
            let lease = self.book.lease(*other);
            reboot || lease.is_none_or(|lease| lease.holder == self.claim.holder)
        };
        if let Some(other) = self.reserved_in(pool).filter(|other| *other != address).filter(moves) {
            return LeaseVerdict::Nak(NakWhy::HasAnother { address: other });
        }
        if self.is_mine(address) || self.claim.reserved.contains(&address) {
            return match self.may_have(address) {
                Ok(()) if self.is_kept(pool, address) || self.is_left(pool) => {
                    LeaseVerdict::Grant(self.choice(pool, address, false))
                }
                Ok(()) => LeaseVerdict::Silence(LeaseWhy::KeptForKnown {
                    subnet: pool.subnet.network,
                }),
                Err(why) => LeaseVerdict::Nak(why),
            };
        }
        let taken = self.book.holder(self.now, address);
        match (self.mine_in(pool).next(), taken) {
            (Some(lease), _) if reboot => LeaseVerdict::Nak(NakWhy::HasAnother { address: lease.address }),
            (_, Some(_)) if !reboot => LeaseVerdict::Nak(NakWhy::Taken { address }),
            _ => LeaseVerdict::Silence(LeaseWhy::NoRecord { address }),
        }
    }

    /// What belongs to an address is told on its own subnet, whether or not we have lent it (RFC 2131 section 4.3.5). The
    /// interface or the relay tells the subnet; a machine of another network that asks us alone is where its address is.
    fn inform(&self, address: Ipv4Addr) -> LeaseVerdict {
        let elsewhere = || {
            let comes_from_it = self.claim.origin.way == Way::Routed { sender: address };
            let index = self.book.pool_of(address).filter(|_| comes_from_it)?;
            self.book.pools.get(index)
        };
        let is_machines = |pool: &&Pool| pool.subnet.network.has_room_for(address) && !self.book.own.contains(&address);
        match self.here(address).or_else(elsewhere).filter(is_machines) {
            Some(pool) => LeaseVerdict::Tell(Arc::clone(&pool.subnet)),
            None => LeaseVerdict::Silence(LeaseWhy::ForeignAddress { address }),
        }
    }

    /// Only who has an address, or was offered it, can say that somebody else uses it; and not where we know who does.
    fn decline(&self, address: Ipv4Addr) -> LeaseVerdict {
        let another = self
            .book
            .holder(self.now, address)
            .is_some_and(|holder| holder != self.claim.holder);
        if !another && (self.is_mine(address) || self.offered() == Some(address)) {
            LeaseVerdict::Decline(address)
        } else {
            LeaseVerdict::Silence(self.not_mine(address))
        }
    }

    fn release(&self, address: Ipv4Addr) -> LeaseVerdict {
        if self.book.holder(self.now, address) == Some(self.claim.holder) {
            LeaseVerdict::Release(address)
        } else {
            LeaseVerdict::Silence(self.not_mine(address))
        }
    }

    fn not_mine(&self, address: Ipv4Addr) -> LeaseWhy {
        match self.book.holder(self.now, address) {
            Some(holder) if holder != self.claim.holder => LeaseWhy::NotHolder { address, holder },
            Some(_) | None => LeaseWhy::NoRecord { address },
        }
    }
}

/// Whether nobody has the address nor was just offered it.
fn is_available(book: &Book, pool: &Pool, address: Ipv4Addr) -> bool {
    let ended = || {
        book.lease(address)
            .is_some_and(|lease| pool.ended.contains(&(lease.ended(), address)))
    };
    pool.free.contains(address) || ended()
}
