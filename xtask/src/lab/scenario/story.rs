//! The turns that every story takes: an installer starts, a disk starts, and Bootwright knows of it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::lab::image;
use crate::lab::journal::{Mark, Source};
use crate::lab::machine::{Firmware, Machine};
use crate::lab::record;
use crate::lab::site::Site;

/// How long a start over the network may take: generous, for virtual machines without hardware acceleration on a
/// computer that has other work.
pub(super) const BOOT: Duration = Duration::from_secs(300);
/// How long a step may take once the installer runs.
pub(super) const STEP: Duration = Duration::from_secs(120);
/// How long the daemon's event may take to reach us after what it tells has happened.
pub(super) const SOON: Duration = Duration::from_secs(10);

/// Events that change what a host may do. Fetches and guard answers come between them.
const TURNS: [&str; 8] = ["armed", "boot", "done", "fail", "local", "loop", "hold", "live"];

/// Waits for the installer to start, and gives the token of its run.
pub(super) fn installer_starts(machine: &Machine, since: Mark) -> Result<String> {
    let line = machine.wait_serial(since, "lab-installer: started", BOOT)?.text;
    let token = line
        .split_once("/r/")
        .and_then(|(_, rest)| rest.get(..32))
        .unwrap_or_default();
    let is_token = token.len() == 32 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    ensure!(
        is_token,
        "the installer was given no run URL with a token of 32 hex digits: {line}"
    );
    Ok(token.to_owned())
}

/// Waits for the installer to end, which must be well.
pub(super) fn installer_reports(machine: &Machine, since: Mark) -> Result<()> {
    let ends = ["lab-installer: reported", "lab-installer: failed"];
    let end = machine.journal.wait_for(since, "the installer's end", BOOT, |entry| {
        entry.source == Source::Serial && ends.iter().any(|end| entry.text.starts_with(end))
    })?;
    ensure!(end.text.starts_with(ends[0]), "the installer says: {}", end.text);
    Ok(())
}

/// Waits for the disk to start because Bootwright said so, and checks that it is what this run installed.
pub(super) fn disk_starts(site: &Site, machine: &Machine, since: Mark, run: u32, token: &str) -> Result<()> {
    let nonce = format!("{}.{run}.{token}", machine.build.name);
    let found = disk_nonce(machine, since)?;
    ensure!(
        found == nonce,
        "the disk was written by another run: it says `{found}`, this run wrote `{nonce}`"
    );
    local_script_served(site, machine)
}

/// What the disk says that it was written by, once it starts.
pub(super) fn disk_nonce(machine: &Machine, since: Mark) -> Result<String> {
    let banner = match machine.build.firmware {
        Firmware::Bios => image::BIOS_BANNER,
        Firmware::Uefi
        | Firmware::UefiHttp
        | Firmware::UefiIpv4
        | Firmware::UefiIpv6
        | Firmware::UefiHttpIpv6
        | Firmware::Secure
        | Firmware::SecureOwn
        | Firmware::SecureOwnHttp
        | Firmware::Arm64 => image::EFI_BANNER,
    };
    let line = machine.wait_serial(since, banner, BOOT)?.text;
    let (_, nonce) = line
        .split_once("nonce=")
        .with_context(|| format!("the disk prints no nonce: {line}"))?;
    Ok(nonce.trim().to_owned())
}

/// A firmware that falls through to the disk by itself is no proof: Bootwright must have served the script.
pub(super) fn local_script_served(site: &Site, machine: &Machine) -> Result<()> {
    let host = machine.build.name;
    site.daemon
        .journal
        .wait_for(Mark::default(), "the event of the local-boot script", SOON, |entry| {
            entry.source == Source::Bootwright
                && record::happened(&entry.text).is_some_and(|event| event.host == host && event.verb == "local")
        })?;
    Ok(())
}

/// Checks the turns of a host against what must have happened, in order and with nothing else. What the record tells a
/// moment later counts too.
pub(super) fn turns_are(site: &Site, host: &str, expected: &[&str]) -> Result<()> {
    let deadline = Instant::now() + SOON;
    loop {
        let events = site.daemon.events()?;
        let turns: Vec<&str> = events
            .iter()
            .filter(|event| event.host == host && TURNS.contains(&event.verb.as_str()))
            .map(|event| event.verb.as_str())
            .collect();
        if turns == expected {
            return Ok(());
        }
        let told = format!("`bootwright events` tells of `{host}`: {turns:?}\nbut what happened is: {expected:?}");
        ensure!(Instant::now() < deadline, told);
        thread::sleep(Duration::from_millis(100));
    }
}

/// Lets a paused installer go on.
pub(super) fn resume_before(machine: &Machine, since: Mark, step: &str) -> Result<Mark> {
    machine.wait_serial(since, &format!("paused before {step}"), STEP)?;
    let mark = machine.journal.mark();
    machine.type_line("resume")?;
    machine.wait_serial(mark, "resumed", STEP)?;
    Ok(mark)
}
