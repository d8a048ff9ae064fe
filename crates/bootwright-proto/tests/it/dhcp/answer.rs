//! Replies beyond the golden ones: the ladder, leases, relays, limits.

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_proto::dhcp::{
    Boot, BootFile, Destination, Lease, NotBootFile, Port, Reply, Request, Strategy, Unrenderable, destination, parse,
    render,
};
use dhcproto::v4::{DhcpOption, OptionCode};

use super::packet::Packet;
use super::reading::{decode, options_of, order, value};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);

fn sound(packet: Packet) -> Request {
    parse(&packet.end()).expect("a sound packet")
}

/// Boot data for UEFI.
pub(crate) fn pxe(strategy: Strategy) -> Boot {
    let file = BootFile::new("snponly.efi").expect("a name");
    Boot::Pxe { file, strategy }
}

/// A lease with everything in it.
pub(crate) fn lease() -> Lease {
    Lease {
        address: CLIENT,
        secs: Some(600),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        routers: vec![Ipv4Addr::new(10, 77, 0, 254)],
        dns: vec![Ipv4Addr::new(10, 77, 0, 253), Ipv4Addr::new(10, 77, 0, 252)],
        host_name: Some("node1".to_owned()),
        domain: Some("lab.example".to_owned()),
        search: Vec::new(),
        broadcast: None,
        ntp: vec![Ipv4Addr::new(10, 77, 0, 251)],
        mtu: Some(9000),
    }
}

#[test]
fn each_step_of_the_ladder_has_its_own_vendor_options() {
    let offer = |strategy| render(&sound(Packet::uefi()), SERVER, &Reply::ProxyOffer(pxe(strategy))).expect("an offer");
    let direct = offer(Strategy::Direct);
    assert_eq!(value(&direct, 43), Some(&[6, 1, 8, 255][..]));
    assert_eq!(value(&direct, 67), Some(&b"snponly.efi\0"[..]));
    let with_menu = offer(Strategy::DirectWithMenu);
    assert_eq!(
        value(&with_menu, 43),
        Some(&[6, 1, 8, 10, 4, 0, 0x50, 0x58, 0x45, 255][..])
    );
    let none = offer(Strategy::NoVendorOptions);
    assert_eq!(order(&none), [53, 54, 60, 66]);
    assert_eq!(none[108], 0, "no file in the header either");
    let menu = offer(Strategy::OneEntryMenu);
    let expected =
        b"\x06\x01\x07\x08\x07\x80\x00\x01\x0a\x4d\x00\x01\x09\x0f\x80\x00\x0cNetwork boot\x0a\x04\x00PXE\xff";
    assert_eq!(value(&menu, 43), Some(&expected[..]));
    assert_eq!((menu[108], value(&menu, 67)), (0, None));
    let ack = render(
        &sound(Packet::message(3)),
        SERVER,
        &Reply::BootAck(pxe(Strategy::NoVendorOptions)),
    );
    assert_eq!(
        value(&ack.expect("an ack"), 67),
        Some(&b"snponly.efi\0"[..]),
        "port 4011 names the file"
    );
}

#[test]
fn the_ladder_is_climbed_step_by_step_and_remembered_by_name() {
    let mut climbed = vec![Strategy::Direct];
    while climbed.len() < Strategy::LADDER.len() {
        climbed.push(climbed[climbed.len() - 1].next(true));
    }
    assert_eq!(climbed, Strategy::LADDER);
    assert_eq!(Strategy::Merged.next(true), Strategy::Direct);
    assert_eq!(Strategy::OneEntryMenu.next(false), Strategy::Direct);
    for strategy in Strategy::LADDER {
        assert_eq!(Strategy::from_name(strategy.name()), Some(strategy));
    }
    assert_eq!(Strategy::from_name("merge"), None);
}

#[test]
fn vendor_options_never_forbid_the_direct_way_without_a_menu() {
    for boot in Strategy::LADDER.map(pxe).into_iter().chain([Boot::RaspberryPi]) {
        let offer = render(&sound(Packet::uefi()), SERVER, &Reply::ProxyOffer(boot)).expect("an offer");
        let Some(vendor) = value(&offer, 43) else { continue };
        let codes = {
            let (mut codes, mut at) = (Vec::new(), 0);
            while vendor[at] != 255 {
                codes.push(vendor[at]);
                at += 2 + usize::from(vendor[at + 1]);
            }
            codes
        };
        assert_eq!((codes[0], vendor[1]), (6, 1));
        assert!(
            vendor[2] & 8 == 8 || (codes.contains(&9) && codes.contains(&10)),
            "{vendor:02x?}"
        );
    }
}

