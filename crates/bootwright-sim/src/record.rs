//! The daemon's record: commits, their failures, and crashes between a step and its commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bootwright_core::{HoldWhy, Timestamp, Verdict};
use bootwright_engine::{Answer, Engine, Outcome};
use bootwright_store::{EventQuery, Fault, MemoryStore, Page, Reader, Store, Writing};

use crate::daemon::{Batch, Daemon, Release, SERVER, unrecorded};
use crate::operator::Word;
use crate::reply::Waiting;
use crate::world::{Event, World, policy};

impl World {
    /// Asks the engine something; what may leave at once leaves, the rest with its commit.
    pub(crate) fn ask<R>(
        &mut self,
        question: impl FnOnce(&mut Engine, Timestamp) -> Outcome<R>,
        release: impl FnOnce(&R) -> Release,
    ) {
        let now = self.site_now();
        let Some(daemon) = &mut self.daemon else { return };
        let mut outcome = question(&mut daemon.engine, now);
        outcome.promises &= !self.faults.answers_early;
        let (leaves, woken) = daemon.submit(outcome, release);
        let awake = daemon.wake(now, &woken);
        self.plan_commit();
        for parked in awake {
            self.answer_parked(&parked);
        }
        if let Some(release) = leaves {
            self.release(release);
        }
    }

    pub(crate) fn plan_commit(&mut self) {
        let waits = self.daemon.as_ref().is_some_and(|daemon| !daemon.pending.is_empty());
        if waits && !self.committing {
            self.committing = true;
            let after = Duration::from_millis(self.chance.between(1, 20));
            self.after(after, Event::Commit);
        }
    }

    pub(crate) fn commit(&mut self) -> Result<(), String> {
        self.committing = false;
        if self.chance.percent(self.faults.store) {
            let fault = match self.chance.below(3) {
                0 => Fault::Lost,
                1 => Fault::Unsaid,
                _ => Fault::Full,
            };
            self.disk.fail_after(0, fault);
        }
        let Some(daemon) = &mut self.daemon else { return Ok(()) };
        let batches = std::mem::take(&mut daemon.pending);
        if batches.is_empty() {
            return Ok(());
        }
        let writing = joined(&batches);
        let reading = self.clock.reading(self.now);
        let mark = self.clock.mark(self.now);
        let result = self.store.commit(batch(&writing), reading.wall_ms, &mark);
        self.look()?;
        match result {
            Ok(_) => {
                let idle = self.daemon.as_ref().filter(|daemon| daemon.pending.is_empty());
                // All of a large site is not looked at after each of its many small steps.
                self.unlooked += 1;
                let idle = idle.filter(|_| self.unlooked > self.machines.len() / 16);
                if let Some(daemon) = idle {
                    self.unlooked = 0;
                    self.checker.same(daemon.engine.world())?;
                    no_run_is_lost(&daemon.engine, self.site_now())?;
                }
                batches.into_iter().for_each(|batch| self.release(batch.release));
            }
            Err(error) => {
                self.note(&format!("a commit failed: {error}"));
                if let Some(daemon) = &mut self.daemon {
                    daemon.failed = true;
                }
                self.ask(|engine, _| engine.set_store(false, false), |()| Release::Nothing);
                for batch in batches {
                    self.release(unrecorded(batch.release));
                }
                self.after(Duration::from_secs(2), Event::Reopen);
            }
        }
        self.plan_commit();
        Ok(())
    }

    /// Looks at what the record says now.
    pub(crate) fn look(&mut self) -> Result<(), String> {
        loop {
            let query = EventQuery {
                page: Page::After(self.checker.last()),
                host: None,
                limit: 1_000,
            };
            let recorded = self.disk.events(&query).map_err(|error| error.to_string())?;
            if recorded.is_empty() {
                return Ok(());
            }
            for one in &recorded {
                let by = one.entry.change.host().map(ToString::to_string).unwrap_or_default();
                self.note(&format!("  {:?} {by}: {}", one.entry.verb, one.entry.note));
            }
            self.checker.recorded(&recorded)?;
        }
    }

    pub(crate) fn reopen(&mut self) -> Result<(), String> {
        if self.daemon.as_ref().is_none_or(|daemon| !daemon.failed) {
            return Ok(());
        }
        let loaded = self.store.load().map_err(|error| error.to_string())?;
        self.checker.same(&loaded.world)?;
        let now = self.site_now();
        self.leases.survived(now, |address| self.disk.lease(address))?;
        if let Some(daemon) = &mut self.daemon {
            for batch in std::mem::take(&mut daemon.pending) {
                drop(batch);
            }
            daemon.engine = Engine::new(Arc::clone(&self.policy), loaded.world, now);
            daemon.engine.load_revisions(loaded.revisions);
            daemon.engine.load_leases(now, loaded.leases);
            daemon.engine.set_own_addresses(now, [SERVER].into());
            daemon.failed = false;
        }
        self.note("the store is open again");
        self.ask(|engine, _| engine.set_store(true, false), |()| Release::Nothing);
        Ok(())
    }

