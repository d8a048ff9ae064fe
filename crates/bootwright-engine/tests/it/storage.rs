//! What the engine promises while the store is down, nearly full, or behind.

use bootwright_core::Span;
use bootwright_engine::Report;
use expect_test::expect;

use crate::site::{Site, policy};

#[test]
fn nothing_begins_while_nothing_can_be_recorded() {
    let mut site = Site::new(policy());
    for number in 1..=3 {
        site.arm(&format!("52:54:00:00:00:0{number}"), &["debian"]);
    }
    site.ask_mac(1);
    let first = site.token();
    site.report(first, &Report::Done);
    site.ask_mac(2);
    let second = site.token();
    let _ = site.story();
    site.set_store(false, false);
    site.ask_mac(1);
    site.ask_mac(2);
    site.ask_mac(3);
    site.ask_mac(4);
    site.report(second, &Report::Done);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.explain("52:54:00:00:00:03");
    site.wait(Span::from_hours(48));
    site.set_store(true, false);
    site.wait(Span::from_secs(1));
    site.report(second, &Report::Done);
    expect![[r#"
        the store is down
            (all who wait ask again)
        52:54:00:00:00:01 asks -> local bios-disk (it is installed)
        52:54:00:00:00:02 asks -> hold (the store cannot be written)
        52:54:00:00:00:03 asks -> hold (the store cannot be written)
        52:54:00:00:00:04 asks -> hold (the store cannot be written)
        Done -> StoreDown
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> refused: the store cannot be written; `bootwright explain` says why
        explain fox-54: armed; 1 of 32 installing; paused: no
            would be told: wait, the store cannot be written
        wait 2 d
        the store is well
            (all who wait ask again)
        wait 1 s
            Fail quartz-93: run 1 failed: nothing was heard until the deadline; next boots: local disk
            Hold fox-54: its arming was not used in time and has expired
            (all who wait ask again)
        Done -> NoSuchRun
    "#]].assert_eq(&site.story());
}

#[test]
fn a_run_that_is_given_up_while_nothing_can_be_recorded_is_given_up_again_later() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    site.ask_mac(1);
    let _ = site.story();
    site.set_store(false, false);
    site.ask_mac(1);
    site.set_store(true, false);
    site.ask_mac(1);
    expect![[r#"
        the store is down
            (all who wait ask again)
        52:54:00:00:00:01 asks -> local bios-disk (its last run failed; arm it again to install it)
        the store is well
            (all who wait ask again)
        52:54:00:00:00:01 asks -> local bios-disk (its last run failed; arm it again to install it), once recorded
            Fail quince-61: run 1 failed: all attempts used; next boots: local disk
            Local quince-61: local-boot script served (bios-disk)
            (all who wait ask again)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn another_machine_in_an_armed_ones_name_gets_nothing_while_nothing_can_be_recorded() {
    let mut site = Site::new(policy());
    site.ask_machine(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    let mut other = crate::site::machine(1);
    other.serial = Some("SN9999".to_owned());
    let _ = site.story();
    site.set_store(false, false);
    site.ask(&other);
    site.set_store(true, false);
    site.ask(&other);
    site.ask_machine(1);
    expect![[r#"
        the store is down
            (all who wait ask again)
        52:54:00:00:00:01 asks -> hold (its identity is in doubt: its serial number is `SN9999`, not `SN0001`)
        the store is well
            (all who wait ask again)
        52:54:00:00:00:01 asks -> hold (its identity is in doubt: its serial number is `SN9999`, not `SN0001`), once recorded
            Warn quince-61: held, its identity is in doubt: its serial number is `SN9999`, not `SN0001` (52:54:00:00:00:01, serial SN9999)
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
            Hold quince-61: waiting: it is held until it is armed
    "#]].assert_eq(&site.story());
}

#[test]
fn with_little_room_left_nothing_new_begins_and_what_runs_may_end() {
    let mut site = Site::new(policy());
    for number in 1..=2 {
        site.arm(&format!("52:54:00:00:00:0{number}"), &["debian"]);
    }
    site.ask_mac(1);
    let token = site.token();
    let _ = site.story();
    site.set_store(true, true);
    site.ask_mac(2);
    site.ask_mac(1);
    site.report(token, &Report::Done);
    site.explain("52:54:00:00:00:02");
    expect![[r#"
        the store is nearly full
            (all who wait ask again)
        52:54:00:00:00:02 asks -> hold (the disk of the store is full, and nothing new may begin until it has room)
            Hold quartz-93: waiting: the disk of the store is full, and nothing new may begin until it has room
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        explain quartz-93: armed; 0 of 32 installing; paused: no
            would be told: wait, the disk of the store is full, and nothing new may begin until it has room
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn while_too_much_waits_to_be_recorded_nothing_is_promised() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    let _ = site.story();
    site.engine.set_busy(true);
    site.ask_mac(1);
    site.engine.set_busy(false);
    site.ask_mac(1);
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (the store cannot be written)
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}
