use proptest::prelude::*;

use super::super::packet::{OACK_BYTES_MAX, parse_request, render_oack};
use super::*;

const ETHERNET: Way = Way { mtu: 1500, ipv6: false };
const CAPS: Caps = Caps {
    blksize: 1468,
    windowsize: 16,
};

fn ask(options: &str, way: Way, caps: Caps) -> String {
    let asked = Asked::read(options.replace(' ', "\0").as_bytes());
    answer(&Terms::negotiate(&asked, Mode::Octet, 74_000, way, caps))
}

fn answer(terms: &Terms) -> String {
    let mut out = [0; OACK_BYTES_MAX];
    let Some(len) = render_oack(terms, &mut out) else {
        assert!(!terms.has_oack());
        return format!("plain, {} x {}", terms.windowsize, terms.blksize);
    };
    let text = out[2..len].escape_ascii().to_string().replace("\\x00", " ");
    format!("{}, {} x {}", text.trim_end(), terms.windowsize, terms.blksize)
}

#[test]
fn only_what_was_asked_is_granted_and_never_more() {
    let cases = [
        ("", "plain, 1 x 512"),
        (
            "tsize 0 blksize 1468 windowsize 4 ",
            "tsize 74000 blksize 1468 windowsize 4, 4 x 1468",
        ),
        ("blksize 512 windowsize 64 ", "blksize 512 windowsize 16, 16 x 512"),
        ("blksize 65464 ", "blksize 1468, 1 x 1468"),
        ("blksize 99999999999999999999999 ", "plain, 1 x 512"),
        ("blksize 99999 ", "blksize 1468, 1 x 1468"),
        ("blksize 7 ", "plain, 1 x 512"),
        ("blksize 8 ", "blksize 8, 1 x 8"),
        ("blksize -1 tsize 12 ", "tsize 74000, 1 x 512"),
        ("timeout 5 rollover 1 utimeout 100000 ", "plain, 1 x 512"),
        ("timeout 5 tsize 0 ", "tsize 74000, 1 x 512"),
        ("windowsize 0 ", "plain, 1 x 512"),
        ("windowsize 1 ", "windowsize 1, 1 x 512"),
    ];
    for (options, expected) in cases {
        assert_eq!(ask(options, ETHERNET, CAPS), expected, "{options}");
    }
}

#[test]
fn blocks_fit_the_way_out_and_the_cap_of_the_site() {
    let wide = Caps {
        blksize: 65464,
        windowsize: 64,
    };
    assert_eq!(
        ask("blksize 65464 ", Way { mtu: 9000, ipv6: false }, wide),
        "blksize 8968, 1 x 8968"
    );
    assert_eq!(
        ask("blksize 65464 ", Way { mtu: 1500, ipv6: true }, wide),
        "blksize 1448, 1 x 1448"
    );
    assert_eq!(
        ask(
            "blksize 65464 ",
            Way {
                mtu: 65536,
                ipv6: false
            },
            wide
        ),
        "blksize 65464, 1 x 65464"
    );
    assert_eq!(
        ask(
            "blksize 1468 ",
            ETHERNET,
            Caps {
                blksize: 1400,
                windowsize: 1
            }
        ),
        "blksize 1400, 1 x 1400"
    );
    assert_eq!(
        ask("blksize 1468 ", Way { mtu: 10, ipv6: true }, wide),
        "blksize 8, 1 x 8"
    );
}

#[test]
fn a_site_without_windows_leaves_the_option_out() {
    let caps = Caps {
        blksize: 1468,
        windowsize: 1,
    };
    assert_eq!(
        ask("blksize 1468 windowsize 4 ", ETHERNET, caps),
        "blksize 1468, 1 x 1468"
    );
}

#[test]
fn text_mode_never_tells_a_size() {
    let asked = Asked::read(b"tsize\x000\0blksize\x001000\0");
    let terms = Terms::negotiate(&asked, Mode::Netascii, 74_000, ETHERNET, CAPS);
    assert_eq!(answer(&terms), "blksize 1000, 1 x 1000");
    assert!(!terms.tells_size());
}

proptest! {
    #[test]
    fn no_answer_holds_what_was_not_asked_or_exceeds_it(
        options in "((blksize|tsize|timeout|windowsize|BLKSIZE|x)\0[0-9]{0,6}\0){0,8}",
        mtu in 0_u32..70_000, ipv6: bool, blksize: u16, windowsize: u16, size: u64,
    ) {
        let caps = Caps { blksize, windowsize };
        let bytes = [b"\0\x01f\0octet\0", options.as_bytes()].concat();
        let request = parse_request(&bytes).unwrap();
        let terms = Terms::negotiate(&request.asked, Mode::Octet, size, Way { mtu, ipv6 }, caps);
        for (kind, value) in terms.granted() {
            prop_assert!(request.asked.has(kind));
            prop_assert!(kind != Kind::Timeout);
            if kind != Kind::Tsize {
                prop_assert!(Some(value) <= request.asked.get(kind));
            }
        }
        prop_assert!(terms.windowsize >= 1 && terms.blksize >= 8);
        prop_assert!(render_oack(&terms, &mut [0; OACK_BYTES_MAX]).is_some() == terms.has_oack());
    }
}
