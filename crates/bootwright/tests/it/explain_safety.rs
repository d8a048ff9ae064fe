//! Each rule that keeps disks safe, brought to bear on a real daemon: what `explain` says of it, and what a machine is told
//! meanwhile.

use serde_json::Value;

use crate::cli::{ask, json};
use crate::daemon::{Daemon, get, wait_until};
use crate::install::{OURS, question, run_url, segment};
use crate::netns::Netns;

/// A profile with a document, and the same with little time for its runs.
const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]

[profiles.lab]
kernel = "/images/lab/vmlinuz"
args = ["bootwright.url={{ run.url }}"]
[profiles.lab.files]
"post-install.sh" = "echo run {{ run.number }}"

[profiles.short]
kernel = "/images/lab/vmlinuz"
args = ["bootwright.url={{ run.url }}"]
deadline = "1s"
"#;

const ONE: &str = "52:54:00:00:00:01";
const TWO: &str = "52:54:00:00:00:02";

fn with(safety: &str) -> String {
    format!("{CONFIG}\n[safety]\n{safety}\n")
}

/// What `explain` says of a rule; panics if it says nothing.
fn said(daemon: &Daemon<'_>, host: &str, rule: &str) -> String {
    let explanation = json(&daemon.socket(), &format!("explain {host}"));
    let lines = explanation["safety"].as_array().expect("lines about safety");
    let words: Vec<&str> = lines
        .iter()
        .filter(|line| line["code"] == rule)
        .filter_map(|line| line["words"].as_str())
        .collect();
    assert!(!words.is_empty(), "nothing is said of `{rule}`: {explanation}");
    words.join("\n")
}

/// What `explain` says that the machine would be told.
fn verdict(daemon: &Daemon<'_>, host: &str) -> String {
    let explanation = json(&daemon.socket(), &format!("explain {host}"));
    let answers = explanation["answers"].as_array().expect("answers");
    let answer = answers.iter().find(|answer| answer["channel"] == "ipxe");
    let verdict = answer.map(|answer| &answer["verdict"]).and_then(Value::as_str);
    verdict.expect("a verdict").to_owned()
}

fn state(daemon: &Daemon<'_>, host: &str) -> String {
    let host = json(&daemon.socket(), &format!("host show {host}"));
    host["state"].as_str().expect("a state").to_owned()
}

fn tell(daemon: &Daemon<'_>, words: &str) {
    let said = ask(&daemon.socket(), words);
    assert_eq!(said.code, 0, "{words}: {said:?}");
}

/// The machine asks, and gets this script.
fn asks(machine: &Netns, card: &str) -> String {
    let answer = get(machine, OURS, &question(&card.replace(':', "-")));
    assert_eq!(answer.status, 200);
    answer.text().to_owned()
}

/// The machine asks, and is handed an install: the path of its run.
fn begins(machine: &Netns, card: &str) -> String {
    let script = asks(machine, card);
    run_url(&script).unwrap_or_else(|| panic!("no install script: {script}"))
}

