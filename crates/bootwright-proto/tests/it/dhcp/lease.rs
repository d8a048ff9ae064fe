//! Leases on the wire.

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_proto::dhcp::{Destination, Lease, Port, Reply, Request, destination, parse, render};
use dhcproto::v4::{DhcpOption, OptionCode};

use super::answer::lease;
use super::golden::{Golden, unhex};
use super::packet::Packet;
use super::reading::{decode, order, value};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);

fn sound(packet: Packet) -> Request {
    parse(&packet.end()).expect("a sound packet")
}

fn everything() -> Lease {
    Lease {
        search: vec!["lab.example".to_owned(), "example.net.".to_owned()],
        broadcast: Some(Ipv4Addr::new(10, 77, 0, 255)),
        ..lease()
    }
}

/// The answer to the installer's udhcpc, put together by hand from RFC 2131 section 2 and RFC 2132.
#[test]
fn the_grant_to_a_captured_request_of_an_installer_is_this_byte_for_byte() {
    let golden = Golden::named("uefi-installer-request");
    let request = parse(&golden.bytes).expect("a captured packet");
    let asked = |code| request.parameters.contains(&code);
    assert!(asked(1) && asked(3) && asked(6) && asked(12) && asked(15) && asked(28) && asked(42));
    assert!(!asked(26) && !asked(119), "udhcpc asks for neither MTU nor search list");
    let server = Ipv4Addr::new(10, 99, 0, 1);
    let granted = Lease {
        address: Ipv4Addr::new(10, 99, 0, 140),
        secs: Some(43_200),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        routers: vec![Ipv4Addr::new(10, 99, 0, 1)],
        dns: vec![Ipv4Addr::new(10, 99, 0, 2)],
        host_name: Some("oak".to_owned()),
        domain: Some("lab.example".to_owned()),
        search: vec!["lab.example".to_owned()],
        broadcast: Some(Ipv4Addr::new(10, 99, 0, 255)),
        ntp: vec![Ipv4Addr::new(10, 99, 0, 3)],
        mtu: Some(9000),
    };
    let bytes = render(&request, server, &Reply::LeaseAck(granted, None)).expect("a grant");
    let mut expected = unhex("02010600 7b84156d 0000 0000 00000000 0a63008c 0a630001 00000000");
    expected.extend(unhex("52540061b6cb 00000000000000000000"));
    expected.extend(b"10.99.0.1");
    expected.resize(236, 0);
    expected.extend(unhex("63825363"));
    for option in [
        "35 01 05",
        "36 04 0a630001",
        "33 04 0000a8c0",
        "01 04 ffffff00",
        "03 04 0a630001",
        "06 04 0a630002",
        "0c 03 6f616b",
        "0f 0b 6c61622e6578616d706c65",
        "1c 04 0a6300ff",
        "2a 04 0a630003",
        "3a 04 00005460",
        "3b 04 000093a8",
        "ff",
    ] {
        expected.extend(unhex(option));
    }
    expected.resize(expected.len().max(300), 0);
    assert_eq!(bytes, expected);
}

#[test]
fn search_domains_are_written_as_dns_does_and_only_for_who_asks() {
    let asking = sound(Packet::bare().option(53, &[1]).option(55, &[1, 3, 28, 119]));
    let bytes = render(&asking, SERVER, &Reply::LeaseOffer(everything(), None)).expect("an offer");
    assert_eq!(order(&bytes), [53, 54, 51, 1, 3, 28, 58, 59, 119]);
    assert_eq!(
        value(&bytes, 119),
        Some(&b"\x03lab\x07example\x00\x07example\x03net\x00"[..])
    );
    match decode(&bytes).opts().get(OptionCode::DomainSearch) {
        Some(DhcpOption::DomainSearch(names)) => {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(names, ["lab.example.", "example.net."]);
        }
        other => panic!("{other:?}"),
    }
    let odd = Lease {
        search: vec!["a..b".to_owned(), "x".repeat(64), String::new()],
        ..everything()
    };
    let bytes = render(&asking, SERVER, &Reply::LeaseOffer(odd, None)).expect("an offer");
    assert_eq!(value(&bytes, 119), None, "no name of them can be written");
    let silent = sound(Packet::bare().option(53, &[1]));
    let bytes = render(&silent, SERVER, &Reply::LeaseOffer(everything(), None)).expect("an offer");
    assert_eq!(order(&bytes), [53, 54, 51, 1, 3, 58, 59]);
}

#[test]
fn a_machine_that_takes_only_small_packets_gets_its_address_without_what_it_can_do_without() {
    let asked = [1, 3, 6, 12, 15, 26, 28, 42, 119];
    let client = |max: u16| {
        sound(
            Packet::bare()
                .option(53, &[1])
                .option(55, &asked)
                .option(57, &max.to_be_bytes())
                .at(24, &[10, 1, 2, 1])
                .option(82, &[1; 100]),
        )
    };
    let long = Lease {
        search: (0..4)
            .map(|number| format!("{}{number}.example", "x".repeat(40)))
            .collect(),
        domain: Some("y".repeat(60)),
        ..everything()
    };
    let left = |max| {
        let bytes = render(&client(max), SERVER, &Reply::LeaseOffer(long.clone(), None)).expect("an offer");
        assert!(bytes.len() <= usize::from(max) - 28);
        order(&bytes)
    };
    assert_eq!(left(1500), [53, 54, 51, 1, 3, 6, 12, 15, 26, 28, 42, 58, 59, 119, 82]);
    assert_eq!(left(576), [53, 54, 51, 1, 3, 6, 12, 26, 28, 58, 59, 82]);
}

#[test]
fn who_only_asks_for_the_rest_is_answered_where_it_is() {
    let inform = Packet::bare().option(53, &[8]).at(12, &CLIENT.octets());
    let told = Reply::LeaseAck(
        Lease {
            address: Ipv4Addr::UNSPECIFIED,
            secs: None,
            ..everything()
        },
        None,
    );
    for request in [sound(inform.clone()), sound(inform.at(24, &[10, 1, 2, 1]))] {
        assert_eq!(
            destination(&request, Port::Dhcp, NOBODY, &told),
            Destination::Unicast { addr: CLIENT, port: 68 }
        );
        let bytes = render(&request, SERVER, &told).expect("an answer");
        let message = decode(&bytes);
        assert_eq!((message.ciaddr(), message.yiaddr()), (CLIENT, Ipv4Addr::UNSPECIFIED));
        for missing in [51, 58, 59] {
            assert_eq!(value(&bytes, missing), None);
        }
    }
}
