//! What is asked of the very connection that commits: no other one tells how it syncs.

use std::path::PathBuf;

use rusqlite::Connection;

use super::open::{connect, create_if_missing};
use super::{Limits, SqliteStore};
use crate::sample::Sample;
use crate::{Batch, ClockMark, ClockReading, Seq, Store as _};

/// What `PRAGMA synchronous` answers for FULL: synced at every commit (<https://sqlite.org/pragma.html#pragma_synchronous>).
const FULL: i64 = 2;

/// A store's place, which vanishes with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> PathBuf {
        self.0.join("bootwright.db")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Below the system's directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The journal's mode, and how often it is synced.
fn settings(connection: &Connection) -> (String, i64) {
    let ask = |pragma: &str| format!("PRAGMA {pragma}");
    let journal = connection
        .query_row(&ask("journal_mode"), [], |row| row.get(0))
        .unwrap();
    let synchronous = connection.query_row(&ask("synchronous"), [], |row| row.get(0)).unwrap();
    (journal, synchronous)
}

fn settings_of(store: &SqliteStore) -> (String, i64) {
    settings(&store.open.as_ref().unwrap().connection)
}

fn commit(store: &mut SqliteStore, seq: u64) {
    let entries = [Sample::new(seq).entry()];
    let batch = Batch {
        entries: &entries,
        leases: &[Sample::new(seq).lease()],
        revisions: &[],
    };
    let reading = ClockReading {
        boot_id: bootwright_core::Uuid::from_text_order([1; 16]),
        boottime_ms: 1000,
        wall_ms: 1_760_000_000_000,
    };
    let mark = ClockMark {
        reading,
        site_ms: reading.wall_ms,
    };
    assert_eq!(store.commit(batch, reading.wall_ms, &mark).unwrap(), Seq::new(seq));
}

#[test]
fn the_connection_that_commits_syncs_the_write_ahead_log_at_every_commit() {
    let place = Place::new("commits");
    let path = place.store();
    let safe = ("wal".to_owned(), FULL);
    for seq in 1..=2 {
        let mut store = SqliteStore::open(&path, Limits::default()).unwrap();
        store.load().unwrap();
        assert_eq!(settings_of(&store), safe, "opened");
        commit(&mut store, seq);
        assert_eq!(settings_of(&store), safe, "after a commit");
        store.maintain().unwrap();
        assert_eq!(settings_of(&store), safe, "after the log was folded into the file");
        store.load().unwrap();
        assert_eq!(settings_of(&store), safe, "opened again after a failure");
    }
}

#[test]
fn a_connection_that_syncs_less_or_keeps_another_journal_is_told_apart() {
    let place = Place::new("mutants");
    let path = place.store();
    create_if_missing(&path).unwrap();
    let safe = ("wal".to_owned(), FULL);
    for mutant in [
        "synchronous = OFF",
        "synchronous = NORMAL",
        "synchronous = EXTRA",
        "journal_mode = DELETE",
        "journal_mode = TRUNCATE",
    ] {
        let connection = connect(&path).unwrap();
        assert_eq!(settings(&connection), safe);
        connection.execute_batch(&format!("PRAGMA {mutant}")).unwrap();
        assert_ne!(settings(&connection), safe, "{mutant}");
    }
}
