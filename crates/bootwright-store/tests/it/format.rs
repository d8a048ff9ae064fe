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
    connection.pragma_update(None, "user_version", 77).unwrap();
    connection
        .execute_batch("ALTER TABLE events ADD COLUMN mood TEXT")
        .unwrap();
    drop(connection);
    let before = fs::read(scratch.store()).unwrap();
    let refused = refusal(&scratch);
    assert!(matches!(refused, StoreError::Newer { found: 77, .. }), "{refused}");
    let words = refused.to_string();
    assert!(
        words.contains("format 77") && words.contains("up to format "),
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
    assert_eq!(loaded.leases, []);
    let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}

/// The same store as format 2 wrote it, with three leases; never edited.
const V2: &str = include_str!("../../test_data/v2/store.sql");

#[test]
fn a_store_of_format_2_is_read() {
    let scratch = Scratch::new();
    let connection = Connection::open(scratch.store()).unwrap();
    connection.execute_batch(V2).unwrap();
    let mut people = connection
        .prepare("SELECT ip, holder, state, host_name, host, since, until FROM addresses ORDER BY since")
        .unwrap();
    let rows = people.query_map([], |row| {
        let columns = (0..7).map(|column| row.get::<_, Option<String>>(column));
        let words = columns.map(|column| Ok(column?.unwrap_or_else(|| "-".to_owned())));
        Ok(words.collect::<rusqlite::Result<Vec<String>>>()?.join(" "))
    });
    let rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
    expect_test::expect![[r#"
        10.77.0.50 52:54:00:ab:cd:01 bound oak oak-1 2025-10-09 08:53:30.000 2025-10-09 09:03:30.000
        10.77.0.51 52:54:00:ab:cd:02 released - elm-2 2025-10-09 08:53:40.000 2025-10-09 08:53:45.000
        10.77.0.200 52:54:00:ab:cd:03 declined it's - 2025-10-09 08:53:50.000 2025-10-09 09:53:50.000
    "#]]
    .assert_eq(&(rows.join("\n") + "\n"));
    drop(people);
    drop(connection);
    let loaded = open(&scratch.store()).load().unwrap();
    let lines: Vec<String> = loaded
        .leases
        .iter()
        .map(|lease| {
            let (since, until) = (lease.since.as_millis(), lease.until.as_millis());
            let id = lease.client_id.as_deref().map(|id| format!("{id:02x?}"));
            format!(
                "{} {} {} {since} {until} {} {:?}",
                lease.address,
                lease.holder,
                lease.state,
                id.unwrap_or_default(),
                lease.host_name
            )
        })
        .collect();
    expect_test::expect![[r#"
        10.77.0.50 52:54:00:ab:cd:01 bound 1760000010000 1760000610000 [01, 52, 54, 00, ab, cd, 01] Some("oak")
        10.77.0.51 52:54:00:ab:cd:02 released 1760000020000 1760000025000  None
        10.77.0.200 52:54:00:ab:cd:03 declined 1760000030000 1760003630000 [ff, 00, 01] Some("it's")
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
    assert_eq!((loaded.seq.get(), loaded.world.hosts.len()), (14, 2));
    let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
    assert_eq!((report.problems, report.leases), (Vec::<String>::new(), 3));
}

/// The same store as format 4 wrote it, with a run of `elm-2` under way; never edited.
const V4: &str = include_str!("../../test_data/v4/store.sql");

#[test]
fn a_store_of_format_4_is_read() {
    let scratch = Scratch::new();
    let connection = Connection::open(scratch.store()).unwrap();
    connection.execute_batch(V4).unwrap();
    drop(connection);
    let loaded = open(&scratch.store()).load().unwrap();
    let run = loaded.world.hosts["elm-2"].state.phase.run().unwrap();
    let [profile] = loaded.revisions.as_slice() else {
        panic!("{:?}", loaded.revisions);
    };
    assert_eq!((&profile.name, profile.revision), (&run.profile, run.revision));
    let document = &profile.files["facts.sh"];
    assert_eq!(
        (
            profile.kernel.as_str(),
            profile.args.as_slice(),
            document.template.as_str()
        ),
        (
            "/images/discover/linux",
            ["report={{ run.url }}".to_owned()].as_slice(),
            "it's {{ host.name }}\n"
        )
    );
    let report = SqliteReader::open(&scratch.store()).unwrap().verify().unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
}

#[test]
fn a_run_whose_profile_was_lost_is_noticed() {
    let scratch = Scratch::new();
    let connection = Connection::open(scratch.store()).unwrap();
    connection.execute_batch(V4).unwrap();
    connection.execute_batch("DELETE FROM revisions").unwrap();
    drop(connection);
    let refused = refusal(&scratch);
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    assert!(
        refused.to_string().contains("0 revisions of profiles do not add up"),
        "{refused}"
    );
}
