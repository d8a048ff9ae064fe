//! The Debian package, put together by `dpkg-deb`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Arch, directory};
use crate::scratch::Scratch;
use crate::{package as tools, process, tree};

/// Files of the package, with the places where they go.
const FILES: &[(&str, &str)] = &[
    (
        "usr/lib/systemd/system/bootwright.service",
        include_str!("files/bootwright.service"),
    ),
    (
        "usr/lib/sysusers.d/bootwright.conf",
        include_str!("files/bootwright.sysusers"),
    ),
    (
        "usr/lib/tmpfiles.d/bootwright.conf",
        include_str!("files/bootwright.tmpfiles"),
    ),
    (
        "usr/share/doc/bootwright/README.Debian",
        include_str!("files/README.Debian"),
    ),
    ("usr/share/doc/bootwright/copyright", include_str!("files/copyright")),
    (
        "usr/share/lintian/overrides/bootwright",
        "# It runs on any Linux; what it is linked with is in Cargo.lock.\nbootwright: statically-linked-binary\n",
    ),
];

/// What dpkg runs.
const SCRIPTS: &[(&str, &str)] = &[
    ("postinst", include_str!("files/postinst")),
    ("prerm", include_str!("files/prerm")),
    ("postrm", include_str!("files/postrm")),
];

/// Files of the source tree, with the places where they go.
const OF_THE_TREE: &[(&str, &str)] = &[
    ("config/config.toml", "etc/bootwright/config.toml"),
    ("LICENSE-APACHE", "usr/share/doc/bootwright/LICENSE-APACHE"),
    ("LICENSE-MIT", "usr/share/doc/bootwright/LICENSE-MIT"),
    ("docs/operating.md", "usr/share/doc/bootwright/operating.md"),
    ("docs/configuration.md", "usr/share/doc/bootwright/configuration.md"),
    ("docs/store.md", "usr/share/doc/bootwright/store.md"),
];

/// Where each shell looks for completions.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "usr/share/bash-completion/completions/bootwright"),
    ("zsh", "usr/share/zsh/vendor-completions/_bootwright"),
    ("fish", "usr/share/fish/vendor_completions.d/bootwright.fish"),
];

/// Makes the package around a binary for this architecture, and returns where it is. Pages and completions come from a binary
/// that runs here: that one, or else the one of this machine that cargo has built.
pub(super) fn make(binary: &Path, arch: Arch) -> Result<PathBuf> {
    tools::need(&[("dpkg-deb", "dpkg"), ("gzip", "gzip")])?;
    let scratch = Scratch::new("deb")?;
    let root = scratch.path().join("root");
    install(
        &root.join("usr/bin/bootwright"),
        &fs::read(binary).context("cannot read the binary")?,
        0o755,
    )?;
    for (place, text) in FILES {
        install(&root.join(place), text.as_bytes(), 0o644)?;
    }
    for (from, place) in OF_THE_TREE {
        let from = tree::root().join(from);
        let content = fs::read(&from).with_context(|| format!("cannot read `{}`", from.display()))?;
        install(&root.join(place), &content, 0o644)?;
    }
    firmware(&root)?;
    let runs_here = if arch == Arch::Amd64 {
        binary.to_owned()
    } else {
        super::build(Arch::Amd64)?
    };
    said_by(&runs_here, &root)?;
    compressed(
        &root.join("usr/share/doc/bootwright/changelog.gz"),
        &fs::read(tree::root().join("CHANGELOG.md"))?,
    )?;
    let version = process::output(Command::new(&runs_here).arg("version"))?;
    let version = version.trim().trim_start_matches("bootwright ").to_owned();
    control(&root, &version, arch)?;
    let package = directory().join(format!("bootwright_{version}_{}.deb", arch.name()));
    fs::create_dir_all(directory())?;
    process::output(
        Command::new("dpkg-deb")
            .args(["--root-owner-group", "-Zxz", "--build"])
            .arg(&root)
            .arg(&package),
    )
    .context("cannot make the package")?;
    Ok(package)
}

/// Boot programs, where somebody has fetched them (`cargo xtask firmware`), with their list and their licence.
fn firmware(root: &Path) -> Result<()> {
    let directory = tree::root().join("firmware");
    for entry in fs::read_dir(&directory).context("cannot read `firmware/`")? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            install(
                &root.join("usr/share/bootwright/firmware").join(name),
                &fs::read(&path)?,
                0o644,
            )?;
        }
    }
    Ok(())
}

/// Completions and pages of the manual, as the program itself gives them.
fn said_by(binary: &Path, root: &Path) -> Result<()> {
    for (shell, place) in COMPLETIONS {
        let text = process::output(Command::new(binary).args(["completions", shell]))?;
        install(&root.join(place), text.as_bytes(), 0o644)?;
    }
    let pages = Scratch::new("man")?;
    process::output(Command::new(binary).arg("man").arg(pages.path()))?;
    for entry in fs::read_dir(pages.path())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        compressed(&root.join(format!("usr/share/man/man1/{name}.gz")), &fs::read(&path)?)?;
    }
    Ok(())
}

fn control(root: &Path, version: &str, arch: Arch) -> Result<()> {
    let kibibytes = size(root)?.div_ceil(1024).to_string();
    let text = include_str!("files/control")
        .replace("@VERSION@", version)
        .replace("@ARCH@", arch.name())
        .replace("@SIZE@", &kibibytes);
    let debian = root.join("DEBIAN");
    install(&debian.join("control"), text.as_bytes(), 0o644)?;
    install(&debian.join("conffiles"), b"/etc/bootwright/config.toml\n", 0o644)?;
    for (name, text) in SCRIPTS {
        install(&debian.join(name), text.as_bytes(), 0o755)?;
    }
    Ok(())
}

fn size(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() {
            size(&entry.path())?
        } else {
            about.len()
        };
    }
    Ok(bytes)
}

fn install(place: &Path, content: &[u8], mode: u32) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let parent = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent)?;
        fs::write(place, content)?;
        fs::set_permissions(place, fs::Permissions::from_mode(mode))
    };
    write().with_context(|| format!("cannot write `{}`", place.display()))
}

/// Compressed without name and time, so that the same content is the same file.
fn compressed(place: &Path, content: &[u8]) -> Result<()> {
    let plain = place.with_extension("");
    install(&plain, content, 0o644)?;
    process::output(
        Command::new("gzip")
            .args(["--best", "--no-name", "--force"])
            .arg(&plain),
    )?;
    Ok(())
}
