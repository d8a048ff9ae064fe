//! A TFTP request and a story of what its client does then.

use std::time::Duration;

use bootwright_proto::tftp::packet::{
    ERROR_BYTES_MAX, OACK_BYTES_MAX, REQUEST_BYTES_MAX, ack, parse_request, render_error, render_oack,
};
use bootwright_proto::tftp::{Action, Caps, Name, Packet, Reject, Terms, Transfer, Way, packet};

/// What the daemon grants by default.
const CAPS: Caps = Caps {
    blksize: 1468,
    windowsize: 16,
};

/// The first byte is the length of the request in fours, the next three the size of the file; the request follows, and
/// then the steps.
pub fn digest(bytes: &[u8]) {
    let [length, a, b, c, rest @ ..] = bytes else {
        return;
    };
    let (request, steps) = rest.split_at((usize::from(*length) * 4).min(rest.len()));
    // Data packets are read as well, by our own client.
    let _ = packet::parse(request);
    let request = match parse_request(request) {
        Ok(parsed) => parsed,
        Err(Reject::Silence(_)) => return,
        Err(Reject::Answer(code, text)) => {
            let mut out = [0; ERROR_BYTES_MAX];
            let len = render_error(code, text, &mut out).expect("there is room");
            assert!(
                len <= 3 * request.len(),
                "{len} bytes answer {}",
                request.escape_ascii()
            );
            return;
        }
    };
    if let Ok(name) = Name::normalise(request.name) {
        inspect(&name);
    }
    let size = u64::from(u32::from_be_bytes([0, *a, *b, *c]));
    let way = Way {
        mtu: 1500,
        ipv6: steps.len() % 2 == 1,
    };
    let terms = Terms::negotiate(&request.asked, request.mode, size, way, CAPS);
    transfer(terms, size, steps);
}

/// What a name may be after it was read.
fn inspect(name: &Name) {
    assert!((1..=255).contains(&name.as_bytes().len()));
    for segment in name.segments() {
        assert!(!segment.is_empty() && segment != b"." && segment != b"..", "{name}");
        assert!(
            !segment.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\'),
            "{name}"
        );
    }
    let again = Name::normalise(name.as_bytes());
    // A drive letter may stand behind another, and only one of them is taken off.
    assert!(again.is_err() || again.is_ok_and(|again| again.as_bytes().len() <= name.as_bytes().len()));
}

fn transfer(terms: Terms, size: u64, steps: &[u8]) {
    assert!((8..=CAPS.blksize.max(512)).contains(&terms.blksize), "{terms:?}");
    assert!((1..=CAPS.windowsize).contains(&terms.windowsize), "{terms:?}");
    let mut now = Duration::from_secs(1);
    let (mut transfer, first) = Transfer::begin(terms, size, now);
    let mut unheard_packets = 0;
    let mut farthest = 0;
    let mut ended = perform(&transfer, first, &mut farthest, &mut unheard_packets);
    for step in steps.chunks(3) {
        let &[kind, high, low] = step else { return };
        let number = u16::from_be_bytes([high, low]);
        let before = transfer.acked_bytes();
        let action = match kind % 8 {
            // The next block that it waits for, which is what most clients say.
            0..=2 => transfer.on_packet(
                now,
                &ack(Transfer::wire(transfer.base().saturating_add(u64::from(number % 17)))),
            ),
            3 => transfer.on_packet(now, &ack(number)),
            4 => transfer.on_packet(now, step),
            5 => transfer.on_repeat(now),
            6 => transfer.on_timer(now),
            _ => {
                now += Duration::from_millis(u64::from(number));
                continue;
            }
        };
        let over = perform(&transfer, action, &mut farthest, &mut unheard_packets);
        assert!(!(ended && over), "it ends once");
        assert!(
            !ended || !matches!(action, Action::Send(_) | Action::SendOack),
            "it sends after its end"
        );
        ended |= over;
        assert!(transfer.acked_bytes() >= before && transfer.acked_bytes() <= size);
        assert!(transfer.acked_bytes() <= farthest * u64::from(terms.blksize));
    }
}

/// Holds what must hold of a step; whether it was the last.
fn perform(transfer: &Transfer, action: Action, farthest: &mut u64, unheard: &mut u32) -> bool {
    let terms = transfer.terms();
    match action {
        Action::SendOack => {
            let mut out = [0; OACK_BYTES_MAX];
            let len = render_oack(terms, &mut out).expect("there is room");
            assert!(len <= REQUEST_BYTES_MAX);
            assert!(matches!(packet::parse(&out[..len]), Some(Packet::OptionAck { .. })));
        }
        Action::Send(blocks) => {
            let last = blocks.first + u64::from(blocks.count) - 1;
            assert!(blocks.count >= 1 && blocks.count <= terms.windowsize);
            assert!(
                last <= transfer.size() / u64::from(terms.blksize) + 1,
                "a block behind the end"
            );
            for block in blocks.first..=last {
                let (start, len) = transfer.span(block);
                assert!(start + u64::from(len) <= transfer.size() && len <= terms.blksize);
            }
            *farthest = (*farthest).max(last);
        }
        Action::Ignore(_) | Action::Wait => return false,
        Action::Finish(_) => return true,
    }
    if !transfer.heard() {
        *unheard += 1;
        assert!(*unheard < 100, "it goes on talking to a client that never answers");
    }
    false
}

/// What real loaders ask, and how they go on.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let requests = [
        include_str!("../../bootwright-proto/test_data/tftp/aavmf-size-probe.hex"),
        include_str!("../../bootwright-proto/test_data/tftp/grub-list.hex"),
        include_str!("../../bootwright-proto/test_data/tftp/ipxe-fetch.hex"),
        include_str!("../../bootwright-proto/test_data/tftp/ovmf-fetch.hex"),
        include_str!("../../bootwright-proto/test_data/tftp/shim-fetch.hex"),
    ];
    let plain: [&[u8]; 4] = [
        b"\0\x01snponly.efi\0octet\0",
        b"\0\x01C:\\boot\\..\\x\0netascii\0tsize\x000\0",
        b"\0\x02up\0octet\0",
        b"\0\x01tftp://10.0.0.1/a//b\0OCTET\0",
    ];
    let steps = b"\0\0\0\0\0\x01\x07\x01\0\x05\0\0\x06\0\0\x01\0\x05\x03\0\x02\x04\x05\x08\x07\xff\xff\x06\0\0";
    let requests = requests.iter().map(|text| crate::unhex(text));
    let requests = requests.chain(plain.iter().map(|request| request.to_vec()));
    requests
        .map(|mut request| {
            // Zeros behind the end are padding.
            request.resize(request.len().next_multiple_of(4), 0);
            let length = u8::try_from(request.len() / 4).expect("requests are short");
            [&[length, 0, 0x20, 0x11], request.as_slice(), steps].concat()
        })
        .collect()
}
