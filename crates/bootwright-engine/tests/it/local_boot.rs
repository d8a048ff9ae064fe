//! Hosts that are sent to their own disk, and come back.

use bootwright_core::{Facts, LocalMethod, Span};
use bootwright_engine::{Decision, Report, Whence};
use expect_test::expect;

use crate::site::{Site, mac, policy};

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
fn a_parked_host_that_asks_for_hours_does_not_fill_the_record() {
    let mut site = local();
    for _ in 0..20_000 {
        site.now = site.now.after(Span::from_millis(500));
        site.ask_mac(1);
    }
    let story = site.story();
    let recorded = story.lines().filter(|line| line.starts_with("    ")).count();
    assert_eq!(recorded, 5, "four questions, and that it waits: {recorded} lines");
}

/// The firmware asks, is handed its boot program, and that asks.
fn boot(site: &mut Site) {
    site.offer(1);
    site.wait(Span::from_secs(15));
    site.ask_mac(1);
    site.wait(Span::from_secs(15));
}

#[test]
fn firmware_that_no_script_gets_to_its_disk_is_offered_nothing_and_then_waits() {
    let mut site = local();
    for _ in 0..3 {
        boot(&mut site);
    }
    site.say("-- sent round, it finds nobody");
    for secs in [4, 8, 16, 32, 30] {
        site.offer(1);
        site.wait(Span::from_secs(secs));
    }
    site.say("-- and comes back from its disk");
    boot(&mut site);
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
        wait 15 s
        52:54:00:00:00:01 asks -> local bios-disk (an operator chose its own disk)
            Local quince-61: local-boot script served (bios-disk)
        wait 15 s
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
        wait 15 s
        52:54:00:00:00:01 asks -> local exit (an operator chose its own disk)
            Loop quince-61: came back from its disk too early, once; local-boot script served (exit)
        wait 15 s
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
        wait 15 s
        52:54:00:00:00:01 asks -> local no-offer (an operator chose its own disk)
            Loop quince-61: came back from its disk too early, 2 times in a row; local-boot script served (no-offer)
        wait 15 s
        -- sent round, it finds nobody
        52:54:00:00:00:01 wants to boot -> Silence(OwnDisk)
            Seen quince-61: firmware asks where to boot, x86 BIOS
        wait 4 s
        52:54:00:00:00:01 wants to boot -> Silence(OwnDisk)
        wait 8 s
        52:54:00:00:00:01 wants to boot -> Silence(OwnDisk)
        wait 16 s
        52:54:00:00:00:01 wants to boot -> Silence(OwnDisk)
        wait 32 s
        52:54:00:00:00:01 wants to boot -> Silence(OwnDisk)
            Seen quince-61: firmware asks where to boot, x86 BIOS
        wait 30 s
        -- and comes back from its disk
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
            Loop quince-61: came back from its disk too early, 3 times in a row; no method starts it, so that it waits from now on
        wait 15 s
        52:54:00:00:00:01 asks -> hold (its own disk does not start: it came back 3 times in a row; `bootwright host local` tries again)
            Hold quince-61: waiting: its own disk does not start: it came back 3 times in a row; `bootwright host local` tries again
        wait 15 s
    "#]].assert_eq(&site.story());
}

#[test]
fn firmware_that_is_offered_nothing_and_starts_its_disk_is_left_alone_every_time() {
    let mut site = local();
    for _ in 0..3 {
        boot(&mut site);
    }
    for day in 0..3 {
        for secs in [4, 8, 16, 32] {
            site.offer(1);
            site.wait(Span::from_secs(secs));
        }
        let _ = site.engine.system_heard(site.now, bootwright_core::Way::Link, mac(1));
        site.wait(Span::from_hours(20));
        if day == 0 {
            site.restart();
        }
    }
    let view = site.engine.view("52:54:00:00:00:01").expect("the host is known");
    let remembered = (view.host.local.method, view.host.local.returns);
    assert_eq!(remembered, (Some(LocalMethod::NoOffer), 0));
    let story = site.story();
    let silences = story.matches("Silence(OwnDisk)").count();
    assert_eq!(silences, 12, "{story}");
    // Armed, it is offered its boot program at once.
    site.arm("52:54:00:00:00:01", &["debian"]);
    let _ = site.story();
    site.offer(1);
    assert!(site.story().contains("FirstFile"), "it is armed");
}

