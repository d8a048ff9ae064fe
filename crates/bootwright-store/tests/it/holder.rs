//! Fault row 10 and the rights on the files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use bootwright_store::{SqliteStore, Store, StoreError};

use crate::child::Role;
use crate::scratch::{SMALL, Scratch, append_up_to, open};

#[test]
fn fault_10_a_second_holder_is_told_who_holds_the_store() {
    let scratch = Scratch::new();
    let mut worker = Role::Hold.start(&scratch.store());
    assert_eq!(worker.next("held"), Some(1));
    let refused = SqliteStore::open(&scratch.store(), SMALL).err().unwrap();
    assert!(
        matches!(&refused, StoreError::Held { pid: Some(pid), .. } if *pid == worker.id()),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .contains(&format!("held by process {}", worker.id())),
        "{refused}"
    );
    // The system unlocks what a killed process held.
    worker.kill();
    open(&scratch.store()).load().unwrap();
}

#[test]
fn only_the_owner_can_read_the_store_and_its_directory() {
    let scratch = Scratch::new();
    let path = scratch.path().join("data/deeper/bootwright.db");
    let mut store = open(&path);
    store.load().unwrap();
    append_up_to(&mut store, 1, 5);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let files: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn rights_that_others_have_on_the_store_are_taken_from_them() {
    let scratch = Scratch::new();
    open(&scratch.store()).load().unwrap();
    fs::set_permissions(scratch.store(), Permissions::from_mode(0o644)).unwrap();
    open(&scratch.store()).load().unwrap();
    assert_eq!(
        fs::metadata(scratch.store()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
