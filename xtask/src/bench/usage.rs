//! What a server has used, as `/proc` tells.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};

/// What the kernel counts in `proc(5)`, whatever its own clock: 100 to a second on all machines that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What `proc(5)` says of a process in `stat`, as far as we read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// In user and kernel, of the process and of its children that have ended, in ticks.
    ticks: u64,
}

/// The processor time that a process, its threads and all its descendants have used, in seconds.
///
/// A descendant that has ended counts once its parent has waited for it, as servers that fork do.
pub(super) fn cpu_seconds(root: u32) -> Result<f64> {
    let all = processes()?;
    let mut ticks = all.get(&root).context("the server has ended")?.ticks;
    let mut found = vec![root];
    while let Some(parent) = found.pop() {
        for (pid, stat) in all.iter().filter(|(_, stat)| stat.parent == parent) {
            ticks += stat.ticks;
            found.push(*pid);
        }
    }
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Resident memory of one process, in megabytes.
pub(super) fn resident_megabytes(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmRSS")?;
    Ok(kilobytes.parse::<f64>()? * 1024.0 / 1e6)
}

/// Whether a process's network namespace has a socket bound to this port: of UDP, or listening of TCP.
pub(super) fn is_bound(pid: u32, protocol: &str, port: u16) -> bool {
    let table = fs::read_to_string(format!("/proc/{pid}/net/{protocol}")).unwrap_or_default();
    let wanted = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1))
        .any(|local| local.ends_with(&wanted))
}

fn processes() -> Result<BTreeMap<u32, Stat>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that ends while we look is in its parent's account a moment later.
        let stat = fs::read_to_string(entry.path().join("stat")).ok();
        if let Some(stat) = stat.and_then(|text| parse(&text)) {
            all.insert(pid, stat);
        }
    }
    Ok(all)
}

fn parse(text: &str) -> Option<Stat> {
    // The name stands in brackets and may hold anything, brackets included.
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let text = "42 (a) b) S 7 42 42 0 -1 4194304 100 0 0 0 10 20 3 4 20 0 1 0 100 0 0 18446744073709551615";
        assert_eq!(parse(text), Some(Stat { parent: 7, ticks: 37 }));
    }

    #[test]
    fn a_process_that_works_uses_time() {
        let us = std::process::id();
        let before = cpu_seconds(us).unwrap();
        let mut sum = 0_u64;
        while cpu_seconds(us).unwrap() < before + 0.02 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(resident_megabytes(us).unwrap() > 0.5);
    }
}
