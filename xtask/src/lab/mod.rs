//! Virtual machines in a private network.

use anyhow::{Result, bail};

/// Options of `cargo xtask lab`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Prove the container instead: build it, start it with Compose, install a machine through it.
    #[arg(long)]
    pub(crate) compose: bool,
}

/// Runs the lab.
pub(crate) fn run(_args: &Args) -> Result<()> {
    bail!("the lab is not built yet")
}
