//! Measurements beside the peers.

use anyhow::{Result, bail};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the benchmark.
pub(crate) fn run(_args: &Args) -> Result<()> {
    bail!("the benchmark is not built yet")
}
