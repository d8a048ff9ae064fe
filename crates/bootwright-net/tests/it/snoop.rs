//! Captured packets and raw frames, on a segment with another DHCP server on our own box.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use bootwright_net::frame::{BROADCAST, FrameSocket, OutgoingFrame};
use bootwright_net::link::{Link, links};
use bootwright_net::port;
use bootwright_net::snoop::{Captured, Snoop, Wanted};
use etherparse::PacketBuilder;
use pnet_datalink::{Channel, DataLinkReceiver, DataLinkSender};
use tokio::time::timeout;

use crate::netns::{End, Netns, cable, mac};
use crate::runtime::runtime;
use crate::udp::Squatter;

const PATIENCE: Duration = Duration::from_secs(5);

fn link(name: &str) -> Link {
    links()
        .expect("links are listed")
        .into_iter()
        .find(|link| link.name == name)
        .expect("the link is there")
}

async fn next(snoop: &Snoop) -> Captured {
    timeout(PATIENCE, snoop.receive())
        .await
        .expect("a packet comes")
        .expect("the capture runs")
}

/// A socket on the wire itself, which sends whole frames and sees all that arrive: pnet's own, as it comes.
struct Wire {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
}

impl Wire {
    fn tap(inside: &Netns, device: &str) -> Self {
        inside.run(|| {
            let interfaces = pnet_datalink::interfaces();
            let interface = interfaces
                .iter()
                .find(|interface| interface.name == device)
                .expect("the device is there");
            let config = pnet_datalink::Config {
                read_timeout: Some(PATIENCE),
                ..pnet_datalink::Config::default()
            };
            match pnet_datalink::channel(interface, config).expect("a packet socket") {
                Channel::Ethernet(sender, receiver) => Self { sender, receiver },
                _ => panic!("not an Ethernet channel"),
            }
        })
    }

    fn send(&mut self, frame: &[u8]) {
        self.sender
            .send_to(frame, None)
            .expect("room for one")
            .expect("the wire takes it");
    }

    /// The next frame with an IPv4 packet in it that was sent to this UDP port.
    fn receive(&mut self, port: u16) -> Vec<u8> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let frame = self.receiver.next().expect("a frame comes");
            let udp_to_port = frame.len() >= 42 && frame[12..14] == [8, 0] && frame[36..38] == port.to_be_bytes();
            if udp_to_port {
                return frame.to_vec();
            }
        }
        panic!("no frame to port {port} came");
    }
}

const CLIENT: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];

/// The least that a DHCP server answers: a DISCOVER that asks for broadcast replies.
fn discover() -> Vec<u8> {
    let mut packet = vec![0; 240];
    packet[..4].copy_from_slice(&[1, 1, 6, 0]);
    packet[4..8].copy_from_slice(&0x1234_5678_u32.to_be_bytes());
    packet[10] = 0x80;
    packet[28..34].copy_from_slice(&CLIENT);
    packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
    packet.extend([53, 1, 1, 255]);
    packet
}

fn broadcast(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2(CLIENT, [0xff; 6])
        .ipv4([0; 4], [255; 4], 64)
        .udp(68, port);
    builder.write(&mut frame, payload).expect("memory takes it");
    frame
}

/// The frame with 802.1Q tags, the outermost first.
fn tagged(frame: &[u8], vlans: &[u16]) -> Vec<u8> {
    let tags = vlans
        .iter()
        .flat_map(|vlan| [[0x81, 0x00], vlan.to_be_bytes()].concat());
    frame[..12]
        .iter()
        .copied()
        .chain(tags)
        .chain(frame[12..].iter().copied())
        .collect()
}

fn segment() -> (Netns, Netns) {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(&End::new(&server, "eth0", "10.2.0.1/24"), &End::bare(&client, "eth0"));
    (server, client)
}

