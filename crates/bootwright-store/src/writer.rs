//! Commits in groups on a thread of its own, so that nothing that answers machines ever waits for the disk.

mod desk;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use bootwright_core::lease::Lease;
use bootwright_core::{Entry, RevisionChange};

use crate::{ClockReading, Loaded, Recorded, Seq, SiteClock, Store, StoreError};

use self::desk::Desk;

/// How many submissions may wait. At a hundred commits a second, a slow disk's rate, this is what is settled in some
/// seconds with groups of `GROUP_MAX`; whoever finds the queue full is told to come back.
pub const QUEUE_MAX: usize = 4096;

/// Called once when the fate of a submission is known, on the writer's thread: hand the news on and return.
pub type Done = Box<dyn FnOnce(Result<Seq, WriteFailed>) + Send>;

/// Called with the entries of each commit, in order, after their `Done`s.
pub type Committed = Box<dyn FnMut(&[Recorded]) + Send>;

/// The entries were not made durable, and nothing that depends on them may be answered.
///
/// They may still be found in the store when it is read again: what it says then is what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFailed(Arc<str>);

impl fmt::Display for WriteFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WriteFailed {}

/// Why a submission was not taken; its `Done` is dropped uncalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `QUEUE_MAX` submissions are waiting.
    Full,
    /// The writer's thread is gone.
    Stopped,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too many writes are waiting for the disk",
            Self::Stopped => "the store's writer has stopped",
        })
    }
}

impl std::error::Error for Refused {}

/// How the store fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Commits succeed.
    Good,
    /// Commits succeed, but out of the reserve: nothing new should begin.
    Low,
    /// A commit failed, for this reason; all are refused until [`Writer::reopen`] succeeds and [`Writer::accept`] says
    /// that its answer was taken in.
    Failed(WriteFailed),
}

enum Job {
    Append(Submission),
    Reopen(SyncSender<Result<Loaded, StoreError>>),
    Accept,
    Flush(SyncSender<()>),
    Stop,
}

struct Submission {
    writing: Writing,
    done: Option<Done>,
}

/// What is to be recorded together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// What happened, in this order.
    pub entries: Vec<Entry>,
    /// What became of addresses.
    pub leases: Vec<Lease>,
    /// What becomes of the profiles that runs were started with, in this order.
    pub revisions: Vec<RevisionChange>,
}

impl From<Vec<Entry>> for Writing {
    fn from(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }
}

/// The one who writes. Dropping it commits what is waiting and ends its thread.
pub struct Writer {
    jobs: SyncSender<Job>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    waiting: AtomicUsize,
    health: Mutex<Health>,
}

impl Writer {
    /// Starts writing to a store that was loaded up to `seq`. `read_clock` reads the machine's clocks at each commit.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        store: Box<dyn Store>,
        seq: Seq,
        clock: SiteClock,
        read_clock: Box<dyn FnMut() -> ClockReading + Send>,
        committed: Committed,
    ) -> std::io::Result<Self> {
        let (jobs, receiver) = sync_channel(QUEUE_MAX);
        let shared = Arc::new(Shared {
            waiting: AtomicUsize::new(0),
            health: Mutex::new(Health::Good),
        });
        let mut desk = Desk {
            store,
            seq,
            clock,
            read_clock,
            committed,
            reopened: false,
            shared: Arc::clone(&shared),
        };
        let thread = Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || desk.work(&receiver))?;
        Ok(Self {
            jobs,
            shared,
            thread: Some(thread),
        })
    }

    /// Hands over what is to be recorded after all that was handed over before, and returns at once. All of it is
    /// recorded or nothing. If there is nothing to record, `done` is called when everything before is settled.
    ///
    /// # Errors
    /// When too many submissions are waiting.
    pub fn submit(&self, writing: impl Into<Writing>, done: Option<Done>) -> Result<(), Refused> {
        let writing = writing.into();
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        self.jobs
            .try_send(Job::Append(Submission { writing, done }))
            .map_err(|error| {
                self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                match error {
                    TrySendError::Full(_) => Refused::Full,
                    TrySendError::Disconnected(_) => Refused::Stopped,
                }
            })
    }

    /// How many submissions are waiting for the disk.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// How the store fares.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.health().clone()
    }

    /// Whether the store has little room left: [`Health::Low`], for those who ask often.
    #[must_use]
    pub fn is_low(&self) -> bool {
        *self.shared.health() == Health::Low
    }

    /// Opens and reads the store anew after a failure, and waits for it. What it returns replaces all that was in
    /// memory: some of what was refused may have been recorded after all. Submissions stay refused until `accept`, since
    /// those that are under way were made from what is now replaced.
    ///
    /// # Errors
    /// When the store still cannot be opened, read or written; writes stay refused.
    pub fn reopen(&self) -> Result<Loaded, StoreError> {
        let (reply, answer) = sync_channel(1);
        self.jobs.send(Job::Reopen(reply)).map_err(|_| StoreError::Closed)?;
        answer.recv().map_err(|_| StoreError::Closed)?
    }

    /// Takes submissions again, from this call on: the caller has replaced what it had in memory by what `reopen`
    /// returned. Without a `reopen` that succeeded it does nothing.
    pub fn accept(&self) {
        // A thread that is gone refuses everything by itself.
        let _ = self.jobs.send(Job::Accept);
    }

    /// Waits until all that was submitted before is settled.
    pub fn flush(&self) {
        let (reply, answer) = sync_channel(1);
        if self.jobs.send(Job::Flush(reply)).is_ok() {
            // Nothing is said when the thread is gone, and then nothing is left to wait for.
            let _ = answer.recv();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A thread that is gone needs no word, and a panic in it was already reported on its own.
        let _ = self.jobs.send(Job::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
