//! Flatcar: a channel says its newest version, and each file of a version has a signature beside it.
//!
//! The installer on the machine fetches the image for the disk from `<base>/<version>/…` with its signature, so the files keep
//! that layout. The kernel and its ramdisk are there without the version, too, for profiles that need not change with it.

use super::at;
use crate::add::Work;
use crate::digest::Expected;
use crate::error::{Error, Result};
use crate::path::EntryPath;
use crate::sums;

/// The files of a version that a machine boots and installs from.
const FILES: [&str; 3] = [
    "flatcar_production_pxe.vmlinuz",
    "flatcar_production_pxe_image.cpio.gz",
    "flatcar_production_image.bin.bz2",
];

pub(crate) fn add(work: &mut Work<'_>, word: &str) -> Result<()> {
    let board = match work.request.arch.as_deref() {
        None | Some("x86_64" | "amd64" | "amd64-usr") => "amd64-usr",
        Some("aarch64" | "arm64" | "arm64-usr") => "arm64-usr",
        Some(other) => {
            return Err(Error::new(format!(
                "Flatcar has no architecture `{other}`, but amd64 and arm64"
            )));
        }
    };
    let is_version = word.starts_with(|c: char| c.is_ascii_digit());
    let channel = if is_version { "stable" } else { word };
    let places = if work.request.mirrors.is_empty() {
        vec![format!("https://{channel}.release.flatcar-linux.net/{board}")]
    } else {
        work.request.mirrors.clone()
    };
    work.demand_some_proof(&places)?;
    let directory = if is_version { word } else { "current" };
    let text = work
        .fetcher
        .document(&at(&places, &format!("{directory}/version.txt")))?;
    let version = version(&text).ok_or_else(|| Error::new(format!("`{word}` does not say its version")))?;
    if is_version && version != word {
        return Err(Error::new(format!("version `{word}` says that it is `{version}`")));
    }
    work.step(format!("`{word}` is version {version}"));
    for name in FILES {
        let urls = at(&places, &format!("{version}/{name}"));
        let path = EntryPath::file(&format!("{version}/{name}"))?;
        let beside = at(&places, &format!("{version}/{name}.sig"));
        // The installer on the machine wants it, whether there are keys here or not.
        let signature = work
            .fetcher
            .document(&beside)
            .map_err(|error| error.about(format!("`{name}` has no signature")))?;
        let expected = digests(work, &places, &version, name);
        let fetched = work.fetcher.file(&urls, expected.as_ref())?;
        work.verify_file(&fetched.path, name, &signature)?;
        work.stage.adopt(&path, &fetched.path)?;
        let path_of_signature = EntryPath::file(&format!("{version}/{name}.sig"))?;
        work.stage.add(&path_of_signature, &mut signature.as_slice())?;
        if name.contains("_pxe") {
            work.stage.alias(&EntryPath::file(name)?, &path)?;
        }
    }
    work.stage.add(&EntryPath::file("version.txt")?, &mut text.as_slice())?;
    work.version = Some(version);
    Ok(())
}

/// The hash in the file's `DIGESTS`, if there is such a file: it tells a broken download before its signature is looked at.
fn digests(work: &Work<'_>, places: &[String], version: &str, name: &str) -> Option<Expected> {
    let text = work
        .fetcher
        .document(&at(places, &format!("{version}/{name}.DIGESTS")))
        .ok()?;
    sums::find(&String::from_utf8_lossy(&text), name).ok()
}

fn version(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let found = text.lines().find_map(|line| line.strip_prefix("FLATCAR_VERSION="))?;
    let found = found.trim().trim_matches('"');
    let fits = !found.is_empty()
        && !found.starts_with('.')
        && found
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'));
    fits.then(|| found.to_owned())
}