#[test]
fn beside_another_dhcp_server_on_this_box_both_hear_the_client_and_both_are_heard() {
    let (server, client) = segment();
    let _dnsmasq = Squatter::new(&server);
    assert!(!server.run(|| port::owners(67)).is_empty());
    let mut wire = Wire::tap(&client, "eth0");
    let heard = server.run(|| {
        runtime().block_on(async {
            let link = link("eth0");
            let snoop = Snoop::open(&link, Wanted::Requests).expect("a capture");
            wire.send(&broadcast(67, &discover()));
            let heard = next(&snoop).await;
            let socket = FrameSocket::open(&link).expect("a frame socket");
            let reply = OutgoingFrame {
                payload: b"our offer",
                from: "10.2.0.1:67".parse().expect("an address"),
                to: SocketAddrV4::new(Ipv4Addr::BROADCAST, 68),
                station: BROADCAST,
            };
            socket.send(&reply).expect("the link takes it");
            heard
        })
    });
    assert_eq!(heard.payload, discover());
    assert_eq!(heard.datagram().source_mac.expect("captured").octets(), CLIENT);
    assert_eq!(
        (heard.source.port(), heard.destination.port(), heard.vlan),
        (68, 67, None)
    );

    let mut ours_and_theirs = [wire.receive(68), wire.receive(68)];
    ours_and_theirs.sort_by_key(Vec::len);
    let [ours, theirs] = ours_and_theirs;
    assert_eq!(&ours[42..], b"our offer");
    assert_eq!(ours[6..12], theirs[6..12], "both come from this box");
    assert_eq!(
        (theirs[42], &theirs[46..50]),
        (2, &[0x12, 0x34, 0x56, 0x78][..]),
        "dnsmasq's offer to this client"
    );
}

#[test]
fn only_dhcp_for_this_box_is_captured_and_nothing_that_it_sends() {
    let (server, client) = segment();
    let mut wire = Wire::tap(&client, "eth0");
    let mut own = Wire::tap(&server, "eth0");
    server.run(|| {
        runtime().block_on(async {
            let link = link("eth0");
            let snoop = Snoop::open(&link, Wanted::Requests).expect("a capture");
            // Our own, and a copy of our own that a loop in the network brings back.
            own.send(&broadcast(67, b"sent by this box"));
            let mut looped = broadcast(67, b"from our address");
            looped[6..12].copy_from_slice(&link.mac.expect("Ethernet").octets());
            wire.send(&looped);
            // Another port, another station, a fragment, another protocol, cut headers.
            wire.send(&broadcast(69, b"TFTP"));
            let mut foreign = broadcast(67, b"to another station");
            foreign[..6].copy_from_slice(&[0x52, 0x54, 0, 0, 0, 77]);
            wire.send(&foreign);
            let mut fragment = broadcast(67, b"a fragment");
            fragment[20] = 0x20;
            wire.send(&fragment);
            let mut tcp = broadcast(67, b"no UDP");
            tcp[23] = 6;
            wire.send(&tcp);
            wire.send(&broadcast(67, b"")[..30]);
            // With options in the IPv4 header the ports are elsewhere.
            let mut options = broadcast(4011, b"with options");
            options[14] = 0x46;
            options.splice(34..34, [1, 1, 1, 0]);
            options[17] += 4;
            wire.send(&options);
            wire.send(&broadcast(67, b"the last"));
            assert_eq!(next(&snoop).await.payload, b"with options");
            assert_eq!(next(&snoop).await.payload, b"the last");
            assert_eq!(snoop.dropped(), 0);
        });
    });
}

#[test]
fn a_frame_of_a_vlan_belongs_to_the_vlans_link_and_a_priority_tag_is_no_vlan() {
    let (server, client) = segment();
    let mut wire = Wire::tap(&client, "eth0");
    server.run(|| {
        runtime().block_on(async {
            let snoop = Snoop::open(&link("eth0"), Wanted::Requests).expect("a capture");
            wire.send(&tagged(&broadcast(67, b"of VLAN 5"), &[5]));
            wire.send(&tagged(&broadcast(67, b"with priority"), &[0xe000]));
            // The kernel takes the outer tag out, the inner one stays in the frame.
            wire.send(&tagged(&broadcast(67, b"two tags"), &[0xe000, 7]));
            let first = next(&snoop).await;
            assert_eq!((first.payload.as_slice(), first.vlan), (&b"with priority"[..], None));
            let second = next(&snoop).await;
            assert_eq!((second.payload.as_slice(), second.vlan), (&b"two tags"[..], Some(7)));
        });
    });
}

/// An answer to this card, from a server's port to everybody's.
fn answer(from: [u8; 6], card: [u8; 6]) -> Vec<u8> {
    let mut payload = discover();
    payload[0] = 2;
    payload[28..34].copy_from_slice(&card);
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2(from, [0xff; 6])
        .ipv4([10, 2, 0, 254], [255; 4], 64)
        .udp(67, 68);
    builder.write(&mut frame, &payload).expect("memory takes it");
    frame
}

