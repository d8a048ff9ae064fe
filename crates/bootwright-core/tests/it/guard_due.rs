//! The disk guard, what becomes due by itself, and the ways to the own disk.

use std::collections::BTreeSet;

use bootwright_core::{Disk, GuardVerdict, Policy, Span, Wipe, due, guard};
use expect_test::expect;

use crate::decide_cell::host;
use crate::story::{START, alice, grant};

#[test]
fn the_guard_lets_an_installer_write_to_empty_disks_and_to_those_that_were_named() {
    let mut permission = grant(alice(), START);
    permission.wipe = BTreeSet::from(["S1".to_owned(), String::new()]);
    let mut text = String::new();
    for wipe in [Wipe::EmptyOnly, Wipe::Always] {
        for (serial, content) in [
            ("S1", None),
            ("S1", Some("ext4")),
            ("S2", None),
            ("S2", Some("ext4")),
            ("", None),
            ("", Some("ntfs")),
        ] {
            let told = match guard(wipe, &permission, Disk { serial, content }) {
                GuardVerdict::Go => "go".to_owned(),
                GuardVerdict::Stop(why) => format!("stop: {why}"),
            };
            text.push_str(&format!("{wipe:?} disk `{serial}` with {content:?}: {told}\n"));
        }
    }
    expect![[r#"
        EmptyOnly disk `S1` with None: go
        EmptyOnly disk `S1` with Some("ext4"): go
        EmptyOnly disk `S2` with None: go
        EmptyOnly disk `S2` with Some("ext4"): stop: disk S2 is not empty (ext4)
        EmptyOnly disk `` with None: go
        EmptyOnly disk `` with Some("ntfs"): stop: disk without a serial number is not empty (ntfs)
        Always disk `S1` with None: go
        Always disk `S1` with Some("ext4"): go
        Always disk `S2` with None: go
        Always disk `S2` with Some("ext4"): go
        Always disk `` with None: go
        Always disk `` with Some("ntfs"): go
    "#]]
    .assert_eq(&text);
}

#[test]
fn what_becomes_due_by_itself_follows_from_the_state() {
    let policy = Policy::default();
    let mut text = String::new();
    for story in [
        "",
        "hold",
        "arm debian",
        "arm debian; start 1",
        "arm debian; start 1; finish 1",
        "arm debian; start 1; up 1",
        "arm debian; start 1; up 1; lock",
        "arm debian; start 1; fail 1",
        "live rescue",
        "ignore",
    ] {
        let told = due(&policy, &host(story)).map_or_else(
            || "nothing".to_owned(),
            |(at, event)| {
                let name = format!("{event:?}");
                let name = name.split([' ', '{']).next().unwrap_or_default().to_owned();
                format!("{name} after {}", at.since(START))
            },
        );
        text.push_str(&format!("{story:<32} {told}\n"));
    }
    expect![[r#"
                                         nothing
        hold                             nothing
        arm debian                       GrantExpired after 1 d
        arm debian; start 1              DeadlinePassed after 6 h
        arm debian; start 1; finish 1    nothing
        arm debian; start 1; up 1        Locked after 1 d
        arm debian; start 1; up 1; lock  nothing
        arm debian; start 1; fail 1      nothing
        live rescue                      nothing
        ignore                           nothing
    "#]]
    .assert_eq(&text);
}

#[test]
fn nothing_is_locked_by_itself_where_the_policy_leaves_hosts_open() {
    let mut policy = Policy::default();
    policy.safety.protect_after = None;
    assert_eq!(due(&policy, &host("arm debian; start 1; up 1")), None);
}

#[test]
fn an_unlocked_host_is_due_for_its_lock_only_after_the_whole_time_again() {
    let mut policy = Policy::default();
    policy.safety.protect_after = Some(Span::from_hours(1));
    let locked = host("arm debian; start 1; up 1; lock");
    assert_eq!(due(&policy, &locked), None);
    let later = START.after(Span::from_hours(5));
    let event = crate::story::event("unlock", later);
    let bootwright_core::Step::Moved(state) = bootwright_core::step(&locked.state, &event) else {
        panic!("it was not unlocked");
    };
    let open = bootwright_core::Host {
        state: *state,
        ..locked
    };
    let at = due(&policy, &open).map(|(at, _)| at.since(later));
    assert_eq!(at, Some(Span::from_hours(1)));
}
