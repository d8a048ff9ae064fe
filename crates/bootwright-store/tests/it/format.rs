//! Formats: what is newer or foreign is refused, what is older is read.

use std::fs;

use bootwright_store::{Reader, SqliteReader, SqliteStore, Store, StoreError};
use rusqlite::Connection;

use crate::scratch::{SMALL, Scratch, append_up_to, open};

fn refusal(scratch: &Scratch) -> StoreError {
    SqliteStore::open(&scratch.store(), SMALL)
        .and_then(|mut store| store.load())
        .expect_err("refused")
}

#[test]
fn fault_09_a_store_of_a_newer_version_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    {
        let mut store = open(&scratch.store());
        store.load().unwrap();
        append_up_to(&mut store, 1, 30);
    }
    let connection = Connection::open(scratch.store()).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    connection
        .execute_batch("ALTER TABLE events ADD COLUMN mood TEXT")
        .unwrap();
    drop(connection);
    let before = fs::read(scratch.store()).unwrap();
    let refused = refusal(&scratch);
    assert!(matches!(refused, StoreError::Newer { found: 7, known: 1 }), "{refused}");
    let words = refused.to_string();
    assert!(
        words.contains("format 7") && words.contains("up to format 1"),
        "{words}"
    );
    assert_eq!(fs::read(scratch.store()).unwrap(), before);
    let reader = SqliteReader::open(&scratch.store()).err().unwrap();
    assert!(matches!(reader, StoreError::Newer { .. }), "{reader}");
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    let connection = Connection::open(scratch.store()).unwrap();
    connection.execute_batch("CREATE TABLE photos (name TEXT)").unwrap();
    drop(connection);
    let before = fs::read(scratch.store()).unwrap();
    let refused = refusal(&scratch);
    assert!(matches!(refused, StoreError::Foreign(_)), "{refused}");
    assert_eq!(fs::read(scratch.store()).unwrap(), before);

    fs::write(scratch.store(), "dear diary, ".repeat(1000)).unwrap();
    assert!(matches!(refusal(&scratch), StoreError::Damaged { .. }));
    fs::write(scratch.store(), "").unwrap();
    assert!(matches!(refusal(&scratch), StoreError::Damaged { .. }));
}

#[test]
fn a_store_whose_file_is_gone_while_its_log_is_there_is_not_made_anew() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("bootwright.db-wal"), "x").unwrap();
    let words = refusal(&scratch).to_string();
    assert!(
        words.contains("is gone") && words.contains("bootwright.db-wal"),
        "{words}"
    );
    assert!(!scratch.store().exists());
}

#[test]
fn a_half_made_store_is_made_anew() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("bootwright.db.new"), "half").unwrap();
    let loaded = open(&scratch.store()).load().unwrap();
    assert_eq!((loaded.seq.get(), loaded.clock, loaded.world.hosts.len()), (0, None, 0));
    assert!(!scratch.path().join("bootwright.db.new").exists());
}

/// A store as format 1 wrote it, as text; never edited. It tells of three hosts: `oak-1` was installed by its second run
/// after the first had failed, `elm-2` is armed by a rule, `ash-3` was forgotten.
const V1: &str = include_str!("../../test_data/v1/store.sql");

#[test]
fn a_store_of_format_1_is_read() {
    let scratch = Scratch::new();
    let connection = Connection::open(scratch.store()).unwrap();
    connection.execute_batch(V1).unwrap();
    drop(connection);
    let loaded = open(&scratch.store()).load().unwrap();
    let lines: Vec<String> = loaded
        .world
        .hosts
        .values()
        .map(|host| {
            let phase = &host.state.phase;
            let profile = phase.profile().map(ToString::to_string).unwrap_or_default();
            let runs: Vec<String> = host
                .runs
                .iter()
                .map(|run| {
                    format!(
                        "#{} {}",
                        run.number,
                        run.failure.as_ref().map_or("done".to_owned(), ToString::to_string)
                    )
                })
                .collect();
            format!(
                "{} {} {profile} [{}] {:?} {:?}",
                host.id,
                phase.name(),
                runs.join(", "),
                host.facts.macs,
                host.labels
            )
        })
        .collect();
    expect_test::expect![[r#"
        elm-2 armed discover [] {52:54:00:ab:cd:02} {}
        oak-1 installed debian [#1 the installer reported: no route to mirror, #2 done] {52:54:00:ab:cd:01} {"rack": "r2"}
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
    assert_eq!(loaded.seq.get(), 14);
    assert_eq!(loaded.world.site.paused.as_deref(), Some("maintenance"));
    assert_eq!(loaded.clock.map(|mark| mark.site_ms), Some(1_760_000_000_005));
    let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}
