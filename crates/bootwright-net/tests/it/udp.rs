//! One socket a device, on a box with several.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bootwright_net::port;
use bootwright_net::udp::{Batch, BindTrouble, Outgoing, Socket};
use tokio::time::timeout;

use crate::netns::{End, Netns, cable};
use crate::runtime::runtime;

const PATIENCE: Duration = Duration::from_secs(5);

/// Receives one batch and answers each datagram from the address it came to, as a server does.
async fn answer_once(socket: &Socket, batch: &mut Batch) -> Vec<(Ipv4Addr, Option<Ipv4Addr>)> {
    timeout(PATIENCE, socket.receive(batch))
        .await
        .expect("it arrives")
        .expect("a working socket");
    let outgoing: Vec<_> = batch
        .datagrams()
        .map(|datagram| Outgoing {
            payload: datagram.payload,
            to: datagram.source,
            from: datagram.local.unwrap_or(Ipv4Addr::UNSPECIFIED),
        })
        .collect();
    let failed = socket.send_all(&outgoing).await;
    assert!(failed.is_empty(), "{failed:?}");
    batch
        .datagrams()
        .map(|datagram| (datagram.destination, datagram.local))
        .collect()
}

#[test]
fn each_device_answers_from_its_own_address_even_where_both_segments_use_the_same_network() {
    let (server, one, two) = (Netns::new("server"), Netns::new("one"), Netns::new("two"));
    cable(
        &End::new(&server, "eth0", "10.2.0.1/24"),
        &End::new(&one, "eth0", "10.2.0.9/24"),
    );
    cable(
        &End::new(&server, "eth1", "10.2.0.2/24"),
        &End::new(&two, "eth0", "10.2.0.9/24"),
    );
    let client = |inside: &Netns| {
        inside.run(|| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("a socket");
            // Without a route, only a socket bound to its device can shout, as a DHCP client does.
            socket.bind_device(Some(b"eth0")).expect("the device is there");
            socket.set_broadcast(true).expect("broadcasts");
            socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            socket
                .bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68).into())
                .expect("a client's port");
            UdpSocket::from(socket)
        })
    };
    let (first, second) = (client(&one), client(&two));
    first
        .send_to(b"one", "255.255.255.255:67")
        .expect("one shouts before anybody listens, and is not heard");
    server.run(|| {
        runtime().block_on(async {
            let sockets = ["eth0", "eth1"].map(|device| Socket::bind(device, 67).expect("port 67 is free"));
            first.send_to(b"one", "10.2.0.255:67").expect("one shouts");
            second.send_to(b"two", "255.255.255.255:67").expect("two shouts");
            let mut batch = Batch::new(1500);
            let [eth0, eth1] = &sockets;
            let at_eth0 = answer_once(eth0, &mut batch).await;
            assert_eq!(at_eth0, [([10, 2, 0, 255].into(), None)]);
            assert_eq!(
                batch.datagrams().map(|datagram| datagram.port).collect::<Vec<_>>(),
                [67]
            );
            let at_eth1 = answer_once(eth1, &mut batch).await;
            assert_eq!(at_eth1, [(Ipv4Addr::BROADCAST, None)]);
            second.send_to(b"to you", "10.2.0.2:67").expect("two speaks");
            let at_eth1 = answer_once(eth1, &mut batch).await;
            assert_eq!(at_eth1, [([10, 2, 0, 2].into(), Some([10, 2, 0, 2].into()))]);
        });
    });
    let mut buffer = [0; 64];
    let (len, source) = first.recv_from(&mut buffer).expect("one is answered");
    assert_eq!(
        (&buffer[..len], source),
        (&b"one"[..], "10.2.0.1:67".parse().expect("an address"))
    );
    let (len, source) = second.recv_from(&mut buffer).expect("two is answered");
    assert_eq!(
        (&buffer[..len], source),
        (&b"two"[..], "10.2.0.2:67".parse().expect("an address"))
    );
}

#[test]
fn a_socket_outlives_a_flap_and_a_new_address_and_a_new_card_under_the_old_name_needs_a_new_one() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    let plug_in = || {
        cable(
            &End::new(&server, "eth0", "10.2.0.1/24"),
            &End::new(&client, "eth0", "10.3.0.9/24"),
        );
    };
    let ask = || {
        client.run(|| {
            let socket = UdpSocket::bind("10.3.0.9:0").expect("the client's address");
            socket
                .send_to(b"ask", "10.3.0.255:67")
                .map(drop)
                .expect_err("a broadcast is not sent by accident");
            socket.set_broadcast(true).expect("broadcasts");
            socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            socket.send_to(b"ask", "10.3.0.255:67").expect("there is a route");
            socket
        })
    };
    plug_in();
    server.run(|| {
        runtime().block_on(async {
            let mut batch = Batch::new(1500);
            let socket = Socket::bind("eth0", 67).expect("port 67 is free");
            for state in ["down", "up"] {
                server.ip(&format!("link set eth0 {state}"));
            }
            server.ip("addr add 10.3.0.1/24 dev eth0");
            server.ip("addr del 10.2.0.1/24 dev eth0");
            let asker = ask();
            assert_eq!(answer_once(&socket, &mut batch).await, [([10, 3, 0, 255].into(), None)]);
            let (_, source) = asker.recv_from(&mut [0; 8]).expect("an answer");
            assert_eq!(source, "10.3.0.1:67".parse().expect("an address"));

            server.ip("link del eth0");
            plug_in();
            server.ip("addr add 10.3.0.1/24 dev eth0");
            let fresh = Socket::bind("eth0", 67).expect("the old socket is no obstacle");
            let asker = ask();
            assert_eq!(answer_once(&fresh, &mut batch).await.len(), 1);
            asker.recv_from(&mut [0; 8]).expect("an answer");
            let old = timeout(Duration::ZERO, socket.receive(&mut batch)).await;
            assert!(old.is_err(), "the old card's socket hears nothing more: {old:?}");
        });
    });
}

