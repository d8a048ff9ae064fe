//! Backup and restore with the real daemon: made in the middle of installs, restored elsewhere, and refused where they are
//! not what they should be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::cli::{Said, ask, bootwright, finish, json};
use crate::daemon::{Daemon, get};
use crate::install::{CONFIG, OURS, arm, question, run_url, segment};
use crate::process::Random;

/// The card of a machine, as requests and as commands name it.
fn card(number: u8) -> (String, String) {
    let hyphens = format!("52-54-00-00-00-{number:02x}");
    (hyphens.clone(), hyphens.replace('-', ":"))
}

fn restore(daemon: &Daemon<'_>, file: &Path, more: &[&str]) -> Said {
    finish(
        bootwright()
            .arg("--config")
            .arg(daemon.config())
            .arg("--data-dir")
            .arg(daemon.data_dir())
            .arg("restore")
            .arg(file)
            .args(more),
    )
}

fn back_up(daemon: &Daemon<'_>, file: &Path, more: &str) {
    let said = ask(&daemon.socket(), &format!("backup {} {more}", file.display()));
    assert_eq!(said.code, 0, "{said:?}");
}

/// Every file below a directory, with what is in it.
fn tree(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(tree(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
    found
}

fn state(daemon: &Daemon<'_>, host: &str) -> String {
    let shown = json(&daemon.socket(), &format!("host show {host}"));
    shown["state"]["name"]
        .as_str()
        .or(shown["state"].as_str())
        .unwrap_or_else(|| panic!("{shown}"))
        .to_owned()
}

#[test]
fn fault_45_a_backup_made_during_installs_is_restored_elsewhere_and_installs_nothing_until_it_is_armed_again() {
    let (inside, machine) = segment();
    let mut first = Daemon::start(&inside, CONFIG);
    // One is installed, one is armed, one is installing.
    let [(one, one_mac), (two, two_mac), (three, three_mac)] = [card(1), card(2), card(3)];
    for mac in [&one_mac, &two_mac, &three_mac] {
        arm(&first, mac, "lab");
    }
    let ended = run_url(get(&machine, OURS, &question(&one)).text()).expect("an install script");
    assert_eq!(get(&machine, OURS, &format!("{ended}/done")).status, 200);
    let run = run_url(get(&machine, OURS, &question(&three)).text()).expect("an install script");
    let file = first.directory().join("backup.tar");
    // As if somebody had made a token, which may be revoked by the time of the restoration.
    let token = r#"{"version":1,"users":[],"tokens":[{"id":"t1","name":"ci","role":"admin","digest":"0000000000000000000000000000000000000000000000000000000000000000","made":1,"by":"root"}],"sessions":[]}"#;
    fs::write(first.data_dir().join("access.json"), token).expect("a file");
    // Others are installed all the while, so that the record grows under the copy.
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut installs = 0_u32;
            while !stop.load(Ordering::Relaxed) || installs == 0 {
                let (other, mac) = card(16 + u8::try_from(installs % 8).expect("few"));
                arm(&first, &mac, "lab");
                let run = run_url(get(&machine, OURS, &question(&other)).text()).expect("an install script");
                assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
                installs += 1;
            }
        });
        for _ in 0..5 {
            back_up(&first, &file, "");
        }
        stop.store(true, Ordering::Relaxed);
    });
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).expect("it is there").permissions());
    assert_eq!(mode & 0o777, 0o600, "it holds secrets");
    assert!(
        !first.data_dir().join("bootwright.backup").exists(),
        "nothing is left of the copy"
    );

    let held = restore(&first, &file, &[]);
    assert_eq!(held.code, 4, "{held:?}");
    assert!(held.err.contains("is held by process"), "{}", held.err);
    first.stop();

    let mut second = Daemon::prepare(&inside, CONFIG);
    let said = restore(&second, &file, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("look through the hosts"), "{}", said.out);
    let logins = fs::read_to_string(second.data_dir().join("access.json")).expect("it is restored");
    assert!(!logins.contains("\"t1\""), "{logins}");
    second.run();
    second.wait_for_log("ready ");
    for (mac, expected) in [(&one_mac, "installed"), (&two_mac, "new"), (&three_mac, "new")] {
        assert_eq!(state(&second, mac), expected, "{mac}");
    }
    // The run's token is dead: no documents, and its report ends nothing.
    assert_eq!(get(&machine, OURS, &format!("{run}/post-install.sh")).status, 404);
    get(&machine, OURS, &format!("{run}/done"));
    assert_eq!(state(&second, &three_mac), "new");
    let status = json(&second.socket(), "status");
    assert!(
        status["paused"].as_str().is_some_and(|why| why.contains("backup")),
        "{status}"
    );
    // Nobody looks through anything, and installs go on: still nothing is installed.
    assert_eq!(ask(&second.socket(), "resume").code, 0);
    for hyphens in [&two, &three] {
        let text = get(&machine, OURS, &question(hyphens)).text().to_owned();
        assert!(text.contains("This machine is waiting"), "{text}");
    }
    arm(&second, &two_mac, "lab");
    let script = get(&machine, OURS, &question(&two));
    assert!(run_url(script.text()).is_some(), "{}", script.text());
    let told = ask(&second.socket(), &format!("events --host {three_mac}")).out;
    assert!(told.contains("its run was restored from a backup"), "{told}");
}