#[test]
fn a_raspberry_pi_finds_its_own_words() {
    let request = sound(Packet::uefi());
    let offer = render(&request, SERVER, &Reply::ProxyOffer(Boot::RaspberryPi)).expect("an offer");
    let vendor = value(&offer, 43).expect("vendor options");
    assert_eq!(vendor.len(), 32);
    assert_eq!(
        &vendor[9..],
        b"\x09\x14\x00\x00\x11Raspberry Pi Boot\xff".get(..23).expect("23")
    );
    assert_eq!(value(&offer, 67), None);
}

#[test]
fn a_lease_comes_with_what_was_asked_for_and_the_boot_data_in_one_packet() {
    let asked = [1, 3, 6, 12, 15, 26, 42, 43];
    let request = sound(
        Packet::uefi()
            .option(55, &asked)
            .option(97, &[0; 17])
            .option(82, &[1, 1, 9]),
    );
    let reply = Reply::LeaseOffer(lease(), Some(pxe(Strategy::Direct)));
    let bytes = render(&request, SERVER, &reply).expect("an offer");
    assert_eq!(
        order(&bytes),
        [53, 54, 51, 1, 3, 6, 12, 15, 26, 42, 58, 59, 60, 97, 43, 66, 67, 82]
    );
    let message = decode(&bytes);
    assert_eq!(
        (message.yiaddr(), message.siaddr(), message.ciaddr()),
        (CLIENT, SERVER, Ipv4Addr::UNSPECIFIED)
    );
    assert!(!message.flags().broadcast());
    let options = message.opts();
    assert_eq!(
        options.get(OptionCode::AddressLeaseTime),
        Some(&DhcpOption::AddressLeaseTime(600))
    );
    assert_eq!(options.get(OptionCode::Renewal), Some(&DhcpOption::Renewal(300)));
    assert_eq!(options.get(OptionCode::Rebinding), Some(&DhcpOption::Rebinding(525)));
    assert_eq!(
        options.get(OptionCode::DomainNameServer),
        Some(&DhcpOption::DomainNameServer(lease().dns))
    );
    assert_eq!(
        options.get(OptionCode::Hostname),
        Some(&DhcpOption::Hostname("node1".to_owned()))
    );
    assert_eq!(
        options.get(OptionCode::InterfaceMtu),
        Some(&DhcpOption::InterfaceMtu(9000))
    );
    assert_eq!(
        bytes[bytes.len() - 6..],
        [82, 3, 1, 1, 9, 255],
        "the relay's option is the last"
    );
}

#[test]
fn a_plain_client_gets_a_lease_and_nothing_about_boot() {
    let request = sound(Packet::bare().option(53, &[3]).at(12, &CLIENT.octets()));
    let bytes = render(&request, SERVER, &Reply::LeaseAck(lease(), None)).expect("an ack");
    assert_eq!(order(&bytes), [53, 54, 51, 1, 3, 58, 59]);
    assert_eq!(decode(&bytes).ciaddr(), CLIENT);
    let kept = Lease {
        address: Ipv4Addr::UNSPECIFIED,
        secs: None,
        ..lease()
    };
    let inform = render(&request, SERVER, &Reply::LeaseAck(kept, None)).expect("an ack");
    assert_eq!(order(&inform), [53, 54, 1, 3]);
}

#[test]
fn ipxe_that_gets_its_lease_from_us_is_told_not_to_wait_for_a_proxy() {
    let script = BootFile::new("http://10.77.0.1:8080/boot.ipxe").expect("a name");
    let reply = Reply::LeaseOffer(lease(), Some(Boot::Ipxe { script }));
    let bytes = render(&sound(Packet::uefi()), SERVER, &reply).expect("an offer");
    assert_eq!(value(&bytes, 175), Some(&[0xb0, 1, 1][..]));
}

