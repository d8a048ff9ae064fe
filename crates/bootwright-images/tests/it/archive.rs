//! Archives as real tools write them, and as attackers do.

use std::fs;

use bootwright_images::{Lock, Shelf};
use tar::{Builder, EntryType, Header};

use crate::place::{Place, noise, request};

fn paths(lock: &Lock) -> Vec<&str> {
    lock.files.iter().map(|file| file.path.as_str()).collect()
}

/// An entry: kind, name, link, content.
type Entry<'a> = (EntryType, &'a str, &'a str, &'a [u8]);

/// An archive of entries that no honest tool would write.
fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, link, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // Past the checks of the writer.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, *content).expect("memory");
    }
    builder.into_inner().expect("memory")
}

#[test]
fn archives_of_every_compression_are_unpacked_to_the_same_files() {
    let place = Place::new();
    let kernel = noise(1, 400_000);
    place.write("tree/linux", &kernel);
    place.write("tree/deep/er/initrd.gz", noise(2, 100_000));
    fs::create_dir_all(place.path().join("tree/empty")).expect("a directory");
    std::os::unix::fs::symlink("deep/er/initrd.gz", place.path().join("tree/initrd.gz")).expect("a link");
    std::os::unix::fs::symlink(".", place.path().join("tree/loop")).expect("a link");
    fs::hard_link(place.path().join("tree/linux"), place.path().join("tree/vmlinuz")).expect("a link");
    let mut first: Option<Lock> = None;
    for (name, flag) in [
        ("a.tar", "-c"),
        ("a.tar.gz", "-cz"),
        ("a.tar.xz", "-cJ"),
        ("a.tar.zst", "-c"),
    ] {
        if name.ends_with("zst") {
            // Several frames, as parallel compressors write them.
            place.run(
                "sh",
                &[
                    "-c",
                    "tar -C tree -c . | split -b 200000 - p.; for p in p.??; do zstd -qc $p; done >a.tar.zst",
                ],
            );
        } else {
            place.run("tar", &[flag, "-C", "tree", "-f", name, "."]);
        }
        let lock = place.add_path(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            paths(&lock),
            ["deep/er/initrd.gz", "initrd.gz", "linux", "vmlinuz"],
            "{name}"
        );
        assert_eq!(place.read("x/vmlinuz"), kernel);
        let first = first.get_or_insert_with(|| lock.clone());
        assert_eq!(first.files, lock.files, "{name}");
    }
}

#[test]
fn a_directory_is_an_image_as_well_and_links_out_of_it_are_refused() {
    let place = Place::new();
    place.write("tree/linux", "kernel");
    std::os::unix::fs::symlink("linux", place.path().join("tree/vmlinuz")).expect("a link");
    assert_eq!(
        paths(&place.add_path("tree").expect("it is good")),
        ["linux", "vmlinuz"]
    );
    place.shelf().remove(&"x".parse().expect("a name")).expect("it goes");
    std::os::unix::fs::symlink("/etc/passwd", place.path().join("tree/passwd")).expect("a link");
    let error = place.add_path("tree").expect_err("it leads out");
    assert!(error.message.contains("leads out of the image"), "{error}");
    place.assert_nothing_is_left();
}

#[test]
fn an_archive_that_leads_out_or_holds_devices_leaves_nothing_anywhere() {
    let place = Place::new();
    let victim = place.write("victim", "untouched");
    let absolute = victim.display().to_string();
    let deep = "d/".repeat(40);
    let file = EntryType::Regular;
    let cases: Vec<(Vec<Entry<'_>>, &str)> = vec![
        (vec![(file, "../victim", "", b"x")], "leads out of the image"),
        (vec![(file, "a/../../../victim", "", b"x")], "leads out of the image"),
        (vec![(file, &absolute, "", b"x")], "absolute path"),
        (vec![(file, "a\\..\\victim", "", b"x")], "backslash"),
        (vec![(file, "a\nb", "", b"x")], "control character"),
        (vec![(file, "\u{1b}[2J", "", b"x")], "control character"),
        (vec![(file, &deep, "", b"x")], "too deep"),
        (
            vec![(EntryType::Symlink, "out", "../../victim", b"")],
            "leads out of the image",
        ),
        (
            vec![(EntryType::Symlink, "out", &absolute, b"")],
            "leads out of the image",
        ),
        // A directory that becomes a link before something is written through it.
        (
            vec![(EntryType::Symlink, "d", "..", b""), (file, "d/victim", "", b"x")],
            "leads out of the image",
        ),
        (
            vec![(EntryType::Link, "hard", "../victim", b"")],
            "leads out of the image",
        ),
        (vec![(EntryType::Link, "hard", "nowhere", b"")], "which is not there"),
        (vec![(EntryType::Char, "tty", "", b"")], "a device"),
        (vec![(EntryType::Block, "sda", "", b"")], "a device"),
        (vec![(EntryType::Fifo, "pipe", "", b"")], "a pipe"),
        (vec![(file, "linux", "", b"x"), (file, "./linux", "", b"y")], "twice"),
        (
            vec![(file, "linux", "", b"x"), (file, "linux/x", "", b"y")],
            "cannot make",
        ),
        (vec![(file, "image.lock.toml", "", b"x")], "list of an image's files"),
        (vec![(EntryType::Directory, "d", "", b"")], "no file in it"),
    ];
    for (entries, why) in cases {
        place.write("bad.tar", archive(&entries));
        let error = place.add_path("bad.tar").expect_err(why);
        assert!(error.message.contains(why), "{why}: {error}");
        place.assert_nothing_is_left();
        assert_eq!(fs::read(&victim).expect("it is there"), b"untouched", "{why}");
    }
}

