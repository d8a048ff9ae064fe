//! Which DHCP and boot servers other than ours are on one link.
//!
//! A census goes in rounds: a few searches are sent, whoever answers is entered, and whoever was silent for two rounds in
//! a row is struck out. Whoever is overheard in between is entered at once. Where we lease addresses, the census opens
//! the pool: see [`Pool`].

mod server;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::{Span, Timestamp};

pub use server::{By, Deed, Happening, Server, Sign};

/// When the searches of a round go out. A switch that has just seen the link come up may swallow the first.
const SEARCHES: [Span; 3] = [Span::ZERO, Span::from_secs(1), Span::from_secs(3)];

/// How long a round listens. dnsmasq pings an address for three seconds before it offers it.
const ROUND: Span = Span::from_secs(5);

/// When the first rounds begin after the link came up: one with spanning tree carries nothing for up to 50 s.
const EARLY_ROUNDS: [Span; 4] = [
    Span::from_secs(10),
    Span::from_secs(30),
    Span::from_secs(60),
    Span::from_secs(110),
];

/// How soon the next round begins where something has to be made sure: a server has missed a round, or was overheard.
const SOON: Span = Span::from_secs(10);

/// How soon the next round begins while another server keeps our pool closed.
const CLOSED: Span = Span::from_secs(30);

/// A pool that was opened closes again if another server turns out to be there within this time. Later it only warns:
/// else anybody could switch a site off with one packet.
const YOUNG: Span = Span::from_secs(120);

/// How many servers of one link are remembered; made-up ones are forgotten first.
const SERVERS_MAX: usize = 32;

/// A server that answers no search of ours is struck out when it was not overheard for this long.
const QUIET_MAX: Span = Span::from_mins(10);

/// How many rounds in a row a server may miss.
const MISSES_MAX: u8 = 2;

/// The other servers of one link, by the addresses of one family, and how the search for them stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census<A = Ipv4Addr> {
    begun: Timestamp,
    servers: BTreeMap<A, Server>,
    round: Option<Round>,
    next: Timestamp,
    rounds: usize,
    concluded: Option<Timestamp>,
    opened: Option<Timestamp>,
    blind: Option<String>,
}

/// A round under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Round {
    began: Timestamp,
    searches: usize,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News<A = Ipv4Addr> {
    /// The server's address.
    pub server: A,
    /// What happened.
    pub what: Happening,
}

/// What has to be done next for a census.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send a search.
    Search,
    /// End the round.
    Conclude,
}

/// How often to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time between two rounds where nothing is in doubt.
    pub interval: Span,
    /// Whether we mean to lease addresses ourselves.
    pub leasing: bool,
}

/// Whether addresses may be leased on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool<A = Ipv4Addr> {
    /// Not yet: the first round is still listening.
    Searching,
    /// It cannot be told who else does.
    Blind,
    /// Nobody else leases any there.
    Open,
    /// Not as long as this server leases them.
    Closed(A),
}

