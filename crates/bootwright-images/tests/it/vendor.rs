//! The vendors' own layouts, played by a server here.

use std::path::Path;

use bootwright_images::Request;

use crate::place::{Place, noise, request};
use crate::signer::Signer;
use crate::site::Site;

fn hash(place: &Place, bytes: &[u8]) -> String {
    bootwright_images::hash_file(&place.write("hashed", bytes))
        .expect("a hash")
        .0
}

fn signed(source: &str, site: &Site, key: &Path) -> Request {
    let mut wanted = request(source);
    wanted.mirrors = vec![site.base()];
    wanted.keys = vec![key.to_owned()];
    wanted
}

fn paths(place: &Place, wanted: &Request) -> Vec<String> {
    let lock = place.add(wanted).unwrap_or_else(|error| panic!("{error}"));
    lock.files.into_iter().map(|file| file.path).collect()
}

/// A build of Fedora CoreOS as its stream names it; older builds spell the kernel with a hyphen.
fn fcos(place: &Place, site: &Site, signer: &Signer, version: &str, kernel: &str, seed: u64) {
    let base = format!("prod/streams/stable/builds/{version}/x86_64");
    let mut parts = Vec::new();
    for (part, name) in [
        ("kernel", kernel),
        ("initramfs", "live-initramfs.x86_64.img"),
        ("rootfs", "live-rootfs.x86_64.img"),
    ] {
        let name = format!("fedora-coreos-{version}-{name}");
        let bytes = noise(seed + name.len() as u64, 50_000);
        let url = format!("https://builds.coreos.fedoraproject.org/{base}/{name}");
        parts.push(format!(
            r#""{part}":{{"location":"{url}","signature":"{url}.sig","sha256":"{}"}}"#,
            hash(place, &bytes)
        ));
        site.put(&format!("{base}/{name}.sig"), signer.sign(&bytes, &[]));
        site.put(&format!("{base}/{name}"), bytes);
    }
    let stream = format!(
        r#"{{"stream":"stable","metadata":{{"last-modified":"2026-11-01T00:00:00Z"}},"architectures":{{"x86_64":{{"artifacts":{{"aws":{{"release":"{version}","formats":{{}}}},"metal":{{"release":"{version}","formats":{{"iso":{{"disk":{{}}}},"pxe":{{{}}}}}}}}},"images":{{}}}}}}}}"#,
        parts.join(",")
    );
    site.put("streams/stable.json", stream);
}

#[test]
fn a_stream_of_fedora_coreos_is_followed_and_its_files_have_names_that_stay() {
    let (place, site) = (Place::new(), Site::new());
    let signer = Signer::new(place.path(), "fedora", "rsa2048");
    let wanted = signed("fcos:stable", &site, &signer.public(true));
    for (version, kernel) in [
        ("33.20210201.3.0", "live-kernel-x86_64"),
        ("44.20261101.3.0", "live-kernel.x86_64"),
    ] {
        fcos(&place, &site, &signer, version, kernel, 1);
        let found = paths(&place, &wanted);
        for stays in [
            "live-kernel.x86_64",
            "live-initramfs.x86_64.img",
            "live-rootfs.x86_64.img",
        ] {
            assert!(found.iter().any(|path| path == stays), "{stays} in {found:?}");
        }
        assert!(
            found.contains(&format!("fedora-coreos-{version}-{kernel}")),
            "{found:?}"
        );
        assert_eq!(found.len(), 6);
    }
    let text = String::from_utf8(place.read("x/image.lock.toml")).expect("text");
    assert!(text.contains("version = \"44.20261101.3.0\""), "{text}");
    assert!(
        text.contains(&format!("OpenPGP signature by {}", signer.fingerprint())),
        "{text}"
    );
    let mut other = wanted.clone();
    other.arch = Some("s390x".to_owned());
    place.refuses(&other, "no architecture `s390x`");
}

