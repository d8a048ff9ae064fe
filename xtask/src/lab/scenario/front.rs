//! Boot loaders other than iPXE, with Debian's own binaries.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::held::machine_is_held;
use super::install::position;
use super::story::{BOOT, disk_starts, installer_reports, installer_starts, turns_are};
use super::{DYNAMIC_IGNITION, GRUB, OWN_KEYS, OWN_KEYS_HTTP, PXELINUX, REFUSED, SECURE_BOOT};
use crate::lab::journal::{Entry, Mark, Source};
use crate::lab::machine::{Build, Machine};
use crate::lab::record;
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

/// A site of dynamic-ignition-coreos: the same, but that the profile and the system's name come from its files.
pub(super) fn dynamic_ignition(site: &Site) -> Result<()> {
    let entry = "DEFAULT menu.c32\nLABEL lab\n  MENU DEFAULT\n  KERNEL images/lab/vmlinuz\n  APPEND initrd=images/lab/initrd.img \
                 console=ttyS0 quiet bootwright.url={{ run.url }} bootwright.image={{ server.url }}/images/lab/disk.img \
                 lab.nonce-sector=NONCE_SECTOR coreos.inst.ignition_url=http://SERVER/get_ignition\n  IPAPPEND 2\n";
    site.take_dynamic_ignitions_place(&[
        ("pxelinux.cfg/default", entry),
        ("config.ign", r#"{"ignition":{"version":"3.0.0"}}"#),
    ])?;
    let machine = waiting(site, DYNAMIC_IGNITION, "pxelinux.0")?;
    let sights = installs_once_with(site, &machine, "dynamic-ignition")?;
    let kernel = position(&sights, |sight| reads(sight, "images/lab/vmlinuz"));
    let config = position(&sights, |sight| request(sight, "GET /get_ignition"));
    let disk = sights.iter().rposition(|sight| reads(sight, "chain.c32"));
    ensure!(
        kernel.is_some() && kernel < config && config < disk,
        "the capture does not show kernel, configuration and disk in this order: {kernel:?} {config:?} {disk:?}"
    );
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

pub(super) fn secure_boot(site: &Site) -> Result<()> {
    let own = site.lend_addresses()?;
    let machine = waiting(site, SECURE_BOOT, "shimx64.efi")?;
    let sights = installs_once(site, &machine)?;
    let shim = position(&sights, |sight| reads(sight, "shimx64.efi"));
    let grub = position(&sights, |sight| reads(sight, "grubx64.efi"));
    let kernel = position(&sights, |sight| request(sight, "GET /images/lab/vmlinuz"));
    ensure!(
        shim.is_some() && shim < grub && grub < kernel,
        "the capture does not show shim, GRUB and the kernel in this order: {shim:?} {grub:?} {kernel:?}"
    );
    never_ipxe(&sights)?;
    let stranger = position(
        &sights,
        |sight| matches!(sight, Sight::DhcpReply { from, .. } if *from != own),
    );
    ensure!(stranger.is_none(), "somebody else answers DHCP: {stranger:?}");
    machine.power_off()?;
    refuses(site)
}

/// A boot program of which somebody changed a byte is not started, and the machine's timeline tells of that.
fn refuses(site: &Site) -> Result<()> {
    let mut tampered = std::fs::read(site.firmware("shimx64.efi"))?;
    let middle = tampered.len() / 2;
    tampered[middle] ^= 1;
    site.daemon.add_firmware("tampered.efi", &tampered)?;
    name(site, REFUSED, "tampered.efi")?;
    let machine = site.machine(REFUSED)?;
    let on = machine.power_on()?;
    machine.wait_serial(on, "Access Denied", BOOT)?;
    let again = machine.reset()?;
    told_unstarted(site, REFUSED.name, "tampered.efi")?;
    machine.wait_serial(again, "Access Denied", BOOT)?;
    let asked = machine.wire.captured()?;
    ensure!(
        !asked
            .iter()
            .any(|sight| request(sight, "GET /bootwright") || reads(sight, "grubx64.efi")),
        "something of what was changed has run"
    );
    Ok(())
}

/// Waits for the timeline to tell that a machine is back without having started its boot program.
fn told_unstarted(site: &Site, host: &str, program: &str) -> Result<()> {
    let words = format!("came back without having started {program}");
    let told = |entry: &Entry| {
        entry.source == Source::Bootwright
            && record::happened(&entry.text).is_some_and(|event| event.host == host && event.note.contains(&words))
    };
    let what = "the event of a boot program that was not started";
    let journal = &site.daemon.journal;
    journal.wait_for(Mark::default(), what, BOOT, told).map(drop)
}

/// A site signs what it hands out: iPXE unchanged but for the signature, so that its state comes by `autoexec.ipxe`.
pub(super) fn own_keys(site: &Site) -> Result<()> {
    let machine = site.machine(OWN_KEYS)?;
    let host = OWN_KEYS.name;
    site.daemon.operate(&["host", "arm", host, "lab"])?;
    let on = machine.power_on()?;
    machine.wait_serial(on, "Access Denied", BOOT)?;
    let again = machine.reset()?;
    told_unstarted(site, host, "snponly.efi")?;
    machine.wait_serial(again, "Access Denied", BOOT)?;
    turns_are(site, host, &["armed"])?;

    let signed = std::fs::read(site.signed_ipxe())?;
    site.daemon.add_signed("ipxe-signed.efi", &signed, "snponly.efi")?;
    let again = machine.reset()?;
    let token = installer_starts(&machine, again)?;
    installer_reports(&machine, again)?;
    disk_starts(site, &machine, again, 1, &token)?;
    turns_are(site, host, &["armed", "boot", "done", "local"])?;
    let sights = machine.wire.captured()?;
    let autoexec = position(&sights, |sight| reads(sight, "autoexec.ipxe"));
    let asked = position(&sights, |sight| request(sight, "GET /ipxe?"));
    ensure!(
        autoexec.is_some() && autoexec < asked,
        "iPXE did not fetch `autoexec.ipxe` before it asked what to do: {autoexec:?} {asked:?}"
    );
    machine.power_off()?;
    own_keys_by_http(site)
}

/// iPXE looks for its script beside itself, wherever that is.
fn own_keys_by_http(site: &Site) -> Result<()> {
    let machine = site.machine(OWN_KEYS_HTTP)?;
    let on = machine.power_on()?;
    machine_is_held(site, &machine, on)?;
    let sights = machine.wire.captured()?;
    let program = position(&sights, |sight| request(sight, "GET /firmware/snponly.efi"));
    let autoexec = position(&sights, |sight| request(sight, "GET /firmware/autoexec.ipxe"));
    let asked = position(&sights, |sight| request(sight, "GET /ipxe?"));
    ensure!(
        program.is_some() && program < autoexec && autoexec < asked,
        "the capture does not show iPXE, its script and its question by HTTP, in this order: {program:?} {autoexec:?} \
         {asked:?}"
    );
    let by_tftp = position(&sights, |sight| matches!(sight, Sight::TftpRead { .. }));
    ensure!(
        by_tftp.is_none(),
        "a machine that boots by HTTP fetched something by TFTP"
    );
    Ok(())
}

/// The configuration names the machine and its boot program.
pub(super) fn name(site: &Site, build: Build, program: &str) -> Result<()> {
    let host = format!(
        "[hosts.{}]\nmac = \"{}\"\nprofile = \"lab\"\nfirmware = \"{program}\"\n",
        build.name,
        build.mac()
    );
    site.daemon.configure(build.name, &host)
}

/// A machine that boots this program waits, since nobody has armed it.
fn waiting(site: &Site, build: Build, program: &str) -> Result<Arc<Machine>> {
    name(site, build, program)?;
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
    installs_once_with(site, machine, "lab")
}

fn installs_once_with(site: &Site, machine: &Machine, profile: &str) -> Result<Vec<Sight>> {
    let host = machine.build.name;
    let armed = machine.journal.mark();
    site.daemon.operate(&["host", "arm", host, profile])?;
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

pub(super) fn reads(sight: &Sight, name: &str) -> bool {
    matches!(sight, Sight::TftpRead { file } if file == name)
}

fn request(sight: &Sight, start: &str) -> bool {
    matches!(sight, Sight::HttpRequest { line, .. } if line.starts_with(start))
}

/// Nothing of this went through iPXE.
pub(super) fn never_ipxe(sights: &[Sight]) -> Result<()> {
    let is_script = |sight: &Sight| request(sight, "GET /boot.ipxe") || request(sight, "GET /ipxe");
    ensure!(position(sights, is_script).is_none(), "the machine was served by iPXE");
    Ok(())
}
