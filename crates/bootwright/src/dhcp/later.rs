//! Replies that wait: for the record to be written, or for a word from the segment. Nobody else waits with them.

use std::collections::VecDeque;
use std::sync::Arc;

use bootwright_core::MacAddr;
use bootwright_core::lease::Probed;

use super::answer::{Desk, Ignored};
use super::lend::{Errand, untried};
use super::outlet::{Answered, Outlet};
use super::paper::Paper;
use super::probe::Looking;
use crate::commit::{Settled, Settlements, Ticket};

/// How many addresses are tried for one request: each takes half a second, and firmware gives up after four.
const TRIES_MAX: u32 = 3;

/// How many grants of a listener wait for the record at most. The writer's queue holds four times as many, and sheds load
/// before it is full.
const WAITING_MAX: usize = 1024;

/// What a listener keeps from one batch of packets to the next.
#[derive(Debug, Default)]
pub(super) struct Tray {
    pub(super) paper: Paper,
    pub(super) grants: Grants,
}

/// Grants, which leave once they are recorded. They are recorded in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Grants {
    settlements: Arc<Settlements>,
    waiting: VecDeque<Grant>,
    settled: Vec<(Ticket, Settled)>,
}

#[derive(Debug)]
struct Grant {
    ticket: Ticket,
    answered: Answered,
    mac: MacAddr,
}

/// An offer, which leaves once it was looked whether somebody uses its address.
pub(super) struct Later {
    pub(super) answered: Answered,
    pub(super) errand: Box<Errand>,
    pub(super) looking: Looking,
}

impl Grants {
    pub(super) const fn settlements(&self) -> &Arc<Settlements> {
        &self.settlements
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX
    }

    /// Keeps a grant until its promise is settled.
    pub(super) fn add(&mut self, ticket: Ticket, answered: Answered, mac: MacAddr) {
        debug_assert!(self.waiting.back().is_none_or(|last| last.ticket < ticket));
        self.waiting.push_back(Grant { ticket, answered, mac });
    }

    /// Waits until promises are settled. A wait that is given up loses nothing.
    pub(super) async fn settled(&mut self) {
        self.settlements.next(&mut self.settled).await;
    }

    /// The grants that are recorded now. Of the others nothing leaves, and their clients ask again.
    fn take(&mut self, desk: &Desk, recorded: &mut Vec<Answered>) {
        for (ticket, settled) in self.settled.drain(..) {
            // None is left behind, and a promise may be of a reply that could not be written.
            while let Some(grant) = self.waiting.pop_front_if(|grant| grant.ticket <= ticket) {
                if grant.ticket == ticket && settled.is_ok() {
                    recorded.push(grant.answered);
                } else {
                    desk.ignore(grant.answered.receiver(), Some(grant.mac), &Ignored::Unrecorded);
                }
            }
        }
    }
}

impl Tray {
    /// Sends the grants that are recorded.
    pub(super) async fn send_recorded(&mut self, desk: &Desk, outlet: &Outlet) {
        let mut recorded = Vec::with_capacity(self.grants.settled.len());
        self.grants.take(desk, &mut recorded);
        desk.count_answers(recorded.len());
        outlet.send(desk, &recorded).await;
        self.paper.give_back(&mut recorded);
    }
}

/// Sends an offer as soon as it may be sent.
pub(super) fn finish(desk: &Desk, outlet: &Arc<Outlet>, later: Later) {
    let (desk, outlet) = (desk.clone(), Arc::clone(outlet));
    tokio::spawn(async move { look(&desk, &outlet, later).await });
}

/// Looks whether somebody uses the address, and offers another one if so.
async fn look(desk: &Desk, outlet: &Outlet, later: Later) {
    let Later {
        mut answered,
        errand,
        mut looking,
    } = later;
    for _ in 0..TRIES_MAX {
        let found = looking.look().await;
        let address = looking.address();
        desk.core().ask(|engine, now| engine.probed(now, address, found)).now();
        if !is_conflict(found, &errand) {
            return send(desk, outlet, answered).await;
        }
        drop(looking);
        let reply = desk.ask_again(&errand);
        let untried = untried(&reply);
        let next = match desk.reply_to(&errand, reply, Vec::new()) {
            Ok(Some(next)) => next,
            Ok(None) => return,
            Err(ignored) => return desk.ignore_errand(&errand, &ignored),
        };
        looking = match untried.map(|address| desk.look_for(&errand, address)) {
            Some(Ok(Some(looking))) => looking,
            Some(Err(ignored)) => return desk.ignore_errand(&errand, &ignored),
            Some(Ok(None)) | None => return send(desk, outlet, next).await,
        };
        answered = next;
    }
    desk.ignore_errand(&errand, &Ignored::AllInUse);
}

async fn send(desk: &Desk, outlet: &Outlet, answered: Answered) {
    outlet.send(desk, &[answered]).await;
    desk.count_answers(1);
}

/// The machine itself may still have the address.
fn is_conflict(found: Probed, errand: &Errand) -> bool {
    match found {
        Probed::Free => false,
        Probed::InUse(station) => station != Some(errand.request.mac),
    }
}
