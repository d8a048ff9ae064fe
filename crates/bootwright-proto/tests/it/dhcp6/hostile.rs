//! Bytes that nobody should send.

use std::net::Ipv6Addr;

use bootwright_proto::dhcp6::{Discard, Duid, Ends, SERVERS, Silence, parse, question};

use super::digest::digest;
use super::{CLIENT, FILES, captured, message, server};

#[test]
fn every_truncation_of_every_capture_is_read_or_given_up() {
    for (name, _) in FILES {
        let whole = captured(name);
        assert!(digest(&whole).is_ok(), "{name}");
        for len in 0..whole.len() {
            let _ = digest(&whole[..len]);
        }
    }
}

#[test]
fn every_option_in_every_length_is_read_or_given_up() {
    for code in 0..=143_u16 {
        for len in 0..=64 {
            for fill in [0, 1, 0xff] {
                let value = vec![fill; len];
                let _ = digest(&message(1, &[(1, CLIENT), (code, &value)]));
            }
        }
    }
}

#[test]
fn what_is_given_up_says_why() {
    let of = |bytes: &[u8]| parse(bytes).expect_err("not sound");
    assert_eq!(of(&[1, 2, 3]), Discard::TooShort { len: 3 });
    assert_eq!(of(&message(2, &[])), Discard::NotFromClient { kind: 2 });
    assert_eq!(of(&message(200, &[])), Discard::NotFromClient { kind: 200 });
    assert_eq!(of(&message(12, &[])), Discard::NotFromClient { kind: 12 });
    assert_eq!(
        of(&[1, 0, 0, 0, 0]),
        Discard::TruncatedOption {
            code: 0,
            declared: None,
            left: 0
        }
    );
    assert_eq!(
        of(&[1, 0, 0, 0, 0, 1, 0, 10, 0, 3]),
        Discard::TruncatedOption {
            code: 1,
            declared: Some(10),
            left: 2
        }
    );
    let long = [7; 131];
    assert_eq!(of(&message(1, &[(1, &long)])), Discard::BadOption { code: 1, len: 131 });
    assert_eq!(
        of(&message(1, &[(61, &[0, 7, 0])])),
        Discard::BadOption { code: 61, len: 3 }
    );
    assert_eq!(
        of(&message(1, &[(3, &[0; 11])])),
        Discard::BadOption { code: 3, len: 11 }
    );
}

#[test]
fn a_message_to_the_wrong_place_or_without_its_names_is_not_answered() {
    let sender: Ipv6Addr = "fe80::1".parse().expect("an address");
    let routed: Ipv6Addr = "2001:db8::7".parse().expect("an address");
    let ours = server();
    let other = Duid::new(CLIENT).expect("a name");
    let ask = |kind, options: &[(u16, &[u8])], from, to| {
        let request = parse(&message(kind, options)).expect("sound");
        question(
            &request,
            &ours,
            Some(Ends {
                sender: from,
                destination: to,
            }),
        )
        .expect_err("nobody answers")
    };
    let id = (1, CLIENT);
    assert_eq!(ask(1, &[id], sender, sender), Silence::Unicast);
    assert_eq!(
        ask(1, &[id], routed, SERVERS),
        Silence::NotOfThisLink { sender: routed }
    );
    for kind in [1, 3, 4, 5, 6, 8, 9] {
        assert_eq!(ask(kind, &[], sender, SERVERS), Silence::NoClientId, "{kind}");
    }
    for kind in [3, 5, 8, 9] {
        assert_eq!(ask(kind, &[id], sender, SERVERS), Silence::NoServerId, "{kind}");
        assert_eq!(
            ask(kind, &[id, (2, other.bytes())], sender, SERVERS),
            Silence::ForAnotherServer,
            "{kind}"
        );
    }
    for kind in [1, 4, 6] {
        assert_eq!(
            ask(kind, &[id, (2, ours.bytes())], sender, SERVERS),
            Silence::NamesServer,
            "{kind}"
        );
    }
    assert_eq!(
        ask(11, &[(2, other.bytes())], sender, SERVERS),
        Silence::ForAnotherServer
    );
    assert_eq!(ask(11, &[(3, &[0; 12])], sender, SERVERS), Silence::StatefulInformation);
}
