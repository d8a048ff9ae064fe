//! Debian's own installer, as its netboot package holds it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::debian::Suite;
use crate::process;

/// The suite that has the package.
const SUITE: &str = "bookworm";
const PACKAGE: &str = "debian-installer-12-netboot-amd64";
/// Where the installer for a plain console lies in it.
const WITHIN: &str = "usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";

/// The files of it, under the names that the lab serves them by.
pub(super) const FILES: [(&str, &str); 2] = [("linux", "debian-linux"), ("initrd.gz", "debian-initrd.gz")];

/// Puts kernel and initial ramdisk among the lab's parts, unless they are there.
pub(super) fn prepare(cache: &Path, parts: &Path) -> Result<()> {
    if FILES.iter().all(|(_, name)| parts.join(name).exists()) {
        return Ok(());
    }
    let root = cache.join("debian-installer");
    fs::create_dir_all(&root)?;
    let package = Suite::open(SUITE)?.download(PACKAGE, None, &root)?;
    process::output(Command::new("dpkg-deb").arg("-x").args([&package, &root]))?;
    for (name, own) in FILES {
        let from = root.join(WITHIN).join(name);
        fs::rename(&from, parts.join(own)).with_context(|| format!("`{PACKAGE}` has no `{WITHIN}/{name}`"))?;
    }
    // The rest is a quarter of a gigabyte that nobody needs.
    Ok(fs::remove_dir_all(root)?)
}
