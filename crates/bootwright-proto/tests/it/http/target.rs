use bootwright_proto::http::target::parse;
use bootwright_proto::http::{Method, PathFault, Refusal, Route};
use proptest::prelude::*;

fn routed(method: &str, target: &str) -> String {
    match parse(method, target.as_bytes()) {
        Ok(request) => format!("{:?}", request.route),
        Err(refusal) => format!("{} {}", refusal.status(), refusal.name()),
    }
}

#[test]
fn every_route_of_the_machine_plane_is_known() {
    let token = "ab".repeat(16);
    for (target, expected) in [
        ("/boot.ipxe", "Boot"),
        ("/autoexec.ipxe", "AutoExec"),
        ("/ipxe?mac=52-54-00-12-34-56", "Decision"),
        ("/hold?screen=0", "Hold"),
        ("/failed?step=ask", "Failed"),
        ("/firmware/snponly.efi", "Firmware(\"snponly.efi\")"),
        ("/images/debian/13/linux", "Image(\"debian/13/linux\")"),
        ("/assets/tools/wipe.sh", "Asset(\"tools/wipe.sh\")"),
        ("/k/k7m2q", "Code(K7M2Q)"),
        ("http://10.77.0.1:8080/boot.ipxe", "Boot"),
    ] {
        assert_eq!(routed("GET", target), expected, "{target}");
    }
    for word in ["done", "fail", "up", "progress", "log"] {
        let shown = routed("POST", &format!("/r/{token}/{word}"));
        assert!(shown.starts_with("Report"), "{shown}");
        assert!(!shown.contains("abab"), "a token must not show itself: {shown}");
    }
    let document = routed("GET", &format!("/r/{token}/preseed.cfg"));
    assert_eq!(document, "Document { token: Token(…), name: \"preseed.cfg\" }");
}

#[test]
fn slashes_collapse_and_escapes_are_undone_exactly_once() {
    for (target, expected) in [
        ("//boot.ipxe", "Boot"),
        ("/./boot%2eipxe", "Boot"),
        ("/images//debian///linux", "Image(\"debian/linux\")"),
        ("/images/debian/", "Image(\"debian\")"),
        ("/images%2Fdebian%2flinux", "Image(\"debian/linux\")"),
        ("/images/a+b%20c", "Image(\"a+b c\")"),
        ("/images/100%2525", "Image(\"100%25\")"),
        ("/images/%c3%a4", "Image(\"ä\")"),
    ] {
        assert_eq!(routed("GET", target), expected, "{target}");
    }
}

#[test]
fn what_is_no_name_is_refused_with_a_reason() {
    let long = format!("/images/{}", "a".repeat(256));
    let deep = format!("/images{}", "/a".repeat(16));
    let huge = format!("/ipxe?{}", "a".repeat(8192));
    for (target, expected) in [
        ("", "400 path-not-absolute"),
        ("*", "400 path-not-absolute"),
        ("boot.ipxe", "400 path-not-absolute"),
        ("/images/../boot.ipxe", "400 path-parent"),
        ("/images/%2e%2E/x", "400 path-parent"),
        ("/images/..%2f..%2fetc/passwd", "400 path-parent"),
        ("/images/a%00.efi", "400 path-control"),
        ("/images/a%0d%0ab", "400 path-control"),
        ("/images/..\\..\\etc", "400 path-backslash"),
        ("/images/%5c", "400 path-backslash"),
        ("/images/%", "400 path-bad-escape"),
        ("/images/%4", "400 path-bad-escape"),
        ("/images/%+1", "400 path-bad-escape"),
        ("/images/%ff", "400 path-not-text"),
        ("/images/%c0%af", "400 path-not-text"),
        (&long, "400 path-too-long"),
        (&deep, "400 path-too-long"),
        (&huge, "414 target-too-long"),
        ("/", "404 not-found"),
        ("/images", "404 not-found"),
        ("/images/", "404 not-found"),
        ("/boot.ipxe/x", "404 not-found"),
        ("/Boot.ipxe", "404 not-found"),
        ("/k/K7M2", "404 not-found"),
        ("/k/K7M2Q/x", "404 not-found"),
    ] {
        assert_eq!(routed("GET", target), expected, "{target}");
    }
}

/// Loaders look for their companions beside themselves, wherever they believe that to be.
#[test]
fn what_a_boot_loader_looks_for_is_found_wherever_it_looks() {
    for (target, expected) in [
        ("/firmware/autoexec.ipxe", "autoexec"),
        ("/EFI/BOOT/autoexec.ipxe", "autoexec"),
        ("/firmware/grub/grub.cfg", "grub"),
        ("/debian-installer/amd64/grub/grub.cfg", "grub"),
        ("/grub.cfg-01-52-54-00-12-34-56", "grub"),
        ("/pxelinux.cfg/01-52-54-00-12-34-56", "pxelinux"),
        ("/bootwright/part/abababababababababababababababab/1", "part"),
        ("/EFI/BOOT/grubx64.efi", "elsewhere"),
        ("/ipxe.EFI", "elsewhere"),
        ("/images/EFI/grub.cfg", "images"),
        ("/assets/autoexec.ipxe", "assets"),
        ("/EFI/BOOT/shim.csv", "404 not-found"),
        ("/r/00/grub.cfg", "404 not-found"),
        ("/k/autoexec.ipxe", "404 not-found"),
    ] {
        let found = match parse("GET", target.as_bytes()) {
            Ok(request) => request.route.name().to_owned(),
            Err(refusal) => format!("{} {}", refusal.status(), refusal.name()),
        };
        assert_eq!(found, expected, "{target}");
    }
}

