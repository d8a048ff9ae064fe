//! Proxmox's automatic installer, played by Python: it tells what machine it is on, reads its answers, and calls the webhook.

use std::process::{Command, Stdio};

use crate::cli;
use crate::daemon::{Daemon, get};
use crate::install::{OURS, arm, question};
use crate::netns::Netns;
use crate::python::{Told, ask_as};
use crate::segment::with_a_stranger as segment;

const CARD: &str = "52-54-00-00-00-01";

const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]

[hosts.oak]
mac = "52:54:00:00:00:01"
serial = "S4EVNX0M"

[hosts.elm]
mac = "52:54:00:00:00:02"

[profiles.pve]
kernel = "/images/pve/linux26"

[profiles.pve.files]
"answer.toml" = '''
[global]
fqdn = {{ (host.name ~ ".example.net") | json }}
[post-installation-webhook]
url = "{{ run.url }}/done"
'''
"#;

/// What the installer of Proxmox VE 8.4 tells, of a machine with this card and this serial number.
fn machine(mac: &str, serial: &str) -> String {
    serde_json::json!({
        "$schema": {"version": "1.0"},
        "product": {"fullname": "Proxmox VE", "product": "pve", "enable_btrfs": true},
        "iso": {"release": "8.4", "isorelease": "1"},
        "dmi": {
            "baseboard": {"name": "Standard PC", "serial": "", "vendor": "QEMU"},
            "chassis": {"serial": ""},
            "system": {"name": "Standard PC", "serial": serial, "uuid": "4c4c4544-0044-4a10-8053-b4c04f4d3232"},
        },
        "network_interfaces": [{"link": "eno1", "mac": mac}, {"link": "eno2", "mac": "52:54:00:00:00:07"}],
    })
    .to_string()
}

fn answers(from: &Netns, body: &str) -> Told {
    ask_as(
        from,
        "POST",
        "http://10.77.0.1:8080/proxmox/answer",
        "application/json; charset=utf-8",
        body,
    )
}

/// What Python's own reader of TOML makes of the answers.
fn toml(text: &str) -> serde_json::Value {
    let reader = "import json, sys, tomllib; json.dump(tomllib.load(sys.stdin.buffer), sys.stdout)";
    let mut program = Command::new("/usr/bin/python3")
        .args(["-c", reader])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    std::io::Write::write_all(&mut program.stdin.take().expect("its input"), text.as_bytes()).expect("it reads");
    let output = program.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_installer_gets_the_answers_of_its_machines_run_and_its_webhook_ends_it() {
    let (inside, machine_of, stranger) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let told = machine("52:54:00:00:00:01", "S4EVNX0M");
    assert_eq!(answers(&machine_of, &told).status(), 404, "nobody has armed it");
    arm(&daemon, "oak", "pve");
    assert_eq!(answers(&machine_of, &told).status(), 404, "its run has not begun");
    let script = get(&machine_of, OURS, &question(CARD));
    assert!(script.text().contains("/images/pve/linux26"), "{}", script.text());

    for (from, body, why) in [
        (&stranger, told.as_str(), "from another card"),
        (
            &machine_of,
            &machine("52:54:00:00:00:02", "S4EVNX0M"),
            "of two hosts at once",
        ),
        (&machine_of, &machine("52:54:00:00:00:02", ""), "of another host"),
    ] {
        let refused = answers(from, body);
        assert_eq!(
            (refused.status(), refused.text()),
            (404, "no run of this machine has answers; is it armed?\n"),
            "{why}"
        );
    }
    for body in ["", "{}", "[]", "x"] {
        assert_eq!(answers(&machine_of, body).status(), 400, "{body}");
    }
    assert_eq!(get(&machine_of, OURS, "/proxmox/answer").status, 405);
    let given = answers(&machine_of, &told);
    assert_eq!((given.status(), given.media_type()), (200, "application/toml"));
    let read = toml(given.text());
    assert_eq!(read["global"]["fqdn"], "oak.example.net");
    let webhook = read["post-installation-webhook"]["url"].as_str().expect("its address");
    let body = r#"{"debian-version": "12.10", "fqdn": "oak.example.net", "disks": [{"size": 8589934592, "is-bootdisk": true}],
        "network-interfaces": [{"mac": "52:54:00:00:00:01", "address": "10.77.0.2/24"}]}"#;
    assert_eq!(
        ask_as(&machine_of, "POST", webhook, "application/json", body).status(),
        200
    );
    assert_eq!(
        cli::json(&daemon.socket(), "host show oak --json")["state"],
        "installed"
    );
    assert_eq!(answers(&machine_of, &told).status(), 404, "its run is over");
    let events = cli::ask(&daemon.socket(), "events").out;
    assert!(events.contains("run 1, fetched answer.toml"), "{events}");
}
