//! UDP packets as raw frames: to a client that has no address yet, and where the UDP port is another server's.

use std::io;
use std::net::SocketAddrV4;

use bootwright_core::MacAddr;
use etherparse::{IpNumber, Ipv4Header, UdpHeader};
use socket2::{Domain, Socket, Type};

use crate::link::Link;
use crate::sys;

/// Every station on the segment.
pub const BROADCAST: MacAddr = MacAddr::new([0xff; 6]);

/// Sends packets out of one link without the kernel's routing, neighbour table or UDP ports.
#[derive(Debug)]
pub struct FrameSocket {
    socket: Socket,
    index: u32,
}

/// A UDP packet to send as a frame.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingFrame<'a> {
    /// The bytes above UDP.
    pub payload: &'a [u8],
    /// The address and port to show as the source.
    pub from: SocketAddrV4,
    /// The address and port of the receiver, which need not have the address yet.
    pub to: SocketAddrV4,
    /// The station that is to get it; [`BROADCAST`] for all.
    pub station: MacAddr,
}

impl FrameSocket {
    /// Opens a socket for a link. Takes the capability NET_RAW.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn open(link: &Link) -> io::Result<Self> {
        // Without a protocol it receives nothing, and nothing piles up. With DGRAM the kernel writes the link header,
        // which is right also where that is not Ethernet's, and pads short frames.
        let socket = Socket::new(Domain::PACKET, Type::DGRAM.nonblocking(), None)?;
        let index = link.index;
        Ok(Self { socket, index })
    }

    /// Sends one packet, now or never.
    ///
    /// # Errors
    /// `WouldBlock` when the link's queue is full, else the kernel's: too long for the link (EMSGSIZE), link down
    /// (ENETDOWN), link gone (ENXIO).
    pub fn send(&self, frame: &OutgoingFrame<'_>) -> io::Result<()> {
        let packet = packet(frame)?;
        let protocol = libc::ETH_P_IP as u16;
        let station = sys::address::link_address(self.index, protocol, frame.station.octets());
        self.socket.send_to(&packet, &station).map(drop)
    }
}

/// The IPv4 packet: identification 0 and free to be fragmented, as boot ROMs have always been given them.
fn packet(frame: &OutgoingFrame<'_>) -> io::Result<Vec<u8>> {
    let too_long = |error| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("no UDP packet is that long: {error}"),
        )
    };
    let mut ip = Ipv4Header {
        dont_fragment: false,
        time_to_live: 64,
        protocol: IpNumber::UDP,
        source: frame.from.ip().octets(),
        destination: frame.to.ip().octets(),
        ..Ipv4Header::default()
    };
    ip.set_payload_len(UdpHeader::LEN + frame.payload.len())
        .map_err(too_long)?;
    ip.header_checksum = ip.calc_header_checksum();
    let (from, to) = (frame.from.port(), frame.to.port());
    let udp = UdpHeader::with_ipv4_checksum(from, to, &ip, frame.payload).map_err(too_long)?;
    let mut bytes = Vec::with_capacity(Ipv4Header::MIN_LEN + UdpHeader::LEN + frame.payload.len());
    bytes.extend_from_slice(&ip.to_bytes());
    bytes.extend_from_slice(&udp.to_bytes());
    bytes.extend_from_slice(frame.payload);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of RFC 1071 over 16-bit words, which is all ones where a checksum inside is right.
    fn sum(words: &[u8]) -> u16 {
        let mut sum: u32 = words
            .chunks(2)
            .map(|pair| u32::from_be_bytes([0, 0, pair[0], *pair.get(1).unwrap_or(&0)]))
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    #[test]
    fn both_checksums_are_right_for_every_length_and_never_absent() {
        for len in [0, 1, 2, 299, 300, 548, 1472] {
            for fill in [0x00, 0x5a, 0xff] {
                let payload = vec![fill; len];
                let bytes = packet(&OutgoingFrame {
                    payload: &payload,
                    from: "10.0.0.1:67".parse().expect("an address"),
                    to: "255.255.255.255:68".parse().expect("an address"),
                    station: BROADCAST,
                })
                .expect("short enough");
                assert_eq!(bytes.len(), 28 + len);
                assert_eq!(sum(&bytes[..20]), 0xffff);
                let mut pseudo = bytes[12..20].to_vec();
                pseudo.extend([0, 17, bytes[24], bytes[25]]);
                pseudo.extend(&bytes[20..]);
                assert_eq!(sum(&pseudo), 0xffff, "{len} bytes of {fill:#x}");
                assert_ne!(bytes[26..28], [0, 0], "0 would mean that there is none");
                assert_eq!(bytes[4..9], [0, 0, 0, 0, 64], "identification 0, no flag, TTL 64");
            }
        }
    }

    #[test]
    fn what_no_packet_can_hold_is_an_error() {
        let payload = vec![0; 65_508];
        let frame = OutgoingFrame {
            payload: &payload,
            from: "10.0.0.1:67".parse().expect("an address"),
            to: "10.0.0.9:68".parse().expect("an address"),
            station: BROADCAST,
        };
        assert_eq!(
            packet(&frame).expect_err("too long").kind(),
            io::ErrorKind::InvalidInput
        );
    }
}
