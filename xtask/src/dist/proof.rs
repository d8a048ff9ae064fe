//! What `dist` makes, tried: the binary where there is nothing else, the package in a Debian of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::{Arch, build, package};
use crate::scratch::Scratch;
use crate::{debian, package as tools, process};

/// The suite in which the package is installed.
const SUITE: &str = "trixie";

/// How much of the system the service may reach, in tenths, as `systemd-analyze security` counts.
const EXPOSURE_MAX: &str = "18";

/// Builds the binary and the package, and tries both.
pub(crate) fn prove() -> Result<()> {
    ensure!(tools::is_root(), "this takes root: it uses chroot and namespaces");
    tools::need(&[
        ("mmdebstrap", "mmdebstrap"),
        ("systemd-analyze", "systemd"),
        ("unshare", "util-linux"),
        ("ip", "iproute2"),
    ])?;
    let binary = build(Arch::Amd64)?;
    alone(&binary)?;
    unit()?;
    let package = package::make(&binary, Arch::Amd64)?;
    installed(&package)?;
    println!("{} is proven", package.display());
    Ok(())
}

/// The binary in a root directory with nothing else in it: it answers and checks. With the kernel's `/proc` it serves.
fn alone(binary: &Path) -> Result<()> {
    let root = Scratch::new("empty-root")?;
    fs::copy(binary, root.path().join("bootwright"))?;
    fs::write(
        root.path().join("config.toml"),
        "[server]\nhttp = \":18080\"\n[dhcp]\nmode = \"observe\"\n",
    )?;
    let inside = |words: &[&str]| {
        let mut command = Command::new("chroot");
        command.arg(root.path()).arg("/bootwright").args(words);
        command
    };
    let version = process::output(&mut inside(&["version"]))?;
    ensure!(version.starts_with("bootwright "), "`version` says `{version}`");
    process::output(&mut inside(&["--config", "/config.toml", "check"]))?;
    println!("in an empty root directory: {}", version.trim());
    let mut serving = Serving::start(root.path())?;
    serving.wait_until_ready()?;
    let socket = ["--socket", "/control.sock"];
    // Not ready by its own words, since no interface is there to serve; that it answers is what counts.
    let said = inside(&[&socket[..], &["--json", "status"]].concat()).output()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    ensure!(text.contains("\"mode\":\"observe\""), "`status` says `{text}`");
    println!("it serves there");
    Ok(())
}

/// A daemon in an empty root directory and a network of its own. It ends with this value.
struct Serving(Child);

impl Serving {
    fn start(root: &Path) -> Result<Self> {
        // The kernel tells which start of it this is by /proc alone.
        let script = "mkdir -p \"$0/proc\" && mount -t proc proc \"$0/proc\" && ip link set lo up && \
                      exec chroot \"$0\" /bootwright --config /config.toml --data-dir /data --socket /control.sock serve";
        let child = Command::new("unshare")
            .args(["--net", "--mount", "sh", "-c", script])
            .arg(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Ok(Self(child.context("cannot start `unshare`")?))
    }

    /// Reads its log until it is ready or ends.
    fn wait_until_ready(&mut self) -> Result<()> {
        let log = self.0.stderr.take().context("its log is read")?;
        let mut read = String::new();
        for line in BufReader::new(log).lines() {
            let line = line?;
            read.push_str(&line);
            read.push('\n');
            if line.contains("ready ") {
                return Ok(());
            }
        }
        anyhow::bail!("the daemon did not become ready:\n{read}")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The unit reaches no more of the system than it must, and systemd understands it.
pub(crate) fn unit() -> Result<()> {
    let directory = Scratch::new("unit")?;
    let unit = directory.path().join("bootwright.service");
    fs::write(&unit, include_str!("files/bootwright.service"))?;
    let mut analyze = Command::new("systemd-analyze");
    analyze
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={EXPOSURE_MAX}"))
        .arg(&unit);
    let said = process::output(&mut analyze).context("the unit reaches too much of the system")?;
    println!("{}", said.lines().last().unwrap_or_default().trim());
    Ok(())
}

/// The package in a Debian of its own: it is installed, works, and leaves nothing when it is purged.
fn installed(package: &Path) -> Result<()> {
    let place = Scratch::new("debian")?;
    let root = place.path().join("root");
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--quiet", "--include=systemd,man-db"]);
    command.arg(SUITE).arg(&root).arg(debian::source_line(SUITE)?);
    process::output(&mut command).context("cannot make a Debian to install in")?;
    fs::copy(package, root.join("bootwright.deb"))?;
    let inside = |words: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork"]);
        command.arg(format!("--mount-proc={}", root.join("proc").display()));
        command.arg("chroot").arg(&root).args(["sh", "-c", words]);
        process::output(command.env("LC_ALL", "C.UTF-8"))
    };
    inside("dpkg --install /bootwright.deb")?;
    for words in [
        "bootwright version",
        // A configuration whose keys are all commented out is good.
        "bootwright check",
        "id bootwright",
        "test \"$(stat -c %U:%a /var/lib/bootwright)\" = bootwright:750",
        "bootwright completions bash | grep -q BOOTWRIGHT_COMPLETE",
        "test -s /usr/share/bash-completion/completions/bootwright",
        "man --warnings --local-file /usr/share/man/man1/bootwright-host-arm.1.gz | grep -q allow-wipe",
        "systemd-analyze verify /usr/lib/systemd/system/bootwright.service",
        // What an operator wrote stays when the package goes, and a newer one asks before it writes over it.
        "grep -q /etc/bootwright/config.toml /var/lib/dpkg/info/bootwright.conffiles",
        "touch /var/lib/bootwright/mine && dpkg --remove bootwright && test -e /var/lib/bootwright/mine && test -e /etc/bootwright/config.toml",
        "dpkg --purge bootwright",
        "! test -e /var/lib/bootwright && ! test -e /etc/bootwright && ! test -e /usr/share/doc/bootwright",
    ] {
        inside(words).with_context(|| format!("in a fresh Debian: {words}"))?;
    }
    println!("in a fresh {SUITE}: installed, tried, removed, purged");
    Ok(())
}
