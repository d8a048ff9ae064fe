//! A profile that cannot be rendered for a host is not granted to it, and never costs an attempt.

use std::net::Ipv4Addr;

use crate::cli::{Said, ask, json};
use crate::daemon::{Daemon, get, wait_until};
use crate::netns::Netns;
use crate::segment::segment;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

const CONFIG: &str = r#"[server]
interfaces = ["lab0"]
[profiles.rack]
kernel = "/images/linux"
args = ["rack={{ metadata.rack }}", "{{ run.url }}"]
[profiles.seed]
kernel = "/images/linux"
args = ["url={{ run.url }}/seed"]
[profiles.seed.files]
seed = { file = "seed.txt" }
[profiles.plain]
kernel = "/images/linux"
done = "manual"
[hosts.oak-1]
mac = "52:54:00:00:00:01"
"#;
const SEED: &str = "first line\nrack {{ metadata.rack }}\n";
const RULE: &str = "[[rules]]\nname = \"any\"\nprofile = \"rack\"\nauto_arm = true\nlimit = 4\n";
const ASKS: &str = "/ipxe?mac=52-54-00-00-00-01&platform=pcbios";

/// A daemon whose configuration stands beside a document.
fn start<'a>(inside: &'a Netns, config: &str) -> Daemon<'a> {
    let mut daemon = Daemon::prepare(inside, config);
    std::fs::write(daemon.config().with_file_name("seed.txt"), SEED).expect("a document");
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

fn refused(daemon: &Daemon<'_>, command: &str, place: &str) {
    let Said { code, err, .. } = ask(&daemon.socket(), command);
    assert_eq!(code, 1, "{command}: {err}");
    assert!(err.contains(place), "{command}: {err}");
    assert!(err.contains("default("), "the hint: {err}");
}

fn runs(daemon: &Daemon<'_>) -> usize {
    let shown = json(&daemon.socket(), "host show oak-1");
    shown["runs"].as_array().map_or(0, Vec::len)
}

#[test]
fn arming_is_refused_with_the_place_of_the_mistake_before_anything_is_granted() {
    let (inside, machine) = segment();
    let daemon = start(&inside, CONFIG);
    let args = "config.toml:5:18: `profiles.rack.args`: `metadata.rack` is not known for this host";
    // Before it was ever seen, by its name and by an address of nobody whom the configuration names; and after.
    refused(&daemon, "host arm oak-1 rack", args);
    refused(&daemon, "host arm 52:54:00:00:00:02 rack", args);
    get(&machine, OURS, ASKS);
    refused(&daemon, "host arm oak-1 rack", args);
    refused(
        &daemon,
        "host arm oak-1 plain seed",
        "seed.txt:2:9: `profiles.seed.files.seed`: `metadata.rack` is not known for this host",
    );
    assert_eq!(ask(&daemon.socket(), "host arm oak-1 plain").code, 0);
    refused(&daemon, "host queue oak-1 rack", args);

    let events = ask(&daemon.socket(), "events").out;
    assert_eq!(events.matches("armed with").count(), 1, "{events}");
    assert_eq!(ask(&daemon.socket(), "host set oak-1 metadata.rack=7").code, 0);
    assert_eq!(ask(&daemon.socket(), "host queue oak-1 rack seed").code, 0);
}

#[test]
fn a_rule_whose_profile_cannot_be_rendered_for_a_host_holds_it_until_it_can() {
    let (inside, machine) = segment();
    let daemon = start(&inside, &format!("{CONFIG}{RULE}"));
    let why = "profile `rack` cannot be rendered for it: ";
    let explained = json(&daemon.socket(), "explain oak-1");
    let served = get(&machine, OURS, ASKS);
    assert!(
        served.text().contains("`metadata.rack` is not known"),
        "{}",
        served.text()
    );
    wait_until("the event is recorded", || {
        ask(&daemon.socket(), "events").out.contains(why)
    });
    let said = |explained: &serde_json::Value| {
        let answers = explained["answers"].as_array().expect("answers").clone();
        let script = answers.into_iter().find(|answer| answer["channel"] == "ipxe");
        script.expect("an answer to iPXE")
    };
    assert_eq!(said(&explained)["verdict"], "hold", "{explained}");
    let explained = json(&daemon.socket(), "explain oak-1");
    assert!(
        explained["words"].as_str().is_some_and(|words| words.contains(why)),
        "{explained}"
    );
    assert_eq!(said(&explained)["text"], served.text());
    for _ in 0..4 {
        get(&machine, OURS, ASKS);
    }
    assert_eq!(runs(&daemon), 0, "nothing was granted and nothing used up");
    let rules = json(&daemon.socket(), "explain oak-1").to_string();
    assert!(rules.contains("has granted 0 of 4 installs"), "{rules}");

    // The machine's poll ends as soon as what was missing is there.
    let poll = std::thread::scope(|scope| {
        let poll = scope.spawn(|| get(&machine, OURS, &ASKS.replace("/ipxe", "/hold")));
        ask(&daemon.socket(), "host set oak-1 metadata.rack=7");
        poll.join().expect("an answer")
    });
    assert!(poll.text().contains("/ipxe?"), "it asks again: {}", poll.text());
    let script = get(&machine, OURS, ASKS);
    assert!(script.text().contains("rack=7"), "{}", script.text());
}

#[test]
fn apply_leaves_out_the_hosts_for_which_the_profile_cannot_be_rendered_and_says_so() {
    let (inside, machine) = segment();
    let daemon = start(&inside, CONFIG);
    get(&machine, OURS, ASKS);
    get(&machine, OURS, &ASKS.replace("00-01", "00-02"));
    ask(&daemon.socket(), "host set oak-1 metadata.rack=7");
    daemon.write_config(&format!("{CONFIG}{RULE}"));
    daemon.wait_for_log("2 hosts to be armed by `bootwright apply`");
    let applied = ask(&daemon.socket(), "apply");
    assert!(applied.out.contains("oak-1"), "{applied:?}");
    let both = format!("{}{}", applied.out, applied.err);
    assert!(
        both.contains("not armed, profile rack cannot be rendered for it: "),
        "{both}"
    );
    assert!(both.contains("config.toml:5:18"), "{both}");
    let armed = ask(&daemon.socket(), "host list --state armed").out;
    assert_eq!(armed.lines().count(), 2, "a heading and oak-1: {armed}");
}

#[test]
fn a_slip_that_comes_after_the_arming_costs_no_attempt() {
    let (inside, machine) = segment();
    let daemon = start(&inside, CONFIG);
    ask(&daemon.socket(), "host set oak-1 metadata.rack=7");
    assert_eq!(ask(&daemon.socket(), "host arm oak-1 rack").code, 0);
    daemon.clear_log();
    // The configuration cannot tell that this fits no host.
    daemon.write_config(&CONFIG.replace("rack={{ metadata.rack }}", "rack={{ metadata.row }}"));
    daemon.wait_for_log("configuration in force");
    daemon.clear_log();
    for _ in 0..3 {
        let script = get(&machine, OURS, ASKS);
        assert!(
            script.text().contains("`metadata.row` is not known"),
            "{}",
            script.text()
        );
    }
    assert_eq!(runs(&daemon), 0);
    daemon.write_config(CONFIG);
    daemon.wait_for_log("configuration in force");
    let script = get(&machine, OURS, ASKS);
    assert!(script.text().contains("rack=7"), "{}", script.text());
    assert!(script.text().contains("attempt 1 of 2"), "{}", script.text());
}
