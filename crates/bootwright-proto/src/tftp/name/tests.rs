use proptest::prelude::*;

use super::*;

fn read(raw: &[u8]) -> String {
    Name::normalise(raw).map_or_else(|why| format!("refused: {why}"), |name| name.to_string())
}

#[test]
fn names_are_read_as_firmware_meant_them() {
    let cases: [(&[u8], &str); 15] = [
        (b"snponly.efi", "snponly.efi"),
        (b"snponly.efi\xff", "snponly.efi"),
        (b"snponly.efi\xff\xff \r\n", "snponly.efi"),
        (b"/grub/grub.cfg", "grub/grub.cfg"),
        (b"\\Boot\\BCD", "Boot/BCD"),
        (b"C:\\Boot\\x64\\wdsnbp.com", "Boot/x64/wdsnbp.com"),
        (b"tftp://10.0.0.1/a/b", "a/b"),
        (b"TFTP://boot.example//a", "a"),
        (b"./a/./b//c/", "a/b/c"),
        (b"///", "refused: the name is empty"),
        (b"tftp://10.0.0.1", "refused: the name is empty"),
        (b"\xff\xff", "refused: the name is empty"),
        (b"%2e%2e/etc/passwd", "%2e%2e/etc/passwd"),
        (b"m-52:54:00:18:0a:70.cfg", "m-52:54:00:18:0a:70.cfg"),
        (b"caf\xc3\xa9", "caf\\xc3\\xa9"),
    ];
    for (raw, expected) in cases {
        assert_eq!(read(raw), expected, "{}", raw.escape_ascii());
    }
}

#[test]
fn names_that_climb_or_hide_something_are_refused() {
    let climbing: [&[u8]; 7] = [
        b"..",
        b"../x",
        b"a/../../x",
        b"a\\..\\x",
        b"C:..\\x",
        b"tftp://h/../x",
        b"a/..\xff",
    ];
    for raw in climbing {
        assert_eq!(Name::normalise(raw), Err(BadName::Climbs), "{}", raw.escape_ascii());
    }
    assert_eq!(Name::normalise(b"a\0b"), Err(BadName::Control { byte: 0 }));
    assert_eq!(Name::normalise(b"a\nb"), Err(BadName::Control { byte: b'\n' }));
    assert_eq!(Name::normalise(b"a\x7f"), Err(BadName::Control { byte: 0x7f }));
    assert_eq!(Name::normalise(&[b'a'; 256]), Err(BadName::TooLong { len: 256 }));
    assert!(Name::normalise(&[b'a'; 255]).is_ok());
    assert!(Name::normalise(b"..a/b..").is_ok(), "dots inside a segment are plain");
}

proptest! {
    #[test]
    fn every_accepted_name_keeps_its_promises(
        raw in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..600),
            "([a-c./\\\\: \u{ff}]|\\.\\./|tftp://){0,40}".prop_map(String::into_bytes),
        ]
    ) {
        if let Ok(name) = Name::normalise(&raw) {
            prop_assert!((1..=NAME_BYTES_MAX).contains(&name.as_bytes().len()));
            prop_assert!(!name.as_bytes().iter().any(|byte| byte.is_ascii_control() || *byte == b'\\'));
            for segment in name.segments() {
                prop_assert!(!matches!(segment, b"" | b"." | b".."));
            }
        }
    }
}
