//! The sending side of one transfer: what to send when a packet comes, a timer ends or nothing happens.
//!
//! It holds no content. An [`Action`] names blocks, [`Transfer::span`] says where a block lies in the file, and the caller
//! sends those bytes. Time is a [`Duration`] since any fixed point of the caller's monotonic clock.

use std::time::Duration;

use super::option::Terms;
use super::packet::{ErrorCode, Packet, parse};

mod timer;

use timer::Timer;

/// Losses in a row after which a client that was heard before is given up.
pub const LOSSES_MAX: u8 = 6;
/// Losses after which a client that was never heard is given up. A request with a forged source address must not turn us
/// into an amplifier: three option acknowledgements have at most three times the bytes of the request.
pub const UNHEARD_LOSSES_MAX: u8 = 3;
/// How often the first block is sent again to a client that was never heard. It is far longer than the request, and a real
/// client that misses it asks again.
const UNHEARD_BLOCKS_AGAIN: u8 = 1;
/// The shortest time between two answers to one request. No client repeats itself sooner, but who forges requests in a
/// victim's name would, and the first block is longer than its request.
const REPEAT_QUIET: Duration = Duration::from_millis(250);
/// The shortest time between two answers to duplicate acknowledgements, where the round trip is not longer still.
const QUIET: Duration = Duration::from_millis(50);

/// One transfer, from the first packet to its end.
#[derive(Clone, Debug)]
pub struct Transfer {
    terms: Terms,
    size: u64,
    stage: Stage,
    /// The first block that is not acknowledged; blocks are counted from 1 and never wrap here.
    base: u64,
    /// The block behind the last one sent in this window.
    next: u64,
    /// The block behind the last one ever sent; what lies before it is sent again.
    farthest: u64,
    /// When the flight now under way left.
    sent_at: Duration,
    /// Whether no packet of this flight was sent twice, so that its acknowledgement measures the round trip (Karn).
    clean: bool,
    /// Duplicate acknowledgements before this are the echo of blocks that were still under way.
    quiet_until: Duration,
    timer: Timer,
    deadline: Duration,
    losses: u8,
    heard: bool,
    packets_resent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The option acknowledgement is out and block 0 not yet acknowledged.
    Offering,
    Sending,
    Ended,
}

/// What the caller does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Send the option acknowledgement for the terms.
    SendOack,
    /// Send these blocks back to back.
    Send(Blocks),
    /// Send nothing, for this reason.
    Ignore(Stray),
    /// Nothing is due yet.
    Wait,
    /// Send nothing any more: the transfer is over.
    Finish(Outcome),
}

/// Blocks that follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// The first one, counted from 1 without wrapping.
    pub first: u64,
    /// How many; at least 1.
    pub count: u16,
}

/// Why a packet of the data phase changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stray {
    /// It cannot be read.
    Malformed,
    /// A packet that a receiver does not send.
    Unexpected,
    /// An acknowledgement that came before, or a request that came a moment ago. Answering the former would double every
    /// packet from then on (the Sorcerer's Apprentice, RFC 1123 section 4.2.3.1).
    Duplicate,
    /// An acknowledgement of a block that is not under way.
    Outside,
    /// The transfer is over.
    Late,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The last block was acknowledged.
    Delivered,
    /// Everything was sent, and all but the last window acknowledged. Some loaders start the file without a last word.
    SentUnacknowledged,
    /// The client asked for the size and left, as UEFI and Intel ROMs do before each download.
    SizeProbe,
    /// The client sent an error.
    Aborted {
        /// The code it sent.
        code: u16,
    },
    /// Nothing listens at the client's port any more.
    Unreachable,
    /// The client fell silent.
    TimedOut,
}

impl Transfer {
    /// A transfer of `size` bytes, and its first action.
    pub fn begin(terms: Terms, size: u64, now: Duration) -> (Self, Action) {
        let mut transfer = Self {
            terms,
            size,
            stage: if terms.has_oack() {
                Stage::Offering
            } else {
                Stage::Sending
            },
            base: 1,
            next: 1,
            farthest: 1,
            sent_at: now,
            clean: true,
            quiet_until: now,
            timer: Timer::new(),
            deadline: now,
            losses: 0,
            heard: false,
            packets_resent: 0,
        };
        let action = transfer.fly(now);
        (transfer, action)
    }

