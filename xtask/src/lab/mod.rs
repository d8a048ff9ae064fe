//! The lab: real firmware in virtual machines, on a private network, installs from Bootwright and starts from its disk.
//!
//! `cargo xtask lab` prepares what the lab is made of, then starts itself again inside namespaces of its own (network,
//! mounts, processes). Whatever ends the outer process ends the inner one, and the kernel then removes every process,
//! interface and mount of the lab: nothing has to be cleaned up, and nothing can be left behind.

mod bootsector;
mod capsule;
mod cpio;
mod daemon;
mod debian_installer;
mod image;
pub(crate) mod initrd;
mod journal;
pub(crate) mod kept;
pub(crate) mod kernel;
mod kit;
mod machine;
mod own_keys;
mod packet;
mod pcap;
mod qemu;
mod record;
mod scenario;
mod segment;
mod sight;
mod site;
mod stage;
mod terminal;
pub(crate) mod unpacked;
mod wire;

use std::path::PathBuf;

use anyhow::{Result, bail};

use kit::Kit;

/// Options of `cargo xtask lab`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Prove the container instead: build it, start it with Compose, install a machine through it.
    #[arg(long)]
    pub(crate) compose: bool,
    /// Leave everything up at the end, and say how to look at it, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// List the scenarios and end.
    #[arg(long)]
    list: bool,
    /// How many scenarios run at the same time; each takes about one processor.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Use this binary instead of building one.
    #[arg(long, value_name = "FILE")]
    bootwright: Option<PathBuf>,
    /// The scenarios to run, by name; all of them if none is named.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// The lab's own second start, inside its namespaces.
    #[arg(long, hide = true)]
    inside: bool,
}

/// Runs the lab.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.list {
        for scenario in scenario::ALL {
            println!("{:<14} {}", scenario.name, scenario.story);
        }
        return Ok(());
    }
    let chosen = scenario::choose(&args.scenarios)?;
    if args.inside {
        let kit = Kit::open(args.bootwright.as_deref())?;
        return stage::run(&kit, &chosen, args.jobs.max(1), args.keep);
    }
    if !crate::package::is_root() {
        bail!("the lab makes network namespaces, which only root may\nrun it again with `sudo`");
    }
    let kit = Kit::prepare(args.bootwright.as_deref())?;
    capsule::run(&kit, args)
}
