//! Any bytes at all: no panic, and no answer that should not be.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::LazyLock;

use bootwright_core::{Arch, MacAddr, Uuid};
use bootwright_proto::dhcp::{
    Arrival, Boot, BootFile, Discard, Ipxe, Lease, MessageType, Port, Reply, Request, Strategy as Ladder, classify,
    destination, parse, parse_answer, question, render, render_request,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::golden::{Golden, SERVERS};
use super::packet::Packet;

/// Takes a packet through everything that we do with one, and holds what must hold for every packet.
fn digest(bytes: &[u8], port: Port) -> Result<Request, Discard> {
    let request = parse(bytes).inspect_err(|discard| {
        assert!(!discard.name().is_empty() && !discard.to_string().is_empty());
    })?;
    let client = classify(&request);
    let arrival = Arrival {
        port,
        ours: &SERVERS,
        uboot: false,
    };
    let asked = question(&request, &client, arrival);
    if asked.is_ok() {
        let presented = [&b"PXEClient"[..], b"HTTPClient"]
            .iter()
            .any(|class| request.vendor_class.starts_with(class));
        assert!(
            presented,
            "an answer to a client that did not present itself: {request:?}"
        );
        assert!(
            request.server_id.is_none_or(|server| SERVERS.contains(&server)),
            "an answer in another's name"
        );
    }
    Ok(request)
}

/// The same bytes as an answer, and what we would ask if we were the client that they came from.
fn digest_both_ways(bytes: &[u8], port: Port) {
    let mut turned = bytes.to_vec();
    if let Some(op) = turned.first_mut() {
        *op = 2;
    }
    let answer = parse_answer(&turned);
    match digest_and_answer(bytes, port) {
        Ok(request) => {
            assert_eq!(answer.map(|answer| answer.xid), Ok(request.xid));
            let again = render_request(&request);
            assert_eq!(parse(&again).map(|again| again.archs), Ok(request.archs));
        }
        Err(Discard::NotBootRequest { .. }) => {}
        Err(discard) => assert_eq!(answer, Err(discard)),
    }
}

/// The same, with every kind of reply to what is sound.
fn digest_and_answer(bytes: &[u8], port: Port) -> Result<Request, Discard> {
    let request = digest(bytes, port)?;
    for reply in replies() {
        answer(&request, &reply);
    }
    Ok(request)
}

/// Renders a reply and holds what must hold for every reply.
fn answer(request: &Request, reply: &Reply) {
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 99, 0, 50), 68);
    let _ = destination(request, Port::Dhcp, source, reply);
    let Ok(bytes) = render(request, SERVERS[0], reply) else {
        let large = [&request.machine_id, &request.relay_info, &request.boot_item]
            .into_iter()
            .flatten()
            .map(Vec::len)
            .sum::<usize>();
        assert!(
            large > 60,
            "a reply to a request of usual size is rendered: {request:?} {reply:?}"
        );
        return;
    };
    assert!((300..=request.reply_len_max()).contains(&bytes.len()));
    assert_eq!(bytes[4..8], request.xid.to_be_bytes());
    assert!(bytes.contains(&255), "it ends");
    assert_eq!(
        parse(&bytes),
        Err(Discard::NotBootRequest { op: 2 }),
        "we never answer ourselves"
    );
}

fn replies() -> Vec<Reply> {
    let file = BootFile::new("snponly.efi").expect("a name");
    let script = BootFile::new("http://10.99.0.2:8080/boot.ipxe").expect("a name");
    let lease = Lease {
        address: Ipv4Addr::new(10, 99, 0, 50),
        secs: Some(600),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        routers: vec![Ipv4Addr::new(10, 99, 0, 1)],
        dns: vec![],
        host_name: None,
        domain: None,
        ntp: vec![],
        mtu: None,
    };
    let mut replies: Vec<Reply> = Ladder::LADDER
        .into_iter()
        .map(|strategy| {
            Reply::ProxyOffer(Boot::Pxe {
                file: file.clone(),
                strategy,
            })
        })
        .collect();
    replies.push(Reply::BootAck(Boot::Ipxe { script }));
    replies.push(Reply::ProxyOffer(Boot::RaspberryPi));
    replies.push(Reply::LeaseOffer(lease.clone(), None));
    replies.push(Reply::LeaseAck(lease, Some(Boot::Http { url: file })));
    replies.push(Reply::Nak);
    replies
}

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
