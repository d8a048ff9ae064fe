//! The base image, made from Debian packages under the name that the Dockerfile asks for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{debian, process, tree};

/// The suite of the base image.
const SUITE: &str = "trixie";
/// Certificates that the administrator of this machine trusts in addition, for instance of a proxy that all fetching
/// goes through. What is built in the image has to trust them too.
const LOCAL_TRUST: &str = "/usr/local/share/ca-certificates";

/// Where the base image's files are kept, as a tar archive.
pub(super) fn archive() -> PathBuf {
    tree::target().join(format!("lab/compose/{SUITE}.tar"))
}

/// The name of the base image, as the Dockerfile has it.
pub(super) fn name() -> Result<String> {
    let file = fs::read_to_string(tree::root().join("Dockerfile")).context("cannot read the Dockerfile")?;
    base_of(&file)
        .map(str::to_owned)
        .context("the Dockerfile has no line `ARG DEBIAN=`")
}

fn base_of(dockerfile: &str) -> Option<&str> {
    dockerfile.lines().find_map(|line| line.strip_prefix("ARG DEBIAN="))
}

/// Makes the archive, unless an earlier run has.
pub(super) fn prepare() -> Result<()> {
    let archive = archive();
    if archive.exists() {
        return Ok(());
    }
    println!("making the base image of Debian's {SUITE} from packages");
    let unfinished = archive.with_extension("part.tar");
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--quiet"]);
    if Path::new(LOCAL_TRUST).is_dir() {
        command.arg(format!("--customize-hook=mkdir -p \"$1{LOCAL_TRUST}\""));
        command.arg(format!("--customize-hook=cp -r {LOCAL_TRUST}/. \"$1{LOCAL_TRUST}\""));
    }
    command.arg(SUITE).arg(&unfinished).arg(debian::source_line(SUITE)?);
    process::output(&mut command).context("cannot make the base image")?;
    fs::rename(unfinished, archive)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dockerfile_names_its_base_once() {
        let text = fs::read_to_string(tree::root().join("Dockerfile")).unwrap();
        assert_eq!(base_of(&text), Some(format!("debian:{SUITE}-slim").as_str()));
        let stages: Vec<_> = text.lines().filter(|line| line.starts_with("FROM ")).collect();
        assert_eq!(stages, ["FROM ${DEBIAN} AS builder", "FROM scratch"]);
    }
}
