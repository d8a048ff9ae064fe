//! The image, built as anybody would build it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::base;
use super::docker::{Docker, Images};
use crate::{process, tree};

/// The name that `docker-compose.yml` starts.
const NAME: &str = "bootwright:latest";
/// Nobody wants to carry more than this to a box without a network.
const BYTES_MAX: u64 = 80_000_000;

/// Where the image is kept for those who start it.
pub(super) fn archive() -> PathBuf {
    tree::target().join("lab/compose/bootwright.tar")
}

/// Builds the image and saves it.
pub(super) fn build(place: &Path) -> Result<()> {
    let docker = Docker::start(place, Images::Build)?;
    let base = base::name()?;
    if process::output(&mut docker.client(&["image", "inspect", &base])).is_err() {
        process::output(docker.client(&["import"]).arg(base::archive()).arg(&base))?;
    }
    // There is no bridge here, so the build uses the machine's own network.
    let mut command = docker.client(&["build", "--network=host", "--tag", NAME]);
    for name in ["http_proxy", "https_proxy", "no_proxy"] {
        if let Ok(value) = std::env::var(name) {
            command.arg("--build-arg").arg(format!("{name}={value}"));
        }
    }
    process::run_apart(command.arg(tree::root()))?;
    let size = process::output(&mut docker.client(&["image", "inspect", "--format={{.Size}}", NAME]))?;
    let bytes: u64 = size.trim().parse()?;
    println!("        the image has {} MB", bytes / 1_000_000);
    anyhow::ensure!(bytes <= BYTES_MAX, "the image has {bytes} bytes, at most {BYTES_MAX}");
    process::output(docker.client(&["save", "--output"]).arg(archive()).arg(NAME))?;
    // What earlier builds left over would fill the disk in the end. What is younger serves the next build.
    process::output(&mut docker.client(&["image", "prune", "--force", "--filter", "until=24h"]))?;
    Ok(())
}
