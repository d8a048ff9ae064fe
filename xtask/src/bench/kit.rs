//! What is measured and what measures: built and installed before anything starts.

use std::path::PathBuf;

use anyhow::Result;

use crate::{package, process, tree};

/// Every program that the benchmark needs, with the Debian package that brings it.
const NEEDED: [(&str, &str); 12] = [
    ("cc", "gcc"),
    ("/usr/include/stdlib.h", "libc6-dev"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("dnsmasq", "dnsmasq-base"),
    ("in.tftpd", "tftpd-hpa"),
    ("atftpd", "atftpd"),
    ("nginx", "nginx-core"),
    ("dpkg-query", "dpkg"),
];

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
        let release = ["build", "--release", "--locked"];
        process::run(
            tree::cargo()
                .args(release)
                .args(["--package", "bootwright", "--bin", "bootwright"]),
        )?;
        process::run(
            tree::cargo()
                .args(release)
                .args(["--package", "bootwright", "--example", "load_generator"]),
        )?;
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
