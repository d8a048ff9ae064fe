//! The two Composes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::docker;
use crate::debian::Suite;
use crate::scratch::Scratch;
use crate::{process, tree};

/// Which Compose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Composer {
    /// `docker-compose` 1.29 in Python, which Debian 12 has.
    V1,
    /// The current one in Go, which Debian 13 has; it needs nothing but libc.
    V2,
}

impl Composer {
    /// Those that this machine can run, fetched.
    pub(super) fn all() -> Result<Vec<Self>> {
        Self::V2.fetch()?;
        if docker::debian_12()? {
            return Ok(vec![Self::V1, Self::V2]);
        }
        println!("this Debian has no Compose v1 any more: only v2 is tried");
        Ok(vec![Self::V2])
    }

    pub(super) fn named(name: &str) -> Result<Self> {
        match name {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            other => bail!("no Compose is named `{other}`"),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    /// The words of `up`: in the background, with the image that is there. The current one also waits until all is well,
    /// which fails where a service has ended that should run.
    pub(super) fn up(self) -> &'static [&'static str] {
        match self {
            Self::V1 => &["up", "--detach", "--no-build"],
            Self::V2 => &["up", "--detach", "--no-build", "--wait"],
        }
    }

    /// What the lab plays through its container.
    pub(super) fn scenario(self) -> &'static str {
        match self {
            Self::V1 => "bios-vendor",
            Self::V2 => "uefi",
        }
    }

    /// Compose in a project's directory, for a dockerd that listens there.
    pub(super) fn command(self, socket: &Path, project: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            // The project is named for a directory of ours, whatever stands above it.
            .args(["--project-name", PROJECT])
            .args(arguments)
            .current_dir(project);
        command
    }

    fn program(self) -> PathBuf {
        match self {
            Self::V1 => PathBuf::from("/usr/bin/docker-compose"),
            Self::V2 => tree::target().join("lab/compose/docker-compose-v2"),
        }
    }

    fn fetch(self) -> Result<()> {
        let program = self.program();
        if program.exists() {
            return Ok(());
        }
        println!("fetching Compose v2 from Debian 13's package `docker-compose`");
        let place = Scratch::new("compose")?;
        let deb = Suite::open("trixie")?.download("docker-compose", None, place.path())?;
        process::output(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(place.path()))?;
        let unpacked = place.path().join("usr/libexec/docker/cli-plugins/docker-compose");
        fs::copy(&unpacked, &program).with_context(|| format!("cannot copy `{}`", unpacked.display()))?;
        Ok(())
    }
}

/// The project's name, whichever Compose starts it.
pub(super) const PROJECT: &str = "bootwright-lab";

/// A new project's directory: the compose file alone.
pub(super) fn lay_out(project: &Path) -> Result<()> {
    fs::create_dir_all(project)?;
    fs::copy(
        tree::root().join("docker-compose.yml"),
        project.join("docker-compose.yml"),
    )?;
    Ok(())
}

/// The running container of the daemon, by its number; none if it does not run.
pub(super) fn container(socket: &Path) -> Result<Option<String>> {
    let project = format!("label=com.docker.compose.project={PROJECT}");
    let service = "label=com.docker.compose.service=bootwright";
    let listing = process::output(&mut docker::client(
        socket,
        &["ps", "-q", "--filter", &project, "--filter", service],
    ))?;
    Ok(listing.lines().next().map(str::to_owned))
}
