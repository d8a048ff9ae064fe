//! Runs scenarios, several at a time, each on a site of its own, and sums up.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use super::capsule;
use super::journal::Timeline;
use super::kit::Kit;
use super::scenario::Scenario;
use super::site::Site;

/// What a scenario has at hand.
pub(crate) struct Stage<'a> {
    pub(crate) kit: &'a Kit,
    pub(crate) timeline: Arc<Timeline>,
    /// This scenario's logs, captures and disks.
    pub(crate) logs: PathBuf,
    /// Tells this scenario's network from the others'.
    pub(crate) number: u8,
}

struct Report {
    name: &'static str,
    took: Duration,
    outcome: Result<()>,
    /// Still up where the operator asked for that.
    site: Option<Site>,
}

/// Runs the scenarios `jobs` at a time.
pub(super) fn run(kit: &Kit, scenarios: &[&'static Scenario], jobs: usize, keep: bool) -> Result<()> {
    capsule::furnish()?;
    let timeline = Timeline::start(Some(File::create(kit.runs.join("timeline.log"))?));
    let waiting: Mutex<VecDeque<(usize, &'static Scenario)>> =
        Mutex::new(scenarios.iter().copied().enumerate().collect());
    let reports: Mutex<Vec<Report>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..jobs.min(scenarios.len()) {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no panic while locked").pop_front();
                    let Some((index, scenario)) = next else { return };
                    let report = perform(kit, &timeline, index, scenario, keep);
                    reports.lock().expect("no panic while locked").push(report);
                }
            });
        }
    });
    let reports = reports.into_inner().expect("no panic while locked");
    let failed = sum_up(&reports);
    if keep {
        say_how_to_look(kit, &reports);
        loop {
            thread::park();
        }
    }
    if failed > 0 {
        bail!("{failed} of {} scenarios failed", reports.len());
    }
    Ok(())
}

fn perform(kit: &Kit, timeline: &Arc<Timeline>, index: usize, scenario: &'static Scenario, keep: bool) -> Report {
    let start = Instant::now();
    let built = (|| {
        let logs = kit.runs.join(scenario.name);
        if logs.exists() {
            fs::remove_dir_all(&logs)?;
        }
        fs::create_dir_all(&logs)?;
        let stage = Stage {
            kit,
            timeline: Arc::clone(timeline),
            logs,
            number: u8::try_from(index + 1)?,
        };
        Site::build(&stage, scenario.cast)
    })();
    let (outcome, site) = match built {
        Err(error) => (Err(error), None),
        Ok(site) => {
            // A panic in a scenario is that scenario's failure, not the others'.
            let play = std::panic::AssertUnwindSafe(|| (scenario.play)(&site));
            let played = std::panic::catch_unwind(play).unwrap_or_else(|_| Err(anyhow!("it panicked")));
            if !keep {
                site.switch_off();
            }
            (played, keep.then_some(site))
        }
    };
    Report {
        name: scenario.name,
        took: start.elapsed(),
        outcome,
        site,
    }
}

fn sum_up(reports: &[Report]) -> usize {
    println!();
    for report in reports {
        let took = report.took.as_secs();
        match &report.outcome {
            Ok(()) => println!("ok      {:<14} {took:4} s", report.name),
            Err(error) => println!("FAILED  {:<14} {took:4} s\n{error:#}\n", report.name),
        }
    }
    let failed = reports.iter().filter(|report| report.outcome.is_err()).count();
    println!("{} passed, {failed} failed", reports.len() - failed);
    failed
}

fn say_how_to_look(kit: &Kit, reports: &[Report]) {
    println!(
        "\nThe lab stays up until Ctrl-C, which takes all of it down. Logs and captures: {}",
        kit.runs.display()
    );
    println!(
        "From another terminal, as root, enter it with\n\n    {}\n",
        capsule::entrance(&kit.runs)
    );
    for report in reports {
        let Some(site) = &report.site else { continue };
        println!("and for `{}`:\n", report.name);
        println!("    {} host list", site.command_line());
        println!("    {} events", site.command_line());
        println!(
            "    ip netns exec {} tcpdump -ni eth0     # what Bootwright hears\n",
            site.namespace()
        );
    }
}
