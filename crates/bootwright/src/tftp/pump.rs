//! The thread on which blocks leave: one wait for all transfers, and nothing between a packet and its answer.
//!
//! A block costs what the kernel takes to receive an acknowledgement and to send the block, and a share of a wait. What may
//! take longer, such as opening a file or reading from a disk, is done elsewhere and comes back as a letter.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootwright_net::poll::{For, News, Poll};

use super::count::Why;
use super::mailbox::{Letter, Mailbox};
use super::report::Ending;
use super::sending::{Desk, PROGRESS_EVERY, Sending};

/// The alarm rings at most this often: retransmissions may be late by so much, for they wait for 200 ms and more.
const ALARM_EVERY: Duration = Duration::from_millis(10);

/// The thread, from outside. Transfers under way end with this value, in silence.
#[derive(Debug)]
pub(super) struct Thread(Arc<Mailbox>);

/// The thread, from inside.
struct Pump {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    under_way: BTreeMap<u64, UnderWay>,
    desk: Desk,
    /// When the alarm rings; no transfer is due before that. A packet makes its own due later and moves nothing here.
    alarm: Option<Instant>,
    /// When the progress of transfers was told last: that of all together, so that whoever follows is woken once.
    told: Instant,
}

struct UnderWay {
    sending: Box<Sending>,
    watched: For,
}

/// Starts the thread, and returns where to post what it shall do.
///
/// # Errors
/// The kernel's.
pub(super) fn start() -> io::Result<(Thread, Arc<Mailbox>)> {
    let poll = Poll::new()?;
    let mailbox = Mailbox::new(poll.bell());
    let pump = Pump {
        poll,
        mailbox: Arc::clone(&mailbox),
        under_way: BTreeMap::new(),
        desk: Desk::new(),
        alarm: None,
        told: Instant::now(),
    };
    std::thread::Builder::new()
        .name("tftp-send".to_owned())
        .spawn(move || pump.run())?;
    Ok((Thread(Arc::clone(&mailbox)), mailbox))
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.0.post(Letter::End);
    }
}

impl Pump {
    fn run(mut self) {
        if let Err(error) = self.work() {
            tracing::error!(why = %error, "the thread that sends by tftp has ended");
        }
        self.mailbox.close();
    }

    fn work(&mut self) -> io::Result<()> {
        let mut letters = Vec::new();
        loop {
            let count = self.poll.wait()?;
            let now = Instant::now();
            let (mut called, mut alarmed) = (false, false);
            for place in 0..count {
                match self.poll.news(place) {
                    News::Bell => called = true,
                    News::Alarm => alarmed = true,
                    News::Socket { name, packets, room } => self.turn(name, now, |sending, desk| {
                        let ending = if packets { sending.on_packet(now, desk) } else { None };
                        if room && ending.is_none() {
                            sending.on_room(desk)
                        } else {
                            ending
                        }
                    }),
                }
            }
            if called {
                letters = self.mailbox.take(letters);
                for letter in letters.drain(..) {
                    match letter {
                        Letter::Begin(sending) => self.begin(sending, now),
                        Letter::Order(id) => self.turn(id, now, |sending, desk| sending.on_order(now, desk)),
                        Letter::Read(id, done) => self.turn(id, now, |sending, desk| sending.on_read(done, desk)),
                        Letter::End => return Ok(()),
                    }
                }
            }
            if alarmed {
                self.rang(now);
            }
            if now.saturating_duration_since(self.told) >= PROGRESS_EVERY {
                self.told = now;
                self.under_way
                    .values_mut()
                    .for_each(|way| way.sending.tell_progress(now));
            }
        }
    }

    fn begin(&mut self, sending: Box<Sending>, now: Instant) {
        let (id, watched) = (sending.id(), For::Packets);
        if let Err(error) = self.poll.add(&sending.conversation, id, watched) {
            tracing::warn!(peer = %sending.request.peer, why = %error, "no socket for a tftp transfer");
            sending.books.counts.add(Why::NoSocket);
            return;
        }
        self.under_way.insert(id, UnderWay { sending, watched });
        self.turn(id, now, Sending::begin);
    }

    /// Lets a transfer do something. A panic ends that transfer and no other.
    fn turn(&mut self, id: u64, now: Instant, act: impl FnOnce(&mut Sending, &mut Desk) -> Option<Ending>) {
        // It may have ended a moment ago.
        let Some(UnderWay { sending, watched }) = self.under_way.get_mut(&id) else {
            return;
        };
        let acted = catch_unwind(AssertUnwindSafe(|| act(sending, &mut self.desk)));
        if !matches!(acted, Ok(None)) {
            return self.end(id, acted.ok().flatten());
        }
        let watch = sending.watch();
        if watch != *watched && self.poll.change(&sending.conversation, id, watch).is_ok() {
            *watched = watch;
        }
        if let Some(due) = sending.due() {
            self.ring_at(due, now);
        }
    }

    /// Ends a transfer; without an ending it has panicked.
    fn end(&mut self, id: u64, ending: Option<Ending>) {
        let Some(UnderWay { sending, .. }) = self.under_way.remove(&id) else {
            return;
        };
        let books = Arc::clone(&sending.books);
        let told = ending.map(|ending| catch_unwind(AssertUnwindSafe(|| sending.end(ending))));
        if !matches!(told, Some(Ok(()))) {
            books.counts.add(Why::Panicked);
        }
    }

    /// Sees to it that the alarm rings at that time or before.
    fn ring_at(&mut self, due: Instant, now: Instant) {
        if self.alarm.is_none_or(|alarm| due < alarm) {
            self.alarm = Some(due);
            if let Err(error) = self.poll.alarm_in(due.saturating_duration_since(now)) {
                tracing::error!(why = %error, "no alarm for tftp transfers");
            }
        }
    }

    /// The alarm rang, most often for a transfer that has become due later since.
    fn rang(&mut self, now: Instant) {
        self.alarm = None;
        let due = |way: &UnderWay| way.sending.due();
        let late: Vec<u64> = self
            .under_way
            .iter()
            .filter(|(_, way)| due(way).is_some_and(|due| due <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            self.turn(id, now, |sending, desk| sending.on_alarm(now, desk));
        }
        if let Some(next) = self.under_way.values().filter_map(due).min() {
            self.alarm = None;
            self.ring_at(next.max(now + ALARM_EVERY), now);
        }
    }
}
