//! Hosts that are sent to their own disk, and come back.

use bootwright_core::Span;
use bootwright_engine::Decision;
use expect_test::expect;

use crate::site::{Site, policy};

fn local() -> Site {
    let mut site = Site::new(policy());
    site.decide("52:54:00:00:00:01", Decision::Local);
    let _ = site.story();
    site
}

#[test]
fn a_host_that_comes_back_within_two_minutes_gets_the_next_method_and_keeps_it() {
    let mut site = local();
    site.ask_mac(1);
    site.wait(Span::from_secs(119));
    site.ask_mac(1);
    site.wait(Span::from_hours(1));
    site.restart();
    site.ask_mac(1);
    expect![[r#"
        52:54:00:00:00:01 asks -> local bios-disk (an operator chose its own disk)
            Local quince-61: local-boot script served (bios-disk)
        wait 1 min 59 s
        52:54:00:00:00:01 asks -> local exit (an operator chose its own disk)
            Loop quince-61: came back from its disk too early, once; local-boot script served (exit)
        wait 1 h
        restart
        52:54:00:00:00:01 asks -> local exit (an operator chose its own disk)
            Local quince-61: local-boot script served (exit)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_host_that_comes_back_after_two_minutes_has_started_from_its_disk() {
    let mut site = local();
    site.ask_mac(1);
    site.wait(Span::from_secs(120));
    site.ask_mac(1);
    expect![[r#"
        52:54:00:00:00:01 asks -> local bios-disk (an operator chose its own disk)
            Local quince-61: local-boot script served (bios-disk)
        wait 2 min
        52:54:00:00:00:01 asks -> local bios-disk (an operator chose its own disk)
            Local quince-61: local-boot script served (bios-disk)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_host_that_loops_for_hours_does_not_fill_the_record() {
    let mut site = local();
    for _ in 0..20_000 {
        site.now = site.now.after(Span::from_millis(500));
        site.ask_mac(1);
    }
    let story = site.story();
    let recorded = story.lines().filter(|line| line.starts_with("    Loop")).count();
    // Ten at once and then one a minute, for 10,000 seconds.
    assert!((100..=200).contains(&recorded), "{recorded} lines");
}
