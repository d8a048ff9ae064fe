use proptest::prelude::*;

use super::super::option::Kind;
use super::*;

fn golden(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::bytes)
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn read(bytes: &[u8]) -> String {
    match parse_request(bytes) {
        Ok(request) => {
            let mut line = format!("{} {:?}", request.name.escape_ascii(), request.mode);
            for (kind, value) in request.asked.iter() {
                let value = value.map_or("?".into(), |value| value.to_string());
                line += &format!(" {}={value}", kind.name());
            }
            line
        }
        Err(Reject::Silence(why)) => format!("silence: {why:?}"),
        Err(Reject::Answer(code, text)) => format!("error {}: {text}", code.to_wire()),
    }
}

#[test]
fn requests_of_real_firmware_are_read_whole() {
    let cases = [
        (
            include_str!("../../../test_data/tftp/ovmf-size-probe.hex"),
            "snponly.efi Octet tsize=0 blksize=1468 windowsize=4",
        ),
        (
            include_str!("../../../test_data/tftp/ovmf-fetch.hex"),
            "snponly.efi Octet blksize=1468 windowsize=4",
        ),
        (
            include_str!("../../../test_data/tftp/aavmf-size-probe.hex"),
            "arm64/snponly.efi Octet tsize=0 blksize=1468 windowsize=4",
        ),
        (
            include_str!("../../../test_data/tftp/ipxe-fetch.hex"),
            "undionly.kpxe Octet blksize=1432 tsize=0",
        ),
        (
            include_str!("../../../test_data/tftp/shim-fetch.hex"),
            "grubx64.efi Octet blksize=512 windowsize=4",
        ),
        (
            include_str!("../../../test_data/tftp/grub-list.hex"),
            "/grub/x86_64-efi/command.lst Octet blksize=1024 tsize=0",
        ),
    ];
    for (hex, expected) in cases {
        assert_eq!(read(&golden(hex)), expected);
    }
}

