//! `bootwright doctor`: what keeps machines from booting, and what repairs it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bootwright_proto::http::api::Status;
use tokio::net::UnixStream;

use super::argument::Common;
use super::client::Client;
use super::failure::Failure;
use super::print::Printer;
use super::table::safe;
use super::{Exit, wait};
use crate::doctor::{Area, CHECKS, Check, Report, Setting, Verdict, examine, find};

/// How long a daemon that has just started is given to search for other servers.
const SEARCH_WITHIN: Duration = Duration::from_secs(8);

/// How often it is asked whether it has.
const ASK_EVERY: Duration = Duration::from_millis(250);

pub(super) fn run(
    client: &Client,
    printer: Printer,
    common: &Common,
    firmware_dir: PathBuf,
    only: &[String],
) -> Result<Exit, Failure> {
    let wanted = wanted(only)?;
    let searches = wanted.is_empty() || wanted.iter().any(|check| check.area == Area::Segment);
    let running = wait(running(client, common, searches))?;
    let setting = Setting {
        config: common.config.clone(),
        data_dir: common.data_dir.clone(),
        firmware_dir,
    };
    let report = examine(&setting, running, &wanted);
    printer.document(&report, words)?;
    Ok(match (report.errors, report.warnings) {
        (0, 0) => Exit::Good,
        (0, _) => Exit::Failed,
        (_, _) => Exit::Usage,
    })
}

/// The checks that were named.
fn wanted(only: &[String]) -> Result<Vec<&'static Check>, Failure> {
    let ids = only.iter().flat_map(|ids| ids.split(',')).filter(|id| !id.is_empty());
    ids.map(|id| {
        find(id).ok_or_else(|| {
            let all: Vec<&str> = CHECKS.iter().map(Check::id).collect();
            Failure::Usage {
                message: format!("there is no check `{id}`"),
                hint: format!("the checks are {}", all.join(", ")),
            }
        })
    })
    .collect()
}

/// What the daemon says, and its process as the kernel names it; nothing if none answers.
async fn running(client: &Client, common: &Common, searches: bool) -> Result<Option<(Status, Option<u32>)>, Failure> {
    let Ok(stream) = UnixStream::connect(&common.socket).await else {
        return Ok(None);
    };
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
    drop(stream);
    // One of another process namespace has the number 0 here.
    let pid = pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
    let until = Instant::now() + SEARCH_WITHIN;
    loop {
        let status = client.get::<Status>("status").await?.document;
        let is_searched = status.links.iter().all(|link| !link.served || link.searched);
        if !searches || is_searched || status.mode == "off" || Instant::now() >= until {
            return Ok(Some((status, pid)));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn words(report: &Report) -> String {
    let mut words = String::new();
    for finding in &report.checks {
        words.push_str(&format!(
            "{:<8} {}  {}: {}\n",
            finding.verdict.word(),
            finding.id,
            finding.name,
            safe(&finding.evidence).replace('\n', " ")
        ));
        if finding.verdict < Verdict::Warning {
            continue;
        }
        if let Some(command) = &finding.repair {
            words.push_str(&format!("         repair: {}\n", safe(command)));
        }
        if let Some(advice) = &finding.advice {
            words.push_str(&format!("         advice: {}\n", safe(advice)));
        }
    }
    let daemon = if report.daemon {
        "the daemon runs"
    } else {
        "no daemon runs"
    };
    let good = report.checks.len() - report.errors - report.warnings - report.skipped;
    words.push_str(&format!(
        "{daemon}: {good} good, {} warnings, {} errors, {} skipped\n",
        report.warnings, report.errors, report.skipped
    ));
    words
}
