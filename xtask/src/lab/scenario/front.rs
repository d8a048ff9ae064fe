//! Boot loaders other than iPXE, with Debian's own binaries.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::install::position;
use super::story::{BOOT, disk_starts, installer_reports, installer_starts, turns_are};
use super::{GRUB, PXELINUX};
use crate::lab::machine::{Build, Machine};
use crate::lab::sight::Sight;
use crate::lab::site::Site;

pub(super) fn pxelinux(site: &Site) -> Result<()> {
    let machine = waiting(site, PXELINUX, "pxelinux.0")?;
    let sights = installs_once(site, &machine)?;
    let mac = PXELINUX.mac().replace(':', "-");
    for file in [
        "pxelinux.0".to_owned(),
        "ldlinux.c32".to_owned(),
        format!("pxelinux.cfg/01-{mac}"),
        "images/lab/vmlinuz".to_owned(),
        "images/lab/initrd.img".to_owned(),
        "chain.c32".to_owned(),
    ] {
        ensure!(
            fetches(&sights, &file) > 0,
            "the machine never fetched `{file}` by TFTP"
        );
    }
    let kernels = fetches(&sights, "images/lab/vmlinuz");
    ensure!(kernels == 1, "the installer's kernel was fetched {kernels} times");
    never_ipxe(&sights)
}

pub(super) fn grub(site: &Site) -> Result<()> {
    let machine = waiting(site, GRUB, "grubx64.efi")?;
    let sights = installs_once(site, &machine)?;
    let program = fetches(&sights, "grubx64.efi");
    ensure!(program > 0, "the machine never fetched GRUB by TFTP");
    let asked = position(&sights, |sight| request(sight, "GET /bootwright/grub/ask/"));
    let kernel = position(&sights, |sight| request(sight, "GET /images/lab/vmlinuz"));
    ensure!(
        asked.is_some() && asked < kernel,
        "GRUB did not ask by HTTP who it is, and then for a kernel: {asked:?} {kernel:?}"
    );
    never_ipxe(&sights)
}

/// A machine that boots this program waits, since nobody has armed it.
fn waiting(site: &Site, build: Build, program: &str) -> Result<Arc<Machine>> {
    let host = format!(
        "[hosts.{}]\nmac = \"{}\"\nprofile = \"lab\"\nfirmware = \"{program}\"\n",
        build.name,
        build.mac()
    );
    site.daemon.configure("machine", &host)?;
    let machine = site.machine(build)?;
    let on = machine.power_on()?;
    machine.wait_serial(on, "This machine is waiting", BOOT)?;
    machine.wait_serial(on, &build.mac(), BOOT)?;
    ensure!(
        machine.disk()?.iter().all(|byte| *byte == 0),
        "something was written to the disk of a held machine"
    );
    Ok(machine)
}

/// Arms the machine that waits, and follows it to its own disk. Gives what its wire has seen.
fn installs_once(site: &Site, machine: &Machine) -> Result<Vec<Sight>> {
    let host = machine.build.name;
    let armed = machine.journal.mark();
    site.daemon.operate(&["host", "arm", host, "lab"])?;
    let token = installer_starts(machine, armed)?;
    installer_reports(machine, armed)?;
    disk_starts(site, machine, armed, 1, &token)?;
    turns_are(site, host, &["hold", "armed", "boot", "done", "local"])?;
    machine.wire.captured()
}

fn fetches(sights: &[Sight], name: &str) -> usize {
    let is = |sight: &&Sight| matches!(sight, Sight::TftpRead { file } if file == name);
    sights.iter().filter(is).count()
}

fn request(sight: &Sight, start: &str) -> bool {
    matches!(sight, Sight::HttpRequest { line, .. } if line.starts_with(start))
}

/// Nothing of this went through iPXE.
fn never_ipxe(sights: &[Sight]) -> Result<()> {
    let is_script = |sight: &Sight| request(sight, "GET /boot.ipxe") || request(sight, "GET /ipxe");
    ensure!(position(sights, is_script).is_none(), "the machine was served by iPXE");
    Ok(())
}
