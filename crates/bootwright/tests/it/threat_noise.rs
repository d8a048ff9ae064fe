//! Any bytes on any port (`threat_11`), and the same with everything that the log can show (`threat_12`).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::netns::{End, Netns, cable};
use crate::process::{Random, resident_kb};
use crate::segment::{captured, discover, with_card};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nrelays = [\"10.77.0.50\"]\n";

/// What the daemon may grow by while it is talked to, in kilobytes: caches and buffers have bounds that add up to less.
const GROWTH_KB_MAX: u64 = 64 << 10;

const CAPTURES: &[&str] = &[
    "bios-firmware-discover",
    "bios-installer-discover",
    "bios-ipxe-discover",
    "rom-ipxe-discover",
    "uefi-firmware-boot-request",
    "uefi-firmware-discover",
    "uefi-firmware-request",
];

/// How many messages each port gets.
struct Amount {
    datagrams: usize,
    connections: usize,
}

#[test]
fn threat_11_any_bytes_on_any_port_leave_the_daemon_as_it_was() {
    noise(
        11,
        "info",
        &Amount {
            datagrams: 20_000,
            connections: 1_500,
        },
    );
}

#[test]
fn threat_12_any_bytes_on_any_port_do_no_more_harm_when_everything_is_logged() {
    noise(
        12,
        "trace",
        &Amount {
            datagrams: 3_000,
            connections: 300,
        },
    );
}

fn noise(seed: u64, level: &'static str, amount: &Amount) {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&inside, "lab0", "10.77.0.1/24"),
        &End::new(&machine, "eth0", "10.77.0.50/24"),
    );
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    daemon.log_level = level;
    daemon.run();
    daemon.wait_for_log("ready ");
    boots(&machine, 1);
    let before = resident_kb(daemon.pid());
    let mut random = Random(seed);
    machine.run(|| {
        for port in [67, 4011] {
            dhcp_noise(&mut random, port, amount.datagrams);
        }
        tftp_noise(&mut random, amount.datagrams);
        http_noise(&mut random, amount.connections);
    });
    control_noise(&mut random, &daemon.socket(), amount.connections);
    assert!(daemon.is_running(), "{}", daemon.log());
    let log = daemon.log();
    assert!(!log.contains("panicked"), "{log}");
    boots(&machine, 2);
    let after = resident_kb(daemon.pid());
    assert!(after < before + GROWTH_KB_MAX, "it grew from {before} kB to {after} kB");
}

/// A machine that nobody has seen yet gets everything that it needs.
fn boots(machine: &Netns, number: u8) {
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0x11, 0x11, number]);
    let heard = discover(machine, "eth0", &packet, PATIENCE).expect("an offer");
    assert_eq!(heard.answer.file, b"snponly.efi");
    machine.run(|| {
        let socket = UdpSocket::bind("10.77.0.50:0").expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        socket
            .send_to(b"\0\x01snponly.efi\0octet\0", (OURS, 69))
            .expect("a route");
        let mut buffer = [0; 600];
        let (length, from) = socket.recv_from(&mut buffer).expect("the first block");
        assert_eq!(&buffer[..15], b"\0\x03\0\x01snponly.efi");
        assert_eq!(length, 516);
        socket.send_to(b"\0\x05\0\0\0", from).expect("a route");
    });
    let script = get(
        machine,
        OURS,
        &format!("/ipxe?mac=52-54-00-11-11-{number:02x}&platform=efi"),
    );
    assert!(script.text().contains("This machine is waiting"), "{}", script.text());
}

/// Bytes that were a request once, or never.
fn dhcp_message(random: &mut Random, captures: &[Vec<u8>]) -> Vec<u8> {
    match random.below(4) {
        0 => {
            let len = random.below(1500);
            random.bytes(len)
        }
        1 => {
            // A sound beginning, and then options as they come.
            let len = random.below(400);
            [&captures[random.below(captures.len())][..240], &random.bytes(len)].concat()
        }
        _ => {
            let whole = random.below(captures.len());
            random.damaged(&captures[whole])
        }
    }
}