#[test]
fn a_burst_is_read_in_batches_and_what_is_too_long_is_marked() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(
        &End::new(&server, "eth0", "10.2.0.1/24"),
        &End::new(&client, "eth0", "10.2.0.9/24"),
    );
    server.run(|| {
        runtime().block_on(async {
            let socket = Socket::bind("eth0", 67).expect("port 67 is free");
            client.run(|| {
                let sender = UdpSocket::bind("10.2.0.9:68").expect("a client's port");
                for number in 0..40_u8 {
                    let payload = vec![number; usize::from(number) * 4];
                    sender.send_to(&payload, "10.2.0.1:67").expect("there is a route");
                }
            });
            let mut batch = Batch::new(100);
            assert_eq!(socket.receive(&mut batch).await.expect("a working socket"), 32);
            let mut seen: Vec<(Vec<u8>, bool)> = Vec::new();
            seen.extend(
                batch
                    .datagrams()
                    .map(|datagram| (datagram.payload.to_vec(), datagram.truncated)),
            );
            assert_eq!(socket.receive(&mut batch).await.expect("a working socket"), 8);
            seen.extend(
                batch
                    .datagrams()
                    .map(|datagram| (datagram.payload.to_vec(), datagram.truncated)),
            );
            for (number, (payload, truncated)) in (0..40_u8).zip(seen) {
                let sent = usize::from(number) * 4;
                assert_eq!((payload, truncated), (vec![number; sent.min(100)], sent > 100));
            }
        });
    });
}

#[test]
fn a_batch_with_one_bad_datagram_still_sends_the_others() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(
        &End::new(&server, "eth0", "10.2.0.1/24"),
        &End::new(&client, "eth0", "10.2.0.9/24"),
    );
    let receiver = client.run(|| UdpSocket::bind("10.2.0.9:68").expect("a client's port"));
    receiver.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let failed = server.run(|| {
        runtime().block_on(async {
            let socket = Socket::bind("eth0", 67).expect("port 67 is free");
            let numbers: Vec<u8> = (0..70).collect();
            let outgoing: Vec<_> = numbers
                .iter()
                .map(|number| Outgoing {
                    payload: std::slice::from_ref(number),
                    to: SocketAddrV4::new([10, 2, 0, 9].into(), 68),
                    // Number 40 claims an address that is not ours.
                    from: if *number == 40 {
                        [10, 9, 9, 9].into()
                    } else {
                        Ipv4Addr::UNSPECIFIED
                    },
                })
                .collect();
            socket.send_all(&outgoing).await
        })
    });
    assert_eq!(
        failed.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [40],
        "{failed:?}"
    );
    for expected in (0..70).filter(|number| *number != 40) {
        let mut buffer = [0; 4];
        assert_eq!(receiver.recv(&mut buffer).expect("it arrives"), 1);
        assert_eq!(buffer[0], expected);
    }
}

