//! A machine whose run is under way tells what it is made of.

use std::collections::BTreeSet;

use bootwright_core::{Cause, Change, MacAddr, Reported, Timestamp, Token, Verb};

use crate::custody::Requester;
use crate::engine::Engine;
use crate::limit::TELLINGS_MAX;
use crate::outcome::Outcome;
use crate::visit::{News, Stage};

/// What a machine tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The items.
    pub reported: Reported,
    /// Its cards.
    pub cards: Vec<MacAddr>,
    /// Whether what was known before and is not told anew stays.
    pub adds: bool,
}

/// What it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldReply {
    /// It is noted.
    Noted {
        /// How many items are known now.
        kept: usize,
        /// How many of those that were told are not among them.
        left_out: usize,
    },
    /// There is no such run, or not any more, or it is another machine's.
    NoSuchRun,
    /// It has told something else too often.
    TooOften,
    /// It cannot be recorded now; try again.
    StoreDown,
}

impl Engine {
    /// A machine tells what it is made of: by its run's token, while that is under way, and over its own card. What it says
    /// is kept beside what operators say and arms nothing.
    pub fn tell_facts(&mut self, now: Timestamp, token: Token, asker: Requester, told: &Told) -> Outcome<ToldReply> {
        let reply = self.take_facts(now, token, asker, told);
        self.pending.promises |= matches!(reply, ToldReply::Noted { .. });
        self.outcome(reply)
    }

    fn take_facts(&mut self, now: Timestamp, token: Token, asker: Requester, told: &Told) -> ToldReply {
        let Some(ticket) = self.ticket(now, token) else {
            return ToldReply::NoSuchRun;
        };
        let (id, run) = (ticket.host.id.clone(), ticket.run.number);
        if let Err(why) = self.held(&ticket).admit_requester(asker) {
            let note = format!("run {run}, what {} reported was not taken: {why}", asker.address);
            self.news_once(now, &id, (News::Refused, Verb::Warn), note);
            return ToldReply::NoSuchRun;
        }
        if !self.store_ready {
            return ToldReply::StoreDown;
        }
        let reported = match told.adds {
            true => told.reported.clone().over(&ticket.host.reported),
            false => told.reported.clone(),
        };
        let visit = self.visits.entry(id.clone()).or_default();
        let turns = visit.reach(now, Stage::Installer);
        if visit.pace.hear(now, "facts") || turns {
            self.came_on(now, &id);
        }
        let reply = ToldReply::Noted {
            kept: reported.items.len(),
            left_out: reported.left_out,
        };
        if reported.items != ticket.host.reported {
            let visit = self.visits.entry(id.clone()).or_default();
            let times = match visit.tellings {
                Some((known, times)) if known == run => times,
                _ => 0,
            };
            if times >= TELLINGS_MAX {
                return ToldReply::TooOften;
            }
            visit.tellings = Some((run, times.saturating_add(1)));
            let note = format!("run {run}, reported of itself: {}", summary(&reported));
            let change = Change::ReportedSet {
                host: id.clone(),
                reported: reported.items,
            };
            self.record(now, Cause::Machine, Verb::Set, note, change);
        }
        self.bind_cards(now, &id, &told.cards);
        self.reset_due(&id);
        reply
    }
}

/// A report in a few words, from the items that our own script tells.
fn summary(reported: &Reported) -> String {
    let items = &reported.items;
    let numbered = |list: &str| {
        let below = items
            .keys()
            .filter_map(|name| name.strip_prefix(list)?.strip_prefix('.'));
        let numbers: BTreeSet<&str> = below.filter_map(|rest| rest.split('.').next()).collect();
        numbers.len()
    };
    let mut words = Vec::new();
    if let Some(memory) = items.get("memory_mib").and_then(|mib| mib.parse::<u64>().ok()) {
        words.push(format!("{memory} MiB of memory"));
    }
    for (list, one) in [("disks", "disk"), ("cards", "card")] {
        match numbered(list) {
            0 => {}
            1 => words.push(format!("1 {one}")),
            many => words.push(format!("{many} {one}s")),
        }
    }
    words.push(format!("{} items in all", items.len()));
    if reported.left_out > 0 {
        words.push(format!("{} left out", reported.left_out));
    }
    words.join(", ")
}
