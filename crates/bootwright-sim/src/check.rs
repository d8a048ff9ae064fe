//! What must hold after every step, whatever went wrong. Reads the record alone, so that it also serves a real process.

use std::collections::{BTreeMap, BTreeSet};

use bootwright_core::{Cause, Change, Entry, HostId, HostState, Phase, Run, Token, World, apply};
use bootwright_store::{Recorded, Seq};

/// The most finished runs that a host may remember.
const RUNS_MAX: usize = bootwright_core::host::RUNS_REMEMBERED_MAX;

/// Folds the record as it grows, and knows what it allows.
#[derive(Debug)]
pub struct Checker {
    world: World,
    last: Seq,
    max_attempts: u32,
    runs: BTreeMap<Token, Known>,
}

/// What the record says of one run, and what was done under it.
#[derive(Clone, Debug, Default)]
struct Known {
    attempts: u32,
    ends: u32,
    wipes: u32,
    /// Disks that may be overwritten although they are not empty.
    disks: BTreeSet<String>,
    /// The serial number of the machine that the grant was given for, if it was known.
    machine: Option<String>,
}

impl Checker {
    /// Nothing is recorded yet; a run may have so many attempts.
    #[must_use]
    pub fn new(max_attempts: u32) -> Self {
        Self {
            world: World::default(),
            last: Seq::ZERO,
            max_attempts,
            runs: BTreeMap::new(),
        }
    }

    /// The place of the last entry that was looked at.
    #[must_use]
    pub const fn last(&self) -> Seq {
        self.last
    }

    /// What the record says so far.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// How many runs there were.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// How often a disk was written under any run.
    #[must_use]
    pub fn wipes(&self) -> u32 {
        self.runs.values().map(|run| run.wipes).sum()
    }

    /// Further entries of the record, in order.
    ///
    /// # Errors
    /// When an entry is out of order, or says something that no sequence of allowed steps leads to.
    pub fn recorded(&mut self, recorded: &[Recorded]) -> Result<(), String> {
        for one in recorded {
            if one.seq != self.last.plus(1) {
                return Err(format!("entry {} follows {}", one.seq, self.last));
            }
            self.last = one.seq;
            self.enter(&one.entry)
                .map_err(|what| format!("entry {}: {what}: {:?}", one.seq, one.entry))?;
        }
        Ok(())
    }

    /// The record is now that of a backup. What was done under runs that it does not know of stays done.
    pub fn restored(&mut self, backup: &[Recorded]) {
        (self.world, self.last) = (World::default(), Seq::ZERO);
        for one in backup {
            apply(&mut self.world, &one.entry);
            self.last = one.seq;
        }
        let running = self.world.hosts.values().filter_map(|host| host.state.phase.run());
        // It is the record's word that ends them, whatever the machines have reported since.
        for run in running {
            self.runs.entry(run.token).or_default().ends = 0;
        }
    }

    fn enter(&mut self, entry: &Entry) -> Result<(), String> {
        if let Change::StateSet { host, state } = &entry.change {
            self.moved(entry, host, state)?;
        }
        apply(&mut self.world, entry);
        let host = entry.change.host().and_then(|host| self.world.hosts.get(host));
        if host.is_some_and(|host| host.runs.len() > RUNS_MAX) {
            return Err("a host remembers more runs than it may".to_owned());
        }
        Ok(())
    }

