//! A machine that nobody knows.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::STRANGER;
use super::story::{BOOT, installer_starts};
use crate::lab::journal::{Mark, Source};
use crate::lab::machine::Machine;
use crate::lab::site::Site;

pub(super) fn armed_while_waiting(site: &Site) -> Result<()> {
    let machine = site.machine(STRANGER)?;
    let on = machine.power_on()?;
    let name = machine_is_held(site, &machine, on)?;

    site.daemon.operate(&["host", "arm", &name, "lab"])?;
    let armed = Instant::now();
    let kernel = machine.wait_wire(on, "GET /images/lab/vmlinuz", BOOT)?;
    let took = kernel.at.saturating_duration_since(armed);
    machine.journal.tell(
        Source::Operator,
        format!("from the arming to the kernel: {:.2} s", took.as_secs_f64()),
    );
    // How long it took depends on who else has the processor. That it was the arming which ended the wait does not.
    let status = site.daemon.json(&["status", "--json"])?;
    let ended = |how: &str| status["counters"][format!("hold.{how}")].as_u64().unwrap_or(0);
    ensure!(
        ended("woken") > 0,
        "the machine was not woken by its arming: {} polls ended by news, {} by time",
        ended("woken"),
        ended("nothing-new")
    );

    installer_starts(&machine, on)?;
    Ok(())
}

/// Waits until the console says who the machine is, and checks that nothing else has happened to it.
pub(super) fn machine_is_held(site: &Site, machine: &Machine, on: Mark) -> Result<String> {
    let mac = machine.build.mac();
    let held = machine.wait_wire(on, "GET /hold", BOOT)?;
    let hosts = site.daemon.json(&["host", "list", "--json"])?;
    let hosts = hosts
        .as_array()
        .cloned()
        .or_else(|| hosts["hosts"].as_array().cloned())
        .unwrap_or_default();
    let host = hosts.iter().find(|host| host.to_string().contains(&mac));
    let host = host.with_context(|| format!("`bootwright host list` does not show the machine with {mac}"))?;
    let name = host["name"]
        .as_str()
        .or(host["host"].as_str())
        .context("the host has no name")?
        .to_owned();

    machine.wait_serial(on, &name, BOOT)?;
    machine.wait_serial(on, &mac, BOOT)?;
    let console = machine
        .journal
        .since(on, |entry| entry.source == Source::Serial && entry.at <= held.at);
    let console: Vec<&str> = console.iter().map(|entry| entry.text.as_str()).collect();
    let says_untouched = console.join(" ").to_lowercase().contains("nothing");
    ensure!(
        says_untouched,
        "the console does not say that nothing was touched:\n{}",
        console.join("\n")
    );
    ensure!(
        machine.disk()?.iter().all(|byte| *byte == 0),
        "something was written to the disk of a held machine"
    );
    Ok(name)
}