#[test]
fn what_goes_to_everybody_by_a_way_of_its_own_arrives_like_the_rest_and_the_socket_still_hears_all() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(
        &End::new(&server, "eth0", "10.2.0.1/24"),
        &End::new(&client, "eth0", "10.2.0.9/24"),
    );
    server.ip("addr add 10.2.0.2/24 dev eth0");
    let asker = client.run(|| UdpSocket::bind("0.0.0.0:68").expect("a client's port"));
    asker.set_broadcast(true).expect("broadcasts");
    asker.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let ask = |to: &str| {
        let sent = client.run(|| asker.send_to(b"ask", to));
        assert_eq!(sent.expect("there is a route"), 3);
    };
    let payloads: Vec<Vec<u8>> = (0..80).map(|number| vec![number; 300]).collect();
    server.run(|| {
        runtime().block_on(async {
            let first: Ipv4Addr = [10, 2, 0, 1].into();
            let socket = Socket::bind_to_shout("eth0", 67, first, 68).expect("port 67 is free");
            let mut batch = Batch::new(1500);
            for to in ["10.2.0.1:67", "10.2.0.2:67", "10.2.0.255:67"] {
                ask(to);
                timeout(PATIENCE, socket.receive(&mut batch))
                    .await
                    .expect("it arrives")
                    .expect("a working socket");
            }
            let outgoing = |from: Ipv4Addr| {
                let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
                let to = move |number: usize| match number % 40 {
                    7 => SocketAddrV4::new([10, 2, 0, 9].into(), 68),
                    _ => everybody,
                };
                let other = move |number: usize| if number == 50 { [10, 2, 0, 2].into() } else { from };
                payloads.iter().enumerate().map(move |(number, payload)| Outgoing {
                    payload,
                    to: to(number),
                    from: other(number),
                })
            };
            let failed = socket.send_all(&outgoing(first).collect::<Vec<_>>()).await;
            assert!(failed.is_empty(), "{failed:?}");
            let mut buffer = [0; 400];
            for (number, payload) in payloads.iter().enumerate() {
                let (len, source) = asker.recv_from(&mut buffer).expect("it arrives");
                let from = if number == 50 { "10.2.0.2:67" } else { "10.2.0.1:67" };
                assert_eq!(&buffer[..len], &payload[..], "{number}");
                assert_eq!(source, from.parse().expect("an address"), "{number}");
            }
            server.ip("addr del 10.2.0.1/24 dev eth0");
            server.ip("addr add 10.2.0.3/24 dev eth0");
            let one = outgoing([10, 2, 0, 3].into()).next().expect("one");
            assert!(
                socket.send_all(&[one]).await.is_empty(),
                "another address is no obstacle"
            );
            let (_, source) = asker.recv_from(&mut buffer).expect("it arrives");
            assert_eq!(source, "10.2.0.3:67".parse().expect("an address"));
            let gone = outgoing(first).next().expect("one");
            let failed = socket.send_all(&[gone]).await;
            assert_eq!(
                failed.len(),
                1,
                "nothing leaves from an address that is not ours any more"
            );

            let strange = Socket::bind_to_shout("eth0", 4011, [10, 9, 9, 9].into(), 68).expect("port 4011 is free");
            let one = outgoing([10, 2, 0, 3].into()).next().expect("one");
            assert!(
                strange.send_all(&[one]).await.is_empty(),
                "it does without a way of its own"
            );
        });
    });
}

/// A program that holds port 67, as another DHCP server does, ended on drop.
pub(crate) struct Squatter(Child);

impl Squatter {
    /// dnsmasq in `inside`, listening once this returns.
    pub(crate) fn new(inside: &Netns) -> Self {
        let mut command = inside.command("dnsmasq");
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--user=root",
            "--group=root",
        ]);
        command.args([
            "--interface=eth0",
            "--bind-interfaces",
            "--dhcp-range=10.2.0.50,10.2.0.60,1h",
        ]);
        command.args(["--leasefile-ro", "--pid-file=", "--no-ping"]);
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dnsmasq is installed");
        let squatter = Self(child);
        let start = Instant::now();
        while inside.run(|| port::owners(67)).is_empty() {
            assert!(start.elapsed() < PATIENCE, "dnsmasq did not take port 67");
            std::thread::yield_now();
        }
        squatter
    }
}

impl Drop for Squatter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_holds_a_port_is_named_even_if_the_port_can_be_shared() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(&End::new(&server, "eth0", "10.2.0.1/24"), &End::bare(&client, "eth0"));
    let squatter = Squatter::new(&server);
    assert!(server.run(|| port::is_held_by_others(67)));
    assert!(!client.run(|| port::is_held_by_others(67)), "another network's");
    let owners = server.run(|| port::owners(67));
    let processes: Vec<_> = owners.iter().filter_map(|owner| owner.process.as_ref()).collect();
    assert!(!processes.is_empty(), "{owners:?}");
    for process in processes {
        assert_eq!(process.name, "dnsmasq");
        assert_eq!(process.pid, squatter.0.id());
    }
}

#[test]
fn a_port_that_another_process_keeps_for_itself_gives_an_error_that_names_it() {
    let server = Netns::new("server");
    // Perl is on every Debian, and its sockets do not share their port unless told to.
    let mut holder = server.command("perl");
    let program = "$s = IO::Socket::INET->new(LocalPort => 69, Proto => 'udp') or die; <STDIN>";
    holder.args(["-MIO::Socket::INET", "-e", program]);
    let mut holder = holder.stdin(Stdio::piped()).spawn().expect("perl is installed");
    let start = Instant::now();
    while server.run(|| port::owners(69)).is_empty() {
        assert!(start.elapsed() < PATIENCE, "port 69 was not taken");
        std::thread::yield_now();
    }
    let error = server.run(|| runtime().block_on(async { Socket::bind("lo", 69).expect_err("the port is taken") }));
    holder
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"\n")
        .expect("it is still there");
    let pid = holder.id();
    holder.wait().expect("it ends");
    let expected = format!("cannot bind port 69/udp on `lo`: it is in use by `perl` (pid {pid})");
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().is_some());
}

#[test]
fn a_device_that_does_not_exist_is_named() {
    let error = runtime().block_on(async { Socket::bind("absent0", 0).expect_err("there is none") });
    assert!(matches!(error.trouble, BindTrouble::NoDevice), "{error:?}");
    assert_eq!(
        error.to_string(),
        "cannot bind port 0/udp on `absent0`: there is no such device"
    );
}