    /// A packet from the client's port.
    pub fn on_packet(&mut self, now: Duration, bytes: &[u8]) -> Action {
        if self.stage == Stage::Ended {
            return Action::Ignore(Stray::Late);
        }
        match parse(bytes) {
            Some(Packet::Ack { block }) => self.on_ack(now, block),
            Some(Packet::Error { code, .. }) => self.on_error(code),
            Some(Packet::Data { .. } | Packet::OptionAck { .. }) => Action::Ignore(Stray::Unexpected),
            None => Action::Ignore(Stray::Malformed),
        }
    }

    /// The time has come that [`Transfer::deadline`] named; earlier calls change nothing.
    pub fn on_timer(&mut self, now: Duration) -> Action {
        if self.stage == Stage::Ended || now < self.deadline {
            return Action::Wait;
        }
        self.losses = self.losses.saturating_add(1);
        let allowed = if self.heard { LOSSES_MAX } else { UNHEARD_LOSSES_MAX };
        if self.losses >= allowed {
            let outcome = if self.all_but_the_last_word() {
                Outcome::SentUnacknowledged
            } else {
                Outcome::TimedOut
            };
            return self.end(outcome);
        }
        self.timer.back_off();
        if !self.heard && self.stage == Stage::Sending && self.losses > UNHEARD_BLOCKS_AGAIN {
            self.deadline = now.saturating_add(self.timer.timeout());
            return Action::Wait;
        }
        self.fly_again(now)
    }

    /// The request came once more from the same port. Before the client was heard its first packet is sent again; after
    /// that the request means a new transfer, which is the caller's to begin, and nothing is sent here.
    pub fn on_repeat(&mut self, now: Duration) -> Action {
        if self.heard || self.stage == Stage::Ended {
            return Action::Ignore(Stray::Late);
        }
        if now < self.sent_at.saturating_add(REPEAT_QUIET) {
            return Action::Ignore(Stray::Duplicate);
        }
        self.sent_at = now;
        self.clean = false;
        self.packets_resent = self.packets_resent.saturating_add(1);
        self.flight()
    }

    /// The client's host said that nothing listens at its port.
    pub fn on_unreachable(&mut self) -> Action {
        if self.stage == Stage::Ended {
            return Action::Ignore(Stray::Late);
        }
        let outcome = if self.all_but_the_last_word() {
            Outcome::SentUnacknowledged
        } else {
            Outcome::Unreachable
        };
        self.end(outcome)
    }

    /// When to call [`Transfer::on_timer`]. Packets move it.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Where a block lies in the file: offset and length. The last block is shorter than the others, possibly empty.
    #[must_use]
    pub fn span(&self, block: u64) -> (u64, u16) {
        let start = block
            .saturating_sub(1)
            .saturating_mul(u64::from(self.terms.blksize))
            .min(self.size);
        let len = self.size.saturating_sub(start).min(u64::from(self.terms.blksize));
        (start, u16::try_from(len).unwrap_or(self.terms.blksize))
    }

    /// A block's number on the wire. It wraps from 65,535 to 0, as EDK2 and iPXE expect.
    #[must_use]
    pub const fn wire(block: u64) -> u16 {
        let [.., high, low] = block.to_be_bytes();
        u16::from_be_bytes([high, low])
    }

    /// What was agreed.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The file's size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that the client has acknowledged.
    #[must_use]
    pub fn acked_bytes(&self) -> u64 {
        self.span(self.base).0
    }

    /// Whether the client has acknowledged anything.
    #[must_use]
    pub const fn heard(&self) -> bool {
        self.heard
    }

    /// Packets that were sent a second time or more.
    #[must_use]
    pub const fn packets_resent(&self) -> u64 {
        self.packets_resent
    }

