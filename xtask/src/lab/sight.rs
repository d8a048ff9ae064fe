//! What one frame means for a network boot, in words.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::packet::{self, Tcp, option};

/// Something on the wire that a person who watches a boot wants to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sight {
    /// A client's DHCP message.
    Dhcp(Dhcp),
    /// A DHCP server's answer: message type, the address that it gives, whose card it is for, file name in the header.
    DhcpReply {
        kind: &'static str,
        from: Ipv4Addr,
        gives: Ipv4Addr,
        station: String,
        file: String,
    },
    /// A client's DHCPv6 message: type, first word of the vendor class, and whether a user class is there.
    Dhcp6 {
        kind: &'static str,
        class: String,
        user_class: bool,
    },
    /// A DHCPv6 server's answer: type, the address that it gives, the URL of the boot file.
    Dhcp6Reply {
        kind: &'static str,
        gives: Option<Ipv6Addr>,
        url: String,
    },
    /// A TFTP read request.
    TftpRead { file: String },
    /// A TFTP error packet, from either side.
    TftpError { code: u16, text: String },
    /// The first line of an HTTP request. Port and sequence number tell it from others, and its repeats from it.
    HttpRequest { line: String, port: u16, sequence: u32 },
    /// The status line of an HTTP reply, the client's port, and the length that the reply announces.
    HttpReply {
        line: String,
        port: u16,
        length: Option<u64>,
    },
}

/// What a client says about itself in a DHCP message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dhcp {
    /// Whose message it is, as its hardware address tells.
    pub(crate) station: String,
    pub(crate) kind: &'static str,
    pub(crate) port: u16,
    /// Option 60 as text, empty when absent.
    pub(crate) class: String,
    /// The first architecture of option 93.
    pub(crate) arch: Option<u16>,
    /// Option 77 is there.
    pub(crate) user_class: bool,
    /// Option 175 is there.
    pub(crate) ipxe: bool,
}

impl Sight {
    /// Reads a frame, which may be one that a capture cut short.
    pub(crate) fn of(frame: &[u8]) -> Option<Sight> {
        if let Some((protocol, body)) = packet::ipv6(frame) {
            return of_ipv6(protocol, body);
        }
        let packet = packet::ipv4(frame)?;
        if let Some(segment) = packet::tcp(packet.protocol, packet.body) {
            return stream(&segment);
        }
        let (from, to, payload) = packet::udp(packet.protocol, packet.body)?;
        match (from, to) {
            (_, 67 | 4011) if payload.first() == Some(&1) => request(to, payload),
            (67 | 4011, _) if payload.first() == Some(&2) => {
                let kind = kind(&packet::options(payload)?)?;
                Some(Sight::DhcpReply {
                    kind,
                    from: packet.source,
                    gives: Ipv4Addr::from(*payload.get(16..20)?.first_chunk()?),
                    station: station(payload)?,
                    file: text_to_zero(payload.get(108..236)?),
                })
            }
            _ => tftp(from, to, payload),
        }
    }
}

fn tftp(from: u16, to: u16, payload: &[u8]) -> Option<Sight> {
    match (from, to) {
        (_, 69) if payload.get(..2) == Some(&[0, 1]) => Some(Sight::TftpRead {
            file: text_to_zero(payload.get(2..)?),
        }),
        (1024.., 1024..) if payload.get(..2) == Some(&[0, 5]) && payload.len() < 200 => Some(Sight::TftpError {
            code: u16::from_be_bytes([*payload.get(2)?, *payload.get(3)?]),
            text: text_to_zero(payload.get(4..)?),
        }),
        _ => None,
    }
}

fn of_ipv6(protocol: u8, body: &[u8]) -> Option<Sight> {
    if let Some(segment) = packet::tcp(protocol, body) {
        return stream(&segment);
    }
    let (from, to, payload) = packet::udp(protocol, body)?;
    if from != 547 && to != 547 {
        return tftp(from, to, payload);
    }
    let options = packet::options6(payload)?;
    let find = |wanted| {
        options
            .iter()
            .find(|(code, _)| *code == wanted)
            .map(|(_, value)| *value)
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let kind = kind6(*payload.first()?)?;
    if to == 547 {
        return Some(Sight::Dhcp6 {
            kind,
            // Behind the number of the enterprise and the length of the word.
            class: find(16).and_then(|class| class.get(6..)).map(text).unwrap_or_default(),
            user_class: find(15).is_some(),
        });
    }
    // Behind the head of the association and the head of the address in it.
    let gives = find(3).and_then(|association| association.get(16..32)?.first_chunk::<16>().copied());
    Some(Sight::Dhcp6Reply {
        kind,
        gives: gives.map(Ipv6Addr::from),
        url: find(59).map(text).unwrap_or_default(),
    })
}

fn kind6(code: u8) -> Option<&'static str> {
    let kinds = [
        "SOLICIT",
        "ADVERTISE",
        "REQUEST",
        "CONFIRM",
        "RENEW",
        "REBIND",
        "REPLY",
        "RELEASE",
        "DECLINE",
        "RECONFIGURE",
        "INFORMATION-REQUEST",
    ];
    kinds.get(usize::from(code).checked_sub(1)?).copied()
}

