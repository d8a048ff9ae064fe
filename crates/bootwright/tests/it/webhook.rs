//! Webhooks: real receivers that are slow, broken or gone, and what they are told all the same.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::cli::SITE;
use crate::daemon::{Daemon, wait_until};
use crate::netns::Netns;

const RECEIVER: &str = include_str!("webhook_receiver.py");
const SECRET: &str = "correct-horse-battery-staple";
const OAK: &str = "/api/v1/hosts/oak-1/command";

/// A receiver, and what it was asked so far.
struct Receiver {
    child: Child,
    faults: PathBuf,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start(inside: &Netns, directory: &Path, port: u16, certificate: &[PathBuf]) -> Self {
        let faults = directory.join(format!("faults-{port}"));
        let mut child = inside
            .command("/usr/bin/python3")
            .args(["-c", RECEIVER, &port.to_string(), SECRET])
            .arg(&faults)
            .args(certificate)
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let lines = BufReader::new(child.stdout.take().expect("what it says is read")).lines();
        let heard = Arc::<Mutex<Vec<Value>>>::default();
        let told = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).expect("a document"));
            }
        });
        inside.run(|| {
            wait_until("the receiver listens", || {
                std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
        });
        Self { child, faults, heard }
    }

    fn misbehave(&self, faults: &[&str]) {
        fs::write(&self.faults, faults.join("\n")).expect("the faults can be written");
    }

    fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    /// The places of the events behind this one that it has taken, in the order in which they came, each once.
    fn taken(&self, behind: u64) -> Vec<u64> {
        let mut taken = Vec::new();
        for told in self
            .heard()
            .iter()
            .filter(|told| ["none", "slow"].contains(&told["fault"].as_str().unwrap()))
        {
            let seq = told["body"]["event"]["seq"].as_u64();
            taken.extend(seq.filter(|seq| *seq > behind && !taken.contains(seq)));
        }
        taken
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn webhooks(hooks: &[(&str, &str, &str)]) -> String {
    let mut config = SITE.to_owned();
    for (name, url, more) in hooks {
        config.push_str(&format!(
            "\n[webhooks.{name}]\nurl = \"{url}\"\nsecret = {{ file = \"secret\" }}\ntimeout = \"1s\"\n{more}\n"
        ));
    }
    config
}

fn start<'a>(inside: &'a Netns, config: &str) -> Daemon<'a> {
    let mut daemon = Daemon::prepare(inside, config);
    fs::write(daemon.directory().join("secret"), format!("{SECRET}\n")).expect("a secret");
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

fn label(daemon: &Daemon, value: usize) {
    let body = format!(r#"{{"command":"set_label","key":"n","value":"{value}"}}"#);
    let answer = daemon.api("POST", OAK, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn recorded(daemon: &Daemon, verb: Option<&str>, behind: u64) -> Vec<u64> {
    let page = daemon.api("GET", &format!("/api/v1/events?after={behind}"), "");
    let page: Value = serde_json::from_str(page.text()).expect("a page");
    let events = page["events"].as_array().expect("events");
    let wanted = events
        .iter()
        .filter(|event| verb.is_none_or(|verb| event["verb"] == verb));
    wanted.map(|event| event["seq"].as_u64().unwrap()).collect()
}

fn standing(daemon: &Daemon, name: &str) -> Value {
    let list = daemon.api("GET", "/api/v1/webhooks", "");
    let list: Value = serde_json::from_str(list.text()).expect("a list");
    let all = list["webhooks"].as_array().expect("webhooks");
    all.iter()
        .find(|one| one["name"] == name)
        .expect("it is listed")
        .clone()
}

#[test]
fn every_event_is_told_in_order_whatever_the_receiver_does_and_over_a_kill() {
    let inside = Netns::new("daemon");
    inside.ip("link set lo up");
    let config = webhooks(&[
        ("all", "http://127.0.0.1:9001/hook?token=T0P", ""),
        ("some", "http://127.0.0.1:9002/", "events = [\"armed\"]"),
        ("dead", "http://127.0.0.1:9003/", ""),
    ]);
    let mut daemon = start(&inside, &config);
    let all = Receiver::start(&inside, daemon.directory(), 9001, &[]);
    let some = Receiver::start(&inside, daemon.directory(), 9002, &[]);
    // What the start records may be told as well.
    let from = recorded(&daemon, None, 0).last().copied().unwrap_or(0);
    all.misbehave(&["500", "reset", "none", "302", "slow", "hang", "none"]);
    for value in 0..5 {
        label(&daemon, value);
    }
    assert_eq!(
        daemon
            .api("POST", OAK, r#"{"command":"arm","profiles":["debian"]}"#)
            .status,
        200
    );
    let expected = recorded(&daemon, None, from);
    wait_until("all was told", || all.taken(from) == expected);
    wait_until("what is wanted was told", || {
        some.taken(from) == recorded(&daemon, Some("armed"), from)
    });
    assert!(some.heard().iter().all(|told| told["body"]["event"]["verb"] == "armed"));
    for told in all.heard().iter().chain(&some.heard()) {
        assert_eq!(told["good"], true, "signed, and of this hour: {told}");
        assert_eq!(told["type"], "application/json");
        assert_eq!(told["id"], told["body"]["id"]);
    }
    let faults: Vec<Value> = all.heard().iter().map(|told| told["fault"].clone()).collect();
    for fault in ["500", "reset", "302", "slow", "hang"] {
        assert!(faults.contains(&fault.into()), "{fault}: {faults:?}");
    }
    // Whoever is gone holds up nobody, and its URL's secret parts are shown to nobody.
    let dead = standing(&daemon, "dead");
    assert!(
        dead["failures"].as_u64() > Some(0) && dead["behind"].as_u64() >= Some(6),
        "{dead}"
    );
    assert_eq!(standing(&daemon, "all")["to"], "http://127.0.0.1:9001");
    assert!(!daemon.log().contains("T0P"), "{}", daemon.log());
    // A kill in the middle, with the receiver broken, and events that nobody was told.
    all.misbehave(&["500"; 50]);
    for value in 10..14 {
        label(&daemon, value);
    }
    wait_until("it is tried", || {
        standing(&daemon, "all")["failures"].as_u64() > Some(0)
    });
    daemon.kill();
    all.misbehave(&[]);
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    label(&daemon, 20);
    let expected = recorded(&daemon, None, from);
    wait_until("nothing was lost", || all.taken(from) == expected);
    // Whoever was dead comes up, and a test that gets through brings the rest at once.
    let dead = Receiver::start(&inside, daemon.directory(), 9003, &[]);
    let test = inside
        .command(env!("CARGO_BIN_EXE_bootwright"))
        .arg("--socket")
        .arg(daemon.socket())
        .args(["webhook", "test", "dead"])
        .output()
        .expect("it runs");
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
    wait_until("it has caught up", || dead.taken(from) == expected);
    let tests = dead.heard().iter().filter(|told| told["body"]["test"] == true).count();
    assert_eq!(tests, 1);
    // The same event has the same id each time.
    let ids = |heard: &[Value]| -> std::collections::BTreeSet<(String, String)> {
        let pairs = heard.iter().filter(|told| told["body"]["event"].is_object());
        pairs
            .map(|told| (told["body"]["event"]["seq"].to_string(), told["id"].to_string()))
            .collect()
    };
    let (events, kinds) = (ids(&all.heard()), ids(&all.heard()).into_iter().map(|(seq, _)| seq));
    assert_eq!(events.len(), kinds.collect::<std::collections::BTreeSet<_>>().len());
}

#[test]
fn a_receiver_with_a_certificate_is_told_over_tls_and_one_with_a_strange_one_is_not() {
    let inside = Netns::new("daemon");
    inside.ip("link set lo up");
    let config = webhooks(&[
        ("known", "https://localhost:9001/", ""),
        ("strange", "https://localhost:9002/", ""),
    ]);
    let mut daemon = Daemon::prepare(&inside, &config);
    fs::write(daemon.directory().join("secret"), SECRET).expect("a secret");
    let mut made = Vec::new();
    for name in ["known", "strange"] {
        let (key, certificate) = (
            daemon.directory().join(format!("{name}.key")),
            daemon.directory().join(format!("{name}.pem")),
        );
        let openssl = std::process::Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .expect("openssl runs");
        assert!(openssl.status.success(), "{}", String::from_utf8_lossy(&openssl.stderr));
        made.push([certificate, key]);
    }
    let trust = format!("SSL_CERT_FILE={}", made[0][0].display());
    daemon.run_under(&["env".to_owned(), trust]);
    daemon.wait_for_log("ready ");
    let known = Receiver::start(&inside, daemon.directory(), 9001, &made[0]);
    let strange = Receiver::start(&inside, daemon.directory(), 9002, &made[1]);
    // What the start records may be told as well.
    let from = recorded(&daemon, None, 0).last().copied().unwrap_or(0);
    label(&daemon, 1);
    wait_until("it was told", || known.taken(from) == recorded(&daemon, None, from));
    wait_until("the other one is not trusted", || {
        standing(&daemon, "strange")["trouble"]
            .as_str()
            .is_some_and(|why| why.contains("certificate"))
    });
    assert_eq!(strange.heard(), Vec::<Value>::new());
    // A name that is none, a message that is refused for good, and a webhook that the configuration no longer has.
    assert_eq!(daemon.api("POST", "/api/v1/webhooks/knwon/test", "").status, 404);
    known.misbehave(&["410"]);
    let report = daemon.api("POST", "/api/v1/webhooks/known/test", "");
    assert!(
        report.text().contains("\"delivered\":false") && report.text().contains("410"),
        "{}",
        report.text()
    );
    daemon.write_config(&webhooks(&[("known", "https://localhost:9001/", "")]));
    assert_eq!(daemon.api("POST", "/api/v1/reload", "").status, 200);
    assert_eq!(daemon.api("POST", "/api/v1/webhooks/strange/test", "").status, 404);
    wait_until("its place is forgotten", || {
        !daemon.data_dir().join("webhooks/strange").exists()
    });
    label(&daemon, 2);
    wait_until("the other goes on", || {
        known.taken(from) == recorded(&daemon, None, from)
    });
}
