//! Bundles: what one box wrote, another one reads.

use std::collections::BTreeMap;
use std::fs;

use bootwright_images::{Limits, Shelf, bundle};

use crate::place::{Place, noise, request};

#[test]
fn a_bundle_carries_images_firmware_and_configuration_and_is_verified_on_the_way() {
    let (here, there) = (Place::new(), Place::new());
    here.write("tree/linux", noise(1, 80_000));
    here.write("tree/a/rootfs", noise(2, 300_000));
    let added = here
        .add(&request(&here.path().join("tree").display().to_string()))
        .expect("an image");
    let beside: BTreeMap<_, _> = [
        ("firmware/snponly.efi".to_owned(), here.write("snponly.efi", "firmware")),
        (
            "config/config.toml".to_owned(),
            here.write("config.toml", "# nothing\n"),
        ),
    ]
    .into();
    let file = there.path().join("all.tar");
    let names = ["x".parse().expect("a name")];
    bundle::write(&file, here.shelf().root(), &names, &beside).expect("it is written");
    // Anybody can look into it.
    let listed = String::from_utf8(there.run("tar", &["-tf", "all.tar"])).expect("text");
    assert_eq!(
        listed,
        "bundle.toml\nconfig/config.toml\nfirmware/snponly.efi\nimages/x/image.lock.toml\nimages/x/a/rootfs\nimages/x/linux\n"
    );
    let (firmware, config) = (there.path().join("firmware"), there.path().join("etc"));
    let read = |shelf: &Shelf| bundle::read(&file, shelf, &firmware, &config, Limits::default());
    let contents = read(&there.shelf()).expect("it is read");
    assert_eq!(
        (contents.images.len(), contents.firmware.len(), contents.config.len()),
        (1, 1, 1)
    );
    assert_eq!(there.read("x/a/rootfs"), noise(2, 300_000));
    assert_eq!(
        fs::read(firmware.join("snponly.efi")).expect("it is there"),
        b"firmware"
    );
    let listed = Shelf::list(there.shelf().root()).expect("a list");
    assert_eq!(listed[0].lock.as_ref(), Some(&added));
    // Once more changes nothing; what somebody has edited stays.
    let again = read(&there.shelf()).expect("it is read");
    assert_eq!((again.firmware.len(), again.config.len()), (0, 0));
    fs::write(config.join("config.toml"), "# mine\n").expect("a file");
    let error = read(&there.shelf()).expect_err("it was edited");
    assert!(
        error.message.contains("is there already, with other content"),
        "{error}"
    );
    assert_eq!(fs::read(config.join("config.toml")).expect("it is there"), b"# mine\n");
}

#[test]
fn every_damaged_byte_of_a_bundle_is_noticed_and_leaves_no_image() {
    let here = Place::new();
    here.write("tree/linux", noise(1, 3000));
    here.add(&request(&here.path().join("tree").display().to_string()))
        .expect("an image");
    let file = here.path().join("all.tar");
    let names = ["x".parse().expect("a name")];
    bundle::write(&file, here.shelf().root(), &names, &BTreeMap::new()).expect("it is written");
    let whole = fs::read(&file).expect("a bundle");
    let content = whole
        .windows(16)
        .position(|window| window == &noise(1, 16)[..])
        .expect("the file is in it");
    let there = Place::new();
    let read = |bytes: &[u8]| {
        let file = there.write("bad.tar", bytes);
        bundle::read(
            &file,
            &there.shelf(),
            &there.path().join("f"),
            &there.path().join("c"),
            Limits::default(),
        )
    };
    for at in [0, 3, 157, content, content + 2999] {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        read(&bad).expect_err("it is damaged");
        there.assert_nothing_is_left();
    }
    for end in [0, 100, 600, content + 100] {
        assert!(read(&whole[..end]).is_err(), "{end}");
        there.assert_nothing_is_left();
    }
    // An image that was changed is not bundled.
    fs::remove_file(here.path().join("images/x/linux")).expect("root may");
    assert!(bundle::write(&file, here.shelf().root(), &names, &BTreeMap::new()).is_err());
    assert_eq!(
        fs::read(&file).expect("the old one"),
        whole,
        "the bundle that was there stays"
    );
}
