//! The catalogue from directories as people leave them.

use super::*;

#[test]
fn what_is_not_there_is_not_tried() {
    let mut catalogue = Catalogue::default();
    let file = FirmwareFile {
        content: Bytes::new(),
        sha256: String::new(),
        etag: [0, 0],
    };
    catalogue.files.insert("ipxe-amd64.efi".to_owned(), Arc::new(file));
    let mut policy = Policy::default();
    catalogue.fit(None, &mut policy);
    let files = |arch| policy.boot_files(arch).collect::<Vec<_>>();
    assert_eq!(files(bootwright_core::Arch::EFI64), ["snponly.efi", "ipxe-amd64.efi"]);
    assert_eq!(files(bootwright_core::Arch::BIOS), ["undionly.kpxe"]);
}

#[test]
fn what_is_not_as_the_manifest_has_it_or_cannot_be_read_is_not_served_and_told() {
    let home = std::env::temp_dir().join(format!("bootwright-tampered-{}", std::process::id()));
    fs::create_dir_all(home.join("snponly.efi")).unwrap();
    // The SHA-256 of no bytes at all (FIPS 180-4).
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let pin = |name| format!("[[package.file]]\nname = \"{name}\"\nsha256 = \"{of_nothing}\"\n");
    let pins = ["ipxe-amd64.efi", "undionly.kpxe", "snponly.efi"].map(pin);
    fs::write(home.join("manifest.toml"), format!("[[package]]\n{}", pins.concat())).unwrap();
    fs::write(home.join("ipxe-amd64.efi"), "").unwrap();
    fs::write(home.join("undionly.kpxe"), "one byte too many").unwrap();
    let catalogue = Catalogue::load(&home, &home.join("no builds of our own"));
    assert_eq!(catalogue.names().collect::<Vec<_>>(), ["ipxe-amd64.efi"]);
    let [unreadable, tampered] = catalogue.troubles.as_slice() else {
        panic!("{:?}", catalogue.troubles)
    };
    assert!(
        unreadable.words.contains("snponly.efi` is not served: Is a directory"),
        "{unreadable}"
    );
    assert!(
        tampered.words.contains("undionly.kpxe` is not served: its SHA-256 is"),
        "{tampered}"
    );
    assert_eq!(catalogue.why_not("undionly.kpxe").as_ref(), Some(tampered));
    assert_eq!(catalogue.why_not("ipxe-amd64.efi"), None, "it is served");
    // What helps depends on where the files came from.
    assert!(tampered.hint.contains("docker compose build"), "{tampered}");
    fs::create_dir_all(home.join("tree/xtask")).unwrap();
    fs::write(home.join("tree/xtask/Cargo.toml"), "").unwrap();
    fs::create_dir_all(home.join("tree/firmware")).unwrap();
    for name in ["manifest.toml", "undionly.kpxe"] {
        fs::copy(home.join(name), home.join("tree/firmware").join(name)).unwrap();
    }
    let (tree, own) = (home.join("tree/firmware"), home.join("own"));
    let of_tree = Catalogue::load(&tree, &own).why_not("undionly.kpxe").expect("another");
    assert!(of_tree.hint.starts_with("`cargo xtask firmware`"), "{of_tree}");
    // A build of the site's own is served in its place, so that nothing is wrong any more.
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("undionly.kpxe"), "ours").unwrap();
    assert_eq!(Catalogue::load(&tree, &own).why_not("undionly.kpxe"), None);
    assert_eq!(
        catalogue.missed(None, &Policy::default()),
        Vec::<&str>::new(),
        "both are there"
    );
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn what_the_site_has_signed_takes_the_place_of_what_is_shipped_and_never_the_other_way_round() {
    let home = std::env::temp_dir().join(format!("bootwright-signed-{}", std::process::id()));
    let (shipped, own) = (home.join("shipped"), home.join("own"));
    fs::create_dir_all(&shipped).unwrap();
    fs::create_dir_all(&own).unwrap();
    // The SHA-256 of no bytes at all (FIPS 180-4).
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let names = ["snponly.efi", "ipxe-amd64.efi", "undionly.kpxe"];
    let pins = names.map(|name| format!("[[package.file]]\nname = \"{name}\"\nsha256 = \"{of_nothing}\"\n"));
    fs::write(shipped.join("manifest.toml"), format!("[[package]]\n{}", pins.concat())).unwrap();
    for name in names {
        fs::write(shipped.join(name), "").unwrap();
    }
    let list = |name: &str, more: &str| format!("[[file]]\nname = \"{name}\"\nsha256 = \"{of_nothing}\"\n{more}\n");
    let manifest = list("shim.efi", "arch = [\"efi64\"]") + &list("signed.efi", "replaces = [\"snponly.efi\"]");
    fs::write(own.join("manifest.toml"), manifest).unwrap();
    fs::write(own.join("shim.efi"), "").unwrap();
    fs::write(own.join("signed.efi"), "somebody else's").unwrap();
    fs::write(own.join("notes.txt"), "").unwrap();

    let catalogue = Catalogue::load(&shipped, &own);
    assert_eq!(
        catalogue.names().collect::<Vec<_>>(),
        ["ipxe-amd64.efi", "shim.efi", "undionly.kpxe"],
        "neither the one that differs, nor the shipped one whose place it has"
    );
    let troubles = catalogue.troubles.iter().map(ToString::to_string);
    let troubles = troubles.collect::<Vec<_>>().join("\n");
    assert!(troubles.contains("manifest.toml:5 lists another"), "{troubles}");
    assert!(troubles.contains("notes.txt` is not served"), "{troubles}");
    let mut policy = Policy::default();
    catalogue.fit(None, &mut policy);
    let files = |policy: &Policy, arch| policy.boot_files(arch).map(str::to_owned).collect::<Vec<_>>();
    for arch in [Arch::EFI64, Arch::EFI64_HTTP] {
        assert_eq!(files(&policy, arch), ["shim.efi"]);
    }
    assert_eq!(files(&policy, Arch::EBC), ["snponly.efi", "ipxe-amd64.efi"]);
    let mut chosen = Policy::default();
    chosen.first_files.insert(Arch::EFI64, "ipxe-amd64.efi".to_owned());
    catalogue.fit(None, &mut chosen);
    assert_eq!(
        files(&chosen, Arch::EFI64)[0],
        "ipxe-amd64.efi",
        "the configuration goes first"
    );

    fs::write(own.join("manifest.toml"), "[[file]]\nname = 1\n").unwrap();
    let catalogue = Catalogue::load(&shipped, &own);
    assert_eq!(catalogue.names().count(), 3, "what is shipped");
    assert!(
        catalogue.troubles[0].words.contains("manifest.toml:2: "),
        "{:?}",
        catalogue.troubles
    );
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn only_what_machines_would_fetch_is_missed() {
    let home = std::env::temp_dir().join(format!("bootwright-catalogue-{}", std::process::id()));
    let (shipped, own) = (home.join("shipped"), home.join("own"));
    fs::create_dir_all(&shipped).unwrap();
    fs::create_dir_all(&own).unwrap();
    let names = [
        "undionly.kpxe",
        "snponly.efi",
        "ipxe-riscv64.efi",
        "pxelinux.0",
        "ipxe.copyright",
    ];
    let pins = names.map(|name| format!("[[package.file]]\nname = \"{name}\"\nsha256 = \"00\"\n"));
    fs::write(shipped.join("manifest.toml"), format!("[[package]]\n{}", pins.concat())).unwrap();
    fs::write(own.join("snponly.efi"), "ours").unwrap();
    let catalogue = Catalogue::load(&shipped, &own);
    let mut policy = Policy::default();
    assert!(catalogue.get("snponly.efi").is_some());
    assert_eq!(catalogue.troubles, Vec::<Trouble>::new());
    assert_eq!(catalogue.missed(None, &policy), ["undionly.kpxe"]);
    assert_eq!(catalogue.missed_words(&[]), None);
    let trouble = catalogue.missed_words(&["undionly.kpxe"]).unwrap();
    assert!(trouble.words.ends_with(": undionly.kpxe"), "{trouble}");
    assert_eq!(catalogue.why_not("undionly.kpxe"), Some(trouble));
    assert_eq!(catalogue.why_not("nobody's.efi"), None);
    fs::write(home.join("undionly.kpxe"), "the operator's").unwrap();
    policy.first_files.insert(Arch::EFI64, "pxelinux.0".to_owned());
    let root = home.to_str();
    assert_eq!(catalogue.missed(root, &policy), ["pxelinux.0"], "an operator names it");
    fs::remove_dir_all(&home).unwrap();
}
