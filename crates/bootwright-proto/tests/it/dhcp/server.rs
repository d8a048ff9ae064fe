//! What a packet asks of a server that leases addresses.

use std::net::Ipv4Addr;

use bootwright_core::lease::LeaseMessage;
use bootwright_proto::dhcp::{Arrival, Port, Question, ServerQuestion, classify, parse, server_question};

use super::golden::Golden;
use super::packet::Packet;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const OURS: [u8; 4] = [10, 77, 0, 1];
const OTHER: [u8; 4] = [10, 77, 0, 2];
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);

/// What a packet asks that was sent to us alone, or to everybody.
fn asks_us(packet: Packet, port: Port, to_us: bool) -> Result<ServerQuestion, &'static str> {
    let request = parse(&packet.end()).expect("a sound packet");
    let arrival = Arrival { port, ours: &[SERVER] };
    server_question(&request, &classify(&request), arrival, to_us).map_err(|silence| silence.name())
}

fn asks(packet: Packet) -> Result<LeaseMessage, &'static str> {
    match asks_us(packet, Port::Dhcp, false)? {
        ServerQuestion::Lease(message) => Ok(message),
        ServerQuestion::Boot(question) => panic!("{question:?}"),
    }
}

/// A message of an operating system, which says nothing of booting.
fn plain(kind: u8) -> Packet {
    Packet::bare().option(53, &[kind])
}

#[test]
fn a_request_is_told_apart_by_the_fields_that_it_fills() {
    let (wish, id) = (CLIENT.octets(), OURS);
    let request = || plain(3);
    let address = CLIENT;
    let renew = |packet: Packet| match asks_us(packet, Port::Dhcp, true) {
        Ok(ServerQuestion::Lease(message)) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        asks(request().option(54, &id).option(50, &wish)),
        Ok(LeaseMessage::Select { address })
    );
    assert_eq!(
        asks(request().option(54, &OTHER).option(50, &wish)),
        Ok(LeaseMessage::ChoseAnother { server: OTHER.into() })
    );
    assert_eq!(asks(request().option(50, &wish)), Ok(LeaseMessage::Reboot { address }));
    assert_eq!(asks(request().at(12, &wish)), Ok(LeaseMessage::Rebind { address }));
    assert_eq!(renew(request().at(12, &wish)), LeaseMessage::Renew { address });
    // RFC 2131 forbids both additions, and clients make them.
    assert_eq!(
        renew(request().at(12, &wish).option(54, &id)),
        LeaseMessage::Renew { address }
    );
    assert_eq!(
        renew(request().at(12, &wish).option(50, &wish)),
        LeaseMessage::Renew { address }
    );
    assert_eq!(
        asks(request().option(54, &id).option(50, &wish).at(12, &[10, 77, 0, 9])),
        Ok(LeaseMessage::Select { address })
    );
    assert_eq!(asks(request()), Err("names-no-address"));
    assert_eq!(asks(request().option(54, &id)), Err("names-no-address"));
    assert_eq!(asks(request().option(50, &[0; 4])), Err("names-no-address"));
    assert_eq!(asks(request().option(50, &[10, 77, 0])), Err("names-no-address"));
}