#[test]
fn what_was_there_is_kept_and_a_restoration_that_was_cut_short_is_ended_by_the_start() {
    let (inside, _machine) = segment();
    let mut daemon = Daemon::start(&inside, CONFIG);
    let (_, mac) = card(1);
    let file = daemon.directory().join("backup.tar");
    back_up(&daemon, &file, "--with-config");
    arm(&daemon, &mac, "lab");
    // Killed, so that it leaves a log beside the record.
    daemon.kill();
    let before = fs::read(daemon.data_dir().join("bootwright.db-wal")).expect("a log");
    let said = restore(&daemon, &file, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let kept = daemon.data_dir().join("before-restore-1");
    assert!(said.out.contains("before-restore-1"), "{}", said.out);
    assert!(said.out.contains("`--with-config` restores it"), "{}", said.out);
    assert_eq!(fs::read(kept.join("bootwright.db-wal")).expect("it is kept"), before);
    assert!(
        !daemon.data_dir().join("bootwright.db-wal").exists(),
        "a log of another record"
    );
    assert!(kept.join("bootwright.db").exists());

    // As after a power failure: it is decided, the old record is still in its place.
    let decided = daemon.data_dir().join("restore.decided/data");
    fs::create_dir_all(&decided).expect("a directory");
    fs::rename(daemon.data_dir().join("bootwright.db"), decided.join("bootwright.db")).expect("a file");
    fs::copy(kept.join("bootwright.db"), daemon.data_dir().join("bootwright.db")).expect("a file");
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("a restoration was cut short");
    daemon.wait_for_log("ready ");
    let hosts = json(&daemon.socket(), "host list");
    assert_eq!(hosts["hosts"], serde_json::json!([]), "the backup knew no host");
    assert!(!daemon.data_dir().join("restore.decided").exists());
    daemon.stop();

    // The configuration comes back where there is none, and is not written over.
    let other = daemon.directory().join("elsewhere");
    let config = other.join("config.toml");
    let restored = |data: &str| {
        finish(
            bootwright()
                .arg("--config")
                .arg(&config)
                .arg("--data-dir")
                .arg(other.join(data))
                .args(["restore", "--with-config"])
                .arg(&file),
        )
    };
    let said = restored("one");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(fs::read_to_string(&config).expect("it is there"), CONFIG);
    fs::write(&config, "# mine\n").expect("a file");
    let said = restored("two");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err.contains("is there already, with other content"),
        "{}",
        said.err
    );
    assert!(!other.join("two").exists(), "nothing was made");
}

/// An archive with these files, as `backup` writes them.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        archive
            .append_data(&mut header, path, *content)
            .expect("an archive in memory");
    }
    archive.into_inner().expect("an archive in memory")
}

/// The files of an archive.
fn unpacked(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().expect("an archive");
    let files = entries.map(|entry| {
        let mut entry = entry.expect("an entry");
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("its content");
        (String::from_utf8(entry.path_bytes().to_vec()).expect("a path"), content)
    });
    files.collect()
}

