//! Namespaces that end with this process, and all that was started in them.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::scratch::Scratch;

/// Which network a part sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// The machine's, to fetch packages and crates while building.
    Host,
    /// An empty one: nothing of what runs in it is ever seen outside.
    Own,
}

/// Runs a part of this module in processes and mounts of its own. Whatever ends us ends `unshare`, that ends the first
/// process inside, and with that one the kernel ends all the others, dockerd and its containers among them.
///
/// The part gets a directory as its last argument. What it mounts there is gone before the directory is removed.
pub(super) fn run(network: Network, part: &[&str]) -> Result<()> {
    let place = Scratch::new("compose")?;
    let mut command = Command::new("setpriv");
    command.args([
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    if network == Network::Own {
        command.arg("--net");
    }
    command
        .arg(std::env::current_exe().context("this program has no path")?)
        .arg("lab-compose")
        .args(part)
        .arg(place.path());
    process::run_apart(&mut command)
}
