//! Bootwright from a source tree on this machine.

pub(crate) mod proof;

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{firmware, package, process, tree};

/// Options of `cargo xtask serve`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The configuration to start with.
    #[arg(long, value_name = "FILE", default_value = "config/config.toml")]
    config: PathBuf,
    /// Where the store and the images live.
    #[arg(long, value_name = "DIR", default_value = "target/bootwright-data")]
    data_dir: PathBuf,
    /// Passed on to `bootwright serve` as they are (after `--`).
    #[arg(last = true, value_name = "OPTION")]
    rest: Vec<String>,
}

/// Fetches the firmware, builds the release binary and becomes it.
pub(crate) fn run(args: &Args) -> Result<()> {
    // The bundled SQLite is C.
    package::need(&[("cc", "gcc"), ("/usr/include/stdlib.h", "libc6-dev")])?;
    firmware::ensure_present()?;
    process::run(tree::cargo().args(["build", "--release", "--locked", "--package", "bootwright"]))?;
    let root = tree::root();
    let data = root.join(&args.data_dir);
    std::fs::create_dir_all(&data)?;
    let mut daemon = Command::new(tree::target().join("release/bootwright"));
    daemon
        .current_dir(root)
        .arg("serve")
        .arg("--config")
        .arg(root.join(&args.config))
        .arg("--data-dir")
        .arg(&data)
        .arg("--firmware-dir")
        .arg(root.join("firmware"));
    if !package::is_root() {
        let socket = data.join("control.sock");
        daemon.arg("--socket").arg(&socket);
        eprintln!(
            "not root: the ports 67, 69 and 4011 need a right that your user lacks; if they are not bound, either run\n    \
             sudo -E cargo xtask serve\nor give the right to the binary once per build:\n    \
             sudo setcap cap_net_bind_service,cap_net_raw+ep {}\n\
             the command line finds the daemon with\n    export BOOTWRIGHT_SOCKET={}",
            daemon.get_program().to_string_lossy(),
            socket.display()
        );
    }
    daemon.args(&args.rest);
    eprintln!("starting {}", process::line(&daemon));
    // The daemon takes this process's place, so that signals and the exit status are its own.
    let error = daemon.exec();
    bail!("cannot start `{}`: {error}", process::line(&daemon))
}
