//! The operator's directory: what is below it is served, and nothing else, whatever the name.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use bootwright::tftp::{Limits, Refusal, open_below};
use bootwright_client::tftp::End;
use bootwright_net::beneath::Root;
use bootwright_proto::tftp::Name;

use crate::tftp_segment::{Catalogue, Directory, SERVER, Segment, catalogue, content, runtime, wish};

#[test]
fn files_of_the_root_are_served_below_the_catalogue_and_in_any_case() {
    let (segment, directory) = (Segment::new(), Directory::new("root"));
    directory.write("Boot/BCD", b"bcd");
    directory.write("both", b"from the root");
    directory.write("twins/A", b"upper");
    directory.write("twins/a", b"lower");
    directory.write("large", &content(700_000));
    let files = Catalogue {
        root: Some(Arc::new(Root::open_dir(&directory.0).expect("it is there"))),
        ..catalogue(&[("both", b"from the catalogue".to_vec())])
    };
    segment.serve(Limits::SITE, files, |_| {
        let cases: [(&str, Option<&[u8]>); 7] = [
            ("both", Some(b"from the catalogue")),
            ("Boot/BCD", Some(b"bcd")),
            ("\\boot\\bcd", Some(b"bcd")),
            ("/BOOT//./bcd", Some(b"bcd")),
            ("twins/A", Some(b"upper")),
            ("TWINS/a", Some(b"lower")),
            ("twins", None),
        ];
        for (name, expected) in cases {
            let got = segment.fetch(wish(name, 4), SERVER);
            match expected {
                Some(bytes) => assert_eq!((got.end, &got.bytes[..]), (End::Complete, bytes), "{name}"),
                None => assert!(matches!(got.end, End::Refused { code: 1, .. }), "{name}: {:?}", got.end),
            }
        }
        assert!(segment.fetch(wish("LARGE", 16), SERVER).bytes == content(700_000));
    });
}

/// Threat row T-SEC-10. Names made of everything that ever led out of a directory.
#[test]
fn fifty_thousand_names_that_try_to_climb_out_never_do() {
    const PARTS: [&str; 26] = [
        "..",
        "../",
        "..\\",
        "/",
        "\\",
        "//",
        "./",
        ".",
        "%2e%2e",
        "%2f",
        "..%2f",
        "..%5c",
        "\u{ff0e}\u{ff0e}",
        "....//",
        "secret",
        "outside/secret",
        "link",
        "link/secret",
        "loop",
        "inside",
        "etc/passwd",
        "proc/self/root",
        "C:",
        "\0",
        "tftp://host/",
        " ",
    ];
    let outer = Directory::new("traversal");
    outer.write("outside/secret", b"SECRET");
    outer.write("root/inside", b"inside");
    let root = outer.0.join("root");
    symlink("../outside", root.join("link")).expect("a link");
    symlink("/etc", root.join("etc")).expect("a link");
    symlink("/proc", root.join("proc")).expect("a link");
    symlink("loop", root.join("loop")).expect("a link");
    symlink("../outside/secret", root.join("secret")).expect("a link");
    let root = Arc::new(Root::open_dir(root).expect("it is there"));
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let (mut refused, mut missing, mut served) = (0, 0, 0);
    runtime().block_on(async {
        for _ in 0..50_000 {
            let mut raw = Vec::new();
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            for place in 0..random >> 60 {
                let part = (random >> (place % 8 * 7)) as usize ^ place as usize;
                raw.extend_from_slice(PARTS[part % PARTS.len()].as_bytes());
                if (random >> 33).is_multiple_of(3) {
                    raw.push(b'/');
                }
            }
            let Ok(name) = Name::normalise(&raw) else {
                refused += 1;
                continue;
            };
            match open_below(&root, &name).await {
                Ok(content) => {
                    assert_eq!(content.size(), 6, "{name}");
                    assert_eq!(name.to_string(), "inside", "only one file lies below");
                    served += 1;
                }
                Err(Refusal::NotFound) => missing += 1,
                Err(other) => panic!("{name}: {other:?} tells something about what lies outside"),
            }
        }
    });
    assert!(
        refused > 1000 && missing > 1000 && served > 10,
        "{refused} refused, {missing} missing, {served} served"
    );
}
