//! Just enough of Ethernet, IP, UDP and DHCP to watch a network boot, and to change a request on its way.

use std::net::Ipv4Addr;

const ETHERNET: usize = 14;
const UDP: usize = 8;
const BOOTP_OPTIONS: usize = 240;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const PAD: u8 = 0;
const END: u8 = 255;

/// Transport protocol numbers of IP.
const TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

/// DHCP options that the lab looks at.
pub(super) mod option {
    pub(in super::super) const MESSAGE_TYPE: u8 = 53;
    pub(in super::super) const CLASS: u8 = 60;
    pub(in super::super) const USER_CLASS: u8 = 77;
    pub(in super::super) const ARCHITECTURE: u8 = 93;
    pub(in super::super) const IPXE: u8 = 175;
}

/// An IPv4 packet in an Ethernet frame.
pub(super) struct Ipv4<'a> {
    pub(super) protocol: u8,
    pub(super) source: Ipv4Addr,
    /// What follows the IPv4 header; shorter than announced where a capture was cut.
    pub(super) body: &'a [u8],
}

/// Reads the IPv4 packet of a frame. Fragments have no ports and count as nothing.
pub(super) fn ipv4(frame: &[u8]) -> Option<Ipv4<'_>> {
    let packet = frame.get(ETHERNET..)?;
    if frame[12..14] != [0x08, 0x00] || packet.len() < 20 || packet[0] >> 4 != 4 {
        return None;
    }
    let header = usize::from(packet[0] & 0x0f) * 4;
    if u16::from_be_bytes([packet[6], packet[7]]) & 0x3fff != 0 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([packet[2], packet[3]])).min(packet.len());
    Some(Ipv4 {
        protocol: packet[9],
        source: Ipv4Addr::new(packet[12], packet[13], packet[14], packet[15]),
        body: packet.get(header..total)?,
    })
}

/// The protocol and body of the IPv6 packet of a frame. One with extension headers is of none that we look at.
pub(super) fn ipv6(frame: &[u8]) -> Option<(u8, &[u8])> {
    const HEADER: usize = 40;
    let packet = frame.get(ETHERNET..)?;
    if frame[12..14] != [0x86, 0xdd] || packet.len() < HEADER || packet[0] >> 4 != 6 {
        return None;
    }
    let total = (HEADER + usize::from(u16::from_be_bytes([packet[4], packet[5]]))).min(packet.len());
    Some((packet[6], packet.get(HEADER..total)?))
}

/// Whether a frame belongs to a TCP connection.
pub(super) fn is_stream(frame: &[u8]) -> bool {
    let protocol = ipv4(frame).map(|packet| packet.protocol);
    protocol.or_else(|| ipv6(frame).map(|(protocol, _)| protocol)) == Some(TCP)
}

/// A UDP datagram: source port, destination port, payload.
pub(super) fn udp(protocol: u8, body: &[u8]) -> Option<(u16, u16, &[u8])> {
    if protocol != PROTOCOL_UDP || body.len() < UDP {
        return None;
    }
    let port = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    Some((port(0), port(2), &body[UDP..]))
}

/// A TCP segment.
pub(super) struct Tcp<'a> {
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) sequence: u32,
    /// Empty for a bare acknowledgement.
    pub(super) payload: &'a [u8],
}

/// Reads the TCP segment of a packet.
pub(super) fn tcp(protocol: u8, body: &[u8]) -> Option<Tcp<'_>> {
    if protocol != TCP || body.len() < 20 {
        return None;
    }
    let port = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    Some(Tcp {
        from: port(0),
        to: port(2),
        sequence: u32::from_be_bytes([body[4], body[5], body[6], body[7]]),
        payload: body.get(usize::from(body[12] >> 4) * 4..)?,
    })
}

/// The options of a DHCPv6 message in order, up to the first that does not fit.
pub(super) fn options6(message: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut rest = message.get(4..)?;
    let mut found = Vec::new();
    while let [a, b, c, d, after @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*c, *d]));
        let Some((value, after)) = after.split_at_checked(len) else {
            break;
        };
        found.push((u16::from_be_bytes([*a, *b]), value));
        rest = after;
    }
    Some(found)
}

/// The options of a DHCP message in order, up to the end mark or the first that does not fit.
pub(super) fn options(message: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    if message.get(236..BOOTP_OPTIONS)? != COOKIE {
        return None;
    }
    let mut rest = &message[BOOTP_OPTIONS..];
    let mut found = Vec::new();
    while let Some((&code, after)) = rest.split_first() {
        match code {
            PAD => rest = after,
            END => break,
            _ => {
                let Some((&len, after)) = after.split_first() else {
                    break;
                };
                let Some((value, after)) = after.split_at_checked(usize::from(len)) else {
                    break;
                };
                found.push((code, value));
                rest = after;
            }
        }
    }
    Some(found)
}

