//! Where replies go.

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_core::MacAddr;
use bootwright_proto::dhcp::{Destination, Port, Reply, Request, Strategy, destination, parse};

use super::answer::{lease, pxe};
use super::packet::Packet;

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);
const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);

fn sound(packet: Packet) -> Request {
    parse(&packet.end()).expect("a sound packet")
}

#[test]
fn every_reply_goes_where_its_client_listens() {
    let offer = || Reply::ProxyOffer(pxe(Strategy::Direct));
    let ack = || Reply::BootAck(pxe(Strategy::Direct));
    let lent = || Reply::LeaseAck(lease(), None);
    let local = Destination::BroadcastLocal { port: 68 };
    let to = |request: &Request, reply: &Reply| destination(request, Port::Dhcp, NOBODY, reply);
    let quiet = sound(Packet::uefi());
    let loud = sound(Packet::uefi().at(10, &[0x80]));
    let renewing = sound(Packet::uefi().at(12, &CLIENT.octets()));
    let relayed = sound(Packet::uefi().at(24, &[10, 1, 2, 1]));
    assert_eq!(to(&quiet, &offer()), local, "whatever the flag says");
    assert_eq!(to(&loud, &offer()), local);
    assert_eq!(to(&renewing, &Reply::Nak), local);
    assert_eq!(to(&renewing, &lent()), Destination::Unicast { addr: CLIENT, port: 68 });
    assert_eq!(to(&loud, &lent()), local);
    let mac = MacAddr::new([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
    assert_eq!(to(&quiet, &lent()), Destination::LinkUnicast { mac, yiaddr: CLIENT });
    for reply in [offer(), lent(), Reply::Nak] {
        assert_eq!(
            to(&relayed, &reply),
            Destination::Relay {
                giaddr: Ipv4Addr::new(10, 1, 2, 1)
            }
        );
    }
    for port in [68, 4011] {
        let source = SocketAddrV4::new(CLIENT, port);
        let expected = Destination::Unicast { addr: CLIENT, port };
        assert_eq!(
            destination(&renewing, Port::Pxe, source, &ack()),
            expected,
            "port 4011 answers to the source"
        );
        assert_eq!(
            destination(&renewing, Port::Dhcp, source, &ack()),
            expected,
            "so does a menu entry"
        );
    }
}