fn reports(machine: &Netns, run: &str, what: &str) {
    let answer = get(machine, OURS, &format!("{run}/{what}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn unknown_is_told_of_a_machine_that_nobody_has_decided_about() {
    for (safety, words, verdict_of_it) in [
        ("", "are held", "hold"),
        ("unknown = \"local\"", "start their own disks", "local"),
        ("unknown = \"ignore\"", "are not answered", "silence"),
        (
            "unknown = { install = \"lab\" }\ni_understand_this_wipes = true",
            "are installed with lab, which overwrites their disks",
            "install",
        ),
    ] {
        let (inside, machine) = segment();
        let daemon = Daemon::start(&inside, &with(safety));
        let told = said(&daemon, ONE, "unknown");
        assert_eq!(told, format!("hosts that nobody has decided about {words}"));
        let script = asks(&machine, ONE);
        assert_eq!(run_url(&script).is_some(), verdict_of_it == "install", "{script}");
        let other = verdict(&daemon, TWO);
        assert!(
            other == verdict_of_it || other == "hold" && verdict_of_it == "install",
            "{safety}: {other}"
        );
    }
}

#[test]
fn max_attempts_are_counted_and_the_run_that_has_used_them_says_so() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, &with("max_attempts = 3"));
    tell(&daemon, &format!("host arm {ONE} lab"));
    for _ in 0..2 {
        begins(&machine, ONE);
    }
    assert_eq!(said(&daemon, ONE, "max_attempts"), "its script was served 2 of 3 times");
    begins(&machine, ONE);
    assert_eq!(
        said(&daemon, ONE, "max_attempts"),
        "its script was served 3 of 3 times; if it asks again, the run fails"
    );
    assert_eq!(verdict(&daemon, ONE), "give-up");
    assert!(run_url(&asks(&machine, ONE)).is_none());
    assert_eq!(said(&daemon, ONE, "max_attempts"), "its run failed: all attempts used");
    assert!(said(&daemon, ONE, "install-once").contains("until `bootwright host arm"));
    assert_eq!(verdict(&daemon, ONE), "local");
}

#[test]
fn a_run_of_which_nothing_is_heard_fails_at_its_deadline_and_explain_names_that() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    tell(&daemon, &format!("host arm {ONE} short"));
    let run = begins(&machine, ONE);
    wait_until("its time is over", || state(&daemon, ONE) == "failed");
    assert_eq!(
        said(&daemon, ONE, "deadline"),
        "its run failed: nothing was heard until the deadline"
    );
    assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 404);
    assert!(run_url(&asks(&machine, ONE)).is_none());
    // Before that the deadline is told with its moment.
    tell(&daemon, &format!("host arm {TWO} lab"));
    begins(&machine, TWO);
    assert_eq!(said(&daemon, TWO, "deadline"), "its run fails if nothing is heard");
}

#[test]
fn a_machine_that_shows_another_serial_number_than_the_armed_one_is_held() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let shows = |serial_hex: &str| {
        let target = format!("{}&serial_hex={serial_hex}", question(&ONE.replace(':', "-")));
        let answer = get(&machine, OURS, &target);
        assert_eq!(answer.status, 200);
        answer.text().to_owned()
    };
    shows("532d3137");
    tell(&daemon, &format!("host arm {ONE} lab"));
    assert!(said(&daemon, ONE, "identity").starts_with("it was armed as the machine with these facts"));
    // Before it began: the arming is gone, and nothing is installed, whoever asks.
    let script = shows("532d3939");
    assert!(run_url(&script).is_none(), "{script}");
    assert_eq!(state(&daemon, ONE), "new");
    assert!(said(&daemon, ONE, "operator").starts_with("an operator holds it, or its arming lapsed"));
    assert!(run_url(&shows("532d3137")).is_none());

    // In the middle of its install: the run is that of the machine which began it, and of nobody in its name.
    tell(&daemon, &format!("host arm {ONE} lab"));
    assert!(run_url(&shows("532d3137")).is_some());
    let script = shows("532d3939");
    assert!(run_url(&script).is_none(), "{script}");
    assert!(script.contains("It waits because its identity is in doubt"), "{script}");
    assert_eq!(state(&daemon, ONE), "installing");
    assert!(said(&daemon, ONE, "max_attempts").starts_with("its script was served 1 of 2 times"));
    assert!(run_url(&shows("532d3137")).is_some());
}

#[test]
fn max_concurrent_holds_the_next_host_until_a_run_is_over() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, &with("max_concurrent = 1"));
    for host in [ONE, TWO] {
        tell(&daemon, &format!("host arm {host} lab"));
    }
    assert_eq!(said(&daemon, TWO, "max_concurrent"), "0 of 1 installs are under way");
    let run = begins(&machine, ONE);
    assert_eq!(
        said(&daemon, TWO, "max_concurrent"),
        "1 of 1 installs are under way: the next one waits"
    );
    assert_eq!(verdict(&daemon, TWO), "hold");
    assert!(asks(&machine, TWO).contains("max_concurrent"));
    reports(&machine, &run, "done");
    assert_eq!(said(&daemon, TWO, "max_concurrent"), "0 of 1 installs are under way");
    begins(&machine, TWO);
}

