//! The search for other DHCPv6 servers, read and answered by an implementation of other hands.

use bootwright_proto::dhcp6::{Found, parse, parse_found, search};
use dhcproto::v6::{self, DhcpOption, OptionCode};
use dhcproto::{Decodable, Decoder};

use super::{CARD, CLIENT, message, server};

#[test]
fn a_search_is_a_solicit_that_others_read() {
    let packet = search(CARD, [1, 2, 3]);
    let read = v6::Message::decode(&mut Decoder::new(&packet)).expect("sound");
    assert_eq!(read.msg_type(), v6::MessageType::Solicit);
    assert_eq!(read.xid(), [1, 2, 3]);
    let options = read.opts();
    let Some(DhcpOption::IANA(association)) = options.get(OptionCode::IANA) else {
        panic!("no association: {options:?}")
    };
    assert_eq!(association.id, 0x001a_b032, "the end of the card's address");
    assert_eq!(
        options.get(OptionCode::ElapsedTime),
        Some(&DhcpOption::ElapsedTime(6000))
    );
    assert!(options.get(OptionCode::ClientId).is_some() && options.get(OptionCode::UserClass).is_some());
    assert!(options.get(OptionCode::VendorClass).is_none(), "nothing wants to boot");
    // Another box of ours reads it, too.
    assert_eq!(
        parse(&packet).expect("sound").user_class,
        [b"bootwright-census".to_vec()]
    );
}

#[test]
fn an_advertisement_tells_what_its_server_does() {
    let address = [&[0, 5, 0, 24][..], &[0xfd; 16], &[0, 0, 0, 9, 0, 0, 0, 9]].concat();
    let association = [&[0; 12][..], &address].concat();
    let url = b"tftp://[fd00:77::fe]/snponly.efi";
    let duid = server();
    let whole = message(2, &[(1, CLIENT), (2, duid.bytes()), (3, &association), (59, url)]);
    let found = Found {
        transaction: [0xa, 0xb, 0xc],
        server: server(),
        leases: true,
        url: Some("tftp://[fd00:77::fe]/snponly.efi".to_owned()),
    };
    assert_eq!(parse_found(&whole), Some(found.clone()));
    // RFC 8415 section 18.3.9: a server without an address says so in a status.
    let none_left = [&[0; 12][..], &[0, 13, 0, 2, 0, 2]].concat();
    let none_left = message(2, &[(2, duid.bytes()), (3, &none_left)]);
    let told = Found {
        leases: false,
        url: None,
        ..found
    };
    assert_eq!(parse_found(&none_left), Some(told));
    for not_found in [
        message(7, &[(2, duid.bytes())]),
        message(2, &[(1, CLIENT)]),
        message(2, &[(2, duid.bytes()), (3, &[0; 11])]),
        message(2, &[(2, duid.bytes()), (3, &association[..20])]),
    ] {
        assert_eq!(parse_found(&not_found), None);
    }
    for len in 0..whole.len() {
        let cut = parse_found(&whole[..len]);
        assert!(cut.is_none_or(|cut| cut.server == server()), "{len}");
    }
}
