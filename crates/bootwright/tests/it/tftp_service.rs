//! How the service behaves towards boot ROMs, on real sockets.

use std::time::{Duration, Instant};

use bootwright::tftp::{Ending, Limits, Notice, Why};
use bootwright_client::tftp::{End, Wish};

use crate::tftp_segment::{
    PATIENCE, SECOND, SERVER, Segment, catalogue, content, fetch_from, socket, wish, with_open_files,
};

/// How long a silence is listened to. An answer on a cable inside one machine takes far less.
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_size_probe_leaves_nothing_behind_and_its_port_may_ask_again() {
    let segment = Segment::new();
    let file = content(74_000);
    segment.serve(Limits::SITE, catalogue(&[("snponly.efi", file.clone())]), |service| {
        let [probe, fetching] = Wish::edk2(b"snponly.efi");
        segment.clients.run(|| {
            let socket = socket("10.92.0.10:2070");
            let got = fetch_from(&socket, probe, SERVER);
            assert_eq!(got.end, End::Sized(74_000));
            service.wait_until_idle();
            let got = fetch_from(&socket, fetching, SERVER);
            assert!(got.bytes == file);
        });
        let probe = service.report();
        assert_eq!(
            (probe.ending, probe.acked_bytes, probe.size),
            (Ending::SizeProbe, 0, 74_000)
        );
        let fetch = service.report();
        assert_eq!((fetch.ending, fetch.acked_bytes), (Ending::Delivered, 74_000));
        assert_eq!((fetch.blksize, fetch.windowsize), (1468, 4));
        assert_eq!(fetch.peer.to_string(), "10.92.0.10:2070");
        assert_eq!(fetch.local.to_string(), "10.92.0.1");
    });
}

#[test]
fn answers_come_from_the_address_that_was_asked() {
    let segment = Segment::new();
    let file = content(5000);
    segment.serve(Limits::SITE, catalogue(&[("f", file.clone())]), |service| {
        for address in [SECOND, SERVER, SECOND] {
            let got = segment.fetch(wish("f", 4), address);
            assert!(got.bytes == file);
            assert_eq!(got.from.expect("it answered").ip(), address);
            assert_eq!(service.report().local, address);
            let refused = segment.fetch(wish("..", 4), address);
            assert_eq!(
                refused.from.expect("it answered").ip(),
                address,
                "the request port's own answers too"
            );
        }
    });
}

#[test]
fn a_thousand_probes_and_a_hundred_leave_the_service_as_it_was() {
    with_open_files(
        1024,
        "tftp_service::a_thousand_probes_and_a_hundred_leave_the_service_as_it_was",
        || {
            let segment = Segment::new();
            let file = content(74_000);
            segment.serve(Limits::SITE, catalogue(&[("f", file.clone())]), |service| {
                segment.clients.run(|| {
                    for _ in 0..1100 {
                        let [probe, _] = Wish::edk2(b"f");
                        let got = fetch_from(&socket("10.92.0.10:0"), probe, SERVER);
                        assert_eq!(got.end, End::Sized(74_000));
                    }
                });
                let got = segment.fetch(wish("f", 1), SERVER);
                assert!(got.bytes == file);
                service.wait_until_idle();
            });
        },
    );
}

#[test]
fn what_is_not_there_is_refused_at_once_and_writing_always() {
    let segment = Segment::new();
    segment.serve(Limits::SITE, catalogue(&[("f", content(10))]), |service| {
        let ask = |packet: &[u8]| service.ask("10.92.0.10:0", packet, PATIENCE);
        let answer = |packet: &[u8]| ask(packet).map(|reply| reply[..4].to_vec());
        assert_eq!(answer(b"\0\x01missing\0octet\0tsize\x000\0"), Some(vec![0, 5, 0, 1]));
        assert_eq!(answer(b"\0\x02f\0octet\0"), Some(vec![0, 5, 0, 2]));
        assert_eq!(answer(b"\0\x01../f\0octet\0"), Some(vec![0, 5, 0, 2]));
        assert_eq!(answer(b"\0\x01f\0mail\0"), Some(vec![0, 5, 0, 4]));
        assert_eq!(answer(b"\0\x01f\0octet\0"), Some(vec![0, 3, 0, 1]));
        let refused = || match service.notice() {
            Notice::Refused { name, code, .. } => (name, code.to_wire()),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(), ("missing".to_owned(), 1));
        assert_eq!(refused(), ("f".to_owned(), 2));
        assert_eq!(refused(), ("../f".to_owned(), 2));
        assert_eq!(service.server.counts().get(Why::Refused), 3);
    });
}

