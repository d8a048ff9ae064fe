//! Fault rows 7 and 8: a torn log, flipped bits, lost writes. Either the store says what it was told, or it refuses.

use std::fs;
use std::path::Path;

use bootwright_store::sample::Sample;
use bootwright_store::{EventQuery, Loaded, Page, Reader, Recorded, Seq, SqliteReader, SqliteStore, Store, StoreError};

use crate::scratch::{SMALL, Scratch, append_up_to, copy_store, entry_at, leases_at, open, revisions_at, world_at};

/// What a store says, or how it refuses.
fn ask(path: &Path) -> Result<(Loaded, Vec<Recorded>), StoreError> {
    let mut store = SqliteStore::open(path, SMALL)?;
    let loaded = store.load()?;
    let events = SqliteReader::open(path)?.events(&EventQuery {
        page: Page::After(Seq::ZERO),
        host: None,
        limit: 10_000,
    })?;
    Ok((loaded, events))
}

/// Refusals that an operator can act upon: they name the damage, or the file that is not a store.
fn is_refusal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Damaged { .. } | StoreError::Foreign(_) | StoreError::Newer { .. } | StoreError::Io { .. }
    )
}

/// A store with some history, all of it in the main file.
fn settled(path: &Path, events: u64) {
    let mut store = open(path);
    store.load().unwrap();
    append_up_to(&mut store, 1, events);
}

#[test]
fn fault_08_a_flipped_byte_is_refused_or_changes_nothing_that_is_said() {
    let scratch = Scratch::new();
    settled(&scratch.store(), 150);
    let whole = fs::read(scratch.store()).unwrap();
    let good = ask(&scratch.store()).unwrap();
    let victim = scratch.path().join("victim.db");
    let mut random = Sample::new(8);
    let (mut refused, mut same) = (0, 0);
    // All of the header and of the schema's first bytes, then every place in turn of a step that meets all of a page.
    let places = (0..200).chain((200..whole.len()).step_by(67));
    for place in places {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << random.below(8);
        fs::write(&victim, &bytes).unwrap();
        for rest in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{rest}", victim.display()));
        }
        match ask(&victim) {
            Ok(said) => {
                same += 1;
                assert!(said == good, "byte {place} flipped, and the store says something else");
            }
            Err(error) => {
                refused += 1;
                assert!(is_refusal(&error), "byte {place}: {error:?}");
            }
        }
    }
    println!(
        "{refused} of {} flips refused, {same} in places that say nothing",
        refused + same
    );
    assert!(refused > 300 && same > 0, "{refused} refused, {same} not");
}

#[test]
fn fault_08_a_page_that_was_never_written_is_noticed() {
    let scratch = Scratch::new();
    let old = scratch.path().join("old.db");
    settled(&scratch.store(), 150);
    fs::copy(scratch.store(), &old).unwrap();
    let mut store = open(&scratch.store());
    store.load().unwrap();
    append_up_to(&mut store, 151, 180);
    drop(store);
    let good = ask(&scratch.store()).unwrap();
    let (old, new) = (fs::read(&old).unwrap(), fs::read(scratch.store()).unwrap());
    let victim = scratch.path().join("victim.db");
    let mut changed = 0;
    for page in 0..old.len() / 4096 {
        let place = page * 4096..(page + 1) * 4096;
        if old[place.clone()] == new[place.clone()] {
            continue;
        }
        changed += 1;
        let mut bytes = new.clone();
        bytes[place.clone()].copy_from_slice(&old[place]);
        fs::write(&victim, &bytes).unwrap();
        match ask(&victim) {
            Ok(said) => assert!(
                said == good,
                "page {page} is an old one, and the store says something else"
            ),
            Err(error) => assert!(is_refusal(&error), "page {page}: {error:?}"),
        }
    }
    assert!(changed > 3, "{changed}");
}

