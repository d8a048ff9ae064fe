//! A stage that takes too long: its limit counts from its beginning or the last progress, not from the last sign of life.

use bootwright_core::Span;
use bootwright_engine::{Command, FetchKind, Report};
use expect_test::expect;

use crate::site::{Site, address, mac, policy};

const HOST: &str = "52:54:00:00:00:01";

/// A machine that installs.
fn installing() -> Site {
    let mut site = Site::new(policy());
    site.arm(HOST, &["debian"]);
    site.ask_mac(1);
    site.engine.learn_address(mac(1), address(mac(1)));
    site.story();
    site
}

fn says(site: &mut Site, stage: &str, percent: Option<u8>) {
    let token = site.token();
    let report = Report::Progress {
        stage: Some(stage.to_owned()),
        percent,
        message: None,
    };
    site.report(token, &report);
}

/// What was recorded of stalling.
fn stalls(site: &mut Site) -> String {
    let story = site.story();
    let told = story
        .lines()
        .filter(|line| line.contains("Stall ") || line.starts_with("after "));
    told.map(|line| format!("{}\n", line.trim())).collect()
}

#[test]
fn an_installer_that_says_the_same_again_and_again_is_stalled_and_stays_so_until_it_says_something_else() {
    let mut site = installing();
    for minute in (0..=130).step_by(10) {
        says(&mut site, "fetching", Some(40));
        site.say(&format!("after {minute} min"));
        site.wait(Span::from_mins(10));
    }
    says(&mut site, "fetching", Some(41));
    expect![[r#"
        after 0 min
        after 10 min
        after 20 min
        after 30 min
        after 40 min
        after 50 min
        Stall quince-61: run 1 is stalled: the installer does not come on
        after 60 min
        after 70 min
        after 80 min
        after 90 min
        after 100 min
        after 110 min
        after 120 min
        after 130 min
        Stall quince-61: run 1, heard of again
    "#]]
    .assert_eq(&stalls(&mut site));
}

#[test]
fn an_installer_that_tries_the_same_few_things_in_turn_does_not_come_on() {
    let mut site = installing();
    for minute in (0..=70).step_by(10) {
        says(&mut site, "fetching the image", Some(0));
        says(&mut site, "that failed, trying again", None);
        site.say(&format!("after {minute} min"));
        site.wait(Span::from_mins(10));
    }
    expect![[r#"
        after 0 min
        after 10 min
        after 20 min
        after 30 min
        after 40 min
        after 50 min
        Stall quince-61: run 1 is stalled: the installer does not come on
        after 60 min
        after 70 min
    "#]]
    .assert_eq(&stalls(&mut site));
}

#[test]
fn an_installer_that_comes_on_may_take_as_long_as_it_needs() {
    let mut site = installing();
    for percent in 0..10 {
        says(&mut site, "writing", Some(percent * 10));
        site.wait(Span::from_mins(30));
    }
    assert_eq!(stalls(&mut site), "");
}

#[test]
fn firmware_that_runs_in_circles_never_fetches_the_kernel() {
    let mut site = installing();
    for seconds in (0..=150).step_by(30) {
        site.offer(1);
        site.fetched(1, "undionly.kpxe", FetchKind::Firmware, None);
        site.say(&format!("after {seconds} s"));
        site.wait(Span::from_secs(30));
    }
    expect![[r#"
        after 0 s
        after 30 s
        after 60 s
        after 90 s
        Stall quince-61: run 1 is stalled: the kernel was not fetched
        after 120 s
        after 150 s
    "#]]
    .assert_eq(&stalls(&mut site));
}

#[test]
fn a_machine_that_fetches_its_kernel_again_and_again_is_stalled() {
    let mut site = installing();
    for minute in 0..=12 {
        site.fetched(1, "linux", FetchKind::Image, None);
        site.say(&format!("after {minute} min"));
        site.wait(Span::from_mins(1));
    }
    expect![[r#"
        after 0 min
        after 1 min
        after 2 min
        after 3 min
        after 4 min
        after 5 min
        after 6 min
        after 7 min
        after 8 min
        after 9 min
        Stall quince-61: run 1 is stalled: the installer has not called
        after 10 min
        after 11 min
        after 12 min
    "#]]
    .assert_eq(&stalls(&mut site));
}

#[test]
fn a_run_that_waits_for_us_is_not_stalled() {
    let mut site = installing();
    site.command(
        "pause",
        &Command::Pause {
            why: "noise".to_owned(),
        },
    );
    for _ in 0..10 {
        site.ask_mac(1);
        site.wait(Span::from_mins(1));
    }
    site.command("resume", &Command::Resume);
    site.ask_mac(1);
    site.say("after the pause");
    site.wait(Span::from_mins(2));
    expect![[r#"
        after the pause
        Stall quince-61: run 1 is stalled: the kernel was not fetched
    "#]]
    .assert_eq(&stalls(&mut site));
}
