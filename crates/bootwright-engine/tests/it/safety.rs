//! What keeps disks safe: armings, budgets, pauses, locks, the guard. Each rule is a story, and `explain` says it.

use bootwright_core::{Span, Wipe};
use bootwright_engine::{Command, Decision, Report};
use expect_test::expect;

use crate::site::{Site, policy};

#[test]
fn an_arming_expires() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.wait(Span::from_mins(24 * 60 - 1));
    site.explain("52:54:00:00:00:01");
    site.wait(Span::from_mins(1));
    site.explain("52:54:00:00:00:01");
    site.ask_mac(1);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        wait 23 h 59 min
        explain quince-61: armed; 0 of 32 installing; paused: no
            would be told: install debian, attempt 1
        wait 1 min
            Hold quince-61: its arming was not used in time and has expired
        explain quince-61: new; 0 of 32 installing; paused: no
            would be told: wait, it is held until it is armed
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
            Hold quince-61: waiting: it is held until it is armed
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn an_arming_expires_even_if_the_clock_has_not_ticked_yet() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.now = site.now.after(Span::from_hours(24));
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> hold (its arming has expired)
            Hold quince-61: waiting: its arming has expired
        explain quince-61: armed; 0 of 32 installing; paused: no
            would be told: wait, its arming has expired
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_host_beyond_max_concurrent_waits_until_a_run_is_over() {
    let mut policy = policy();
    policy.safety.max_concurrent = 1;
    let mut site = Site::new(policy);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.arm("52:54:00:00:00:02", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.ask_mac(2);
    site.explain("52:54:00:00:00:02");
    site.report(token, &Report::Done);
    site.ask_mac(2);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:02 -> quartz-93: armed with debian by alice for 1 d
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:02 asks -> hold (1 installs are under way, as many as `max_concurrent` allows)
            Hold quartz-93: waiting: 1 installs are under way, as many as `max_concurrent` allows
        explain quartz-93: armed; 1 of 1 installing; paused: no
            would be told: wait, 1 installs are under way, as many as `max_concurrent` allows
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn forgetting_a_host_in_the_middle_of_its_run_frees_its_place() {
    let mut policy = policy();
    policy.safety.max_concurrent = 1;
    let mut site = Site::new(policy);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.arm("52:54:00:00:00:02", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.ask_mac(2);
    site.decide("52:54:00:00:00:01", Decision::Forget);
    site.report(token, &Report::Done);
    site.ask_mac(2);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:02 -> quartz-93: armed with debian by alice for 1 d
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:02 asks -> hold (1 installs are under way, as many as `max_concurrent` allows)
            Hold quartz-93: waiting: 1 installs are under way, as many as `max_concurrent` allows
        Forget for 52:54:00:00:00:01 -> quince-61 is forgotten
            Forget quince-61: quince-61 is forgotten
            (all who wait ask again)
        Done -> NoSuchRun
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_host_beyond_max_new_per_hour_waits_until_the_hour_is_over() {
    let mut policy = policy();
    policy.safety.max_new_per_hour = 2;
    let mut site = Site::new(policy);
    for number in 1..=3 {
        site.arm(&format!("52:54:00:00:00:0{number}"), &["debian"]);
    }
    let _ = site.story();
    site.ask_mac(1);
    site.wait(Span::from_mins(30));
    site.ask_mac(2);
    site.ask_mac(3);
    site.explain("52:54:00:00:00:03");
    site.restart();
    site.ask_mac(3);
    site.wait(Span::from_mins(30));
    site.ask_mac(3);
    expect![[r#"
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        wait 30 min
            Stall quince-61: run 1 is stalled: the kernel was not fetched
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:03 asks -> hold (2 installs began within the last hour, as many as `max_new_per_hour` allows)
            Hold fox-54: waiting: 2 installs began within the last hour, as many as `max_new_per_hour` allows
        explain fox-54: armed; 2 of 32 installing; paused: no
            would be told: wait, 2 installs began within the last hour, as many as `max_new_per_hour` allows
        restart
        52:54:00:00:00:03 asks -> hold (2 installs began within the last hour, as many as `max_new_per_hour` allows)
            Hold fox-54: waiting: 2 installs began within the last hour, as many as `max_new_per_hour` allows
        wait 30 min
        52:54:00:00:00:03 asks -> install debian run 1 attempt 1, once recorded
            Boot fox-54: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_pause_holds_what_is_armed_and_what_is_under_way_until_it_ends() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.arm("52:54:00:00:00:02", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    let why = "the rack is being moved".to_owned();
    site.command("pause", &Command::Pause { why });
    site.ask_mac(1);
    site.ask_mac(2);
    site.explain("52:54:00:00:00:02");
    site.restart();
    site.ask_mac(2);
    site.report(token, &Report::Done);
    site.command("resume", &Command::Resume);
    site.ask_mac(2);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:02 -> quartz-93: armed with debian by alice for 1 d
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        pause -> installs are paused
            Pause installs are paused: the rack is being moved; `bootwright resume` lets them go on
        52:54:00:00:00:01 asks -> hold (installs are paused: the rack is being moved)
            Hold quince-61: waiting: installs are paused: the rack is being moved
        52:54:00:00:00:02 asks -> hold (installs are paused: the rack is being moved)
            Hold quartz-93: waiting: installs are paused: the rack is being moved
        explain quartz-93: armed; 1 of 32 installing; paused: the rack is being moved
            would be told: wait, installs are paused: the rack is being moved
        restart
        52:54:00:00:00:02 asks -> hold (installs are paused: the rack is being moved)
            Hold quartz-93: waiting: installs are paused: the rack is being moved
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        resume -> installs go on
            Pause installs go on
            (all who wait ask again)
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn three_failures_in_a_row_pause_installs() {
    let mut site = Site::new(policy());
    for number in 1..=4 {
        site.arm(&format!("52:54:00:00:00:0{number}"), &["debian"]);
    }
    let _ = site.story();
    for number in 1..=3 {
        site.ask_mac(number);
        let token = site.token();
        let reason = "no disk".to_owned();
        site.report(token, &Report::Fail { reason });
    }
    site.ask_mac(4);
    site.explain("52:54:00:00:00:04");
    site.command("resume", &Command::Resume);
    site.ask_mac(4);
    expect![[r#"
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Fail { reason: "no disk" } -> Noted
            Fail quince-61: run 1 failed: the installer reported: no disk; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
        Fail { reason: "no disk" } -> Noted
            Fail quartz-93: run 1 failed: the installer reported: no disk; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:03 asks -> install debian run 1 attempt 1, once recorded
            Boot fox-54: run 1, install script of debian served (attempt 1 of 2)
        Fail { reason: "no disk" } -> Noted
            Fail fox-54: run 1 failed: the installer reported: no disk; next boots: local disk
            Pause installs are paused: 3 runs in a row failed; `bootwright resume` lets them go on
            (all who wait ask again)
        52:54:00:00:00:04 asks -> hold (installs are paused: 3 runs in a row failed)
            Hold dale-81: waiting: installs are paused: 3 runs in a row failed
        explain dale-81: armed; 0 of 32 installing; paused: 3 runs in a row failed
            would be told: wait, installs are paused: 3 runs in a row failed
        resume -> installs go on
            Pause installs go on
            (all who wait ask again)
        52:54:00:00:00:04 asks -> install debian run 1 attempt 1, once recorded
            Boot dale-81: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_success_between_failures_begins_the_count_anew() {
    let mut site = Site::new(policy());
    for number in 1..=5_u8 {
        site.arm(&format!("52:54:00:00:00:0{number}"), &["debian"]);
        site.ask_mac(number);
        let token = site.token();
        let reason = "no disk".to_owned();
        let report = if number == 3 {
            Report::Done
        } else {
            Report::Fail { reason }
        };
        site.report(token, &report);
    }
    assert_eq!(site.engine.world().site.paused, None);
}

#[test]
fn a_host_that_was_up_for_a_day_is_locked_and_unlocking_lasts_a_day() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.report(token, &Report::Up);
    let _ = site.story();
    site.wait(Span::from_hours(24));
    site.explain("52:54:00:00:00:01");
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.decide("52:54:00:00:00:01", Decision::Unlock);
    site.wait(Span::from_secs(1));
    site.restart();
    site.wait(Span::from_hours(23));
    site.explain("52:54:00:00:00:01");
    site.wait(Span::from_hours(1));
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        wait 1 d
            Lock quince-61: locked: it has been up long enough to be protected
        explain quince-61: installed, locked; 0 of 32 installing; paused: no
            would be told: local disk, it is installed
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> refused: quince-61: the host is locked; `bootwright host unlock` takes the lock away
        Unlock for 52:54:00:00:00:01 -> quince-61: unlocked
            Lock quince-61: unlocked
        wait 1 s
        restart
        wait 23 h
        explain quince-61: installed; 0 of 32 installing; paused: no
            would be told: local disk, it is installed
        wait 1 h
            Lock quince-61: locked: it has been up long enough to be protected
        explain quince-61: installed, locked; 0 of 32 installing; paused: no
            would be told: local disk, it is installed
    "#]].assert_eq(&site.story());
}

#[test]
fn a_lock_takes_an_arming_away_and_holds_until_it_is_unlocked_and_armed_again() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.decide("52:54:00:00:00:01", Decision::Lock);
    site.ask_mac(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.decide("52:54:00:00:00:01", Decision::Unlock);
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        Lock for 52:54:00:00:00:01 -> quince-61: locked
            Lock quince-61: locked
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
            Hold quince-61: waiting: it is held until it is armed
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> refused: quince-61: the host is locked; `bootwright host unlock` takes the lock away
        Unlock for 52:54:00:00:00:01 -> quince-61: unlocked
            Lock quince-61: unlocked
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
        explain quince-61: new; 0 of 32 installing; paused: no
            would be told: wait, it is held until it is armed
    "#]].assert_eq(&site.story());
}

#[test]
fn the_guard_refuses_a_disk_that_is_not_empty_until_it_is_named() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.guard(token, "S4EV", Some("ext4, 3 partitions"));
    site.guard(token, "S4EV", None);
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    site.arm_with_wipe("52:54:00:00:00:01", " S4EV ");
    site.ask_mac(1);
    let token = site.token();
    site.guard(token, "S4EV", Some("ext4, 3 partitions"));
    site.guard(token, "OTHER", Some("ntfs"));
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Guard { serial: "S4EV", content: Some("ext4, 3 partitions") } -> Guard(Stop("disk S4EV is not empty (ext4, 3 partitions)"))
            Fail quince-61: run 1 failed: the disk guard refused: disk S4EV is not empty (ext4, 3 partitions); `bootwright host arm quince-61 --allow-wipe S4EV` allows it once; next boots: local disk
            (all who wait ask again)
        Guard { serial: "S4EV", content: None } -> Guard(Stop("the run is over"))
        52:54:00:00:00:01 asks -> local bios-disk (its last run failed; arm it again to install it)
            Local quince-61: local-boot script served (bios-disk)
        explain quince-61: failed; 0 of 32 installing; paused: no
            would be told: local disk, its last run failed; arm it again to install it
        Arm { profiles: [debian], wipe: {" S4EV "} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d, overwriting of S4EV allowed
            Armed quince-61: armed with debian by alice for 1 d, overwriting of S4EV allowed
        52:54:00:00:00:01 asks -> install debian run 2 attempt 1, once recorded
            Boot quince-61: run 2, install script of debian served (attempt 1 of 2)
        Guard { serial: "S4EV", content: Some("ext4, 3 partitions") } -> Guard(Go)
        Guard { serial: "OTHER", content: Some("ntfs") } -> Guard(Stop("disk OTHER is not empty (ntfs)"))
            Fail quince-61: run 2 failed: the disk guard refused: disk OTHER is not empty (ntfs); `bootwright host arm quince-61 --allow-wipe OTHER` allows it once; next boots: local disk
            (all who wait ask again)
    "#]].assert_eq(&site.story());
}

#[test]
fn the_second_attempt_may_go_on_with_the_disk_that_the_first_was_allowed() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.guard(token, "S4EV", None);
    site.restart();
    site.ask_mac(1);
    site.guard(token, "S4EV", Some("half a system"));
    site.report(token, &Report::Done);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.guard(token, "S4EV", Some("a whole system"));
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Guard { serial: "S4EV", content: None } -> Guard(Go)
            Guard quince-61: run 1, disk guard: disk S4EV may be overwritten
        restart
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        Guard { serial: "S4EV", content: Some("half a system") } -> Guard(Go)
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 2 attempt 1, once recorded
            Boot quince-61: run 2, install script of debian served (attempt 1 of 2)
        Guard { serial: "S4EV", content: Some("a whole system") } -> Guard(Stop("disk S4EV is not empty (a whole system)"))
            Fail quince-61: run 2 failed: the disk guard refused: disk S4EV is not empty (a whole system); `bootwright host arm quince-61 --allow-wipe S4EV` allows it once; next boots: local disk
            (all who wait ask again)
    "#]].assert_eq(&site.story());
}

#[test]
fn a_disk_without_a_serial_number_is_never_named() {
    let mut site = Site::new(policy());
    site.arm_with_wipe("52:54:00:00:00:01", " ");
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.guard(token, "", None);
    site.ask_mac(1);
    site.guard(token, "", Some("ntfs"));
    expect![[r#"
        Arm { profiles: [debian], wipe: {" "} } for 52:54:00:00:00:01 -> refused: a disk without a serial number cannot be told from another, so that no arming can name it
            New quince-61: 52:54:00:00:00:01
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Guard { serial: "", content: None } -> Guard(Go)
            Guard quince-61: run 1, disk guard: disk without a serial number may be overwritten
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        Guard { serial: "", content: Some("ntfs") } -> Guard(Stop("disk without a serial number is not empty (ntfs)"))
            Fail quince-61: run 1 failed: the disk guard refused: disk without a serial number is not empty (ntfs); empty it by hand, as no arming can name it; next boots: local disk
            (all who wait ask again)
    "#]].assert_eq(&site.story());
}

#[test]
fn the_configuration_alone_can_switch_the_guard_off() {
    let mut policy = policy();
    policy.safety.wipe = Wipe::Always;
    let mut site = Site::new(policy);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    let _ = site.story();
    site.guard(token, "S4EV", Some("ext4"));
    expect![[r#"
        Guard { serial: "S4EV", content: Some("ext4") } -> Guard(Go)
            Guard quince-61: run 1, disk guard: disk S4EV may be overwritten
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_run_has_two_attempts_and_the_third_question_leads_to_the_local_disk() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    site.ask_mac(1);
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        explain quince-61: installing, attempt 1; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        explain quince-61: installing, attempt 2; 1 of 32 installing; paused: no
            would be told: give up, then the local disk
        52:54:00:00:00:01 asks -> local bios-disk (its last run failed; arm it again to install it), once recorded
            Fail quince-61: run 1 failed: all attempts used; next boots: local disk
            Local quince-61: local-boot script served (bios-disk)
            (all who wait ask again)
        52:54:00:00:00:01 asks -> local exit (its last run failed; arm it again to install it)
            Loop quince-61: came back from its disk too early, once; local-boot script served (exit)
        explain quince-61: failed; 0 of 32 installing; paused: no
            would be told: local disk, its last run failed; arm it again to install it
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_run_of_which_nothing_is_heard_fails_at_its_deadline() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    let _ = site.story();
    site.wait(Span::from_hours(5));
    site.explain("52:54:00:00:00:01");
    site.wait(Span::from_hours(1));
    site.explain("52:54:00:00:00:01");
    site.report(token, &Report::Done);
    site.ask_mac(1);
    expect![[r#"
        wait 5 h
            Stall quince-61: run 1 is stalled: the kernel was not fetched
        explain quince-61: installing, attempt 1, stalled; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
        wait 1 h
            Fail quince-61: run 1 failed: nothing was heard until the deadline; next boots: local disk
            (all who wait ask again)
        explain quince-61: failed; 0 of 32 installing; paused: no
            would be told: local disk, its last run failed; arm it again to install it
        Done -> NoSuchRun
        52:54:00:00:00:01 asks -> local bios-disk (its last run failed; arm it again to install it)
            Local quince-61: local-boot script served (bios-disk)
    "#]]
    .assert_eq(&site.story());
}
