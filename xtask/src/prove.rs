//! Proofs of the tasks themselves, each by the command that people type.

use anyhow::Result;

use crate::{dist, firmware, lab, serve};

/// Which task.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_enum)]
    task: Proven,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Proven {
    /// `firmware --from`, without a network.
    Firmware,
    /// `lab --keep`.
    Keep,
    /// `serve`.
    Serve,
    /// `dist`.
    Dist,
}

/// Proves one task.
pub(crate) fn run(args: &Args) -> Result<()> {
    match args.task {
        Proven::Firmware => firmware::offline::prove(),
        Proven::Keep => lab::kept::prove(),
        Proven::Dist => dist::proof::prove(),
        Proven::Serve => serve::proof::prove(),
    }
}
