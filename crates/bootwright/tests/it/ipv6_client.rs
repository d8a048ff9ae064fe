//! A machine's end of the wire over IPv6, and what comes back.

use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::netns::{End, Netns, cable};

/// The card of the captures.
pub(crate) const CARD: &str = "52:54:00:1a:b0:32";
/// What a machine with that card sends from before it has another address.
const LINK_LOCAL: &str = "fe80::5054:ff:fe1a:b032";
/// The daemon's address on the segment.
pub(crate) const OURS: &str = "fd00:77::1";

/// A daemon's namespace and a machine's, joined by a wire; nobody on it has spoken yet.
pub(crate) fn segment() -> (Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&daemon, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    // The last of them is listed first; what machines are told is the one that a person would choose.
    for address in [OURS, "fe80::1", "fd00:77::1234:ff:fe00:1"] {
        daemon.ip(&format!("addr add {address}/64 dev lab0 nodad"));
    }
    machine.ip("link set eth0 down");
    machine.ip(&format!("link set eth0 address {CARD}"));
    machine.ip("link set eth0 up");
    machine.ip(&format!("addr add {LINK_LOCAL}/64 dev eth0 nodad"));
    (daemon, machine)
}

/// A captured packet of real firmware, from the collection of the protocol crate.
pub(crate) fn captured(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bootwright-proto/test_data/dhcp6");
    let text = std::fs::read_to_string(directory.join(format!("{name}.hex"))).expect("the packet is there");
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// 2 is an advertisement, 7 a reply.
    pub(crate) kind: u8,
    options: Vec<(u16, Vec<u8>)>,
}

impl Heard {
    /// An answer's bytes.
    pub(crate) fn read(message: &[u8]) -> Self {
        Self {
            kind: message[0],
            options: options(&message[4..]),
        }
    }

    pub(crate) fn option(&self, code: u16) -> Option<&[u8]> {
        let mut found = self.options.iter().filter(|(known, _)| *known == code);
        let value = found.next().map(|(_, value)| value.as_slice());
        assert!(found.next().is_none(), "option {code} twice: {self:?}");
        value
    }

    /// Option 59.
    pub(crate) fn url(&self) -> Option<&str> {
        self.option(59).map(|url| std::str::from_utf8(url).expect("a text"))
    }

    /// The address in the only association, which lasts.
    pub(crate) fn address(&self) -> Option<Ipv6Addr> {
        let association = self.option(3)?;
        let options = options(&association[12..]);
        let (_, value) = options.iter().find(|(code, _)| *code == 5)?;
        assert_ne!(value[16..24], [0; 8], "it has time left");
        let address: [u8; 16] = value[..16].try_into().expect("sixteen bytes");
        Some(address.into())
    }
}

fn options(mut area: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut found = Vec::new();
    while let [a, b, c, d, rest @ ..] = area {
        let (value, tail) = rest.split_at(usize::from(u16::from_be_bytes([*c, *d])));
        found.push((u16::from_be_bytes([*a, *b]), value.to_vec()));
        area = tail;
    }
    assert!(area.is_empty(), "nothing is left over");
    found
}

/// The client's port on `eth0` of a machine.
pub(crate) struct Client {
    socket: UdpSocket,
    index: u32,
}

impl Client {
    /// Must be made inside the machine's namespace.
    pub(crate) fn new() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::DGRAM, None).expect("a socket");
        socket.bind_device(Some(b"eth0")).expect("the device is there");
        let address = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 546, 0, 0);
        socket.bind(&address.into()).expect("the port is free");
        let index = std::fs::read_to_string("/sys/class/net/eth0/ifindex").expect("the device has a number");
        Self {
            socket: socket.into(),
            index: index.trim().parse().expect("a number"),
        }
    }

    /// Sends a packet to all servers of the link.
    pub(crate) fn send(&self, packet: &[u8]) {
        let servers = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
        let to = SocketAddrV6::new(servers, 547, 0, self.index);
        self.socket.send_to(packet, to).expect("the packet leaves");
    }

    /// Sends a packet, and returns what comes back for it in time.
    pub(crate) fn ask(&self, packet: &[u8], patience: Duration) -> Option<Heard> {
        self.send(packet);
        let until = Instant::now() + patience;
        let mut buffer = [0; 2048];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).expect("a time limit");
            let Ok((length, _)) = self.socket.recv_from(&mut buffer) else {
                continue;
            };
            if buffer[1..4] == packet[1..4] {
                return Some(Heard::read(&buffer[..length]));
            }
        }
    }
}

/// The same packet as another message, with these options behind it.
pub(crate) fn turned_into(packet: &[u8], kind: u8, more: &[(u16, &[u8])]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[0] = kind;
    for (code, value) in more {
        packet.extend_from_slice(&code.to_be_bytes());
        packet.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        packet.extend_from_slice(value);
    }
    packet
}

/// The same packet without its options of one number.
pub(crate) fn without(packet: &[u8], code: u16) -> Vec<u8> {
    let kept: Vec<_> = options(&packet[4..])
        .into_iter()
        .filter(|(known, _)| *known != code)
        .collect();
    let kept: Vec<(u16, &[u8])> = kept.iter().map(|(code, value)| (*code, value.as_slice())).collect();
    turned_into(&packet[..4], packet[0], &kept)
}
