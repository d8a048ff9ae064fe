//! What a packet asks of a proxy, and why most packets meet silence.

use std::net::Ipv4Addr;

use bootwright_proto::dhcp::{Arrival, ClientKind, Port, Question, Request, Silence, classify, parse, question};

use super::packet::Packet;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);

fn sound(packet: Packet) -> Request {
    parse(&packet.end()).expect("a sound packet")
}

/// What a packet asks of us on a port, or the name of the silence.
fn asks(packet: Packet, port: Port) -> Result<Question, &'static str> {
    let request = sound(packet);
    let arrival = Arrival { port, ours: &[SERVER] };
    question(&request, &classify(&request), arrival).map_err(|silence: Silence| silence.name())
}

#[test]
fn every_message_but_the_clients_question_meets_silence() {
    for message in 0..=255 {
        let on_67 = asks(Packet::message(message), Port::Dhcp);
        let on_4011 = asks(Packet::message(message), Port::Pxe);
        assert_eq!(
            on_67,
            if message == 1 {
                Ok(Question::Discover)
            } else {
                Err("not-a-discover")
            }
        );
        let expected = if matches!(message, 3 | 8) {
            Ok(Question::BootFile)
        } else {
            Err("not-a-boot-request")
        };
        assert_eq!(on_4011, expected);
    }
    let bootp = Packet::bare().option(60, b"PXEClient").option(93, &[0, 0]);
    assert_eq!(asks(bootp, Port::Dhcp), Err("bootp"));
    assert_eq!(
        asks(Packet::bare().option(53, &[1]), Port::Dhcp),
        Err("not-a-boot-client")
    );
    assert_eq!(
        asks(
            Packet::bare().option(53, &[8]).option(60, b"AAPLBSDPC/i386"),
            Port::Dhcp
        ),
        Err("not-a-boot-client")
    );
    let http = |message| {
        Packet::bare()
            .option(53, &[message])
            .option(60, b"HTTPClient:Arch:00016")
    };
    assert_eq!(asks(http(1), Port::Dhcp), Ok(Question::Discover));
    assert_eq!(asks(http(3), Port::Pxe), Err("http-on-pxe-port"));
}

#[test]
fn a_client_that_chose_another_server_is_left_to_it() {
    let to = |server: [u8; 4]| Packet::message(3).option(54, &server);
    assert_eq!(asks(to([10, 77, 0, 1]), Port::Pxe), Ok(Question::BootFile));
    assert_eq!(asks(to([10, 77, 0, 2]), Port::Pxe), Err("for-another-server"));
    assert_eq!(
        asks(Packet::uefi().option(54, &[10, 77, 0, 2]), Port::Dhcp),
        Err("for-another-server")
    );
}

#[test]
fn a_boot_server_request_is_heard_for_our_menu_entry_alone() {
    let asked = |item: &[u8]| Packet::message(3).at(12, &CLIENT.octets()).option(43, item);
    assert_eq!(
        asks(asked(&[71, 4, 0x80, 0, 0, 0, 255]), Port::Dhcp),
        Ok(Question::MenuEntry)
    );
    assert_eq!(
        asks(asked(&[71, 4, 0x80, 4, 0, 0, 255]), Port::Dhcp),
        Err("foreign-menu-entry")
    );
    assert_eq!(asks(asked(&[6, 1, 8, 255]), Port::Dhcp), Err("not-a-discover"));
    assert_eq!(
        asks(asked(&[71, 4, 0x80, 4, 0, 0, 255]), Port::Pxe),
        Ok(Question::BootFile),
        "the port says it is for us"
    );
    let homeless = Packet::message(3).option(43, &[71, 4, 0x80, 0, 0, 0]);
    assert_eq!(
        asks(homeless, Port::Dhcp),
        Err("not-a-discover"),
        "only a client that has its address asks so"
    );
}

#[test]
fn u_boot_asks_as_others_do_and_is_told_from_them() {
    let request = sound(
        Packet::bare()
            .option(53, &[1])
            .option(60, b"U-Boot.armv8")
            .option(93, &[0, 0x16]),
    );
    let client = classify(&request);
    let arrival = Arrival {
        port: Port::Dhcp,
        ours: &[SERVER],
    };
    assert_eq!(client.kind, ClientKind::UBoot);
    assert_eq!(question(&request, &client, arrival), Ok(Question::Discover));
}