#[test]
fn what_an_archive_says_of_its_size_is_no_bound() {
    let place = Place::new();
    place.run(
        "sh",
        &["-c", "head -c 3000000 /dev/zero >zeros; tar -czf bomb.tar.gz zeros"],
    );
    let mut wanted = request(&place.path().join("bomb.tar.gz").display().to_string());
    wanted.limits.bytes_max = 1_000_000;
    place.refuses(&wanted, "larger than 1000000 bytes");
    let many: Vec<String> = (0..50).map(|number| format!("f{number}")).collect();
    let entries: Vec<Entry<'_>> = many
        .iter()
        .map(|name| (EntryType::Regular, name.as_str(), "", b"".as_slice()))
        .collect();
    place.write("many.tar", archive(&entries));
    wanted.source = place
        .path()
        .join("many.tar")
        .display()
        .to_string()
        .parse()
        .expect("a path");
    wanted.limits.entries_max = 49;
    place.refuses(&wanted, "more than 49 files");
    place.assert_nothing_is_left();
}

#[test]
fn a_damaged_archive_is_no_image() {
    let place = Place::new();
    place.write("tree/linux", noise(3, 300_000));
    for (name, flag) in [("a.tar.gz", "-cz"), ("a.tar.xz", "-cJ")] {
        place.run("tar", &[flag, "-C", "tree", "-f", name, "."]);
        let whole = fs::read(place.path().join(name)).expect("an archive");
        place.write(name, &whole[..whole.len() / 2]);
        place.add_path(name).expect_err("half of it is missing");
        let mut bad = whole.clone();
        bad[whole.len() / 2] ^= 0x55;
        place.write(name, &bad);
        place.add_path(name).expect_err("its checksum is wrong");
        place.assert_nothing_is_left();
    }
}

#[test]
fn kiwis_files_of_both_namings_get_names_that_stay() {
    let place = Place::new();
    let old = [
        "Image.xz",
        "Image.initrd",
        "Image.append",
        "Image.md5",
        "Image.kernel",
        "pxeboot.kernel",
        "pxeboot.initrd.xz",
    ];
    let n = "leap.x86_64-1.42.1";
    let new: Vec<String> = ["xz", "sha256", "initrd", "kernel", "append", "config.bootoptions"]
        .iter()
        .map(|ending| format!("{n}.{ending}"))
        .chain([format!("pxeboot.{n}.kernel"), format!("pxeboot.{n}.initrd.xz")])
        .collect();
    for (dir, names) in [("old", old.map(str::to_owned).to_vec()), ("new", new)] {
        for name in &names {
            place.write(&format!("{dir}/{name}"), name);
        }
        place.run("tar", &["-cJ", "-C", dir, "-f", "x.install.tar.xz", "."]);
        let lock = place.add_path("x.install.tar.xz").expect("it is whole");
        let found = paths(&lock);
        for name in [
            "pxeboot.kernel",
            "pxeboot.initrd.xz",
            "image.xz",
            "image.initrd",
            "image.kernel",
            "image.append",
        ] {
            assert!(found.contains(&name), "{dir}: {name} in {found:?}");
        }
        let original = if dir == "old" {
            "Image.xz".to_owned()
        } else {
            format!("{n}.xz")
        };
        assert_eq!(place.read("x/image.xz"), original.as_bytes());
        assert_eq!(place.read(&format!("x/{original}")), original.as_bytes());
        assert!(found.contains(&if dir == "old" { "image.md5" } else { "image.sha256" }));
        if dir == "new" {
            assert!(found.contains(&"image.config.bootoptions"), "{found:?}");
        }
        let lost = names
            .iter()
            .find(|name| name.ends_with(".xz") && !name.starts_with("pxeboot"))
            .expect("an image");
        fs::remove_file(place.path().join(dir).join(lost)).expect("it goes");
        place.run("tar", &["-cJ", "-C", dir, "-f", "x.install.tar.xz", "."]);
        let error = place.add_path("x.install.tar.xz").expect_err("the image is missing");
        assert!(error.message.contains("missing"), "{error}");
        assert_eq!(
            Shelf::list(place.shelf().root()).expect("a list").len(),
            1,
            "the good one stays"
        );
    }
}

#[test]
fn a_kernel_that_is_compressed_is_no_archive() {
    let place = Place::new();
    place.run("sh", &["-c", "head -c 5000 /dev/urandom | gzip >initrd.gz"]);
    let lock = place.add_path("initrd.gz").expect("one file");
    assert_eq!(paths(&lock), ["initrd.gz"]);
}
