//! Fault row 2: the power goes, and of what was not yet synced any part may be on the disk.

use std::fs;

use bootwright_store::sample::Sample;
use bootwright_store::{SqliteStore, Store};

use crate::scratch::{SMALL, Scratch, append_up_to, commit, copy_store, leases_at, open, revisions_at, world_at};

/// What a disk writes at once.
const SECTOR: usize = 512;

/// New bytes over old ones, sector by sector as the dice fall.
fn mixed(old: &[u8], new: &[u8], random: &mut Sample) -> Vec<u8> {
    let mut mixed = new.to_vec();
    for (number, sector) in mixed.chunks_mut(SECTOR).enumerate() {
        if random.below(2) == 0 {
            let place = number * SECTOR;
            for (offset, byte) in sector.iter_mut().enumerate() {
                *byte = old.get(place + offset).copied().unwrap_or(0);
            }
        }
    }
    mixed
}

#[test]
fn fault_02_a_commit_that_was_cut_off_is_there_as_a_whole_or_not_at_all() {
    let scratch = Scratch::new();
    let (before, after) = (scratch.path().join("before.db"), scratch.path().join("after.db"));
    let crashed = scratch.path().join("crashed.db");
    let log = |path: &std::path::Path| format!("{}-wal", path.display());
    let mut store = open(&scratch.store());
    store.load().unwrap();
    append_up_to(&mut store, 1, 30);
    let mut random = Sample::new(2);
    let (mut kept, mut lost) = (0, 0);
    for round in 0..12 {
        let last = 30 + round * 4;
        copy_store(&scratch.store(), &before);
        commit(&mut store, last + 1..=last + 4).unwrap();
        copy_store(&scratch.store(), &after);
        let (old, new) = (fs::read(log(&before)).unwrap(), fs::read(log(&after)).unwrap());
        for state in 0..12 {
            let torn = match state {
                0 => old.clone(),
                1 => new.clone(),
                _ => mixed(&old, &new, &mut random),
            };
            copy_store(&before, &crashed);
            fs::write(log(&crashed), torn).unwrap();
            let loaded = SqliteStore::open(&crashed, SMALL).unwrap().load().unwrap();
            let seq = loaded.seq.get();
            assert!(
                seq == last || seq == last + 4,
                "{last} was acknowledged, {seq} is there"
            );
            assert_eq!((loaded.world, loaded.leases), (world_at(seq), leases_at(seq)));
            assert_eq!(loaded.revisions, revisions_at(seq));
            if seq == last { lost += 1 } else { kept += 1 }
        }
    }
    assert!(kept >= 12 && lost >= 12, "{kept} kept, {lost} lost");
}

#[test]
fn fault_02_power_lost_while_the_log_is_folded_into_the_file_loses_nothing() {
    let scratch = Scratch::new();
    let (before, after) = (scratch.path().join("before.db"), scratch.path().join("after.db"));
    let crashed = scratch.path().join("crashed.db");
    let mut store = open(&scratch.store());
    store.load().unwrap();
    let mut random = Sample::new(3);
    let mut last = 0;
    for _ in 0..4 {
        append_up_to(&mut store, last + 1, last + 60);
        last += 60;
        copy_store(&scratch.store(), &before);
        store.maintain().unwrap();
        copy_store(&scratch.store(), &after);
        let (old, new) = (fs::read(&before).unwrap(), fs::read(&after).unwrap());
        assert_ne!(old, new, "the log was folded in");
        for _ in 0..10 {
            copy_store(&before, &crashed);
            fs::write(&crashed, mixed(&old, &new, &mut random)).unwrap();
            let loaded = SqliteStore::open(&crashed, SMALL).unwrap().load().unwrap();
            assert_eq!((loaded.seq.get(), &loaded.world), (last, &world_at(last)));
            assert_eq!(loaded.leases, leases_at(last));
            assert_eq!(loaded.revisions, revisions_at(last));
        }
    }
}
