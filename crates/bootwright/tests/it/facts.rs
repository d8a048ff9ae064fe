//! What machines report of themselves, told by real requests to the real daemon.

use crate::cli;
use crate::daemon::{Daemon, get};
use crate::install::{OURS, arm, question, run_url};
use crate::netns::Netns;
use crate::python::ask;
use crate::segment::with_a_stranger as segment;

const CARD: &str = "52-54-00-00-00-01";

const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]

[hosts.oak]
mac = "52:54:00:00:00:01"
metadata = { rack = "r7" }

[[rules]]
name = "small"
when = { fact.memory_mib = "<1024", "fact.disks.*.name" = "vd?" }
metadata = { role = "tiny", rack = "r9" }

[[rules]]
name = "large"
when = { fact.memory_mib = ">=65536" }
profile = "look"

[profiles.look]
kernel = "/images/live/vmlinuz"
args = ["bootwright.url={{ run.url }}"]

[profiles.look.files]
"run.sh" = 'bootwright_report done'

[profiles.lab]
kernel = "/images/lab/vmlinuz"
args = ["bootwright.url={{ run.url }}"]

[profiles.lab.files]
"run.sh" = '''
disk={{ host.facts.disks[0].name | default("none") }} mib={{ host.facts.memory_mib | default(0) }}
role={{ metadata.role | default("-") }} rack={{ metadata.rack }} claimed={{ host.facts.rack | default("-") }} odd={{ raw.host.facts.odd | default("-") | shell }}
'''
"#;

/// Tells facts, and gives the status and the words of the answer.
fn tell(from: &Netns, run: &str, body: &str) -> (u64, String) {
    let told = ask(from, "POST", &format!("http://{OURS}:8080{run}/facts"), body);
    (told.status(), told.text().to_owned())
}

/// The script of a run that begins now.
fn begun(daemon: &Daemon<'_>, machine: &Netns, profile: &str) -> String {
    arm(daemon, "oak", profile);
    run_url(get(machine, OURS, &question(CARD)).text()).expect("an install script")
}

fn reported(daemon: &Daemon<'_>) -> serde_json::Value {
    cli::json(&daemon.socket(), "host show oak --json")["reported"].clone()
}

#[test]
fn what_a_machine_reports_is_shown_kept_apart_and_known_to_templates() {
    let (inside, machine, stranger) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let run = begun(&daemon, &machine, "look");
    let body = r#"{"memory_mib": 476, "rack": "r1", "odd": "$(reboot) `x` '\n",
        "disks": [{"name": "vda", "serial": "S3Z9", "empty": true}], "cards": [{"mac": "52:54:00:00:00:02"}],
        "no name": 1, "nothing": null}"#;
    assert_eq!(tell(&stranger, &run, body).0, 404, "from another card");
    assert!(reported(&daemon).is_null());
    assert_eq!(tell(&machine, &run, body), (200, "ok, kept 7, left out 1\n".to_owned()));
    let facts = reported(&daemon);
    assert_eq!(facts["disks.0.serial"], "S3Z9", "{facts}");
    let shown = cli::ask(&daemon.socket(), "host show oak").out;
    assert!(
        shown.contains("reported by the machine\n") && shown.contains("disks.0.name    vda"),
        "{shown}"
    );
    assert!(
        shown.contains("52:54:00:00:00:02"),
        "its second card is its own: {shown}"
    );
    assert_eq!(
        cli::json(&daemon.socket(), "host show oak --json")["metadata"],
        serde_json::json!({"rack": "r7", "role": "tiny"}),
        "what the operator said of it is as it was, and a rule of his adds to that"
    );
    let explained = cli::ask(&daemon.socket(), "explain oak").out;
    for line in [
        "fact.memory_mib is `476`, and `>=65536` is asked for",
        "disks.0.serial  S3Z9",
        "role  tiny",
    ] {
        assert!(explained.contains(line), "{line} in {explained}");
    }
    let events = cli::ask(&daemon.socket(), "events").out;
    assert!(
        events.contains("reported of itself: 476 MiB of memory, 1 disk, 1 card, 7 items in all, 1 left out"),
        "{events}"
    );
    assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
    assert_eq!(tell(&machine, &run, body).0, 404, "the run is over");

    let run = begun(&daemon, &machine, "lab");
    let script = get(&machine, OURS, &format!("{run}/run.sh"));
    assert_eq!(
        script.text(),
        "disk=vda mib=476\nrole=tiny rack=r7 claimed=r1 odd='$(reboot) `x` '\\'''\n"
    );
    // What is told anew takes the place of all that was told before.
    assert_eq!(
        tell(&machine, &run, r#"{"memory_mib": 512}"#),
        (200, "ok, kept 1\n".to_owned())
    );
    assert_eq!(reported(&daemon), serde_json::json!({"memory_mib": "512"}));
}

#[test]
fn reports_that_are_none_change_nothing_and_no_run_tells_without_end() {
    let (inside, machine, _stranger) = segment();
    let mut daemon = Daemon::start(&inside, CONFIG);
    let run = begun(&daemon, &machine, "look");
    for (body, status) in [("", 400), ("[1]", 400), ("{\"a\": 1", 400), (&"x".repeat(70_000), 413)] {
        assert_eq!(tell(&machine, &run, body).0, status, "{}", &body[..body.len().min(20)]);
    }
    let other = run.replace(&run[run.len() - 4..], "0000");
    assert_eq!(tell(&machine, &other, "{}").0, 404);
    assert_eq!(get(&machine, OURS, &format!("{run}/facts")).status, 405);
    for n in 0..16 {
        assert_eq!(tell(&machine, &run, &format!("{{\"n\": {n}}}")).0, 200);
        assert_eq!(
            tell(&machine, &run, &format!("{{\"n\": {n}}}")).0,
            200,
            "said again it is nothing new"
        );
    }
    assert_eq!(tell(&machine, &run, "{\"n\": 16}").0, 429);
    assert_eq!(reported(&daemon), serde_json::json!({"n": "15"}));
    daemon.kill();
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    assert_eq!(reported(&daemon), serde_json::json!({"n": "15"}), "it lasts");
}