#[test]
fn max_new_per_hour_holds_the_next_host_although_the_first_is_done() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, &with("max_new_per_hour = 1"));
    for host in [ONE, TWO] {
        tell(&daemon, &format!("host arm {host} lab"));
    }
    let run = begins(&machine, ONE);
    reports(&machine, &run, "done");
    assert_eq!(
        said(&daemon, TWO, "max_new_per_hour"),
        "1 of 1 installs began within the last hour: the next one waits"
    );
    assert_eq!(verdict(&daemon, TWO), "hold");
    assert!(asks(&machine, TWO).contains("max_new_per_hour"));
}

#[test]
fn arm_ttl_takes_back_an_arming_that_was_not_used() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, &with("arm_ttl = \"1s\""));
    tell(&daemon, &format!("host arm {ONE} lab"));
    wait_until("the arming lapses", || state(&daemon, ONE) == "new");
    assert_eq!(
        said(&daemon, ONE, "operator"),
        "an operator holds it, or its arming lapsed (`arm_ttl`); no rule arms it"
    );
    assert!(run_url(&asks(&machine, ONE)).is_none());
    let (inside, _machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    tell(&daemon, &format!("host arm {ONE} lab"));
    assert!(said(&daemon, ONE, "arm_ttl").starts_with("its arming by root lapses"));
}

#[test]
fn protect_after_locks_a_host_that_has_been_up() {
    let (inside, machine) = segment();
    let installed = |daemon: &Daemon<'_>| {
        tell(daemon, &format!("host arm {ONE} lab"));
        let run = begins(&machine, ONE);
        reports(&machine, &run, "done");
        let before = said(daemon, ONE, "protect_after");
        reports(&machine, &run, "up");
        before
    };
    let daemon = Daemon::start(&inside, &with("protect_after = \"1s\""));
    assert_eq!(installed(&daemon), "it is locked 1 s after its system comes up");
    let locked = || json(&daemon.socket(), &format!("host show {ONE}"))["locked"] == Value::Bool(true);
    wait_until("it is locked", locked);
    assert!(said(&daemon, ONE, "lock").contains("bootwright host unlock"));
    assert_eq!(
        said(&daemon, ONE, "protect_after"),
        "it is locked 1 s after its system came up, which is over"
    );
    let refused = ask(&daemon.socket(), &format!("host arm {ONE} lab"));
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(run_url(&asks(&machine, ONE)).is_none());
    drop(daemon);

    let daemon = Daemon::start(&inside, CONFIG);
    installed(&daemon);
    assert!(said(&daemon, ONE, "protect_after").starts_with("it is locked in "));
    drop(daemon);
    let daemon = Daemon::start(&inside, &with("protect_after = \"off\""));
    assert_eq!(installed(&daemon), "it is never locked by itself");
}

#[test]
fn documents_over_http_is_told_where_there_are_documents() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    tell(&daemon, &format!("host arm {ONE} lab"));
    let readable = "the file of its profile can be read on the segment while its run lasts";
    assert_eq!(said(&daemon, ONE, "documents_over_http"), readable);
    let run = begins(&machine, ONE);
    assert_eq!(said(&daemon, ONE, "documents_over_http"), readable);
    let document = format!("{run}/post-install.sh");
    assert_eq!(get(&machine, OURS, &document).text(), "echo run 1");
    // A run keeps the profile that it was started with, and its documents are closed all the same.
    daemon.clear_log();
    let (without, _) = CONFIG.split_once("[profiles.lab.files]").expect("documents");
    daemon.write_config(&format!("{without}\n[safety]\ndocuments_over_http = false\n"));
    daemon.wait_for_log("configuration in force");
    assert_eq!(
        said(&daemon, ONE, "documents_over_http"),
        "its installer gets none of its profile's files: only plain HTTP could bring them"
    );
    assert_eq!(get(&machine, OURS, &document).status, 404);
    wait_until("it is an event", || {
        let events = ask(&daemon.socket(), "events").out;
        events.contains("`safety.documents_over_http` is false")
    });
}

