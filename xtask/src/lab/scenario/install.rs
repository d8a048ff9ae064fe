//! A machine that was armed installs once, whatever its firmware.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::story::{disk_starts, installer_reports, installer_starts, turns_are};
use super::{BAD_CABLE, BIOS_ROM, BIOS_VENDOR, UEFI};
use crate::lab::journal::Source;
use crate::lab::machine::{Build, Machine};
use crate::lab::sight::{Dhcp, Sight};
use crate::lab::site::Site;
use crate::lab::wire::Trouble;

pub(super) fn bios_rom(site: &Site) -> Result<()> {
    let sights = installs_once(site, BIOS_ROM)?;
    ensure!(
        !sights.iter().any(|sight| matches!(sight, Sight::TftpRead { .. })),
        "a ROM that is iPXE was given a loader"
    );
    Ok(())
}

pub(super) fn bios_vendor(site: &Site) -> Result<()> {
    let sights = installs_once(site, BIOS_VENDOR)?;
    let bare = position(&sights, |sight| {
        discover(sight).is_some_and(|dhcp| !dhcp.user_class && !dhcp.ipxe)
    });
    let loader = position(&sights, |sight| {
        *sight
            == Sight::TftpRead {
                file: "undionly.kpxe".to_owned(),
            }
    });
    let ipxe = position(&sights, |sight| {
        discover(sight).is_some_and(|dhcp| dhcp.user_class && dhcp.ipxe)
    });
    ensure!(
        bare.is_some() && bare < loader && loader < ipxe,
        "the capture does not show a DISCOVER without iPXE's options, `undionly.kpxe` by TFTP, and a DISCOVER with them, \
         in this order: {bare:?} {loader:?} {ipxe:?}"
    );
    let arch = bare.and_then(|bare| discover(&sights[bare])).and_then(|dhcp| dhcp.arch);
    ensure!(
        arch == Some(0),
        "the vendor-like ROM calls itself architecture {arch:?}"
    );
    Ok(())
}

pub(super) fn uefi(site: &Site) -> Result<()> {
    let sights = installs_once(site, UEFI)?;
    let native = position(&sights, |sight| {
        discover(sight).is_some_and(|dhcp| dhcp.arch == Some(7) && !dhcp.user_class)
    });
    let loader = position(&sights, |sight| {
        *sight
            == Sight::TftpRead {
                file: "snponly.efi".to_owned(),
            }
    });
    let ipxe = position(&sights, |sight| {
        discover(sight).is_some_and(|dhcp| dhcp.arch == Some(7) && dhcp.user_class)
    });
    ensure!(
        native.is_some() && native < loader && loader < ipxe,
        "the capture does not show OVMF's own DISCOVER, `snponly.efi` by TFTP, and iPXE's DISCOVER, in this order: \
         {native:?} {loader:?} {ipxe:?}"
    );
    let asked = |sight: &Sight| matches!(sight, Sight::Dhcp(dhcp) if dhcp.port == 4011 && !dhcp.user_class);
    ensure!(
        !sights.iter().any(asked),
        "OVMF asked port 4011 although the offer named its file"
    );
    Ok(())
}

pub(super) fn bad_cable(site: &Site) -> Result<()> {
    let machine = site.machine(BAD_CABLE)?;
    machine.wire.trouble(Some(Trouble {
        seed: 20_260_101,
        lost_per_mille: 5,
        doubled_per_mille: 10,
    }));
    follow(site, &machine)?;
    let damage = machine.wire.damage();
    machine.journal.tell(
        Source::Wire,
        format!("{} frames lost, {} doubled", damage.lost, damage.doubled),
    );
    ensure!(
        damage.lost > 20 && damage.doubled > 20,
        "the cable was too good to show anything: {damage:?}"
    );
    Ok(())
}

pub(super) fn installs_once(site: &Site, build: Build) -> Result<Vec<Sight>> {
    let machine = site.machine(build)?;
    follow(site, &machine)
}

/// Arms the machine, switches it on, and follows it to its own disk. Gives what its wire has seen.
pub(super) fn follow(site: &Site, machine: &Machine) -> Result<Vec<Sight>> {
    let build = machine.build;
    site.daemon.operate(&["host", "arm", build.name, "lab"])?;
    let on = machine.power_on()?;
    let token = installer_starts(machine, on)?;
    installer_reports(machine, on)?;
    disk_starts(site, machine, on, 1, &token)?;
    turns_are(site, build.name, &["armed", "boot", "done", "local"])?;
    done_again_changes_nothing(site, build, &token)?;
    kernel_fetched_once(machine)?;
    machine.wire.captured()
}

/// An installer that reports twice, or whose report is heard late, is told that all is well.
fn done_again_changes_nothing(site: &Site, build: Build, token: &str) -> Result<()> {
    for _ in 0..2 {
        let status = site.ask(&format!("/r/{token}/done"))?;
        ensure!(status == 200, "a repeated report was answered with {status}");
    }
    turns_are(site, build.name, &["armed", "boot", "done", "local"])
}

fn kernel_fetched_once(machine: &Machine) -> Result<()> {
    let sights = machine.wire.captured()?;
    // A segment that was sent again is the same request.
    let fetches: BTreeSet<(u16, u32)> = sights
        .iter()
        .filter_map(|sight| match sight {
            Sight::HttpRequest { line, port, sequence } if line.contains("/images/lab/vmlinuz") => {
                Some((*port, *sequence))
            }
            _ => None,
        })
        .collect();
    ensure!(
        fetches.len() == 1,
        "the installer's kernel was fetched {} times",
        fetches.len()
    );
    Ok(())
}

fn discover(sight: &Sight) -> Option<&Dhcp> {
    match sight {
        Sight::Dhcp(dhcp) if dhcp.kind == "DISCOVER" && dhcp.class.starts_with("PXEClient") => Some(dhcp),
        _ => None,
    }
}

pub(super) fn position(sights: &[Sight], matches: impl Fn(&Sight) -> bool) -> Option<usize> {
    sights.iter().position(matches)
}
