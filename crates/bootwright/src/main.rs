//! The one binary: the daemon, and the command line that speaks with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootwright::cli::run()
}
