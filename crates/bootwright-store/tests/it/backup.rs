//! Backups, and fault row 45: a site that starts from yesterday's.

use std::fs;

use bootwright_core::{Cause, Change, Entry, HostState, Phase, Stance, Timestamp, Verb};
use bootwright_store::sample::Sample;
use bootwright_store::{Batch, Reader, SqliteReader, Store};

use crate::scratch::{
    Scratch, WALL_MS, all_events, append_up_to, entry_at, leases_at, mark, open, revisions_at, world_at,
};

#[test]
fn a_backup_is_a_consistent_copy_of_a_store_that_is_being_written() {
    let scratch = Scratch::new();
    let copy = scratch.path().join("copy.db");
    let mut store = open(&scratch.store());
    store.load().unwrap();
    append_up_to(&mut store, 1, 90);
    store.reader().unwrap().backup(&copy).unwrap();
    append_up_to(&mut store, 91, 120);
    let report = SqliteReader::open(&copy).unwrap().verify().unwrap();
    assert_eq!(
        (report.problems.len(), report.last.get()),
        (0, 90),
        "{:?}",
        report.problems
    );
    assert_eq!(report.leases, leases_at(90).len());
    for event in all_events(&copy) {
        assert_eq!(event.entry, entry_at(event.seq.get()));
    }
    // The store itself is no backup.
    let loaded = store.load().unwrap();
    assert_eq!((loaded.restored, loaded.world), (false, world_at(120)));
    assert_eq!(loaded.leases, leases_at(120));
    assert_eq!(loaded.revisions, revisions_at(120));
}

#[test]
fn a_backup_replaces_no_file() {
    let scratch = Scratch::new();
    let copy = scratch.path().join("copy.db");
    let mut store = open(&scratch.store());
    store.load().unwrap();
    fs::write(&copy, "precious").unwrap();
    store.reader().unwrap().backup(&copy).unwrap_err();
    assert_eq!(fs::read_to_string(&copy).unwrap(), "precious");
    let elsewhere = scratch.path().join("nowhere/copy.db");
    store.reader().unwrap().backup(&elsewhere).unwrap_err();
}

#[test]
fn fault_45_a_restored_backup_installs_nothing_before_a_person_has_looked() {
    let scratch = Scratch::new();
    let copy = scratch.path().join("copy.db");
    let mut store = open(&scratch.store());
    store.load().unwrap();
    // Every host in every phase: whatever a phase allows, the fold of it is restored.
    let mut sample = Sample::new(45);
    for number in 0..200 {
        let host: bootwright_core::HostId = format!("host-{number}").parse().unwrap();
        let state = HostState {
            phase: sample.phase(),
            locked: false,
            runs: 1,
        };
        let entry = |change| Entry {
            at: Timestamp::from_millis(WALL_MS),
            by: Cause::Daemon,
            verb: Verb::Set,
            note: String::new(),
            change,
        };
        let facts = sample.facts();
        let added = entry(Change::HostAdded {
            host: host.clone(),
            facts,
        });
        let set = entry(Change::StateSet { host, state });
        store.append(&[added, set], WALL_MS, &mark()).unwrap();
    }
    // Leases promise a machine an address and nothing about its disk: they are kept.
    let leases: Vec<_> = (1..50).map(|number| Sample::new(number).lease()).collect();
    let batch = Batch {
        entries: &[],
        leases: &leases,
        revisions: &[],
    };
    store.commit(batch, WALL_MS, &mark()).unwrap();
    let leases = store.load().unwrap().leases;
    assert!(leases.len() > 20);
    let before = store.load().unwrap().world;
    store.reader().unwrap().backup(&copy).unwrap();
    drop(store);

    fs::rename(&copy, scratch.store()).unwrap();
    let mut store = open(&scratch.store());
    let loaded = store.load().unwrap();
    assert!(loaded.restored);
    assert_eq!(loaded.leases, leases);
    assert!(
        loaded
            .world
            .site
            .paused
            .as_ref()
            .is_some_and(|why| why.contains("backup"))
    );
    let mut withdrawn = 0;
    for (id, host) in &loaded.world.hosts {
        let old = &before.hosts[id];
        match &old.state.phase {
            Phase::Armed { .. } | Phase::Installing { .. } => {
                withdrawn += 1;
                assert_eq!(host.state.phase, Phase::New { stance: Stance::Hold }, "{id}");
                assert_eq!(host.facts, old.facts);
            }
            Phase::New { .. }
            | Phase::Installed { .. }
            | Phase::Failed { .. }
            | Phase::Live { .. }
            | Phase::Ignored => {
                assert_eq!(host, old);
            }
        }
    }
    assert!(withdrawn > 20, "{withdrawn}");
    // It is recorded, once: the next start is a start like any other.
    let events = all_events(&scratch.store());
    assert_eq!(events.len(), 400 + withdrawn + 1);
    let again = store.load().unwrap();
    assert_eq!(
        (again.restored, again.world, again.seq),
        (false, loaded.world, loaded.seq)
    );
    let report = store.reader().unwrap().verify().unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}
