//! A store in memory with faults on demand, for the simulator.
//!
//! The disk outlives the store: drop the store for a crash, and open another one on the same disk for the restart.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bootwright_core::lease::Lease;
use bootwright_core::{Profile, RevisionChange, RevisionKey, Timestamp, World, after_restore, apply};

use crate::{
    Batch, ClockMark, EventQuery, Loaded, PAGE_EVENTS_MAX, Page, Reader, Recorded, Report, Seq, Space, Store,
    StoreError,
};

/// What shall go wrong with an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The batch is not recorded.
    Lost,
    /// The batch is recorded, but the caller is told that it failed.
    Unsaid,
    /// The disk is full, the batch is not recorded.
    Full,
}

/// What the store keeps, shared by all who hold the disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Inner>>);

#[derive(Clone, Debug, Default)]
struct Inner {
    events: Vec<Recorded>,
    leases: BTreeMap<Ipv4Addr, Lease>,
    revisions: BTreeMap<RevisionKey, Profile>,
    clock: Option<ClockMark>,
    /// What goes wrong, and how many more appends succeed before.
    fault: Option<(u64, Fault)>,
    space: Option<Space>,
    appends: u64,
    /// It is a backup that nobody has started from.
    backup: bool,
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `appends` more succeed and then this go wrong, once.
    pub fn fail_after(&self, appends: u64, fault: Fault) {
        self.lock().fault = Some((appends, fault));
    }

    /// A copy as a backup makes it: what is recorded from now on is not in it, and a start from it withdraws what it grants.
    #[must_use]
    pub fn backup(&self) -> Self {
        let mut copy = self.lock().clone();
        (copy.fault, copy.backup) = (None, true);
        Self(Arc::new(Mutex::new(copy)))
    }

    /// Says how much room there seems to be.
    pub fn set_space(&self, space: Space) {
        self.lock().space = Some(space);
    }

    /// All that is recorded.
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        self.lock().events.clone()
    }

    /// How many batches were recorded, which is how often a real disk would have been synced.
    #[must_use]
    pub fn appends(&self) -> u64 {
        self.lock().appends
    }

    /// What is recorded of an address.
    #[must_use]
    pub fn lease(&self, address: Ipv4Addr) -> Option<Lease> {
        self.lock().leases.get(&address).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves the events whole: they are pushed last.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store on such a disk.
#[derive(Debug)]
pub struct MemoryStore {
    disk: MemoryDisk,
    failed: bool,
}

impl MemoryStore {
    /// The store on this disk, which may be empty.
    #[must_use]
    pub const fn on(disk: MemoryDisk) -> Self {
        Self { disk, failed: false }
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.failed = false;
        let mut disk = self.disk.lock();
        let mut world = World::default();
        for recorded in &disk.events {
            apply(&mut world, &recorded.entry);
        }
        let restored = std::mem::take(&mut disk.backup);
        if restored {
            let clock = disk.clock.map(|mark| (mark.site_ms, mark.reading.wall_ms));
            let (at, wall_ms) = clock.unwrap_or_default();
            for entry in after_restore(&world, Timestamp::from_millis(at)) {
                apply(&mut world, &entry);
                let seq = disk.last().plus(1);
                disk.events.push(Recorded { seq, wall_ms, entry });
            }
        }
        Ok(Loaded {
            world,
            leases: disk.leases.values().cloned().collect(),
            revisions: disk.revisions.values().cloned().collect(),
            seq: disk.last(),
            clock: disk.clock,
            restored,
        })
    }

    fn commit(&mut self, batch: Batch<'_>, wall_ms: u64, clock: &ClockMark) -> Result<Seq, StoreError> {
        if self.failed {
            return Err(StoreError::Closed);
        }
        let mut disk = self.disk.lock();
        let fault = disk.next_fault();
        if let Some(fault @ (Fault::Lost | Fault::Full)) = fault {
            self.failed = true;
            return Err(if fault == Fault::Full {
                StoreError::Full
            } else {
                StoreError::Injected("the batch is lost")
            });
        }
        for entry in batch.entries {
            let seq = disk.last().plus(1);
            disk.events.push(Recorded {
                seq,
                wall_ms,
                entry: entry.clone(),
            });
        }
        for lease in batch.leases {
            disk.leases.insert(lease.address, lease.clone());
        }
        for change in batch.revisions {
            match change {
                RevisionChange::Kept(profile) => disk.revisions.insert(change.key(), (**profile).clone()),
                RevisionChange::Dropped(key) => disk.revisions.remove(key),
            };
        }
        disk.clock = Some(*clock);
        disk.appends += 1;
        if fault == Some(Fault::Unsaid) {
            self.failed = true;
            return Err(StoreError::Injected("the batch is recorded, and nobody says so"));
        }
        Ok(disk.last())
    }

    fn space(&self) -> Space {
        self.disk.lock().space.unwrap_or(Space::Plenty)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(self.disk.clone()))
    }
}

impl Inner {
    fn last(&self) -> Seq {
        self.events.last().map_or(Seq::ZERO, |recorded| recorded.seq)
    }

    fn next_fault(&mut self) -> Option<Fault> {
        match self.fault {
            Some((0, fault)) => {
                self.fault = None;
                Some(fault)
            }
            Some((more, fault)) => {
                self.fault = Some((more - 1, fault));
                None
            }
            None => None,
        }
    }
}

impl Reader for MemoryDisk {
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Recorded>, StoreError> {
        let disk = self.lock();
        let limit = query.limit.min(PAGE_EVENTS_MAX);
        let about = |recorded: &&Recorded| query.host.is_none() || recorded.entry.change.host() == query.host.as_ref();
        // They are in their order: whoever follows a long record does not read it all each time.
        let begin = match query.page {
            Page::After(seq) => disk.events.partition_point(|event| event.seq <= seq),
            Page::Before(_) | Page::Last => 0,
        };
        let events = disk.events.iter().skip(begin).filter(about);
        Ok(match query.page {
            Page::After(_) => events.take(limit).cloned().collect(),
            Page::Before(_) | Page::Last => {
                let mut events: Vec<Recorded> = events
                    .filter(|event| !matches!(query.page, Page::Before(seq) if event.seq >= seq))
                    .rev()
                    .take(limit)
                    .cloned()
                    .collect();
                events.reverse();
                events
            }
        })
    }

    fn verify(&mut self) -> Result<Report, StoreError> {
        let hosts = MemoryStore::on(self.clone()).load()?.world.hosts.len();
        let disk = self.lock();
        Ok(Report {
            first: disk.events.first().map_or(Seq::ZERO, |recorded| recorded.seq),
            last: disk.last(),
            hosts,
            leases: disk.leases.len(),
            problems: Vec::new(),
        })
    }

    fn backup(&mut self, _to: &Path) -> Result<(), StoreError> {
        Err(StoreError::Injected("a store in memory has no file to copy"))
    }
}
