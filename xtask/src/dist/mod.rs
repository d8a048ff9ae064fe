//! `cargo xtask dist`: one static binary, and a Debian package around it.

mod package;
pub(crate) mod proof;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{package as tools, process, tree};

/// What to make.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// For machines of this architecture
    #[arg(long, value_enum, default_value = "amd64")]
    arch: Arch,
    /// Pack this binary instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// An architecture, as Debian calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit ARM, by a cross compiler; it takes the standard library of that target (`rustup target add`).
    Arm64,
}

impl Arch {
    const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The target, as cargo calls it.
    const fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

/// Builds the binary and the package, and says where they are.
pub(crate) fn run(args: &Args) -> Result<()> {
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => build(args.arch)?,
    };
    let package = package::make(&binary, args.arch)?;
    println!("{}\n{}", binary.display(), package.display());
    Ok(())
}

/// Everything of this task lies here, apart from the ordinary build, which stays as warm as it is.
pub(crate) fn directory() -> PathBuf {
    tree::target().join("dist")
}

/// Builds the release with the C library in it. With a target named, the option does not reach build scripts.
pub(crate) fn build(arch: Arch) -> Result<PathBuf> {
    let target = arch.target();
    let mut cargo = tree::cargo();
    cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "bootwright",
            "--target",
            target,
        ])
        .env("CARGO_TARGET_DIR", directory())
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "none")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    if arch == Arch::Arm64 {
        tools::need(&[("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")])?;
        cargo
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
            .env("CC_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-gcc");
    }
    process::run(&mut cargo).context("cannot build the static binary")?;
    let binary = directory().join(target).join("release/bootwright");
    demand_static(&binary)?;
    Ok(binary)
}

/// A program that asks for a loader is not static, whatever it was built with.
fn demand_static(binary: &Path) -> Result<()> {
    tools::need(&[("readelf", "binutils")])?;
    let headers = process::output(
        Command::new("readelf")
            .args(["--program-headers", "--wide"])
            .arg(binary),
    )?;
    anyhow::ensure!(
        !headers.contains("INTERP"),
        "`{}` asks for a loader: it is not static",
        binary.display()
    );
    Ok(())
}