#[test]
fn odd_requests_are_read_as_they_were_meant() {
    let cases: [(&[u8], &str); 10] = [
        (b"\0\x01a\0OCTET\0BlkSize\x001024\0", "a Octet blksize=1024"),
        (b"\0\x01a\0octet", "a Octet"),
        (b"\0\x01a\0octet\0\0\0\0\0\0\0", "a Octet"),
        (b"\0\x01a\0octet\0tsize\0", "a Octet"),
        (b"\0\x01a\0octet\0tsize", "a Octet"),
        (b"\0\x01a\0octet\0tsize\x000", "a Octet tsize=0"),
        (
            b"\0\x01a\0octet\0blksize\x001000\0blksize\x002000\0",
            "a Octet blksize=1000",
        ),
        (b"\0\x01a\0octet\0blksize\x0000001468\0", "a Octet blksize=1468"),
        (b"\0\x01a\0octet\0multicast\0\0tsize\x000\0", "a Octet tsize=0"),
        (b"\0\x01a\0netASCII\0blksize\0many\0", "a Netascii blksize=?"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(read(bytes), expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_is_no_read_request_gets_the_answer_it_should() {
    let long = [0_u8; 1501];
    let cases: [(&[u8], &str); 12] = [
        (b"", "silence: TooShort"),
        (b"\0", "silence: TooShort"),
        (&long, "silence: TooLong"),
        (b"\0\x05\0\x01no\0", "silence: Error"),
        (b"\0\x03\0\x01data", "silence: NotRequest"),
        (b"\0\x04\0\x01", "silence: NotRequest"),
        (b"\0\x02a\0octet\0", "error 2: read only"),
        (b"\0\x09", "silence: NotRequest"),
        (b"\0\x01", "silence: NotRequest"),
        (b"\0\x02a\0", "silence: NotRequest"),
        (b"\0\x01a\0", "silence: NotRequest"),
        (b"\0\x01a\0mail\0", "error 4: bad mode"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(read(bytes), expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn no_error_is_more_than_three_times_as_long_as_what_it_answers() {
    let shortest: [&[u8]; 4] = [b"\0\x02a\0b", b"\0\x01a\0b", b"\0\x01a\0b\0", b"\0\x02a\0b\0"];
    for bytes in shortest {
        let Err(Reject::Answer(code, text)) = parse_request(bytes) else {
            panic!("no error: {}", bytes.escape_ascii());
        };
        let len = render_error(code, text, &mut [0; ERROR_BYTES_MAX]).expect("there is room");
        assert!(len <= 3 * bytes.len(), "{len} bytes answer {}", bytes.escape_ascii());
    }
}

#[test]
fn every_truncation_of_a_real_request_is_read_or_refused_without_harm() {
    let whole = golden(include_str!("../../../test_data/tftp/ovmf-size-probe.hex"));
    let mut seen = std::collections::BTreeSet::new();
    for len in 0..=whole.len() {
        seen.insert(read(&whole[..len]));
    }
    assert!(
        seen.contains("snponly.efi Octet tsize=0 blksize=1468 windowsize=4"),
        "{seen:?}"
    );
    assert!(seen.contains("snponly.efi Octet tsize=0 blksize=146"), "{seen:?}");
    assert!(
        seen.contains("error 4: bad mode") && seen.contains("silence: NotRequest"),
        "{seen:?}"
    );
}

#[test]
fn data_phase_packets_are_read_with_and_without_their_ends() {
    assert_eq!(parse(b"\0\x04\xff\xff"), Some(Packet::Ack { block: 65535 }));
    assert_eq!(
        parse(b"\0\x04\0\x07\0\0\0"),
        Some(Packet::Ack { block: 7 }),
        "padded to the Ethernet minimum"
    );
    assert_eq!(parse(b"\0\x04\0"), None);
    assert_eq!(
        parse(b"\0\x05\0\x08User aborted\0"),
        Some(Packet::Error {
            code: 8,
            text: b"User aborted"
        })
    );
    assert_eq!(
        parse(b"\0\x05\0\x08User aborted"),
        Some(Packet::Error {
            code: 8,
            text: b"User aborted"
        })
    );
    assert_eq!(parse(b"\0\x05"), Some(Packet::Error { code: 0, text: b"" }));
    assert_eq!(
        parse(b"\0\x03\0\x02xy"),
        Some(Packet::Data {
            block: 2,
            payload: b"xy"
        })
    );
    assert_eq!(
        parse(b"\0\x06tsize\x005\0"),
        Some(Packet::OptionAck {
            options: b"tsize\x005\0"
        })
    );
    assert_eq!(parse(b"\0\x07"), None);
}

#[test]
fn rendered_packets_are_these_bytes() {
    let mut out = [0; ERROR_BYTES_MAX];
    let len = render_error(ErrorCode::NotFound, "no such file", &mut out).unwrap();
    assert_eq!(out[..len], *b"\0\x05\0\x01no such file\0");
    let len = render_request(b"a/b", "octet", &[("tsize", 0), ("blksize", 1468)], &mut out).unwrap();
    assert_eq!(out[..len], *b"\0\x01a/b\0octet\0tsize\x000\0blksize\x001468\0");
    assert_eq!(data_header(0x1234), *b"\0\x03\x12\x34");
    assert_eq!(ack(0x1234), *b"\0\x04\x12\x34");
    assert_eq!(render_error(ErrorCode::NotFound, "no such file", &mut [0; 8]), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1600)) {
        let _ = parse(&bytes);
        if let Ok(request) = parse_request(&bytes) {
            prop_assert!(!request.name.contains(&0));
            prop_assert!(request.asked.iter().count() <= 4);
        }
    }

    #[test]
    fn any_request_survives_rendering_and_reading(
        name in "[ -~]{1,200}", blksize in 0_u64..100_000, windowsize in 0_u64..100_000,
    ) {
        let mut out = [0; 600];
        let options = [("blksize", blksize), ("windowsize", windowsize)];
        let len = render_request(name.as_bytes(), "octet", &options, &mut out).unwrap();
        let request = parse_request(&out[..len]).unwrap();
        prop_assert_eq!(request.name, name.as_bytes());
        prop_assert_eq!(request.asked.get(Kind::Blksize), Some(blksize));
        prop_assert_eq!(request.asked.get(Kind::Windowsize), Some(windowsize));
    }
}
