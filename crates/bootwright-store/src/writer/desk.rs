//! What the writer's thread does: it takes what waits, commits it as one, and tells everybody.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use bootwright_core::Entry;

use super::{Committed, Done, Health, Job, Shared, Submission, WriteFailed, Writing};
use crate::{Batch, ClockReading, Loaded, Recorded, Seq, SiteClock, Space, Store, StoreError};

/// How many submissions share one transaction: enough that the disk's sync no longer counts, few enough that the first
/// of them does not wait long for the last.
const GROUP_MAX: usize = 256;

/// How often room on the disk is looked for while the reserve is in use.
const SPACE_RETRY: Duration = Duration::from_secs(2);

/// What the writer's thread has before it.
pub(super) struct Desk {
    pub(super) store: Box<dyn Store>,
    pub(super) seq: Seq,
    pub(super) clock: SiteClock,
    pub(super) read_clock: Box<dyn FnMut() -> ClockReading + Send>,
    pub(super) committed: Committed,
    /// Whether the store was read anew since a commit failed.
    pub(super) reopened: bool,
    pub(super) shared: Arc<Shared>,
}

impl Desk {
    /// Works until it is told to stop, or nobody is left who could tell.
    pub(super) fn work(&mut self, jobs: &Receiver<Job>) {
        loop {
            let Some(first) = self.wait(jobs) else { return };
            let mut group = Vec::new();
            let mut next = Some(first);
            let mut other = None;
            while let Some(job) = next {
                match job {
                    Job::Append(submission) => group.push(submission),
                    Job::Reopen(_) | Job::Accept | Job::Flush(_) | Job::Stop => {
                        other = Some(job);
                        break;
                    }
                }
                next = if group.len() < GROUP_MAX {
                    jobs.try_recv().ok()
                } else {
                    None
                };
            }
            self.settle(group);
            match other {
                // Whoever asked may be gone by now.
                Some(Job::Reopen(reply)) => drop(reply.send(self.reopen())),
                Some(Job::Accept) => self.accept(),
                Some(Job::Flush(reply)) => drop(reply.send(())),
                Some(Job::Stop) => return,
                Some(Job::Append(_)) | None => {}
            }
        }
    }

    /// The next job; none when nobody can send one any more.
    fn wait(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        while *self.shared.health() == Health::Low {
            match jobs.recv_timeout(SPACE_RETRY) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Timeout) => self.maintain(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        jobs.recv().ok()
    }

    /// Commits a group and tells all who wait for it.
    fn settle(&mut self, group: Vec<Submission>) {
        if group.is_empty() {
            return;
        }
        let count = group.len();
        let (writing, waiters) = split(group);
        match self.commit(&writing) {
            Ok(wall_ms) => {
                let before = self.seq;
                for (recorded_by_then, done) in waiters {
                    self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                    if let Some(done) = done {
                        done(Ok(before.plus(recorded_by_then)));
                    }
                }
                self.publish(writing.entries, wall_ms);
                self.maintain();
            }
            Err(failed) => {
                tracing::debug!(status = %failed, "writes refused");
                self.shared.waiting.fetch_sub(count, Ordering::Relaxed);
                for (_, done) in waiters {
                    if let Some(done) = done {
                        done(Err(failed.clone()));
                    }
                }
            }
        }
    }

    /// Makes all of it durable and returns what the wall clock showed.
    fn commit(&mut self, writing: &Writing) -> Result<u64, WriteFailed> {
        if let Health::Failed(failed) = &*self.shared.health() {
            return Err(failed.clone());
        }
        let now = (self.read_clock)();
        let Writing {
            entries,
            leases,
            revisions,
        } = writing;
        if *writing == Writing::default() {
            return Ok(now.wall_ms);
        }
        match self.store.commit(
            Batch {
                entries,
                leases,
                revisions,
            },
            now.wall_ms,
            &self.clock.mark(now),
        ) {
            Ok(last) => {
                assert_eq!(last, self.seq.plus(entries.len() as u64), "the record has a gap");
                Ok(now.wall_ms)
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    fn publish(&mut self, entries: Vec<Entry>, wall_ms: u64) {
        if entries.is_empty() {
            return;
        }
        let mut recorded = Vec::with_capacity(entries.len());
        for entry in entries {
            self.seq = self.seq.plus(1);
            recorded.push(Recorded {
                seq: self.seq,
                wall_ms,
                entry,
            });
        }
        (self.committed)(&recorded);
    }

    fn maintain(&mut self) {
        match self.store.maintain() {
            Ok(()) => {
                let health = match self.store.space() {
                    Space::Plenty => Health::Good,
                    Space::Reserve => Health::Low,
                };
                let mut present = self.shared.health();
                if *present != health {
                    match health {
                        Health::Low => {
                            tracing::error!(code = "E302", "the disk of the store is full, its reserve is in use")
                        }
                        Health::Good | Health::Failed(_) => tracing::warn!("the disk of the store has room again"),
                    }
                    *present = health;
                }
            }
            Err(error) => {
                self.fail(&error);
            }
        }
    }

    /// From here on everything is refused: later entries presuppose those that were lost.
    fn fail(&mut self, error: &StoreError) -> WriteFailed {
        tracing::error!(code = "E301", status = %error, "the store cannot be written, it is read-only until it is opened again");
        let failed = WriteFailed(error.to_string().into());
        self.reopened = false;
        *self.shared.health() = Health::Failed(failed.clone());
        failed
    }

    fn reopen(&mut self) -> Result<Loaded, StoreError> {
        let failed = WriteFailed("the store is being opened again".into());
        *self.shared.health() = Health::Failed(failed);
        let loaded = self.store.load().inspect_err(|error| {
            self.fail(error);
        })?;
        self.seq = loaded.seq;
        self.reopened = true;
        tracing::warn!(seq = loaded.seq.get(), "the store was opened again");
        Ok(loaded)
    }

    fn accept(&mut self) {
        if std::mem::take(&mut self.reopened) {
            *self.shared.health() = Health::Good;
        }
    }
}

/// Everything in one row, and for each submission who waits and how many entries there are up to its end.
fn split(group: Vec<Submission>) -> (Writing, Vec<(u64, Option<Done>)>) {
    let mut all = Writing::default();
    let mut waiters = Vec::with_capacity(group.len());
    for Submission { writing, done } in group {
        all.entries.extend(writing.entries);
        all.leases.extend(writing.leases);
        all.revisions.extend(writing.revisions);
        waiters.push((all.entries.len() as u64, done));
    }
    (all, waiters)
}
