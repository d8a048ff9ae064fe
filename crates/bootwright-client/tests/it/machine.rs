//! Whole machines on a segment, and what each firmware makes of offers that are late, odd or wrong.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use bootwright_client::ipxe::Generation;
use bootwright_client::machine::{Fate, Gone, Machine, Output, Spec, Start};
use bootwright_client::rom::{Fault, Quirk};
use bootwright_core::{Firmware, HoldWhy, HostId, LocalMethod, LocalWhy};
use bootwright_proto::dhcp::{Boot, BootFile, Port, Strategy, parse as read_request};
use bootwright_proto::http::target::parse;
use bootwright_proto::http::{Asked, BaseUrl, Poll, Route};
use bootwright_proto::script::ipxe::{Hold, ask_script, boot_script, hold_script, local_script};
use expect_test::{Expect, expect};

use crate::segment::{Segment, without};

pub(crate) fn spec(start: Start) -> Spec {
    Spec {
        start,
        generation: Generation::Of2025,
        mac: "52:54:00:12:34:56".parse().expect("an address"),
        others: BTreeSet::new(),
        uuid: "00112233-4455-6677-8899-aabbccddeeff".parse().ok(),
        serial: Some("A&B+C/D E".to_owned()),
        asset: None,
        manufacturer: None,
        product: None,
        quirk: Quirk::None,
        dead_program: None,
        seed: 7,
    }
}

/// Sends every machine to its own disk.
pub(crate) fn local_web(_: Duration, url: &str) -> (u16, String) {
    let base: BaseUrl = "http://10.77.0.1:8080".parse().expect("a URL");
    let request = parse("GET", url.as_bytes()).unwrap_or_else(|refusal| panic!("{url}: {refusal}"));
    match request.route {
        Route::Boot => (200, boot_script(&base)),
        Route::Firmware(_) => (200, "MZ".to_owned()),
        Route::Decision => {
            let asked = Asked::read(&request.query);
            assert_eq!(asked.sighting.facts.serial.as_deref(), Some("A&B+C/D E"));
            let method = match asked.sighting.firmware.expect("the platform is told") {
                Firmware::Bios => LocalMethod::BiosDisk,
                Firmware::Uefi => LocalMethod::UefiDisk,
            };
            (200, local_script(None, &LocalWhy::Installed, method))
        }
        other => panic!("{other:?}"),
    }
}

/// Boots a machine, and shows what it did and where it came to.
fn check(start: Start, change: impl FnOnce(&mut Segment), expected: Expect) {
    let mut segment = Segment::new(local_web);
    change(&mut segment);
    let (fate, now) = segment.boot(spec(start));
    let mut shown = segment.log.join("\n");
    shown.push_str(&match fate {
        Some(fate) => format!("\n{:<3} {fate:?}\n", now.as_secs()),
        None => "\nand so on\n".to_owned(),
    });
    expected.assert_eq(&shown);
}

