//! One test for each trap into which other servers and libraries fell.

use std::net::Ipv4Addr;

use bootwright_core::{Arch, Uuid};
use bootwright_proto::dhcp::{Bus, Client, ClientKind, Discard, Feature, MessageType, Request, classify, parse};

use super::golden::Golden;
use super::packet::Packet;

fn sound(packet: Packet) -> Request {
    parse(&packet.end()).expect("a sound packet")
}

fn kind(packet: Packet) -> &'static str {
    classify(&sound(packet)).kind.name()
}

#[test]
fn dhcproto_panics_on_hardware_lengths_above_16_and_we_discard_every_length_but_6() {
    for hlen in (0..=255).filter(|hlen| *hlen != 6) {
        let packet = Packet::uefi().at(2, &[hlen]).end();
        assert_eq!(parse(&packet), Err(Discard::HardwareLen { hlen }));
    }
}

#[test]
fn dhcproto_reads_packets_without_the_cookie_and_we_do_not() {
    let packet = Packet::uefi().at(236, &[99, 130, 83, 98]).end();
    let discard = parse(&packet).expect_err("no cookie");
    assert_eq!(
        discard,
        Discard::BadCookie {
            cookie: [99, 130, 83, 98]
        }
    );
    assert_eq!(discard.to_string(), "no DHCP cookie: 63825362");
}

#[test]
fn dhcproto_stops_at_a_latin_1_host_name_and_we_read_on() {
    let request = sound(
        Packet::bare()
            .option(53, &[1])
            .option(12, b"b\xfcro\n1")
            .option(93, &[0, 7])
            .option(60, b"PXEClient"),
    );
    assert_eq!(classify(&request).kind, ClientKind::UefiPxe);
    assert_eq!(request.host_name.as_deref(), Some("b\u{fffd}ro\u{fffd}1"));
}

#[test]
fn a_host_name_of_any_length_is_kept_short() {
    let request = sound(
        Packet::uefi()
            .option(12, &[b'x'; 255])
            .option(12, "\u{e4}".repeat(100).as_bytes()),
    );
    assert_eq!(request.host_name.expect("a name").len(), 64);
    assert_eq!(sound(Packet::uefi().option(12, b"")).host_name, None);
    assert_eq!(sound(Packet::uefi().option(12, b"\0\0")).host_name, None);
    assert_eq!(
        sound(Packet::uefi().option(12, b"rack1\0")).host_name.as_deref(),
        Some("rack1")
    );
}

#[test]
fn dhcproto_stops_at_a_server_identifier_of_three_bytes_and_we_take_it_as_absent() {
    let request = sound(
        Packet::bare()
            .option(53, &[1])
            .option(54, &[10, 0, 0])
            .option(93, &[0, 7])
            .option(60, b"PXEClient"),
    );
    assert_eq!(request.server_id, None);
    assert_eq!(classify(&request).kind, ClientKind::UefiPxe);
}

#[test]
fn dhcproto_stops_at_an_architecture_of_one_byte_and_we_read_it_in_the_class() {
    let request = sound(
        Packet::bare()
            .option(53, &[1])
            .option(93, &[0])
            .option(60, b"PXEClient:Arch:00011:UNDI:003000"),
    );
    assert_eq!(request.archs, []);
    let client = classify(&request);
    assert_eq!((client.kind, client.archs), (ClientKind::UefiPxe, vec![Arch::ARM64]));
}

#[test]
fn dhcproto_asserts_the_length_of_option_94_and_we_take_wrong_ones_as_absent() {
    for len in 0..=255 {
        let request = sound(Packet::uefi().option(94, &vec![1; len]));
        assert_eq!(request.interface, (len == 3).then_some([1; 3]), "{len} bytes");
    }
}

#[test]
fn dhcproto_keeps_one_architecture_and_we_keep_all_and_serve_the_first_that_we_can() {
    let request = sound(
        Packet::bare()
            .option(53, &[1])
            .option(60, b"PXEClient")
            .option(93, &[0, 0x0c, 0, 9, 0, 7, 5]),
    );
    assert_eq!(request.archs, [Arch::new(0x0c), Arch::EBC, Arch::EFI64]);
    let client = classify(&request);
    assert_eq!(client.kind, ClientKind::UefiPxe);
    assert_eq!(client.arch(|arch| arch == Arch::EFI64), Some(Arch::EFI64));
    assert_eq!(
        client.arch(|_| false),
        Some(Arch::new(0x0c)),
        "the first, for the message that nothing is served"
    );
}