/// Requests with numbers in place of their transaction ids, so that each reply says what it answers.
fn dhcp_noise(random: &mut Random, port: u16, count: usize) {
    let captures: Vec<Vec<u8>> = CAPTURES.iter().map(|name| captured(name)).collect();
    let sockets: Vec<UdpSocket> = [67, 68, 4011].map(|port| open("eth0", port)).into();
    let mut sent: Vec<Vec<u8>> = Vec::with_capacity(count);
    let mut heard = 0;
    for number in 0..count {
        let mut message = dhcp_message(random, &captures);
        if let Some(xid) = message.get_mut(4..8) {
            let number = u32::try_from(number).expect("a small number");
            xid.copy_from_slice(&(u32::from(port) << 16 | number).to_be_bytes());
        }
        let to = if random.below(2) == 0 {
            Ipv4Addr::BROADCAST
        } else {
            OURS
        };
        let socket = &sockets[random.below(sockets.len())];
        socket.send_to(&message, (to, port)).expect("it leaves");
        sent.push(message);
        if number % 16 == 15 {
            heard += dhcp_replies(&sockets, port, &sent);
        }
    }
    wait_until("something is answered", || {
        heard += dhcp_replies(&sockets, port, &sent);
        heard > 0
    });
    assert!(
        heard > 0 && heard < count / 2,
        "{heard} of {count} were answered on port {port}"
    );
}

/// Reads what has come, and holds that each reply is one to a boot client.
fn dhcp_replies(sockets: &[UdpSocket], port: u16, sent: &[Vec<u8>]) -> usize {
    let mut buffer = [0; 2048];
    let mut count = 0;
    for socket in sockets {
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if *from.ip_v4() != OURS {
                continue;
            }
            let reply = &buffer[..length];
            let xid = u32::from_be_bytes(reply[4..8].try_into().expect("four bytes"));
            // What was sent to the other port may still be answered.
            if xid >> 16 != u32::from(port) {
                continue;
            }
            let asked = sent
                .get(xid as usize & 0xffff)
                .expect("a reply to something that was sent");
            let shown = asked.escape_ascii();
            assert_eq!(reply[0], 2, "not a reply");
            assert!(length >= 300, "{length} bytes");
            assert_eq!(asked[0], 1, "an answer to what is no request: {shown}");
            assert_eq!(
                asked[236..240],
                [99, 130, 83, 99],
                "an answer to what is no DHCP: {shown}"
            );
            let presented = |class: &[u8]| asked.windows(class.len()).any(|window| window == class);
            assert!(
                presented(b"PXEClient") || presented(b"HTTPClient"),
                "an answer to no boot client: {shown}"
            );
            count += 1;
        }
    }
    count
}

/// The address of a peer, which in these namespaces is always one of IPv4.
trait PeerAddress {
    fn ip_v4(&self) -> &Ipv4Addr;
}

impl PeerAddress for SocketAddr {
    fn ip_v4(&self) -> &Ipv4Addr {
        match self {
            Self::V4(address) => address.ip(),
            Self::V6(_) => panic!("no IPv6 is spoken here"),
        }
    }
}

/// A socket that hears what is sent to a port of a device, and never waits.
fn open(device: &str, port: u16) -> UdpSocket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("the port is shared");
    socket
        .bind_device(Some(device.as_bytes()))
        .expect("the device is there");
    socket.set_broadcast(true).expect("broadcasts");
    socket.set_nonblocking(true).expect("no waiting");
    let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
    socket.bind(&address.into()).expect("the port is free");
    socket.into()
}

