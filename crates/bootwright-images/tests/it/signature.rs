//! Signatures that GnuPG makes: the good ones hold, and each kind of bad one is refused with its reason.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use bootwright_images::openpgp::{Keyring, SigningKey};

use crate::place::{Place, noise};
use crate::signer::Signer;

fn keyring(paths: &[PathBuf]) -> Keyring {
    let files: Vec<(String, Vec<u8>)> = paths
        .iter()
        .map(|path| (path.display().to_string(), fs::read(path).expect("a key")))
        .collect();
    Keyring::read(&files).expect("keys")
}

fn verify(keyring: &Keyring, document: &[u8], signature: &[u8]) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let mut source = Cursor::new(document);
    keyring
        .verify(&mut source, signature, now)
        .map(|signer| signer.fingerprint)
        .map_err(|error| error.to_string())
}

#[test]
fn what_gpg_signs_is_signed_by_every_kind_of_key_that_vendors_use() {
    let place = Place::new();
    let document = noise(1, 300_000);
    for (name, kind, subkey) in [
        ("rsa", "rsa2048", None),
        ("edwards", "ed25519", None),
        ("subkey", "rsa2048", Some("rsa2048")),
        ("mixed", "rsa2048", Some("ed25519")),
        ("curve", "nistp256", None),
    ] {
        let signer = Signer::new(place.path(), name, kind);
        if let Some(kind) = subkey {
            signer.add_subkey(kind);
        }
        for (armoured, digest) in [(false, "SHA256"), (true, "SHA512"), (true, "SHA384")] {
            let keys = keyring(&[signer.public(armoured)]);
            let mut more = vec!["--digest-algo", digest];
            if armoured {
                more.push("--armor");
            }
            let signature = signer.sign(&document, &more);
            assert_eq!(
                verify(&keys, &document, &signature),
                Ok(signer.fingerprint()),
                "{name} {digest}"
            );
            let mut changed = document.clone();
            changed[150_000] ^= 1;
            let why = verify(&keys, &changed, &signature).expect_err("it was changed");
            assert!(why.contains("changed after it was signed"), "{why}");
        }
    }
}

#[test]
fn a_signature_by_somebody_else_is_none_and_one_good_one_of_several_is_enough() {
    let place = Place::new();
    let (vendor, other) = (
        Signer::new(place.path(), "vendor", "ed25519"),
        Signer::new(place.path(), "other", "ed25519"),
    );
    let (ours, theirs) = (vendor.sign(b"linux", &[]), other.sign(b"linux", &[]));
    let keys = keyring(&[vendor.public(false)]);
    let why = verify(&keys, b"linux", &theirs).expect_err("nobody knows the key");
    assert!(why.contains("none of the keys given"), "{why}");
    let both = [theirs.clone(), ours].concat();
    assert_eq!(verify(&keys, b"linux", &both), Ok(vendor.fingerprint()));
    let all = keyring(&[vendor.public(true), other.public(false)]);
    assert_eq!(verify(&all, b"linux", &theirs), Ok(other.fingerprint()));
}

#[test]
fn weak_textual_expired_and_revoked_ones_are_refused() {
    let place = Place::new();
    let signer = Signer::new(place.path(), "vendor", "rsa2048");
    let keys = keyring(&[signer.public(false)]);
    let weak = signer.sign(b"linux", &["--digest-algo", "SHA1"]);
    assert!(
        verify(&keys, b"linux", &weak)
            .expect_err("SHA-1")
            .contains("proves nothing any more")
    );
    let text = signer.sign(b"linux", &["--textmode"]);
    assert!(
        verify(&keys, b"linux", &text)
            .expect_err("of a text")
            .contains("no signature of a file")
    );

    let old = Signer::with(
        place.path(),
        "old",
        "rsa2048",
        &["--faked-system-time", "20200101T000000"],
        "20210101T000000",
    );
    let signature = old.sign(b"linux", &[]);
    let why = verify(&keyring(&[old.public(false)]), b"linux", &signature).expect_err("it has expired");
    assert!(why.contains("has expired"), "{why}");

    let good = signer.sign(b"linux", &[]);
    assert_eq!(verify(&keys, b"linux", &good), Ok(signer.fingerprint()));
    signer.revoke();
    let why = verify(&keyring(&[signer.public(false)]), b"linux", &good).expect_err("it was revoked");
    assert!(why.contains("was revoked"), "{why}");
}

