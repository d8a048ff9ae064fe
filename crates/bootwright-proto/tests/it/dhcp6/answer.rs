//! Our answers, byte for byte where the RFC says it and read by an independent decoder.

use std::net::Ipv6Addr;

use bootwright_proto::dhcp6::{Answer, Boot, Duid, Held, Reply, Status, Unrenderable, parse, render};
use dhcproto::v6::{DhcpOption, Message, MessageType, OptionCode};
use dhcproto::{Decodable as _, Decoder};

use super::{CLIENT, captured, message, server};

fn read(bytes: &[u8]) -> Message {
    Message::decode(&mut Decoder::new(bytes)).expect("an independent decoder reads it")
}

fn plain(reply: Reply) -> Answer {
    Answer {
        reply,
        server: server(),
        held: Vec::new(),
        status: None,
        boot: None,
        dns: Vec::new(),
    }
}

#[test]
fn an_answer_is_written_as_rfc_8415_has_it() {
    let request = parse(&message(
        3,
        &[
            (1, CLIENT),
            (2, server().bytes()),
            (3, &[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]),
        ],
    ));
    let address: Ipv6Addr = "fd00:77::8000:1".parse().expect("an address");
    let answer = Answer {
        held: vec![Held {
            association: 9,
            address: Some(address),
            secs: 3600,
            withdrawn: Vec::new(),
        }],
        boot: Some(Boot::Url("tftp://[fd00:77::1]/a".to_owned())),
        ..plain(Reply::Reply)
    };
    let mut expected = vec![7, 0xa, 0xb, 0xc, 0, 1, 0, 10];
    expected.extend_from_slice(CLIENT);
    expected.extend_from_slice(&[0, 2, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
    // IA_NA with T1 = 1800 and T2 = 2880 seconds, and in it the address with its two times.
    expected.extend_from_slice(&[0, 3, 0, 40, 0, 0, 0, 9, 0, 0, 7, 8, 0, 0, 0x0b, 0x40, 0, 5, 0, 24]);
    expected.extend_from_slice(&[
        0xfd, 0, 0, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10,
    ]);
    expected.extend_from_slice(&[0, 59, 0, 21]);
    expected.extend_from_slice(b"tftp://[fd00:77::1]/a");
    assert_eq!(render(&request.expect("sound"), &answer), Ok(expected));
}

#[test]
fn a_pxe_client_gets_a_url_and_no_vendor_class() {
    let request = parse(&captured("pxe-solicit")).expect("sound");
    let answer = Answer {
        boot: Some(Boot::Url("tftp://[fd00:77::1]/snponly.efi".to_owned())),
        ..plain(Reply::Advertise)
    };
    let bytes = render(&request, &answer).expect("it fits");
    let read = read(&bytes);
    assert_eq!(read.msg_type(), MessageType::Advertise);
    assert_eq!(read.xid(), [0x79, 0x23, 0x53]);
    assert!(
        read.opts().get(OptionCode::VendorClass).is_none(),
        "it would go to port 4011"
    );
    let url = b"tftp://[fd00:77::1]/snponly.efi";
    let expected = [&[0, 59, 0, 31][..], url].concat();
    assert!(
        bytes.windows(expected.len()).any(|window| window == expected),
        "{bytes:x?}"
    );
}

#[test]
fn an_http_client_gets_the_vendor_class_under_its_own_enterprise() {
    let request = parse(&captured("http-solicit")).expect("sound");
    let answer = Answer {
        boot: Some(Boot::Http("http://[fd00:77::1]:8080/firmware/snponly.efi".to_owned())),
        ..plain(Reply::Advertise)
    };
    let bytes = render(&request, &answer).expect("it fits");
    let expected = [&[0, 16, 0, 16, 0, 0, 1, 0x57, 0, 10][..], b"HTTPClient"].concat();
    assert!(
        bytes.windows(expected.len()).any(|window| window == expected),
        "{bytes:x?}"
    );
}

#[test]
fn addresses_that_end_have_no_time_left_and_none_has_a_status() {
    let request = parse(&captured("firmware-request")).expect("sound");
    let old: Ipv6Addr = "fd00:77::1df".parse().expect("an address");
    let answer = Answer {
        held: vec![Held {
            association: 1,
            address: None,
            secs: 3600,
            withdrawn: vec![old],
        }],
        status: Some(Status::Success),
        ..plain(Reply::Reply)
    };
    let read = read(&render(&request, &answer).expect("it fits"));
    let Some(DhcpOption::IANA(association)) = read.opts().get(OptionCode::IANA) else {
        panic!("an association");
    };
    let Some(DhcpOption::IAAddr(address)) = association.opts.get(OptionCode::IAAddr) else {
        panic!("an address");
    };
    assert_eq!((address.addr, address.preferred_life, address.valid_life), (old, 0, 0));
    let Some(DhcpOption::StatusCode(status)) = association.opts.get(OptionCode::StatusCode) else {
        panic!("a status");
    };
    assert_eq!(u16::from(status.status), 2, "NoAddrsAvail");
}

#[test]
fn an_answer_that_no_frame_carries_is_not_written() {
    let request = parse(&captured("ipxe-solicit")).expect("sound");
    let answer = Answer {
        boot: Some(Boot::Url("x".repeat(1453))),
        ..plain(Reply::Reply)
    };
    assert!(matches!(
        render(&request, &answer),
        Err(Unrenderable::TooLong { len: 1453.. })
    ));
}

#[test]
fn a_card_makes_a_name_and_the_name_shows_the_card() {
    let name = Duid::new(CLIENT).expect("a name");
    let card = name.card().expect("made of a card");
    assert_eq!(Duid::of_card(card), name);
    let timed = [&[0, 1, 0, 1, 0x32, 0x93, 0x39, 0xc2][..], &card.octets()].concat();
    assert_eq!(Duid::new(&timed).and_then(|name| name.card()), Some(card));
    assert_eq!(Duid::new(&[0, 2, 0, 0, 1, 0x57, 9]).and_then(|name| name.card()), None);
    assert_eq!(Duid::new(&[0, 3]), None, "no identifier");
}