/// From one socket what is no request at all, which nobody may hear an answer to; from another, almost requests.
fn tftp_noise(random: &mut Random, count: usize) {
    let silent = open("eth0", 0);
    let asking = open("eth0", 0);
    let requests: &[&[u8]] = &[
        b"\0\x01snponly.efi\0octet\0tsize\x000\0blksize\x001468\0",
        b"\0\x01undionly.kpxe\0octet\0blksize\x001432\0windowsize\x0016\0tsize\x000\0timeout\x005\0",
        b"\0\x01autoexec.ipxe\0netascii\0",
        b"\0\x02upload\0octet\0tsize\x00100\0",
    ];
    let mut buffer = [0; 2048];
    let mut heard = 0;
    for number in 0..count {
        let mut message = match random.below(3) {
            0 => {
                let len = random.below(600);
                random.bytes(len)
            }
            _ => random.damaged(requests[number % requests.len()]),
        };
        let socket = if message.len() >= 2 && message[0] == 0 && (message[1] == 1 || message[1] == 2) {
            &asking
        } else {
            if random.below(3) == 0 {
                // Packets of a transfer that there never was, errors above all.
                message.splice(0..message.len().min(2), [0, 3 + random.bytes(1)[0] % 4]);
            }
            &silent
        };
        socket.send_to(&message, (OURS, 69)).expect("it leaves");
        while let Ok((length, from)) = asking.recv_from(&mut buffer) {
            assert!(
                length >= 4 && buffer[0] == 0 && [3, 5, 6].contains(&buffer[1]),
                "{:?}",
                &buffer[..length]
            );
            heard += 1;
            if number % 2 == 0 {
                let reply = random.damaged(b"\0\x04\0\x01");
                let _ = asking.send_to(&reply, from);
            }
        }
    }
    assert!(heard > 0, "some of it was a request");
    std::thread::sleep(Duration::from_millis(100));
    let unasked = silent.recv_from(&mut buffer);
    assert!(unasked.is_err(), "an answer to what is no request: {:?}", unasked);
}

/// What is sent on a connection: a request that was damaged, or anything.
fn http_message(random: &mut Random) -> Vec<u8> {
    let requests: &[&[u8]] = &[
        b"GET /boot.ipxe HTTP/1.1\r\nHost: 10.77.0.1\r\nUser-Agent: iPXE/2.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET /ipxe?mac=52-54-00-00-00-01&uuid=00000000-0000-0000-0000-000000000001&platform=efi HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /firmware/snponly.efi HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1023\r\nIf-Range: \"x\"\r\n\r\n",
        b"POST /r/0123456789abcdef0123456789abcdef/done HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
        b"POST /r/0123456789abcdef0123456789abcdef/log HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        b"GET /api/v1/hosts HTTP/1.1\r\nHost: bootwright\r\nAccept: text/event-stream\r\n\r\n",
        b"POST /api/v1/pause HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{]",
    ];
    if random.below(3) == 0 {
        let len = random.below(3000);
        return random.bytes(len);
    }
    let request = random.of(requests);
    random.damaged(request)
}

fn http_noise(random: &mut Random, count: usize) {
    for _ in 0..count {
        let stream = TcpStream::connect(SocketAddrV4::new(OURS, 8080)).expect("the machine plane answers");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let message = http_message(random);
        let heard = converse(&stream, &message, || stream.shutdown(Shutdown::Write));
        judge(&message, &heard);
    }
}

fn control_noise(random: &mut Random, path: &Path, count: usize) {
    for _ in 0..count {
        let stream = UnixStream::connect(path).expect("the control socket answers");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let message = http_message(random);
        let heard = converse(&stream, &message, || stream.shutdown(Shutdown::Write));
        judge(&message, &heard);
    }
}

/// Says everything, says that this was everything, and hears what comes back until the other side ends.
fn converse<S>(stream: &S, message: &[u8], end: impl FnOnce() -> std::io::Result<()>) -> Vec<u8>
where
    for<'a> &'a S: Read + Write,
{
    let mut heard = Vec::new();
    let (mut writer, reader) = (stream, stream);
    // It may hang up in the middle of what it does not like.
    let _ = writer.write_all(message).and_then(|()| end());
    let mut buffer = [0; 16 << 10];
    let mut reader = reader;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return heard,
            Ok(length) => heard.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return heard,
            Err(error) => panic!("it neither answers nor hangs up: {error}"),
        }
    }
}

/// What comes back is HTTP, or nothing.
fn judge(message: &[u8], heard: &[u8]) {
    let good = heard.is_empty() || heard.starts_with(b"HTTP/1.1 ") || heard.starts_with(b"HTTP/1.0 ");
    assert!(
        good,
        "{} was answered with {}",
        message.escape_ascii(),
        heard.escape_ascii()
    );
    let status = heard.get(9..12);
    assert!(
        status != Some(b"500"),
        "{} was answered with {}",
        message.escape_ascii(),
        heard.escape_ascii()
    );
}
