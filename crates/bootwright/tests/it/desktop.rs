//! On Docker Desktop, which is told by its kernel's release: the daemon says what is wrong, and what to do.

use std::process::{Command, Output};

use crate::daemon::Daemon;
use crate::netns::{End, Netns, cable};

/// What makes a program see another kernel's release: a mount of its own over the file that tells it. Then it becomes
/// what follows.
const MASKED: &str = "mount --bind \"$0\" /proc/sys/kernel/osrelease && exec \"$@\"";

const WORDS: &str = "this is Docker Desktop's virtual machine, where no machine's broadcast can arrive";
const HINT: &str = "run on a Linux box or in a Linux virtual machine with a bridged network card";

/// A daemon that finds the kernel of Docker Desktop, in a network with a card that it serves.
fn start<'a>(inside: &'a Netns, config: &str) -> Daemon<'a> {
    let mut daemon = Daemon::prepare(inside, config);
    let release = daemon.directory().join("osrelease");
    std::fs::write(&release, "6.12.5-linuxkit\n").expect("a file");
    let release = release.display().to_string();
    let words = ["unshare", "--mount", "sh", "-c", MASKED, &release];
    daemon.run_under(&words.map(str::to_owned));
    daemon.wait_for_log("ready ");
    daemon
}

/// What the health check of a container runs.
fn status(daemon: &Daemon<'_>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bootwright"))
        .arg("--socket")
        .arg(daemon.socket())
        .arg("status")
        .output()
        .expect("it runs")
}

fn segment() -> (Netns, Netns) {
    let (inside, far) = (Netns::new("desktop"), Netns::new("far"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&far, "eth0"));
    (inside, far)
}

#[test]
fn on_docker_desktop_it_stays_up_and_says_to_log_and_health_check_what_is_wrong() {
    let (inside, _far) = segment();
    let mut daemon = start(&inside, "[server]\ninterfaces = [\"lab0\"]\n");
    daemon.wait_for_log(WORDS);
    daemon.wait_for_log(HINT);
    daemon.wait_for_log("served at [10.77.0.1]");
    let said = status(&daemon);
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(1), "{text}");
    assert!(text.contains(WORDS) && text.contains(HINT), "{text}");
    assert!(daemon.is_running());
}

#[test]
fn on_docker_desktop_it_is_ready_where_relays_bring_the_packets() {
    let (inside, _far) = segment();
    let daemon = start(
        &inside,
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nrelays = [\"10.78.0.1\"]\n",
    );
    daemon.wait_for_log("served at [10.77.0.1]");
    let said = status(&daemon);
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(0), "{text}");
    assert!(text.contains(WORDS), "{text}");
}
