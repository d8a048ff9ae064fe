//! A captured frame, taken apart.

use std::net::SocketAddrV4;

use bootwright_core::MacAddr;
use etherparse::{LinkSlice, NetSlice, SlicedPacket, TransportSlice};

use super::Captured;

/// The UDP packet in an Ethernet frame; none if it holds anything else or is malformed.
///
/// Checksums are not looked at: a frame from a virtual machine on this box may well leave them to hardware that does not
/// exist, and DHCP payloads are checked by their own rules.
pub(super) fn parse(bytes: &[u8], index: u32) -> Option<Captured> {
    let frame = SlicedPacket::from_ethernet(bytes).ok()?;
    let Some(LinkSlice::Ethernet2(ethernet)) = &frame.link else {
        return None;
    };
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) = (&frame.net, &frame.transport) else {
        return None;
    };
    let ip = ip.header();
    Some(Captured {
        payload: udp.payload().to_vec(),
        source: SocketAddrV4::new(ip.source_addr(), udp.source_port()),
        destination: SocketAddrV4::new(ip.destination_addr(), udp.destination_port()),
        source_mac: MacAddr::new(ethernet.source()),
        vlan: frame.vlan_ids().first().map(|id| id.value()).filter(|id| *id != 0),
        index,
    })
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    const CLIENT: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];

    fn frame(vlan: Option<u16>, payload: &[u8]) -> Vec<u8> {
        let ethernet = PacketBuilder::ethernet2(CLIENT, [0xff; 6]);
        let mut bytes = Vec::new();
        let written = match vlan {
            Some(id) => {
                let tagged = ethernet.single_vlan(id.try_into().expect("twelve bits"));
                tagged.ipv4([0; 4], [255; 4], 64).udp(68, 67).write(&mut bytes, payload)
            }
            None => ethernet
                .ipv4([0; 4], [255; 4], 64)
                .udp(68, 67)
                .write(&mut bytes, payload),
        };
        written.expect("memory takes it");
        bytes
    }

    #[test]
    fn a_short_frame_loses_its_padding_and_a_tag_is_told() {
        let mut bytes = frame(None, b"discover");
        bytes.resize(60, 0);
        let packet = parse(&bytes, 3).expect("a packet");
        assert_eq!(packet.payload, b"discover");
        assert_eq!(packet.source, "0.0.0.0:68".parse().expect("an address"));
        assert_eq!(packet.destination, "255.255.255.255:67".parse().expect("an address"));
        assert_eq!(
            (packet.source_mac, packet.vlan, packet.index),
            (MacAddr::new(CLIENT), None, 3)
        );
        assert_eq!(parse(&frame(Some(7), b"x"), 3).expect("a packet").vlan, Some(7));
        assert_eq!(parse(&frame(Some(0), b"x"), 3).expect("a packet").vlan, None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = frame(Some(5), &[7; 300]);
        for len in 0..whole.len() {
            assert_eq!(parse(&whole[..len], 1), None, "cut at {len}");
        }
        for place in 0..50 {
            for value in 0..=255 {
                let mut bytes = whole.clone();
                bytes[place] = value;
                let packet = parse(&bytes, 1);
                assert!(packet.is_none_or(|packet| packet.payload.len() <= 308));
            }
        }
    }
}
