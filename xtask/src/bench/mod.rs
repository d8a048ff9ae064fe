//! Measurements beside the peers: what a reply, a megabyte and a start cost, of ours and of the servers that people use
//! today, in the same run, on the same wire, by the same clients.
//!
//! `cargo xtask bench` builds what it measures, then starts itself again inside namespaces of its own. Servers take turns
//! (A B A B …), each starting afresh for each measurement. Processor time is the server's own, its children's included;
//! it is the figure to trust, since wall time depends on what else the machine does.

mod capsule;
mod contender;
mod dhcp;
mod ground;
mod group;
mod http;
mod kit;
mod lease;
mod machine;
mod measure;
mod site;
mod start;
mod table;
mod tftp;
mod usage;

use std::path::PathBuf;

use anyhow::{Result, bail};

use kit::Kit;
use measure::Bench;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure only this.
    #[arg(long, value_enum)]
    only: Vec<Area>,
    /// Measure less of everything, to see that it works; the figures mean little.
    #[arg(long)]
    quick: bool,
    /// How often everything is measured.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// The benchmark's own second start, inside its namespaces, and where its files are.
    #[arg(long, hide = true)]
    inside: Option<PathBuf>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Area {
    /// Replies to machines that ask where to boot.
    Dhcp,
    /// Addresses for machines that have none.
    Lease,
    /// Files by TFTP.
    Tftp,
    /// Files and scripts by HTTP.
    Http,
    /// Scripts and documents with many hosts in the configuration.
    Site,
    /// From start to ready.
    Start,
}

impl Args {
    fn areas(&self) -> Vec<Area> {
        if self.only.is_empty() {
            vec![Area::Dhcp, Area::Lease, Area::Tftp, Area::Http, Area::Site, Area::Start]
        } else {
            self.only.clone()
        }
    }

    fn rounds(&self) -> usize {
        if self.quick { 2 } else { self.rounds.clamp(1, 50) }
    }
}

/// Runs the benchmark.
pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(home) = &args.inside {
        return measure_all(args, home);
    }
    if !crate::package::is_root() {
        bail!("the benchmark makes network namespaces, which only root may\nrun it again with `sudo`");
    }
    Kit::prepare()?;
    capsule::run(args)
}

fn measure_all(args: &Args, home: &std::path::Path) -> Result<()> {
    capsule::furnish()?;
    let mut bench = Bench::new(Kit::open(), home, args.rounds(), args.quick)?;
    bench.say(&machine::description(args)?);
    for area in args.areas() {
        match area {
            Area::Dhcp => dhcp::run(&mut bench)?,
            Area::Lease => {
                lease::run(&mut bench)?;
                lease::perfdhcp::run(&mut bench)?;
            }
            Area::Tftp => tftp::run(&mut bench)?,
            Area::Http => http::run(&mut bench)?,
            Area::Site => site::run(&mut bench)?,
            Area::Start => start::run(&mut bench)?,
        }
    }
    bench.end()
}
