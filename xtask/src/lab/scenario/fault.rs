//! What goes wrong in real machine rooms.

use anyhow::{Result, ensure};

use super::story::{
    BOOT, STEP, disk_nonce, disk_starts, installer_starts, local_script_served, resume_before, turns_are,
};
use super::{INTERRUPTED, RESTLESS};
use crate::lab::site::Site;

/// The daemon dies in the middle of an install, twice; then the installer's report is lost.
pub(super) fn interruptions(site: &Site) -> Result<()> {
    let machine = site.machine(INTERRUPTED)?;
    let host = INTERRUPTED.name;
    site.daemon.operate(&["host", "arm", host, "lab-careful"])?;
    let on = machine.power_on()?;
    let token = installer_starts(&machine, on)?;
    machine.wait_serial(on, "paused before half", BOOT)?;

    let before = site.daemon.events()?;
    site.daemon.kill()?;
    site.daemon.start()?;
    let after = site.daemon.events()?;
    for event in before.iter().filter(|event| event.host == host) {
        ensure!(
            after.contains(event),
            "the daemon forgot an event when it was killed: {event:?}"
        );
    }
    turns_are(site, host, &["armed", "boot"])?;

    // The installer writes while nobody is there to hear of it, and then waits for its next document.
    site.daemon.kill()?;
    let mark = resume_before(&machine, on, "half")?;
    machine.wait_serial(mark, "fetching post-install.sh", STEP)?;
    site.daemon.start()?;
    machine.wait_serial(mark, "paused before done", BOOT)?;
    machine.wire.plug(false);
    machine.type_line("resume")?;
    machine.wait_serial(mark, "nobody heard the report", STEP)?;
    machine.wire.plug(true);

    // The report was lost, so the second and last attempt installs again: the same run, on a disk it may overwrite.
    let again = machine.journal.mark();
    let same = installer_starts(&machine, again)?;
    ensure!(same == token, "the second attempt is another run");
    let mark = resume_before(&machine, again, "half")?;
    resume_before(&machine, mark, "done")?;
    disk_starts(site, &machine, again, 1, &token)?;
    turns_are(site, host, &["armed", "boot", "boot", "done", "local"])
}

/// A machine that is reset in the middle of every attempt, and then holds half a system.
pub(super) fn attempts(site: &Site) -> Result<()> {
    let machine = site.machine(RESTLESS)?;
    let host = RESTLESS.name;
    site.daemon.operate(&["host", "arm", host, "lab-careful"])?;
    let mut on = machine.power_on()?;
    let token = installer_starts(&machine, on)?;
    for attempt in 1..=2 {
        machine.wait_serial(on, "paused before half", BOOT)?;
        turns_are(
            site,
            host,
            if attempt == 1 {
                &["armed", "boot"]
            } else {
                &["armed", "boot", "boot"]
            },
        )?;
        on = machine.reset()?;
    }
    let nonce = disk_nonce(&machine, on)?;
    ensure!(nonce == "unwritten", "half an install wrote the nonce `{nonce}`");
    local_script_served(site, &machine)?;
    let given_up = ["armed", "boot", "boot", "fail", "local"];
    turns_are(site, host, &given_up)?;

    // A report that comes after all changes nothing.
    site.ask(&format!("/r/{token}/done"))?;
    turns_are(site, host, &given_up)?;

    // Another arming does not cover a disk that holds something.
    site.daemon.operate(&["host", "arm", host, "lab"])?;
    let on = machine.reset()?;
    installer_starts(&machine, on)?;
    machine.wait_serial(on, "guard says stop", BOOT)?;
    let nonce = disk_nonce(&machine, on)?;
    ensure!(
        nonce == "unwritten",
        "a disk that the guard refused was written: `{nonce}`"
    );

    // Naming the disk does.
    site.daemon
        .operate(&["host", "arm", host, "lab", "--allow-wipe", &RESTLESS.disk_serial()])?;
    let on = machine.reset()?;
    let token = installer_starts(&machine, on)?;
    machine.wait_serial(on, "guard says go", STEP)?;
    disk_starts(site, &machine, on, 3, &token)?;
    let story = [
        &given_up[..],
        &["armed", "boot", "fail", "local", "armed", "boot", "done", "local"],
    ]
    .concat();
    turns_are(site, host, &story)
}