fn request(port: u16, message: &[u8]) -> Option<Sight> {
    let options = packet::options(message)?;
    let find = |code| {
        options
            .iter()
            .find(|(found, _)| *found == code)
            .map(|(_, value)| *value)
    };
    Some(Sight::Dhcp(Dhcp {
        station: station(message)?,
        kind: kind(&options)?,
        port,
        class: find(option::CLASS)
            .map(|class| String::from_utf8_lossy(class).into_owned())
            .unwrap_or_default(),
        arch: find(option::ARCHITECTURE).and_then(|value| Some(u16::from_be_bytes([*value.first()?, *value.get(1)?]))),
        user_class: find(option::USER_CLASS).is_some(),
        ipxe: find(option::IPXE).is_some(),
    }))
}

/// Whose hardware address a DHCP message carries.
fn station(message: &[u8]) -> Option<String> {
    let bytes: Vec<String> = message.get(28..34)?.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(bytes.join(":"))
}

fn kind(options: &[(u8, &[u8])]) -> Option<&'static str> {
    let (_, value) = options.iter().find(|(code, _)| *code == option::MESSAGE_TYPE)?;
    Some(match value.first()? {
        1 => "DISCOVER",
        2 => "OFFER",
        3 => "REQUEST",
        4 => "DECLINE",
        5 => "ACK",
        6 => "NAK",
        7 => "RELEASE",
        8 => "INFORM",
        _ => return None,
    })
}

fn stream(segment: &Tcp<'_>) -> Option<Sight> {
    let mut lines = segment.payload.split(|byte| *byte == b'\n').map_while(|line| {
        let line = std::str::from_utf8(line.strip_suffix(b"\r")?).ok()?;
        (!line.is_empty()).then_some(line)
    });
    let line = lines.next()?.to_owned();
    if line.starts_with("HTTP/1.") {
        let length = lines
            .filter_map(|field| field.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.parse().ok());
        let port = segment.to;
        return Some(Sight::HttpReply { line, port, length });
    }
    let is_request = ["GET ", "HEAD ", "POST "].iter().any(|method| line.starts_with(method));
    (is_request && line.contains(" HTTP/1.")).then_some(Sight::HttpRequest {
        line,
        port: segment.from,
        sequence: segment.sequence,
    })
}

fn text_to_zero(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sight::Dhcp(dhcp) => {
                write!(f, "DHCP {}", dhcp.kind)?;
                if dhcp.port == 4011 {
                    write!(f, " to 4011")?;
                }
                if let Some(arch) = dhcp.arch {
                    write!(f, ", arch {arch}")?;
                }
                match (dhcp.class.is_empty(), dhcp.user_class || dhcp.ipxe) {
                    (true, _) => Ok(()),
                    (false, false) => write!(f, ", {}", dhcp.class),
                    (false, true) => write!(f, ", {}, says iPXE", dhcp.class),
                }
            }
            Sight::DhcpReply { kind, from, file, .. } if file.is_empty() => write!(f, "DHCP {kind} from {from}"),
            Sight::DhcpReply { kind, from, file, .. } => write!(f, "DHCP {kind} from {from}, file `{file}`"),
            Sight::Dhcp6 {
                kind,
                class,
                user_class,
            } => {
                let ipxe = if *user_class { ", says iPXE" } else { "" };
                write!(f, "DHCPv6 {kind} {class}{ipxe}")
            }
            Sight::Dhcp6Reply { kind, gives, url } => {
                let gives = gives.map(|address| format!(" {address}")).unwrap_or_default();
                write!(f, "DHCPv6 {kind}{gives} {url}")
            }
            Sight::TftpRead { file } => write!(f, "TFTP read `{file}`"),
            Sight::TftpError { code, text } => write!(f, "TFTP error {code} `{text}`"),
            Sight::HttpRequest { line, .. } => write!(f, "HTTP {line}"),
            Sight::HttpReply { line, .. } => write!(f, "HTTP reply {line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sight;

    fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[8, 0, 0x45, 0]);
        frame.extend_from_slice(&((payload.len() + 28) as u16).to_be_bytes());
        frame.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 50, 10, 77, 0, 1]);
        frame.extend_from_slice(&from.to_be_bytes());
        frame.extend_from_slice(&to.to_be_bytes());
        frame.extend_from_slice(&((payload.len() + 8) as u16).to_be_bytes());
        frame.extend_from_slice(&[0, 0]);
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn a_read_request_names_its_file() {
        let frame = udp(2070, 69, b"\x00\x01undionly.kpxe\0octet\0tsize\x000\0");
        assert_eq!(
            Sight::of(&frame).expect("seen").to_string(),
            "TFTP read `undionly.kpxe`"
        );
    }

    #[test]
    fn an_answer_names_the_address_that_it_gives_and_the_card_that_it_is_for() {
        let mut message = vec![0; 236];
        message[..4].copy_from_slice(&[2, 1, 6, 0]);
        message[16..20].copy_from_slice(&[10, 77, 0, 123]);
        message[28..34].copy_from_slice(&[0x52, 0x54, 0, 0x1a, 0xb0, 14]);
        message.extend_from_slice(&[0x63, 0x82, 0x53, 0x63, 53, 1, 5, 255]);
        let seen = Sight::of(&udp(67, 68, &message));
        let expected = Sight::DhcpReply {
            kind: "ACK",
            from: [10, 77, 0, 50].into(),
            gives: [10, 77, 0, 123].into(),
            station: "52:54:00:1a:b0:0e".to_owned(),
            file: String::new(),
        };
        assert_eq!(seen, Some(expected));
    }

    #[test]
    fn no_cut_of_a_frame_is_read_beyond_its_end() {
        let frame = udp(2070, 69, b"\x00\x01undionly.kpxe\0octet\0");
        for len in 0..frame.len() {
            let _ = Sight::of(&frame[..len]);
        }
    }
}