    fn moved(&mut self, entry: &Entry, host: &HostId, state: &HostState) -> Result<(), String> {
        let before = self
            .world
            .hosts
            .get(host)
            .map(|host| host.state.clone())
            .unwrap_or_default();
        if state.locked && matches!(state.phase, Phase::Armed { .. } | Phase::Installing { .. }) {
            return Err("a locked host is armed or installing".to_owned());
        }
        if state.runs < before.runs {
            return Err("a host has fewer runs than before".to_owned());
        }
        if let Phase::Installing { run, grant, .. } = &state.phase {
            self.installing(entry, &before, run)?;
            let known = self.runs.entry(run.token).or_default();
            known.attempts = run.attempts;
            known.disks.clone_from(&grant.wipe);
            known.machine.clone_from(&grant.machine.serial);
        }
        let next_of_queue = matches!(&before.phase, Phase::Installing { rest, .. } if !rest.is_empty());
        let granted = matches!(entry.by, Cause::Operator(_) | Cause::Rule(_));
        let was_armed = matches!(before.phase, Phase::Armed { .. });
        if matches!(state.phase, Phase::Armed { .. }) && !granted && !next_of_queue && !was_armed {
            return Err("a host is armed by nobody".to_owned());
        }
        let ended = before.phase.run().filter(|run| {
            let present = state.phase.run();
            present.is_none_or(|present| present.token != run.token)
        });
        if let Some(run) = ended {
            let known = self.runs.entry(run.token).or_default();
            known.ends += 1;
            if known.ends > 1 {
                return Err("a run ended twice".to_owned());
            }
        }
        Ok(())
    }

    /// The script of a run was served once more, or its stage or disks changed.
    fn installing(&self, entry: &Entry, before: &HostState, run: &Run) -> Result<(), String> {
        if run.attempts > self.max_attempts {
            return Err(format!("attempt {} of {}", run.attempts, self.max_attempts));
        }
        let attempts_before = match &before.phase {
            Phase::Installing { run: present, .. } if present.token == run.token => present.attempts,
            Phase::Armed { grant, .. } if entry.at < grant.expires => 0,
            Phase::Armed { .. } => return Err("a run began under a grant that had expired".to_owned()),
            _ => return Err("a run began without a grant".to_owned()),
        };
        if attempts_before == 0 && self.runs.contains_key(&run.token) {
            return Err("two runs have the same token".to_owned());
        }
        let served = run.attempts > attempts_before;
        if served && self.world.site.paused.is_some() {
            return Err("an install script was served while installs were paused".to_owned());
        }
        if run.attempts > attempts_before + 1 {
            return Err("an attempt was counted that nobody saw".to_owned());
        }
        Ok(())
    }

    /// A disk is about to be written under a run. `found` is what is on it.
    ///
    /// # Errors
    /// When the record does not allow it.
    pub fn wiped(&mut self, token: Token, disk: &str, found: Option<&str>) -> Result<(), String> {
        let Some(run) = self.runs.get_mut(&token) else {
            return Err(format!("disk {disk} is written by a run that was never recorded"));
        };
        run.wipes += 1;
        if run.wipes > run.attempts {
            return Err(format!(
                "disk {disk} is written {} times, {} attempts are recorded",
                run.wipes, run.attempts
            ));
        }
        if let Some(found) = found.filter(|_| !run.disks.contains(disk)) {
            return Err(format!("disk {disk} is written, it held {found} and nobody named it"));
        }
        Ok(())
    }

    /// A machine with this serial number starts a run's installer.
    ///
    /// # Errors
    /// When the run was granted to another.
    pub fn may_be_used_by(&self, token: Token, serial: &str) -> Result<(), String> {
        let run = self.runs.get(&token);
        let granted = run.and_then(|run| run.machine.as_deref());
        match granted.filter(|granted| *granted != serial) {
            None => Ok(()),
            Some(granted) => Err(format!(
                "machine {serial} starts the installer that {granted} was granted"
            )),
        }
    }

    /// A run was told that its end is noted.
    ///
    /// # Errors
    /// When the record does not say so.
    pub fn end_acknowledged(&self, token: Token) -> Result<(), String> {
        match self.runs.get(&token) {
            Some(run) if run.ends == 1 => Ok(()),
            _ => Err("a run's end was acknowledged and is not recorded".to_owned()),
        }
    }

    /// What the daemon has in memory when nothing waits to be recorded.
    ///
    /// # Errors
    /// When it is not what the record says.
    pub fn same(&self, memory: &World) -> Result<(), String> {
        if *memory == self.world {
            return Ok(());
        }
        let differs = self
            .world
            .hosts
            .iter()
            .find(|(id, host)| memory.hosts.get(*id) != Some(*host));
        Err(format!(
            "memory is not what the record says: {differs:?}, but {:?}",
            differs.and_then(|(id, _)| memory.hosts.get(id))
        ))
    }
}
