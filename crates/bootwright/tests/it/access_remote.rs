//! The control plane from outside: a port that is taken, and the command line on another box.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::cli::{SITE, ask, bootwright, finish};
use crate::daemon::{Daemon, wait_until};
use crate::netns::Netns;

#[test]
fn a_port_that_is_taken_stops_no_machine_and_is_tried_again() {
    let inside = Netns::new("daemon");
    let taken = inside.run(|| TcpListener::bind("0.0.0.0:8443").expect("the port is free"));
    let daemon = Daemon::start(&inside, SITE);
    daemon.wait_for_log("the dashboard cannot be reached: port 8443/tcp");
    let script = daemon.get([127, 0, 0, 1].into(), "/ipxe?mac=52-54-00-00-00-01&platform=pcbios");
    assert_eq!(script.status, 200);
    let control = || {
        let answer = daemon.api("GET", "/api/v1/status", "");
        let status: Value = serde_json::from_str(answer.text()).expect("a document");
        status["control"].clone()
    };
    assert_eq!(control()["open"], false);
    assert!(
        control()["why"].to_string().contains("machines boot all the same"),
        "{}",
        control()
    );
    drop(taken);
    wait_until("the door is open", || control()["open"] == true);
    assert_eq!(control().get("why"), None);
}

#[test]
fn the_command_line_speaks_to_another_box_whose_certificate_it_knows() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let made = ask(&daemon.socket(), "token create laptop --role operator --expires 90d");
    assert_eq!(made.code, 0, "{made:?}");
    let secret = made.out.trim().to_owned();
    let file = daemon.directory().join("token");
    fs::write(&file, &made.out).expect("a file for the token");
    let status = daemon.api("GET", "/api/v1/status", "");
    let status: Value = serde_json::from_str(status.text()).expect("a document");
    let fingerprint = status["control"]["fingerprint"].as_str().expect("one").to_owned();
    let words = ask(&daemon.socket(), "status").out;
    assert!(words.contains(&fingerprint), "{words}");
    let remote = |arguments: &[&str], variables: &[(&str, &str)]| {
        // The environment is that of a shell with none of our settings.
        let program = bootwright();
        let mut command = inside.command(&program.get_program().to_string_lossy());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BOOTWRIGHT_")) {
            command.env_remove(name);
        }
        command.args(["--url", "https://127.0.0.1:8443"]).args(arguments);
        finish(command.envs(variables.iter().copied()))
    };
    let file = file.display().to_string();
    let known = ["--fingerprint", &fingerprint, "--token-file", &file];
    let who = remote(&[&known[..], &["whoami"]].concat(), &[]);
    assert_eq!((who.code, who.out.as_str()), (0, "token laptop, operator\n"), "{who:?}");
    let variables = [
        ("BOOTWRIGHT_FINGERPRINT", fingerprint.as_str()),
        ("BOOTWRIGHT_TOKEN", &secret),
    ];
    let armed = remote(&["--json", "host", "arm", "oak-1", "debian"], &variables);
    let report: Value = serde_json::from_str(&armed.out).expect("a document");
    assert_eq!((armed.code, &report["state"]), (0, &json!("armed")), "{armed:?}");
    let events = ask(&daemon.socket(), "--json events");
    assert!(events.out.contains("operator token laptop"), "{}", events.out);
    let refused = remote(&[&known[..], &["reload"]].concat(), &[]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("token laptop is a operator") || refused.err.contains("this takes an admin"),
        "{refused:?}"
    );
    let other = fingerprint.replace(char::is_numeric, "0");
    for (arguments, code) in [
        (
            vec!["--fingerprint", &other, "--token-file", &file, "--json", "status"],
            "untrusted",
        ),
        (vec!["--token-file", &file, "--json", "status"], "untrusted"),
        (vec!["--fingerprint", &fingerprint, "--json", "status"], "bad_usage"),
        (
            vec!["--fingerprint", "4F", "--token-file", &file, "--json", "status"],
            "bad_usage",
        ),
    ] {
        let said = remote(&arguments, &[]);
        let problem: Value = serde_json::from_str(&said.out).expect("a document");
        assert_eq!(problem["code"], code, "{arguments:?}: {said:?}");
        assert!(!format!("{said:?}").contains(&secret), "{said:?}");
    }
    assert!(!daemon.log().contains(&secret), "no secret stands in the log");
}
