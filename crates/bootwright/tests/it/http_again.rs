//! A machine that starts again has forgotten its connections: they are reset, so that its ports are free at once.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use crate::daemon::{Daemon, get, wait_until};
use crate::netns::{End, Netns, cable};
use crate::tftp_daemon::Slow;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const MACHINE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 50);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 51);
const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";
/// Longer than an idle connection is kept, and much less than one that takes nothing.
const PATIENCE: Duration = Duration::from_secs(40);

fn segment() -> (Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&daemon, "lab0", "10.77.0.1/16"),
        &End::new(&machine, "eth0", "10.77.0.50/16"),
    );
    machine.ip("addr add 10.77.0.51/16 dev eth0");
    (daemon, machine)
}

/// A connection from this address, and from this port if it is not 0.
fn connect(machine: &Netns, from: Ipv4Addr, port: u16) -> TcpStream {
    machine.run(|| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket
            .bind(&SocketAddrV4::new(from, port).into())
            .expect("the port is free");
        let to = SocketAddr::from((OURS, 8080));
        socket
            .connect_timeout(&to.into(), Duration::from_secs(5))
            .expect("a connection");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        stream
    })
}

/// Asks for something and reads the beginning of its answer.
fn ask(stream: &mut TcpStream, target: &str) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut head = [0; 15];
    stream.read_exact(&mut head).expect("the answer begins");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
}

/// Reads until the connection ends, and says how it did.
fn end_of(stream: &mut TcpStream) -> Result<(), ErrorKind> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // A machine that is stopped for a while and goes on interrupts whoever waits (`signal(7)`).
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.kind()),
        }
    }
}

#[test]
fn an_idle_connection_is_reset_and_its_port_can_be_used_again_at_once() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    let mut first = connect(&machine, MACHINE, 21_550);
    ask(&mut first, "/boot.ipxe");
    assert_eq!(end_of(&mut first), Err(ErrorKind::ConnectionReset));
    drop(first);
    let mut again = connect(&machine, MACHINE, 21_550);
    ask(&mut again, "/boot.ipxe");
}

#[test]
fn a_machine_that_fetches_its_boot_program_anew_has_its_old_connections_reset_and_no_others() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let image = daemon.data_dir().join("images/disk.img");
    let file = std::fs::File::create(&image).expect("an image");
    file.set_len(1 << 30).expect("a gigabyte of nothing");
    let mut old = connect(&machine, MACHINE, 21_551);
    ask(&mut old, "/images/disk.img");
    let mut others = connect(&machine, OTHER, 0);
    ask(&mut others, "/images/disk.img");

    let mut firmware = Slow::ask(&machine);
    assert_eq!(firmware.take(), Ok(512));
    let mut new = connect(&machine, MACHINE, 21_552);
    ask(&mut new, "/images/disk.img");
    while firmware.take() == Ok(512) {}
    firmware.acknowledge();
    wait_until("the old connection is counted as forgotten", || {
        let status = daemon.api("GET", "/api/v1/status", "");
        status.text().contains("\"http.forgotten\":1")
    });
    // What was on its way is still read; the reset comes behind it.
    assert_eq!(end_of(&mut old), Err(ErrorKind::ConnectionReset));
    drop(old);
    let mut again = connect(&machine, MACHINE, 21_551);
    ask(&mut again, "/images/disk.img");
    for stream in [&mut new, &mut others] {
        let mut more = vec![0; 8 << 20];
        stream.read_exact(&mut more).expect("it goes on");
    }
    assert_eq!(get(&machine, OURS, "/boot.ipxe").status, 200);
}
