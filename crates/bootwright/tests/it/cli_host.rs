//! `bootwright host …`: every verb, and every refusal with what to do.

use expect_test::expect;
use serde_json::json;

use crate::cli::{SITE, ask, json, transcript};
use crate::daemon::Daemon;
use crate::netns::Netns;

#[test]
fn hosts_are_armed_shown_and_told_otherwise() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    expect![[r#"
        $ bootwright host list
        no host was seen yet; switch a machine on, and let it boot from the network
        $ bootwright host arm oak-1
        oak-1: armed with debian by root for 1 d
        the install begins when it next boots from the network
        $ bootwright host arm oak-1
        oak-1: armed with debian by root for 1 d
        the install begins when it next boots from the network
        $ bootwright host queue oak-1 rescue,debian
        oak-1: queued behind the rest: rescue, debian
        $ bootwright host show oak-1
        host        oak-1
        state       armed: it installs debian, attempt 1 of 2
        queue       debian, rescue, debian
        granted     by root now, lapses unused in 1 d
        card        52:54:00:00:00:01
        code        5ADAJ
        seen        not since the daemon started; known since now
        local boot  by its firmware's list
        labels      rack=a
        $ bootwright host arm 52:54:00:00:00:09 rescue --allow-wipe S4EVNX0M
        plum-79: armed with rescue by root for 1 d, overwriting of S4EVNX0M allowed
        the install begins when it next boots from the network
        $ bootwright host list
        HOST     STATE  PROFILE  RUN  PROGRESS  MAC                ADDRESS  SEEN
        oak-1    armed  debian   -    -         52:54:00:00:00:01  -        -
        plum-79  armed  rescue   -    -         52:54:00:00:00:09  -        -
        $ bootwright host show 52:54:00:00:00:09
        host        plum-79
        state       armed: it installs rescue, attempt 1 of 2
        queue       rescue
        granted     by root now, lapses unused in 1 d; may overwrite S4EVNX0M
        card        52:54:00:00:00:09
        code        F3F55
        seen        not since the daemon started; known since now
        local boot  by its firmware's list
        $ bootwright host list --state armed --text debian
        HOST   STATE  PROFILE  RUN  PROGRESS  MAC                ADDRESS  SEEN
        oak-1  armed  debian   -    -         52:54:00:00:00:01  -        -
        $ bootwright host list --state failed
        no host fits
        $ bootwright host hold oak-1
        oak-1: held
        $ bootwright host local oak-1
        oak-1: next boots: local disk
        $ bootwright host live oak-1 rescue
        oak-1: boots rescue every time
        $ bootwright host ignore oak-1
        oak-1: ignored
        $ bootwright host lock oak-1
        oak-1: locked
        $ bootwright host unlock oak-1
        oak-1: unlocked
        $ bootwright host set oak-1 label.rack=b metadata.role=db
        oak-1: label rack = b
        oak-1: metadata role was set
        $ bootwright host show oak-1
        host        oak-1
        state       ignored: nothing is answered: the host is ignored
        card        52:54:00:00:00:01
        code        5ADAJ
        seen        not since the daemon started; known since now
        local boot  by its firmware's list
        labels      rack=b
        metadata    role=db
        $ bootwright host set oak-1 label.rack= metadata.role=
        oak-1: label rack = (none)
        oak-1: metadata role was taken away
        $ bootwright host forget oak-1
        oak-1 is forgotten
        $ bootwright host list
        HOST     STATE  PROFILE  RUN  PROGRESS  MAC                ADDRESS  SEEN
        plum-79  armed  rescue   -    -         52:54:00:00:00:09  -        -
    "#]]
    .assert_eq(&transcript(
        &daemon,
        &[
            "host list",
            "host arm oak-1",
            "host arm oak-1",
            "host queue oak-1 rescue,debian",
            "host show oak-1",
            "host arm 52:54:00:00:00:09 rescue --allow-wipe S4EVNX0M",
            "host list",
            "host show 52:54:00:00:00:09",
            "host list --state armed --text debian",
            "host list --state failed",
            "host hold oak-1",
            "host local oak-1",
            "host live oak-1 rescue",
            "host ignore oak-1",
            "host lock oak-1",
            "host unlock oak-1",
            "host set oak-1 label.rack=b metadata.role=db",
            "host show oak-1",
            "host set oak-1 label.rack= metadata.role=",
            "host forget oak-1",
            "host list",
        ],
    ));
}

#[test]
fn each_refusal_names_the_host_and_what_to_do() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    expect![[r#"
        $ bootwright host show oka-1
        error: no host is called `oka-1`
         hint: did you mean `oak-1`? `bootwright host list` shows all hosts
        [exit 1]
        $ bootwright host arm nobody debian
        error: no host is called `nobody`
         hint: `bootwright host list` shows all hosts
        [exit 1]
        $ bootwright host arm oak-1 debain
        error: oak-1: no profile is called `debain`
         hint: did you mean `debian`?
        [exit 1]
        $ bootwright host arm oak-1 Debian!
        error: oak-1: no profile is called `Debian!`
         hint: did you mean `debian`?
        [exit 1]
        $ bootwright host arm oak-2
        error: oak-2: no profile was named, and neither the host's definition nor a rule names one
         hint: name one: `bootwright host arm oak-2 PROFILE`
        [exit 1]
        $ bootwright host queue oak-2 debian
        error: oak-2: the host is not armed
         hint: `bootwright host arm oak-2` arms it
        [exit 1]
        $ bootwright host done oak-2
        error: oak-2: no install is under way
         hint: `bootwright host show oak-2` shows where it stands
        [exit 1]
        $ bootwright host live oak-2 nothing
        error: oak-2: no profile is called `nothing`
         hint: there are: debian, rescue
        [exit 1]
        $ bootwright host lock oak-2
        oak-2: locked
        $ bootwright host arm oak-2 debian
        error: oak-2: the host is locked
         hint: `bootwright host unlock oak-2` takes the lock away
        [exit 1]
        $ bootwright host live oak-2 debian
        error: oak-2: the host is locked
         hint: `bootwright host unlock oak-2` takes the lock away
        [exit 1]
        $ bootwright host set oak-2 colour=red
        error: `colour=red` is nothing that can be set
         hint: write `label.KEY=VALUE` or `metadata.KEY=VALUE`; `KEY=` without a value removes
        [exit 2]
        $ bootwright host set oak-2 label.a b=c
        error: `label.a` is nothing that can be set
         hint: write `label.KEY=VALUE` or `metadata.KEY=VALUE`; `KEY=` without a value removes
        [exit 2]
        $ bootwright host set oak-2 label.ä=c
        error: oak-2: a name has up to 63 of the characters `a-z A-Z 0-9 - _ . /`
         hint: such as `label.rack=b-12`
        [exit 1]
        $ bootwright host list --state broken
        error: invalid value 'broken' for '--state <STATE>'
          [possible values: new, armed, installing, installed, failed, live, ignored]

        For more information, try '--help'.
        [exit 2]
        $ bootwright host arm
        error: the following required arguments were not provided:
          <HOST>

        Usage: bootwright host arm <HOST> [PROFILE[,PROFILE…]]...

        For more information, try '--help'.
        [exit 2]
    "#]]
    .assert_eq(&transcript(
        &daemon,
        &[
            "host show oka-1",
            "host arm nobody debian",
            "host arm oak-1 debain",
            "host arm oak-1 Debian!",
            "host arm oak-2",
            "host queue oak-2 debian",
            "host done oak-2",
            "host live oak-2 nothing",
            "host lock oak-2",
            "host arm oak-2 debian",
            "host live oak-2 debian",
            "host set oak-2 colour=red",
            "host set oak-2 label.a b=c",
            "host set oak-2 label.ä=c",
            "host list --state broken",
            "host arm",
        ],
    ));
}

#[test]
fn an_install_under_way_is_called_done_or_stopped_and_nothing_else() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let script = |host: &str| {
        let answer = daemon.get([127, 0, 0, 1].into(), &format!("/ipxe?mac={host}&platform=pcbios"));
        assert_eq!(answer.status, 200);
        answer.text().to_owned()
    };
    assert_eq!(ask(&daemon.socket(), "host arm oak-1 rescue").code, 0);
    assert!(script("52-54-00-00-00-01").contains("/images/rescue/linux"));
    expect![[r#"
        $ bootwright host list
        HOST   STATE       PROFILE  RUN  PROGRESS  MAC                ADDRESS    SEEN
        oak-1  installing  rescue   1    script    52:54:00:00:00:01  127.0.0.1  now
        $ bootwright host arm oak-1 debian
        error: oak-1: an install is under way
         hint: `bootwright host hold oak-1` stops it
        [exit 1]
        $ bootwright host lock oak-1
        error: oak-1: an install is under way
         hint: `bootwright host hold oak-1` stops it
        [exit 1]
        $ bootwright host done oak-1
        oak-1: run 1 was called done
        $ bootwright host done oak-1
        error: oak-1: no install is under way
         hint: `bootwright host show oak-1` shows where it stands
        [exit 1]
        $ bootwright host list --text oak-1
        HOST   STATE      PROFILE  RUN  PROGRESS  MAC                ADDRESS    SEEN
        oak-1  installed  rescue   1    -         52:54:00:00:00:01  127.0.0.1  now
    "#]]
    .assert_eq(&transcript(
        &daemon,
        &[
            "host list",
            "host arm oak-1 debian",
            "host lock oak-1",
            "host done oak-1",
            "host done oak-1",
            "host list --text oak-1",
        ],
    ));
    let shown = ask(&daemon.socket(), "host show oak-1").out;
    assert!(shown.contains("\nfinished runs\n  RUN  PROFILE  ENDED"), "{shown}");
    let run = &json(&daemon.socket(), "host show oak-1")["runs"][0];
    assert_eq!(
        (&run["number"], &run["profile"], &run["succeeded"]),
        (&json!(1), &json!("rescue"), &json!(true))
    );
}

#[test]
fn documents_are_printed_as_the_api_gives_them() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let socket = daemon.socket();
    let armed = json(&socket, "host arm oak-1 debian,rescue --allow-wipe S1 --allow-wipe S2");
    let notes = [
        "oak-1: armed with debian, rescue by root for 1 d, overwriting of S1, S2 allowed",
        "the install begins when it next boots from the network",
    ];
    assert_eq!(
        armed,
        json!({ "host": "oak-1", "changed": true, "state": "armed", "notes": notes })
    );
    let list = json(&socket, "host list");
    assert_eq!(
        list,
        json!({ "hosts": [{
            "host": "oak-1", "state": "armed", "profile": "debian", "locked": false, "stalled": false, "run": 0,
            "mac": "52:54:00:00:00:01", "badge": "armed", "suggestion": "debian",
            "labels": { "rack": "a" },
        }], "total": 1 })
    );
    let shown = json(&socket, "host show oak-1");
    let answer = daemon.api("GET", "/api/v1/hosts/oak-1", "");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(answer.text()).ok(),
        Some(shown.clone())
    );
    assert_eq!(shown["detail"]["queue"], json!(["debian", "rescue"]));
    assert_eq!(shown["detail"]["grant"]["by"], "root");
    assert_eq!(shown["detail"]["grant"]["allow_wipe"], json!(["S1", "S2"]));
    assert_eq!(shown["labels"], json!({ "rack": "a" }));
    assert_eq!(shown["configured"], json!(true));
    let twice = json(&socket, "host hold oak-1");
    assert_eq!((&twice["changed"], &twice["state"]), (&json!(true), &json!("new")));
    assert_eq!(json(&socket, "host hold oak-1")["changed"], json!(false));
    let refused = ask(&socket, "--json host show nobody");
    assert_eq!(refused.code, 1);
    let problem: serde_json::Value = serde_json::from_str(&refused.out).expect("a problem document");
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&json!(404), &json!("unknown_host"))
    );
}

#[test]
fn a_list_longer_than_a_page_is_whole() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let count = 1003_u32;
    for number in 0..count {
        let [_, b, c, d] = number.to_be_bytes();
        let target = format!("/api/v1/hosts/52:54:00:{b:02x}:{c:02x}:{d:02x}/command");
        let answer = daemon.api("POST", &target, r#"{"command":"hold"}"#);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let hosts = json(&daemon.socket(), "host list");
    let names: Vec<&str> = hosts["hosts"]
        .as_array()
        .expect("hosts")
        .iter()
        .filter_map(|host| host["host"].as_str())
        .collect();
    let distinct: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!((names.len(), distinct.len()), (1003, 1003));
    let page = json(&daemon.socket(), "host list --limit 2");
    assert_eq!(page["hosts"].as_array().map(Vec::len), Some(2));
    assert!(page["next"].is_string());
    let lines = ask(&daemon.socket(), "host list --limit 1002").out.lines().count();
    assert_eq!(lines, 1003, "a heading and 1002 hosts");
}
