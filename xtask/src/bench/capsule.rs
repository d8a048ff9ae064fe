//! The benchmark's own network, mounts and processes, which end with the process that made them.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{Args, group};
use crate::process;
use crate::scratch::Scratch;

/// How many files each process inside may open, unless it asks for more.
const OPEN_FILES: u32 = 8192;

/// Starts this program again inside, and waits for it. The files of the measurements are removed however it ends.
pub(super) fn run(args: &Args) -> Result<()> {
    let home = Scratch::new("bench")?;
    // A thousand clients in one process have a thousand sockets, and servers with one loop as many again.
    let mut command = Command::new("prlimit");
    command.args([&format!("--nofile={OPEN_FILES}:"), "setpriv"]);
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
        .args(["bench", "--inside"])
        .arg(home.path())
        .args(["--rounds", &args.rounds.to_string()]);
    if args.quick {
        command.arg("--quick");
    }
    for area in &args.only {
        command.args(["--only", &format!("{area:?}").to_lowercase()]);
    }
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", process::line(&command)))?;
    if !status.success() {
        bail!("the benchmark failed");
    }
    Ok(())
}

/// Makes the inside ready: an empty `/run`, so that namespaces and sockets are named in nobody else's directory.
pub(super) fn furnish() -> Result<()> {
    process::output(Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "bench", "/run"]))?;
    group::furnish()
}