#[test]
fn a_refusal_says_nothing_but_no() {
    let request = sound(
        Packet::uefi()
            .at(24, &[10, 1, 2, 1])
            .at(12, &[1, 2, 3, 4])
            .option(82, &[1, 1, 9]),
    );
    let bytes = render(&request, SERVER, &Reply::Nak).expect("a refusal");
    assert_eq!(order(&bytes), [53, 54, 82]);
    let message = decode(&bytes);
    let nobody = Ipv4Addr::UNSPECIFIED;
    assert_eq!(
        (message.ciaddr(), message.yiaddr(), message.siaddr()),
        (nobody, nobody, nobody)
    );
    assert!(message.flags().broadcast(), "the relay must broadcast it");
    assert!(bytes[44..236].iter().all(|byte| *byte == 0));
}

#[test]
fn a_relay_may_choose_the_server_identifier_of_leases_and_of_nothing_else() {
    let relayed = Packet::uefi().at(24, &[10, 1, 2, 1]).option(82, &[11, 4, 10, 1, 2, 9]);
    let request = sound(relayed);
    let id = |reply: &Reply| value(&render(&request, SERVER, reply).expect("a reply"), 54).map(<[u8]>::to_vec);
    assert_eq!(id(&Reply::LeaseOffer(lease(), None)), Some(vec![10, 1, 2, 9]));
    assert_eq!(id(&Reply::ProxyOffer(pxe(Strategy::Direct))), Some(vec![10, 77, 0, 1]));
}

#[test]
fn a_relayed_discover_without_the_broadcast_flag_is_offered_with_it_and_option_82_comes_back_last() {
    let info = [2, 2, 7, 7, 1, 1, 5, 151, 0, 1, 1, 9];
    let request = sound(Packet::uefi().at(24, &[10, 1, 2, 1]).at(3, &[1]).option(82, &info));
    assert!(!request.broadcast);
    let reply = Reply::ProxyOffer(pxe(Strategy::Direct));
    let bytes = render(&request, SERVER, &reply).expect("an offer");
    assert_eq!(bytes[10..12], [0x80, 0]);
    assert_eq!(order(&bytes).last(), Some(&82));
    assert_eq!(value(&bytes, 82), Some(&info[..]), "neither sorted nor merged");
    let giaddr = Ipv4Addr::new(10, 1, 2, 1);
    assert_eq!(
        destination(&request, Port::Dhcp, NOBODY, &reply),
        Destination::Relay { giaddr }
    );
}

#[test]
fn what_a_relay_added_is_no_burden_of_the_client_and_still_has_to_fit_a_frame() {
    let offer = Reply::ProxyOffer(pxe(Strategy::Direct));
    let len = |info: &[u8]| {
        let pieces = info.chunks(255);
        let packet = Packet::uefi().at(24, &[10, 1, 2, 1]).option(57, &[2, 64]);
        let packet = pieces.fold(packet.option(97, &[0; 17]), |packet, piece| packet.option(82, piece));
        render(&sound(packet), SERVER, &offer).map(|bytes| {
            let echoed: Vec<u8> = options_of(&bytes, 82).concat();
            assert_eq!(echoed, info, "byte for byte, in as many pieces as it needs");
            bytes.len()
        })
    };
    assert_eq!(len(&[7; 240]), Ok(553), "the client takes 548 and gets 311 of it");
    assert_eq!(len(&[7; 700]), Ok(1017));
    assert_eq!(len(&[7; 1200]), Err(Unrenderable::TooLong { len: 1521, max: 1472 }));
}

#[test]
fn a_relays_option_of_any_length_comes_back_as_it_was_and_its_sub_options_count_at_their_length_alone() {
    let offer = Reply::ProxyOffer(pxe(Strategy::Direct));
    let relayed = |info: &[u8]| sound(Packet::uefi().at(24, &[10, 1, 2, 1]).option(82, info));
    for len in 0..=255_u8 {
        // Nonsense as a whole, and each of the two that we read, at every length and with every claim of one.
        let nonsense = vec![len; usize::from(len)];
        let bytes = render(&relayed(&nonsense), SERVER, &offer).expect("an offer");
        assert_eq!(value(&bytes, 82), Some(nonsense.as_slice()));
        assert_eq!(order(&bytes).last(), Some(&82));
        for (code, right) in [(5, len == 4), (11, len == 4)] {
            let declared = [&[code, len][..], &[10; 253][..usize::from(len.min(253))]].concat();
            let request = relayed(&declared);
            let read = [request.link_selection, request.server_id_override];
            let expected = right.then_some(Ipv4Addr::new(10, 10, 10, 10));
            assert_eq!(
                read.iter().flatten().next().copied(),
                expected,
                "sub-option {code}, {len} bytes"
            );
            let cut = relayed(&[code, len]);
            assert_eq!(
                (cut.link_selection, cut.server_id_override),
                (None, None),
                "{len} bytes that are not there"
            );
        }
    }
}