#[test]
fn a_bios_rom_walks_the_whole_chain_to_its_disk() {
    check(
        Start::BiosPxe,
        |_| {},
        expect![[r#"
            0   Discover of bios-pxe
            4   Request of bios-pxe
            4   TFTP undionly.kpxe
            4   Discover of ipxe
            4   Request of ipxe
            4   GET http://10.77.0.1:8080/boot.ipxe
            4   GET http://10.77.0.1:8080/ipxe
            4   | Bootwright: this machine starts its own disk (bios-disk): it is installed.
            4   Disk { drive: 128 }
        "#]],
    );
}

#[test]
fn uefi_asks_for_the_size_first_and_never_port_4011() {
    check(
        Start::UefiPxe,
        |_| {},
        expect![[r#"
            0   Discover of uefi-pxe
            4   Request of uefi-pxe
            4   TFTP snponly.efi
            4   TFTP snponly.efi
            4   Discover of ipxe
            4   Request of ipxe
            4   GET http://10.77.0.1:8080/boot.ipxe
            4   GET http://10.77.0.1:8080/ipxe
            4   | Bootwright: this machine starts its own disk (uefi-disk): it is installed.
            4   Disk { drive: 0 }
        "#]],
    );
}

#[test]
fn uefi_boots_by_http_without_tftp() {
    check(
        Start::UefiHttp,
        |_| {},
        expect![[r#"
            0   Discover of uefi-http
            4   Request of uefi-http
            4   GET http://10.77.0.1:8080/firmware/snponly.efi
            4   Discover of ipxe
            4   Request of ipxe
            4   GET http://10.77.0.1:8080/boot.ipxe
            4   GET http://10.77.0.1:8080/ipxe
            4   | Bootwright: this machine starts its own disk (uefi-disk): it is installed.
            4   Disk { drive: 0 }
        "#]],
    );
}

#[test]
fn a_card_with_ipxe_in_its_rom_goes_straight_to_the_script() {
    check(
        Start::IpxeRom,
        |_| {},
        expect![[r#"
            0   Discover of ipxe
            0   Request of ipxe
            0   GET http://10.77.0.1:8080/boot.ipxe
            0   GET http://10.77.0.1:8080/ipxe
            0   | Bootwright: this machine starts its own disk (bios-disk): it is installed.
            0   Disk { drive: 128 }
        "#]],
    );
}

#[test]
fn every_strategy_boots_both_kinds_of_rom() {
    for start in [Start::BiosPxe, Start::UefiPxe] {
        for strategy in Strategy::LADDER {
            let mut segment = Segment::new(local_web);
            segment.strategy = Some(strategy);
            let (fate, now) = segment.boot(spec(start));
            let asked = segment.log.iter().any(|line| line.contains("port 4011"));
            let direct = !matches!(strategy, Strategy::NoVendorOptions | Strategy::OneEntryMenu);
            assert!(
                matches!(fate, Some(Fate::Disk { .. })),
                "{start:?} {strategy:?}: {fate:?}"
            );
            assert_eq!(asked, !direct, "{start:?} {strategy:?} {:#?}", segment.log);
            assert!(now < Duration::from_secs(20), "{start:?} {strategy:?} took {now:?}");
        }
    }
}

/// What becomes of a machine when something is wrong with our packets.
fn mangled(start: Start, mangle: impl FnMut(Port, &mut Vec<u8>) + 'static) -> Option<Fate> {
    let mut segment = Segment::new(local_web);
    segment.mangle = Box::new(mangle);
    segment.boot(spec(start)).0
}

#[test]
fn firmware_ignores_offers_that_do_not_say_who_and_what_they_are() {
    let nothing = |fault| Some(Fate::NextEntry(Gone::Fault(fault)));
    for code in [54, 60] {
        let fate = mangled(Start::UefiPxe, move |_, bytes| without(bytes, code));
        assert_eq!(fate, nothing(Fault::NoBootFile), "option {code}");
        let fate = mangled(Start::UefiHttp, move |_, bytes| without(bytes, code));
        assert_eq!(fate, nothing(Fault::NoBootFile), "option {code}");
    }
    let fate = mangled(Start::IpxeRom, |_, bytes| without(bytes, 60));
    assert_eq!(fate, nothing(Fault::NoBootFile));
    let fate = mangled(Start::IpxeRom, |_, bytes| without(bytes, 54));
    assert!(matches!(fate, Some(Fate::Disk { .. })), "iPXE forgives that: {fate:?}");
}

#[test]
fn discovery_control_without_bit_3_and_without_a_menu_cancels_the_boot() {
    let fate = mangled(Start::UefiPxe, |port, bytes| {
        let at = bytes.windows(6).position(|six| six == [43, 4, 6, 1, 8, 255]);
        if port == Port::Dhcp
            && let Some(at) = at
        {
            bytes[at + 4] = 7;
        }
    });
    assert_eq!(fate, Some(Fate::NextEntry(Gone::Fault(Fault::Cancelled))));
}

#[test]
fn a_proxy_that_comes_after_three_seconds_is_heard_and_after_five_costs_another_window() {
    for (delay, starts) in [(3000, 4), (5000, 12)] {
        let mut segment = Segment::new(local_web);
        segment.delay = Duration::from_millis(delay);
        segment.boot(spec(Start::UefiPxe));
        let request = segment
            .log
            .iter()
            .find(|line| line.contains("Request of"))
            .expect("it goes on");
        assert!(request.starts_with(&format!("{starts:<3} ")), "{request}");
    }
}

#[test]
fn without_a_server_that_leases_addresses_nothing_boots() {
    for start in [Start::BiosPxe, Start::UefiPxe, Start::UefiHttp, Start::IpxeRom] {
        let mut segment = Segment::new(local_web);
        segment.main = None;
        let (fate, _) = segment.boot(spec(start));
        assert_eq!(fate, Some(Fate::NextEntry(Gone::Fault(Fault::NoAddress))), "{start:?}");
    }
}

#[test]
fn without_a_boot_server_uefi_keeps_looking_for_a_minute() {
    let mut segment = Segment::new(local_web);
    segment.strategy = None;
    let (fate, now) = segment.boot(spec(Start::UefiPxe));
    assert_eq!(fate, Some(Fate::NextEntry(Gone::Fault(Fault::NoBootFile))));
    assert_eq!(now.as_secs(), 60);
}

#[test]
fn a_router_that_calls_itself_a_boot_server_breaks_uefi_and_nothing_helps() {
    let mut segment = Segment::new(local_web);
    let file = BootFile::new("pxelinux.0").expect("a name");
    let strategy = Strategy::NoVendorOptions;
    segment.main = Some(Some(Boot::Pxe { file, strategy }));
    let (fate, _) = segment.boot(spec(Start::UefiPxe));
    assert_eq!(fate, Some(Fate::NextEntry(Gone::Fault(Fault::NoBootServer))));
}

#[test]
fn a_router_that_names_a_file_of_its_own_does_not_win_over_our_priority() {
    let script = || {
        let url = BootFile::new("http://10.77.0.254/router.ipxe").expect("a name");
        Some(Some(Boot::Ipxe { script: url }))
    };
    // The router's offer is that of a server which knows nothing of PXE: no class, and no priority.
    let plain = |bytes: &mut Vec<u8>| {
        without(bytes, 60);
        without(bytes, 175);
    };
    assert!(
        plain_main_wins(script(), plain, false),
        "without our priority the router's file wins"
    );
    assert!(!plain_main_wins(script(), plain, true), "with it ours does");
}

/// Whether iPXE fetches the main server's script.
fn plain_main_wins(main: Option<Option<Boot>>, plain: fn(&mut Vec<u8>), priority: bool) -> bool {
    let fetched = Rc::new(RefCell::new(String::new()));
    let seen = Rc::clone(&fetched);
    let mut segment = Segment::new(move |_, url| {
        seen.borrow_mut().push_str(url);
        (200, "#!ipxe\nexit 1\n".to_owned())
    });
    segment.main = main;
    segment.mangle_main = Some(plain);
    if !priority {
        segment.mangle = Box::new(|_, bytes| without(bytes, 175));
    }
    segment.boot(spec(Start::IpxeRom));
    let fetched = fetched.borrow();
    assert!(!fetched.is_empty(), "{:#?}", segment.log);
    fetched.contains("router.ipxe")
}

#[test]
fn equal_machines_on_equal_segments_do_the_same() {
    let log = || {
        let mut segment = Segment::new(local_web);
        segment.boot(spec(Start::UefiPxe));
        segment.log
    };
    assert_eq!(log(), log());
}

#[test]
fn a_held_machine_installs_within_a_second_of_being_armed() {
    let base: BaseUrl = "http://10.77.0.1:8080".parse().expect("a URL");
    let host: HostId = "oak-42".parse().expect("a name");
    let armed = Rc::new(RefCell::new(0_u32));
    let polls = Rc::clone(&armed);
    let mut segment = Segment::new(move |_, url| {
        let request = parse("GET", url.as_bytes()).unwrap_or_else(|refusal| panic!("{url}: {refusal}"));
        let screen = |asked: &Asked, answered: Option<&Poll>| {
            let hold = Hold {
                base: &base,
                asked,
                host: Some(&host),
                code: "K7M2Q",
                why: &HoldWhy::Undecided,
                local: None,
                menu: false,
                shell: false,
            };
            hold_script(&hold, answered)
        };
        let polled = *polls.borrow();
        match request.route {
            Route::Boot => (200, boot_script(&base)),
            Route::Decision if polled > 0 => (
                200,
                "#!ipxe\nkernel http://10.77.0.1:8080/images/debian/linux quiet\nboot\n".to_owned(),
            ),
            Route::Decision => (200, screen(&Asked::read(&request.query), None)),
            Route::Hold => {
                *polls.borrow_mut() += 1;
                (200, ask_script(&base, &Poll::read(&request.query)))
            }
            Route::Image(_) => (200, "MZ".to_owned()),
            other => panic!("{other:?}"),
        }
    });
    let (fate, now) = segment.boot(spec(Start::BiosPxe));
    let kernel = match fate {
        Some(Fate::Kernel(boot)) => boot,
        other => panic!("{other:?} {:#?}", segment.log),
    };
    assert_eq!(kernel.kernel, "http://10.77.0.1:8080/images/debian/linux");
    let painted = segment
        .log
        .iter()
        .find(|line| line.contains("This machine is waiting"))
        .expect("a screen");
    let painted: u64 = painted
        .trim_start()
        .split(' ')
        .next()
        .and_then(|secs| secs.parse().ok())
        .expect("a time");
    assert!(now.as_secs() - painted <= 2, "{:#?}", segment.log);
}

#[test]
fn a_disk_with_nothing_on_it_leads_to_the_next_boot_entry() {
    let mut machine = {
        let (mut machine, outputs) = Machine::power_on(spec(Start::UefiPxe), Duration::ZERO);
        assert!(matches!(outputs.as_slice(), [Output::Send(_)]));
        assert!(
            machine.came_back(Duration::ZERO, 1).is_empty(),
            "nothing was started yet"
        );
        machine
    };
    assert!(machine.press(Duration::ZERO, b'l').is_empty(), "nobody asks for a key");
    let mut segment = Segment::new(local_web);
    let end = segment.boot_then(spec(Start::BiosPxe), |machine, now| {
        assert_eq!(machine.fate(), Some(&Fate::Disk { drive: 0x80 }));
        machine.came_back(now, 0x2d0c_613b)
    });
    assert_eq!(end, Some(Fate::NextEntry(Gone::Left(1))));
}

/// The packets of captures, without their comments.
fn captured(text: &str) -> Vec<u8> {
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("digits"))
        .collect()
}

macro_rules! capture {
    ($name:literal) => {
        captured(include_str!(concat!(
            "../../../bootwright-proto/test_data/dhcp/",
            $name,
            ".hex"
        )))
    };
}

/// What a firmware says of itself is what the real one was seen to say.
#[test]
fn the_first_packet_of_each_firmware_is_that_of_the_captures() {
    for (start, bytes) in [
        (Start::UefiPxe, capture!("uefi-firmware-discover")),
        (Start::UefiHttp, capture!("http-firmware-discover")),
        (Start::IpxeRom, capture!("rom-ipxe-discover")),
    ] {
        let real = read_request(&bytes).expect("a captured packet");
        let (_, outputs) = Machine::power_on(spec(start), Duration::ZERO);
        let Some(Output::Send(datagram)) = outputs.first() else {
            panic!("{outputs:?}");
        };
        let ours = read_request(&datagram.bytes).expect("a sound packet");
        assert_eq!(ours.vendor_class, real.vendor_class, "{start:?}");
        assert_eq!(ours.archs, real.archs, "{start:?}");
        assert_eq!(ours.interface, real.interface, "{start:?}");
        assert_eq!(ours.broadcast, real.broadcast, "{start:?}");
        assert_eq!(ours.secs, real.secs, "{start:?}");
        assert_eq!(ours.user_class, real.user_class, "{start:?}");
        assert_eq!(ours.ipxe.is_some(), real.ipxe.is_some(), "{start:?}");
        assert_eq!(ours.client_id.is_some(), real.client_id.is_some(), "{start:?}");
        assert_eq!(ours.max_message, real.max_message, "{start:?}");
        // HTTP boot has an uninitialised byte in its list.
        if start != Start::UefiHttp {
            assert_eq!(ours.parameters, real.parameters, "{start:?}");
        }
    }
}
