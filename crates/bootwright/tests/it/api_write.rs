//! The control API where it is written to: versions of hosts, requests that come again, and followers that come back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::cli::SITE;
use crate::daemon::{Answer, Daemon};
use crate::netns::Netns;

const ARM: &str = r#"{"command":"arm","profiles":["debian"]}"#;
const OAK: &str = "/api/v1/hosts/oak-1/command";

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| {
        let (own, value) = line.split_once(": ")?;
        own.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn code(answer: &Answer) -> String {
    let problem: Value = serde_json::from_str(answer.text()).expect("a document");
    problem["code"].as_str().unwrap_or_default().to_owned()
}

fn events(daemon: &Daemon) -> Vec<Value> {
    let page = daemon.api("GET", "/api/v1/events", "");
    let page: Value = serde_json::from_str(page.text()).expect("a page");
    page["events"].as_array().expect("events").clone()
}

#[test]
fn a_command_that_was_meant_for_another_version_of_a_host_is_refused() {
    let inside = Netns::new("daemon");
    let mut daemon = Daemon::start(&inside, SITE);
    let unseen = daemon.api_with("POST", OAK, &[("If-Match", "*")], ARM);
    assert_eq!(
        (unseen.status, code(&unseen).as_str()),
        (412, "stale"),
        "nobody was there"
    );
    let armed = daemon.api("POST", OAK, ARM);
    let first = header(&armed, "etag").expect("a version").to_owned();
    let shown = daemon.api("GET", "/api/v1/hosts/oak-1", "");
    assert_eq!(header(&shown, "etag"), Some(first.as_str()), "both tell the same");
    // Somebody else comes first.
    let held = daemon.api_with("POST", OAK, &[("If-Match", &first)], r#"{"command":"hold"}"#);
    assert_eq!(held.status, 200, "{}", held.text());
    let second = header(&held, "etag").expect("a version").to_owned();
    assert_ne!(first, second);
    let before = events(&daemon).len();
    let stale = daemon.api_with("POST", OAK, &[("If-Match", &first)], ARM);
    assert_eq!(
        (stale.status, code(&stale).as_str()),
        (412, "stale"),
        "{}",
        stale.text()
    );
    assert_eq!(events(&daemon).len(), before, "nothing was done");
    for odd in ["oak", "W/", "\"a"] {
        let refused = daemon.api_with("POST", OAK, &[("If-Match", odd)], ARM);
        assert_eq!((refused.status, code(&refused).as_str()), (400, "bad_request"), "{odd}");
    }
    let weak = format!("W/{second}");
    assert_eq!(daemon.api_with("POST", OAK, &[("If-Match", &weak)], ARM).status, 412);
    // Versions outlast the daemon, so that who has looked at a host before may decide after.
    daemon.kill();
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    let several = format!("\"other\", {second}");
    let armed = daemon.api_with("POST", OAK, &[("If-Match", &several)], ARM);
    assert_eq!(armed.status, 200, "{}", armed.text());
    let labelled = r#"{"command":"set_label","key":"rack","value":"z"}"#;
    let third = header(&armed, "etag").expect("a version").to_owned();
    assert_eq!(
        daemon.api_with("POST", OAK, &[("If-Match", &third)], labelled).status,
        200
    );
    assert_eq!(
        daemon.api_with("POST", OAK, &[("If-Match", &third)], labelled).status,
        412
    );
}

#[test]
fn a_request_with_the_key_of_one_before_gets_its_answer_and_does_nothing_again() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let key = [("Idempotency-Key", "5d2c-1")];
    let first = daemon.api_with("POST", OAK, &key, ARM);
    assert_eq!((first.status, header(&first, "idempotency-replayed")), (200, None));
    // The answer stands, though the host does not.
    assert_eq!(daemon.api("POST", OAK, r#"{"command":"hold"}"#).status, 200);
    let before = events(&daemon);
    let again = daemon.api_with("POST", OAK, &key, ARM);
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert_eq!(header(&again, "etag"), header(&first, "etag"));
    assert_eq!(header(&again, "idempotency-replayed"), Some("true"));
    assert_eq!(events(&daemon), before, "nothing was done again");
    for (target, body) in [
        (OAK, r#"{"command":"hold"}"#),
        ("/api/v1/hosts/oak-2/command", ARM),
        ("/api/v1/pause", "{}"),
    ] {
        let other = daemon.api_with("POST", target, &key, body);
        assert_eq!(
            (other.status, code(&other).as_str()),
            (422, "key_reused"),
            "{target} {body}"
        );
    }
    assert_eq!(events(&daemon), before);
    // A refusal is an answer as well.
    let refused = [("Idempotency-Key", "5d2c-2")];
    let done = r#"{"command":"done"}"#;
    assert_eq!(daemon.api_with("POST", OAK, &refused, done).status, 409);
    let again = daemon.api_with("POST", OAK, &refused, done);
    assert_eq!(
        (again.status, header(&again, "idempotency-replayed")),
        (409, Some("true"))
    );
    for odd in ["", "a b", &"x".repeat(256)] {
        let answer = daemon.api_with("POST", OAK, &[("Idempotency-Key", odd)], ARM);
        assert_eq!((answer.status, code(&answer).as_str()), (400, "bad_request"), "{odd}");
    }
    // Many at once are one.
    let key = [("Idempotency-Key", "5d2c-3")];
    let texts: Vec<String> = std::thread::scope(|scope| {
        let ask = || daemon.api_with("POST", OAK, &key, ARM).text().to_owned();
        let asked: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    assert!(texts[0].contains("\"changed\":true"), "{}", texts[0]);
    assert_eq!(events(&daemon).len(), before.len() + 1);
}

/// Follows the events as a browser does, until so many have come: the fields of each.
fn follow(daemon: &Daemon, target: &str, last: Option<&str>, count: usize) -> Vec<Vec<(String, String)>> {
    let mut stream = UnixStream::connect(daemon.socket()).expect("the control socket answers");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time limit");
    let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: bootwright\r\nAccept: text/event-stream\r\n{last}\r\n"
    )
    .expect("sent");
    let mut found: Vec<Vec<(String, String)>> = Vec::new();
    let mut fields = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line.expect("the stream goes on");
        match line.split_once(':') {
            Some((name @ ("id" | "event" | "data"), value)) => fields.push((name.to_owned(), value.trim().to_owned())),
            None if line.is_empty() && !fields.is_empty() => {
                found.push(std::mem::take(&mut fields));
                if found.len() == count {
                    return found;
                }
            }
            _ => {}
        }
    }
    found
}

fn ids(events: &[Vec<(String, String)>]) -> Vec<u64> {
    let ids = events.iter().flatten().filter(|(name, _)| name == "id");
    ids.map(|(_, id)| id.parse().expect("a number")).collect()
}

#[test]
fn a_follower_that_comes_back_goes_on_where_it_was_and_is_told_what_it_missed_for_good() {
    let inside = Netns::new("daemon");
    let mut daemon = Daemon::start(&inside, SITE);
    for value in 0..8 {
        let body = format!(r#"{{"command":"set_label","key":"n","value":"{value}"}}"#);
        assert_eq!(daemon.api("POST", OAK, &body).status, 200);
    }
    let all: Vec<u64> = events(&daemon)
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    let (first, last) = (all[0], all[all.len() - 1]);
    let whole = follow(&daemon, "/api/v1/events?after=0", None, all.len());
    assert_eq!(ids(&whole), all);
    // `Last-Event-ID` counts, whatever the address says.
    let seen = all[3].to_string();
    let rest = follow(&daemon, "/api/v1/events?after=0", Some(&seen), all.len() - 4);
    assert_eq!(ids(&rest), all[4..]);
    for odd in ["", "x", "-1", "1.5", "99999999999999999999"] {
        let answer = daemon.api_with("GET", "/api/v1/events", &[("Last-Event-ID", odd)], "");
        assert_eq!((answer.status, code(&answer).as_str()), (400, "bad_request"), "{odd}");
    }
    // Somebody who knows a longer record, such as before a backup was restored.
    let ahead = (last + 100).to_string();
    let told = follow(&daemon, "/api/v1/events", Some(&ahead), 1);
    assert_eq!(told[0][0], ("event".to_owned(), "gap".to_owned()), "{told:?}");
    let gap: Value = serde_json::from_str(&told[0][1].1).expect("a document");
    assert_eq!(
        gap,
        serde_json::json!({"after": last + 100, "first": first, "last": last})
    );
    // A record that has let go of its oldest events.
    assert!(daemon.stop().success());
    let database = daemon.data_dir().join("bootwright.db");
    let forget = format!("UPDATE base SET seq = {0}; DELETE FROM events WHERE seq <= {0}", all[4]);
    let cut = Command::new("sqlite3")
        .arg(&database)
        .arg(forget)
        .output()
        .expect("sqlite3 runs");
    eprintln!("{}", String::from_utf8_lossy(&cut.stderr));
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    let page = daemon.api("GET", &format!("/api/v1/events?after={first}"), "");
    let page: Value = serde_json::from_str(page.text()).expect("a page");
    assert_eq!(page["gap"]["first"], all[5], "{page}");
    let told = follow(&daemon, "/api/v1/events", Some(&first.to_string()), 2);
    assert_eq!(told[0][0].1, "gap", "{told:?}");
    assert_eq!(ids(&told), [all[5]], "and then what there is");
    let near = follow(&daemon, "/api/v1/events", Some(&all[4].to_string()), 1);
    assert_eq!(ids(&near), [all[5]], "nothing is missing here: {near:?}");
}