#[test]
fn a_stream_whose_files_are_unsigned_badly_signed_or_changed_is_refused() {
    let (place, site) = (Place::new(), Site::new());
    let (signer, other) = (
        Signer::new(place.path(), "fedora", "ed25519"),
        Signer::new(place.path(), "other", "ed25519"),
    );
    let wanted = signed("fcos:stable", &site, &signer.public(false));
    let file = "prod/streams/stable/builds/44.1.2.3/x86_64/fedora-coreos-44.1.2.3-live-rootfs.x86_64.img";
    let make = || fcos(&place, &site, &signer, "44.1.2.3", "live-kernel.x86_64", 2);
    let refused = |why: &str| {
        let error = place.add(&wanted).expect_err(why);
        assert!(error.message.contains(why), "{why}: {error}");
        place.assert_nothing_is_left();
    };
    make();
    site.remove(&format!("{file}.sig"));
    refused("has no signature");
    make();
    site.put(&format!("{file}.sig"), other.sign(b"anything", &[]));
    refused("none of the keys given");
    make();
    site.put(&format!("{file}.sig"), signer.sign(b"anything", &[]));
    refused("changed after it was signed");
    make();
    site.put(file, noise(99, 50_000));
    refused("has not the SHA-256");
    // The list is not signed, so that whoever changes file and list together meets the signature.
    fcos(&place, &site, &other, "44.1.2.3", "live-kernel.x86_64", 3);
    refused("none of the keys given");
    make();
    paths(&place, &wanted);
}

fn flatcar(place: &Place, site: &Site, signer: &Signer, version: &str) {
    let text = format!("FLATCAR_BUILD=4230\nFLATCAR_VERSION={version}\nFLATCAR_VERSION_ID={version}\n");
    site.put("current/version.txt", text.clone());
    site.put(&format!("{version}/version.txt"), text);
    for (seed, name) in [
        "flatcar_production_pxe.vmlinuz",
        "flatcar_production_pxe_image.cpio.gz",
        "flatcar_production_image.bin.bz2",
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = noise(seed as u64 + 1, 60_000);
        let digests = format!(
            "# MD5 HASH\n0123456789abcdef  {name}\n# SHA256 HASH\n{}  {name}\n",
            hash(place, &bytes)
        );
        site.put(&format!("{version}/{name}.DIGESTS"), digests);
        site.put(&format!("{version}/{name}.sig"), signer.sign(&bytes, &[]));
        site.put(&format!("{version}/{name}"), bytes);
    }
}

#[test]
fn a_channel_of_flatcar_brings_what_its_installer_fetches_in_the_same_layout() {
    let (place, site) = (Place::new(), Site::new());
    let signer = Signer::new(place.path(), "flatcar", "rsa2048");
    // The vendor signs with a subkey.
    signer.add_subkey("rsa2048");
    flatcar(&place, &site, &signer, "4230.2.3");
    let wanted = signed("flatcar:stable", &site, &signer.public(true));
    let found = paths(&place, &wanted);
    for path in [
        "4230.2.3/flatcar_production_image.bin.bz2",
        "4230.2.3/flatcar_production_image.bin.bz2.sig",
        "4230.2.3/flatcar_production_pxe.vmlinuz",
        "flatcar_production_pxe.vmlinuz",
        "flatcar_production_pxe_image.cpio.gz",
        "version.txt",
    ] {
        assert!(found.iter().any(|known| known == path), "{path} in {found:?}");
    }
    let by_version = signed("flatcar:4230.2.3", &site, &signer.public(true));
    assert_eq!(paths(&place, &by_version), found);
    site.change("4230.2.3/flatcar_production_image.bin.bz2", |page| page.body[9] ^= 1);
    place.refuses(&wanted, "has not the SHA-256");
    site.remove("4230.2.3/flatcar_production_image.bin.bz2.DIGESTS");
    place.refuses(&wanted, "changed after it was signed");
    site.put("current/version.txt", "FLATCAR_VERSION=../../etc\n");
    place.refuses(&wanted, "does not say its version");
}

