//! Histories: what is read back, and that the tables are the fold of the record.

use bootwright_store::sample::Sample;
use bootwright_store::{EventQuery, Limits, Page, Reader, Recorded, Seq, SqliteReader, SqliteStore, Store};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::scratch::{
    SMALL, Scratch, WALL_MS, all_events, append, append_up_to, entries_at, entry_at, mark, open, world_at,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_tables_are_the_fold_of_any_history(seed: u64, batches in 1_usize..40) {
        let scratch = Scratch::new();
        let mut sample = Sample::new(seed);
        let mut world = bootwright_core::World::default();
        let mut recorded = Vec::new();
        {
            let mut store = open(&scratch.store());
            prop_assert_eq!(&store.load().unwrap().world, &world);
            for _ in 0..batches {
                let batch = sample.batch(8);
                for entry in &batch {
                    bootwright_core::apply(&mut world, entry);
                    let seq = Seq::new(recorded.len() as u64 + 1);
                    recorded.push(Recorded { seq, wall_ms: WALL_MS, entry: entry.clone() });
                }
                append(&mut store, &batch).unwrap();
                store.maintain().unwrap();
            }
        }
        let loaded = open(&scratch.store()).load().unwrap();
        prop_assert_eq!(&loaded.world, &world);
        prop_assert_eq!(loaded.seq.get(), recorded.len() as u64);
        prop_assert_eq!(loaded.clock, Some(mark()));
        prop_assert_eq!(all_events(&scratch.store()), recorded);
        let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
        prop_assert_eq!(report.problems, Vec::<String>::new());
        prop_assert_eq!(report.hosts, world.hosts.len());
    }
}

#[test]
fn pages_of_the_record_are_found_from_both_ends_and_by_host() {
    let scratch = Scratch::new();
    let mut store = open(&scratch.store());
    store.load().unwrap();
    append_up_to(&mut store, 1, 200);
    let mut reader = store.reader().unwrap();
    let mut page = |page, host: Option<&str>, limit| -> Vec<u64> {
        let host = host.map(|host| host.parse().unwrap());
        let events = reader.events(&EventQuery { page, host, limit }).unwrap();
        for event in &events {
            assert_eq!(event.entry, entry_at(event.seq.get()));
        }
        events.iter().map(|event| event.seq.get()).collect()
    };
    assert_eq!(page(Page::Last, None, 3), [198, 199, 200]);
    assert_eq!(page(Page::Before(Seq::new(198)), None, 2), [196, 197]);
    assert_eq!(page(Page::After(Seq::new(198)), None, 10), [199, 200]);
    assert_eq!(page(Page::After(Seq::ZERO), None, 2), [1, 2]);
    assert_eq!(page(Page::After(Seq::new(200)), None, 2), [0; 0]);
    assert_eq!(page(Page::Before(Seq::new(1)), None, 2), [0; 0]);
    assert_eq!(page(Page::Last, None, 0), [0; 0]);
    let about = |seq: &u64| entry_at(*seq).change.host().map(ToString::to_string).as_deref() == Some("ash");
    let ash: Vec<u64> = (1..=200).filter(about).collect();
    assert!(ash.len() > 10);
    assert_eq!(page(Page::After(Seq::ZERO), Some("ash"), 1000), ash);
    assert_eq!(page(Page::Last, Some("ash"), 2), ash[ash.len() - 2..]);
    assert_eq!(page(Page::Last, Some("nobody"), 2), [0; 0]);
}

#[test]
fn readers_see_commits_while_the_store_is_open_and_are_not_in_its_way() {
    let scratch = Scratch::new();
    let mut store = open(&scratch.store());
    store.load().unwrap();
    let mut reader = store.reader().unwrap();
    let query = EventQuery {
        page: Page::Last,
        host: None,
        limit: 1,
    };
    for seq in 1..=100 {
        append(&mut store, &[entry_at(seq)]).unwrap();
        store.maintain().unwrap();
        assert_eq!(reader.events(&query).unwrap()[0].seq, Seq::new(seq));
    }
}

