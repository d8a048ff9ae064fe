//! A proof of `cargo xtask firmware --from`, by that very command: where nothing can be fetched, a listed package is enough,
//! and what was tampered with is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::manifest::{Manifest, Package, sha256};
use crate::debian::Suite;
use crate::scratch::Scratch;
use crate::{package, process, tree};

/// Fetches the package that every site needs, unless it lies below `target` from an earlier time, and takes it offline.
pub(crate) fn prove() -> Result<()> {
    if !package::is_root() {
        bail!("the proof runs where there is no network, which only root can make\nrun it again with `sudo`");
    }
    package::need(&[("apt-get", "apt"), ("dpkg-deb", "dpkg"), ("unshare", "util-linux")])?;
    let manifest = Manifest::load(&tree::root().join("firmware/manifest.toml"))?;
    let package = manifest
        .chosen(None)?
        .into_iter()
        .find(|package| !package.optional)
        .context("the manifest lists no package that every site needs")?;
    let deb = cached(package)?;
    let place = Scratch::new("offline")?;
    let loose = place.path().join("loose");
    process::output(
        Command::new("dpkg-deb")
            .arg("--extract")
            .arg(&deb)
            .arg(place.path().join("package")),
    )?;
    fs::create_dir(&loose)?;
    for file in &package.files {
        fs::copy(place.path().join("package").join(&file.path), loose.join(&file.name))?;
    }

    for (number, from) in [&deb, &loose].into_iter().enumerate() {
        let into = place.path().join(format!("into-{number}"));
        let said = offline(from, &into)?;
        ensure!(
            said.status.success(),
            "`--from {}` failed:\n{}",
            from.display(),
            said.text
        );
        for file in &package.files {
            let found = sha256(&fs::read(into.join(&file.name))?);
            ensure!(found == file.sha256, "`{}` was installed with other bytes", file.name);
        }
    }

    let tampered = place.path().join("tampered.deb");
    spoil(&deb, &tampered)?;
    refused(
        &tampered,
        place.path(),
        &["is none of the packages", "firmware/manifest.toml"],
    )?;
    let first = package.files.first().context("a package of files")?;
    spoil(&loose.join(&first.name), &loose.join(&first.name))?;
    refused(
        &loose,
        place.path(),
        &[&first.name, "is not as the manifest says", &first.sha256],
    )?;
    println!(
        "{} {} is taken offline, from the package and from its files",
        package.name, package.version
    );
    println!("2 passed, 0 failed");
    Ok(())
}

/// Where the package lies as it was fetched.
fn cached(package: &Package) -> Result<PathBuf> {
    let directory = tree::target().join("firmware");
    fs::create_dir_all(&directory)?;
    let kept = directory.join(format!("{}.deb", package.sha256));
    if !kept.exists() {
        let place = Scratch::new("firmware")?;
        let deb = Suite::open(&package.suite)?.download(&package.name, Some(&package.version), place.path())?;
        fs::copy(deb, &kept)?;
    }
    Ok(kept)
}

/// What the command did.
struct Said {
    status: std::process::ExitStatus,
    text: String,
}

/// Runs the command in a network of its own, which has no interface but a loopback device that is down, and no route.
fn offline(from: &Path, into: &Path) -> Result<Said> {
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--"])
        .arg(std::env::current_exe()?)
        .args(["firmware", "--from"])
        .arg(from)
        .arg("--into")
        .arg(into);
    let done = command
        .output()
        .with_context(|| format!("cannot start `{}`", process::line(&command)))?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    Ok(Said {
        status: done.status,
        text,
    })
}

/// The command says these words, fails, and installs nothing.
fn refused(from: &Path, place: &Path, words: &[&str]) -> Result<()> {
    let into = place.join("refused");
    let said = offline(from, &into)?;
    ensure!(
        !said.status.success(),
        "what was tampered with is taken:\n{}",
        said.text
    );
    for word in words {
        ensure!(
            said.text.contains(word),
            "the refusal does not say `{word}`:\n{}",
            said.text
        );
    }
    ensure!(!into.exists(), "something of what was refused is installed");
    Ok(())
}

/// A copy with one bit changed, in the middle.
fn spoil(from: &Path, to: &Path) -> Result<()> {
    let mut bytes = fs::read(from)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Ok(fs::write(to, bytes)?)
}
