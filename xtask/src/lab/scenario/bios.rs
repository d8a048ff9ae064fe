//! BIOS machines.

use std::time::Duration;

use anyhow::Result;

use crate::lab::machine::{Build, Firmware};
use crate::lab::site::Site;
use crate::lab::wire::Rom;

pub(super) fn ipxe_rom(site: &Site) -> Result<()> {
    let machine = site.machine(Build { name: "bios-rom", number: 1, firmware: Firmware::Bios, rom: Rom::Itself })?;
    let on = machine.power_on()?;
    machine.wait_serial(on, "lab-disk: bios nonce=", Duration::from_secs(180))?;
    Ok(())
}
pub(super) fn vendor(site: &Site) -> Result<()> {
    let machine = site.machine(Build { name: "vendor", number: 2, firmware: Firmware::Bios, rom: Rom::VendorLike })?;
    let on = machine.power_on()?;
    machine.wait_serial(on, "lab-disk: bios nonce=", Duration::from_secs(180))?;
    Ok(())
}
pub(super) fn uefi(site: &Site) -> Result<()> {
    let machine = site.machine(Build { name: "uefi", number: 3, firmware: Firmware::Uefi, rom: Rom::Itself })?;
    let on = machine.power_on()?;
    machine.wait_serial(on, "lab-disk: efi nonce=", Duration::from_secs(280))?;
    Ok(())
}
