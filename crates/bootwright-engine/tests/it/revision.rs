//! A run goes on with the profile that it was started with.

use std::sync::Arc;

use bootwright_core::{Policy, Profile, RevisionKey, Span};
use bootwright_engine::{Decision, Report};
use expect_test::expect;

use crate::site::{Site, policy, profile};

const HOST: &str = "52:54:00:00:00:01";

/// The same site with another text of its profile.
fn changed(kernel: &str, revision: u64) -> Policy {
    let mut policy = policy();
    let other = Profile {
        kernel: kernel.to_owned(),
        revision,
        ..(*profile("debian")).clone()
    };
    policy.profiles.insert(other.name.clone(), Arc::new(other));
    policy
}

fn kept(site: &Site) -> Vec<(String, u64)> {
    let key = |key: &RevisionKey| (key.profile.to_string(), key.revision);
    site.revisions.keys().map(key).collect()
}

/// What the next installer of the machine with this number would boot.
fn kernel(site: &mut Site, number: u8) -> Option<String> {
    site.ask_mac(number);
    site.last_ticket.take().map(|ticket| ticket.profile.kernel.clone())
}

#[test]
fn a_second_attempt_boots_what_the_first_one_did_after_a_reload_and_after_a_restart() {
    let mut site = Site::new(policy());
    site.arm(HOST, &["debian"]);
    assert_eq!(kernel(&mut site, 1).as_deref(), Some("/images/linux"));
    assert_eq!(kept(&site), [("debian".to_owned(), 1)]);
    site.reload(changed("/images/other", 2));
    site.restart();
    assert_eq!(kernel(&mut site, 1).as_deref(), Some("/images/linux"));
    // A run that begins now begins with what the configuration says now.
    site.arm("52:54:00:00:00:02", &["debian"]);
    assert_eq!(kernel(&mut site, 2).as_deref(), Some("/images/other"));
    assert_eq!(kept(&site), [("debian".to_owned(), 1), ("debian".to_owned(), 2)]);
}

#[test]
fn what_no_run_needs_any_more_is_dropped_from_the_record() {
    let mut site = Site::new(policy());
    for number in [1, 2] {
        site.arm(&format!("52:54:00:00:00:0{number}"), &["debian"]);
        site.ask_mac(number);
    }
    let token = site.token();
    site.reload(changed("/images/other", 2));
    site.report(token, &Report::Done);
    assert_eq!(
        kept(&site),
        [("debian".to_owned(), 1)],
        "the first machine's run still needs it"
    );
    site.decide(HOST, Decision::Forget);
    assert_eq!(kept(&site), []);
}

#[test]
fn what_the_record_has_too_much_is_dropped_at_the_start() {
    let mut site = Site::new(policy());
    let other = changed("/images/other", 2).profiles["debian"].clone();
    site.revisions.insert(RevisionKey::of(&other), (*other).clone());
    site.restart();
    site.reload(policy());
    assert_eq!(kept(&site), []);
}

#[test]
fn a_run_of_which_nobody_knows_what_it_was_started_with_waits_for_an_operator() {
    let mut site = Site::new(policy());
    site.arm(HOST, &["debian"]);
    site.ask_mac(1);
    site.story();
    site.revisions.clear();
    site.reload(changed("/images/other", 2));
    site.restart();
    site.ask_mac(1);
    site.explain(HOST);
    assert!(
        site.engine
            .is_held(site.now, &site.engine.resolve(HOST).expect("a host"))
    );
    site.wait(Span::from_mins(1));
    site.decide(HOST, Decision::Hold);
    site.arm(HOST, &["debian"]);
    site.ask_mac(1);
    expect![[r#"
        reload -> would arm []
            Reload configuration in force: 3 profiles, 0 hosts, 0 rules
            (all who wait ask again)
        restart
        52:54:00:00:00:01 asks -> hold (profile `debian` reads otherwise now, and what its run was started with is not in the record)
            Hold quince-61: waiting: profile `debian` reads otherwise now, and what its run was started with is not in the record
        explain quince-61: installing, attempt 1; 1 of 32 installing; paused: no
            would be told: wait, profile `debian` reads otherwise now, and what its run was started with is not in the record
        wait 1 min
        Hold for 52:54:00:00:00:01 -> quince-61: held
            Hold quince-61: held
            (all who wait ask again)
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 2 attempt 1, once recorded
            Boot quince-61: run 2, install script of debian served (attempt 1 of 2)
    "#]].assert_eq(&site.story());
}

#[test]
fn a_record_that_never_kept_it_takes_it_from_a_configuration_that_is_still_the_same() {
    let mut site = Site::new(policy());
    site.arm(HOST, &["debian"]);
    site.ask_mac(1);
    site.revisions.clear();
    site.restart();
    site.reload(policy());
    assert_eq!(kept(&site), [("debian".to_owned(), 1)]);
    assert_eq!(kernel(&mut site, 1).as_deref(), Some("/images/linux"));
}
