//! Machines that speak to us as they spoke to another system.

use anyhow::{Result, ensure};

use super::BOOTCFG;
use super::held::machine_is_held;
use super::install::position;
use super::story::{disk_nonce, installer_reports, installer_starts, turns_are};
use crate::lab::sight::Sight;
use crate::lab::site::Site;

/// A site as guides for bootcfg have it: dnsmasq lends addresses, hands out iPXE, and sends that to `/boot.ipxe`.
pub(super) fn bootcfg(site: &Site) -> Result<()> {
    let machine = site.machine(BOOTCFG)?;
    let mac = BOOTCFG.mac();
    let images = "/images/lab";
    let spec = format!(
        r#"{{"id": "lab", "boot": {{"kernel": "{images}/vmlinuz", "initrd": ["{images}/initrd.img"], "cmdline": {{
            "console": "ttyS0", "quiet": "", "BOOTIF": "01-${{net0/mac:hexhyp}}",
            "bootwright.url": "{{{{ run.url }}}}",
            "bootwright.image": "http://SERVER/images/lab/disk.img",
            "lab.post-install": "http://SERVER/cloud?uuid=${{uuid}}&mac=${{net0/mac:hexhyp}}"}}}},
            "cloud_id": "lab.sh"}}"#
    );
    let name = BOOTCFG.name;
    // bootcfg hands out any file. This one knows the run by the URL that its installer was given.
    let script = format!(
        "nonce={name}.1.${{url##*/}}\n\
         printf 'nonce=%s\\n%512s' \"$nonce\" '' | tr ' ' '\\n' | \
         dd of=\"$DISK\" bs=512 count=1 seek=NONCE_SECTOR iflag=fullblock conv=notrunc,fsync 2>/dev/null\n"
    );
    let machine_file = format!(r#"{{"id": "{mac}", "spec_id": "lab"}}"#);
    site.take_bootcfgs_place(&[
        ("specs/lab/spec.json", &spec),
        (&format!("machines/{mac}/machine.json"), &machine_file),
        ("cloud/lab.sh", &script),
    ])?;

    let on = machine.power_on()?;
    let host = machine_is_held(site, &machine, on)?;
    site.daemon.operate(&["host", "arm", &host])?;
    let token = installer_starts(&machine, on)?;
    installer_reports(&machine, on)?;
    let (found, nonce) = (disk_nonce(&machine, on)?, format!("{name}.1.{token}"));
    ensure!(found == nonce, "the disk says `{found}`, this run wrote `{nonce}`");
    turns_are(site, &host, &["hold", "armed", "boot", "done", "local"])?;
    let sights = machine.wire.captured()?;
    let asked = |path: &str| {
        let wanted = format!("GET {path}");
        position(
            &sights,
            |sight| matches!(sight, Sight::HttpRequest { line, .. } if line.starts_with(&wanted)),
        )
    };
    let way = ["/boot.ipxe", "/ipxe?uuid=", "/images/lab/vmlinuz", "/cloud?uuid="].map(asked);
    ensure!(
        way.iter().all(Option::is_some) && way.is_sorted(),
        "the capture does not show bootcfg's routes in their order: {way:?}"
    );
    let offered = position(
        &sights,
        |sight| matches!(sight, Sight::DhcpReply { from, .. } if *from == site.address()),
    );
    ensure!(offered.is_none(), "Bootwright answered DHCP although that is off");
    Ok(())
}
