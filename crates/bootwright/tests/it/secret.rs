//! Secrets on their way to a machine: in its document, and nowhere else.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use crate::daemon::{Daemon, get, send, wait_until};
use crate::install::{OURS, arm, command, question, run_url};
use crate::netns::Netns;
use crate::segment::with_a_stranger as segment;

const CARD: &str = "52-54-00-00-00-01";
const HOST: &str = "52:54:00:00:00:01";
/// What must be seen nowhere but in the documents.
const CANARIES: [&str; 2] = ["canary-of-a-\"file\"-7261", "canary-of-a-variable-7262"];
/// What both begin with, however they are quoted.
const CANARY: &str = "canary-of-a-";

const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]

[secrets]
root_hash = { file = "secrets/root_hash" }
join = { env = "BOOTWRIGHT_TEST_JOIN" }

[profiles.lab]
kernel = "/images/lab/vmlinuz"
args = ["bootwright.url={{ run.url }}"]

[profiles.lab.files]
"user-data.json" = '{"hash": {{ secret("root_hash") | json }}, "join": {{ secret("join") | json }}}'
"quoted.json" = '{"hash": "{{ secret("root_hash") }}"}'
"post-install.sh" = "echo run {{ run.number }}"
"#;

fn site(inside: &Netns) -> Daemon<'_> {
    let mut daemon = Daemon::prepare(inside, CONFIG);
    let secrets = daemon.directory().join("secrets");
    std::fs::create_dir(&secrets).expect("a directory");
    std::fs::write(secrets.join("root_hash"), format!("{}\n", CANARIES[0])).expect("a secret");
    daemon.log_level = "trace";
    daemon.run_under(&["env".to_owned(), format!("BOOTWRIGHT_TEST_JOIN={}", CANARIES[1])]);
    daemon.wait_for_log("ready ");
    daemon
}

fn armed(daemon: &Daemon<'_>, machine: &Netns) -> String {
    get(machine, OURS, &question(CARD));
    arm(daemon, HOST, "lab");
    run_url(get(machine, OURS, &question(CARD)).text()).expect("an install script")
}

#[test]
fn after_a_kill_in_the_middle_of_a_run_its_documents_still_go_to_the_address_of_its_script_alone() {
    let (inside, machine, stranger) = segment();
    let config = CONFIG.replace("[secrets]", "[safety]\ndocument_binding = \"address\"\n\n[secrets]");
    let mut daemon = Daemon::prepare(&inside, &config);
    let secrets = daemon.directory().join("secrets");
    std::fs::create_dir(&secrets).expect("a directory");
    std::fs::write(secrets.join("root_hash"), "hunter2\n").expect("a secret");
    let run = |daemon: &mut Daemon<'_>| {
        daemon.run_under(&["env".to_owned(), "BOOTWRIGHT_TEST_JOIN=x".to_owned()]);
        daemon.wait_for_log("ready ");
    };
    run(&mut daemon);
    let url = armed(&daemon, &machine);
    daemon.kill();
    daemon.clear_log();
    run(&mut daemon);
    for name in ["user-data.json", "post-install.sh"] {
        let path = format!("{url}/{name}");
        assert_eq!(get(&stranger, OURS, &path).status, 404, "{name} to another address");
        assert_eq!(get(&machine, OURS, &path).status, 200, "{name} to the machine");
        assert_eq!(
            get(&stranger, OURS, &path).status,
            404,
            "{name} to another address, behind the machine"
        );
    }
    let events = events(&daemon);
    assert!(
        events.contains("was refused to 10.77.0.66: it was handed to another address"),
        "{events}"
    );
}

fn events(daemon: &Daemon<'_>) -> String {
    daemon.api("GET", "/api/v1/events", "").text().to_owned()
}

