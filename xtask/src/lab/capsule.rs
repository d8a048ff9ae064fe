//! The lab's own network, mounts and processes, which end with the process that made them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Args;
use super::kit::Kit;
use crate::process;

/// Where the lab keeps its sockets. `/run` is the lab's own inside: nothing of it is seen outside.
pub(super) const SOCKETS: &str = "/run/lab";

/// The file that tells, inside, which process to enter from outside.
const ENTRANCE: &str = "entrance";

/// Starts this program again inside, and waits for it.
pub(super) fn run(kit: &Kit, args: &Args) -> Result<()> {
    fs::create_dir_all(&kit.runs)?;
    let lock = fs::File::create(kit.runs.join("lock"))?;
    lock.try_lock()
        .context("another lab is running from this source tree")?;

    let mut command = Command::new("setpriv");
    // When we die, however we die, `unshare` is killed; it takes the first process inside with it; and with the first
    // process of a process namespace the kernel ends all others.
    command.args([
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
    ]);
    command
        .arg("--mount-proc")
        .arg(std::env::current_exe()?)
        .args(["lab", "--inside"]);
    command
        .arg("--bootwright")
        .arg(&kit.bootwright)
        .arg("--jobs")
        .arg(args.jobs.to_string());
    if args.keep {
        command.arg("--keep");
    }
    command.args(&args.scenarios);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", process::line(&command)))?;
    if let Some(inner) = first_inside(&mut child)? {
        fs::write(kit.runs.join(ENTRANCE), inner)?;
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("the lab failed; its logs and captures are in {}", kit.runs.display());
    }
    Ok(())
}

/// Makes the inside ready: an empty `/run`, so that namespaces and sockets are named in nobody else's directory.
pub(super) fn furnish() -> Result<()> {
    process::output(Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "lab", "/run"]))?;
    fs::create_dir_all(SOCKETS)?;
    Ok(())
}

/// How to get in from outside.
pub(super) fn entrance(runs: &Path) -> String {
    let inner = fs::read_to_string(runs.join(ENTRANCE)).unwrap_or_else(|_| "PID".to_owned());
    format!("nsenter --target {} --mount --net --pid", inner.trim())
}

/// The process that `unshare` started, by its number outside; nothing if it ended at once.
fn first_inside(child: &mut Child) -> Result<Option<String>> {
    let file = format!("/proc/{0}/task/{0}/children", child.id());
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        let children = fs::read_to_string(&file).unwrap_or_default();
        if let Some(inner) = children.split_whitespace().next() {
            return Ok(Some(inner.to_owned()));
        }
        if child.try_wait()?.is_some() {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}
