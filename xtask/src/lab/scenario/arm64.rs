//! A machine of another processor: as far as firmware and iPXE go, since the lab's installer is for x64.

use anyhow::{Result, ensure};

use super::ARM64;
use super::held::machine_is_held;
use super::install::position;
use super::story::BOOT;
use crate::lab::sight::Sight;
use crate::lab::site::Site;

pub(super) fn arm64(site: &Site) -> Result<()> {
    let machine = site.machine(ARM64)?;
    let on = machine.power_on()?;
    let name = machine_is_held(site, &machine, on)?;
    let sights = machine.wire.captured()?;
    let discovers = |sight: &Sight, ipxe: bool| matches!(sight, Sight::Dhcp(dhcp) if dhcp.kind == "DISCOVER" && dhcp.arch == Some(11) && dhcp.user_class == ipxe);
    let native = position(&sights, |sight| discovers(sight, false));
    let wanted = Sight::TftpRead {
        file: "ipxe-arm64.efi".to_owned(),
    };
    let loader = position(&sights, |sight| *sight == wanted);
    let ipxe = position(&sights, |sight| discovers(sight, true));
    ensure!(
        native.is_some() && native < loader && loader < ipxe,
        "the capture does not show AAVMF's own DISCOVER, `ipxe-arm64.efi` by TFTP, and iPXE's DISCOVER, in this order: \
         {native:?} {loader:?} {ipxe:?}"
    );
    // The script that it gets then is carried out: it fetches the kernel, whichever processor that is for.
    site.daemon.operate(&["host", "arm", &name, "lab"])?;
    machine.wait_wire(on, "GET /images/lab/vmlinuz", BOOT)?;
    Ok(())
}
