//! What the parser reads in the captures.

use std::net::Ipv6Addr;

use bootwright_core::{Arch, Uuid};
use bootwright_proto::dhcp6::{ClientKind, Message, classify, parse, sender_card};

use super::{CARD, captured};

const UUID: &str = "1ab00000-0000-4000-8000-000000000032";

fn uuid() -> Uuid {
    UUID.parse().expect("a UUID")
}

#[test]
fn firmware_first_asks_for_an_address_like_anybody() {
    let request = parse(&captured("firmware-solicit")).expect("sound");
    assert_eq!(request.message, Message::Solicit);
    assert_eq!(request.transaction, [0x77, 0x23, 0x53]);
    assert_eq!(request.wishes, [23]);
    assert_eq!(request.associations.len(), 1);
    assert_eq!(request.associations[0].id, 2_063_630_079);
    let client = classify(&request);
    assert_eq!(client.kind, ClientKind::Plain);
    assert_eq!(client.uuid, None, "whose bytes these are is not known");
}

#[test]
fn firmware_then_presents_itself_as_a_pxe_client() {
    let request = parse(&captured("pxe-solicit")).expect("sound");
    assert_eq!(request.wishes, [59, 60, 23, 16]);
    assert_eq!(request.interface, Some([1, 3, 0]));
    let class = request.vendor_class.as_ref().expect("a vendor class");
    assert_eq!(class.enterprise, 343);
    assert_eq!(class.words, b"PXEClient:Arch:00007:UNDI:003000");
    let client = classify(&request);
    assert_eq!(client.kind, ClientKind::UefiPxe);
    assert_eq!(client.archs, [Arch::EFI64]);
    assert_eq!(client.uuid, Some(uuid()));
}

#[test]
fn firmware_that_boots_by_http_says_so() {
    let request = parse(&captured("http-solicit")).expect("sound");
    let client = classify(&request);
    assert_eq!(client.kind, ClientKind::UefiHttp);
    assert_eq!(client.archs, [Arch::EFI64_HTTP]);
    assert_eq!(client.uuid, Some(uuid()));
}

#[test]
fn firmware_takes_what_was_advertised() {
    let request = parse(&captured("pxe-request")).expect("sound");
    assert_eq!(request.message, Message::Request);
    let server = request.server_id.expect("a server");
    assert!(server.card().is_some(), "{server:?} was made of a card");
    let wanted: Ipv6Addr = "fd00:77::1d3".parse().expect("an address");
    assert_eq!(request.associations[0].addresses, [wanted]);
}

#[test]
fn firmware_gives_its_address_back_before_it_starts_the_boot_program() {
    let request = parse(&captured("pxe-release")).expect("sound");
    assert_eq!(request.message, Message::Release);
    assert_eq!(request.associations[0].addresses.len(), 1);
}

#[test]
fn ipxe_is_known_by_its_user_class_and_writes_the_uuid_the_other_way_round() {
    let request = parse(&captured("ipxe-solicit")).expect("sound");
    assert_eq!(request.user_class, [b"iPXE"]);
    let client = classify(&request);
    assert_eq!(client.kind, ClientKind::Ipxe);
    assert_eq!(client.uuid, Some(uuid()));
    let firmware = parse(&captured("pxe-solicit")).expect("sound");
    assert_ne!(request.client_id, firmware.client_id, "one machine, two names");
}

#[test]
fn the_address_that_firmware_sends_from_shows_its_card() {
    let sender: Ipv6Addr = "fe80::5054:ff:fe1a:b032".parse().expect("an address");
    assert_eq!(sender_card(sender), Some(CARD));
    for other in [
        "fe80::1",
        "fd00::5054:ff:fe1a:b032",
        "fe80::8049:e8ff:fa8e:ff8c",
        "fe80::200:ff:fe00:0",
        "::",
    ] {
        let other: Ipv6Addr = other.parse().expect("an address");
        assert_eq!(sender_card(other), None, "{other}");
    }
}