#[test]
fn what_only_a_relay_may_say_counts_from_nobody_else() {
    let info = [5, 4, 10, 1, 2, 0, 11, 4, 10, 1, 2, 9];
    let direct = sound(Packet::uefi().option(82, &info));
    assert_eq!((direct.link_selection, direct.server_id_override), (None, None));
    let leased = render(&direct, SERVER, &Reply::LeaseOffer(lease(), None)).expect("an offer");
    assert_eq!(value(&leased, 54), Some(&[10, 77, 0, 1][..]), "our own");
    assert_eq!(value(&leased, 82), Some(&info[..]), "a switch on the way wants it back");
}

#[test]
fn a_reply_is_never_longer_than_the_client_takes() {
    let long = vec![0xab; 255];
    let offer = Reply::ProxyOffer(pxe(Strategy::Direct));
    let len = |packet: Packet| render(&sound(packet), SERVER, &offer).map(|bytes| bytes.len());
    let small = Packet::uefi().option(57, &[2, 64]).option(97, &long);
    assert_eq!(len(small), Err(Unrenderable::TooLong { len: 549, max: 548 }));
    assert_eq!(len(Packet::uefi().option(57, &[5, 192]).option(97, &long)), Ok(549));
    let announced = |bytes: [u8; 2]| sound(Packet::uefi().option(57, &bytes)).reply_len_max();
    assert_eq!(announced([0, 0]), 548, "less than any host must take");
    assert_eq!(announced([1, 72]), 548, "what small U-Boot builds announce");
    assert_eq!(announced([5, 192]), 1444);
    assert_eq!(announced([255, 0]), 1472, "what EDK2 announces in its REQUEST");
    let doubled = sound(Packet::uefi().option(57, &[5, 220]).option(97, &long).option(97, &long));
    assert_eq!(
        render(&doubled, SERVER, &offer),
        Err(Unrenderable::OptionTooLong { code: 97, len: 510 })
    );
    let crowded = Reply::LeaseOffer(
        Lease {
            routers: vec![SERVER; 64],
            ..lease()
        },
        None,
    );
    assert_eq!(
        render(&sound(Packet::uefi()), SERVER, &crowded),
        Err(Unrenderable::OptionTooLong { code: 3, len: 256 }),
        "never split"
    );
}

#[test]
fn dhcproto_asserts_on_long_file_names_and_we_refuse_what_firmware_cannot_read() {
    assert_eq!(BootFile::new(""), Err(NotBootFile::Empty));
    assert_eq!(BootFile::new(&"x".repeat(128)), Err(NotBootFile::TooLong { len: 128 }));
    assert_eq!(BootFile::new("caf\u{e9}.efi"), Err(NotBootFile::NotPrintable { at: 3 }));
    assert_eq!(BootFile::new("a\0b"), Err(NotBootFile::NotPrintable { at: 1 }));
    let file = BootFile::new(&"x".repeat(127)).expect("the longest name");
    let boot = Boot::Pxe {
        file,
        strategy: Strategy::Direct,
    };
    let bytes = render(&sound(Packet::uefi()), SERVER, &Reply::ProxyOffer(boot)).expect("an offer");
    assert_eq!((bytes[234], bytes[235]), (b'x', 0), "whole, and ended by a NUL");
    assert_eq!(value(&bytes, 67).map(<[u8]>::len), Some(128));
}

#[test]
fn an_empty_machine_id_comes_back_empty() {
    let request = sound(Packet::uefi().option(97, &[]));
    let bytes = render(&request, SERVER, &Reply::ProxyOffer(pxe(Strategy::Direct))).expect("an offer");
    assert_eq!(value(&bytes, 97), Some(&[][..]));
}
