//! Fault row 1: killed at any instant.

use std::time::Instant;

use bootwright_core::{World, apply};
use bootwright_store::sample::Sample;
use bootwright_store::{Reader, SqliteReader, Store};

use crate::child::Role;
use crate::scratch::{Scratch, all_events, entry_at, leases_at, open, revisions_at};

/// How many entries a child may have handed over that it was not told of: a group of the writer.
const IN_FLIGHT_MAX: u64 = 40;

#[test]
fn fault_01_killed_120_times_at_any_instant_no_acknowledged_entry_is_lost_and_none_invented() {
    let scratch = Scratch::new();
    let mut random = Sample::new(2024);
    let mut world = World::default();
    let mut folded = 0;
    let mut slowest = 0;
    for round in 0..120 {
        let role = if round % 2 == 0 { Role::Append } else { Role::Submit };
        let mut worker = role.start(&scratch.store());
        let mut acknowledged = folded;
        for _ in 0..random.below(25) {
            let seq = worker.next("ack").expect("the child works until it is killed");
            acknowledged = acknowledged.max(seq);
        }
        acknowledged = worker.kill().into_iter().chain([acknowledged]).max().unwrap();

        let start = Instant::now();
        let loaded = open(&scratch.store()).load().unwrap();
        slowest = slowest.max(start.elapsed().as_millis());
        let seq = loaded.seq.get();
        assert!(
            seq >= acknowledged,
            "round {round}: {acknowledged} was acknowledged, {seq} is there"
        );
        assert!(
            seq <= acknowledged + IN_FLIGHT_MAX,
            "round {round}: {seq} is there, {acknowledged} acknowledged"
        );
        for place in folded + 1..=seq {
            apply(&mut world, &entry_at(place));
        }
        folded = seq;
        assert_eq!(loaded.world, world, "round {round}");
        assert_eq!(loaded.leases, leases_at(seq), "round {round}");
        assert_eq!(loaded.revisions, revisions_at(seq), "round {round}");
    }
    for event in all_events(&scratch.store()) {
        assert_eq!(event.entry, entry_at(event.seq.get()));
    }
    let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(folded > 1000, "{folded}");
    println!("{folded} entries over 120 kills, the slowest start took {slowest} ms");
}
