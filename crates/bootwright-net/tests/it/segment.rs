//! The test segments themselves: a loss test on a wire that loses nothing would prove nothing.

use std::net::UdpSocket;
use std::time::Duration;

use crate::netns::{End, Netns, cable};

#[test]
fn two_namespaces_talk_over_a_cable_and_see_only_their_own_devices() {
    let (left, right) = (Netns::new("left"), Netns::new("right"));
    cable(
        &End::new(&left, "eth0", "10.90.0.1/24"),
        &End::new(&right, "lan0", "10.90.0.2/24"),
    );
    let listener = right.run(|| UdpSocket::bind("10.90.0.2:9").expect("right has its address"));
    left.run(|| {
        let sender = UdpSocket::bind("10.90.0.1:0").expect("left has its address");
        sender.send_to(b"hello", "10.90.0.2:9").expect("there is a route");
    });
    listener
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout");
    let mut buffer = [0; 16];
    let (len, source) = listener.recv_from(&mut buffer).expect("it arrives");
    assert_eq!(&buffer[..len], b"hello");
    assert_eq!(source.ip().to_string(), "10.90.0.1");

    let devices = left.run(|| {
        let entries = std::fs::read_dir("/sys/class/net").expect("the thread's own /sys");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    });
    assert_eq!(devices, ["eth0", "lo"]);
}

#[test]
fn lost_packets_are_really_lost() {
    let (left, right) = (Netns::new("left"), Netns::new("right"));
    cable(
        &End::new(&left, "eth0", "10.90.0.1/24"),
        &End::new(&right, "eth0", "10.90.0.2/24"),
    );
    let listener = right.run(|| UdpSocket::bind("10.90.0.2:9").expect("right has its address"));
    listener
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("a timeout");
    let arrived = |percent: f64| {
        right.drop_udp("eth0", percent);
        left.run(|| {
            let sender = UdpSocket::bind("10.90.0.1:0").expect("left has its address");
            for _ in 0..200 {
                sender.send_to(b"x", "10.90.0.2:9").expect("there is a route");
            }
        });
        let mut count = 0;
        while listener.recv(&mut [0; 4]).is_ok() {
            count += 1;
        }
        count
    };
    assert_eq!(arrived(0.0), 200);
    assert_eq!(arrived(100.0), 0);
    let half = arrived(50.0);
    assert!((50..150).contains(&half), "{half} of 200 arrived");
}