#[test]
fn every_other_message_is_told_apart_by_its_type() {
    let (wish, address) = (CLIENT.octets(), CLIENT);
    assert_eq!(asks(plain(1)), Ok(LeaseMessage::Discover { wish: None }));
    assert_eq!(
        asks(plain(1).option(50, &wish)),
        Ok(LeaseMessage::Discover { wish: Some(address) })
    );
    assert_eq!(asks(plain(4).option(50, &wish)), Ok(LeaseMessage::Decline { address }));
    assert_eq!(
        asks(plain(4).option(50, &wish).option(54, &OTHER)),
        Err("for-another-server")
    );
    assert_eq!(asks(plain(4)), Err("names-no-address"));
    assert_eq!(asks(plain(7).at(12, &wish)), Ok(LeaseMessage::Release { address }));
    assert_eq!(
        asks(plain(7).at(12, &wish).option(54, &OTHER)),
        Err("for-another-server")
    );
    assert_eq!(asks(plain(7).option(50, &wish)), Err("names-no-address"));
    assert_eq!(asks(plain(8).at(12, &wish)), Ok(LeaseMessage::Inform { address }));
    assert_eq!(asks(plain(8)), Err("names-no-address"));
    for kind in [0, 2, 5, 6, 9, 13, 255] {
        assert_eq!(asks(plain(kind).at(12, &wish)), Err("not-a-lease-message"), "{kind}");
    }
    assert_eq!(asks(Packet::bare()), Err("bootp"));
}

#[test]
fn a_relay_s_address_in_the_place_of_ours_is_ours() {
    let relayed = || plain(3).at(24, &[10, 1, 2, 1]).option(50, &CLIENT.octets());
    let chosen = relayed().option(54, &[10, 1, 2, 9]);
    assert_eq!(
        asks(chosen.clone().option(82, &[11, 4, 10, 1, 2, 9])),
        Ok(LeaseMessage::Select { address: CLIENT })
    );
    assert_eq!(
        asks(chosen),
        Ok(LeaseMessage::ChoseAnother {
            server: Ipv4Addr::new(10, 1, 2, 9)
        })
    );
}

#[test]
fn a_boot_server_request_is_no_renewal() {
    let asked = Packet::message(3).at(12, &CLIENT.octets());
    assert_eq!(
        asks_us(asked.clone(), Port::Pxe, true),
        Ok(ServerQuestion::Boot(Question::BootFile))
    );
    assert_eq!(
        asks_us(asked.clone(), Port::Dhcp, true),
        Ok(ServerQuestion::Lease(LeaseMessage::Renew { address: CLIENT }))
    );
    let entry = asked.option(43, &[71, 4, 0x80, 0, 0, 0, 255]);
    assert_eq!(
        asks_us(entry, Port::Dhcp, false),
        Ok(ServerQuestion::Boot(Question::MenuEntry))
    );
    assert_eq!(asks_us(plain(1), Port::Pxe, true), Err("not-a-boot-client"));
}

/// What a captured packet asks of the server that it chose, or of another one.
fn captured(name: &str, ours: Ipv4Addr) -> LeaseMessage {
    let golden = Golden::named(name);
    let request = parse(&golden.bytes).expect("a captured packet");
    let arrival = Arrival {
        port: golden.port(),
        ours: &[ours],
    };
    match server_question(&request, &classify(&request), arrival, false) {
        Ok(ServerQuestion::Lease(message)) => message,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn what_firmware_ipxe_and_installers_really_send_is_understood() {
    let lan_server = Ipv4Addr::new(10, 99, 0, 1);
    for name in [
        "arm64-firmware-request",
        "bios-firmware-request",
        "bios-ipxe-request",
        "bios-installer-request",
        "http-firmware-request",
        "rom-ipxe-request",
        "uefi-firmware-request",
        "uefi-ipxe-request",
        "uefi-installer-request",
    ] {
        let request = parse(&Golden::named(name).bytes).expect("a captured packet");
        let server = request.server_id.expect("it has chosen");
        let address = request.requested.expect("it names the address");
        assert_eq!(captured(name, server), LeaseMessage::Select { address }, "{name}");
        let ours = if server == lan_server { SERVER } else { lan_server };
        assert_eq!(captured(name, ours), LeaseMessage::ChoseAnother { server }, "{name}");
    }
    for golden in Golden::all().filter(|golden| golden.name.ends_with("-discover")) {
        let request = parse(&golden.bytes).expect("a captured packet");
        assert_eq!(
            captured(golden.name, SERVER),
            LeaseMessage::Discover {
                wish: request.requested
            },
            "{}",
            golden.name
        );
    }
}
