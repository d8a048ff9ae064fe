//! An offer that repeats the DHCP server's with our boot data in it.

use std::net::Ipv4Addr;

use bootwright_core::{Span, Timestamp};
use bootwright_proto::dhcp::{
    Answer, Boot, BootFile, Lease, Merger, Reply, Request, Strategy, parse, parse_answer, render,
};

use super::packet::Packet;
use super::reading::{decode, order};

const MAIN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const LEASED: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);

fn request() -> Request {
    let id = [&[0], [0x11; 16].as_slice()].concat();
    let packet = Packet::uefi().option(97, &id).option(55, &[1, 3, 6]);
    parse(&packet.end()).expect("a sound packet")
}

fn boot() -> Boot {
    Boot::Pxe {
        file: BootFile::new("snponly.efi").expect("a name"),
        strategy: Strategy::Merged,
    }
}

/// What the DHCP server says to it, which knows nothing of booting.
fn offer_of(server: Ipv4Addr) -> Answer {
    let lease = Lease {
        address: LEASED,
        secs: Some(600),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        routers: vec![Ipv4Addr::new(10, 77, 0, 253)],
        dns: vec![Ipv4Addr::new(10, 77, 0, 252)],
        host_name: None,
        domain: None,
        search: Vec::new(),
        broadcast: None,
        ntp: Vec::new(),
        mtu: None,
    };
    let mut bytes = render(&request(), server, &Reply::LeaseOffer(lease, None)).expect("it fits");
    bytes[20..24].fill(0);
    parse_answer(&bytes).expect("a sound answer")
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + ms)
}

#[test]
fn it_bears_the_servers_name_and_address_and_our_boot_data_and_makes_nothing_up() {
    let mut merger = Merger::default();
    assert_eq!(merger.ask(at(0), &request(), OURS, boot()), Ok(None), "it is held");
    let bytes = merger
        .hear(at(5), &offer_of(MAIN), &[OURS])
        .expect("it fits")
        .expect("a merged offer");
    assert_eq!(order(&bytes), [53, 54, 51, 1, 3, 6, 60, 97, 43, 66, 67]);
    let merged = parse_answer(&bytes).expect("a sound answer");
    assert_eq!((merged.yiaddr, merged.siaddr), (LEASED, OURS));
    assert_eq!((merged.server_id, merged.lease_secs), (Some(MAIN), Some(600)));
    assert_eq!(merged.mask, Some(Ipv4Addr::new(255, 255, 255, 0)));
    assert_eq!(merged.routers, [Ipv4Addr::new(10, 77, 0, 253)]);
    assert_eq!(merged.dns, [Ipv4Addr::new(10, 77, 0, 252)]);
    assert_eq!(merged.vendor_class, b"PXEClient");
    assert_eq!(merged.boot_file.as_deref(), Some(&b"snponly.efi\0"[..]));
    assert!(merged.broadcast);
    assert_eq!(decode(&bytes).yiaddr(), LEASED, "a decoder that is not ours");
    // Once, and not again for the same packet.
    assert_eq!(merger.hear(at(6), &offer_of(MAIN), &[OURS]), Ok(None));
}

#[test]
fn whichever_of_the_two_is_first_the_other_completes_it_within_four_seconds() {
    let mut merger = Merger::default();
    assert_eq!(merger.hear(at(0), &offer_of(MAIN), &[OURS]), Ok(None));
    assert!(merger.ask(at(3), &request(), OURS, boot()).expect("it fits").is_some());
    let mut merger = Merger::default();
    assert_eq!(merger.ask(at(0), &request(), OURS, boot()), Ok(None));
    let late = at(0).after(Span::from_secs(4));
    assert_eq!(merger.hear(late, &offer_of(MAIN), &[OURS]), Ok(None));
}

#[test]
fn neither_our_own_offers_nor_those_to_others_are_merged() {
    let mut merger = Merger::default();
    assert_eq!(merger.ask(at(0), &request(), OURS, boot()), Ok(None));
    assert_eq!(merger.hear(at(1), &offer_of(OURS), &[OURS]), Ok(None), "our own lease");
    let other = Answer {
        xid: 1,
        ..offer_of(MAIN)
    };
    assert_eq!(merger.hear(at(1), &other, &[OURS]), Ok(None), "another transaction");
    let proxy = Answer {
        yiaddr: Ipv4Addr::UNSPECIFIED,
        ..offer_of(MAIN)
    };
    assert_eq!(merger.hear(at(1), &proxy, &[OURS]), Ok(None), "another proxy");
    let nameless = Answer {
        server_id: None,
        ..offer_of(MAIN)
    };
    assert_eq!(
        merger.hear(at(1), &nameless, &[OURS]),
        Ok(None),
        "a server without a name"
    );
    let merged = Answer {
        siaddr: OURS,
        ..offer_of(MAIN)
    };
    assert_eq!(merger.hear(at(1), &merged, &[OURS]), Ok(None), "what we sent ourselves");
    assert!(merger.hear(at(1), &offer_of(MAIN), &[OURS]).expect("it fits").is_some());
}

#[test]
fn a_flood_of_offers_to_others_takes_a_bounded_space_and_nobodys_place() {
    let mut merger = Merger::default();
    for xid in 0..10_000 {
        let other = Answer { xid, ..offer_of(MAIN) };
        assert_eq!(merger.hear(at(0), &other, &[OURS]), Ok(None));
    }
    assert_eq!(merger.ask(at(1), &request(), OURS, boot()), Ok(None));
    assert!(merger.hear(at(2), &offer_of(MAIN), &[OURS]).expect("it fits").is_some());
}
