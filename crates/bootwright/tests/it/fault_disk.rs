//! A disk that is full under the running daemon (`fault_04`), and one that takes nothing at all (`fault_03`). The store's
//! own tests break it in more ways.

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
    // `ip netns exec` has given it mounts of its own, so that this one is gone when the process is. The images go along.
    let script = format!(
        "cp -a '{data}/images' '{data}.images' && mount -t tmpfs -o size=16m none '{data}' && \
         cp -a '{data}.images' '{data}/images' && exec \"$@\""
    );
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

/// Sets how large a file the daemon may write, in bytes: with none, every write to its disk fails at once.
fn let_files_grow_to(inside: &Netns, daemon: &Daemon<'_>, bytes: &str) {
    let (pid, limit) = (format!("--pid={}", daemon.pid()), format!("--fsize={bytes}:"));
    let set = inside.command("prlimit").args([pid, limit]).status();
    assert!(set.expect("prlimit runs").success());
}

#[test]
fn fault_03_what_could_not_be_recorded_is_answered_with_503_and_holds_only_once_it_could() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    // Where it is not ignored, the kernel's signal about a file too large ends a process.
    daemon.run_under(&["env".to_owned(), "--ignore-signal=XFSZ".to_owned()]);
    daemon.wait_for_log("ready ");
    for card in ["52-54-00-00-03-01", "52-54-00-00-03-02"] {
        get(&machine, OURS, &question(card));
    }
    let arm = |daemon: &Daemon<'_>, host: &str| command(daemon, host, ARM).status;
    assert_eq!(arm(&daemon, "52:54:00:00:03:01"), 200);
    let run = run_url(get(&machine, OURS, &question("52-54-00-00-03-01")).text()).expect("an install script");

    let_files_grow_to(&inside, &daemon, "0");
    let done = get(&machine, OURS, &format!("{run}/done"));
    assert_eq!(done.status, 503, "{}", done.text());
    assert!(done.head.contains("Retry-After: "), "{}", done.head);
    let refused = command(&daemon, "52:54:00:00:03:02", ARM);
    assert_eq!(refused.status, 503, "{}", refused.text());
    let script = get(&machine, OURS, &question("52-54-00-00-03-02"));
    assert!(run_url(script.text()).is_none(), "{}", script.text());
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 3, 2]);
    discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    // What was not acknowledged is not there after a start either.
    daemon.kill();
    daemon.run();
    wait_until("it is ready again", || daemon.log().matches("ready ").count() == 2);
    let hosts = daemon.api("GET", "/api/v1/hosts/52:54:00:00:03:01", "");
    assert!(hosts.text().contains("\"installing\""), "{}", hosts.text());

    let done = get(&machine, OURS, &format!("{run}/done"));
    assert_eq!((done.status, done.text()), (200, "ok\n"), "{}", daemon.log());
    assert_eq!(arm(&daemon, "52:54:00:00:03:02"), 200);
}

#[test]
fn fault_03_a_store_that_takes_writes_again_is_opened_again_without_a_restart() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    daemon.run_under(&["env".to_owned(), "--ignore-signal=XFSZ".to_owned()]);
    daemon.wait_for_log("ready ");
    get(&machine, OURS, &question("52-54-00-00-03-03"));
    let_files_grow_to(&inside, &daemon, "0");
    assert_eq!(command(&daemon, "52:54:00:00:03:03", ARM).status, 503);
    let_files_grow_to(&inside, &daemon, "unlimited");
    wait_until("an arming is possible again", || {
        command(&daemon, "52:54:00:00:03:03", ARM).status == 200
    });
    let script = get(&machine, OURS, &question("52-54-00-00-03-03"));
    assert!(run_url(script.text()).is_some(), "{}", script.text());
}
