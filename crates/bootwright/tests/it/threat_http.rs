//! Clients of the machine plane that take their time, come in crowds, or ask for too much (`threat_16`).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, get, send};
use crate::netns::{End, Netns, cable};
use crate::process::{resident_kb, threads};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";

/// More than any answer takes here, on a machine under load; an answer that waits for the slow ones would take longer.
const SOON: Duration = Duration::from_secs(4);

fn segment() -> (Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&daemon, "lab0", "10.77.0.1/16"),
        &End::new(&machine, "eth0", "10.77.0.50/16"),
    );
    (daemon, machine)
}

/// A connection from one of the machine's addresses. To be called inside.
fn connect(from: Ipv4Addr) -> std::io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddrV4::new(from, 0).into())?;
    let to = SocketAddr::from((OURS, 8080));
    socket.connect_timeout(&to.into(), Duration::from_secs(5))?;
    Ok(socket.into())
}

/// Whether others get their answers at this moment.
fn others_are_served(machine: &Netns) {
    for _ in 0..10 {
        let begun = Instant::now();
        let script = get(machine, OURS, "/boot.ipxe");
        assert_eq!(script.status, 200);
        assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    }
}

/// Whether a connection is ended from the other side in time.
fn is_ended(stream: &mut TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).expect("a time limit");
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn threat_16_a_thousand_connections_that_say_nothing_keep_nobody_waiting_and_are_ended() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    for host in 1..=10 {
        machine.ip(&format!("addr add 10.77.3.{host}/16 dev eth0"));
    }
    let before = (resident_kb(daemon.pid()), threads(daemon.pid()));
    let mut slow: Vec<TcpStream> = machine.run(|| {
        let from = |number: u16| Ipv4Addr::new(10, 77, 3, (number % 10 + 1) as u8);
        let connections = (0..1000).map(|number| connect(from(number)).expect("a connection"));
        connections.collect()
    });
    for (number, stream) in slow.iter_mut().enumerate() {
        // Some are silent, some dawdle in the head, and some want a body to be waited for.
        let words: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /boot.ipxe HTTP/1.1\r\nX-Slow: ",
            _ => b"POST /r/0123456789abcdef0123456789abcdef/log HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
        };
        let _ = stream.write_all(words);
    }
    others_are_served(&machine);
    let after = (resident_kb(daemon.pid()), threads(daemon.pid()));
    assert!(
        after.0 < before.0 + (64 << 10),
        "{before:?} kB and threads, then {after:?}"
    );
    assert!(after.1 <= before.1 + 4, "{before:?} kB and threads, then {after:?}");
    let begun = Instant::now();
    for stream in &mut slow {
        let left = Duration::from_secs(30)
            .saturating_sub(begun.elapsed())
            .max(Duration::from_millis(1));
        assert!(is_ended(stream, left), "a silent connection is still there");
    }
}

/// Asks on a connection that stays open, and returns the status.
fn ask(stream: &mut TcpStream, more: &str) -> String {
    let head = format!("HEAD /boot.ipxe HTTP/1.1\r\nHost: x\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream.set_read_timeout(Some(SOON)).expect("a time limit");
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the answer comes whole");
        answer.extend(byte);
    }
    String::from_utf8_lossy(&answer[9..12]).into_owned()
}

#[test]
fn threat_16_a_head_that_trickles_in_is_cut_off_while_a_pause_between_requests_is_not() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    let connection = || machine.run(|| connect(Ipv4Addr::new(10, 77, 0, 50)).expect("a connection"));
    let (mut patient, mut second, mut first) = (connection(), connection(), connection());
    for stream in [&mut patient, &mut second] {
        assert_eq!(ask(stream, ""), "200");
    }
    let begun = Instant::now();
    let mut are_open = [true, true];
    while are_open != [false, false] {
        for (stream, is_open) in [&mut first, &mut second].into_iter().zip(&mut are_open) {
            // One byte at a time, always a sign of life.
            *is_open = *is_open && stream.write_all(b"G").is_ok() && !is_ended(stream, Duration::from_millis(200));
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{are_open:?}");
    }
    assert!(begun.elapsed() > Duration::from_secs(4), "{:?}", begun.elapsed());
    // It said nothing for longer than a head may take.
    assert_eq!(ask(&mut patient, ""), "200");
}

#[test]
fn threat_16_a_head_of_eight_kilobytes_is_the_longest() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    machine.run(|| {
        for (bytes, status) in [(8000, "200"), (8300, "431"), (12_000, "431")] {
            let mut stream = connect(Ipv4Addr::new(10, 77, 0, 50)).expect("a connection");
            let padding = format!("X-Padding: {}\r\n", "a".repeat(bytes));
            assert_eq!(ask(&mut stream, &padding), status, "{bytes} bytes");
        }
    });
}