#[test]
fn dhcproto_lets_the_last_of_two_separated_pieces_win_and_we_join_them() {
    let request = sound(
        Packet::bare()
            .option(53, &[1])
            .option(60, b"PXEClient:Arch:")
            .option(93, &[0])
            .option(60, b"00007")
            .option(93, &[7]),
    );
    assert_eq!(request.vendor_class, b"PXEClient:Arch:00007");
    assert_eq!(request.archs, [Arch::EFI64]);
}

#[test]
fn dhcproto_drops_an_option_whose_repetition_is_cut_off_and_we_keep_or_name_it() {
    let packet = Packet::uefi().option(12, b"rack").raw(&[12, 9, b'1']).open();
    assert_eq!(parse(&packet).expect("sound").host_name.as_deref(), Some("rack"));
    let packet = Packet::uefi().raw(&[93, 2, 0]).open();
    let cut = Discard::TruncatedOption {
        code: 93,
        declared: Some(2),
        left: 1,
    };
    assert_eq!(parse(&packet), Err(cut));
    assert_eq!(cut.to_string(), "option 93 claims 2 bytes, 1 are there");
}

#[test]
fn dhcproto_does_not_follow_option_52_and_we_read_the_file_and_server_name_fields() {
    let in_file = [&[93, 2, 0, 7, 255][..], b"junk"].concat();
    let in_sname = b"\x3c\x09PXEClient\xff";
    let packet = |overload: &[u8]| {
        let packet = Packet::bare().at(108, &in_file).at(44, in_sname).option(53, &[1]);
        sound(packet.option(52, overload))
    };
    let read = |request: &Request| (request.archs.clone(), request.vendor_class.clone());
    assert_eq!(read(&packet(&[1])), (vec![Arch::EFI64], vec![]));
    assert_eq!(read(&packet(&[2])), (vec![], b"PXEClient".to_vec()));
    assert_eq!(read(&packet(&[3])), (vec![Arch::EFI64], b"PXEClient".to_vec()));
    for nonsense in [&[][..], &[0], &[4], &[255], &[3, 3]] {
        assert_eq!(read(&packet(nonsense)), (vec![], vec![]), "{nonsense:?}");
    }
}

#[test]
fn overloaded_fields_are_joined_in_the_order_of_rfc_2131() {
    let packet = Packet::bare()
        .at(108, b"\x3c\x02E-\xff")
        .at(44, b"\x3c\x01!\xff")
        .option(52, &[3])
        .option(60, b"PX");
    assert_eq!(sound(packet).vendor_class, b"PXE-!");
}

#[test]
fn an_end_that_is_missing_costs_nothing() {
    assert_eq!(parse(&Packet::uefi().open()), parse(&Packet::uefi().end()));
    assert!(parse(&Packet::bare().open()).is_ok(), "no options at all");
}

#[test]
fn a_foreign_option_that_runs_past_the_end_costs_nothing_that_came_before_it() {
    for tail in [&[200, 255, 1, 2][..], &[61, 7, 1], &[55], &[12, 200]] {
        assert_eq!(
            parse(&Packet::uefi().raw(tail).open()),
            parse(&Packet::uefi().end()),
            "{tail:?}"
        );
    }
}

#[test]
fn pixiecore_and_dnsmasq_need_option_97_and_we_take_what_there_is() {
    let wire = [
        0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ];
    let of_type = |kind: u8| [&[kind][..], &wire].concat();
    let uuid: Uuid = "00112233-4455-6677-8899-aabbccddeeff".parse().expect("a UUID");
    let seen = |id: &[u8]| {
        let request = sound(Packet::uefi().option(97, id));
        assert_eq!(request.machine_id.as_deref(), Some(id), "kept for the echo");
        request.uuid
    };
    assert_eq!(sound(Packet::uefi()).uuid, None);
    assert_eq!(seen(&[]), None);
    assert_eq!(seen(&wire), None, "sixteen bytes: no type");
    assert_eq!(seen(&of_type(0)), Some(uuid));
    assert_eq!(seen(&of_type(1)), None);
    assert_eq!(seen(&[0; 17]).map(Uuid::is_junk), Some(true));
}