#[test]
fn fault_08_a_damaged_store_names_what_to_do_and_stays_as_it_is() {
    let scratch = Scratch::new();
    settled(&scratch.store(), 60);
    let mut bytes = fs::read(scratch.store()).unwrap();
    let body = b"\"phase\":\"";
    let place = bytes.windows(body.len()).rposition(|window| window == body).unwrap();
    bytes[place + 1] = b'f';
    fs::write(scratch.store(), &bytes).unwrap();
    let words = ask(&scratch.store()).unwrap_err().to_string();
    assert!(words.contains("the store is damaged"), "{words}");
    assert!(words.contains("bootwright restore"), "{words}");
    assert_eq!(fs::read(scratch.store()).unwrap(), bytes);
    // The check names it too, and goes on to the rest.
    let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
    assert!(!report.is_good());
}

#[test]
fn the_check_finds_a_table_that_is_not_the_fold_of_the_record() {
    let scratch = Scratch::new();
    settled(&scratch.store(), 60);
    let connection = rusqlite::Connection::open(scratch.store()).unwrap();
    connection.execute("DELETE FROM events WHERE seq = 7", []).unwrap();
    let gone = connection.execute("DELETE FROM hosts WHERE id = (SELECT min(id) FROM hosts)", []);
    assert_eq!(gone, Ok(1));
    let gone = connection.execute(
        "DELETE FROM leases WHERE address = (SELECT max(address) FROM leases)",
        [],
    );
    assert_eq!(gone, Ok(1));
    drop(connection);
    let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
    let problems = report.problems.join("\n");
    assert!(problems.contains("leases do not add up to the"), "{problems}");
    assert!(problems.contains("the events from 7 up to 8 are gone"), "{problems}");
    assert!(problems.contains("do not add up"), "{problems}");
}

#[test]
fn fault_07_torn_wal_tail_leaves_the_last_commit_that_is_whole() {
    let scratch = Scratch::new();
    let mut store = open(&scratch.store());
    store.load().unwrap();
    append_up_to(&mut store, 1, 30);
    store.load().unwrap();
    // From here on the log grows: one commit of three entries each.
    append_up_to(&mut store, 31, 90);
    let crashed = scratch.path().join("crashed.db");
    copy_store(&scratch.store(), &crashed);
    drop(store);
    let log = fs::read(format!("{}-wal", crashed.display())).unwrap();
    let base = fs::read(&crashed).unwrap();
    let mut random = Sample::new(7);
    let mut last = 90;
    // From the end to the start, at the borders of frames and anywhere between.
    let frames = (log.len() - 32) / (4096 + 24);
    let cuts = (0..=frames).rev().flat_map(|frame| {
        let border = 32 + frame * (4096 + 24);
        [border + usize::try_from(random.below(4096)).unwrap(), border]
    });
    let mut found = Vec::new();
    for cut in cuts {
        let cut = cut.min(log.len());
        let mut torn = log[..cut].to_vec();
        if cut % 2 == 0 {
            // What was never written may hold anything.
            torn.resize(log.len(), 0xa5);
        }
        fs::write(&crashed, &base).unwrap();
        fs::write(format!("{}-wal", crashed.display()), torn).unwrap();
        let _ = fs::remove_file(format!("{}-shm", crashed.display()));
        let (loaded, events) = ask(&crashed).unwrap();
        let seq = loaded.seq;
        assert!(
            seq.get() <= last && seq.get() >= 30 && seq.get() % 3 == 0,
            "{seq} after {last}"
        );
        assert_eq!(
            (loaded.world, loaded.leases),
            (world_at(seq.get()), leases_at(seq.get()))
        );
        assert_eq!(loaded.revisions, revisions_at(seq.get()));
        assert!(
            events
                .iter()
                .map(|event| event.entry.clone())
                .eq((1..=seq.get()).map(entry_at))
        );
        last = seq.get();
        found.push(last);
    }
    found.dedup();
    assert_eq!(found, (30..=90).rev().step_by(3).collect::<Vec<u64>>());
}
