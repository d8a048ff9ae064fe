//! What other threads tell the one that sends.

use std::sync::{Arc, Mutex, PoisonError};

use bootwright_net::poll::Bell;

use super::content::{Done, Job};
use super::sending::Sending;

/// Something told.
#[derive(Debug)]
pub(super) enum Letter {
    /// A transfer begins.
    Begin(Box<Sending>),
    /// The session of this number has an order.
    Order(u64),
    /// What the transfer of this number had to wait for was read.
    Read(u64, Done),
    /// Nothing will come any more.
    End,
}

/// The letters that were not read yet. They are few: two for each transfer, and one for each time that it is disturbed.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// Nothing, once nobody reads.
    letters: Mutex<Option<Vec<Letter>>>,
    bell: Bell,
}

/// A job that is done elsewhere, and the promise of an answer even if nobody does it.
#[derive(Debug)]
pub(super) struct Errand {
    mailbox: Arc<Mailbox>,
    id: u64,
    job: Option<Job>,
}

impl Mailbox {
    /// An empty one; the bell wakes who reads it.
    pub(super) fn new(bell: Bell) -> Arc<Self> {
        let letters = Mutex::new(Some(Vec::new()));
        Arc::new(Self { letters, bell })
    }

    /// Puts a letter in.
    pub(super) fn post(&self, letter: Letter) {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        // A letter that nobody will read is dropped behind the lock: what it holds may post one itself.
        let unread = match letters.as_mut() {
            Some(letters) => {
                letters.push(letter);
                if letters.len() == 1 {
                    self.bell.ring();
                }
                None
            }
            None => Some(letter),
        };
        drop(letters);
        drop(unread);
    }

    /// Takes all letters, for an empty list that they may lie in from now on.
    pub(super) fn take(&self, empty: Vec<Letter>) -> Vec<Letter> {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.replace(empty).unwrap_or_default()
    }

    /// Refuses letters from now on.
    pub(super) fn close(&self) {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(letters);
    }
}

impl Errand {
    /// An errand for the transfer of this number.
    pub(super) fn new(mailbox: Arc<Mailbox>, id: u64, job: Job) -> Self {
        let job = Some(job);
        Self { mailbox, id, job }
    }

    /// Does the job, and posts what came of it.
    pub(super) fn run(mut self) {
        if let Some(job) = self.job.take() {
            self.mailbox.post(Letter::Read(self.id, job.run()));
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if self.job.take().is_some() {
            self.mailbox.post(Letter::Read(self.id, Done::never()));
        }
    }
}
