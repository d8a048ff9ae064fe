//! Runs of blocks: cut by the kernel or sent one by one, they arrive as the same datagrams.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use bootwright_net::gso::{Conversation, SMALL};
use bootwright_net::poll::{For, News, Poll};

use crate::netns::{End, Netns, cable};

fn peer() -> UdpSocket {
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    peer.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    peer
}

/// Sends a run of `count` blocks and returns what arrives.
fn run(cut: bool, count: usize, block: usize, payload: &[u8]) -> Vec<Vec<u8>> {
    let peer = peer();
    let to = peer.local_addr().expect("it is bound");
    let mut conversation = Conversation::open(Some("lo"), Ipv4Addr::LOCALHOST.into(), to).expect("loopback");
    if cut {
        conversation.expect_runs(block as u16);
    }
    let header = |place: usize| [0, 3, 0, place as u8];
    conversation.send_run(count, block, payload, header).expect("it leaves");
    let mut buffer = [0; 2000];
    let mut arrived = Vec::new();
    while arrived.len() < count {
        let len = peer.recv(&mut buffer).expect("all of them arrive");
        arrived.push(buffer[..len].to_vec());
    }
    arrived
}

#[test]
fn a_run_arrives_as_one_datagram_for_each_block_whoever_cuts_it() {
    let payload: Vec<u8> = (0..100_000_usize).map(|at| (at / 7) as u8).collect();
    for (count, block, len) in [
        (16, 1468, 16 * 1468),
        (16, 1468, 15 * 1468 + 3),
        (80, 1200, 79 * 1200),
        (1, 512, 0),
    ] {
        let expected: Vec<Vec<u8>> = (0..count)
            .map(|place| {
                let part = &payload[..len][(place * block).min(len)..((place + 1) * block).min(len)];
                [&[0, 3, 0, place as u8], part].concat()
            })
            .collect();
        for cut in [true, false] {
            assert!(
                run(cut, count, block, &payload[..len]) == expected,
                "{count} x {block}, cut by the kernel: {cut}"
            );
        }
    }
}

/// Waits until a conversation has something to read.
fn wait_for(conversation: &Conversation) {
    let mut poll = Poll::new().expect("descriptors");
    poll.add(conversation, 7, For::Packets).expect("a socket");
    poll.alarm_in(Duration::from_secs(5)).expect("a timer");
    assert_eq!(poll.wait().expect("nothing broke"), 1);
    let readable = News::Socket {
        name: 7,
        packets: true,
        room: false,
    };
    assert_eq!(poll.news(0), readable);
}

#[test]
fn packets_from_the_peer_are_heard_and_those_of_others_are_not() {
    let (peer, stranger) = (peer(), peer());
    let to = peer.local_addr().expect("it is bound");
    let conversation = Conversation::open(None, Ipv4Addr::LOCALHOST.into(), to).expect("loopback");
    let ours = conversation.local_addr().expect("it is bound");
    for number in 0..6 {
        peer.send_to(&[number; 4], ours).expect("it leaves");
    }
    stranger.connect(ours).expect("loopback");
    stranger.send(b"other").expect("it leaves");
    let mut buffer = [0; SMALL];
    for number in 0..6 {
        wait_for(&conversation);
        let len = conversation.receive(&mut buffer).expect("nothing broke");
        assert_eq!(buffer[..len], [number; 4]);
    }
    let empty = conversation.receive(&mut buffer).expect_err("that was all");
    assert_eq!(empty.kind(), ErrorKind::WouldBlock);
    let refused = stranger.recv(&mut [0; 8]).expect_err("nothing answers a stranger");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_packet_that_is_longer_than_its_room_arrives_cut() {
    let peer = peer();
    let to = peer.local_addr().expect("it is bound");
    let conversation = Conversation::open(None, Ipv4Addr::LOCALHOST.into(), to).expect("loopback");
    let ours = conversation.local_addr().expect("it is bound");
    peer.send_to(&[9; 500], ours).expect("it leaves");
    wait_for(&conversation);
    let mut buffer = [0; SMALL];
    assert_eq!(conversation.receive(&mut buffer).expect("nothing broke"), SMALL);
    assert_eq!(buffer, [9; SMALL]);
}

#[test]
fn a_peer_that_went_away_is_noticed_without_sending_twice() {
    let gone = peer();
    let to = gone.local_addr().expect("it is bound");
    drop(gone);
    let conversation = Conversation::open(None, Ipv4Addr::LOCALHOST.into(), to).expect("loopback");
    conversation.send(b"anybody?").expect("it leaves");
    wait_for(&conversation);
    let error = conversation.receive(&mut [0; SMALL]).expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn the_bell_and_the_alarm_end_a_wait_once() {
    let mut poll = Poll::new().expect("descriptors");
    let bell = poll.bell();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            bell.ring();
            bell.ring();
        });
        assert_eq!(poll.wait().expect("nothing broke"), 1);
        assert_eq!(poll.news(0), News::Bell);
    });
    // The second ring may have come behind the first wait.
    poll.alarm_in(Duration::ZERO).expect("a timer");
    let mut heard = Vec::new();
    while !heard.contains(&News::Alarm) {
        let count = poll.wait().expect("nothing broke");
        heard.extend((0..count).map(|place| poll.news(place)));
    }
    assert!(heard.len() <= 2, "{heard:?}");
}

#[test]
fn the_width_of_the_way_is_that_of_the_device() {
    let (left, right) = (Netns::new("left"), Netns::new("right"));
    cable(
        &End::new(&left, "eth0", "10.91.0.1/24"),
        &End::new(&right, "eth0", "10.91.0.2/24"),
    );
    left.ip("link set eth0 mtu 1400");
    let mtu = left.run(|| {
        let to = "10.91.0.2:2070".parse().expect("an address");
        let from = Ipv4Addr::new(10, 91, 0, 1).into();
        Conversation::open(Some("eth0"), from, to)
            .expect("there is a route")
            .mtu()
    });
    assert_eq!(mtu, 1400);
}