/// A client's DHCP request without the options `unwanted`, padded like the vendors' ROMs do, with its lengths and
/// checksums right again. Anything else gives nothing: it goes on as it is.
pub(super) fn without_options(frame: &[u8], unwanted: &[u8]) -> Option<Vec<u8>> {
    /// What vendors' PXE ROMs send at least.
    const MESSAGE_MIN: usize = 548;

    let packet = ipv4(frame)?;
    let (_, to, message) = udp(packet.protocol, packet.body)?;
    if !matches!(to, 67 | 4011) || message.first() != Some(&1) {
        return None;
    }
    let mut changed = message[..BOOTP_OPTIONS.min(message.len())].to_vec();
    for (code, value) in options(message)? {
        if !unwanted.contains(&code) {
            changed.push(code);
            changed.push(u8::try_from(value.len()).ok()?);
            changed.extend_from_slice(value);
        }
    }
    changed.push(END);
    changed.resize(changed.len().max(MESSAGE_MIN), PAD);

    let header = usize::from(frame[ETHERNET] & 0x0f) * 4;
    let mut out = frame[..ETHERNET + header + UDP].to_vec();
    out.extend_from_slice(&changed);
    let ip = ETHERNET;
    let total = u16::try_from(out.len() - ip).ok()?;
    out[ip + 2..ip + 4].copy_from_slice(&total.to_be_bytes());
    out[ip + 10..ip + 12].copy_from_slice(&[0, 0]);
    let sum = checksum(&[&out[ip..ip + header]]);
    out[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());

    let start = ip + header;
    let len = u16::try_from(out.len() - start).ok()?.to_be_bytes();
    out[start + 4..start + 6].copy_from_slice(&len);
    out[start + 6..start + 8].copy_from_slice(&[0, 0]);
    let pseudo = [&out[ip + 12..ip + 20], &[0, PROTOCOL_UDP], &len].concat();
    let sum = match checksum(&[&pseudo, &out[start..]]) {
        0 => 0xffff, // Zero on the wire would say that there is none (RFC 768).
        sum => sum,
    };
    out[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
    Some(out)
}

/// The Internet checksum (RFC 1071). Every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::{checksum, ipv4, option, options, udp, without_options};

    /// A DISCOVER as an iPXE ROM sends it, shortened: message type, class, user class, architecture, 175.
    fn discover() -> Vec<u8> {
        let mut message = vec![0; 236];
        message[..4].copy_from_slice(&[1, 1, 6, 0]);
        message.extend_from_slice(&[0x63, 0x82, 0x53, 0x63]);
        message.extend_from_slice(&[53, 1, 1]);
        message.extend_from_slice(b"\x3c\x20PXEClient:Arch:00000:UNDI:002001");
        message.extend_from_slice(b"\x4d\x04iPXE\x5d\x02\x00\x00\xaf\x03\x13\x01\x01\xff");
        let mut frame = vec![0xff; 6];
        frame.extend_from_slice(&[0x52, 0x54, 0, 0, 0, 1, 8, 0]);
        let total = (message.len() + 28) as u16;
        frame.extend_from_slice(&[0x45, 0]);
        frame.extend_from_slice(&total.to_be_bytes());
        frame.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
        frame.extend_from_slice(&[0, 68, 0, 67]);
        frame.extend_from_slice(&(total - 20).to_be_bytes());
        frame.extend_from_slice(&[0, 0]);
        frame.extend_from_slice(&message);
        frame
    }

    #[test]
    fn a_request_loses_two_options_and_stays_a_valid_packet() {
        let frame = discover();
        let changed = without_options(&frame, &[option::USER_CLASS, option::IPXE]).expect("a DHCP request");
        let packet = ipv4(&changed).expect("IPv4");
        let (from, to, message) = udp(packet.protocol, packet.body).expect("UDP");
        assert_eq!((from, to, message.len()), (68, 67, 548));
        let codes: Vec<u8> = options(message)
            .expect("DHCP")
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(codes, [option::MESSAGE_TYPE, option::CLASS, option::ARCHITECTURE]);
        // A receiver sums everything, checksum included, and must find all ones, which our function turns into zero.
        assert_eq!(checksum(&[&changed[14..34]]), 0);
        let pseudo = [&changed[26..34], &[0, 17], &changed[38..40]].concat();
        assert_eq!(checksum(&[&pseudo, &changed[34..]]), 0);
    }

    #[test]
    fn what_is_no_request_goes_on_as_it_is() {
        let mut reply = discover();
        reply[42] = 2;
        assert!(without_options(&reply, &[option::IPXE]).is_none());
        assert!(without_options(&[0; 10], &[option::IPXE]).is_none());
        for len in 0..reply.len() {
            without_options(&reply[..len], &[option::IPXE]);
        }
    }
}