#[test]
fn a_second_round_of_ipxe_repeats_our_bare_class_and_is_known_by_its_own_option() {
    let request = parse(&Golden::named("uefi-ipxe-discover").bytes).expect("sound");
    assert_eq!(request.vendor_class, b"PXEClient");
    let Client {
        kind: ClientKind::Ipxe(ipxe),
        archs,
    } = classify(&request)
    else {
        panic!("not known as iPXE")
    };
    assert_eq!(archs, [Arch::EFI64]);
    for feature in [
        Feature::Http,
        Feature::Https,
        Feature::Tftp,
        Feature::Efi,
        Feature::Menu,
    ] {
        assert!(ipxe.has(feature), "{feature:?}");
    }
    assert!(!ipxe.has(Feature::Bzimage), "a BIOS build's");
    assert!(!ipxe.has(Feature::Fcoe));
    assert_eq!(
        ipxe.bus,
        Some(Bus {
            kind: 1,
            vendor: 0x1af4,
            device: 0x1000
        })
    );
}

#[test]
fn ipxe_writes_its_user_class_without_a_length_and_others_with_one() {
    let raw = sound(Packet::uefi().option(77, b"iPXE"));
    assert_eq!(raw.user_class, [b"iPXE".to_vec()]);
    let counted = sound(Packet::uefi().option(77, b"\x04iPXE\x03lab"));
    assert_eq!(counted.user_class, [b"iPXE".to_vec(), b"lab".to_vec()]);
    let miscounted = sound(Packet::uefi().option(77, b"\x03lab\x09x"));
    assert_eq!(miscounted.user_class, [b"\x03lab\x09x".to_vec()]);
    for request in [&raw, &counted] {
        assert_eq!(classify(request).kind.name(), "ipxe");
    }
    assert_eq!(classify(&miscounted).kind, ClientKind::UefiPxe);
    assert_eq!(sound(Packet::uefi().option(77, b"")).user_class, Vec::<Vec<u8>>::new());
    assert_eq!(
        kind(Packet::uefi().option(175, b"")),
        "ipxe",
        "its own option is enough"
    );
}

#[test]
fn an_encapsulated_option_of_ipxe_that_is_cut_off_or_zero_is_no_feature() {
    let ipxe = sound(Packet::uefi().option(175, &[0x13, 1, 0, 0x15, 1, 1, 0xb1, 4, 1, 2, 3, 4, 0x24, 9, 1])).ipxe;
    let ipxe = ipxe.expect("iPXE");
    assert!(ipxe.has(Feature::Tftp));
    assert!(!ipxe.has(Feature::Http) && !ipxe.has(Feature::Efi));
    assert_eq!(ipxe.bus, None);
}

#[test]
fn architecture_16_is_x64_http_and_no_arm_machine() {
    let request = parse(&Golden::named("http-firmware-discover").bytes).expect("sound");
    let client = classify(&request);
    assert_eq!(
        (client.kind, client.archs),
        (ClientKind::UefiHttp, vec![Arch::EFI64_HTTP])
    );
}