    /// The first block that is not acknowledged: bytes before it are not needed any more.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.base
    }

    fn on_ack(&mut self, now: Duration, wire: u16) -> Action {
        // Blocks under way span less than 65,536, so the distance from the last acknowledged block is unambiguous.
        let before = self.base.saturating_sub(1);
        let distance = wire.wrapping_sub(Self::wire(before));
        let acked = before.saturating_add(u64::from(distance));
        if acked >= self.next {
            return Action::Ignore(Stray::Outside);
        }
        if self.stage == Stage::Offering {
            self.stage = Stage::Sending;
        } else if distance == 0 {
            return self.on_duplicate(now);
        }
        if self.clean {
            self.timer.measure(now.saturating_sub(self.sent_at));
        }
        let gap = acked.saturating_add(1) < self.next;
        self.heard = true;
        self.losses = 0;
        self.base = acked.saturating_add(1);
        if self.base > self.last() {
            return self.end(Outcome::Delivered);
        }
        if gap {
            self.hush(now);
        }
        self.fly(now)
    }

    /// An acknowledgement of the block before the window. With one block a window only the timer sends again; with more,
    /// the client may have missed the first one, and waiting would cost a whole timeout.
    fn on_duplicate(&mut self, now: Duration) -> Action {
        if self.terms.windowsize == 1 || now < self.quiet_until || !self.heard {
            return Action::Ignore(Stray::Duplicate);
        }
        // The timer goes on: a client that only ever repeats itself must not keep a transfer alive.
        let deadline = self.deadline;
        let action = self.fly_again(now);
        self.deadline = deadline;
        action
    }

    fn on_error(&mut self, code: u16) -> Action {
        let probing = self.base == 1 && self.terms.tells_size();
        let polite = matches!(ErrorCode::from_wire(code), ErrorCode::Options | ErrorCode::Other);
        self.end(if probing && polite {
            Outcome::SizeProbe
        } else {
            Outcome::Aborted { code }
        })
    }

    /// Sends the window from `base` on for the first time, as far as it was not sent before.
    fn fly(&mut self, now: Duration) -> Action {
        self.sent_at = now;
        self.deadline = now.saturating_add(self.timer.timeout());
        if self.stage == Stage::Sending {
            let end = self
                .base
                .saturating_add(u64::from(self.terms.windowsize))
                .min(self.last().saturating_add(1));
            let again = self.farthest.min(end).saturating_sub(self.base);
            self.packets_resent = self.packets_resent.saturating_add(again);
            self.clean = again == 0;
            self.next = end;
            self.farthest = self.farthest.max(end);
        }
        self.flight()
    }

    fn fly_again(&mut self, now: Duration) -> Action {
        self.hush(now);
        if self.stage == Stage::Offering {
            self.packets_resent = self.packets_resent.saturating_add(1);
        }
        let action = self.fly(now);
        self.clean = false;
        action
    }

    /// The packets of the flight now under way.
    fn flight(&self) -> Action {
        match self.stage {
            Stage::Offering => Action::SendOack,
            Stage::Sending | Stage::Ended => {
                let count = self
                    .next
                    .saturating_sub(self.base)
                    .min(u64::from(self.terms.windowsize));
                Action::Send(Blocks {
                    first: self.base,
                    count: u16::try_from(count).unwrap_or(1),
                })
            }
        }
    }

    fn hush(&mut self, now: Duration) {
        self.quiet_until = now.saturating_add(self.timer.round_trip().max(QUIET));
    }

    fn end(&mut self, outcome: Outcome) -> Action {
        self.stage = Stage::Ended;
        Action::Finish(outcome)
    }

    fn all_but_the_last_word(&self) -> bool {
        self.heard && self.stage == Stage::Sending && self.next > self.last()
    }

    fn last(&self) -> u64 {
        let full = self.size.checked_div(u64::from(self.terms.blksize)).unwrap_or(0);
        full.saturating_add(1)
    }
}

#[cfg(test)]
mod tests;