#[test]
fn what_deserves_silence_gets_silence_with_a_reason() {
    let segment = Segment::new();
    segment.serve(Limits::SITE, catalogue(&[("f", content(10))]), |service| {
        let request = b"\0\x01f\0octet\0";
        let long = [request.to_vec(), vec![0; 1600]].concat();
        let cases: [(&str, &[u8], Why); 5] = [
            ("10.92.0.10:0", b"\0\x05\0\0loop\0", Why::ErrorOnRequestPort),
            ("10.92.0.10:0", b"\0\x04\0\x01", Why::NotRequest),
            ("10.92.0.10:0", b"\0", Why::TooShort),
            ("10.92.0.10:0", &long, Why::TooLong),
            ("10.92.0.10:19", request, Why::ReservedPort),
        ];
        for (source, packet, why) in cases {
            assert_eq!(service.ask(source, packet, SHORT), None, "{why:?}");
            service.wait_for(why, 1);
        }
        segment.clients.run(|| {
            let socket = socket("10.92.0.10:0");
            socket.set_broadcast(true).expect("it may");
            socket.set_read_timeout(Some(SHORT)).expect("a timeout");
            socket.send_to(request, "10.92.255.255:69").expect("there is a route");
            assert!(socket.recv(&mut [0; 600]).is_err());
        });
        service.wait_for(Why::Broadcast, 1);
        assert!(
            service.ask("10.92.0.10:69", request, PATIENCE).is_some(),
            "some loaders ask from port 69"
        );
    });
}

#[test]
fn a_request_that_is_repeated_is_one_transfer_and_a_new_one_ends_the_old() {
    let segment = Segment::new();
    let file = content(5000);
    segment.serve(Limits::SITE, catalogue(&[("f", file.clone())]), |service| {
        segment.clients.run(|| {
            let socket = socket("10.92.0.10:0");
            socket
                .set_read_timeout(Some(Duration::from_millis(100)))
                .expect("a timeout");
            let mut buffer = [0; 600];
            let mut ports = Vec::new();
            // A request that follows another at once is not answered, so the client asks until it is.
            let begun = Instant::now();
            while ports.len() < 3 && begun.elapsed() < PATIENCE {
                socket
                    .send_to(b"\0\x01f\0octet\0", (SERVER, 69))
                    .expect("there is a route");
                if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                    assert_eq!((len, &buffer[..4]), (516, &[0, 3, 0, 1][..]));
                    ports.push(from.port());
                }
            }
            assert!(
                ports.len() == 3 && ports.iter().all(|port| *port == ports[0]),
                "{ports:?}"
            );
            assert!(service.server.counts().get(Why::Repeated) >= 2);
            socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            socket
                .send_to(&[0, 4, 0, 1], (SERVER, ports[0]))
                .expect("there is a route");
            socket.recv_from(&mut buffer).expect("the second block");
            let got = fetch_from(&socket, wish("f", 1), SERVER);
            assert!(got.bytes == file);
            assert_ne!(got.from.expect("it answered").port(), ports[0]);
        });
        let (old, new) = (service.report(), service.report());
        assert_eq!((old.ending, old.acked_bytes), (Ending::Superseded, 512));
        assert_eq!(new.ending, Ending::Delivered);
    });
}

#[test]
fn a_client_that_closes_its_port_ends_its_transfer_at_once() {
    let segment = Segment::new();
    segment.serve(Limits::SITE, catalogue(&[("f", content(50_000))]), |service| {
        // The socket is closed before the block can be acknowledged; the kernel tells the service.
        segment.clients.run(|| {
            let socket = socket("10.92.0.10:0");
            socket
                .send_to(b"\0\x01f\0octet\0", (SERVER, 69))
                .expect("there is a route");
        });
        let report = service.report();
        assert_eq!(report.ending, Ending::Unreachable);
        assert!(report.duration < PATIENCE);
        service.wait_until_idle();
    });
}

#[test]
fn large_files_arrive_whole_past_the_wrap_of_block_numbers() {
    let segment = Segment::new();
    let file = content(66_000 * 512 + 7);
    segment.serve(Limits::SITE, catalogue(&[("large", file.clone())]), |service| {
        let wish = Wish {
            blksize: Some(512),
            ..wish("large", 16)
        };
        let got = segment.fetch(wish, SERVER);
        assert_eq!(got.end, End::Complete);
        assert!(got.bytes == file);
        let mut progress = 0;
        let report = loop {
            match service.notice() {
                Notice::Progress { acked_bytes, size, .. } => {
                    assert!(acked_bytes >= progress && size == file.len() as u64);
                    progress = acked_bytes;
                }
                Notice::Finished(report) => break report,
                Notice::Refused { .. } => panic!("nothing was refused"),
            }
        };
        assert_eq!(report.acked_bytes, file.len() as u64);
    });
}

#[test]
fn our_client_gets_identical_files_under_loss() {
    let segment = Segment::new();
    let file = content(300_000);
    segment.serve(Limits::SITE, catalogue(&[("f", file.clone())]), |_| {
        segment.lose(3.0);
        for windowsize in [1, 4, 16] {
            let got = segment.fetch(wish("f", windowsize), SERVER);
            assert_eq!(got.end, End::Complete);
            assert!(got.bytes == file);
        }
    });
}

#[test]
fn blocks_fit_a_way_that_is_narrower_than_asked_for() {
    let segment = Segment::new();
    let file = content(200_000);
    segment.server.ip("link set eth0 mtu 1400");
    segment.clients.ip("link set eth0 mtu 1400");
    segment.serve(Limits::SITE, catalogue(&[("f", file.clone())]), |service| {
        let got = segment.fetch(wish("f", 16), SERVER);
        assert!(got.bytes == file);
        assert_eq!(service.report().blksize, 1368, "the block fits the narrower way");
    });
}
