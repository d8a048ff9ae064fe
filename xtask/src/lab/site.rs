//! Where one scenario plays: a segment, a DHCP server, Bootwright, and machines.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Result;

use super::capsule;
use super::daemon::Daemon;
use super::journal::{Journal, Timeline};
use super::machine::{Build, Machine};
use super::segment::{INTERFACE, Segment};
use super::stage::Stage;

const CONFIG: &str = include_str!("../../lab/config.toml");
const POST_INSTALL: &str = include_str!("../../lab/post-install.sh");

/// A scenario's own network with a daemon on it.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    segment: Segment,
    machines: Mutex<Vec<Arc<Machine>>>,
    timeline: Arc<Timeline>,
    logs: PathBuf,
}

impl Site {
    /// Builds the network and starts Bootwright on it.
    pub(super) fn build(stage: &Stage<'_>) -> Result<Self> {
        let logs = stage.logs.clone();
        let segment = Segment::build(stage.number, &logs)?;
        let journal = Journal::new(&segment.boot_namespace(), &stage.timeline);
        let post_install = POST_INSTALL.replace("NONCE_SECTOR", &stage.kit.nonce_sector.to_string());
        let config = CONFIG.replace("INTERFACE", INTERFACE).replace("POST_INSTALL", &post_install);
        let daemon = Daemon::new(stage.kit, &segment, &config, &logs, journal)?;
        let timeline = Arc::clone(&stage.timeline);
        let site = Site { daemon, segment, machines: Mutex::default(), timeline, logs };
        site.daemon.start()?;
        Ok(site)
    }

    /// Adds a machine, which is off.
    pub(crate) fn machine(&self, build: Build) -> Result<Arc<Machine>> {
        let sockets = Path::new(capsule::SOCKETS);
        let machine = Arc::new(Machine::new(build, &self.segment, &self.timeline, &self.logs, sockets)?);
        self.machines.lock().expect("no panic while locked").push(Arc::clone(&machine));
        Ok(machine)
    }

    /// Bootwright's address on the segment.
    pub(crate) fn address(&self) -> std::net::Ipv4Addr {
        self.segment.boot_address()
    }

    /// Ends the machines; the daemon stays.
    pub(super) fn switch_off(&self) {
        for machine in self.machines.lock().expect("no panic while locked").drain(..) {
            // It may have switched itself off.
            let _ = machine.power_off();
        }
    }

    /// What to type inside to run the daemon's command line.
    pub(super) fn command_line(&self) -> String {
        self.daemon.command_line()
    }

    /// The network namespace that Bootwright runs in.
    pub(super) fn namespace(&self) -> String {
        self.segment.boot_namespace()
    }
}