#[test]
fn threat_32_a_secret_is_in_its_document_and_in_nothing_else_that_leaves_the_daemon() {
    let (inside, machine, _stranger) = segment();
    let mut daemon = site(&inside);
    let run = armed(&daemon, &machine);
    let mut seen = Vec::new();
    // What a quotation mark in a secret breaks is refused without showing it.
    let broken = get(&machine, OURS, &format!("{run}/quoted.json"));
    assert_eq!(broken.status, 500, "{}", broken.text());
    seen.push(broken.text().to_owned());
    let document = get(&machine, OURS, &format!("{run}/user-data.json"));
    let read: serde_json::Value = serde_json::from_str(document.text()).expect("it is JSON");
    assert_eq!(
        (read["hash"].as_str(), read["join"].as_str()),
        (Some(CANARIES[0]), Some(CANARIES[1]))
    );
    assert!(!document.head.to_lowercase().contains("etag"), "{}", document.head);
    seen.push(document.head.clone());

    seen.push(get(&machine, OURS, &question(CARD)).text().to_owned());
    seen.push(get(&machine, OURS, &format!("{run}/done")).text().to_owned());
    seen.push(get(&machine, OURS, &format!("{run}/user-data.json")).text().to_owned());
    for path in ["/api/v1/events", "/api/v1/hosts", "/api/v1/status"] {
        seen.push(daemon.api("GET", path, "").text().to_owned());
    }
    seen.push(
        daemon
            .api("GET", &format!("/api/v1/hosts/{HOST}/explain"), "")
            .text()
            .to_owned(),
    );
    for words in [
        &["check"][..],
        &["explain", HOST],
        &["events"],
        &["status"],
        &["--json", "check"],
    ] {
        let output = inside
            .command(env!("CARGO_BIN_EXE_bootwright"))
            .arg("--config")
            .arg(daemon.config())
            .arg("--socket")
            .arg(daemon.socket())
            .args(words)
            .env("BOOTWRIGHT_TEST_JOIN", CANARIES[1])
            .output()
            .expect("it runs");
        seen.push(String::from_utf8_lossy(&output.stdout).into_owned());
        seen.push(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    daemon.stop();
    seen.push(daemon.log());
    for text in &seen {
        assert!(!text.contains(CANARY), "{text}");
    }
    // The record and everything else below the data directory.
    let found = Command::new("grep")
        .args(["-r", "-l", CANARY])
        .arg(daemon.data_dir())
        .output();
    assert_eq!(String::from_utf8_lossy(&found.expect("grep runs").stdout), "");
}

#[test]
fn threat_22_a_secret_that_cannot_be_read_stops_the_install_and_becomes_no_password() {
    let (inside, machine, _stranger) = segment();
    let daemon = site(&inside);
    let run = armed(&daemon, &machine);
    let place = daemon.directory().join("secrets/root_hash");
    for broken in ["", "\n", "\0"] {
        std::fs::write(&place, broken).expect("the file can be written");
        let document = get(&machine, OURS, &format!("{run}/user-data.json"));
        assert_eq!(document.status, 500, "{}", document.text());
    }
    std::fs::remove_file(&place).expect("the file can go");
    let other = "52:54:00:00:00:02";
    get(&machine, OURS, &question("52-54-00-00-00-02"));
    let refused = command(&daemon, other, r#"{"command":"arm","profiles":["lab"]}"#);
    assert_ne!(refused.status, 200, "{}", refused.text());
    assert!(refused.text().contains("root_hash"), "{}", refused.text());
}

#[test]
fn threat_02_documents_are_for_the_card_that_was_armed_and_a_stranger_trips_a_wire() {
    let (inside, machine, stranger) = segment();
    let daemon = site(&inside);
    let run = armed(&daemon, &machine);
    // With the token, and with the machine's own words.
    let target = format!("{run}/user-data.json");
    let nothing = get(&stranger, OURS, "/nothing/of/the/kind");
    let denied = get(&stranger, OURS, &target);
    assert_eq!((denied.status, &denied.body), (404, &nothing.body));
    wait_until("the operator is told", || {
        events(&daemon)
            .contains("user-data.json was refused to 10.77.0.66: 52:54:00:00:00:99 is not a card of this machine")
    });
    assert_eq!(get(&machine, OURS, &target).status, 200);
    // Another address of the same card is its installer, but for a secret that was handed out.
    assert_eq!(get(&machine, OURS, &format!("{run}/post-install.sh")).status, 200);
    machine.ip("addr del 10.77.0.50/24 dev eth0");
    machine.ip("addr add 10.77.0.51/24 broadcast + dev eth0");
    assert_eq!(get(&machine, OURS, &format!("{run}/post-install.sh")).status, 200);
    assert_eq!(get(&machine, OURS, &target).status, 404);
    // Reports are heard from wherever the installer is.
    assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
    assert_eq!(get(&machine, OURS, &format!("{run}/post-install.sh")).status, 404);
}

#[test]
fn threat_08_nobody_ends_a_run_without_its_token() {
    let (inside, machine, stranger) = segment();
    let daemon = site(&inside);
    armed(&daemon, &machine);
    for forged in [
        format!("/r/{}/done", "0".repeat(32)),
        format!("/r/{HOST}/done"),
        "/done?host=52:54:00:00:00:01".to_owned(),
        format!("/finish?id={HOST}"),
        format!("/r/{}/fail?run=1", "f".repeat(32)),
    ] {
        assert_eq!(get(&stranger, OURS, &forged).status, 404, "{forged}");
    }
    let state = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    assert!(state.text().contains(r#""state":"installing""#), "{}", state.text());
}

/// Whatever a machine writes where an address could stand, the daemon asks nobody.
#[test]
fn threat_24_no_word_of_a_machine_makes_the_daemon_open_a_connection() {
    let (inside, machine, stranger) = segment();
    let daemon = site(&inside);
    let (there, port) = (Ipv4Addr::new(10, 77, 0, 66), 8099);
    let listener = stranger.run(|| TcpListener::bind(SocketAddrV4::new(there, port)).expect("the port is free"));
    listener.set_nonblocking(true).expect("it does not wait");
    let run = armed(&daemon, &machine);
    let url = format!("http://{there}:{port}/x");
    for target in [
        format!("/ipxe?mac={CARD}&serial={url}&url={url}&filename={url}&next-server={there}"),
        format!("/boot.ipxe?url={url}"),
        format!("/images/{url}"),
        format!("/assets/..%2f..%2f{url}"),
        format!("/{url}"),
        format!("{run}/user-data.json?url={url}"),
        format!("{run}/progress?msg={url}&stage={url}"),
        format!("{run}/log?url={url}"),
        url.clone(),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {there}:{port}\r\nX-Forwarded-For: {there}\r\nReferer: {url}\r\n\
             Location: {url}\r\nConnection: close\r\n\r\n"
        );
        send(&machine, OURS, &request);
    }
    let body = format!(r#"{{"url":"{url}","stage":"{url}","image":"{url}"}}"#);
    let length = body.len();
    let post = format!(
        "POST {run}/progress HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    assert_eq!(send(&machine, OURS, &post).status, 200);
    // Everything was answered by now, so whatever it led to has begun.
    daemon.api("GET", &format!("/api/v1/hosts/{HOST}/explain"), "");
    let mut sockets = String::new();
    inside.run(|| {
        let table = std::fs::File::open("/proc/thread-self/net/tcp");
        table
            .and_then(|mut table| table.read_to_string(&mut sockets))
            .expect("the table of connections");
    });
    // 10.77.0.66:8099 as the kernel writes it.
    assert!(!sockets.contains("42004D0A:1FA3"), "{sockets}");
    assert!(listener.accept().is_err(), "somebody came");
}

#[test]
fn threat_27_nobody_else_on_the_box_can_read_what_the_daemon_keeps() {
    fn look(path: &Path, found: &mut Vec<(String, u32)>) {
        let about = std::fs::symlink_metadata(path).expect("it is there");
        found.push((path.display().to_string(), about.mode() & 0o777));
        if about.is_dir() {
            for entry in std::fs::read_dir(path).expect("it is a directory") {
                look(&entry.expect("an entry").path(), found);
            }
        }
    }
    let (inside, machine, _stranger) = segment();
    let daemon = site(&inside);
    let run = armed(&daemon, &machine);
    let log =
        "POST ".to_owned() + &run + "/log HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nlog";
    assert_eq!(send(&machine, OURS, &log).status, 200);
    wait_until("the log is kept", || daemon.data_dir().join("logs").is_dir());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(daemon.data_dir()).expect("the data directory") {
        let path = entry.expect("an entry").path();
        // What is served to everybody on the segment, and what the test itself put there.
        let is_public = ["images", "assets", "firmware"].iter().any(|name| path.ends_with(name));
        if !is_public {
            look(&path, &mut found);
        }
    }
    assert!(
        found.iter().any(|(path, _)| path.ends_with("bootwright.db")),
        "{found:?}"
    );
    for (path, mode) in &found {
        assert_eq!(mode & 0o007, 0, "{path} has mode {mode:o}");
    }
    let socket = std::fs::metadata(daemon.socket()).expect("the socket").mode() & 0o777;
    assert_eq!(socket & 0o007, 0, "the socket has mode {socket:o}");
}
