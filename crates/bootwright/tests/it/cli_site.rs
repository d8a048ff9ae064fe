//! The site as a whole: status, pause and resume, reload and apply, and two daemons in one place.

use expect_test::expect;
use serde_json::json;

use crate::cli::{SITE, ask, bootwright, json, transcript};
use crate::daemon::Daemon;
use crate::netns::Netns;

#[test]
fn installs_are_paused_and_go_on() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    expect![[r#"
        $ bootwright pause
        installs are paused: root paused them; `bootwright resume` lets them go on
        $ bootwright pause cooling is off
        installs are paused: cooling is off; `bootwright resume` lets them go on
        $ bootwright resume
        installs go on
        $ bootwright apply
        no rule proposes to arm a host
        $ bootwright apply oak-9
        error: no host is called `oak-9`
         hint: did you mean `oak-1`? `bootwright host list` shows all hosts
        [exit 1]
    "#]]
    .assert_eq(&transcript(
        &daemon,
        &["pause", "pause cooling is off", "resume", "apply", "apply oak-9"],
    ));
    let paused = json(&daemon.socket(), "pause a test");
    assert_eq!(paused["paused"], json!("a test"));
    assert_eq!(json(&daemon.socket(), "status")["paused"], json!("a test"));
    assert!(json(&daemon.socket(), "resume").get("paused").is_none());
}

#[test]
fn a_bad_configuration_is_refused_with_its_mistakes_and_a_good_one_is_taken() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    daemon.write_config(&format!("{SITE}\n[safety]\nunknwon = \"hold\"\n"));
    let said = ask(&daemon.socket(), "reload");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.out.contains("unknwon") && said.out.contains("did you mean `unknown`?"),
        "{}",
        said.out
    );
    assert!(
        said.out
            .ends_with("the configuration was not taken: the last good one stays in force\n"),
        "{}",
        said.out
    );
    let status = json(&daemon.socket(), "status");
    let warnings = status["warnings"].to_string();
    assert!(warnings.contains("the last good one is in force"), "{warnings}");
    assert_eq!(
        ask(&daemon.socket(), "host arm oak-1 debian").code,
        0,
        "the last good one is in force"
    );

    daemon.write_config(
        &SITE
            .replace("profiles.rescue", "profiles.memtest")
            .replace("\"rescue\"", "\"memtest\""),
    );
    let said = ask(&daemon.socket(), "reload");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        said.out,
        "the configuration is in force\n  profile `memtest` added\n  profile `rescue` removed\n  rule `rack-b` changed\n"
    );
    let refused = ask(&daemon.socket(), "host arm oak-2 rescue");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("no profile is called `rescue`"), "{}", refused.err);
}

#[test]
fn what_a_reload_would_arm_waits_for_apply() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    for mac in ["52-54-00-00-00-11", "52-54-00-00-00-12", "52-54-00-00-00-13"] {
        let target = format!("/ipxe?mac={mac}&platform=pcbios&manufacturer=ACME");
        assert_eq!(daemon.get([127, 0, 0, 1].into(), &target).status, 200);
    }
    let rule = "[[rules]]\nname = \"acme\"\nwhen = { manufacturer = \"ACME\" }\nprofile = \"debian\"\nauto_arm = true\nlimit = 2\n";
    daemon.write_config(&format!("{SITE}\n{rule}"));
    let said = ask(&daemon.socket(), "reload");
    assert!(said.out.contains("3 hosts wait for `bootwright apply`"), "{said:?}");
    let list = json(&daemon.socket(), "apply --dry-run");
    let hosts: Vec<String> = list["proposals"]
        .as_array()
        .expect("proposals")
        .iter()
        .filter_map(|proposal| proposal["host"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(hosts.len(), 3);
    assert_eq!(
        json(&daemon.socket(), "host list --state armed")["hosts"],
        json!([]),
        "a reload arms nobody"
    );

    let said = ask(&daemon.socket(), &format!("apply {}", hosts[1]));
    assert_eq!(
        (said.code, said.out),
        (0, format!("{}: armed with debian by rule acme\n", hosts[1]))
    );
    let said = ask(&daemon.socket(), "apply");
    assert_eq!(said.code, 1, "the rule's limit leaves one out: {said:?}");
    let expected = format!(
        "{}: armed with debian by rule acme\n{}: not armed, rule acme has granted all that its `limit` allows\n",
        hosts[0], hosts[2]
    );
    assert_eq!(said.out, expected);
}

#[test]
fn status_says_what_is_served_and_what_is_not() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let said = ask(&daemon.socket(), "status");
    assert_eq!(said.code, 1, "no interface is served:\n{}", said.out);
    let lines: Vec<(&str, &str)> = said.out.lines().filter_map(|line| line.split_once("  ")).collect();
    let of = |name: &str| {
        let line = lines.iter().find(|(found, _)| *found == name);
        line.map_or("", |(_, words)| words.trim_start()).to_owned()
    };
    assert!(of("daemon").starts_with("not ready, version "), "{}", said.out);
    for (name, words) in [
        ("dhcp", "mode proxy"),
        ("installs", "go on"),
        ("hosts", "none"),
        ("interface", "lo 127.0.0.1: it is not named in `server.interfaces`"),
        // The SHA-256 as other implementations have it of what `Daemon::make_firmware` writes.
        (
            "firmware",
            "ipxe-arm64.efi: served, SHA-256 2b9fa1d0792e4c9a3512e271294197af50e65dd1aff5ccc2401b7246c9fe5c54",
        ),
    ] {
        assert_eq!(of(name), words, "{}", said.out);
    }
}

#[test]
fn a_second_daemon_in_the_same_place_ends_at_once() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let second = |data: &std::path::Path, socket: &str| {
        let mut command = inside.command(bootwright().get_program().to_str().expect("a path"));
        let output = command
            .arg("--config")
            .arg(daemon.config())
            .arg("--data-dir")
            .arg(data)
            .arg("--socket")
            .arg(daemon.directory().join(socket))
            .arg("serve")
            .output()
            .expect("it runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, said) = second(&daemon.data_dir(), "second.sock");
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("is held by"), "{said}");
    let (code, said) = second(&daemon.directory().join("other"), "control.sock");
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(ask(&daemon.socket(), "host list").code, 0, "the first is not disturbed");
}

#[test]
fn the_record_is_checked_while_the_daemon_runs() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    assert_eq!(ask(&daemon.socket(), "host arm oak-1").code, 0);
    let data = daemon.data_dir();
    let said = crate::cli::run(&format!("check --store --data-dir {}", data.display()));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("is good: entries 1 to 3, 1 host, 0 leases\n"),
        "{}",
        said.out
    );
}
