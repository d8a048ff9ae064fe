//! schemathesis reads the API's description and asks the running daemon all that it allows and much that it does not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::cli::SITE;
use crate::daemon::Daemon;
use crate::netns::Netns;

/// All checks are on. Three things of it are said more closely:
///
/// - What is well formed may still be refused, since it names what is not there (a profile: 422), was meant for another version
///   (412), or repeats another request's key (422). Such refusals are described, and their documents are checked.
/// - What is not well formed may be refused for what it says as well: an `If-Match` that is empty names no version (412).
/// - A question that waits for the next event waits a millisecond. That it waits at all is tested elsewhere.
const SETTINGS: &str = r#"
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422"]
negative_data_rejection.expected-statuses = ["400", "404", "405", "412", "415", "422"]

[[operations]]
include-path = "/events"
parameters = { "query.wait_ms" = 1 }
"#;

/// Where `cargo xtask schemathesis` has put it.
fn schemathesis() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_bootwright"));
    let target = program.ancestors().nth(2).expect("cargo's target directory");
    let root = target.join("schemathesis");
    assert!(
        root.join("requirements.txt").is_file(),
        "schemathesis is not there: run `cargo xtask schemathesis`"
    );
    root
}

/// A port on the loopback device of a namespace that leads to the control socket, whose clients schemathesis is none of.
fn forward(inside: &Netns, socket: PathBuf) -> String {
    inside.run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(daemon) = UnixStream::connect(&socket) else {
                    return;
                };
                let (back, answers) = (client.try_clone(), daemon.try_clone());
                std::thread::spawn(move || pump(client, daemon));
                if let (Ok(back), Ok(answers)) = (back, answers) {
                    std::thread::spawn(move || pump(answers, back));
                }
            }
        });
        address
    })
}

/// One direction of a connection, which ends with it.
trait Shut {
    fn shut(&self);
}

impl Shut for TcpStream {
    fn shut(&self) {
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

impl Shut for UnixStream {
    fn shut(&self) {
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

fn pump(mut from: impl Read, mut to: impl Write + Shut) {
    // Either end may go at any time.
    let _ = std::io::copy(&mut from, &mut to);
    to.shut();
}

#[test]
fn the_daemon_answers_as_its_description_says_whatever_it_is_asked() {
    let root = schemathesis();
    let inside = Netns::new("daemon");
    inside.ip("link set lo up");
    let daemon = Daemon::start(&inside, SITE);
    let armed = daemon.api(
        "POST",
        "/api/v1/hosts/oak-1/command",
        r#"{"command":"arm","profiles":["debian"]}"#,
    );
    assert_eq!(armed.status, 200, "{}", armed.text());
    let settings = daemon.directory().join("schemathesis.toml");
    std::fs::write(&settings, SETTINGS).expect("the settings can be written");
    let base = format!("http://{}/api/v1", forward(&inside, daemon.socket()));
    let seed = std::env::var("BOOTWRIGHT_SCHEMATHESIS_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = inside
        .command("/usr/bin/python3")
        .current_dir(daemon.directory())
        .env("PYTHONPATH", &root)
        .env_remove("http_proxy")
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(&settings)
        .args(["run", &format!("{base}/openapi.json"), "--url", &base])
        .args([
            "--checks",
            "all",
            "--max-examples",
            "40",
            "--seed",
            &seed,
            "--continue-on-failure",
        ])
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{trouble}");
    // What it did, so that a run that looked at nothing is no success. Of all routes it leaves out the one that it read the
    // description from.
    let paths = daemon.api("GET", "/api/v1/openapi.json", "");
    let described: serde_json::Value = serde_json::from_str(paths.text()).expect("a document");
    let methods = described["paths"].as_object().expect("paths").values();
    let operations: usize = methods
        .map(|methods| methods.as_object().map_or(0, serde_json::Map::len))
        .sum();
    let tested = format!("Tested: {}", operations - 1);
    assert!(said.lines().any(|line| line.trim() == tested), "{tested}: {said}");
    let status = daemon.api("GET", "/api/v1/status", "");
    assert!(!status.text().contains("panicked"), "{}", status.text());
    eprintln!("{}", said.lines().rev().take(3).collect::<Vec<_>>().join("\n"));
}
