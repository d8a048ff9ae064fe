//! Development tasks: `cargo xtask <task>`.
//!
//! The tasks link none of the product's crates. They build it, run its binary and judge it from outside, so that a
//! broken product cannot break the tool that says so.

mod bench;
mod cloud_init;
mod debian;
mod dist;
mod firmware;
mod fuzz;
mod gate;
mod kickstart;
mod lab;
mod lab_compose;
mod live;
mod package;
mod process;
mod prove;
mod python;
mod schemathesis;
mod scratch;
mod serve;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of Bootwright.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_version_flag = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Fetch the firmware, build the release binary and start it on this machine.
    Serve(serve::Args),
    /// Run the whole gate: format, lints, tidy, tests and the lab. CI runs the same command.
    Test(gate::Args),
    /// Boot virtual machines from Bootwright in a private network.
    Lab(lab::Args),
    /// Measure Bootwright beside its peers.
    Bench(bench::Args),
    /// Fetch and verify the boot firmware that `firmware/manifest.toml` lists.
    Firmware(firmware::Args),
    /// Unpack Debian's cloud-init for the tests that need it.
    CloudInit,
    /// Fetch the validator of kickstart files for the tests that need it.
    Kickstart,
    /// Fetch the program that judges the API for the test that needs it.
    Schemathesis,
    /// Make the small Linux that looks at machines and wipes disks, from Debian's packages.
    Live(live::Args),
    /// Build one static binary and a Debian package around it.
    Dist(dist::Args),
    /// Let libFuzzer look for bytes that break a parser.
    Fuzz(fuzz::Args),
    /// Check what the compiler does not: arrows between crates, lengths, paths in documents, firmware hashes.
    Tidy(tidy::Args),
    /// Prove other tasks, each by the very command that people type.
    #[command(hide = true)]
    Prove(prove::Args),
    /// A part of `lab --compose`, in namespaces of its own.
    #[command(hide = true)]
    LabCompose(lab_compose::Part),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Serve(args) => serve::run(&args),
        Task::Test(args) => gate::run(&args),
        Task::Lab(args) if args.compose => lab_compose::run(&args),
        Task::Lab(args) => lab::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Firmware(args) => firmware::run(&args),
        Task::CloudInit => cloud_init::run(),
        Task::Kickstart => kickstart::run(),
        Task::Schemathesis => schemathesis::run(),
        Task::Live(args) => live::run(&args),
        Task::Dist(args) => dist::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Tidy(args) => tidy::run(&args),
        Task::Prove(args) => prove::run(&args),
        Task::LabCompose(part) => lab_compose::run_part(&part),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
