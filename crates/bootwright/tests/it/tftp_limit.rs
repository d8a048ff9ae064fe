//! Many clients, and clients that want more than their share.

use std::net::Ipv4Addr;
use std::time::Duration;

use bootwright::tftp::{Limits, Why};
use bootwright_client::tftp::{End, Receiver, Reply, Wish};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use crate::tftp_segment::{BUG, SERVER, Segment, catalogue, content, runtime, wish, with_open_files};

/// Fetches like `fetch_from`, but one of many at the same time.
async fn fetch(source: Ipv4Addr, wish: Wish) -> (End, Vec<u8>) {
    let socket = UdpSocket::bind((source, 0)).await.expect("the address is there");
    let start = Instant::now();
    let (mut receiver, first) = Receiver::begin(wish, Duration::ZERO);
    let (mut bytes, mut buffer, mut out) = (Vec::new(), [0; 2000], [0; 600]);
    let mut reply = first.reply;
    loop {
        if let Some(reply) = reply {
            let len = receiver.render(reply, &mut out).expect("there is room");
            let port = if reply == Reply::Request {
                69
            } else {
                receiver.server_port().unwrap_or(69)
            };
            let _ = socket.send_to(&out[..len], (SERVER, port)).await;
        }
        let step = match timeout_at(start + receiver.deadline(), socket.recv_from(&mut buffer)).await {
            Ok(Ok((len, from))) => receiver.on_packet(start.elapsed(), from.port(), &buffer[..len]),
            Ok(Err(_)) | Err(_) => receiver.on_timer(start.elapsed()),
        };
        bytes.extend_from_slice(step.payload);
        reply = step.reply;
        if let Some(end) = step.end {
            if let Some(reply) = reply {
                let len = receiver.render(reply, &mut out).expect("there is room");
                let _ = socket
                    .send_to(&out[..len], (SERVER, receiver.server_port().unwrap_or(69)))
                    .await;
            }
            return (end, bytes);
        }
    }
}

#[test]
fn a_thousand_clients_at_once_are_all_served() {
    with_open_files(8192, "tftp_limit::a_thousand_clients_at_once_are_all_served", || {
        let segment = Segment::new();
        let file = content(74_000);
        segment.serve(Limits::SITE, catalogue(&[("f", file.clone())]), |service| {
            for host in 1..=125 {
                segment.clients.ip(&format!("addr add 10.92.1.{host}/16 dev eth0"));
            }
            let ends = segment.clients.run(|| {
                runtime().block_on(async {
                    let fetches = (0..1000_u16).map(|client| {
                        let source = Ipv4Addr::new(10, 92, 1, (client % 125 + 1) as u8);
                        let wish = Wish {
                            patience: Duration::from_secs(3),
                            ..wish("f", 16)
                        };
                        tokio::spawn(fetch(source, wish))
                    });
                    let fetches: Vec<_> = fetches.collect();
                    let mut ends = Vec::new();
                    for fetch in fetches {
                        ends.push(fetch.await.expect("no client panics"));
                    }
                    ends
                })
            });
            let whole = ends
                .iter()
                .filter(|(end, bytes)| *end == End::Complete && *bytes == file)
                .count();
            assert_eq!(whole, 1000);
            service.wait_until_idle();
        });
    });
}

#[test]
fn a_source_that_wants_more_than_its_share_waits_and_others_do_not() {
    let segment = Segment::new();
    let limits = Limits {
        per_source: 2,
        ..Limits::SITE
    };
    segment.serve(limits, catalogue(&[("f", content(5000))]), |service| {
        segment.clients.ip("addr add 10.92.1.1/16 dev eth0");
        let ask = |source: &str| service.ask(source, b"\0\x01f\0octet\0", Duration::from_secs(10));
        // The sockets stay open, so that no unreachable port ends the transfers.
        let held: Vec<_> = segment.clients.run(|| {
            let sockets = (0..2).map(|_| std::net::UdpSocket::bind("10.92.0.10:0").expect("a free port"));
            sockets
                .inspect(|socket| {
                    socket
                        .send_to(b"\0\x01f\0octet\0", (SERVER, 69))
                        .expect("there is a route");
                    socket
                        .set_read_timeout(Some(Duration::from_secs(5)))
                        .expect("a timeout");
                    socket.recv(&mut [0; 600]).expect("the first block");
                })
                .collect()
        });
        assert_eq!(service.server.transfers(), 2);
        assert!(ask("10.92.1.1:0").is_some(), "another source is served");
        assert_eq!(held.len(), 2);
        // A place becomes free for the third when the first two have been silent long enough.
        let got = segment.fetch(wish("f", 1), SERVER);
        assert_eq!(got.end, End::Complete);
    });
}

#[test]
fn fault_46_a_transfer_that_panics_costs_itself_is_counted_and_leaves_its_place_to_others() {
    let segment = Segment::new();
    let limits = Limits {
        per_source: 2,
        ..Limits::SITE
    };
    let file = content(5000);
    segment.serve(limits, catalogue(&[("f", file.clone())]), |service| {
        let request = [b"\0\x01", BUG.as_bytes(), b"\0octet\0"].concat();
        for count in 1..=6 {
            let answer = service.ask("10.92.0.10:0", &request, Duration::from_millis(50));
            assert_eq!(answer, None, "nothing comes of it");
            service.wait_for(Why::Panicked, count);
        }
        let got = segment.fetch(wish("f", 4), SERVER);
        assert_eq!(got.end, End::Complete);
        assert!(got.bytes == file);
        service.wait_until_idle();
    });
}

#[test]
fn requests_with_forged_senders_do_not_keep_a_real_client_out() {
    let segment = Segment::new();
    let limits = Limits {
        total: 16,
        ..Limits::SITE
    };
    let file = content(20_000);
    segment.serve(limits, catalogue(&[("f", file.clone())]), |service| {
        let forged: Vec<_> = segment.clients.run(|| {
            for host in 1..=8 {
                segment.clients.ip(&format!("addr add 10.92.2.{host}/16 dev eth0"));
            }
            let sockets = (0..64).map(|number| {
                let source = Ipv4Addr::new(10, 92, 2, number / 8 + 1);
                let socket = std::net::UdpSocket::bind((source, 0)).expect("the address is there");
                socket
                    .send_to(b"\0\x01f\0octet\0", (SERVER, 69))
                    .expect("there is a route");
                socket
            });
            sockets.collect()
        });
        let got = segment.fetch(wish("f", 4), SERVER);
        assert_eq!(got.end, End::Complete);
        assert!(got.bytes == file);
        assert!(service.server.transfers() <= 16);
        assert_eq!(forged.len(), 64);
    });
}
