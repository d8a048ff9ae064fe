//! A disk that is full under the running daemon (`fault_04`). The store's own tests break it in more ways.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::install::{CONFIG, OURS, command, question, run_url, segment};
use crate::netns::Netns;
use crate::segment::{captured, discover, with_card};

const ARM: &str = r#"{"command":"arm","profiles":["lab"]}"#;

/// A daemon whose data directory is a small disk of its own, and where a test reaches that disk.
fn on_a_small_disk(inside: &Netns) -> (Daemon<'_>, PathBuf) {
    let mut daemon = Daemon::prepare(inside, CONFIG);
    let data = daemon.data_dir().display().to_string();
    // `ip netns exec` has given it mounts of its own, so that this one is gone when the process is.
    let script = format!("mount -t tmpfs -o size=16m none '{data}' && exec \"$@\"");
    daemon.run_under(&["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()]);
    daemon.wait_for_log("ready ");
    let disk = PathBuf::from(format!("/proc/{}/root{data}", daemon.pid()));
    (daemon, disk)
}

#[test]
fn fault_04_on_a_full_disk_boots_and_runs_go_on_nothing_new_begins_and_it_recovers() {
    let (inside, machine) = segment();
    let (daemon, disk) = on_a_small_disk(&inside);
    for card in ["52-54-00-00-04-01", "52-54-00-00-04-02"] {
        get(&machine, OURS, &question(card));
    }
    assert_eq!(command(&daemon, "52:54:00:00:04:01", ARM).status, 200);
    let run = run_url(get(&machine, OURS, &question("52-54-00-00-04-01")).text()).expect("an install script");

    let filler = disk.join("filler");
    let mut file = fs::File::create(&filler).expect("a file");
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    let ask = |body: &str| command(&daemon, "52:54:00:00:04:02", body);
    wait_until("the second machine cannot be armed any more", || {
        ask(ARM).status >= 400 || ask(r#"{"command":"hold"}"#).status >= 400
    });
    let status = daemon.api("GET", "/api/v1/status", "");
    assert!(status.text().contains("almost full"), "{}", status.text());
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 4, 2]);
    discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    let held = get(&machine, OURS, &question("52-54-00-00-04-02"));
    assert!(held.status == 200 && run_url(held.text()).is_none(), "{}", held.text());
    // What is under way may end: there is a reserve for that.
    let done = get(&machine, OURS, &format!("{run}/done"));
    assert_eq!((done.status, done.text()), (200, "ok\n"), "{}", daemon.log());

    fs::remove_file(&filler).expect("there is room again");
    wait_until("an arming is possible again", || ask(ARM).status == 200);
    let script = get(&machine, OURS, &question("52-54-00-00-04-02"));
    assert!(run_url(script.text()).is_some(), "{}", script.text());
}