/// Hashes that fit, and a record that does not: of a newer format, no copy of ours, or no record at all.
fn records(manifest: &Value, copy: &[u8], own: &[u8]) -> [(Vec<u8>, &'static str); 3] {
    let of_record = |record: &[u8]| {
        let mut manifest = manifest.clone();
        manifest["files"] = serde_json::json!([{
            "path": "data/bootwright.db", "bytes": record.len(), "sha256": sha256(record),
        }]);
        packed(&[
            ("manifest.json", manifest.to_string().as_bytes()),
            ("data/bootwright.db", record),
        ])
    };
    let mut newer = copy.to_vec();
    // `user_version` in the header of SQLite's file, and in no checksum of ours.
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    [
        (of_record(&newer), "has format 99"),
        (of_record(own), "no copy that `bootwright backup` made"),
        (of_record(b"SELECT 1"), "cannot be used"),
    ]
}

#[test]
fn fault_45_what_is_no_whole_backup_of_ours_is_refused_in_words_and_nothing_is_changed() {
    let (inside, _machine) = segment();
    let mut daemon = Daemon::start(&inside, CONFIG);
    arm(&daemon, &card(1).1, "lab");
    let file = daemon.directory().join("backup.tar");
    back_up(&daemon, &file, "");
    daemon.stop();
    let good = fs::read(&file).expect("a backup");
    let files = unpacked(&good);
    let manifest: Value = serde_json::from_slice(&files[0].1).expect("a manifest");
    let with = |manifest: &Value| {
        let text = manifest.to_string();
        let mut all: Vec<(&str, &[u8])> = vec![("manifest.json", text.as_bytes())];
        all.extend(
            files[1..]
                .iter()
                .map(|(path, content)| (path.as_str(), content.as_slice())),
        );
        packed(&all)
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        with(&manifest)
    };
    assert!(
        !files[1].1.is_empty() && files[1].0 == "data/bootwright.db",
        "{}",
        files[1].0
    );
    let mut bad: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "it is empty"),
        (b"precious".to_vec(), "it is no tar archive"),
        (
            packed(&[("etc/passwd", b"root")]),
            "it does not begin with `manifest.json`",
        ),
        (
            packed(&[("bundle.toml", b"format = 1")]),
            "which `bootwright bundle read` takes",
        ),
        (
            changed(&|it| it["format"] = 2.into()),
            "this version of bootwright reads format 1",
        ),
        (
            changed(&|it| it["files"][0]["path"] = "data/../../etc/passwd".into()),
            "its list names",
        ),
        (
            changed(&|it| it["files"][0]["path"] = "root/.profile".into()),
            "its list names",
        ),
        (
            changed(&|it| it["files"] = Value::Array(Vec::new())),
            "there is no record in it",
        ),
        (
            changed(&|it| it["files"][0]["sha256"] = "00".repeat(32).into()),
            "is not what its list says",
        ),
        (good[..good.len() / 2].to_vec(), "is damaged"),
        (good[..700].to_vec(), "is damaged"),
    ];
    let own = fs::read(daemon.data_dir().join("bootwright.db")).expect("the record itself");
    bad.extend(records(&manifest, &files[1].1, &own));
    // A bit anywhere: none is taken, unless it is in the padding of the archive, where nothing is said.
    let mut random = Random(45);
    for _ in 0..40 {
        let (mut flipped, record) = (good.clone(), 512 * 4 + files[0].1.len());
        let place = record + random.below(files[1].1.len() - 2048);
        flipped[place] ^= 1 << random.below(8);
        bad.push((flipped, "damaged"));
    }
    let data_dir = daemon.data_dir();
    let before = tree(&data_dir);
    let broken = daemon.directory().join("broken.tar");
    for (number, (bytes, expected)) in bad.iter().enumerate() {
        fs::write(&broken, bytes).expect("a file");
        let said = restore(&daemon, &broken, &[]);
        assert_eq!(said.code, 1, "{number}: {said:?}");
        assert!(said.err.contains(expected), "{number}: `{expected}` in {}", said.err);
        assert!(said.err.contains("nothing was changed"), "{number}: {}", said.err);
        let mut after = tree(&data_dir);
        // Whoever took the lock last leaves its number.
        after.insert(
            data_dir.join("bootwright.lock"),
            before[&data_dir.join("bootwright.lock")].clone(),
        );
        assert!(after == before, "{number}: {:?}", after.keys());
    }
    assert_eq!(restore(&daemon, &file, &[]).code, 0, "the good one is taken");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