    pub(crate) fn crash(&mut self) -> Result<(), String> {
        let Some(mut daemon) = self.daemon.take() else {
            return Ok(());
        };
        self.committing = false;
        let pending = std::mem::take(&mut daemon.pending);
        // What was under way to the disk may have reached it, without anybody being told.
        if !daemon.failed && !pending.is_empty() && self.chance.percent(50) {
            let writing = joined(&pending);
            let mark = self.clock.mark(self.now);
            let wall_ms = self.clock.reading(self.now).wall_ms;
            self.store
                .commit(batch(&writing), wall_ms, &mark)
                .map_err(|error| error.to_string())?;
            self.look()?;
        }
        self.note("the daemon is killed");
        let parked = daemon.parked.into_iter().map(|parked| parked.waiting);
        let unanswered = pending.into_iter().filter_map(|batch| match batch.release {
            Release::Http(waiting, _, _) => Some(waiting),
            Release::Nothing | Release::Lease(_) | Release::Look(..) => None,
        });
        let left: Vec<Waiting> = parked.chain(unanswered).collect();
        for waiting in left {
            self.after(Duration::from_millis(10), Event::Response(waiting, 0, String::new()));
        }
        let mut down = Duration::from_millis(self.chance.between(200, 5_000));
        if self.chance.percent(20) {
            self.note("the box is started anew");
            self.clock.reboot(self.now);
            down += Duration::from_secs(self.chance.between(20, 90));
        }
        self.after(down, Event::Start);
        Ok(())
    }

    pub(crate) fn back_up(&mut self) {
        self.note("the operator makes a backup");
        self.backup = Some(self.disk.backup());
    }

    pub(crate) fn restore(&mut self) -> Result<(), String> {
        let Some(backup) = &self.backup else { return Ok(()) };
        // A backup may be restored more than once, each time as it was.
        let disk = backup.backup();
        self.crash()?;
        self.note("the box goes on from the backup");
        self.checker.restored(&disk.recorded());
        self.disk = disk;
        Ok(())
    }

    pub(crate) fn start(&mut self) {
        if self.daemon.is_some() {
            return;
        }
        self.store = MemoryStore::on(self.disk.clone());
        let Ok(loaded) = self.store.load() else { return };
        self.clock.resume(self.now, loaded.clock.as_ref());
        let now = self.site_now();
        if loaded.restored {
            self.broken = self.look().err();
        }
        if let Err(what) = self.leases.survived(now, |address| self.disk.lease(address)) {
            self.broken = Some(what);
        }
        self.daemon = Some(Daemon::start(&self.policy, loaded, now));
        self.note("the daemon starts");
        self.plan_commit();
    }

    pub(crate) fn release(&mut self, release: Release) {
        match release {
            Release::Nothing => {}
            Release::Http(waiting, status, body) => {
                // The answer may be lost although the request was served.
                let lost = self.chance.percent(self.faults.http);
                let (after, status) = if lost {
                    (5_000, 0)
                } else {
                    (self.chance.between(1, 30), status)
                };
                self.after(Duration::from_millis(after), Event::Response(waiting, status, body));
            }
            Release::Lease(parcel) => self.deliver(parcel),
            Release::Look(errand, parcel) => self.look_later(errand, parcel),
        }
    }

    pub(crate) fn say(&mut self, number: usize) {
        let Some(word) = self.words.get(number).cloned() else {
            return;
        };
        let card = |machine: usize| {
            self.machines
                .get(machine)
                .map(|body| body.mac.to_string())
                .unwrap_or_default()
        };
        let disk = |machine: usize| {
            self.machines
                .get(machine)
                .map(|body| body.disk.clone())
                .unwrap_or_default()
        };
        let command = word.command(card, disk);
        match (&word, command) {
            (Word::Reload(text), _) => self.reload(text),
            (_, Some(command)) => {
                self.note(&format!("the operator says {word:?}"));
                self.ask(
                    |engine, now| engine.command(now, "alice", &command),
                    |_| Release::Nothing,
                );
            }
            (_, None) => {
                self.note(&format!("the operator says {word:?}"));
                self.ask(
                    |engine, now| {
                        let hosts: Vec<_> = engine.proposals().into_iter().map(|one| one.host).collect();
                        engine.apply_proposals(now, "alice", &hosts)
                    },
                    |_| Release::Nothing,
                );
            }
        }
    }

    /// Another configuration is in the file: the daemon takes it, or will when it starts.
    fn reload(&mut self, text: &str) {
        let Ok(policy) = policy(text) else { return };
        self.note("the operator changes the configuration");
        self.policy = Arc::new(policy);
        let policy = Arc::clone(&self.policy);
        self.ask(
            |engine, now| engine.reload(now, Some("alice"), policy),
            |_| Release::Nothing,
        );
    }
}

/// A run goes on with what it was started with, whatever happened to daemon and configuration in between.
fn no_run_is_lost(engine: &Engine, now: Timestamp) -> Result<(), String> {
    let installing = engine
        .world()
        .hosts
        .values()
        .filter(|host| host.state.phase.run().is_some());
    for host in installing {
        let explained = engine.explain(now, host.id.as_str());
        for answer in explained.iter().flat_map(|explained| &explained.answers) {
            if let Answer::Script { verdict, .. } = answer
                && matches!(verdict, Verdict::Hold(HoldWhy::RevisionLost(_)))
            {
                return Err(format!("nobody knows what the run of {} was started with", host.id));
            }
        }
    }
    Ok(())
}

/// All that batches want to have recorded, in their order.
fn joined(batches: &VecDeque<Batch>) -> Writing {
    let mut all = Writing::default();
    for batch in batches {
        all.entries.extend(batch.writing.entries.iter().cloned());
        all.leases.extend(batch.writing.leases.iter().cloned());
        all.revisions.extend(batch.writing.revisions.iter().cloned());
    }
    all
}

fn batch(writing: &Writing) -> bootwright_store::Batch<'_> {
    let Writing {
        entries,
        leases,
        revisions,
    } = writing;
    bootwright_store::Batch {
        entries,
        leases,
        revisions,
    }
}
