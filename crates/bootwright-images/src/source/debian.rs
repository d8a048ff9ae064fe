//! Debian's installer for the network, from a mirror: the suite's `Release` is signed and has the hash of the list of the
//! installer's files, which has the hashes of kernel and ramdisk.

use super::at;
use crate::add::Work;
use crate::error::{Error, Result};
use crate::sums;

/// The files of the installer that a machine boots.
const FILES: [&str; 2] = ["linux", "initrd.gz"];

pub(crate) fn add(work: &mut Work<'_>, suite: &str) -> Result<()> {
    let places = work.request.mirrors.clone();
    if places.is_empty() {
        return Err(Error::new("which mirror of Debian is it to come from?")
            .hint("name one, such as `--mirror http://mirror.example.net/debian`"));
    }
    let arch = match work.request.arch.as_deref() {
        None | Some("x86_64") => "amd64",
        Some("aarch64") => "arm64",
        Some(other) => other,
    };
    work.demand_some_proof(&places)?;
    let base = format!("dists/{suite}");
    let release = work.fetcher.document(&at(&places, &format!("{base}/Release")))?;
    if work.has_keys() {
        let signature = work
            .fetcher
            .document(&at(&places, &format!("{base}/Release.gpg")))
            .map_err(|error| error.about(format!("the suite `{suite}` has no signature")))?;
        work.verify_bytes(&release, "Release", &signature)?;
    }
    let release = String::from_utf8_lossy(&release).into_owned();
    let named = |codename: &str| release.lines().any(|line| line == format!("{codename}: {suite}"));
    if !named("Codename") && !named("Suite") {
        return Err(Error::new(format!("the mirror's `{suite}` is another suite")));
    }
    let images = format!("main/installer-{arch}/current/images");
    let expected = sums::find(&release, &format!("{images}/SHA256SUMS"))?;
    let list = work
        .fetcher
        .file(&at(&places, &format!("{base}/{images}/SHA256SUMS")), Some(&expected))?;
    let list = std::fs::read_to_string(&list.path).map_err(|error| Error::io("cannot read", &list.path, &error))?;
    for name in FILES {
        let path = format!("netboot/debian-installer/{arch}/{name}");
        let expected = sums::find(&list, &path)?;
        work.take(&at(&places, &format!("{base}/{images}/{path}")), &expected, name)?;
    }
    let version = release.lines().find_map(|line| line.strip_prefix("Version: "));
    work.version = Some(version.unwrap_or(suite).to_owned());
    Ok(())
}