#[test]
fn the_kinds_of_client_are_told_in_the_order_of_the_table() {
    let client = |class: &[u8]| Packet::bare().option(53, &[1]).option(60, class);
    let pi = |packet: Packet| packet.at(28, &[0xdc, 0xa6, 0x32]);
    assert_eq!(kind(Packet::bare().option(53, &[1])), "plain");
    assert_eq!(
        kind(client(b"MSFT 5.0").option(175, b"")),
        "plain",
        "no class, no boot client"
    );
    assert_eq!(
        kind(client(b"AAPLBSDPC/i386/iMac").option(93, &[0, 7])),
        "plain",
        "Apple's own protocol"
    );
    assert_eq!(kind(client(b"HTTPClient:Arch:00016").option(77, b"iPXE")), "ipxe");
    assert_eq!(kind(client(b"HTTPClient")), "uefi-http");
    assert_eq!(kind(pi(client(b"PXEClient:Arch:00000:UNDI:002001"))), "raspberry-pi");
    assert_eq!(kind(pi(client(b"PXEClient")).option(93, &[0, 0x29])), "raspberry-pi");
    assert_eq!(
        kind(pi(client(b"PXEClient")).option(93, &[0, 0x0b])),
        "uefi-pxe",
        "UEFI on a Pi is UEFI"
    );
    assert_eq!(
        kind(client(b"PXEClient").option(93, &[0, 0]).option(97, b"\0RPi4rest")),
        "raspberry-pi"
    );
    assert_eq!(kind(client(b"PXEClient").option(93, &[0, 6])), "uefi-pxe");
    assert_eq!(kind(client(b"PXEClient").option(93, &[0, 0])), "bios-pxe");
    assert_eq!(kind(client(b"PXEClient:Arch:00000:UNDI:002001")), "bios-pxe");
    assert_eq!(kind(client(b"U-Boot.armv8").option(93, &[0, 0x16])), "u-boot");
    assert_eq!(kind(client(b"PXEClient").option(93, &[0, 0x16])), "u-boot");
    assert_eq!(kind(client(b"PXEClient")), "unknown-pxe");
    assert_eq!(kind(client(b"PXEClient:Arch:junk:UNDI")), "unknown-pxe");
    assert_eq!(kind(client(b"PXEClient:Arch:99999:UNDI")), "unknown-pxe");
    assert_eq!(kind(client(b"PXEClient").option(93, &[0, 2])), "unknown-pxe", "Itanium");
}

#[test]
fn our_own_replies_and_other_nonsense_are_discarded_with_the_fact() {
    let case = |packet: Packet| parse(&packet.end()).expect_err("unsound");
    let uefi = Packet::uefi;
    assert_eq!(parse(&[]), Err(Discard::TooShort { len: 0 }));
    assert_eq!(
        parse(&Packet::bare().open()[..239]),
        Err(Discard::TooShort { len: 239 })
    );
    assert_eq!(case(uefi().at(0, &[2])), Discard::NotBootRequest { op: 2 });
    assert_eq!(case(uefi().at(1, &[32])), Discard::HardwareType { htype: 32 });
    assert_eq!(case(uefi().at(3, &[17])), Discard::TooManyHops { hops: 17 });
    assert_eq!(
        case(uefi().at(28, &[0; 6])),
        Discard::BadHardwareAddress { address: [0; 6] }
    );
    assert_eq!(case(uefi().at(28, &[1])).name(), "bad-hardware-address");
    assert_eq!(sound(uefi().at(1, &[6])).htype, 6, "IEEE 802");
    assert_eq!(sound(uefi().at(3, &[16])).hops, 16);
}

#[test]
fn a_relays_option_is_read_and_kept_as_it_came() {
    let info = b"\x02\x02ge\x05\x04\x0a\x01\x02\x00\x97\x01x\x0b\x04\x0a\x00\x00\x05\x01\x01\x09";
    let request = sound(
        Packet::uefi()
            .at(24, &[10, 1, 2, 1])
            .option(82, info)
            .option(118, &[10, 9, 0, 0]),
    );
    assert_eq!(request.relay_info.as_deref(), Some(&info[..]));
    assert_eq!(request.link_selection, Some(Ipv4Addr::new(10, 1, 2, 0)));
    assert_eq!(request.server_id_override, Some(Ipv4Addr::new(10, 0, 0, 5)));
    assert_eq!(request.subnet_selection, Some(Ipv4Addr::new(10, 9, 0, 0)));
    let broken = sound(Packet::uefi().option(82, &[5, 3, 1, 2, 3, 11, 9, 1]));
    assert_eq!((broken.link_selection, broken.server_id_override), (None, None));
}

#[test]
fn options_that_came_twice_count_once() {
    let packet = Packet::uefi()
        .option(54, &[10, 0, 0, 1])
        .option(54, &[10, 0, 0, 2])
        .option(53, &[3]);
    let request = sound(packet.option(57, &[2, 64]).option(57, &[5, 220]));
    assert_eq!(request.server_id, Some(Ipv4Addr::new(10, 0, 0, 1)));
    assert_eq!(request.message, Some(MessageType::Discover));
    assert_eq!(request.max_message, Some(576));
}
