//! `bootwright doctor`: what keeps machines from booting, seen before a machine does, and what repairs it.
//!
//! - [`CHECKS`]: all checks in one table, each with the words that people read and the function that judges.
//! - [`facts`]: what is judged, as plain values; the judging modules beside it are pure.
//! - [`gather`]: how those values come about. It looks, asks and tries; it changes nothing that lasts.

mod boot;
mod check;
mod config;
mod disk;
mod facts;
mod firewall;
mod gather;
mod image;
mod network;
mod port;
mod report;
mod segment;
mod store;
mod table;

use std::path::PathBuf;
use std::time::Instant;

use bootwright_config::Daemon;
use bootwright_core::DhcpMode;
use bootwright_proto::http::api::Status;

pub use check::{Area, Check, find};
use facts::{Facts, Running, Site};
pub use report::{Finding, Report, Verdict};
pub use table::CHECKS;

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The path of `config.toml`.
    pub config: PathBuf,
    /// The data directory, in place of the configuration's word.
    pub data_dir: Option<PathBuf>,
    /// Where the shipped boot programs are.
    pub firmware_dir: PathBuf,
}

/// Runs the checks that `wanted` names, all of them if it names none. `running` is what a daemon says that answers, with
/// its process where that can be seen. Must not be called within a runtime.
#[must_use]
pub fn examine(setting: &Setting, running: Option<(Status, Option<u32>)>, wanted: &[&Check]) -> Report {
    let wanted: Vec<&Check> = if wanted.is_empty() {
        CHECKS.iter().collect()
    } else {
        CHECKS
            .iter()
            .filter(|check| wanted.iter().any(|one| one.id() == check.id()))
            .collect()
    };
    let running = running.map(|(status, pid)| Running { pid, status });
    let is_running = running.is_some();
    let facts = gather::all(setting, running, &wanted);
    Report::of(is_running, judge(&wanted, &facts))
}

/// Runs the checks that cost next to nothing, for a daemon that starts: what they find stands in the log by its id, so
/// that whoever wonders need not know that there is a doctor.
pub fn at_the_start(daemon: &Daemon, mode: DhcpMode, data_dir: PathBuf, config: PathBuf) {
    let began = Instant::now();
    let wanted: Vec<&Check> = CHECKS.iter().filter(|check| check.fast).collect();
    let site = Site {
        daemon: daemon.clone(),
        mode,
        data_dir,
        config,
        running: None,
    };
    let facts = gather::fast(site, &wanted);
    let findings = judge(&wanted, &facts);
    let found = findings.iter().filter(|finding| finding.verdict >= Verdict::Warning);
    for finding in found {
        let helps = finding
            .repair
            .as_ref()
            .map(|command| format!("; `{command}` repairs it"));
        let helps = helps.or_else(|| finding.advice.as_ref().map(|advice| format!("; {advice}")));
        tracing::warn!(
            code = finding.id.as_str(),
            "{}{}",
            crate::telemetry::sanitise(&finding.evidence),
            crate::telemetry::sanitise(&helps.unwrap_or_default())
        );
    }
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(ms, "doctor  {} checks; `bootwright doctor` runs all", wanted.len());
}

fn judge(wanted: &[&Check], facts: &Facts) -> Vec<Finding> {
    wanted
        .iter()
        .map(|check| {
            let judged = (check.judge)(facts);
            Finding {
                id: check.id().to_owned(),
                name: check.name.to_owned(),
                verdict: judged.verdict,
                evidence: judged.evidence,
                repair: judged.repair,
                advice: judged.advice,
            }
        })
        .collect()
}