#[test]
fn threat_16_a_source_with_many_connections_keeps_no_other_source_out() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    machine.ip("addr add 10.77.3.1/16 dev eth0");
    let mut crowd: Vec<TcpStream> = machine.run(|| {
        let connections = (0..300).filter_map(|_| connect(Ipv4Addr::new(10, 77, 3, 1)).ok());
        connections.collect()
    });
    // The kernel accepts for us; those beyond the limit find their connection ended at once.
    let ended = |stream: &mut TcpStream| is_ended(stream, Duration::from_millis(20));
    let refused = crowd
        .iter_mut()
        .rev()
        .take(100)
        .filter_map(|stream| ended(stream).then_some(()))
        .count();
    assert!(refused >= 90, "{refused} of the last hundred were refused");
    others_are_served(&machine);
}

#[test]
fn threat_16_giant_heads_are_refused_and_cost_little() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let before = resident_kb(daemon.pid());
    machine.run(|| {
        let endless = b"X-Padding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1000);
        let long = [b"GET /".as_slice(), &b"a".repeat(100_000), b" HTTP/1.1\r\n"].concat();
        let many = (0..5000)
            .flat_map(|number| format!("X-{number}: y\r\n").into_bytes())
            .collect::<Vec<u8>>();
        for padding in [endless, long, many] {
            for _ in 0..20 {
                let mut stream = connect(Ipv4Addr::new(10, 77, 0, 50)).expect("a connection");
                let head = b"GET /boot.ipxe HTTP/1.1\r\n".as_slice();
                let words = if padding.starts_with(b"GET") {
                    &padding[..]
                } else {
                    head
                };
                let sent = stream
                    .write_all(words)
                    .and_then(|()| stream.write_all(&padding).map(drop));
                // It may hang up before we are through.
                let _ = sent;
                let mut answer = Vec::new();
                stream
                    .set_read_timeout(Some(Duration::from_secs(20)))
                    .expect("a time limit");
                let _ = stream.read_to_end(&mut answer);
                let status = answer
                    .get(9..12)
                    .map(|status| String::from_utf8_lossy(status).into_owned());
                assert!(
                    matches!(status.as_deref(), None | Some("431" | "414" | "400")),
                    "{status:?}"
                );
            }
        }
    });
    let after = resident_kb(daemon.pid());
    assert!(after < before + (32 << 10), "it grew from {before} kB to {after} kB");
    others_are_served(&machine);
}

#[test]
fn threat_16_a_bomb_of_ranges_gets_no_more_than_the_file() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let image = daemon.data_dir().join("images/disk.img");
    std::fs::write(&image, vec![7; 300_000]).expect("an image");
    for target in ["/images/disk.img", "/firmware/snponly.efi"] {
        let whole = get(&machine, OURS, target).body.len();
        let overlapping = "0-,".repeat(1000) + "0-";
        let tiny = (0..600)
            .map(|number| format!("{number}-{number}"))
            .collect::<Vec<_>>()
            .join(",");
        for ranges in [
            overlapping,
            tiny,
            "0-18446744073709551615".to_owned(),
            "-99999999999999999999".to_owned(),
        ] {
            let request =
                format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes={ranges}\r\n\r\n");
            let answer = send(&machine, OURS, &request);
            assert!([200, 206].contains(&answer.status), "{}", answer.head);
            assert!(!answer.head.contains("multipart"), "{}", answer.head);
            assert_eq!(answer.body.len(), whole, "{target} {ranges:.40}");
        }
    }
}

#[test]
fn threat_16_a_reader_who_takes_nothing_of_a_large_file_costs_no_memory() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let image = daemon.data_dir().join("images/disk.img");
    let file = std::fs::File::create(&image).expect("an image");
    file.set_len(1 << 30).expect("a gigabyte of nothing");
    let before = resident_kb(daemon.pid());
    let idle: Vec<TcpStream> = machine.run(|| {
        (0..100)
            .map(|_| {
                let mut stream = connect(Ipv4Addr::new(10, 77, 0, 50)).expect("a connection");
                stream
                    .write_all(b"GET /images/disk.img HTTP/1.1\r\nHost: x\r\n\r\n")
                    .expect("it is sent");
                let mut head = [0; 15];
                stream.read_exact(&mut head).expect("the answer begins");
                assert_eq!(&head, b"HTTP/1.1 200 OK");
                stream
            })
            .collect()
    });
    others_are_served(&machine);
    let after = resident_kb(daemon.pid());
    assert!(after < before + (64 << 10), "it grew from {before} kB to {after} kB");
    drop(idle);
}