#[test]
fn a_token_that_is_none_looks_like_any_other_that_is_not_live() {
    let token = "ab".repeat(16);
    for target in [
        "/r".to_owned(),
        "/r/".to_owned(),
        format!("/r/{token}"),
        format!("/r/{}/done", token.to_uppercase()),
        format!("/r/{}/done", &token[1..]),
        "/r/00/done".to_owned(),
        "/r/x/preseed.cfg".to_owned(),
    ] {
        assert_eq!(parse("GET", target.as_bytes()), Err(Refusal::NotFound), "{target}");
    }
}

#[test]
fn methods_follow_the_route() {
    let token = "ab".repeat(16);
    let report = format!("/r/{token}/done");
    let document = format!("/r/{token}/x");
    for (method, target, allowed) in [
        ("HEAD", "/images/linux", true),
        ("HEAD", "/boot.ipxe", true),
        ("HEAD", "/ipxe", false),
        ("HEAD", "/hold", false),
        ("HEAD", report.as_str(), false),
        ("POST", report.as_str(), true),
        ("POST", "/ipxe", false),
        ("POST", document.as_str(), false),
        ("PUT", report.as_str(), false),
        ("get", "/boot.ipxe", false),
        ("", "/boot.ipxe", false),
    ] {
        let refused = matches!(parse(method, target.as_bytes()), Err(Refusal::Method { .. }));
        assert_eq!(refused, !allowed, "{method} {target}");
    }
    let allow = parse("DELETE", report.as_bytes());
    assert_eq!(allow, Err(Refusal::Method { allow: "GET, POST" }));
    assert_eq!(
        parse("HEAD", b"/k/K7M2Q").map(|request| request.method),
        Ok(Method::Head)
    );
}

#[test]
fn codes_are_read_as_people_type_them() {
    for (typed, code) in [("k7m2q", "K7M2Q"), ("01823", "OIB23"), ("AAAAA", "AAAAA")] {
        let route = parse("GET", format!("/k/{typed}").as_bytes()).map(|request| request.route);
        match route {
            Ok(Route::Code(read)) => assert_eq!(read.as_str(), code),
            other => panic!("{typed}: {other:?}"),
        }
    }
    assert_eq!(routed("GET", "/k/K7M29"), "404 not-found");
}

/// Pieces that traversal is made of, encoded once, twice and wrongly.
const PIECES: [&str; 24] = [
    "..",
    ".",
    "/",
    "//",
    "\\",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5c",
    "%252e",
    "%c0%ae",
    "%00",
    "%0a",
    "etc",
    "passwd",
    "a",
    "~",
    "C:",
    "%",
    "%u002e",
    "....",
    "..;",
    "\u{2025}",
    "\u{ff0e}\u{ff0e}",
];

/// A small generator of numbers with a fixed seed: the same strings each time.
fn random(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits")
}

#[test]
fn fifty_thousand_traversal_strings_never_leave_their_root() {
    let mut state = 1;
    let (mut named, mut refused) = (0, 0);
    let token = "ab".repeat(16);
    for _ in 0..50_000 {
        let roots = [
            "/images/".to_owned(),
            "/assets/".to_owned(),
            "/firmware/".to_owned(),
            format!("/r/{token}/"),
        ];
        let mut target = roots[random(&mut state) % 4].clone();
        for _ in 0..=random(&mut state) % 8 {
            target.push_str(PIECES[random(&mut state) % PIECES.len()]);
            if random(&mut state).is_multiple_of(2) {
                target.push('/');
            }
        }
        match parse("GET", target.as_bytes()).map(|request| request.route) {
            Ok(Route::Image(name) | Route::Asset(name) | Route::Firmware(name) | Route::Document { name, .. }) => {
                named += 1;
                assert!(!name.as_str().starts_with('/'), "{target}");
                assert!(!name.as_str().contains(['\\', '\0', '\n']), "{target}");
                for segment in name.segments() {
                    assert!(!segment.is_empty() && segment != "." && segment != "..", "{target}");
                }
            }
            Ok(other) => panic!("{target} left its root: {other:?}"),
            Err(Refusal::NotFound | Refusal::Path(_)) => refused += 1,
            Err(other) => panic!("{target}: {other:?}"),
        }
    }
    assert!(named > 1000 && refused > 1000, "{named} named, {refused} refused");
}

proptest! {
    #[test]
    fn any_bytes_are_routed_or_refused(method in "[A-Z]{0,6}", target: Vec<u8>) {
        if let Err(Refusal::Path(fault)) = parse(&method, &target) {
            prop_assert!(fault != PathFault::NotAbsolute || target.first() != Some(&b'/'));
        }
    }
}
