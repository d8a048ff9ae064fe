//! Floods: machines that there are not (`threat_13`), transfers that nobody wants (`threat_14`), and answers that are
//! meant for a third party (`threat_15`).

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::netns::{End, Netns, cable};
use crate::process::{descriptors, resident_kb};
use crate::segment::{Client, captured, discover, with_card};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";
const KNOWN: [u8; 6] = [0x52, 0x54, 0, 0, 0, 1];

fn segment() -> (Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&daemon, "lab0", "10.77.0.1/16"),
        &End::new(&machine, "eth0", "10.77.0.50/16"),
    );
    (daemon, machine)
}

fn started(inside: &Netns) -> Daemon<'_> {
    let mut daemon = Daemon::prepare(inside, CONFIG);
    // At debug each of the packets would be a line, and the log would be what is measured.
    daemon.log_level = "info";
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

fn known_hosts(daemon: &Daemon<'_>) -> u64 {
    let status = daemon.api("GET", "/api/v1/status", "");
    let status: serde_json::Value = serde_json::from_str(status.text()).expect("the API speaks JSON");
    let states = status["hosts"].as_object().expect("a table of states");
    states.values().filter_map(serde_json::Value::as_u64).sum()
}

#[test]
fn threat_13_fifty_thousand_made_up_machines_are_not_kept_and_a_real_one_boots_meanwhile() {
    const MADE_UP: u32 = 50_000;
    let (inside, machine) = segment();
    let daemon = started(&inside);
    let packet = with_card(captured("uefi-firmware-discover"), KNOWN);
    discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    let before = resident_kb(daemon.pid());
    let begun = Instant::now();
    let waits = std::thread::scope(|scope| {
        let flood = scope.spawn(|| machine.run(|| flood(MADE_UP)));
        let mut waits = Vec::new();
        while !flood.is_finished() {
            waits.push(boot(&machine, &packet));
        }
        flood.join().expect("the flood is over");
        waits
    });
    let longest = waits.iter().max().expect("it booted in the flood");
    assert!(*longest < Duration::from_secs(10), "{waits:?}");
    // 2,000 at once and 20 more in each second are remembered: a rack that is switched on is no flood.
    let allowed = 2001 + 20 * (begun.elapsed().as_secs() + 1);
    let hosts = known_hosts(&daemon);
    assert!(
        (1000..=allowed).contains(&hosts),
        "{hosts} hosts, {allowed} are allowed"
    );
    let after = resident_kb(daemon.pid());
    assert!(after < before + (64 << 10), "it grew from {before} kB to {after} kB");
    boot(&machine, &packet);
    let known = daemon.api("GET", "/api/v1/hosts/52:54:00:00:00:01", "");
    assert_eq!(known.status, 200, "{}", known.text());
}

/// DISCOVERs of machines with cards that follow one another.
fn flood(count: u32) {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a free port");
    socket.set_broadcast(true).expect("broadcasts");
    let template = captured("uefi-firmware-discover");
    // Option 97: a type of 0, then the UUID.
    let option = template.windows(3).position(|window| window == [97, 17, 0]);
    let uuid = option.expect("a UUID") + 3;
    for number in 0..count {
        let [_, a, b, c] = number.to_be_bytes();
        let mut packet = template.clone();
        packet[4..8].copy_from_slice(&number.to_be_bytes());
        packet[28..34].copy_from_slice(&[0x52, 0x54, 0, a | 0x80, b, c]);
        packet[uuid..uuid + 4].copy_from_slice(&number.to_be_bytes());
        socket
            .send_to(&packet, (Ipv4Addr::new(10, 77, 255, 255), 67))
            .expect("it leaves");
    }
}

/// Asks as firmware does, again and again until there is an offer, and says how long that took.
fn boot(machine: &Netns, packet: &[u8]) -> Duration {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if discover(machine, "eth0", packet, Duration::from_millis(500)).is_some() {
            return begun.elapsed();
        }
    }
    panic!("no offer in {PATIENCE:?}");
}

