//! A boot menu of PXELINUX, with Debian's own binaries.

use anyhow::{Context as _, Result, ensure};

use super::PXELINUX_MENU;
use super::front::{name, never_ipxe, reads};
use super::install::position;
use super::story::BOOT;
use crate::lab::site::Site;

/// A menu as people write it for `menu.c32`: some seconds, then its default. What starts there says its kernel line.
const MENU: &str = r#"
[profiles.rack]
kind = "menu"
title = "Rack 1"
timeout = "5s"
entries = [
    { title = "Own disk", local = true },
    { title = "Look around", live = "look", default = true },
]

[profiles.look]
kernel = "/images/lab/vmlinuz"
initrds = ["/images/lab/initrd.img"]
args = ["console=ttyS0", "quiet", "ip=dhcp", "lab.look"]
done = "manual"
"#;

pub(super) fn pxelinux_menu(site: &Site) -> Result<()> {
    let build = PXELINUX_MENU;
    site.daemon.configure("menu", MENU)?;
    name(site, build, "pxelinux.0")?;
    let machine = site.machine(build)?;
    site.daemon.operate(&["host", "live", build.name, "rack"])?;
    let on = machine.power_on()?;

    // On the screen, which the BIOS repeats on the serial line.
    for words in ["Rack 1", "Own disk", "Look around", "Automatic boot in"] {
        machine.wait_serial(on, words, BOOT)?;
    }
    // Nobody is at the keyboard.
    let line = machine.wait_serial(on, "lab-installer: looks: ", BOOT)?.text;
    let card = format!("BOOTIF=01-{}", build.mac().replace(':', "-"));
    for word in [card.as_str(), "ip=dhcp"] {
        let times = line.split(' ').filter(|found| *found == word).count();
        ensure!(times == 1, "`{word}` stands {times} times on the kernel line: {line}");
    }

    let sights = machine.wire.captured()?;
    let mac = build.mac().replace(':', "-");
    let mut rest = sights.as_slice();
    for file in [
        "pxelinux.0".to_owned(),
        "ldlinux.c32".to_owned(),
        format!("pxelinux.cfg/01-{mac}"),
        "menu.c32".to_owned(),
        "libutil.c32".to_owned(),
        format!("bootwright/pxelinux/chose-1/01-{mac}"),
        "images/lab/vmlinuz".to_owned(),
        "images/lab/initrd.img".to_owned(),
    ] {
        let at = position(rest, |sight| reads(sight, &file));
        let at =
            at.with_context(|| format!("`{file}` was not fetched by TFTP where it must be; then came: {rest:?}"))?;
        rest = &rest[at + 1..];
    }
    never_ipxe(&sights)?;
    chosen_by_time(site, build.name)?;
    machine.power_off()
}

/// The record tells of the menu and of what was started from it; nothing was installed.
fn chosen_by_time(site: &Site, host: &str) -> Result<()> {
    let events = site.daemon.events()?;
    let of_host: Vec<_> = events.iter().filter(|event| event.host == host).collect();
    for words in ["the menu rack is shown at its console", "live script served, look"] {
        ensure!(
            of_host.iter().any(|event| event.note.contains(words)),
            "the record does not say `{words}`: {of_host:?}"
        );
    }
    ensure!(
        !of_host.iter().any(|event| event.verb == "boot"),
        "an install began: {of_host:?}"
    );
    Ok(())
}
