//! A queue: a machine is looked at, wiped, and installed.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::PIPELINE;
use super::story::{BOOT, STEP, disk_starts, installer_reports, installer_starts, turns_are};
use crate::lab::journal::Mark;
use crate::lab::machine::{DISK_BYTES, MEMORY_MIB, Machine};
use crate::lab::site::Site;

/// The profiles are those of the catalogue, as an operator writes them.
pub(super) fn discover_wipe_install(site: &Site) -> Result<()> {
    let machine = site.machine(PIPELINE)?;
    let host = PIPELINE.name;
    for os in ["discover", "wipe"] {
        site.daemon.new_profile(os)?;
    }
    site.daemon.operate(&["reload"])?;
    machine.write_disk(&site.restless_image)?;
    let before = machine.disk()?;
    let serial = PIPELINE.disk_serial();
    let queue = ["host", "arm", host, "discover", "wipe", "lab", "--allow-wipe", &serial];
    site.daemon.operate(&queue)?;

    let on = machine.power_on()?;
    let looked = live_system_ends(&machine, on)?;
    ensure!(
        machine.disk()? == before,
        "looking at the machine changed what is on its disk"
    );
    let facts = reported(site, host)?;
    for (name, wanted) in [
        ("disks.0.name", "vda".to_owned()),
        ("disks.0.serial", serial.clone()),
        ("disks.0.size_bytes", DISK_BYTES.to_string()),
        ("disks.0.empty", "false".to_owned()),
        ("cards.0.mac", PIPELINE.mac()),
        ("cards.0.driver", "virtio_net".to_owned()),
        ("dmi.serial", PIPELINE.serial()),
        ("dmi.uuid", PIPELINE.uuid()),
        ("cpu.count", "1".to_owned()),
        ("firmware", "bios".to_owned()),
    ] {
        let found = facts[name].as_str().unwrap_or_default();
        ensure!(
            found == wanted,
            "it reported `{name}` as `{found}`, and it is `{wanted}`:\n{facts}"
        );
    }
    ensure!(
        facts.get("disks.1.name").is_none(),
        "it reported a disk that it has not: {facts}"
    );
    // The kernel keeps some of it for itself.
    let memory = facts["memory_mib"]
        .as_str()
        .and_then(|mib| mib.parse::<u64>().ok())
        .unwrap_or(0);
    ensure!(
        (MEMORY_MIB * 3 / 4..=MEMORY_MIB).contains(&memory),
        "of {MEMORY_MIB} MiB of memory it reported {memory}"
    );

    let wiped = live_system_ends(&machine, looked)?;
    ensure!(
        machine.disk()?.iter().all(|byte| *byte == 0),
        "something is left on the disk that was wiped"
    );
    let facts = reported(site, host)?;
    ensure!(
        facts["disks.0.empty"] == "true",
        "the wiped disk is not reported as empty: {facts}"
    );

    let token = installer_starts(&machine, wiped)?;
    machine.wait_serial(wiped, &format!("serial={serial} content=empty"), STEP)?;
    installer_reports(&machine, wiped)?;
    disk_starts(site, &machine, wiped, 3, &token)?;
    turns_are(
        site,
        host,
        &["armed", "boot", "done", "boot", "done", "boot", "done", "local"],
    )
}

/// Waits until the script of a run has done its work, and gives the moment.
fn live_system_ends(machine: &Machine, since: Mark) -> Result<Mark> {
    let end = machine
        .journal
        .wait_for(since, "the end of the live system's script", BOOT, |entry| {
            ["bootwright-live: done", "bootwright-live: failed"]
                .iter()
                .any(|end| entry.text.starts_with(end))
        })?;
    ensure!(end.text.ends_with("done"), "the machine says: {}", end.text);
    Ok(machine.journal.mark())
}

fn reported(site: &Site, host: &str) -> Result<Value> {
    let shown = site.daemon.json(&["host", "show", host, "--json"])?;
    shown
        .get("reported")
        .cloned()
        .with_context(|| format!("nothing was reported: {shown}"))
}
