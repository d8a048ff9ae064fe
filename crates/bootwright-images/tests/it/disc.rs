//! Discs that xorriso makes, with each kind of names, and discs that nobody made.

use std::fs;

use bootwright_images::Lock;

use crate::place::{Place, noise};

fn paths(lock: &Lock) -> Vec<&str> {
    lock.files.iter().map(|file| file.path.as_str()).collect()
}

fn tree(place: &Place) {
    place.write("tree/casper/vmlinuz", noise(1, 300_001));
    place.write("tree/casper/initrd", noise(2, 2048));
    place.write("tree/a file with a rather long name, and spaces.tar.gz", "long");
    place.write("tree/empty", "");
    place.write("tree/.disk/info", "hidden");
    place.write("tree/1/2/3/4/5/6/7/8/9/10/deep.txt", "deep");
    for number in 0..120 {
        place.write(
            &format!("tree/pool/package_{number:03}.deb"),
            format!("package {number}"),
        );
    }
    std::os::unix::fs::symlink("casper/vmlinuz", place.path().join("tree/linux")).expect("a link");
    std::os::unix::fs::symlink("../../casper/../casper/vmlinuz", place.path().join("tree/1/2/again")).expect("a link");
    std::os::unix::fs::symlink(".", place.path().join("tree/debian")).expect("a link");
}

fn make(place: &Place, flags: &[&str]) {
    let mut words = vec!["-as", "mkisofs", "-quiet", "-o", "x.iso"];
    words.extend(flags);
    words.push("tree");
    place.run("xorriso", &words);
}

#[test]
fn rock_ridge_names_links_and_deep_directories_are_read() {
    let place = Place::new();
    tree(&place);
    for flags in [
        ["-R", "-J"].as_slice(),
        &["-R"],
        &["-R", "-D"],
        &["-R", "-iso-level", "3"],
    ] {
        make(&place, flags);
        let lock = place
            .add_path("x.iso")
            .unwrap_or_else(|error| panic!("{flags:?}: {error}"));
        let found = paths(&lock);
        for path in [
            ".disk/info",
            "1/2/3/4/5/6/7/8/9/10/deep.txt",
            "1/2/again",
            "a file with a rather long name, and spaces.tar.gz",
            "casper/initrd",
            "casper/vmlinuz",
            "empty",
            "linux",
            "pool/package_119.deb",
        ] {
            assert!(found.contains(&path), "{flags:?}: {path} in {found:?}");
        }
        assert_eq!(found.len(), 128, "{flags:?}: {found:?}");
        assert_eq!(place.read("x/casper/vmlinuz"), noise(1, 300_001));
        assert_eq!(place.read("x/linux"), noise(1, 300_001));
        assert_eq!(place.read("x/pool/package_077.deb"), b"package 77");
        assert_eq!(place.read("x/empty"), b"");
    }
}

#[test]
fn without_rock_ridge_joliets_names_count_and_else_the_short_ones() {
    let place = Place::new();
    place.write("tree/Casper/VMLinuz-6.1.generic", noise(1, 5000));
    make(&place, &["-J", "--norock"]);
    assert_eq!(
        paths(&place.add_path("x.iso").expect("Joliet")),
        ["Casper/VMLinuz-6.1.generic"]
    );
    make(&place, &["--norock"]);
    let lock = place.add_path("x.iso").expect("short names");
    assert_eq!(paths(&lock).len(), 1);
    assert!(lock.files[0].path.starts_with("casper/vmlinuz"), "{:?}", lock.files);
    assert_eq!(place.read(&format!("x/{}", lock.files[0].path)), noise(1, 5000));
}

#[test]
fn a_link_out_of_a_disc_is_refused() {
    let place = Place::new();
    place.write("tree/linux", "kernel");
    std::os::unix::fs::symlink("../../etc/passwd", place.path().join("tree/passwd")).expect("a link");
    make(&place, &["-R"]);
    assert!(place.add_path("x.iso").expect_err("out").message.contains("leads out"));
    place.assert_nothing_is_left();
}

#[test]
fn a_disc_is_kept_beside_its_files_where_that_is_wanted() {
    let place = Place::new();
    place.write("tree/linux", "kernel");
    make(&place, &["-R"]);
    let mut wanted = crate::place::request(&place.path().join("x.iso").display().to_string());
    wanted.keep = true;
    assert_eq!(paths(&place.add(&wanted).expect("both")), ["linux", "x.iso"]);
    assert_eq!(
        place.read("x/x.iso"),
        fs::read(place.path().join("x.iso")).expect("a disc")
    );
}

#[test]
fn a_damaged_disc_ends_with_an_error_or_with_files_and_never_otherwise() {
    let place = Place::new();
    place.write("tree/a/linux", "kernel");
    place.write("tree/a/b/initrd", "initrd");
    std::os::unix::fs::symlink("linux", place.path().join("tree/a/link")).expect("a link");
    make(&place, &["-R", "-J"]);
    let whole = fs::read(place.path().join("x.iso")).expect("a disc");
    // Where its descriptors and its records with Rock Ridge's entries lie; elsewhere is only content.
    let holds = |sector: &[u8], mark: &[u8]| sector.windows(mark.len()).any(|window| window == mark);
    let sectors: Vec<usize> = whole
        .chunks(2048)
        .enumerate()
        .filter(|(_, sector)| sector[1..6] == *b"CD001" || holds(sector, b"PX") || holds(sector, b"\0l\0i\0n\0u\0x"))
        .map(|(number, _)| number * 2048)
        .collect();
    assert!(sectors.len() > 5, "{sectors:?}");
    let mut errors = 0;
    for four in noise(3, 300 * 4).chunks_exact(4) {
        let mut bad = whole.clone();
        let at = sectors[usize::from(four[0]) % sectors.len()] + (usize::from(four[1]) + usize::from(four[2])) % 400;
        bad[at] = bad[at].wrapping_add(four[3] | 1);
        place.write("bad.iso", &bad);
        errors += u32::from(place.add_path("bad.iso").is_err());
    }
    assert!(errors > 20, "{errors} of 300 were refused");
    for end in (0..whole.len().min(100 * 1024)).step_by(4999) {
        place.write("bad.iso", &whole[..end]);
        let _ = place.add_path("bad.iso");
    }
}
