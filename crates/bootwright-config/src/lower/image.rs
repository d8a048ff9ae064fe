//! `[images.<name>]`: where `bootwright image add <name>` takes an image from. The daemon itself fetches nothing.

use std::collections::BTreeMap;

use super::secret::beside;
use crate::finding::Findings;
use crate::node::{At, Entry, Table};
use crate::section::Section;

/// Where an image comes from, and what has to prove it: the options of `bootwright image add`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// A path, one or more URLs, or a vendor's stream such as `fcos:stable`.
    pub source: Vec<String>,
    /// Further places with the same files.
    pub mirrors: Vec<String>,
    /// Files of public keys, one of which must have signed it.
    pub keys: Vec<String>,
    /// Where the signature is, if not beside the file.
    pub signature: Option<String>,
    /// A list of hashes.
    pub sums: Option<String>,
    /// The SHA-256 or SHA-512 of the file, in hexadecimal digits.
    pub hash: Option<String>,
    /// The architecture, as the vendor calls it.
    pub arch: Option<String>,
    /// Whether an archive stays beside what was unpacked from it.
    pub keep: bool,
    /// Whether what nothing proves is taken.
    pub unverified: bool,
    /// The most bytes of all files together, in GiB.
    pub max_size: Option<u32>,
}

pub(super) fn lower(root: &Table, findings: &mut Findings) -> BTreeMap<String, Image> {
    let Some(section) = Section::of(root, "images", findings) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (name, entry) in section.entries() {
        // The rule is that of directories below `images/`.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = name.len() <= 64
            && name.starts_with(plain)
            && name.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'));
        if !fits {
            let message = format!("`{}` is no name of an image", name.escape_debug());
            findings.error(&entry.key, message).hint =
                Some("up to 64 of `a-z`, `0-9`, `.`, `_` and `-`, beginning with a letter or a digit".to_owned());
            continue;
        }
        if let Some(image) = image(section.key(name), entry, findings) {
            found.insert(name.clone(), image);
        }
    }
    found
}

fn image(key: String, entry: &Entry, findings: &mut Findings) -> Option<Image> {
    let mut table = Section::new(key, entry, findings);
    let source = table.texts("source", "fcos:stable", findings);
    let mirrors = table.texts("mirrors", "https://mirror.example.net/debian", findings);
    let keys = table.texts("keys", "keys/vendor.asc", findings);
    let signature = table.text("signature", "SHA256SUMS.gpg", findings);
    let sums = table.text("sums", "https://mirror.example.net/SHA256SUMS", findings);
    let sha256 = hash(&mut table, "sha256", 64, findings);
    let sha512 = hash(&mut table, "sha512", 128, findings);
    let image = Image {
        source: paths(&source, findings),
        mirrors: mirrors.iter().map(|(url, _)| (*url).to_owned()).collect(),
        keys: paths(&keys, findings),
        signature: signature.map(|(place, at)| path(place, at, findings)),
        sums: sums.map(|(place, at)| path(place, at, findings)),
        hash: sha256.or(sha512),
        arch: table.text("arch", "aarch64", findings).map(|(arch, _)| arch.to_owned()),
        keep: table.bool("keep", findings).unwrap_or_default(),
        unverified: table.bool("unverified", findings).unwrap_or_default(),
        max_size: table.number("max_size", 1, 65_536, findings),
    };
    let name = table.name.clone();
    table.finish(findings);
    if image.source.is_empty() {
        let message = format!("`{name}` needs `source`: where the image comes from");
        findings.error(&entry.key, message).hint =
            Some("a path, URLs, `fcos:STREAM`, `flatcar:CHANNEL` or `debian:SUITE`".to_owned());
        return None;
    }
    Some(image)
}

fn hash(table: &mut Section<'_>, key: &'static str, digits: usize, findings: &mut Findings) -> Option<String> {
    let (text, at) = table.text(key, &"0".repeat(digits), findings)?;
    if text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_owned());
    }
    findings.error(
        at,
        format!("`{}` must have {digits} hexadecimal digits", table.key(key)),
    );
    None
}

fn paths(places: &[(&str, &At)], findings: &Findings) -> Vec<String> {
    places.iter().map(|(place, at)| path(place, at, findings)).collect()
}

/// A place as it stands, or the file beside the one that names it: what has a scheme is no path.
fn path(place: &str, at: &At, findings: &Findings) -> String {
    if place.split('/').next().is_some_and(|first| first.contains(':')) {
        return place.to_owned();
    }
    beside(place, at, findings)
}
