//! `bootwright events`: pages, filters, and a follower that outlives the daemon.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use expect_test::expect;
use serde_json::Value;

use crate::cli::{SITE, ask, bootwright};
use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::netns::Netns;

fn tell(daemon: &Daemon<'_>, words: &str) {
    let said = ask(&daemon.socket(), words);
    assert_eq!(said.code, 0, "{said:?}");
}

/// The lines with their times cut out.
fn untimed(text: &str) -> String {
    let line = |line: &str| format!("{}  TIME{}\n", line[..6].trim_start(), &line[27..]);
    text.lines().map(line).collect()
}

#[test]
fn events_are_told_in_order_from_anywhere_and_about_one_host() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    for words in [
        "host arm oak-1",
        "host hold oak-1",
        "host lock oak-2",
        "pause night",
        "resume",
        "host forget oak-1",
    ] {
        tell(&daemon, words);
    }
    let events = |words: &str| {
        let said = ask(&daemon.socket(), words);
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    expect![[r#"
             1  TIME  reload  -             configuration in force: 2 profiles, 2 hosts, 1 rule
             2  TIME  new     oak-1         52:54:00:00:00:01
             3  TIME  armed   oak-1         armed with debian by root for 1 d
             4  TIME  hold    oak-1         held
             5  TIME  new     oak-2         52:54:00:00:00:02
             6  TIME  lock    oak-2         locked
             7  TIME  pause   -             installs are paused: night; `bootwright resume` lets them go on
             8  TIME  pause   -             installs go on
             9  TIME  forget  oak-1         oak-1 is forgotten
    "#]]
    .assert_eq(&untimed(&events("events")));
    let about = events("events --host oak-1");
    assert_eq!(
        about.lines().count(),
        4,
        "a host that was forgotten still has its events:\n{about}"
    );
    let last = events("events --limit 2");
    assert_eq!(
        untimed(&last),
        untimed(&events("events"))
            .lines()
            .rev()
            .take(2)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .fold(String::new(), |text, line| text + line + "\n")
    );
    assert_eq!(
        events("events --since 3 --limit 1"),
        events("events --since 3").lines().next().expect("a line").to_owned() + "\n"
    );
    assert_eq!(events("events --since 99"), "");
    let documents = events("events --json --host oak-2");
    let lines: Vec<Value> = documents
        .lines()
        .map(|line| serde_json::from_str(line).expect("a document"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[1]["verb"], &lines[1]["by"], &lines[1]["state"]),
        (&"lock".into(), &"operator root".into(), &"new".into())
    );
}

/// A follower, and its lines as they come.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn start(daemon: &Daemon<'_>, words: &str) -> Self {
        let mut child = bootwright()
            .arg("--socket")
            .arg(daemon.socket())
            .args(["events", "--json", "--follow"])
            .args(words.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test may be over.
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// The numbers of the events up to the first that holds this text.
    fn until(&self, wanted: &str) -> Vec<u64> {
        let mut seqs = Vec::new();
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("`{wanted}` never came after {seqs:?}"));
            let event: Value = serde_json::from_str(&line).expect("a document a line");
            seqs.push(event["seq"].as_u64().expect("a number"));
            if event["note"].as_str().is_some_and(|note| note.contains(wanted)) {
                return seqs;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_follower_sees_every_event_once_although_the_daemon_is_killed() {
    let inside = Netns::new("daemon");
    let mut daemon = Daemon::start(&inside, SITE);
    let follower = Follower::start(&daemon, "--since 0");
    tell(&daemon, "pause the first");
    let mut seqs = follower.until("the first");
    daemon.kill();
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    tell(&daemon, "pause the second");
    seqs.extend(follower.until("the second"));
    let expected: Vec<u64> = (1..=u64::try_from(seqs.len()).expect("few")).collect();
    assert_eq!(seqs, expected, "no event is lost, none comes twice");
}

#[test]
fn a_follower_hears_of_its_host_alone() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    tell(&daemon, "host hold oak-1");
    let follower = Follower::start(&daemon, "--since 0 --host oak-1");
    assert_eq!(follower.until("held").len(), 2);
    tell(&daemon, "host lock oak-2");
    tell(&daemon, "host lock oak-1");
    assert_eq!(follower.until("locked"), [6]);
}

#[test]
fn a_follower_ends_when_nobody_reads_it_any_more() {
    let inside = Netns::new("daemon");
    let mut daemon = Daemon::start(&inside, SITE);
    let mut child = bootwright()
        .arg("--socket")
        .arg(daemon.socket())
        .args(["events", "--follow", "--since", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert!(line.contains("configuration in force"), "{line}");
    daemon.kill();
    drop(output);
    wait_until("the follower ends", || child.try_wait().expect("its state").is_some());
}

#[test]
fn a_page_that_is_empty_waits_for_news() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    // It is told once it is recorded.
    daemon.wait_for_log("configuration in force");
    let last = daemon.api("GET", "/api/v1/events?last=1", "");
    let next = serde_json::from_str::<Value>(last.text()).expect("a page")["next"]
        .as_u64()
        .expect("a number");
    let target = format!("/api/v1/events?after={next}&wait_ms=20000");
    let page: Value = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| daemon.api("GET", &target, ""));
        tell(&daemon, "pause now");
        let answer = waiting.join().expect("an answer");
        serde_json::from_str(answer.text()).expect("a page")
    });
    assert_eq!(page["events"][0]["verb"], "pause");
    assert_eq!(page["next"], next + 1);
}
