//! What a process may, and who it is: the daemon's where one runs and can be seen, else our own.

use std::fs;
use std::path::PathBuf;

use super::super::facts::{Process, Running};

pub(super) fn gather(running: Option<&Running>) -> Process {
    let daemon = running.and_then(|running| running.pid);
    let of_daemon = daemon.filter(|pid| fs::read_dir(format!("/proc/{pid}")).is_ok());
    let (place, whose) = match of_daemon {
        Some(pid) => (pid.to_string(), format!("the daemon (pid {pid})")),
        None => ("self".to_owned(), "this process".to_owned()),
    };
    let status = fs::read_to_string(format!("/proc/{place}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next().map(str::to_owned)
    };
    let program: Option<PathBuf> = fs::read_link(format!("/proc/{place}/exe")).ok();
    Process {
        whose,
        capabilities: field("CapEff:").and_then(|bits| u64::from_str_radix(&bits, 16).ok()),
        program,
        user: of_daemon.and_then(|_| field("Uid:")?.parse().ok()),
    }
}
