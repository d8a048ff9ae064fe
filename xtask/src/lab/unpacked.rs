//! Packages whose content the lab uses without installing them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// Downloads a package and unpacks it into `directory`. apt verifies it; nothing on this machine changes.
pub(crate) fn unpack(package: &str, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let options = ["-o", "APT::Sandbox::User=root", "download", package];
    process::output(Command::new("apt-get").args(options).current_dir(directory))
        .with_context(|| format!("cannot download Debian's package `{package}`\nrun `apt-get update`"))?;
    let archive = fs::read_dir(directory)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("`apt-get download {package}` left no package behind"))?;
    process::output(Command::new("dpkg-deb").arg("-x").args([&archive, directory]))?;
    Ok(fs::remove_file(archive)?)
}