#[test]
fn failures_in_a_row_are_counted_until_they_pause_installs() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, &with("pause_after_failures = 2"));
    let fails = |host: &str| {
        tell(&daemon, &format!("host arm {host} lab"));
        let run = begins(&machine, host);
        reports(&machine, &run, "fail?reason=no%20disk");
    };
    fails(ONE);
    assert_eq!(
        said(&daemon, TWO, "pause_after_failures"),
        "1 runs failed in a row; 2 would pause all installs"
    );
    assert_eq!(
        said(&daemon, ONE, "installer"),
        "its run failed: the installer reported: no disk"
    );
    fails(TWO);
    assert!(said(&daemon, TWO, "pause").contains("2 runs in a row failed"));
    tell(&daemon, &format!("host arm {ONE} lab"));
    assert_eq!(verdict(&daemon, ONE), "hold");
    assert!(run_url(&asks(&machine, ONE)).is_none());
    tell(&daemon, "resume");
    begins(&machine, ONE);
}

/// A rule that arms every machine with a BIOS.
fn rule(limit: u32) -> String {
    format!(
        "[[rules]]\nname = \"all\"\nwhen = {{ firmware = \"bios\" }}\nprofile = \"lab\"\nauto_arm = true\nlimit = {limit}\n"
    )
}

#[test]
fn a_rule_that_arms_too_many_within_a_minute_pauses_installs() {
    let (inside, machine) = segment();
    let config = format!("{}{}", with("max_rule_arms_per_minute = 1"), rule(9));
    let daemon = Daemon::start(&inside, &config);
    begins(&machine, ONE);
    let told = said(
        &daemon,
        &format!("{TWO} --as-if firmware=bios"),
        "max_rule_arms_per_minute",
    );
    assert_eq!(
        told,
        "more than 1 armings by one rule within a minute would pause all installs"
    );
    assert!(run_url(&asks(&machine, TWO)).is_none());
    assert!(said(&daemon, TWO, "pause").contains("rule all"), "the rule is named");
    assert_eq!(verdict(&daemon, TWO), "hold");
}

#[test]
fn a_rule_at_its_limit_arms_no_more() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, &format!("{CONFIG}{}", rule(1)));
    let of_two = || said(&daemon, &format!("{TWO} --as-if firmware=bios"), "limit");
    assert_eq!(of_two(), "rule `all` has granted 0 of 1 installs");
    begins(&machine, ONE);
    assert_eq!(of_two(), "rule `all` has granted 1 of 1 installs: it arms no more");
    assert!(run_url(&asks(&machine, TWO)).is_none());
    assert_eq!(verdict(&daemon, TWO), "hold");
}

#[test]
fn wipe_is_told_before_and_after_the_guard_has_refused() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    tell(&daemon, &format!("host arm {ONE} lab --allow-wipe DISK1"));
    let guard = json(&daemon.socket(), &format!("explain {ONE}"))["guard"].clone();
    assert_eq!(
        (&guard["wipe"], &guard["allowed"]),
        (&"empty-only".into(), &serde_json::json!(["DISK1"]))
    );
    let run = begins(&machine, ONE);
    let asked = |serial: &str| {
        let question = format!("{run}/progress?stage=guard&serial={serial}&content=ntfs");
        get(&machine, OURS, &question).text().to_owned()
    };
    assert_eq!(asked("DISK1"), "go\n");
    assert!(asked("DISK2").starts_with("stop"));
    let told = said(&daemon, ONE, "wipe");
    assert!(
        told.starts_with("its run failed: the disk guard refused") && told.contains("--allow-wipe DISK2"),
        "{told}"
    );
}
