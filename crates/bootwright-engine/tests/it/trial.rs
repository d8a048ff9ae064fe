//! What cannot be rendered for a host costs it nothing.

use expect_test::expect;

use crate::site::{Site, policy, rule};

const TROUBLE: &str = "config.toml:3:9: no such name";

#[test]
fn a_profile_that_cannot_be_rendered_is_no_attempt_and_the_host_waits_until_it_can() {
    let mut site = Site::new(policy());
    site.ask_mac(1);
    site.trouble = Some(TROUBLE.to_owned());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    site.ask_mac(1);
    site.explain("52:54:00:00:00:01");
    site.set_metadata("52:54:00:00:00:01", "disk", "sda");
    site.trouble = None;
    site.ask_mac(1);
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-61: 52:54:00:00:00:01
            Hold quince-61: waiting: nobody has armed it
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
            Hold quince-61: waiting: profile `debian` cannot be rendered for it: config.toml:3:9: no such name
        52:54:00:00:00:01 asks -> hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
        explain quince-61: armed; 0 of 32 installing; paused: no
            would be told: wait, profile `debian` cannot be rendered for it: config.toml:3:9: no such name
        SetMetadata { key: "disk", value: Some("sda") } for 52:54:00:00:00:01 -> quince-61: metadata disk was set
            Set quince-61: metadata disk was set
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_run_under_way_whose_next_attempt_cannot_be_rendered_keeps_its_attempts() {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    site.set_metadata("52:54:00:00:00:01", "disk", "sda");
    site.trouble = Some(TROUBLE.to_owned());
    site.ask_mac(1);
    site.ask_mac(1);
    site.trouble = None;
    site.ask_mac(1);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        SetMetadata { key: "disk", value: Some("sda") } for 52:54:00:00:00:01 -> quince-61: metadata disk was set
            Set quince-61: metadata disk was set
        52:54:00:00:00:01 asks -> hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
            Hold quince-61: waiting: profile `debian` cannot be rendered for it: config.toml:3:9: no such name
        52:54:00:00:00:01 asks -> hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_rule_grants_nothing_that_cannot_be_rendered() {
    let mut policy = policy();
    policy.rules = vec![rule("rack", "debian", true, Some(2))].into();
    let mut site = Site::new(policy.clone());
    site.wait(bootwright_core::Span::from_secs(1));
    site.trouble = Some(TROUBLE.to_owned());
    site.ask_mac(1);
    assert_eq!(site.engine.world().site.rules["rack"].granted, 0);
    site.trouble = None;
    // A machine that waits is told at once that the configuration is another.
    site.reload(policy);
    site.ask_mac(1);
    expect![[r#"
        wait 1 s
        52:54:00:00:00:01 asks -> hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
            New quince-61: 52:54:00:00:00:01
            Hold quince-61: waiting: profile `debian` cannot be rendered for it: config.toml:3:9: no such name
        reload -> would arm []
            Reload configuration in force: 3 profiles, 0 hosts, 1 rule
            (all who wait ask again)
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Armed quince-61: armed with debian by rule rack
            Armed rule rack has granted 1 installs
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}
