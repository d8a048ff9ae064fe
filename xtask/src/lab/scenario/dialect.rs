//! Machines that speak to us as they spoke to another system.

use anyhow::{Result, ensure};

use super::held::machine_is_held;
use super::install::position;
use super::story::{disk_nonce, installer_reports, installer_starts, turns_are};
use super::{BOOTCFG, MATCHBOX};
use crate::lab::machine::Build;
use crate::lab::sight::Sight;
use crate::lab::site::Site;

/// A site as guides for bootcfg have it: dnsmasq lends addresses, hands out iPXE, and sends that to `/boot.ipxe`.
pub(super) fn bootcfg(site: &Site) -> Result<()> {
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
    let script = post_install(BOOTCFG.name);
    let machine_file = format!(r#"{{"id": "{mac}", "spec_id": "lab"}}"#);
    let files: [(&str, &str); 3] = [
        ("specs/lab/spec.json", &spec),
        (&format!("machines/{mac}/machine.json"), &machine_file),
        ("cloud/lab.sh", &script),
    ];
    site.take_place_of("bootcfg", "images_dir", &files)?;
    installs_once(
        site,
        BOOTCFG,
        ["/boot.ipxe", "/ipxe?uuid=", "/images/lab/vmlinuz", "/cloud?uuid="],
    )
}

/// The same site with matchbox: the group of all machines, and a second one for the step that its installer asks for.
pub(super) fn matchbox(site: &Site) -> Result<()> {
    let images = "/assets/lab";
    let profile = format!(
        r#"{{"id": "lab", "boot": {{"kernel": "{images}/vmlinuz", "initrd": ["--name main {images}/initrd.img"], "args": [
            "initrd=main", "console=ttyS0", "quiet", "BOOTIF=01-${{net0/mac:hexhyp}}",
            "bootwright.url={{{{ run.url }}}}",
            "bootwright.image=http://SERVER/assets/lab/disk.img",
            "lab.post-install=http://SERVER/generic?uuid=${{uuid}}&mac=${{net0/mac:hexhyp}}&os=installed"]}}}}"#
    );
    let script = post_install(MATCHBOX.name);
    let files: [(&str, &str); 5] = [
        ("groups/lab.json", r#"{"id": "lab", "profile": "lab"}"#),
        (
            "groups/installed.json",
            r#"{"id": "installed", "profile": "installed", "selector": {"os": "installed"}}"#,
        ),
        ("profiles/lab.json", &profile),
        (
            "profiles/installed.json",
            r#"{"id": "installed", "generic_id": "lab.sh"}"#,
        ),
        ("generic/lab.sh", &script),
    ];
    site.take_place_of("matchbox", "assets_dir", &files)?;
    installs_once(
        site,
        MATCHBOX,
        ["/boot.ipxe", "/ipxe?uuid=", "/assets/lab/vmlinuz", "/generic?uuid="],
    )
}

/// What the installer runs at its end. Such systems hand out any file: this one knows the run by the URL that its installer was
/// given.
fn post_install(name: &str) -> String {
    format!(
        "nonce={name}.1.${{url##*/}}\n\
         printf 'nonce=%s\\n%512s' \"$nonce\" '' | tr ' ' '\\n' | \
         dd of=\"$DISK\" bs=512 count=1 seek=NONCE_SECTOR iflag=fullblock conv=notrunc,fsync 2>/dev/null\n"
    )
}

/// A machine that nobody knows is held, armed, installed once by what the other system's data say, and left to its disk.
fn installs_once(site: &Site, build: Build, way: [&str; 4]) -> Result<()> {
    let name = build.name;
    let machine = site.machine(build)?;

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
    let way = way.map(asked);
    ensure!(
        way.iter().all(Option::is_some) && way.is_sorted(),
        "the capture does not show the routes of {name} in their order: {way:?}"
    );
    let offered = position(
        &sights,
        |sight| matches!(sight, Sight::DhcpReply { from, .. } if *from == site.address()),
    );
    ensure!(offered.is_none(), "Bootwright answered DHCP although that is off");
    Ok(())
}
