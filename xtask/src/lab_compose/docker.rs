//! dockerd, started by hand: its own directories and socket, no bridge, no packet filter rules.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::image;
use crate::{process, tree};

/// The client. By its path, since something else of that name may come first in `PATH`.
const CLIENT: &str = "/usr/bin/docker";
/// How long dockerd may take to answer on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The tools of the container's lab.
pub(super) fn needed() -> Result<&'static [(&'static str, &'static str)]> {
    // Debian 12 has the client in `docker.io`, later ones have a package of it.
    if debian_12()? {
        return Ok(&[
            ("dockerd", "docker.io"),
            (CLIENT, "docker.io"),
            ("/usr/bin/docker-compose", "docker-compose"),
            ("mmdebstrap", "mmdebstrap"),
            ("dpkg-deb", "dpkg"),
            ("unshare", "util-linux"),
            ("ip", "iproute2"),
        ]);
    }
    Ok(&[
        ("dockerd", "docker.io"),
        (CLIENT, "docker-cli"),
        ("mmdebstrap", "mmdebstrap"),
        ("dpkg-deb", "dpkg"),
        ("unshare", "util-linux"),
        ("ip", "iproute2"),
    ])
}

/// Whether this is the last Debian with Compose v1.
pub(super) fn debian_12() -> Result<bool> {
    let release = fs::read_to_string("/etc/os-release").context("cannot read `/etc/os-release`")?;
    Ok(release.lines().any(|line| line == "VERSION_CODENAME=bookworm"))
}

/// Which images a dockerd has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Images {
    /// Those that building needs, kept from one run to the next. Nothing is ever started from them: dockerd starts the
    /// containers of its last life again, and building happens on the machine's own network.
    Build,
    /// None, until one is loaded; what the last run left is removed.
    Run,
}

/// A dockerd that runs as long as this value lives.
pub(super) struct Docker {
    process: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Docker {
    /// Starts it in the namespaces that this process is in, and waits until it answers. Its sockets and the state of
    /// its containers go to `place`.
    pub(super) fn start(place: &Path, images: Images) -> Result<Self> {
        let home = tree::target().join("lab/compose");
        let data = match images {
            Images::Build => home.join("build"),
            Images::Run => home.join("run"),
        };
        if images == Images::Run && data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("cannot empty `{}`", data.display()))?;
        }
        fs::create_dir_all(&data)?;
        hide_containerd()?;
        let (socket, log) = (socket(place), home.join("dockerd.log"));
        let mut command = Command::new("dockerd");
        command
            .arg("--data-root")
            .arg(&data)
            .arg("--exec-root")
            .arg(place.join("exec"))
            .arg("--pidfile")
            .arg(place.join("pid"))
            .arg("--host")
            .arg(format!("unix://{}", socket.display()))
            .args([
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--ip-forward=false",
                "--ip-masq=false",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let process = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", process::line(&command)))?;
        let mut docker = Self { process, socket, log };
        docker.wait()?;
        Ok(docker)
    }

    /// The client, talking to this dockerd.
    pub(super) fn client(&self, arguments: &[&str]) -> Command {
        client(&self.socket, arguments)
    }

    /// Loads the image that was built.
    pub(super) fn load_image(&self) -> Result<()> {
        process::output(self.client(&["load", "--quiet", "--input"]).arg(image::archive())).map(drop)
    }

    /// Its socket.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            let Err(error) = process::output(&mut self.client(&["version"])) else {
                return Ok(());
            };
            let ended = self.process.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(&self.log).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(20).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                bail!(
                    "dockerd does not answer: {error:#}\nits last lines:\n{}",
                    last.join("\n")
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // Asked to end, so that it writes down what it has; all that it started ends with the namespace at the latest.
        let asked = process::output(Command::new("kill").arg(self.process.id().to_string()));
        if asked.is_err() || self.process.wait().is_err() {
            let _ = self.process.kill();
        }
    }
}

/// Where a dockerd listens whose place this is.
pub(super) fn socket(place: &Path) -> PathBuf {
    place.join("docker.sock")
}

/// The client for a dockerd that listens there.
pub(super) fn client(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(CLIENT);
    command
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .args(arguments);
    command
}

/// A machine with Docker has a containerd running, which dockerd would use, and which runs containers in the machine's
/// own network. In our mounts its directory is empty, so dockerd starts one of its own.
fn hide_containerd() -> Result<()> {
    let directory = Path::new("/run/containerd");
    if directory.exists() {
        process::output(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", "mode=711", "none"])
                .arg(directory),
        )?;
    }
    Ok(())
}
