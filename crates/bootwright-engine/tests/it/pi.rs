//! Raspberry Pis: what is decided when a file is asked for, and when the configuration is read.

use bootwright_core::{Loader, Policy, Span};
use bootwright_engine::{Decision, FetchKind, Report};
use expect_test::expect;

use crate::site::{Site, policy};

fn site() -> Site {
    Site::new(Policy {
        raspberry_pi: true,
        ..policy()
    })
}

const FIRMWARE: &str = "9ffefdef/start4.elf";
const CONFIG: &str = "9ffefdef/config.txt";

fn switch_on(site: &mut Site) {
    site.offer_to(Loader::RaspberryPi, 1);
    site.ask_pi(1, FIRMWARE);
}

#[test]
fn a_pi_gets_its_firmware_only_where_it_will_get_a_configuration_and_only_that_begins_a_run() {
    let mut site = site();
    switch_on(&mut site);
    site.ask_pi(1, FIRMWARE);
    site.arm("52:54:00:00:00:01", &["debian"]);
    switch_on(&mut site);
    site.ask_pi(1, FIRMWARE);
    site.ask_pi(1, CONFIG);
    site.ask_pi(1, FIRMWARE);
    site.fetched(1, "/images/linux", FetchKind::Image, None);
    site.ask_pi(1, CONFIG);
    let token = site.token();
    site.report(token, &Report::Done);
    switch_on(&mut site);
    site.ask_pi(1, "9ffefdef/kernel8.img");
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> OwnFiles
            New quince-61: 52:54:00:00:00:01
            Seen quince-61: firmware asks where to boot, x86 BIOS
        9ffefdef/start4.elf -> refused
            Set quince-61: 52:54:00:00:00:01, serial 9ffefdef
            Hold quince-61: waiting: nobody has armed it
        9ffefdef/start4.elf -> refused
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 wants to boot -> OwnFiles
            Seen quince-61: firmware asks where to boot, x86 BIOS
        9ffefdef/start4.elf: tried out
        9ffefdef/start4.elf -> quince-61 gets it
        9ffefdef/start4.elf -> quince-61 gets it
        9ffefdef/config.txt asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        9ffefdef/start4.elf -> quince-61 gets it
        /images/linux was sent to 52:54:00:00:00:01
            Fetch quince-61: run 1, fetched /images/linux, 4 MB in 2 s
        9ffefdef/config.txt asks -> install debian run 1 attempt 1, once recorded
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:01 wants to boot -> OwnFiles
            Seen quince-61: firmware asks where to boot, x86 BIOS
        9ffefdef/start4.elf -> refused
            Local quince-61: local-boot script served (no-file)
        9ffefdef/kernel8.img -> refused
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn what_cannot_be_rendered_is_seen_at_the_first_file_and_costs_no_attempt() {
    let mut site = site();
    site.trouble = Some("no kernel for Pis".to_owned());
    site.arm("52:54:00:00:00:01", &["debian"]);
    switch_on(&mut site);
    let story = site.story();
    assert!(
        story.ends_with("cannot be rendered for it: no kernel for Pis\n"),
        "{story}"
    );
    assert!(story.contains("start4.elf -> refused"), "{story}");
}

#[test]
fn looking_for_files_alone_never_begins_a_run_nor_ends_one_that_goes_on() {
    let mut site = site();
    site.arm("52:54:00:00:00:01", &["debian"]);
    for _ in 0..50 {
        switch_on(&mut site);
        site.wait(Span::from_secs(60));
    }
    site.ask_pi(1, CONFIG);
    let story = site.story();
    assert_eq!(story.matches("-> install").count(), 1, "{story}");
    assert!(story.contains("install debian run 1 attempt 1"), "{story}");
}

#[test]
fn a_live_pi_gets_its_files_without_a_run() {
    let mut site = site();
    let profile = "debian".parse().expect("a name");
    site.decide("52:54:00:00:00:01", Decision::Live { profile });
    switch_on(&mut site);
    site.ask_pi(1, CONFIG);
    let story = site.story();
    assert!(story.contains("start4.elf -> quince-61 gets it"), "{story}");
    assert!(story.contains("config.txt asks -> live debian\n"), "{story}");
}