#[test]
fn a_sound_machine_that_is_restarted_again_and_again_is_never_parked() {
    let mut site = local();
    for _ in 0..20 {
        site.ask_mac(1);
        site.wait(Span::from_secs(20));
        let _ = site.engine.system_heard(site.now, bootwright_core::Way::Link, mac(1));
        site.wait(Span::from_secs(5));
    }
    let story = site.story();
    assert_eq!(story.matches("-> local bios-disk").count(), 20, "{story}");
    // What comes by a way that is not listed teaches nothing.
    let relay = std::net::Ipv4Addr::new(10, 9, 9, 9);
    let way = bootwright_core::Way::Relay {
        relay,
        sender: relay,
        is_ours: false,
    };
    for _ in 0..4 {
        site.ask_mac(1);
        let _ = site.engine.system_heard(site.now, way, mac(1));
        site.wait(Span::from_secs(20));
    }
    assert!(site.story().contains("-> hold"));
}

#[test]
fn an_operator_a_system_that_starts_and_a_new_install_let_a_parked_host_go() {
    let parked = || {
        let mut site = local();
        for _ in 0..4 {
            site.ask_mac(1);
        }
        assert!(site.story().contains("-> hold (its own disk does not start"));
        site
    };
    let mut site = parked();
    site.decide("52:54:00:00:00:01", Decision::Local);
    site.ask_mac(1);
    expect![[r#"
        Local for 52:54:00:00:00:01 -> quince-61: it is so already
            Local quince-61: its own disk is tried anew
        52:54:00:00:00:01 asks -> local bios-disk (an operator chose its own disk)
            Local quince-61: local-boot script served (bios-disk)
    "#]]
    .assert_eq(&site.story());
    let mut site = parked();
    // Somebody at the console let it start its disk.
    let _ = site.engine.system_heard(site.now, bootwright_core::Way::Link, mac(1));
    site.ask_mac(1);
    assert!(site.story().contains("-> local bios-disk"));
    let mut site = parked();
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    site.report(site.token(), &Report::Done);
    site.ask_mac(1);
    let story = site.story();
    assert!(
        story.contains("-> install debian") && story.contains("-> local bios-disk"),
        "{story}"
    );
}

/// A machine of this product.
fn of_product(number: u8, product: &str) -> Facts {
    Facts {
        manufacturer: Some("ACME".to_owned()),
        product: Some(product.to_owned()),
        ..Facts::of_mac(mac(number))
    }
}

#[test]
fn a_machine_begins_with_what_starts_the_disks_of_most_machines_of_its_product() {
    let mut site = Site::new(policy());
    for number in 1..=4 {
        site.decide(&mac(number).to_string(), Decision::Local);
    }
    let rack = of_product(1, "Rack 1");
    site.ask(&rack);
    site.ask(&rack);
    // As long as its system was not seen, it teaches nothing.
    let _ = site.story();
    site.ask(&of_product(2, "Rack 1"));
    assert!(site.story().contains("-> local bios-disk"));
    let _ = site.engine.system_heard(site.now, bootwright_core::Way::Link, mac(1));
    site.ask(&of_product(3, "Rack 1"));
    site.ask(&of_product(4, "Rack 2"));
    let story = site.story();
    assert!(story.contains("00:03 asks -> local exit"), "{story}");
    assert!(story.contains("00:04 asks -> local bios-disk"), "{story}");
    let whence = |site: &Site, number: u8| site.engine.view(&mac(number).to_string()).and_then(|view| view.local);
    assert_eq!(whence(&site, 1), Some((LocalMethod::Exit, Whence::Host)));
    assert_eq!(whence(&site, 3), Some((LocalMethod::Exit, Whence::Make)));
    assert_eq!(whence(&site, 4), Some((LocalMethod::BiosDisk, Whence::Default)));
    // What was learned is in the record.
    site.restart();
    assert_eq!(whence(&site, 3), Some((LocalMethod::Exit, Whence::Make)));
    // The host that taught it is forgotten.
    site.decide(&mac(1).to_string(), Decision::Forget);
    assert_eq!(whence(&site, 3), Some((LocalMethod::Exit, Whence::Tried)));
}
