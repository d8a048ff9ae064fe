//! Rules that arm by themselves, reloads that never do, and what unknown hosts get.

use std::sync::Arc;

use bootwright_core::{Span, Unknown};
use bootwright_engine::{Command, Decision, Report};
use expect_test::expect;

use crate::site::{Site, policy, profile, rule};

#[test]
fn a_reload_never_arms_and_apply_does() {
    let mut site = Site::new(policy());
    site.ask_mac(1);
    site.wait(Span::from_secs(1));
    let _ = site.story();
    let mut with_rule = site.policy();
    with_rule.rules = vec![rule("rack", "debian", true, Some(2))].into();
    site.reload(with_rule.clone());
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    site.restart();
    site.reload(with_rule);
    site.ask_mac(1);
    site.wait(Span::from_secs(1));
    site.apply();
    site.ask_mac(1);
    site.ask_mac(2);
    site.apply();
    expect![[r#"
        reload -> would arm ["quince-61"]
            Reload rule rack arms hosts that are first seen from now on
            Reload configuration in force: 3 profiles, 0 hosts, 1 rule; 1 host to be armed by `bootwright apply`
            (all who wait ask again)
        52:54:00:00:00:01 asks -> hold (rule `rack` is younger than this host; `bootwright apply` accepts it)
            Hold quince-61: waiting: rule `rack` is younger than this host; `bootwright apply` accepts it
        explain quince-61: new; 0 of 32 installing; paused: no
            rule rack (debian): matches
            would be told: wait, rule `rack` is younger than this host; `bootwright apply` accepts it
        restart
        reload -> would arm ["quince-61"]
            Reload configuration in force: 3 profiles, 0 hosts, 1 rule; 1 host to be armed by `bootwright apply`
            (all who wait ask again)
        52:54:00:00:00:01 asks -> hold (rule `rack` is younger than this host; `bootwright apply` accepts it)
            Hold quince-61: waiting: rule `rack` is younger than this host; `bootwright apply` accepts it
        wait 1 s
        apply -> armed ["quince-61"]
            Armed quince-61: armed with debian by alice, who applied rule rack
            Armed rule rack has granted 1 installs
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by rule rack
            Armed rule rack has granted 2 installs
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
        apply -> armed []
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_rule_that_reads_otherwise_is_another_rule() {
    let mut policy = policy();
    policy.rules = vec![rule("rack", "debian", true, Some(1))].into();
    let mut site = Site::new(policy.clone());
    site.wait(Span::from_secs(1));
    site.ask_mac(1);
    site.ask_mac(2);
    site.wait(Span::from_secs(1));
    let mut more = policy.rules.to_vec();
    more[0].limit = Some(5);
    more[0].fingerprint = 6;
    policy.rules = more.into();
    site.reload(policy);
    site.ask_mac(2);
    site.wait(Span::from_secs(1));
    site.ask_mac(3);
    expect![[r#"
        wait 1 s
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by rule rack
            Armed rule rack has granted 1 installs
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:02 asks -> hold (rule `rack` has granted its 1 installs)
            New quartz-93: 52:54:00:00:00:02
            Hold quartz-93: waiting: rule `rack` has granted its 1 installs
        wait 1 s
        reload -> would arm ["quartz-93"]
            Reload rule rack arms hosts that are first seen from now on
            Reload configuration in force: 3 profiles, 0 hosts, 1 rule; 1 host to be armed by `bootwright apply`
            (all who wait ask again)
        52:54:00:00:00:02 asks -> hold (rule `rack` is younger than this host; `bootwright apply` accepts it)
            Hold quartz-93: waiting: rule `rack` is younger than this host; `bootwright apply` accepts it
        wait 1 s
        52:54:00:00:00:03 asks -> install debian run 1 attempt 1, once recorded
            New fox-54: 52:54:00:00:00:03
            Armed fox-54: armed with debian by rule rack
            Armed rule rack has granted 1 installs
            Boot fox-54: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_rule_grants_no_more_than_its_limit() {
    let mut policy = policy();
    policy.rules = vec![rule("rack", "debian", true, Some(2))].into();
    let mut site = Site::new(policy);
    site.wait(Span::from_secs(1));
    let _ = site.story();
    site.ask_mac(1);
    site.ask_mac(2);
    site.restart();
    site.ask_mac(3);
    site.explain("52:54:00:00:00:03");
    expect![[r#"
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by rule rack
            Armed rule rack has granted 1 installs
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by rule rack
            Armed rule rack has granted 2 installs
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
        restart
        52:54:00:00:00:03 asks -> hold (rule `rack` has granted its 2 installs)
            New fox-54: 52:54:00:00:00:03
            Hold fox-54: waiting: rule `rack` has granted its 2 installs
        explain fox-54: new; 2 of 32 installing; paused: no
            rule rack (debian): matches
            would be told: wait, rule `rack` has granted its 2 installs
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_rule_without_a_limit_arms_nobody() {
    let mut policy = policy();
    policy.rules = vec![rule("rack", "debian", true, None)].into();
    let mut site = Site::new(policy);
    site.wait(Span::from_secs(1));
    let _ = site.story();
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (rule `rack` has granted its 0 installs)
            New quince-61: 52:54:00:00:00:01
            Hold quince-61: waiting: rule `rack` has granted its 0 installs
        explain quince-61: new; 0 of 32 installing; paused: no
            rule rack (debian): matches
            would be told: wait, rule `rack` has granted its 0 installs
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_rule_that_arms_many_hosts_within_a_minute_pauses_installs() {
    let mut policy = policy();
    policy.rules = vec![rule("rack", "debian", true, Some(100))].into();
    policy.safety.max_rule_arms_per_minute = 2;
    let mut site = Site::new(policy);
    site.wait(Span::from_secs(1));
    let _ = site.story();
    for number in 1..=3 {
        site.ask_mac(number);
    }
    site.explain("52:54:00:00:00:03");
    site.command("resume", &Command::Resume);
    site.ask_mac(3);
    site.wait(Span::from_secs(61));
    site.ask_mac(4);
    expect![[r#"
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by rule rack
            Armed rule rack has granted 1 installs
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by rule rack
            Armed rule rack has granted 2 installs
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:03 asks -> hold (installs are paused: rule rack armed 2 hosts within a minute)
            New fox-54: 52:54:00:00:00:03
            Pause installs are paused: rule rack armed 2 hosts within a minute; `bootwright resume` lets them go on
            Hold fox-54: waiting: installs are paused: rule rack armed 2 hosts within a minute
        explain fox-54: new; 2 of 32 installing; paused: rule rack armed 2 hosts within a minute
            rule rack (debian): matches
            would be told: wait, installs are paused: rule rack armed 2 hosts within a minute
        resume -> installs go on
            Pause installs go on
            (all who wait ask again)
        52:54:00:00:00:03 asks -> install debian run 1 attempt 1, once recorded
            Armed fox-54: armed with debian by rule rack
            Armed rule rack has granted 3 installs
            Boot fox-54: run 1, install script of debian served (attempt 1 of 2)
        wait 1 min 1 s
        52:54:00:00:00:04 asks -> install debian run 1 attempt 1, once recorded
            New dale-81: 52:54:00:00:00:04
            Armed dale-81: armed with debian by rule rack
            Armed rule rack has granted 4 installs
            Boot dale-81: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_rule_arms_no_host_twice_and_none_about_which_a_person_has_spoken() {
    let mut policy = policy();
    policy.rules = vec![rule("rack", "debian", true, Some(100))].into();
    let mut site = Site::new(policy);
    site.wait(Span::from_secs(1));
    let _ = site.story();
    site.ask_mac(1);
    let token = site.token();
    let reason = "no disk".to_owned();
    site.report(token, &Report::Fail { reason });
    site.ask_mac(1);
    site.decide("52:54:00:00:00:02", Decision::Hold);
    site.ask_mac(2);
    site.decide("52:54:00:00:00:01", Decision::Local);
    site.ask_mac(1);
    expect![[r#"
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by rule rack
            Armed rule rack has granted 1 installs
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Fail { reason: "no disk" } -> Noted
            Fail quince-61: run 1 failed: the installer reported: no disk; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:01 asks -> local bios-disk (its last run failed; arm it again to install it)
            Local quince-61: local-boot script served (bios-disk)
        Hold for 52:54:00:00:00:02 -> quartz-93: held
            New quartz-93: 52:54:00:00:00:02
            Hold quartz-93: held
        52:54:00:00:00:02 asks -> hold (it is held until it is armed)
            Hold quartz-93: waiting: it is held until it is armed
        Local for 52:54:00:00:00:01 -> quince-61: next boots: local disk
            Local quince-61: next boots: local disk
        52:54:00:00:00:01 asks -> local exit (an operator chose its own disk)
            Loop quince-61: came back from its disk too early, once; local-boot script served (exit)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn the_first_rule_that_matches_decides_and_explain_shows_the_way_there() {
    let mut policy = policy();
    let mut first = rule("virtual", "flatcar", false, None);
    first.when = [(
        bootwright_core::Attribute::Manufacturer,
        bootwright_core::Pattern::new("QEMU*"),
    )]
    .into();
    policy.rules = vec![
        first,
        rule("rack", "debian", false, None),
        rule("late", "wipe", true, Some(9)),
    ]
    .into();
    let mut site = Site::new(policy);
    site.wait(Span::from_secs(1));
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    site.arm("52:54:00:00:00:01", &[]);
    site.ask_mac(1);
    expect![[r#"
        wait 1 s
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-61: 52:54:00:00:00:01
            Hold quince-61: waiting: nobody has armed it
        explain quince-61: new; 0 of 32 installing; paused: no
            rule virtual (flatcar): differs in manufacturer
            rule rack (debian): matches
            rule late (wipe): matches
            would be told: wait, nobody has armed it
        Arm { profiles: [], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn unknown_hosts_are_held_sent_to_their_disk_or_ignored_as_the_policy_says() {
    let mut story = String::new();
    for unknown in [Unknown::Hold, Unknown::Local, Unknown::Ignore] {
        let mut policy = policy();
        policy.safety.unknown = unknown.clone();
        let mut site = Site::new(policy);
        site.say(&format!("{unknown:?}"));
        site.offer(1);
        site.ask_mac(1);
        site.explain("52:54:00:00:00:01");
        // A machine that nothing tells from others.
        site.ask(&bootwright_core::Facts::default());
        story.push_str(&site.story());
    }
    expect![[r#"
        Hold
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            New quince-61: 52:54:00:00:00:01
            Seen quince-61: firmware asks where to boot, x86 BIOS
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            Hold quince-61: waiting: nobody has armed it
        explain quince-61: new; 0 of 32 installing; paused: no
            would be told: wait, nobody has armed it
         asks -> hold (it shows neither a proper hardware address nor a UUID nor a serial number)
        Local
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            New quince-61: 52:54:00:00:00:01
            Seen quince-61: firmware asks where to boot, x86 BIOS
        52:54:00:00:00:01 asks -> local bios-disk (the policy for unknown hosts is `local`)
            Local quince-61: local-boot script served (bios-disk)
        explain quince-61: new; 0 of 32 installing; paused: no
            would be told: local disk, the policy for unknown hosts is `local`
         asks -> local bios-disk (the policy for unknown hosts is `local`)
        Ignore
        52:54:00:00:00:01 wants to boot -> Silence(UnknownIgnored)
            New quince-61: 52:54:00:00:00:01
            Seen quince-61: firmware asks where to boot, x86 BIOS
        52:54:00:00:00:01 asks -> silence (the policy for unknown hosts is `ignore`)
        explain quince-61: new; 0 of 32 installing; paused: no
            would be told: nothing, the policy for unknown hosts is `ignore`
         asks -> silence (the policy for unknown hosts is `ignore`)
    "#]]
    .assert_eq(&story);
}

#[test]
fn unknown_install_installs_what_is_seen_from_now_on_and_nothing_twice() {
    let mut policy = policy();
    let mut site = Site::new(policy.clone());
    site.ask_mac(1);
    site.wait(Span::from_secs(1));
    let _ = site.story();
    policy.safety.unknown = Unknown::Install("debian".parse().expect("a name"));
    site.reload(policy.clone());
    site.ask_mac(1);
    site.wait(Span::from_secs(1));
    site.ask_mac(2);
    let token = site.token();
    site.report(token, &Report::Done);
    site.ask_mac(2);
    // Another text of the profile is another grant: hosts that were seen before wait for `apply` again.
    let mut other = (*profile("debian")).clone();
    other.revision = 2;
    policy.profiles.insert(other.name.clone(), Arc::new(other));
    site.ask_mac(3);
    site.wait(Span::from_secs(1));
    site.reload(policy);
    site.ask_mac(1);
    expect![[r#"
        reload -> would arm ["quince-61"]
            Reload rule unknown arms hosts that are first seen from now on
            Reload configuration in force: 3 profiles, 0 hosts, 0 rules; 1 host to be armed by `bootwright apply`
            (all who wait ask again)
        52:54:00:00:00:01 asks -> hold (rule `unknown` is younger than this host; `bootwright apply` accepts it)
            Hold quince-61: waiting: rule `unknown` is younger than this host; `bootwright apply` accepts it
        wait 1 s
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            New quartz-93: 52:54:00:00:00:02
            Armed quartz-93: armed with debian by rule unknown
            Armed rule unknown has granted 1 installs
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
        Done -> Noted
            Done quartz-93: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:02 asks -> local bios-disk (it is installed)
            Local quartz-93: local-boot script served (bios-disk)
        52:54:00:00:00:03 asks -> install debian run 1 attempt 1, once recorded
            New fox-54: 52:54:00:00:00:03
            Armed fox-54: armed with debian by rule unknown
            Armed rule unknown has granted 2 installs
            Boot fox-54: run 1, install script of debian served (attempt 1 of 2)
        wait 1 s
        reload -> would arm ["quince-61"]
            Reload rule unknown arms hosts that are first seen from now on
            Reload configuration in force: 3 profiles, 0 hosts, 0 rules; 1 host to be armed by `bootwright apply`
            (all who wait ask again)
        52:54:00:00:00:01 asks -> hold (rule `unknown` is younger than this host; `bootwright apply` accepts it)
    "#]]
    .assert_eq(&site.story());
}