fn debian(place: &Place, site: &Site, signer: &Signer) {
    let images = "main/installer-amd64/current/images";
    let mut list = String::new();
    for (seed, name) in ["linux", "initrd.gz"].into_iter().enumerate() {
        let bytes = noise(seed as u64 + 5, 40_000);
        let path = format!("netboot/debian-installer/amd64/{name}");
        list += &format!("{}  ./{path}\n", hash(place, &bytes));
        // The graphical installer has files of the same names.
        list += &format!("{}  ./netboot/gtk/debian-installer/amd64/{name}\n", "0".repeat(64));
        site.put(&format!("dists/trixie/{images}/{path}"), bytes);
    }
    let release = format!(
        "Origin: Debian\nSuite: stable\nVersion: 13.2\nCodename: trixie\nSHA256:\n {} {} {images}/SHA256SUMS\n",
        hash(place, list.as_bytes()),
        list.len()
    );
    site.put(&format!("dists/trixie/{images}/SHA256SUMS"), list);
    site.put(
        "dists/trixie/Release.gpg",
        signer.sign(release.as_bytes(), &["--armor"]),
    );
    site.put("dists/trixie/Release", release);
}

#[test]
fn debians_installer_is_proven_from_the_signed_release_down_to_each_file() {
    let (place, site) = (Place::new(), Site::new());
    let signer = Signer::new(place.path(), "debian", "ed25519");
    debian(&place, &site, &signer);
    let wanted = signed("debian:trixie", &site, &signer.public(false));
    assert_eq!(paths(&place, &wanted), ["initrd.gz", "linux"]);
    assert_eq!(place.read("x/linux"), noise(5, 40_000));
    let list = "dists/trixie/main/installer-amd64/current/images/SHA256SUMS";
    site.change(list, |page| page.body[0] ^= 1);
    place.refuses(&wanted, "has not the SHA-256");
    debian(&place, &site, &signer);
    site.change("dists/trixie/Release", |page| page.body.extend_from_slice(b" \n"));
    place.refuses(&wanted, "changed after it was signed");
    // An older suite, signed rightly, is not the one that was asked for.
    site.put("dists/sid/Release", "Codename: trixie\nSuite: stable\n");
    site.put(
        "dists/sid/Release.gpg",
        signer.sign(b"Codename: trixie\nSuite: stable\n", &[]),
    );
    let other = signed("debian:sid", &site, &signer.public(false));
    place.refuses(&other, "is another suite");
    let mut nowhere = wanted.clone();
    nowhere.mirrors.clear();
    assert!(
        place
            .add(&nowhere)
            .expect_err("no mirror")
            .hint
            .expect("a hint")
            .contains("--mirror")
    );
}

#[test]
fn a_signed_list_proves_the_files_that_it_names_and_an_unsigned_one_is_refused() {
    let (place, site) = (Place::new(), Site::new());
    let signer = Signer::new(place.path(), "vendor", "rsa2048");
    let bytes = noise(8, 30_000);
    site.put("vmlinuz", bytes.clone());
    let list = format!("{} *vmlinuz\n", hash(&place, &bytes));
    site.put("SHA256SUMS", list.clone());
    let mut wanted = request(&site.url("vmlinuz"));
    wanted.keys = vec![signer.public(true)];
    wanted.sums = Some(site.url("SHA256SUMS"));
    place.refuses(&wanted, "no signature beside");
    site.put("SHA256SUMS.gpg", signer.sign(list.as_bytes(), &[]));
    assert_eq!(paths(&place, &wanted), ["vmlinuz"]);
    site.put("SHA256SUMS", list.replace("vmlinuz", "vmlinux"));
    place.refuses(&wanted, "changed after it was signed");
    // A list that is signed as it stands needs nothing beside it.
    let signed = String::from_utf8(signer.clearsign(list.as_bytes())).expect("text");
    site.put("CHECKSUM", signed.clone());
    wanted.sums = Some(site.url("CHECKSUM"));
    assert_eq!(paths(&place, &wanted), ["vmlinuz"]);
    site.put("CHECKSUM", signed.replace("vmlinuz", "vmlinux"));
    place.refuses(&wanted, "changed after it was signed");
    // A file with its own signature, in armour.
    wanted.sums = None;
    place.refuses(&wanted, "no signature beside");
    site.put("vmlinuz.asc", signer.sign(&bytes, &["--armor"]));
    assert_eq!(paths(&place, &wanted), ["vmlinuz"]);
}