impl<A: Copy + Ord> Census<A> {
    /// A census of a link that has just come up.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self {
            begun: now,
            servers: BTreeMap::new(),
            round: None,
            next: now,
            rounds: 0,
            concluded: None,
            opened: None,
            blind: None,
        }
    }

    /// Begins anew, since the link came up again, perhaps on another segment. Whoever was known has to show himself.
    pub fn begin_anew(&mut self, now: Timestamp) {
        *self = Self {
            servers: std::mem::take(&mut self.servers),
            ..Self::new(now)
        };
    }

    /// Says that nothing can be sent or heard here, and why, or that it can again.
    pub fn set_blind(&mut self, why: Option<String>) {
        self.blind = why;
    }

    /// What is due next, and when.
    #[must_use]
    pub fn due(&self) -> (Timestamp, Due) {
        let Some(round) = self.round else {
            return (self.next, Due::Search);
        };
        match SEARCHES.get(round.searches) {
            Some(after) => (round.began.after(*after), Due::Search),
            None => (round.began.after(ROUND), Due::Conclude),
        }
    }

    /// A search was sent; the first one begins a round.
    pub fn searched(&mut self, now: Timestamp) {
        let round = self.round.get_or_insert(Round {
            began: now,
            searches: 0,
        });
        round.searches = round.searches.saturating_add(1);
    }

    /// Ends the round: whoever missed too many is struck out.
    pub fn conclude(&mut self, now: Timestamp, pace: Pace) -> Vec<News<A>> {
        let Some(round) = self.round.take() else {
            return Vec::new();
        };
        self.rounds = self.rounds.saturating_add(1);
        self.concluded = Some(now);
        for server in self.servers.values_mut() {
            let heard = server.last >= round.began;
            server.missed = if heard { 0 } else { server.missed.saturating_add(1) };
            let of_late = std::mem::take(&mut server.of_late);
            if server.answers && !of_late.is_empty() {
                server.deeds = of_late;
            }
        }
        let gone = |server: &Server| {
            if server.answers {
                server.missed >= MISSES_MAX
            } else {
                now.since(server.last) >= QUIET_MAX
            }
        };
        let vanished: Vec<A> = self
            .servers
            .iter()
            .filter(|(_, server)| gone(server))
            .map(|(address, _)| *address)
            .collect();
        self.servers.retain(|_, server| !gone(server));
        self.settle(now);
        self.next = self.next_round(now, pace);
        vanished
            .into_iter()
            .map(|server| News {
                server,
                what: Happening::Vanished,
            })
            .collect()
    }

    fn next_round(&self, now: Timestamp, pace: Pace) -> Timestamp {
        let early = EARLY_ROUNDS
            .get(self.rounds.saturating_sub(1))
            .map(|after| self.begun.after(*after));
        let doubtful = self.servers.values().any(|server| server.answers && server.missed > 0);
        let soon = doubtful.then(|| now.after(SOON));
        let closed = (pace.leasing && self.opened.is_none()).then(|| now.after(CLOSED));
        let candidates = [early, soon, closed, Some(now.after(pace.interval))];
        candidates.into_iter().flatten().min().unwrap_or(now).max(now)
    }

    /// Begins a round now, or soon if one has just ended, since something suggests that servers came or went.
    pub fn hurry(&mut self, now: Timestamp) {
        let earliest = self.concluded.map_or(now, |concluded| concluded.after(SOON).max(now));
        self.next = self.next.min(earliest);
    }

    /// Enters what a packet shows. Returns what is new about the server, if anything is.
    pub fn hear(&mut self, now: Timestamp, sign: &Sign<A>) -> Option<News<A>> {
        let what = match self.servers.get_mut(&sign.server) {
            Some(known) => known.hear(now, sign),
            None => {
                self.make_room();
                self.servers.insert(sign.server, Server::new(now, sign));
                Some(Happening::Appeared)
            }
        };
        if what.is_some() && sign.by == By::Chance {
            self.hurry(now);
        }
        self.settle(now);
        what.map(|what| News {
            server: sign.server,
            what,
        })
    }

    /// Forgets one server if there are as many as are remembered: one that answered no search, and of those the one that
    /// was quiet longest.
    fn make_room(&mut self) {
        if self.servers.len() < SERVERS_MAX {
            return;
        }
        let oldest = self
            .servers
            .iter()
            .min_by_key(|(_, server)| (server.answers, server.last))
            .map(|(address, _)| *address);
        if let Some(address) = oldest {
            self.servers.remove(&address);
        }
    }

    /// Opens or closes the pool by what is known now.
    fn settle(&mut self, now: Timestamp) {
        let alone = self.lessor().is_none();
        self.opened = match self.opened {
            None if alone && self.rounds > 0 => Some(now),
            Some(at) if !alone && now.since(at) < YOUNG => None,
            unchanged => unchanged,
        };
    }

    /// Whether addresses may be leased here.
    #[must_use]
    pub fn pool(&self) -> Pool<A> {
        match (self.opened, self.lessor()) {
            _ if self.blind.is_some() => Pool::Blind,
            (Some(_), _) => Pool::Open,
            (None, Some(server)) => Pool::Closed(server),
            (None, None) => Pool::Searching,
        }
    }

    /// Why nothing can be sent or heard here, if it cannot.
    #[must_use]
    pub fn blind(&self) -> Option<&str> {
        self.blind.as_deref()
    }

    /// The first server that leases addresses, if there is one.
    #[must_use]
    pub fn lessor(&self) -> Option<A> {
        self.lessors().next()
    }

    /// The servers that lease addresses.
    pub fn lessors(&self) -> impl Iterator<Item = A> + '_ {
        let leases = |server: &Server| server.deeds.contains(&Deed::Leases);
        self.servers
            .iter()
            .filter(move |(_, server)| leases(server))
            .map(|(address, _)| *address)
    }

    /// Everybody who is known.
    #[must_use]
    pub const fn servers(&self) -> &BTreeMap<A, Server> {
        &self.servers
    }

    /// Whether a round was listened to from its beginning to its end, so that who is not known is not there.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.rounds > 0
    }
}
