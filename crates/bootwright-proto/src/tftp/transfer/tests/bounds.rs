//! Block numbers past the wrap, and limits that hold whatever comes.

use proptest::prelude::*;

use super::*;
use crate::tftp::packet::{OACK_BYTES_MAX, parse_request, render_oack};

#[test]
fn numbers_go_on_from_0_past_65535() {
    let size = 70_000 * 8;
    let mut now = Duration::ZERO;
    let (mut transfer, first) = Transfer::begin(terms("blksize 8 windowsize 3 ", size), size, now);
    assert_eq!(first, Action::SendOack);
    let mut action = transfer.on_packet(now, &ack(0));
    let mut seen = Vec::new();
    let mut next = 1;
    while let Action::Send(blocks) = action {
        assert_eq!(blocks.first, next);
        next += u64::from(blocks.count);
        now += Duration::from_millis(1);
        if (65_533..65_540).contains(&blocks.first) {
            seen.push((blocks.first, Transfer::wire(blocks.first)));
        }
        action = transfer.on_packet(now, &ack(Transfer::wire(next - 1)));
    }
    assert_eq!(action, Action::Finish(Outcome::Delivered));
    assert_eq!(next, 70_002, "70,000 full blocks and an empty one");
    assert_eq!(transfer.acked_bytes(), size);
    assert_eq!(seen, [(65_533, 65_533), (65_536, 0), (65_539, 3)]);
}

#[test]
fn a_window_across_the_wrap_is_filled_from_its_gap() {
    let size = 70_000 * 8;
    let now = Duration::ZERO;
    let (mut transfer, _) = Transfer::begin(terms("blksize 8 windowsize 4 ", size), size, now);
    let mut action = transfer.on_packet(now, &ack(0));
    while let Action::Send(Blocks { first, count }) = action
        && first + u64::from(count) <= 65_533
    {
        action = transfer.on_packet(now, &ack(Transfer::wire(first + u64::from(count) - 1)));
    }
    assert_eq!(
        action,
        Action::Send(Blocks {
            first: 65_533,
            count: 4
        })
    );
    assert_eq!(
        transfer.on_packet(now, &ack(65_535)),
        Action::Send(Blocks {
            first: 65_536,
            count: 4
        })
    );
    assert_eq!(transfer.on_packet(now, &ack(65_534)), Action::Ignore(Stray::Outside));
    assert_eq!(
        transfer.on_packet(now, &ack(0)),
        Action::Send(Blocks {
            first: 65_537,
            count: 4
        })
    );
}

/// Threat row T-SEC-15: what a forged request makes us send to its victim.
#[test]
fn an_unheard_client_never_gets_more_than_three_times_the_bytes_it_sent() {
    let requests = [
        include_str!("../../../../test_data/tftp/ovmf-size-probe.hex"),
        include_str!("../../../../test_data/tftp/ovmf-fetch.hex"),
        include_str!("../../../../test_data/tftp/aavmf-size-probe.hex"),
        include_str!("../../../../test_data/tftp/ipxe-fetch.hex"),
        include_str!("../../../../test_data/tftp/shim-fetch.hex"),
        include_str!("../../../../test_data/tftp/grub-list.hex"),
    ];
    for hex in requests {
        let digits: Vec<u8> = hex
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::bytes)
            .collect();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let request = parse_request(&bytes).unwrap();
        let caps = Caps {
            blksize: 1468,
            windowsize: 16,
        };
        let way = Way { mtu: 1500, ipv6: false };
        let terms = Terms::negotiate(&request.asked, request.mode, 300_000, way, caps);
        let (mut transfer, mut action) = Transfer::begin(terms, 300_000, Duration::ZERO);
        let mut sent = 0;
        while !matches!(action, Action::Finish(_)) {
            assert_eq!(action, Action::SendOack);
            sent += render_oack(&terms, &mut [0; OACK_BYTES_MAX]).unwrap();
            action = transfer.on_timer(transfer.deadline());
        }
        assert!(sent <= 3 * bytes.len(), "{sent} bytes for {}", bytes.len());
    }
}

proptest! {
    /// Any packets at any times: no panic, no flight outside the file or the window, no endless transfer.
    #[test]
    fn no_sequence_of_packets_breaks_the_bounds(
        size in prop_oneof![0_u64..5000, any::<u64>()],
        windowsize in 1_u16..70,
        steps in proptest::collection::vec((0_u8..6, any::<u16>(), 0_u64..3000), 0..200),
    ) {
        let terms = terms(&format!("blksize 512 windowsize {windowsize} "), size);
        let mut now = Duration::ZERO;
        let (mut transfer, mut action) = Transfer::begin(terms, size, now);
        let mut farthest = 0;
        let mut ended = false;
        for (kind, number, millis) in steps {
            if let Action::Send(blocks) = action {
                let last = blocks.first + u64::from(blocks.count) - 1;
                prop_assert!(blocks.count >= 1 && blocks.count <= terms.windowsize);
                prop_assert!(last <= size / 512 + 1);
                prop_assert!(!ended);
                farthest = farthest.max(last);
            }
            ended |= matches!(action, Action::Finish(_));
            now += Duration::from_millis(millis);
            action = match kind {
                0 | 1 => transfer.on_packet(now, &ack(number % 100)),
                2 => transfer.on_packet(now, &ack(number)),
                3 => transfer.on_packet(now, &number.to_be_bytes()),
                4 => transfer.on_repeat(now),
                _ => transfer.on_timer(now),
            };
            prop_assert!(transfer.acked_bytes() <= size.min(farthest.saturating_mul(512)));
        }
    }
}
