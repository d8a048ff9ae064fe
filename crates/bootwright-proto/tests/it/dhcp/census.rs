//! The search for other servers, and what captured answers show of those that sent them.

use bootwright_core::census::Deed;
use bootwright_core::{Arch, MacAddr};
use bootwright_proto::dhcp::{ClientKind, MessageType, classify, deeds, is_search, parse, parse_answer, search};

use super::packet::Packet;
use super::reading::value;

const CARD: MacAddr = MacAddr::new([0x52, 0x54, 0, 0, 0, 1]);

#[test]
fn a_search_is_an_ordinary_discover_that_commits_nobody_to_anything() {
    let bytes = search(CARD, 0x1234_5678, None);
    assert_eq!(bytes[..12], [1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 60, 0x80, 0]);
    assert!(bytes.len() >= 300);
    let request = parse(&bytes).expect("a sound packet");
    assert_eq!((request.message, request.mac), (Some(MessageType::Discover), CARD));
    assert_eq!(classify(&request).kind, ClientKind::Plain);
    assert!(request.requested.is_none() && request.client_id.is_none());
    assert!(is_search(&request));
}

#[test]
fn a_search_for_boot_servers_looks_like_firmware_to_them() {
    for (arch, class) in [
        (Arch::EFI64, &b"PXEClient:Arch:00007:UNDI:003000"[..]),
        (Arch::BIOS, b"PXEClient:Arch:00000:UNDI:003000"),
    ] {
        let bytes = search(CARD, 1, Some(arch));
        assert_eq!(value(&bytes, 60), Some(class));
        assert_eq!(value(&bytes, 93), Some(&arch.code().to_be_bytes()[..]));
        let request = parse(&bytes).expect("a sound packet");
        assert_ne!(classify(&request).kind, ClientKind::Plain);
        assert!(is_search(&request));
    }
    let firmware = parse(&Packet::uefi().end()).expect("a sound packet");
    assert!(!is_search(&firmware), "firmware is no search");
}

#[test]
fn captured_answers_show_what_their_senders_are() {
    for (name, bytes) in super::machine::answers() {
        let answer = parse_answer(&bytes).expect("a sound answer");
        let shown: Vec<Deed> = deeds(&answer).into_iter().collect();
        let expected: &[Deed] = match name {
            "plain-dhcp-offer" => &[Deed::Leases],
            // It is dnsmasq with a boot file for iPXE.
            "plain-dhcp-offer-through-a-relay" => &[Deed::Leases, Deed::NamesFile],
            // To a client that has its address, this one repeats it.
            "dnsmasq-boot-server-ack" => &[Deed::Leases, Deed::Boots],
            _ => &[Deed::Boots],
        };
        assert_eq!(shown, expected, "{name}");
    }
}

/// An offer of 10.77.0.50 by a router.
fn offer() -> Packet {
    Packet::bare()
        .at(0, &[2])
        .at(16, &[10, 77, 0, 50])
        .option(53, &[2])
        .option(54, &[10, 77, 0, 254])
}

fn of(packet: Packet) -> Vec<Deed> {
    deeds(&parse_answer(&packet.end()).expect("a sound answer"))
        .into_iter()
        .collect()
}

#[test]
fn a_dhcp_server_that_meddles_with_booting_is_told_from_one_that_does_not() {
    assert_eq!(of(offer()), [Deed::Leases]);
    assert_eq!(of(offer().at(108, b"pxelinux.0")), [Deed::Leases, Deed::NamesFile]);
    assert_eq!(of(offer().option(67, b"boot.efi\0")), [Deed::Leases, Deed::NamesFile]);
    assert_eq!(of(offer().option(60, b"PXEClient")), [Deed::Leases, Deed::ClaimsPxe]);
    let whole = offer()
        .option(60, b"PXEClient")
        .option(43, &[6, 1, 8, 255])
        .at(108, b"x.efi");
    assert_eq!(of(whole), [Deed::Leases, Deed::Boots]);
    let hides = offer().option(175, &[0xb0, 1, 1]);
    assert_eq!(of(hides), [Deed::Leases, Deed::HidesProxies]);
    let waits = offer().option(175, &[0xb0, 1, 0]);
    assert_eq!(of(waits), [Deed::Leases]);
    let nak = Packet::bare()
        .at(0, &[2])
        .option(53, &[6])
        .option(54, &[10, 77, 0, 254]);
    assert_eq!(of(nak), [Deed::Leases]);
}
