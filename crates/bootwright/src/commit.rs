//! Answers that promise something, and what they wait for.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bootwright_store::Done;
use tokio::sync::{Notify, oneshot};

/// What the answer would have promised could not be recorded.
#[derive(Clone, Debug)]
pub struct Unrecorded(String);

/// What an answer waits for.
#[derive(Debug)]
pub enum Commit<W> {
    /// Nothing: it may leave.
    Nothing,
    /// A commit that is under way.
    Pending(W),
    /// Nothing any more: it may never leave.
    Refused(Unrecorded),
}

/// An answer of the engine that may have to wait for its commit.
#[must_use]
pub struct Answer<R> {
    pub(crate) reply: R,
    pub(crate) commit: Commit<oneshot::Receiver<Settled>>,
}

/// What became of a promise.
pub type Settled = Result<(), Unrecorded>;

/// A place in the order in which promises were made to one who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// Where one who has made many promises hears what became of them, in the order in which they were made. It costs less than
/// a channel and a task for each: what is recorded together is told together.
#[derive(Debug, Default)]
pub struct Settlements {
    last: AtomicU64,
    told: Mutex<Vec<(Ticket, Settled)>>,
    bell: Notify,
}

impl Unrecorded {
    /// For the reason that the writer gives.
    pub(crate) fn because(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }

    /// It changed so often while it was looked at that there was nothing to record.
    pub(crate) fn busy() -> Self {
        Self("what was asked about changes too often at this moment".to_owned())
    }
}

impl fmt::Display for Unrecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unrecorded {}

impl<R> Answer<R> {
    /// What the answer says, to whoever may have to wait before he tells it.
    pub const fn reply(&self) -> &R {
        &self.reply
    }

    /// The same answer in other words.
    pub fn map<S>(self, words: impl FnOnce(R) -> S) -> Answer<S> {
        Answer {
            reply: words(self.reply),
            commit: self.commit,
        }
    }

    /// The answer at once. For questions whose answers promise nothing.
    pub fn now(self) -> R {
        self.reply
    }

    /// The answer once everything that it promises is durable.
    ///
    /// # Errors
    /// When it could not be recorded; then nothing that it says holds.
    pub async fn settled(self) -> Result<R, Unrecorded> {
        match self.commit {
            Commit::Nothing => Ok(self.reply),
            Commit::Refused(why) => Err(why),
            Commit::Pending(receiver) => match receiver.await {
                Ok(result) => result.map(|()| self.reply),
                Err(_) => Err(Unrecorded("the store's writer has stopped".to_owned())),
            },
        }
    }
}

impl Settlements {
    /// What tells here of one promise more, and its place in the order. To be called in that order.
    pub(crate) fn expect(self: &Arc<Self>) -> (Done, Ticket) {
        let ticket = Ticket(self.last.fetch_add(1, Ordering::Relaxed));
        let here = Arc::clone(self);
        let done = move |result: Result<_, bootwright_store::WriteFailed>| {
            here.tell(ticket, result.map(drop).map_err(Unrecorded::because));
        };
        (Box::new(done), ticket)
    }

    fn tell(&self, ticket: Ticket, settled: Settled) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let first = told.is_empty();
        told.push((ticket, settled));
        drop(told);
        // Whoever comes for the first one finds those that follow it.
        if first {
            self.bell.notify_one();
        }
    }

    /// Waits until something was settled, and puts all of it in the place of what is in `settled`. A wait that is given up
    /// loses nothing.
    pub async fn next(&self, settled: &mut Vec<(Ticket, Settled)>) {
        settled.clear();
        loop {
            {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                if !told.is_empty() {
                    std::mem::swap(&mut *told, settled);
                    return;
                }
            }
            self.bell.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use bootwright_store::Seq;

    use super::*;

    #[tokio::test]
    async fn what_is_settled_is_told_once_and_in_the_order_of_the_promises() {
        let settlements = Arc::new(Settlements::default());
        let (dones, tickets): (Vec<Done>, Vec<Ticket>) = (0..100).map(|_| settlements.expect()).unzip();
        let writer = std::thread::spawn(move || dones.into_iter().for_each(|done| done(Ok(Seq::ZERO))));
        let (mut heard, mut some) = (Vec::new(), Vec::new());
        while heard.len() < tickets.len() {
            settlements.next(&mut some).await;
            assert!(!some.is_empty(), "nobody is woken for nothing");
            heard.extend(some.iter().map(|(ticket, _)| *ticket));
        }
        writer.join().expect("the writer has told all");
        assert_eq!(heard, tickets);
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_loses_nothing() {
        let settlements = Arc::new(Settlements::default());
        let mut some = Vec::new();
        let (done, ticket) = settlements.expect();
        tokio::select! {
            biased;
            () = settlements.next(&mut some) => panic!("nothing was settled yet"),
            () = std::future::ready(()) => {}
        }
        done(Ok(Seq::ZERO));
        settlements.next(&mut some).await;
        assert_eq!(some.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [ticket]);
    }
}
