use proptest::prelude::*;

use super::*;

mod wire;

use wire::{Wire, fetch};

fn wish(blksize: u16, windowsize: u16) -> Wish {
    Wish {
        name: b"file".to_vec(),
        blksize: Some(blksize),
        windowsize: Some(windowsize),
        size: Size::Asked,
        strays: Strays::AckOnce,
        patience: Duration::from_secs(1),
        tries: 8,
    }
}

/// Bytes that differ from block to block, so that a block in the wrong place shows.
fn content(len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

fn data(block: u16, len: usize) -> Vec<u8> {
    [&packet::data_header(block)[..], &vec![b'x'; len]].concat()
}

#[test]
fn files_of_every_awkward_size_arrive_whole() {
    for size in [0, 1, 511, 512, 513, 1468, 14_680, 14_681, 100_000] {
        for (blksize, windowsize) in [(512, 1), (1468, 1), (1468, 4), (1000, 64)] {
            let file = content(size);
            let got = fetch(wish(blksize, windowsize), &file, Wire::perfect());
            assert_eq!(got.end, End::Complete, "{size} bytes by {windowsize} x {blksize}");
            assert!(got.bytes == file, "{size} bytes by {windowsize} x {blksize}");
            assert_eq!(got.sent_again, 0);
        }
    }
}

#[test]
fn more_blocks_than_the_number_has_values_arrive_whole() {
    for windowsize in [1, 4] {
        let file = content(70_000 * 8 + 3);
        let got = fetch(wish(8, windowsize), &file, Wire::perfect());
        assert_eq!(got.end, End::Complete);
        assert!(got.bytes == file);
    }
}

#[test]
fn a_bad_wire_delays_a_file_and_does_not_change_it() {
    for seed in 0..60 {
        let windowsize = [1, 4, 16, 64][seed as usize % 4];
        let strays = if seed % 3 == 0 {
            Strays::AckEach
        } else {
            Strays::AckOnce
        };
        let file = content(200_000 + seed as usize);
        let bad = Wire {
            seed,
            loss: 50,
            duplicates: 30,
            reordered: 50,
            mtu: 1500,
        };
        let got = fetch(
            Wish {
                strays,
                ..wish(1468, windowsize)
            },
            &file,
            bad,
        );
        assert_eq!(got.end, End::Complete, "seed {seed}, window {windowsize}");
        assert!(got.bytes == file, "seed {seed}, window {windowsize}");
    }
}

#[test]
fn past_the_wrap_a_bad_wire_does_not_confuse_old_blocks_with_new_ones() {
    let file = content(66_000 * 8);
    let bad = Wire {
        seed: 7,
        loss: 5,
        duplicates: 5,
        reordered: 5,
        mtu: 1500,
    };
    let got = fetch(wish(8, 16), &file, bad);
    assert_eq!(got.end, End::Complete);
    assert!(got.bytes == file);
}

/// Ten of a hundred packets lost each way, others twice or out of order: of a thousand files at least 999 arrive, and whole.
#[test]
fn fault_22_of_a_thousand_files_over_a_wire_that_loses_every_tenth_packet_at_most_one_fails() {
    let mut failed = 0;
    for seed in 0..1_000 {
        let file = content(20_000 + seed as usize);
        let bad = Wire {
            seed: seed + 1,
            loss: 100,
            duplicates: 50,
            reordered: 100,
            mtu: 1500,
        };
        let got = fetch(wish(1468, [1, 4, 16, 64][seed as usize % 4]), &file, bad);
        match got.end {
            End::Complete => assert!(got.bytes == file, "seed {seed}"),
            _ => failed += 1,
        }
    }
    assert!(failed <= 1, "{failed} of 1000 failed");
}

/// Blocks are no longer than the way carries in one piece, whatever the client would take.
#[test]
fn fault_22_blocks_and_windows_fall_back_to_what_a_bad_wire_carries() {
    for (mtu, blksize) in [(9_000, 8_968), (1_500, 1_468), (1_280, 1_248)] {
        for (loss, windowsize) in [(0, 1), (0, 64), (100, 4), (300, 1), (300, 16)] {
            let file = content(60_000);
            let (mut finished, tries) = (0, 20);
            for seed in 0..tries {
                let bad = Wire {
                    seed: seed + 1,
                    loss,
                    duplicates: loss,
                    reordered: loss,
                    mtu,
                };
                // With 65,464 bytes a block each packet would be in fragments, and none would arrive.
                let got = fetch(wish(65_464, windowsize), &file, bad);
                let case = format!(
                    "seed {seed}, mtu {mtu}, loss {loss}, window {windowsize}: {:?}",
                    got.end
                );
                if got.end == End::Complete {
                    finished += 1;
                    assert_eq!(got.blksize, blksize, "{case}");
                    assert!(got.bytes == file, "{case}");
                }
                assert!(loss == 300 || got.end == End::Complete, "{case}");
            }
            // Where every third packet is lost each way, both sides give up about half of the files and say so.
            assert!(
                finished * 4 > tries,
                "{finished} of {tries}, mtu {mtu}, loss {loss}, window {windowsize}"
            );
        }
    }
}

#[test]
fn duplicates_alone_never_multiply_packets() {
    let doubling = Wire {
        seed: 3,
        loss: 0,
        duplicates: 1000,
        reordered: 0,
        mtu: 1500,
    };
    let file = content(300 * 512);
    let got = fetch(
        Wish {
            blksize: None,
            windowsize: None,
            ..wish(512, 1)
        },
        &file,
        doubling,
    );
    assert!(got.bytes == file);
    assert_eq!(
        got.sent_again, 0,
        "neither the copy of the request nor of an acknowledgement is answered"
    );
}

#[test]
fn a_size_probe_learns_the_size_and_ends_the_servers_side() {
    let [probe, fetching] = Wish::edk2(b"snponly.efi");
    let file = content(74_123);
    let got = fetch(probe, &file, Wire::perfect());
    assert_eq!(got.end, End::Sized(74_123));
    assert_eq!(got.outcome, Some(bootwright_proto::tftp::Outcome::SizeProbe));
    let got = fetch(fetching, &file, Wire::perfect());
    assert!(got.bytes == file);
}

#[test]
fn requests_look_like_those_of_the_firmware_they_stand_for() {
    let mut out = [0; 600];
    let rendered = |wish, out: &mut [u8]| {
        let (receiver, step) = Receiver::begin(wish, Duration::ZERO);
        let len = receiver.render(step.reply.unwrap(), out).unwrap();
        out[..len].escape_ascii().to_string()
    };
    let [probe, fetching] = Wish::edk2(b"snponly.efi");
    assert_eq!(
        rendered(probe, &mut out),
        r"\x00\x01snponly.efi\x00octet\x00tsize\x000\x00blksize\x001468\x00windowsize\x004\x00"
    );
    assert_eq!(
        rendered(fetching, &mut out),
        r"\x00\x01snponly.efi\x00octet\x00blksize\x001468\x00windowsize\x004\x00"
    );
    assert_eq!(
        rendered(Wish::ipxe(b"undionly.kpxe"), &mut out),
        r"\x00\x01undionly.kpxe\x00octet\x00blksize\x001432\x00tsize\x000\x00"
    );
}

#[test]
fn options_that_were_not_asked_for_or_exceed_the_wish_are_refused() {
    let cases: [&[u8]; 4] = [
        b"\0\x06blksize\x001469\0",
        b"\0\x06windowsize\x005\0",
        b"\0\x06timeout\x001\0",
        b"\0\x06tsize\x009\0",
    ];
    for oack in cases {
        let [_, fetching] = Wish::edk2(b"a");
        let (mut receiver, _) = Receiver::begin(fetching, Duration::ZERO);
        let step = receiver.on_packet(Duration::ZERO, 2000, oack);
        assert_eq!(step.end, Some(End::BadOptions), "{}", oack.escape_ascii());
        assert!(matches!(step.reply, Some(Reply::Error(ErrorCode::Options, _))));
    }
}

#[test]
fn a_stranger_is_told_so_and_the_fetch_goes_on() {
    let (mut receiver, _) = Receiver::begin(
        Wish {
            blksize: None,
            ..wish(512, 1)
        },
        Duration::ZERO,
    );
    assert_eq!(
        receiver.on_packet(Duration::ZERO, 2000, &data(1, 512)).reply,
        Some(Reply::Ack(1))
    );
    let foreign = data(2, 512);
    let step = receiver.on_packet(Duration::ZERO, 2001, &foreign);
    assert!(matches!(step.reply, Some(Reply::Error(ErrorCode::UnknownTransfer, _))));
    assert_eq!(
        receiver.on_packet(Duration::ZERO, 2001, b"\0\x05\0\0\0").reply,
        None,
        "no ERROR for an ERROR"
    );
    assert_eq!(
        receiver.on_packet(Duration::ZERO, 2000, &data(2, 5)).end,
        Some(End::Complete)
    );
    assert_eq!(receiver.received(), 517);
}

#[test]
fn a_server_that_says_nothing_is_asked_as_often_as_wished() {
    let (mut receiver, step) = Receiver::begin(wish(512, 1), Duration::ZERO);
    let mut asked = vec![(0, step.reply)];
    loop {
        let now = receiver.deadline();
        let step = receiver.on_timer(now);
        if step.end == Some(End::Silence) {
            break;
        }
        asked.push((now.as_secs(), step.reply));
    }
    let expected: Vec<_> = (0..8).map(|second| (second, Some(Reply::Request))).collect();
    assert_eq!(asked, expected);
}

proptest! {
    #[test]
    fn any_packets_are_taken_without_panic(
        packets in proptest::collection::vec(
            (0_u16..3, prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                (0_u16..20, 0_usize..600).prop_map(|(block, len)| data(block, len)),
                "(blksize|tsize|windowsize|timeout)\0[0-9]{1,6}\0".prop_map(|o| [b"\0\x06", o.as_bytes()].concat()),
            ]), 0..60),
    ) {
        let (mut receiver, _) = Receiver::begin(wish(512, 4), Duration::ZERO);
        let mut kept = 0;
        for (port, bytes) in packets {
            let now = receiver.deadline();
            let step = receiver.on_packet(now, port, &bytes);
            kept += step.payload.len() as u64;
            prop_assert_eq!(kept, receiver.received());
            let step = receiver.on_timer(now);
            prop_assert!(step.payload.is_empty());
        }
    }
}
