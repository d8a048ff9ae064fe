//! What a store can do: the traits that SQLite and memory stand behind.

use std::fmt;
use std::path::Path;

use bootwright_core::lease::Lease;
use bootwright_core::{Entry, HostId, Profile, RevisionChange, World};

use crate::{ClockMark, StoreError};

/// The most events that one page holds, however many are asked for.
pub const PAGE_EVENTS_MAX: usize = 10_000;

/// The place of an entry in the record. The first is 1, the next is one more, and none is ever used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// The place before the first entry.
    pub const ZERO: Self = Self(0);

    /// The place with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place that many entries later.
    #[must_use]
    pub const fn plus(self, entries: u64) -> Self {
        Self(self.0.saturating_add(entries))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An entry as it stands in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place.
    pub seq: Seq,
    /// What the wall clock showed when it was written, in milliseconds since the Unix epoch; for people only.
    pub wall_ms: u64,
    /// The entry.
    pub entry: Entry,
}

/// All that a start needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The hosts and the site as the record says.
    pub world: World,
    /// The leases, one for each address, in the order of the addresses.
    pub leases: Vec<Lease>,
    /// The profiles that runs under way were started with.
    pub revisions: Vec<Profile>,
    /// The place of the last entry.
    pub seq: Seq,
    /// What the clocks showed at the last commit; nothing for a new store.
    pub clock: Option<ClockMark>,
    /// The store was a backup until just now: its runs were cancelled, its grants withdrawn, installs are paused.
    pub restored: bool,
}

/// What is recorded at once: all of it, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// What happened, in this order.
    pub entries: &'a [Entry],
    /// What became of addresses, each in the place of what was recorded of it before; of two for one address the later.
    pub leases: &'a [Lease],
    /// What becomes of the profiles that runs were started with, in this order.
    pub revisions: &'a [RevisionChange],
}

/// How much room is left to write in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Enough.
    Plenty,
    /// The disk is full and the reserve is being used up: what runs may end, nothing new should begin.
    Reserve,
}

/// Where the record and its fold are kept. One process holds a store at a time.
pub trait Store: Send {
    /// Reads everything; after a failure, first opens the store anew.
    ///
    /// # Errors
    /// When the store is damaged, held by another, written by a newer version, or cannot be read.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Records the batch, or nothing of it, and returns the place of the last entry. What was recorded is durable.
    ///
    /// `wall_ms` is shown to people beside the entries; `clock` is where the site's time line goes on after a restart.
    ///
    /// # Errors
    /// When the batch could not be made durable. Whether it was recorded is then open until `load` says so, and the
    /// store refuses all further batches until then.
    fn commit(&mut self, batch: Batch<'_>, wall_ms: u64, clock: &ClockMark) -> Result<Seq, StoreError>;

    /// Records entries alone.
    ///
    /// # Errors
    /// As `commit`.
    fn append(&mut self, entries: &[Entry], wall_ms: u64, clock: &ClockMark) -> Result<Seq, StoreError> {
        let batch = Batch {
            entries,
            ..Batch::default()
        };
        self.commit(batch, wall_ms, clock)
    }

    /// Does what may wait until the batch is acknowledged, a bounded piece of it: folds the log into the file, drops
    /// history beyond its bound, sets room aside.
    ///
    /// # Errors
    /// As `commit`; what was acknowledged stays durable.
    fn maintain(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// How much room is left.
    fn space(&self) -> Space {
        Space::Plenty
    }

    /// A reader beside this store, for another thread. It sees what is committed and never holds up a commit.
    ///
    /// # Errors
    /// When the store cannot be opened a second time.
    fn reader(&self) -> Result<Box<dyn Reader>, StoreError>;
}

/// Reads the record while the store is being written.
pub trait Reader: Send {
    /// One page of the record, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read or an event is damaged.
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Recorded>, StoreError>;

    /// Folds the whole record again and compares it with the tables.
    ///
    /// # Errors
    /// When the store cannot be read at all; damage in it is part of the report.
    fn verify(&mut self) -> Result<Report, StoreError>;

    /// Writes a consistent copy to a file that must not exist yet. The copy knows that it is one: see `Loaded::restored`.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    fn backup(&mut self, to: &Path) -> Result<(), StoreError>;
}

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// Where the page lies.
    pub page: Page,
    /// Only those about this host.
    pub host: Option<HostId>,
    /// How many at most; never more than `PAGE_EVENTS_MAX`.
    pub limit: usize,
}

/// Where a page of events lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The first ones after this place, to read on or to follow.
    After(Seq),
    /// The last ones before this place, to look back.
    Before(Seq),
    /// The last ones.
    Last,
}

/// What `Reader::verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The first event that is still kept.
    pub first: Seq,
    /// The last event.
    pub last: Seq,
    /// How many hosts there are.
    pub hosts: usize,
    /// How many addresses have a lease, whatever became of it.
    pub leases: usize,
    /// What is wrong, each in a line for people; the first hundred.
    pub problems: Vec<String>,
}

impl Report {
    /// The most problems that are listed.
    pub const PROBLEMS_MAX: usize = 100;

    /// Whether all is well.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    pub(crate) fn add(&mut self, problem: String) {
        if self.problems.len() < Self::PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}
