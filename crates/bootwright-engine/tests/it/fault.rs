//! Faults that concern the engine, by the numbers of the fault table.

use std::sync::Arc;

use bootwright_core::{Facts, Span, Timestamp};
use bootwright_engine::{Decision, Report};
use expect_test::expect;

use crate::site::{Site, mac, machine, policy, profile};

/// A reload during runs: each keeps the profile that it was started with, even if the configuration has it no more.
#[test]
fn fault_14_a_reload_during_fifty_runs_changes_none_of_them() {
    let mut before = policy();
    let mut debian = (*profile("debian")).clone();
    let document = bootwright_core::Document {
        template: "old".to_owned(),
        origin: "config.toml".to_owned(),
        add: bootwright_core::Additions::default(),
    };
    debian.files.insert("preseed.cfg".to_owned(), document);
    before.profiles.insert(debian.name.clone(), Arc::new(debian.clone()));
    before.safety.max_concurrent = 50;
    let mut site = Site::new(before.clone());
    let mut tokens = Vec::new();
    for number in 1..=50_u8 {
        site.arm(&mac(number).to_string(), &["debian"]);
        site.ask_mac(number);
        tokens.push(site.token());
    }
    let hosts = site.engine.world().hosts.clone();
    let mut after = before.clone();
    debian.revision = 2;
    debian.kernel = "/images/new".to_owned();
    after.profiles.insert(debian.name.clone(), Arc::new(debian.clone()));
    let mut gone = before;
    gone.profiles.remove("debian");
    for policy in [after, gone] {
        site.reload(policy);
        assert_eq!(site.engine.world().hosts, hosts);
        for (token, number) in tokens.iter().zip(1..) {
            let requester = bootwright_engine::Requester {
                address: crate::site::address(mac(number)),
                station: Some(mac(number)),
            };
            let ask = bootwright_engine::DocumentAsk {
                token: *token,
                name: "preseed.cfg",
                requester,
                is_secret: false,
            };
            let outcome = site.engine.document(site.now, &ask);
            let bootwright_engine::DocumentReply::Render(ticket) = outcome.reply else {
                panic!("the document is gone");
            };
            assert_eq!((ticket.profile.revision, ticket.run.revision), (1, 1));
            assert_eq!(ticket.profile.kernel, "/images/linux");
        }
    }
    let _ = site.story();
    site.ask_mac(1);
    site.report(tokens[1], &Report::Done);
    expect![[r#"
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        Done -> Noted
            Warn quartz-93: run 1 is reported to be done before it has fetched anything: look at the machine
            Done quartz-93: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
    "#]]
    .assert_eq(&site.story());
}

/// Where the site forbids it, no document leaves, not even that of a run which began before the site did.
#[test]
fn threat_04_where_no_document_may_leave_by_http_a_live_run_gets_none_either() {
    let mut before = policy();
    let mut debian = (*profile("debian")).clone();
    let document = bootwright_core::Document {
        template: "d-i passwd/root-password password secret".to_owned(),
        origin: "config.toml".to_owned(),
        add: bootwright_core::Additions::default(),
    };
    debian.files.insert("preseed.cfg".to_owned(), document);
    before.profiles.insert(debian.name.clone(), Arc::new(debian));
    let mut site = Site::new(before.clone());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.document(token, "preseed.cfg");
    let mut after = before;
    after.safety.documents_over_http = false;
    site.reload(after);
    let _ = site.story();
    for name in ["preseed.cfg", "preseed.cfg", "other.cfg"] {
        site.document(token, name);
    }
    // Its reports are heard as before.
    site.report(token, &Report::Done);
    expect![[r#"
        document preseed.cfg -> no such document
            Warn quince-61: run 1 is not given preseed.cfg: `safety.documents_over_http` is false
        document preseed.cfg -> no such document
        document other.cfg -> no such document
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
    "#]]
    .assert_eq(&site.story());
}

/// The engine's time only runs forward. An input that claims an earlier moment revives nothing that has expired.
#[test]
fn fault_25_a_clock_that_is_set_back_revives_no_arming_and_no_token() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.arm("52:54:00:00:00:02", &["debian"]);
    site.ask_mac(2);
    let token = site.token();
    let _ = site.story();
    let start = site.now;
    site.wait(Span::from_hours(24));
    site.now = start;
    site.say("the clock is set back by a day");
    site.ask_mac(1);
    site.report(token, &Report::Done);
    site.ask_mac(2);
    expect![[r#"
        wait 1 d
            Fail quartz-93: run 1 failed: nothing was heard until the deadline; next boots: local disk
            Hold quince-61: its arming was not used in time and has expired
            (all who wait ask again)
        the clock is set back by a day
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
            Hold quince-61: waiting: it is held until it is armed
        Done -> NoSuchRun
        52:54:00:00:00:02 asks -> local bios-disk (its last run failed; arm it again to install it)
            Local quartz-93: local-boot script served (bios-disk)
    "#]]
    .assert_eq(&site.story());
}

/// A jump ahead, as after a suspension, lets what is due happen once, and in order.
#[test]
fn fault_25_ten_years_ahead_everything_is_over_and_nothing_begins() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.arm("52:54:00:00:00:02", &["debian"]);
    site.ask_mac(2);
    let _ = site.story();
    site.wait(Span::from_hours(24 * 3650));
    site.ask_mac(1);
    site.ask_mac(2);
    expect![[r#"
        wait 3650 d
            Fail quartz-93: run 1 failed: nothing was heard until the deadline; next boots: local disk
            Hold quince-61: its arming was not used in time and has expired
            (all who wait ask again)
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
            Hold quince-61: waiting: it is held until it is armed
        52:54:00:00:00:02 asks -> local bios-disk (its last run failed; arm it again to install it)
            Local quartz-93: local-boot script served (bios-disk)
    "#]]
    .assert_eq(&site.story());
}

/// No real-time clock: the site's time line begins in 1970, and everything that lasts still lasts as long.
#[test]
fn fault_26_a_site_that_begins_in_1970_arms_and_expires_like_any_other() {
    let mut site = Site::new(policy());
    site.now = Timestamp::from_millis(0);
    site.engine = bootwright_engine::Engine::new(Arc::new(policy()), bootwright_core::World::default(), site.now);
    site.ask_mac(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    site.wait(Span::from_hours(6));
    site.arm("52:54:00:00:00:02", &["debian"]);
    site.wait(Span::from_hours(24));
    site.ask_mac(2);
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-61: 52:54:00:00:00:01
            Hold quince-61: waiting: nobody has armed it
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        wait 6 h
            Fail quince-61: run 1 failed: nothing was heard until the deadline; next boots: local disk
            (all who wait ask again)
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:02 -> quartz-93: armed with debian by alice for 1 d
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by alice for 1 d
        wait 1 d
            Hold quartz-93: its arming was not used in time and has expired
        52:54:00:00:00:02 asks -> hold (it is held until it is armed)
            Hold quartz-93: waiting: it is held until it is armed
    "#]]
    .assert_eq(&site.story());
}

/// A client reboots in the middle of its install: the attempts are counted, the guard applies, and the third time it
/// boots its disk.
#[test]
fn fault_32_a_reboot_in_the_middle_of_an_install_wipes_no_more_than_the_allowed_attempts() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.guard(token, "S4EV", None);
    site.wait(Span::from_mins(1));
    site.restart();
    site.ask_mac(1);
    site.guard(token, "S4EV", Some("half a system"));
    site.wait(Span::from_mins(1));
    site.ask_mac(1);
    site.guard(token, "S4EV", Some("half a system"));
    site.ask_mac(1);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Guard { serial: "S4EV", content: None } -> Guard(Go)
            Guard quince-61: run 1, disk guard: disk S4EV may be overwritten
        wait 1 min
        restart
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        Guard { serial: "S4EV", content: Some("half a system") } -> Guard(Go)
        wait 1 min
        52:54:00:00:00:01 asks -> local bios-disk (its last run failed; arm it again to install it), once recorded
            Fail quince-61: run 1 failed: all attempts used; next boots: local disk
            Local quince-61: local-boot script served (bios-disk)
            (all who wait ask again)
        Guard { serial: "S4EV", content: Some("half a system") } -> Guard(Stop("the run is over"))
        52:54:00:00:00:01 asks -> local exit (its last run failed; arm it again to install it)
            Loop quince-61: came back from its disk too early, once; local-boot script served (exit)
    "#]]
    .assert_eq(&site.story());
}

/// `done` comes twice, late, out of order, and after the host was armed again.
#[test]
fn fault_34_done_is_done_once_whenever_and_how_often_it_comes() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let first = site.token();
    site.report(first, &Report::Up);
    site.report(first, &Report::Done);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.report(first, &Report::Done);
    site.ask_mac(1);
    let second = site.token();
    site.report(first, &Report::Done);
    site.report(first, &Report::Up);
    let reason = "late".to_owned();
    site.report(first, &Report::Fail { reason });
    site.explain("52:54:00:00:00:01");
    site.report(second, &Report::Done);
    site.report(second, &Report::Done);
    site.wait(Span::from_hours(6));
    site.report(second, &Report::Done);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Up -> Noted
            Up quince-61: run 1, the installed system is up
            (all who wait ask again)
        Done -> Noted
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        Done -> Noted
        52:54:00:00:00:01 asks -> install debian run 2 attempt 1, once recorded
            Boot quince-61: run 2, install script of debian served (attempt 1 of 2)
        Done -> Noted
        Up -> Noted
        Fail { reason: "late" } -> Noted
        explain quince-61: installing, attempt 1; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
        Done -> Noted
            Done quince-61: run 2, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        Done -> Noted
        wait 6 h
        Done -> NoSuchRun
    "#]]
    .assert_eq(&site.story());
}

/// Firmware that comes back from every disk: the method changes each time, and after three rounds the machine waits, however
/// often it asks and whether or not the daemon was started anew.
#[test]
fn fault_36_a_firmware_loop_ends_after_three_rounds() {
    let mut site = Site::new(policy());
    site.decide("52:54:00:00:00:01", Decision::Local);
    let _ = site.story();
    for _ in 0..4 {
        site.ask_mac(1);
        site.wait(Span::from_secs(40));
    }
    site.restart();
    site.ask_mac(1);
    expect![[r#"
        52:54:00:00:00:01 asks -> local bios-disk (an operator chose its own disk)
            Local quince-61: local-boot script served (bios-disk)
        wait 40 s
        52:54:00:00:00:01 asks -> local exit (an operator chose its own disk)
            Loop quince-61: came back from its disk too early, once; local-boot script served (exit)
        wait 40 s
        52:54:00:00:00:01 asks -> local bios-disk (an operator chose its own disk)
            Loop quince-61: came back from its disk too early, 2 times in a row; local-boot script served (bios-disk)
        wait 40 s
        52:54:00:00:00:01 asks -> hold (its own disk does not start: it came back 3 times in a row; `bootwright host local` tries again)
            Loop quince-61: came back from its disk too early, 3 times in a row: no method starts it, so that it waits from now on
            Hold quince-61: waiting: its own disk does not start: it came back 3 times in a row; `bootwright host local` tries again
        wait 40 s
        restart
        52:54:00:00:00:01 asks -> hold (its own disk does not start: it came back 3 times in a row; `bootwright host local` tries again)
            Hold quince-61: waiting: its own disk does not start: it came back 3 times in a row; `bootwright host local` tries again
    "#]].assert_eq(&site.story());
    for _ in 0..1000 {
        site.wait(Span::from_secs(40));
        site.ask_mac(1);
    }
    let story = site.story();
    assert!(!story.contains("-> local"), "it was sent to its disk again");
    // The record has a line when it begins to wait, not one for each time that it asks.
    assert_eq!(
        story.lines().filter(|line| line.starts_with("    ")).count(),
        0,
        "{story}"
    );
}

/// A maker's UUID in a hundred machines: a hundred hosts, and an arming is for one of them.
#[test]
fn fault_37_a_hundred_machines_with_one_uuid_are_a_hundred_hosts() {
    let mut site = Site::new(policy());
    let clone = |number: u8| Facts {
        uuid: machine(1).uuid,
        ..Facts::of_mac(mac(number))
    };
    for round in 0..2 {
        for number in 0..100 {
            if round == 0 {
                site.offer(number);
            }
            site.ask(&clone(number));
        }
    }
    assert_eq!(site.engine.world().hosts.len(), 100);
    let _ = site.story();
    site.arm(&mac(42).to_string(), &["debian"]);
    for number in 0..100 {
        site.ask(&clone(number));
    }
    let installs: Vec<String> = site
        .story()
        .lines()
        .filter(|line| line.contains("-> install"))
        .map(str::to_owned)
        .collect();
    expect!["52:54:00:00:00:2a asks -> install debian run 1 attempt 1, once recorded"].assert_eq(&installs.join("\n"));
}