#[test]
fn history_beyond_its_bound_is_dropped_and_the_rest_still_folds_to_the_tables() {
    let scratch = Scratch::new();
    let limits = Limits {
        events_max: 100,
        ..SMALL
    };
    let mut store = SqliteStore::open(&scratch.store(), limits).unwrap();
    store.load().unwrap();
    for first in (1..=1000).step_by(5) {
        append(&mut store, &entries_at(first..=first + 4)).unwrap();
        store.maintain().unwrap();
    }
    let kept = all_events(&scratch.store());
    assert!(kept.len() >= 100 && kept.len() <= 115, "{}", kept.len());
    assert_eq!(kept.last().map(|event| event.seq), Some(Seq::new(1000)));
    assert_eq!(store.load().unwrap().world, world_at(1000));
    let report = store.reader().unwrap().verify().unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(Some(report.first), kept.first().map(|event| event.seq));
}

#[test]
fn events_that_another_wrote_beyond_the_tables_are_folded_in_at_the_start() {
    let scratch = Scratch::new();
    {
        let mut store = open(&scratch.store());
        store.load().unwrap();
        append_up_to(&mut store, 1, 60);
    }
    // Turn the tables back to an older store's, and leave the record as it is.
    let old = Scratch::new();
    {
        let mut store = open(&old.store());
        store.load().unwrap();
        append_up_to(&mut store, 1, 30);
    }
    let connection = Connection::open(scratch.store()).unwrap();
    connection
        .execute("ATTACH ?1 AS old", [old.store().to_str().unwrap()])
        .unwrap();
    connection
        .execute_batch(
            "DELETE FROM hosts; DELETE FROM rules; DELETE FROM site; DELETE FROM revisions;
             INSERT INTO revisions SELECT * FROM old.revisions;
             INSERT INTO hosts (id, body, sum) SELECT id, body, sum FROM old.hosts;
             INSERT INTO rules (name, body, sum) SELECT name, body, sum FROM old.rules;
             INSERT INTO site (one, seq, hosts, rules, digest, body, sum)
                 SELECT one, seq, hosts, rules, digest, body, sum FROM old.site;",
        )
        .unwrap();
    drop(connection);
    let loaded = open(&scratch.store()).load().unwrap();
    assert_eq!((loaded.seq, loaded.world), (Seq::new(60), world_at(60)));
    // What another wrote tells of runs, but not what they were started with.
    let mut problems = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap().problems;
    problems.retain(|problem| !problem.contains("is not in the table `revisions`"));
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn people_read_the_store_with_plain_sql() {
    let scratch = Scratch::new();
    let mut store = open(&scratch.store());
    store.load().unwrap();
    append_up_to(&mut store, 1, 300);
    let world = world_at(300);
    let connection = Connection::open(scratch.store()).unwrap();
    let mut statement = connection
        .prepare("SELECT id, state, profile, run, locked FROM hosts ORDER BY id")
        .unwrap();
    type Line = (String, String, Option<String>, Option<u32>, bool);
    let rows: Vec<Line> = statement
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), world.hosts.len());
    for ((id, state, profile, run, locked), host) in rows.iter().zip(world.hosts.values()) {
        assert_eq!(id, host.id.as_str());
        assert_eq!(state, host.state.phase.name());
        assert_eq!(profile.as_deref(), host.state.phase.profile().map(|name| name.as_str()));
        if let Some(running) = host.state.phase.run() {
            assert_eq!(*run, Some(running.number.get()));
        }
        assert_eq!(*locked, host.state.locked);
    }
    let count =
        |sql: &str| usize::try_from(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()).unwrap();
    let macs: usize = world.hosts.values().map(|host| host.facts.macs.len()).sum();
    assert_eq!(count("SELECT count(*) FROM host_macs"), macs);
    let running = |host: &bootwright_core::Host| usize::from(host.state.phase.run().is_some());
    let runs: usize = world.hosts.values().map(|host| host.runs.len() + running(host)).sum();
    assert_eq!(count("SELECT count(*) FROM runs"), runs);
    assert_eq!(count("SELECT count(*) FROM rules"), world.site.rules.len());
    let time: String = connection
        .query_row("SELECT time FROM timeline WHERE seq = 7", [], |row| row.get(0))
        .unwrap();
    assert_eq!(time, "2025-10-09 08:53:20.000");
}
