//! Runs: queues, the triggers that end them, reports in any order, documents, stalls.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{Document, DoneTrigger, Policy, Span};
use bootwright_engine::{Decision, FetchKind, Report};
use expect_test::expect;

use crate::site::{Site, address, mac, policy, profile};

fn with_trigger(done: DoneTrigger) -> Policy {
    let mut policy = policy();
    let mut debian = (*profile("debian")).clone();
    debian.done = done;
    let document = Document {
        template: "hello".to_owned(),
        origin: "config.toml".to_owned(),
        add: bootwright_core::Additions::default(),
    };
    debian.files = BTreeMap::from([("preseed.cfg".to_owned(), document)]);
    policy.profiles.insert(debian.name.clone(), Arc::new(debian));
    policy
}

fn armed(policy: Policy) -> Site {
    let mut site = Site::new(policy);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let _ = site.story();
    site
}

fn progress(stage: &str, percent: u8) -> Report {
    Report::Progress {
        stage: Some(stage.to_owned()),
        percent: Some(percent),
        message: None,
    }
}

#[test]
fn a_queue_is_worked_off_one_run_after_the_other() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["wipe", "debian"]);
    site.ask_mac(1);
    let first = site.token();
    let profiles = vec!["flatcar".parse().expect("a name")];
    site.decide("52:54:00:00:00:01", Decision::Queue { profiles });
    site.report(first, &Report::Done);
    site.explain("52:54:00:00:00:01");
    site.ask_mac(1);
    let second = site.token();
    site.report(first, &Report::Done);
    site.report(second, &Report::Done);
    site.ask_mac(1);
    let third = site.token();
    site.report(third, &Report::Done);
    site.ask_mac(1);
    expect![[r#"
        Arm { profiles: [wipe, debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with wipe, debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with wipe, debian by alice for 1 d
        52:54:00:00:00:01 asks -> install wipe run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of wipe served (attempt 1 of 2)
        Queue { profiles: [flatcar] } for 52:54:00:00:00:01 -> quince-61: queued behind the rest: flatcar
            Armed quince-61: queued behind the rest: flatcar
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boot: debian
            (all who wait ask again)
        explain quince-61: armed; 0 of 32 installing; paused: no
            would be told: install debian, attempt 1
        52:54:00:00:00:01 asks -> install debian run 2 attempt 1, once recorded
            Boot quince-61: run 2, install script of debian served (attempt 1 of 2)
        Done -> Noted
        Done -> Noted
            Done quince-61: run 2, installer finished in 0 ms; next boot: flatcar
            (all who wait ask again)
        52:54:00:00:00:01 asks -> install flatcar run 3 attempt 1, once recorded
            Boot quince-61: run 3, install script of flatcar served (attempt 1 of 2)
        Done -> Noted
            Done quince-61: run 3, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:01 asks -> local bios-disk (it is installed)
            Local quince-61: local-boot script served (bios-disk)
    "#]].assert_eq(&site.story());
}

#[test]
fn a_profile_may_be_done_when_its_document_was_delivered() {
    let mut site = armed(with_trigger(DoneTrigger::ConfigServed("preseed.cfg".to_owned())));
    let token = site.token();
    site.document(token, "other.cfg");
    site.document(token, "preseed.cfg");
    site.document(token, "preseed.cfg");
    site.ask_mac(1);
    expect![[r#"
        document other.cfg -> no such document
        document preseed.cfg -> run 1 of quince-61
        document preseed.cfg was sent
            Fetch quince-61: run 1, fetched preseed.cfg
            Done quince-61: run 1, preseed.cfg was fetched, which ends this profile's runs, in 0 ms; next boots: local disk
            (all who wait ask again)
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.1: the run is over
        52:54:00:00:00:01 asks -> local bios-disk (it is installed)
            Local quince-61: local-boot script served (bios-disk)
    "#]].assert_eq(&site.story());
}

#[test]
fn a_profile_may_be_done_when_its_last_file_was_delivered_whole() {
    let mut site = armed(with_trigger(DoneTrigger::LastArtifact("root.squashfs".to_owned())));
    site.fetched(1, "linux", FetchKind::Image, None);
    site.fetched(1, "root.squashfs", FetchKind::Image, Some("the connection was closed"));
    site.fetched(2, "root.squashfs", FetchKind::Image, None);
    site.fetched(1, "root.squashfs", FetchKind::Image, None);
    site.fetched(1, "root.squashfs", FetchKind::Image, None);
    expect![[r#"
        linux was sent to 52:54:00:00:00:01
            Fetch quince-61: run 1, fetched linux, 4 MB in 2 s
        root.squashfs was sent to 52:54:00:00:00:01
            Warn quince-61: run 1, did not get root.squashfs whole: the connection was closed after 4 MB
        root.squashfs was sent to 52:54:00:00:00:02
        root.squashfs was sent to 52:54:00:00:00:01
            Fetch quince-61: run 1, fetched root.squashfs, 4 MB in 2 s
            Done quince-61: run 1, root.squashfs was fetched, which ends this profile's runs
            (all who wait ask again)
        root.squashfs was sent to 52:54:00:00:00:01
            Fetch quince-61: fetched root.squashfs, 4 MB in 2 s
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_file_on_its_way_is_shown_until_it_ends() {
    let mut site = Site::new(policy());
    site.ask_mac(1);
    assert!(site.progressing(1, "linux", 1000));
    assert!(site.progressing(1, "linux", 2000));
    assert_eq!(site.fetching(1), Some(("linux".to_owned(), 2000)));
    site.engine.fetch_ended(address(mac(1)), "initrd");
    assert_eq!(site.fetching(1), Some(("linux".to_owned(), 2000)), "another one ended");
    site.fetched(1, "linux", FetchKind::Image, None);
    assert_eq!(site.fetching(1), None, "it was delivered");
    assert!(site.progressing(1, "linux", 1000));
    site.engine.fetch_ended(address(mac(1)), "linux");
    assert_eq!(site.fetching(1), None, "it was broken off");
    assert!(!site.progressing(2, "linux", 1000), "nobody is known at that address");
}

#[test]
fn a_profile_that_cannot_report_is_called_done_by_a_person() {
    let mut site = armed(with_trigger(DoneTrigger::Manual));
    let token = site.token();
    site.document(token, "preseed.cfg");
    site.decide("52:54:00:00:00:01", Decision::Done);
    site.decide("52:54:00:00:00:01", Decision::Done);
    expect![[r#"
        document preseed.cfg -> run 1 of quince-61
        document preseed.cfg was sent
            Fetch quince-61: run 1, fetched preseed.cfg
        Done for 52:54:00:00:00:01 -> quince-61: run 1 was called done
            Done quince-61: run 1 was called done
            (all who wait ask again)
        Done for 52:54:00:00:00:01 -> refused: quince-61: the host is not armed; `bootwright host arm` arms it
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn up_without_done_is_done() {
    let mut site = armed(policy());
    let token = site.token();
    site.report(token, &Report::Up);
    site.report(token, &Report::Done);
    site.ask_mac(1);
    expect![[r#"
        Up -> Noted
            Up quince-61: run 1, the installed system is up
            (all who wait ask again)
        Done -> Noted
        52:54:00:00:00:01 asks -> local bios-disk (it is installed)
            Local quince-61: local-boot script served (bios-disk)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn documents_die_with_the_run_and_reports_are_answered_until_its_deadline() {
    let mut site = armed(with_trigger(DoneTrigger::Callback));
    let token = site.token();
    site.document(token, "preseed.cfg");
    site.report(token, &Report::Done);
    site.document(token, "preseed.cfg");
    site.guard(token, "S1", None);
    site.report(token, &progress("late", 99));
    site.restart();
    site.report(token, &Report::Done);
    site.wait(Span::from_hours(5));
    site.report(token, &Report::Up);
    site.wait(Span::from_hours(1));
    site.report(token, &Report::Up);
    site.document(token, "preseed.cfg");
    expect![[r#"
        document preseed.cfg -> run 1 of quince-61
        document preseed.cfg was sent
            Fetch quince-61: run 1, fetched preseed.cfg
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.1: the run is over
        Guard { serial: "S1", content: None } -> Guard(Stop("the run is over"))
        Progress { stage: Some("late"), percent: Some(99), message: None } -> Noted
        restart
        Done -> Noted
        wait 5 h
        Up -> Noted
            Up quince-61: run 1, the installed system is up
        wait 1 h
        Up -> NoSuchRun
        document preseed.cfg -> no such document
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_token_that_opens_nothing_is_told_nothing() {
    let mut site = armed(policy());
    let foreign = bootwright_core::Token::new([0xee; 16]);
    site.report(foreign, &Report::Done);
    site.document(foreign, "preseed.cfg");
    site.guard(foreign, "S1", None);
    expect![[r#"
        Done -> NoSuchRun
        document preseed.cfg -> no such document
        Guard { serial: "S1", content: None } -> NoSuchRun
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_run_that_an_operator_stops_is_over_for_its_installer_as_well() {
    let mut site = armed(with_trigger(DoneTrigger::Callback));
    let token = site.token();
    site.decide("52:54:00:00:00:01", Decision::Hold);
    site.guard(token, "S1", None);
    site.document(token, "preseed.cfg");
    site.report(token, &Report::Done);
    site.ask_mac(1);
    expect![[r#"
        Hold for 52:54:00:00:00:01 -> quince-61: held
            Hold quince-61: held
            (all who wait ask again)
        Guard { serial: "S1", content: None } -> Guard(Stop("the run is over"))
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.1: the run is over
        Done -> Noted
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
            Hold quince-61: waiting: it is held until it is armed
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn stalled_is_a_mark_and_never_another_attempt() {
    let mut site = armed(policy());
    let token = site.token();
    site.wait(Span::from_mins(2));
    site.explain("52:54:00:00:00:01");
    site.fetched(1, "linux", FetchKind::Image, None);
    site.report(token, &progress("partitioning", 5));
    site.explain("52:54:00:00:00:01");
    site.wait(Span::from_mins(59));
    site.wait(Span::from_mins(1));
    site.report(token, &progress("copying", 50));
    site.report(token, &progress("copying", 60));
    expect![[r#"
        wait 2 min
            Stall quince-61: run 1 is stalled: the kernel was not fetched
        explain quince-61: installing, attempt 1, stalled; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
        linux was sent to 52:54:00:00:00:01
            Fetch quince-61: run 1, fetched linux, 4 MB in 2 s
            Stall quince-61: run 1, heard of again
        Progress { stage: Some("partitioning"), percent: Some(5), message: None } -> Noted
            Fetch quince-61: run 1, installer: partitioning
        explain quince-61: installing, attempt 1; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
        wait 59 min
        wait 1 min
            Stall quince-61: run 1 is stalled: the installer does not come on
        Progress { stage: Some("copying"), percent: Some(50), message: None } -> Noted
            Stall quince-61: run 1, heard of again
            Fetch quince-61: run 1, installer: copying
        Progress { stage: Some("copying"), percent: Some(60), message: None } -> Noted
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_kernel_that_cannot_be_fetched_is_news_and_stalls_the_run_however_often_its_script_says_so() {
    let mut site = armed(policy());
    let token = site.token();
    let missing = Report::Progress {
        stage: Some("ipxe".to_owned()),
        percent: None,
        message: Some("kernel: not found".to_owned()),
    };
    for _ in 0..3 {
        site.wait(Span::from_secs(50));
        site.report(token, &missing);
    }
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        wait 50 s
        Progress { stage: Some("ipxe"), percent: None, message: Some("kernel: not found") } -> Noted
            Warn quince-61: run 1, its script could not go on: ipxe: kernel: not found
        wait 50 s
        Progress { stage: Some("ipxe"), percent: None, message: Some("kernel: not found") } -> Noted
        wait 50 s
            Stall quince-61: run 1 is stalled: the kernel was not fetched
        Progress { stage: Some("ipxe"), percent: None, message: Some("kernel: not found") } -> Noted
        explain quince-61: installing, attempt 1, stalled; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_restart_does_not_make_a_long_run_look_stalled() {
    let mut site = armed(policy());
    let token = site.token();
    site.report(token, &progress("copying", 50));
    site.wait(Span::from_mins(30));
    site.restart();
    site.wait(Span::from_mins(29));
    site.explain("52:54:00:00:00:01");
    site.wait(Span::from_mins(31));
    expect![[r#"
        Progress { stage: Some("copying"), percent: Some(50), message: None } -> Noted
            Fetch quince-61: run 1, installer: copying
        wait 30 min
        restart
        wait 29 min
        explain quince-61: installing, attempt 1; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
        wait 31 min
            Stall quince-61: run 1 is stalled: it was not heard of since this process started
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_token_of_an_older_run_does_not_speak_for_the_present_one() {
    let mut site = armed(policy());
    let first = site.token();
    let reason = "no disk".to_owned();
    site.report(first, &Report::Fail { reason });
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let _ = site.story();
    site.wait(Span::from_mins(2));
    site.report(first, &progress("copying", 50));
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        wait 2 min
            Stall quince-61: run 2 is stalled: the kernel was not fetched
        Progress { stage: Some("copying"), percent: Some(50), message: None } -> Noted
        explain quince-61: installing, attempt 1, stalled; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
    "#]]
    .assert_eq(&site.story());
}
