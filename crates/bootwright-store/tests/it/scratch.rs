//! A directory of a test's own, and the store in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bootwright_core::lease::Lease;
use bootwright_core::{Change, Entry, Profile, RevisionChange, Uuid, World, apply};
use bootwright_store::sample::Sample;
use bootwright_store::{
    Batch, ClockMark, ClockReading, EventQuery, Limits, Page, Reader, Recorded, Seq, SqliteReader, SqliteStore, Store,
    StoreError,
};

/// A directory that vanishes with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("store-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the store of this directory is.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("bootwright.db")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left over if a test made it unreadable; it lies below `target`.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Limits that make a small test meet what a large site meets.
pub(crate) const SMALL: Limits = Limits {
    events_max: 1_000_000,
    checkpoint_events: 40,
    reserve_bytes: 0,
};

pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SMALL).unwrap()
}

/// What the clocks of a test show.
pub(crate) fn mark() -> ClockMark {
    ClockMark {
        reading: ClockReading {
            boot_id: Uuid::from_text_order([1; 16]),
            boottime_ms: 1000,
            wall_ms: WALL_MS,
        },
        site_ms: WALL_MS + 5,
    }
}

pub(crate) const WALL_MS: u64 = 1_760_000_000_000;

/// The entry that tests record at this place; anybody can say later what it must be.
pub(crate) fn entry_at(seq: u64) -> Entry {
    Sample::new(seq).entry()
}

pub(crate) fn entries_at(places: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    places.map(entry_at).collect()
}

/// The lease that tests record together with the entry at this place.
pub(crate) fn lease_at(seq: u64) -> Lease {
    Sample::new(seq).lease()
}

/// The leases after those up to this place.
pub(crate) fn leases_at(seq: u64) -> Vec<Lease> {
    let leases: BTreeMap<_, _> = (1..=seq).map(lease_at).map(|lease| (lease.address, lease)).collect();
    leases.into_values().collect()
}

/// What is recorded together with an entry: what its run was started with.
pub(crate) fn revisions_of(entry: &Entry) -> Vec<RevisionChange> {
    let state = match &entry.change {
        Change::StateSet { state, .. } => state,
        _ => return Vec::new(),
    };
    let run = state.phase.run().into_iter();
    run.map(|run| {
        let profile = Sample::new(run.revision).revision(run.profile.clone(), run.revision);
        RevisionChange::Kept(Arc::new(profile))
    })
    .collect()
}

/// The profiles that the entries up to this place were recorded with.
pub(crate) fn revisions_at(seq: u64) -> Vec<Profile> {
    let changes = (1..=seq).flat_map(|seq| revisions_of(&entry_at(seq)));
    let kept = changes.filter_map(|change| match &change {
        RevisionChange::Kept(profile) => Some((change.key(), (**profile).clone())),
        RevisionChange::Dropped(_) => None,
    });
    kept.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Records the entries, leases and profiles of these places at once.
pub(crate) fn commit(store: &mut dyn Store, places: std::ops::RangeInclusive<u64>) -> Result<Seq, StoreError> {
    let (entries, leases) = (entries_at(places.clone()), places.map(lease_at).collect::<Vec<Lease>>());
    let revisions: Vec<RevisionChange> = entries.iter().flat_map(revisions_of).collect();
    let batch = Batch {
        entries: &entries,
        leases: &leases,
        revisions: &revisions,
    };
    store.commit(batch, WALL_MS, &mark())
}

/// Records entries and what their runs were started with, but no leases.
pub(crate) fn append(store: &mut dyn Store, entries: &[Entry]) -> Result<Seq, StoreError> {
    let revisions: Vec<RevisionChange> = entries.iter().flat_map(revisions_of).collect();
    let batch = Batch {
        entries,
        leases: &[],
        revisions: &revisions,
    };
    store.commit(batch, WALL_MS, &mark())
}

/// The world after the entries up to this place, folded by the core alone.
pub(crate) fn world_at(seq: u64) -> World {
    let mut world = World::default();
    for entry in entries_at(1..=seq) {
        apply(&mut world, &entry);
    }
    world
}

/// Records the entries up to this place in batches of three.
pub(crate) fn append_up_to(store: &mut SqliteStore, from: u64, to: u64) {
    let mut next = from;
    while next <= to {
        let last = to.min(next + 2);
        let seq = commit(store, next..=last).unwrap();
        assert_eq!(seq, Seq::new(last));
        next = last + 1;
    }
}

/// All events that are kept.
pub(crate) fn all_events(path: &Path) -> Vec<Recorded> {
    let mut reader = SqliteReader::open(path).unwrap();
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(Seq::ZERO, |event| event.seq);
        let page = reader
            .events(&EventQuery {
                page: Page::After(after),
                host: None,
                limit: 500,
            })
            .unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// Copies a store with its log, as it lies there at this moment.
pub(crate) fn copy_store(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if name(from).exists() {
            fs::copy(name(from), name(to)).unwrap();
        } else {
            let _ = fs::remove_file(name(to));
        }
    }
    let _ = fs::remove_file(format!("{}-shm", to.display()));
}
