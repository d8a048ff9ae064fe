//! Machines that are sent to their own disk and come back.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::story::{BOOT, disk_nonce, turns_are};
use super::{RESETS_BIOS, RESETS_UEFI, ROOMY};
use crate::lab::image::RESTLESS_BANNER;
use crate::lab::journal::Mark;
use crate::lab::machine::{Build, Machine};
use crate::lab::site::Site;

/// How long a method that the firmware carries out by itself may take: it asks for a minute, or goes through all ways to
/// boot over the network that it has.
const ROUND: Duration = Duration::from_secs(480);

pub(super) fn bios_is_parked(site: &Site) -> Result<()> {
    is_parked(site, RESETS_BIOS, ["bios-disk", "exit", "no-offer"])
}

pub(super) fn uefi_is_parked(site: &Site) -> Result<()> {
    is_parked(site, RESETS_UEFI, ["uefi-disk", "exit", "no-file"])
}

fn is_parked(site: &Site, build: Build, methods: [&str; 3]) -> Result<()> {
    let host = build.name;
    let machine = site.machine(build)?;
    machine.write_disk(&site.restless_image)?;
    site.daemon.operate(&["host", "local", host])?;
    let on = machine.power_on()?;
    for method in methods {
        sent_to_disk(&machine, on, method)?;
    }
    machine.wait_serial(on, "This machine is waiting", ROUND)?;
    turns_are(site, host, &["local", "local", "loop", "loop", "loop", "hold"])?;
    for (words, told) in [
        ("its own disk does not start", site.daemon.cli(&["explain", host])?),
        ("no method starts its disk", site.daemon.cli(&["host", "show", host])?),
    ] {
        ensure!(told.contains(words), "nothing says that `{words}`:\n{told}");
    }

    // It is not forgotten, and not left alone either.
    let again = machine.journal.mark();
    site.daemon.operate(&["host", "local", host])?;
    sent_to_disk(&machine, again, methods[0])?;
    machine.wait_serial(again, RESTLESS_BANNER, BOOT)?;
    Ok(())
}

/// What is on the disk needs the memory that a boot loader takes.
pub(super) fn another_way_works(site: &Site) -> Result<()> {
    let host = ROOMY.name;
    let machine = site.machine(ROOMY)?;
    machine.write_disk(&site.roomy_image)?;
    site.daemon.operate(&["host", "local", host])?;
    let on = machine.power_on()?;
    sent_to_disk(&machine, on, "bios-disk")?;
    sent_to_disk(&machine, on, "exit")?;
    starts(&machine, on)?;
    site.system_asks(&ROOMY)?;
    turns_are(site, host, &["local", "local", "loop"])?;
    let worked = "exit, which worked for it before";
    let shown = site.daemon.cli(&["host", "show", host])?;
    ensure!(shown.contains(worked), "nothing says `{worked}`:\n{shown}");

    let again = machine.reset()?;
    sent_to_disk(&machine, again, "exit")?;
    starts(&machine, again)
}

fn sent_to_disk(machine: &Machine, since: Mark, method: &str) -> Result<()> {
    machine.wait_serial(since, &format!("starts its own disk ({method})"), ROUND)?;
    Ok(())
}

fn starts(machine: &Machine, since: Mark) -> Result<()> {
    let nonce = disk_nonce(machine, since)?;
    ensure!(nonce == "unwritten", "the disk says `{nonce}`");
    Ok(())
}
