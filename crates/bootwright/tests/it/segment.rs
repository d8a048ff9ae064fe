//! Packets of real firmware on a segment, and what comes back.

#![allow(dead_code, reason = "each file of tests uses its own part of it")]

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::Path;
use std::time::Duration;

use bootwright_proto::dhcp::{Answer, parse_answer};

use crate::netns::{End, Netns, cable};

/// The daemon's box and a machine that has its address already.
pub(crate) fn segment() -> (Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&daemon, "lab0", "10.77.0.1/24"),
        &End::new(&machine, "eth0", "10.77.0.50/24"),
    );
    (daemon, machine)
}

/// The daemon, a machine and a stranger on one wire.
pub(crate) fn with_a_stranger() -> (Netns, Netns, Netns) {
    let (daemon, machine, stranger) = (Netns::new("daemon"), Netns::new("machine"), Netns::new("stranger"));
    daemon.ip("link add lab0 type bridge");
    for (other, port) in [(&machine, "port0"), (&stranger, "port1")] {
        cable(&End::bare(&daemon, port), &End::bare(other, "eth0"));
        daemon.ip(&format!("link set {port} master lab0"));
    }
    daemon.ip("addr add 10.77.0.1/24 broadcast + dev lab0");
    daemon.ip("link set lab0 up");
    machine.ip("link set eth0 address 52:54:00:00:00:01");
    machine.ip("addr add 10.77.0.50/24 broadcast + dev eth0");
    stranger.ip("link set eth0 address 52:54:00:00:00:99");
    stranger.ip("addr add 10.77.0.66/24 broadcast + dev eth0");
    (daemon, machine, stranger)
}

/// A captured packet of real firmware, from the collection of the protocol crate.
pub(crate) fn captured(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bootwright-proto/test_data/dhcp");
    let text = std::fs::read_to_string(directory.join(format!("{name}.hex"))).expect("the packet is there");
    let digits: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.chars().filter(char::is_ascii_hexdigit))
        .collect();
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The same packet, sent by another card: in the fixed part and where iPXE repeats it as its client id.
pub(crate) fn with_card(mut packet: Vec<u8>, card: [u8; 6]) -> Vec<u8> {
    let old: Vec<u8> = packet[28..34].to_vec();
    let places: Vec<usize> = (0..packet.len() - 5).filter(|at| packet[*at..at + 6] == old).collect();
    for at in places {
        packet[at..at + 6].copy_from_slice(&card);
    }
    packet
}

/// The same packet from firmware of another architecture: option 93 and the class that repeats it.
pub(crate) fn with_arch(mut packet: Vec<u8>, arch: u16) -> Vec<u8> {
    let option = packet
        .windows(2)
        .position(|pair| pair == [93, 2])
        .expect("an architecture");
    packet[option + 2..option + 4].copy_from_slice(&arch.to_be_bytes());
    let class = packet.windows(6).position(|word| word == b":Arch:").expect("a class") + 6;
    packet[class..class + 5].copy_from_slice(format!("{arch:05}").as_bytes());
    packet
}

/// A machine's end of the wire.
pub(crate) struct Client {
    socket: UdpSocket,
}

/// A reply and where it came from.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) from: SocketAddrV4,
    pub(crate) answer: Answer,
    pub(crate) bytes: Vec<u8>,
}

impl Client {
    /// A client on a device in a namespace, on the port from which it asks. Must be made inside the namespace.
    pub(crate) fn on(device: &str, port: u16) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("the port is shared");
        socket
            .bind_device(Some(device.as_bytes()))
            .expect("the device is there");
        socket.set_broadcast(true).expect("broadcasts");
        socket
            .bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())
            .expect("the port is free");
        let socket: UdpSocket = socket.into();
        Self { socket }
    }

    /// Sends to everybody on the segment.
    pub(crate) fn broadcast(&self, packet: &[u8], port: u16) {
        self.send(packet, SocketAddrV4::new(Ipv4Addr::BROADCAST, port));
    }

    pub(crate) fn send(&self, packet: &[u8], to: SocketAddrV4) {
        self.socket.send_to(packet, to).expect("the packet leaves");
    }

    /// Whether anything at all has arrived by now.
    pub(crate) fn hears_anything(&self) -> bool {
        self.socket.set_nonblocking(true).expect("it does not wait");
        let heard = self.socket.recv_from(&mut [0; 2048]).is_ok();
        self.socket.set_nonblocking(false).expect("it waits again");
        heard
    }

    /// The next reply to this packet, if one comes in time.
    pub(crate) fn reply_to(&self, packet: &[u8], patience: Duration) -> Option<Heard> {
        let until = std::time::Instant::now() + patience;
        let mut buffer = [0; 2048];
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).expect("a time limit");
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else {
                continue;
            };
            let bytes = buffer[..length].to_vec();
            let Ok(answer) = parse_answer(&bytes) else { continue };
            if bytes.get(4..8) == packet.get(4..8) && bytes.get(28..34) == packet.get(28..34) {
                let std::net::SocketAddr::V4(from) = from else { continue };
                return Some(Heard { from, answer, bytes });
            }
        }
    }
}

/// How long firmware waits for an offer before it asks again: most begin with four seconds.
const ASK_AGAIN: Duration = Duration::from_secs(4);

/// Broadcasts a DISCOVER from a device and returns the offers' first. Like firmware it asks again: where a buffer is full,
/// a datagram may be lost.
pub(crate) fn discover(inside: &Netns, device: &str, packet: &[u8], patience: Duration) -> Option<Heard> {
    inside.run(|| {
        let client = Client::on(device, 68);
        let mut left = patience;
        while !left.is_zero() {
            client.broadcast(packet, 67);
            let heard = client.reply_to(packet, left.min(ASK_AGAIN));
            if heard.is_some() {
                return heard;
            }
            left = left.saturating_sub(ASK_AGAIN);
        }
        None
    })
}