#[test]
fn text_that_is_signed_as_it_stands_is_given_out_only_as_it_was_signed() {
    let place = Place::new();
    let (vendor, other) = (
        Signer::new(place.path(), "vendor", "rsa2048"),
        Signer::new(place.path(), "other", "ed25519"),
    );
    let list = "# a list\n- of hashes\nSHA256 (linux) = 00\n";
    let message = String::from_utf8(vendor.clearsign(list.as_bytes())).expect("text");
    let keys = keyring(&[vendor.public(true)]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let (text, signer) = keys.verify_cleartext(&message, now).expect("it is the vendor's");
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        list.lines().collect::<Vec<_>>(),
        "dashes are as they were"
    );
    assert_eq!(signer.fingerprint, vendor.fingerprint());
    let changed = message.replace("= 00", "= 01");
    let why = keys
        .verify_cleartext(&changed, now)
        .expect_err("it was changed")
        .to_string();
    assert!(why.contains("changed after it was signed"), "{why}");
    // What stands around the signed text is not given out as if it were signed.
    for around in [
        format!("SHA256 (linux) = 02\n{message}"),
        format!("{message}SHA256 (linux) = 02\n"),
    ] {
        assert!(keys.verify_cleartext(&around, now).is_err());
    }
    let theirs = String::from_utf8(other.clearsign(list.as_bytes())).expect("text");
    let why = keys
        .verify_cleartext(&theirs, now)
        .expect_err("nobody knows the key")
        .to_string();
    assert!(why.contains("none of the keys given"), "{why}");
}

#[test]
fn keys_that_are_too_short_or_of_a_kind_whose_day_is_over_are_refused() {
    let place = Place::new();
    for kind in ["rsa1024", "dsa2048"] {
        let signer = Signer::new(place.path(), kind, kind);
        let signature = signer.sign(b"linux", &["--digest-algo", "SHA256"]);
        let why = verify(&keyring(&[signer.public(false)]), b"linux", &signature).expect_err(kind);
        assert!(why.contains("proves nothing any more"), "{kind}: {why}");
    }
}

#[test]
fn a_signature_from_the_future_is_refused() {
    let place = Place::new();
    let signer = Signer::with(
        place.path(),
        "later",
        "ed25519",
        &["--faked-system-time", "20900101T000000"],
        "never",
    );
    let signature = signer.sign(b"linux", &[]);
    let why = verify(&keyring(&[signer.public(false)]), b"linux", &signature).expect_err("not yet");
    assert!(why.contains("from the future"), "{why}");
}

#[test]
fn damaged_signatures_and_keys_never_hold_and_never_stop_the_process() {
    let place = Place::new();
    let signer = Signer::new(place.path(), "vendor", "rsa2048");
    signer.add_subkey("ed25519");
    let (key, signature) = (
        fs::read(signer.public(false)).expect("a key"),
        signer.sign(b"linux", &[]),
    );
    let keys = keyring(&[signer.public(false)]);
    let places = noise(7, 4000);
    for pair in places.chunks_exact(2) {
        let mut bad = signature.clone();
        let at = usize::from(u16::from_le_bytes([pair[0], pair[1]])) % bad.len();
        bad[at] ^= 1 << (pair[0] % 8);
        // What nothing protects may change: where the issuer is named a second time, and the two bytes for a quick look.
        if let Ok(found) = verify(&keys, b"linux", &bad) {
            assert_eq!(found, signer.fingerprint());
        }
        assert!(verify(&keys, b"linus", &bad).is_err());
        let mut odd = key.clone();
        let at = usize::from(u16::from_le_bytes([pair[1], pair[0]])) % odd.len();
        odd[at] = odd[at].wrapping_add(pair[1] | 1);
        if let Ok(keys) = Keyring::read(&[("odd".to_owned(), odd)]) {
            assert!(verify(&keys, b"linus", &signature).is_err());
        }
    }
    for end in 0..signature.len() {
        assert!(verify(&keys, b"linux", &signature[..end]).is_err(), "{end}");
    }
    assert!(Keyring::read(&[("empty".to_owned(), Vec::new())]).is_err());
    assert!(Keyring::read(&[("text".to_owned(), b"no key".to_vec())]).is_err());
}

#[test]
fn what_a_key_of_ours_signs_is_good_for_gpg_whatever_the_kind_of_key() {
    let place = Place::new();
    let document = noise(3, 10_000);
    for (name, kind, subkey, passphrase) in [
        ("open", "rsa2048", None, ""),
        ("locked", "ed25519", None, "a phrase"),
        ("subkey", "rsa2048", Some("ed25519"), ""),
    ] {
        let signer = Signer::with(place.path(), name, kind, &["--passphrase", passphrase], "never");
        if let Some(kind) = subkey {
            signer.add_subkey(kind);
        }
        let secret = signer.secret();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
        let key = SigningKey::read(name, &secret, passphrase, now).expect("a key that signs");
        assert_eq!(key.fingerprint(), signer.fingerprint());
        for armoured in [true, false] {
            let signature = key.detached(&document, armoured).expect("a signature");
            assert_eq!(signature.starts_with(b"-----BEGIN PGP SIGNATURE-----"), armoured);
            assert!(signer.takes(&document, &signature), "{name} {armoured}");
            assert!(!signer.takes(&document[1..], &signature), "{name} {armoured}");
        }
        if !passphrase.is_empty() {
            let why = SigningKey::read(name, &secret, "another phrase", now).expect_err("it is locked");
            assert!(why.to_string().contains("does not open"), "{why}");
        }
    }
    let public = fs::read(Signer::new(place.path(), "public", "ed25519").public(true)).expect("a key");
    assert!(SigningKey::read("public", &public, "", 0).is_err());
}
