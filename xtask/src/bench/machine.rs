//! The machine on which it was measured, without which figures say nothing.

use std::fs;
use std::thread;

use anyhow::Result;

use super::Args;
use super::contender::Contender;

/// A few lines of Markdown.
pub(super) fn description(args: &Args) -> Result<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, name)| name);
    let processors = thread::available_parallelism()?;
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    let all = [
        Contender::Bootwright,
        Contender::Dnsmasq,
        Contender::Kea,
        Contender::TftpdHpa,
        Contender::Atftpd,
        Contender::Nginx,
    ];
    let versions = all.map(Contender::version).into_iter().collect::<Result<Vec<_>>>()?;
    let mut command = "cargo xtask bench".to_owned();
    if args.quick {
        command += " --quick";
    } else {
        command += &format!(" --rounds {}", args.rounds());
    }
    for area in &args.only {
        command += &format!(" --only {area:?}").to_lowercase();
    }
    Ok(format!(
        "Measured with `{command}` on {processors} processors of type {model}, Linux {}, load {load} at the beginning. \
         Versions: {}. Each figure is the median of {} rounds, with the least and the greatest in brackets.\n",
        read("/proc/sys/kernel/osrelease").trim(),
        versions.join(", "),
        args.rounds()
    ))
}
