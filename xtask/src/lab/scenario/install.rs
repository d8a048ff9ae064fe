//! A machine that was armed installs once, whatever its firmware.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

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
    let host = site.daemon.json(&["host", "show", BIOS_ROM.name, "--json"])?;
    let missed: Vec<String> = BIOS_ROM
        .idle_cards()
        .into_iter()
        .filter(|mac| !host["facts"].to_string().contains(mac.as_str()))
        .collect();
    ensure!(missed.is_empty(), "iPXE did not tell of its cards {missed:?}: {host}");
    Ok(())
}

pub(super) fn bios_vendor(site: &Site) -> Result<()> {
    let sights = installs_once(site, BIOS_VENDOR)?;
    Chain {
        arch: 0,
        loader: "undionly.kpxe",
    }
    .walked_twice(&sights)
}

pub(super) fn uefi(site: &Site) -> Result<()> {
    let sights = installs_once(site, UEFI)?;
    let asked = |sight: &Sight| matches!(sight, Sight::Dhcp(dhcp) if dhcp.port == 4011 && !dhcp.user_class);
    ensure!(
        !sights.iter().any(asked),
        "OVMF asked port 4011 although the offer named its file"
    );
    Chain {
        arch: 7,
        loader: "snponly.efi",
    }
    .walked_twice(&sights)
}

/// Something that a start shows, in words, and how a packet is known for it.
type Link = (&'static str, Box<dyn Fn(&Sight) -> bool>);

/// The way of a machine whose firmware is not iPXE: it asks, fetches iPXE by TFTP, and that asks again.
struct Chain {
    /// What the firmware calls its architecture.
    arch: u16,
    loader: &'static str,
}

impl Chain {
    /// Both starts of an install must show the whole chain, in order; and after the script that sends the machine to its disk
    /// nobody asks for a boot any more.
    fn walked_twice(&self, sights: &[Sight]) -> Result<()> {
        let mut rest = sights;
        for start in ["the installer's start", "the start of its own disk"] {
            for (what, is) in self.links() {
                let Some(at) = position(rest, is) else {
                    bail!(
                        "{start}: the capture does not show {what} where it must come; after the last step: {rest:?}"
                    );
                };
                rest = &rest[at + 1..];
            }
        }
        let again = rest.iter().find_map(discover);
        ensure!(
            again.is_none(),
            "the machine was sent to its own disk and asked for a boot again: {again:?}"
        );
        Ok(())
    }

    /// What one start shows, in order.
    fn links(&self) -> [Link; 4] {
        let (arch, loader) = (self.arch, self.loader.to_owned());
        let firmware = move |dhcp: &Dhcp| dhcp.arch == Some(arch) && !dhcp.user_class && !dhcp.ipxe;
        let ipxe = move |dhcp: &Dhcp| dhcp.arch == Some(arch) && dhcp.user_class && dhcp.ipxe;
        [
            (
                "the firmware's own DISCOVER",
                Box::new(move |sight| discover(sight).is_some_and(firmware)),
            ),
            (
                "its loader by TFTP",
                Box::new(move |sight| matches!(sight, Sight::TftpRead { file } if *file == loader)),
            ),
            (
                "iPXE's DISCOVER",
                Box::new(move |sight| discover(sight).is_some_and(ipxe)),
            ),
            (
                "iPXE's question what to do",
                Box::new(|sight| matches!(sight, Sight::HttpRequest { line, .. } if line.starts_with("GET /ipxe?"))),
            ),
        ]
    }
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
