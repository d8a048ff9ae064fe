//! Replies that wait: for the record to be written, or for a word from the segment. Nobody else waits with them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bootwright_core::lease::Probed;
use bootwright_engine::LeaseReply;
use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Desk, Ignored};
use super::lend::Errand;
use super::outlet::{Answered, Outlet};
use super::probe::Looking;
use crate::core::Answer;

/// How many addresses are tried for one request: each takes half a second, and firmware gives up after four.
const TRIES_MAX: u32 = 3;

/// A reply that waits.
pub(super) enum Later {
    /// A grant, which leaves once it is recorded.
    Recorded {
        answer: Answer<Answered>,
        errand: Box<Errand>,
        room: OwnedSemaphorePermit,
    },
    /// An offer, which leaves once it was looked whether somebody uses its address.
    Looked {
        answered: Answered,
        errand: Box<Errand>,
        looking: Looking,
    },
}

/// Sends what waits as soon as it may be sent.
pub(super) fn finish(desk: &Desk, outlet: &Arc<Outlet>, waiting: Vec<Later>) {
    let mut recorded = Vec::new();
    for later in waiting {
        match later {
            Later::Recorded { answer, errand, room } => recorded.push((answer, errand, room)),
            Later::Looked {
                answered,
                errand,
                looking,
            } => {
                let (desk, outlet) = (desk.clone(), Arc::clone(outlet));
                tokio::spawn(async move { look(&desk, &outlet, answered, &errand, looking).await });
            }
        }
    }
    if recorded.is_empty() {
        return;
    }
    let (desk, outlet) = (desk.clone(), Arc::clone(outlet));
    // What came together is most often recorded together.
    tokio::spawn(async move {
        let mut answers = Vec::with_capacity(recorded.len());
        let mut rooms = Vec::with_capacity(recorded.len());
        for (answer, errand, room) in recorded {
            match answer.settled().await {
                Ok(answered) => answers.push(answered),
                Err(_) => desk.ignore_errand(&errand, &Ignored::Unrecorded),
            }
            rooms.push(room);
        }
        outlet.send(&desk, &answers).await;
        desk.count_answers(answers.len());
        drop(rooms);
    });
}

/// Looks whether somebody uses the address, and offers another one if so.
async fn look(desk: &Desk, outlet: &Outlet, mut answered: Answered, errand: &Errand, mut looking: Looking) {
    for _ in 0..TRIES_MAX {
        let found = looking.look().await;
        let address = looking.address();
        desk.core().ask(|engine, now| engine.probed(now, address, found)).now();
        if !is_conflict(found, errand) {
            return send(desk, outlet, answered).await;
        }
        drop(looking);
        let reply = desk.ask_lease(errand).now();
        let next = match desk.reply_to(errand, &reply) {
            Ok(Some(next)) => next,
            Ok(None) => return,
            Err(ignored) => return desk.ignore_errand(errand, &ignored),
        };
        let looks = |lease: Ipv4Addr| desk.look_for(errand, lease);
        looking = match &reply {
            LeaseReply::Offer { lease, probe: true, .. } => match looks(lease.address) {
                Ok(Some(looking)) => looking,
                Ok(None) => return send(desk, outlet, next).await,
                Err(ignored) => return desk.ignore_errand(errand, &ignored),
            },
            _ => return send(desk, outlet, next).await,
        };
        answered = next;
    }
    desk.ignore_errand(errand, &Ignored::AllInUse);
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
