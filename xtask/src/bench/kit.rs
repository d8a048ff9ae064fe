//! What is measured and what measures: built and installed before anything starts.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{package, process, tree};

/// Every program that the benchmark needs, with the Debian package that brings it.
const NEEDED: [(&str, &str); 14] = [
    ("cc", "gcc"),
    ("/usr/include/stdlib.h", "libc6-dev"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("prlimit", "util-linux"),
    ("timeout", "coreutils"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("dnsmasq", "dnsmasq-base"),
    ("nginx", "nginx"),
    ("kea-dhcp4", "kea-dhcp4-server"),
    ("perfdhcp", "kea-admin"),
    ("dpkg-deb", "dpkg"),
];

/// TFTP servers exclude each other as packages, so each is unpacked beside the system: the package and its program.
pub(super) const UNPACKED: [(&str, &str); 2] = [("tftpd-hpa", "usr/sbin/in.tftpd"), ("atftpd", "usr/sbin/atftpd")];

/// What both of them link.
const WRAPPERS: &str = "libwrap.so.0";

/// The programs of ours.
pub(super) struct Kit {
    /// The product.
    pub(super) bootwright: PathBuf,
    /// The clients.
    pub(super) generator: PathBuf,
    /// What makes a store with many hosts.
    pub(super) store_maker: PathBuf,
}

impl Kit {
    /// Installs and builds what is missing.
    pub(super) fn prepare() -> Result<()> {
        package::need(&NEEDED)?;
        let wrappers = format!("/usr/lib/{}-linux-gnu/{WRAPPERS}", std::env::consts::ARCH);
        package::need(&[(&wrappers, "libwrap0")])?;
        for (package, program) in UNPACKED {
            unpack(package, program)?;
        }
        // Together, so that both are built from the same libraries.
        let release = ["build", "--release", "--locked"];
        let ours = [
            "--package",
            "bootwright",
            "--bin",
            "bootwright",
            "--example",
            "load_generator",
        ];
        process::run(tree::cargo().args(release).args(ours))?;
        process::run(
            tree::cargo()
                .args(release)
                .args(["--package", "bootwright-store", "--example", "load"]),
        )
    }

    /// Where `prepare` put them.
    pub(super) fn open() -> Self {
        let release = tree::target().join("release");
        Kit {
            bootwright: release.join("bootwright"),
            generator: release.join("examples/load_generator"),
            store_maker: release.join("examples/load"),
        }
    }
}

/// Where a package is unpacked.
pub(super) fn unpacked(package: &str) -> PathBuf {
    tree::target().join("bench").join(package)
}

fn unpack(package: &str, program: &str) -> Result<()> {
    let directory = unpacked(package);
    if directory.join(program).exists() {
        return Ok(());
    }
    std::fs::create_dir_all(&directory)?;
    process::output(
        Command::new("apt-get")
            .current_dir(&directory)
            .args(["download", package]),
    )
    .with_context(|| format!("cannot download the package `{package}`"))?;
    let deb = std::fs::read_dir(&directory)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("`apt-get download {package}` left no package"))?;
    process::output(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(&directory)).map(drop)
}