#[test]
fn answers_of_others_are_captured_and_of_those_that_this_box_sends_only_what_answers_its_own_card() {
    let (server, client) = segment();
    let mut wire = Wire::tap(&client, "eth0");
    let mut own = Wire::tap(&server, "eth0");
    server.run(|| {
        runtime().block_on(async {
            let link = link("eth0");
            let card = link.mac.expect("an Ethernet address").octets();
            let snoop = Snoop::open(&link, Wanted::Answers).expect("a capture");
            wire.send(&broadcast(67, &discover()));
            own.send(&answer(card, CLIENT));
            let near_miss = [card[0], card[1], card[2], card[3], card[4], card[5] ^ 1];
            own.send(&answer(card, near_miss));
            own.send(&answer(card, card));
            let first = next(&snoop).await;
            assert_eq!((first.source_mac.octets(), &first.payload[28..34]), (card, &card[..]));
            wire.send(&answer(CLIENT, [2, 0, 0, 0, 0, 1]));
            let second = next(&snoop).await;
            assert_eq!(second.source_mac.octets(), CLIENT);
            assert_eq!(second.destination.port(), 68);
            wire.send(&tagged(&answer(CLIENT, card), &[0]));
            assert_eq!(next(&snoop).await.payload[28..34], card);
            snoop.hear_this_box(false);
            own.send(&answer(card, card));
            wire.send(&answer(CLIENT, card));
            assert_eq!(next(&snoop).await.source_mac.octets(), CLIENT, "our own are left out");
            snoop.hear_this_box(true);
            own.send(&answer(card, card));
            assert_eq!(next(&snoop).await.source_mac.octets(), card);
        });
    });
}

#[test]
fn a_capture_survives_a_link_that_goes_down_and_its_thread_ends_with_it() {
    let (server, client) = segment();
    let mut wire = Wire::tap(&client, "eth0");
    server.run(|| {
        runtime().block_on(async {
            let snoop = Snoop::open(&link("eth0"), Wanted::Requests).expect("a capture");
            server.ip("link set eth0 down");
            server.ip("link set eth0 up");
            wire.send(&broadcast(67, b"after"));
            assert_eq!(next(&snoop).await.payload, b"after");
        });
        let start = Instant::now();
        while packet_sockets() > 0 {
            assert!(start.elapsed() < PATIENCE, "the capture's socket is still open");
            std::thread::yield_now();
        }
    });
}

fn packet_sockets() -> usize {
    let table = std::fs::read_to_string("/proc/thread-self/net/packet").expect("the kernel's table");
    table.lines().skip(1).count()
}

#[test]
fn when_nobody_comes_for_them_the_oldest_packets_go() {
    let (server, client) = segment();
    let mut wire = Wire::tap(&client, "eth0");
    server.run(|| {
        runtime().block_on(async {
            let snoop = Snoop::open(&link("eth0"), Wanted::Requests).expect("a capture");
            for number in 0..1100_u16 {
                wire.send(&broadcast(67, &number.to_be_bytes()));
            }
            let start = Instant::now();
            while snoop.dropped() < 76 {
                assert!(start.elapsed() < PATIENCE, "{} dropped", snoop.dropped());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(next(&snoop).await.payload, 76_u16.to_be_bytes());
        });
    });
}

#[test]
fn a_raw_frame_reaches_a_station_by_its_hardware_address_and_the_kernel_there_finds_both_checksums_right() {
    let (server, client) = segment();
    client.ip("addr add 10.2.0.9/24 dev eth0");
    let station = mac(&client, "eth0");
    let ours = mac(&server, "eth0");
    let listener = client.run(|| UdpSocket::bind("10.2.0.9:68").expect("a client's port"));
    listener.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut wire = Wire::tap(&client, "eth0");
    server.run(|| {
        let socket = FrameSocket::open(&link("eth0")).expect("a frame socket");
        let mut frame = OutgoingFrame {
            payload: b"to somebody else",
            from: "10.2.0.1:67".parse().expect("an address"),
            to: "10.2.0.9:68".parse().expect("an address"),
            station: "52:54:00:00:00:77".parse().expect("an address"),
        };
        socket.send(&frame).expect("the link takes it");
        frame.payload = b"to you";
        frame.station = station.parse().expect("an address");
        socket.send(&frame).expect("the link takes it");
        let long = vec![0; 1473];
        frame.payload = &long;
        let error = socket.send(&frame).expect_err("longer than the link takes");
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    });
    let mut buffer = [0; 64];
    let (len, source) = listener.recv_from(&mut buffer).expect("it arrives");
    assert_eq!(
        (&buffer[..len], source),
        (&b"to you"[..], "10.2.0.1:67".parse().expect("an address"))
    );

    let as_mac = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(":")
    };
    let strange = wire.receive(68);
    assert_eq!(as_mac(&strange[..6]), "52:54:00:00:00:77");
    let frame = wire.receive(68);
    assert_eq!((as_mac(&frame[..6]), as_mac(&frame[6..12])), (station, ours));
    assert_eq!(
        server.ip("neigh show dev eth0"),
        "",
        "nobody had to be asked for the address"
    );
}
