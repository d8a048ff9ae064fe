//! Any bytes at all: no panic, and no answer that should not be.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use bootwright_core::{Arch, MacAddr, Uuid};
use bootwright_proto::dhcp::{Discard, Ipxe, MessageType, Port, Request, parse, render_request};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::digest::{answer, digest, digest_and_answer, digest_both_ways, replies};
use super::golden::Golden;
use super::packet::Packet;

#[test]
fn every_truncation_of_every_golden_packet_is_read_or_refused_with_a_reason() {
    let (mut refused, mut read) = (0, 0);
    for golden in Golden::all() {
        for len in 0..golden.bytes.len() {
            match digest_and_answer(&golden.bytes[..len], golden.port()) {
                Err(Discard::TooShort { .. }) => {
                    refused += 1;
                    assert!(len < 240, "{}: {len}", golden.name);
                }
                Err(Discard::TruncatedOption { left, .. }) => {
                    refused += 1;
                    assert!(left < len - 240, "{}: {len}", golden.name);
                }
                Err(other) => panic!("{}: {len} bytes: {other}", golden.name),
                Ok(request) => {
                    read += 1;
                    let whole = parse(&golden.bytes).expect(golden.name);
                    assert_eq!((request.mac, request.xid), (whole.mac, whole.xid));
                    // What is kept of an option is the whole of it.
                    assert!(
                        [Vec::new(), whole.vendor_class].contains(&request.vendor_class),
                        "{}",
                        golden.name
                    );
                    assert!([Vec::new(), whole.archs].contains(&request.archs), "{}", golden.name);
                    assert!(
                        [None, whole.machine_id].contains(&request.machine_id),
                        "{}",
                        golden.name
                    );
                }
            }
        }
    }
    assert!(refused > 12_000 && read > 2_000, "{refused} refused, {read} read");
}

#[test]
fn every_option_at_every_length_costs_the_pxe_options_nothing() {
    let plain = parse(&Packet::uefi().end()).expect("sound");
    let ours = [43, 52, 53, 54, 60, 77, 93, 175];
    for code in 1..=254 {
        for len in 0..=255 {
            for fill in [1, 0xff] {
                let value = vec![fill; len];
                let before = Packet::bare().option(code, &value);
                let packet = before
                    .option(53, &[1])
                    .option(93, &[0, 7])
                    .option(60, b"PXEClient:Arch:00007:UNDI:003000");
                let request = digest(&packet.end(), Port::Dhcp).expect("whole options");
                if !ours.contains(&code) {
                    let read = (request.message, request.archs, request.vendor_class, request.ipxe);
                    let expected = (plain.message, plain.archs.clone(), plain.vendor_class.clone(), None);
                    assert_eq!(read, expected, "option {code} with {len} bytes of {fill}");
                }
            }
        }
    }
}

#[test]
fn every_option_that_claims_more_than_there_is_is_named_or_dropped() {
    for code in 1..=254_u8 {
        for declared in 1..=255_u8 {
            let left = usize::from(declared) - 1;
            let mut packet = Packet::uefi().raw(&[code, declared]).open();
            packet.resize(packet.len() + left, 1);
            match digest(&packet, Port::Dhcp) {
                Ok(request) => assert_eq!(request, parse(&Packet::uefi().end()).expect("sound"), "option {code}"),
                Err(discard) => {
                    let declared = Some(declared);
                    assert_eq!(discard, Discard::TruncatedOption { code, declared, left });
                }
            }
        }
    }
}

static PACKETS: LazyLock<Vec<Golden>> = LazyLock::new(|| Golden::all().collect());

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4011),
        ..ProptestConfig::default()
    })]

    #[test]
    fn golden_packets_with_changed_bytes_never_panic(
        which in 0..PACKETS.len(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        pxe_port in any::<bool>(),
    ) {
        let mut bytes = PACKETS[which].bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        digest_both_ways(&bytes, if pxe_port { Port::Pxe } else { Port::Dhcp });
    }

    #[test]
    fn options_of_any_bytes_never_panic(tail in vec(any::<u8>(), 0..1300), overload in 0..4_u8, fixed in vec(any::<u8>(), 192)) {
        let packet = Packet::bare().at(44, &fixed).option(52, &[overload]).raw(&tail).open();
        digest_both_ways(&packet, Port::Dhcp);
    }

    #[test]
    fn any_bytes_never_panic(bytes in vec(any::<u8>(), 0..1500)) {
        digest_both_ways(&bytes, Port::Pxe);
    }

    #[test]
    fn any_request_can_be_answered(request in any_request()) {
        for reply in replies() {
            answer(&request, &reply);
        }
        let _ = parse(&render_request(&request));
    }
}

/// Requests that no packet need ever have led to.
fn any_request() -> impl Strategy<Value = Request> {
    let header = (
        any::<u8>(),
        any::<u32>(),
        any::<bool>(),
        any::<[u8; 4]>(),
        any::<[u8; 4]>(),
        any::<[u8; 16]>(),
    );
    let short = (
        any::<Option<u16>>(),
        any::<Option<[u8; 4]>>(),
        any::<Option<[u8; 16]>>(),
        any::<Option<u8>>(),
    );
    let long = (
        vec(any::<u8>(), 0..300),
        proptest::option::of(vec(any::<u8>(), 0..300)),
        proptest::option::of(vec(any::<u8>(), 0..600)),
        proptest::option::of(vec(any::<u8>(), 0..300)),
        vec(any::<u16>(), 0..8),
    );
    (header, short, long).prop_map(|(header, short, long)| {
        let (htype, xid, broadcast, ciaddr, giaddr, chaddr) = header;
        let (max_message, address, uuid, message) = short;
        let (vendor_class, machine_id, relay_info, boot_item, archs) = long;
        Request {
            htype,
            hops: 0,
            xid,
            secs: 0,
            broadcast,
            ciaddr: ciaddr.into(),
            giaddr: giaddr.into(),
            mac: MacAddr::new([2; 6]),
            chaddr,
            message: message.map(MessageType::from_code),
            host_name: None,
            requested: None,
            server_id: address.map(Ipv4Addr::from),
            parameters: vendor_class.clone(),
            max_message,
            vendor_class,
            client_id: None,
            user_class: Vec::new(),
            archs: archs.into_iter().map(Arch::new).collect(),
            interface: None,
            uuid: uuid.map(Uuid::from_wire),
            machine_id,
            boot_item,
            ipxe: broadcast.then(Ipxe::default),
            relay_info,
            link_selection: None,
            server_id_override: address.map(Ipv4Addr::from),
            subnet_selection: None,
        }
    })
}
