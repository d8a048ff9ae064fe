//! A control group for each server. It counts the processor time of all its processes, to the microsecond, those included
//! for which nobody has waited; and it ends all of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::process;

/// Where the control groups of version 2 are seen, in the benchmark's own `/run`.
const ROOT: &str = "/run/groups";
/// How long the kernel may take to end the processes of a group.
const PATIENCE: Duration = Duration::from_secs(5);

/// A group of processes, which end with this value.
pub(super) struct Group {
    /// The group that we are in, in which this one is.
    own: PathBuf,
    path: PathBuf,
}

/// Shows the control groups inside.
pub(super) fn furnish() -> Result<()> {
    fs::create_dir_all(ROOT)?;
    process::output(Command::new("mount").args(["-t", "cgroup2", "groups", ROOT]))
        .map(drop)
        .context("processor time is counted by control groups of version 2")
}

impl Group {
    /// An empty group. Its name should be nobody else's on this machine.
    pub(super) fn make(name: &str) -> Result<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        let ours = groups.lines().find_map(|line| line.strip_prefix("0::/"));
        let own = Path::new(ROOT).join(ours.context("we are in no control group of version 2")?);
        let path = own.join(name);
        fs::create_dir(&path).with_context(|| format!("cannot make the control group `{}`", path.display()))?;
        Ok(Self { own, path })
    }

    /// Starts a process in the group, from its first instruction on: we go in, and come out without it.
    pub(super) fn spawn(&self, command: &mut Command) -> Result<Child> {
        enter(&self.path)?;
        let spawned = command.spawn();
        enter(&self.own)?;
        spawned.with_context(|| format!("cannot start `{}`", process::line(command)))
    }

    /// The processor time that all its processes have used, in seconds.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(self.path.join("cpu.stat"))?;
        let used = usage(&stat).context("the control group does not tell the processor time")?;
        Ok(used as f64 / 1e6)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What is left of the server, such as the children of one that has ended.
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
        let until = Instant::now() + PATIENCE;
        while fs::remove_dir(&self.path).is_err() && self.path.exists() {
            if Instant::now() > until {
                eprintln!("warning: the control group `{}` is not empty", self.path.display());
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn enter(group: &Path) -> Result<()> {
    fs::write(group.join("cgroup.procs"), "0").with_context(|| format!("cannot enter `{}`", group.display()))
}

/// Microseconds, of `cpu.stat`.
fn usage(stat: &str) -> Option<u64> {
    stat.lines()
        .find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_of_a_group_is_read() {
        assert_eq!(
            usage("usage_usec 229397\nuser_usec 229390\nsystem_usec 7\n"),
            Some(229_397)
        );
        assert_eq!(usage("user_usec 229390\n"), None);
    }
}
