//! Debian's own installer.

use anyhow::{Result, ensure};

use super::DEBIAN;
use super::story::{BOOT, turns_are};
use crate::lab::journal::{Mark, Source};
use crate::lab::record::happened;
use crate::lab::site::Site;

const CONFIG: &str = include_str!("../../../lab/debian.toml");
/// The example's own script.
const WATCH: &str = include_str!("../../../../config/examples/debian/watch.sh");

/// It fetches its preseed file, reports from the first command in it, tells how far it is, and that it cannot go on: the segment
/// has no mirror.
pub(super) fn preseeded(site: &Site) -> Result<()> {
    let host = DEBIAN.name;
    site.daemon.configure(host, &CONFIG.replace("WATCH", WATCH))?;
    let machine = site.machine(DEBIAN)?;
    site.daemon.operate(&["host", "arm", host, host])?;
    let on = machine.power_on()?;
    let tells = |verb: &'static str, words: String| {
        let told = move |entry: &crate::lab::journal::Entry| {
            let event = (entry.source == Source::Bootwright)
                .then(|| happened(&entry.text))
                .flatten();
            event.is_some_and(|event| event.host == host && event.verb == verb && event.note.contains(&words))
        };
        let what = format!("the installer's `{verb}`");
        site.daemon.journal.wait_for(Mark::default(), &what, BOOT * 2, told)
    };
    // Its initial ramdisk is large, and the machine's processor emulated.
    tells("fetch", format!("installer: early_command: I am {host}"))?;
    let fetched = machine.wait_wire(on, "preseed.cfg", BOOT)?;
    ensure!(
        fetched.text.contains("GET /r/"),
        "the preseed came by another way: {}",
        fetched.text
    );
    tells("fetch", "installer: choose-mirror: ".to_owned())?;
    tells("fail", "mirror does not support the specified release".to_owned())?;
    turns_are(site, host, &["armed", "boot", "fail"])?;
    machine.power_off()
}
