//! What the engine hands back for one input.

use bootwright_core::lease::Lease;
use bootwright_core::{Entry, HostId, RevisionChange};

/// The answer to one input, and what has to happen with it.
#[derive(Debug)]
#[must_use]
pub struct Outcome<R> {
    /// The answer.
    pub reply: R,
    /// What has to be recorded, in this order and before the entries of any later outcome.
    pub entries: Vec<Entry>,
    /// Leases to be recorded together with the entries, each in the place of what the record has of its address.
    pub leases: Vec<Lease>,
    /// What becomes of the profiles that runs were started with, to be recorded together with the entries.
    pub revisions: Vec<RevisionChange>,
    /// Whether the answer promises something in the entries and leases, or in those of an earlier outcome, so that it may
    /// leave only once all of them are durable. An answer that promises may come without any of its own.
    pub promises: bool,
    /// Held hosts whose question may now have another answer.
    pub woken: Woken,
}

/// Which held hosts should ask again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Woken {
    /// None.
    #[default]
    None,
    /// This one.
    Host(HostId),
    /// All of them: a budget was freed, a pause ended, a configuration was read.
    All,
}

impl Woken {
    pub(crate) fn and(&mut self, other: Self) {
        *self = match (std::mem::take(self), other) {
            (Self::None, other) => other,
            (this, Self::None) => this,
            (Self::Host(a), Self::Host(b)) if a == b => Self::Host(a),
            (Self::Host(_) | Self::All, Self::Host(_) | Self::All) => Self::All,
        };
    }
}

impl<R> Outcome<R> {
    /// The same outcome with another answer.
    pub fn map<S>(self, answer: impl FnOnce(R) -> S) -> Outcome<S> {
        Outcome {
            reply: answer(self.reply),
            entries: self.entries,
            leases: self.leases,
            revisions: self.revisions,
            promises: self.promises,
            woken: self.woken,
        }
    }
}