#[test]
fn threat_14_transfers_in_the_names_of_others_are_bounded_leave_room_and_end_by_themselves() {
    let (inside, machine) = segment();
    let daemon = started(&inside);
    for host in 0..=250 {
        machine.ip(&format!("addr add 10.77.1.{host}/16 dev eth0"));
    }
    let idle = descriptors(daemon.pid());
    let before = resident_kb(daemon.pid());
    // Who forges a sender reads no answers: here nobody takes them, and nobody says so either.
    let forgers: Vec<UdpSocket> = machine.run(|| {
        let addresses = (0..=250).map(|host| Ipv4Addr::new(10, 77, 1, host));
        let sockets = addresses.flat_map(|address| (0..10).map(move |_| UdpSocket::bind((address, 0))));
        sockets.map(|socket| socket.expect("the address is there")).collect()
    });
    for round in 0..3 {
        for forger in &forgers {
            forger
                .send_to(b"\0\x01snponly.efi\0octet\0blksize\x001468\0", (OURS, 69))
                .expect("it leaves");
        }
        let open = descriptors(daemon.pid());
        assert!(
            open <= idle + 2000 + 16,
            "{open} descriptors in round {round}, {idle} before"
        );
        assert_eq!(fetched(&machine).expect("a real client is served"), 70_000);
    }
    let after = resident_kb(daemon.pid());
    assert!(after < before + (64 << 10), "it grew from {before} kB to {after} kB");
    wait_until("all transfers are over", || descriptors(daemon.pid()) <= idle + 4);
}

/// How many bytes a client gets that asks as firmware does, beginning anew when nothing comes.
fn fetched(machine: &Netns) -> Option<usize> {
    machine.run(|| {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let socket = UdpSocket::bind("10.77.0.50:0").expect("a free port");
            socket
                .set_read_timeout(Some(Duration::from_secs(1)))
                .expect("a time limit");
            socket
                .send_to(b"\0\x01snponly.efi\0octet\0", (OURS, 69))
                .expect("a route");
            let mut buffer = [0; 600];
            let mut bytes = 0;
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                socket.send_to(&[0, 4, buffer[2], buffer[3]], from).expect("a route");
                bytes += length - 4;
                if length < 516 {
                    return Some(bytes);
                }
            }
        }
        None
    })
}

/// What reached a port of the victim within some time, in bytes.
fn heard(socket: &UdpSocket, patience: Duration) -> usize {
    socket.set_nonblocking(false).expect("it waits");
    let until = Instant::now() + patience;
    let (mut bytes, mut buffer) = (0, [0; 2048]);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return bytes;
        }
        socket.set_read_timeout(Some(left)).expect("a time limit");
        bytes += socket.recv(&mut buffer).unwrap_or(0);
    }
}

/// All retransmissions to a client that never answers are over after this time.
const OVER: Duration = Duration::from_secs(12);

#[test]
fn threat_15_nobody_gets_more_than_three_times_what_was_sent_in_his_name() {
    let (inside, machine) = segment();
    let _daemon = started(&inside);
    machine.run(|| {
        let victims: Vec<(UdpSocket, &[u8])> = [
            b"\0\x01snponly.efi\0octet\0tsize\x000\0".as_slice(),
            b"\0\x01snponly.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x0016\0",
            b"\0\x01autoexec.ipxe\0octet\0blksize\x001432\0",
            b"\0\x01no-such-file\0octet\0",
            b"\0\x01..\0octet\0",
            b"\0\x01a\0b\0",
            b"\0\x02a\0b\0",
        ]
        .into_iter()
        .map(|request| (UdpSocket::bind("10.77.0.50:0").expect("a free port"), request))
        .collect();
        for (victim, request) in &victims {
            victim.send_to(request, (OURS, 69)).expect("it leaves");
        }
        let begun = Instant::now();
        for (victim, request) in &victims {
            let bytes = heard(
                victim,
                OVER.saturating_sub(begun.elapsed()).max(Duration::from_millis(50)),
            );
            assert!(
                bytes <= 3 * request.len(),
                "{bytes} bytes for {}",
                request.escape_ascii()
            );
        }
    });
}

