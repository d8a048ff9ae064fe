//! What relays put around messages, and hear again around the answers. dhcproto reads what we write.

use std::net::Ipv6Addr;

use bootwright_proto::dhcp6::{Discard, parse, unwrap};
use dhcproto::v6::{DhcpOption, MessageType, OptionCode, RelayMessage};
use dhcproto::{Decodable as _, Decoder};

use super::{CARD, captured};

/// A relay's message (RFC 8415 section 9): its type, the hops, the link's address, the machine's, and options.
fn relayed(hops: u8, link: &str, peer: &str, options: &[(u16, &[u8])]) -> Vec<u8> {
    let address = |text: &str| text.parse::<Ipv6Addr>().expect("an address").octets();
    let mut bytes = [&[12, hops][..], &address(link), &address(peer)].concat();
    for (code, value) in options {
        bytes.extend_from_slice(&code.to_be_bytes());
        bytes.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// What dhcproto finds in a message to a relay: itself, and the message in it.
fn opened(bytes: &[u8]) -> RelayMessage {
    RelayMessage::decode(&mut Decoder::new(bytes)).expect("a relay's message")
}

#[test]
fn what_leads_back_repeats_hops_addresses_and_the_name_of_the_interface_and_nothing_else() {
    let solicit = captured("pxe-solicit");
    let options: [(u16, &[u8]); 4] = [
        (37, b"\0\0\0\x09remote"),
        (18, b"eth7"),
        (9, &solicit),
        // RFC 6939: Ethernet, and the card.
        (79, &[0, 1, 0x52, 0x54, 0, 1, 2, 3]),
    ];
    let packet = relayed(0, "fd00:88::1", "fe80::5054:ff:fe1a:b032", &options);
    let found = unwrap(&packet).expect("sound").expect("a relay sent it");
    assert_eq!(found.message, solicit);
    assert_eq!(found.link, Some("fd00:88::1".parse().expect("an address")));
    assert_eq!(
        found.card.expect("the relay tells it").octets(),
        [0x52, 0x54, 0, 1, 2, 3],
        "the relay has seen the card"
    );
    let bytes = found.wrap(vec![7, 0xa, 0xb, 0xc]);
    assert!(
        bytes.ends_with(&[0, 9, 0, 4, 7, 0xa, 0xb, 0xc]),
        "the answer as it is: {bytes:x?}"
    );
    // dhcproto looks into such an option for another relay's message alone, and leaves out what is none.
    let back = opened(&bytes);
    assert_eq!(back.msg_type(), MessageType::RelayRepl);
    assert_eq!(
        (back.hop_count(), back.link_addr()),
        (0, "fd00:88::1".parse().expect("an address"))
    );
    assert_eq!(back.peer_addr().to_string(), "fe80::5054:ff:fe1a:b032");
    let codes: Vec<u16> = back
        .opts()
        .iter()
        .map(|option| OptionCode::from(option).into())
        .collect();
    assert_eq!(codes, [18]);
    assert_eq!(
        back.opts().get(OptionCode::InterfaceId),
        Some(&DhcpOption::InterfaceId(b"eth7".to_vec()))
    );
}

#[test]
fn the_relay_next_to_the_machine_knows_its_link_unless_it_has_no_address_there() {
    let solicit = captured("pxe-solicit");
    // RFC 6221: a switch adds the port, and leaves the link to the router behind it.
    for (inner, expected) in [
        ("fd00:88::1", "fd00:88::1"),
        ("::", "fd00:99::1"),
        ("fe80::1", "fd00:99::1"),
    ] {
        let near = relayed(0, inner, "fe80::5054:ff:fe1a:b032", &[(18, b"port 3"), (9, &solicit)]);
        let far = relayed(1, "fd00:99::1", "fd00:88::1", &[(9, &near)]);
        let found = unwrap(&far).expect("sound").expect("relays sent it");
        assert_eq!(found.link, Some(expected.parse().expect("an address")), "{inner}");
        assert_eq!(
            (found.peer.to_string().as_str(), found.card),
            ("fe80::5054:ff:fe1a:b032", Some(CARD))
        );
        assert_eq!(found.message, solicit);
        let back = found.wrap(vec![7, 0xa, 0xb, 0xc]);
        assert_eq!((back[0], back[1]), (13, 1), "for the one that sent it to us");
        let outer = opened(&back);
        let Some(DhcpOption::RelayMsg(_)) = outer.opts().get(OptionCode::RelayMsg) else {
            panic!("it wraps a message: {outer}")
        };
        // The first of its bytes stands behind the head of the outer relay and of the option.
        let inside = opened(&back[38..]);
        assert_eq!((inside.msg_type(), inside.hop_count()), (MessageType::RelayRepl, 0));
        assert_eq!(
            inside.opts().get(OptionCode::InterfaceId),
            Some(&DhcpOption::InterfaceId(b"port 3".to_vec()))
        );
    }
    let lost = relayed(0, "::", "fe80::5054:ff:fe1a:b032", &[(9, &solicit)]);
    assert_eq!(unwrap(&lost).expect("sound").expect("a relay sent it").link, None);
}

#[test]
fn what_a_relay_must_not_send_is_given_up_and_says_why() {
    let solicit = captured("pxe-solicit");
    assert_eq!(unwrap(&solicit), Ok(None), "no relay sent it");
    let whole = relayed(0, "fd00:88::1", "fe80::1", &[(9, &solicit)]);
    for len in 1..whole.len() {
        let cut = unwrap(&whole[..len]);
        assert!(cut.is_err(), "{len}: {cut:?}");
    }
    assert_eq!(unwrap(&whole[..33]), Err(Discard::TooShort { len: 33 }));
    assert_eq!(unwrap(&whole[..34]), Err(Discard::EmptyRelay));
    // Nine in a row are the most that count themselves honestly.
    let wrapped = |times: u8| {
        (0..times).fold(solicit.clone(), |inner, hops| {
            relayed(hops, "fd00:88::1", "fe80::1", &[(9, &inner)])
        })
    };
    assert!(unwrap(&wrapped(9)).is_ok_and(|found| found.is_some_and(|found| found.message == solicit)));
    assert_eq!(unwrap(&wrapped(10)), Err(Discard::TooManyRelays));
    // What it wraps is read as strictly as if a machine had sent it here.
    let answer = relayed(0, "fd00:88::1", "fe80::1", &[(9, &[13, 0, 0, 0])]);
    let found = unwrap(&answer).expect("sound").expect("a relay sent it");
    assert_eq!(parse(found.message), Err(Discard::NotFromClient { kind: 13 }));
}