/// RFC 1350 itself answers a request of twenty bytes by a block of 516. So this is bounded in time instead: each source
/// has eight places, each of them two blocks to give, and a place is free again after a quarter of a second.
#[test]
fn threat_15_a_flood_of_requests_without_options_is_answered_by_fewer_bytes_than_it_has() {
    const REQUESTS: usize = 20_000;
    let request = b"\0\x01snponly.efi\0octet\0";
    let (inside, machine) = segment();
    let _daemon = started(&inside);
    machine.run(|| {
        // The victim's ports are open, so that no message of the kernel ends what an attacker would not end.
        let victims: Vec<UdpSocket> = (0..20)
            .map(|_| UdpSocket::bind("10.77.0.50:0").expect("a free port"))
            .collect();
        let begun = Instant::now();
        for number in 0..REQUESTS {
            victims[number % victims.len()]
                .send_to(request, (OURS, 69))
                .expect("it leaves");
        }
        let flood = begun.elapsed();
        let bytes: usize = victims
            .iter()
            .map(|victim| heard(victim, Duration::from_millis(100)))
            .sum();
        let begun = flood.as_millis() as usize / 250 + 20;
        assert!(bytes > 0 && bytes <= 8 * 2 * 516 * begun, "{bytes} bytes in {flood:?}");
        assert!(bytes < REQUESTS * request.len() / 2, "{bytes} bytes in {flood:?}");
    });
}

#[test]
fn threat_15_errors_echo_services_broadcasts_and_strangers_hear_nothing() {
    let (inside, machine) = segment();
    let _daemon = started(&inside);
    // A machine of another network, as a forged sender would be.
    machine.ip("addr add 192.0.2.7/32 dev eth0");
    inside.ip("route add 192.0.2.0/24 dev lab0");
    let request = b"\0\x01snponly.efi\0octet\0".as_slice();
    machine.run(|| {
        let talk = |from: &str, to: Ipv4Addr, what: &[u8]| {
            let socket = UdpSocket::bind(from).expect("a free port");
            socket.set_broadcast(true).expect("broadcasts");
            socket.send_to(what, (to, 69)).expect("it leaves");
            socket
        };
        let broadcast = Ipv4Addr::new(10, 77, 255, 255);
        let silent = [
            ("an error", talk("10.77.0.50:0", OURS, b"\0\x05\0\x01File not found\0")),
            ("an acknowledgement", talk("10.77.0.50:0", OURS, b"\0\x04\0\0")),
            ("text", talk("10.77.0.50:0", OURS, b"hello, who is there?")),
            ("echo", talk("10.77.0.50:7", OURS, request)),
            ("chargen", talk("10.77.0.50:19", OURS, request)),
            ("DNS", talk("10.77.0.50:53", OURS, request)),
            ("NTP", talk("10.77.0.50:123", OURS, request)),
            ("a broadcast", talk("10.77.0.50:0", broadcast, request)),
            ("another network", talk("192.0.2.7:0", OURS, request)),
        ];
        let served = [
            ("a client", talk("10.77.0.50:0", OURS, request)),
            ("firmware on 67", talk("10.77.0.50:67", OURS, request)),
            ("firmware on 69", talk("10.77.0.50:69", OURS, request)),
        ];
        for (what, socket) in &served {
            assert!(heard(socket, Duration::from_secs(1)) >= 516, "{what} is served");
        }
        for (what, socket) in &silent {
            assert_eq!(heard(socket, Duration::from_millis(100)), 0, "{what}");
        }
    });
}

#[test]
fn threat_15_dhcp_replies_are_hardly_longer_than_their_requests() {
    let (inside, machine) = segment();
    let _daemon = started(&inside);
    // As short as a request can be that still presents itself: all that firmware adds makes the share smaller.
    let whole = captured("uefi-firmware-boot-request");
    let mut short = whole[..240].to_vec();
    short.extend(b"\x35\x01\x03\x5d\x02\0\x07\x3c\x20PXEClient:Arch:00007:UNDI:003000\xff");
    for (port, packet) in [(67, captured("uefi-firmware-discover")), (4011, whole), (4011, short)] {
        let reply = machine.run(|| {
            let client = Client::on("eth0", 68);
            client.send(&packet, SocketAddrV4::new(OURS, port));
            client.reply_to(&packet, PATIENCE)
        });
        let reply = reply.unwrap_or_else(|| panic!("no reply on port {port}"));
        assert!(
            reply.bytes.len() <= 3 * packet.len(),
            "{} for {}",
            reply.bytes.len(),
            packet.len()
        );
    }
}
