//! One transfer under way: what its packets, its timer and the table's orders lead to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootwright_net::gso::{Conversation, HEADER_BYTES, SMALL};
use bootwright_net::poll::For;
use bootwright_proto::tftp::packet::{ERROR_BYTES_MAX, OACK_BYTES_MAX, data_header, render_error, render_oack};
use bootwright_proto::tftp::{Action, Blocks, ErrorCode, Transfer};
use tokio::runtime::Handle;

use super::books::Books;
use super::content::{Done, Job, Reader, Stock};
use super::count::Why;
use super::mailbox::{Errand, Mailbox};
use super::report::{Ending, Notice, TransferReport};
use super::server::Admitted;
use super::session::{Order, Seat};

/// The shortest time between two notices of progress.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// A block up to this length, Ethernet's, is put behind its header where it goes alone, which is cheaper than telling the
/// kernel of two places.
const SHORT_BLOCK: usize = 1468;

/// A transfer. Nothing here waits: each call does what can be done now, and may say that the transfer has ended.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) books: Arc<Books>,
    pub(super) mailbox: Arc<Mailbox>,
    /// What reads from disks.
    pub(super) runtime: Handle,
    pub(super) request: Admitted,
    pub(super) seat: Seat,
    pub(super) conversation: Conversation,
    pub(super) reader: Reader,
    pub(super) transfer: Transfer,
    /// What it does first, until it has begun.
    pub(super) first: Option<Action>,
    /// Blocks that should have left, and what they wait for.
    pub(super) unsent: Option<(Blocks, Lack)>,
    pub(super) begun: Instant,
    /// How many bytes were acknowledged when its progress was told last.
    pub(super) told_bytes: u64,
}

/// What keeps blocks from leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The kernel has no room. Only large windows of large blocks ever see this.
    Room,
    /// They are being read from a disk.
    Bytes,
}

/// Where packets lie for a moment; all transfers share it.
#[derive(Debug)]
pub(super) struct Desk {
    incoming: [u8; SMALL],
    outgoing: [u8; HEADER_BYTES + SHORT_BLOCK],
}

impl Desk {
    pub(super) const fn new() -> Self {
        Self {
            incoming: [0; SMALL],
            outgoing: [0; HEADER_BYTES + SHORT_BLOCK],
        }
    }
}

impl Sending {
    /// The number under which it is known.
    pub(super) fn id(&self) -> u64 {
        self.seat.session().id()
    }

    /// Sends the first packet. The client may have asked again while the file was opened: this answers that too.
    pub(super) fn begin(&mut self, desk: &mut Desk) -> Option<Ending> {
        match self.seat.session().take_order() {
            Order::None | Order::Repeat => {
                let first = self.first.take()?;
                self.act(first, desk)
            }
            order => ending_of(order),
        }
    }

    /// The socket has a packet or an error. What else it has is told again.
    pub(super) fn on_packet(&mut self, now: Instant, desk: &mut Desk) -> Option<Ending> {
        let len = match self.conversation.receive(&mut desk.incoming) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) => return self.failed(&error),
        };
        let now = self.since(now);
        let action = self.transfer.on_packet(now, desk.incoming.get(..len)?);
        let ending = self.act(action, desk);
        if ending.is_none() {
            self.seat.session().touch(now, self.transfer.heard());
        }
        ending
    }

    /// The socket has room again.
    pub(super) fn on_room(&mut self, desk: &mut Desk) -> Option<Ending> {
        match self.unsent {
            Some((blocks, Lack::Room)) => self.send(blocks, desk),
            Some((_, Lack::Bytes)) | None => None,
        }
    }

    /// The time has come that [`Sending::due`] named. Perhaps the answer is already here.
    pub(super) fn on_alarm(&mut self, now: Instant, desk: &mut Desk) -> Option<Ending> {
        let ending = self.on_packet(now, desk);
        let since = self.since(now);
        if ending.is_some() || since < self.transfer.deadline() {
            return ending;
        }
        let action = self.transfer.on_timer(since);
        self.act(action, desk)
    }

    /// The table has an order.
    pub(super) fn on_order(&mut self, now: Instant, desk: &mut Desk) -> Option<Ending> {
        match self.seat.session().take_order() {
            Order::None => None,
            Order::Repeat => {
                let action = self.transfer.on_repeat(self.since(now));
                self.act(action, desk)
            }
            order => ending_of(order),
        }
    }

    /// What was wanted of a disk is here.
    pub(super) fn on_read(&mut self, done: Done, desk: &mut Desk) -> Option<Ending> {
        if let Err(error) = self.reader.take(done) {
            return Some(self.changed(&error));
        }
        match self.unsent {
            Some((blocks, Lack::Bytes)) => self.send(blocks, desk),
            Some((_, Lack::Room)) | None => None,
        }
    }

    /// When to call [`Sending::on_alarm`]. Not while a disk keeps the client waiting: it lost nothing.
    pub(super) fn due(&self) -> Option<Instant> {
        let reads = matches!(self.unsent, Some((_, Lack::Bytes)));
        (!reads).then(|| self.begun + self.transfer.deadline())
    }

    /// Tells how far the transfer is, if it has lasted a while and got further.
    pub(super) fn tell_progress(&mut self, now: Instant) {
        let acked_bytes = self.transfer.acked_bytes();
        if acked_bytes == self.told_bytes || self.since(now) < PROGRESS_EVERY {
            return;
        }
        self.told_bytes = acked_bytes;
        self.books.tell(Notice::Progress {
            peer: self.peer(),
            name: Arc::clone(&self.request.name),
            size: self.transfer.size(),
            acked_bytes,
        });
    }

    /// What to watch the socket for.
    pub(super) fn watch(&self) -> For {
        match self.unsent {
            Some((_, Lack::Room)) => For::PacketsAndRoom,
            Some((_, Lack::Bytes)) | None => For::Packets,
        }
    }

    /// Leaves the table and tells how it ended.
    pub(super) fn end(self, ending: Ending) {
        if ending == Ending::Stopped {
            send_error(&self.conversation, ErrorCode::Other, "the server stops");
        }
        let terms = self.transfer.terms();
        let begun = self.seat.session().begun();
        let report = TransferReport {
            peer: self.peer(),
            local: self.request.local,
            name: Arc::clone(&self.request.name),
            size: self.transfer.size(),
            blksize: terms.blksize,
            windowsize: terms.windowsize,
            acked_bytes: self.transfer.acked_bytes(),
            retransmits: self.transfer.packets_resent(),
            ending,
            begun,
            duration: begun.elapsed(),
        };
        self.books.remember_losses(&report);
        drop(self.seat);
        self.books.report(report, &self.runtime);
    }

    /// Does what the engine says, and returns how the transfer ended if it did.
    fn act(&mut self, action: Action, desk: &mut Desk) -> Option<Ending> {
        match action {
            Action::SendOack => {
                let mut out = [0; OACK_BYTES_MAX];
                let len = render_oack(self.transfer.terms(), &mut out)?;
                let sent = self.conversation.send(&out[..len]);
                sent.err().and_then(|error| self.failed(&error))
            }
            Action::Send(blocks) => self.send(blocks, desk),
            Action::Ignore(stray) => {
                self.books.counts.add(stray.into());
                None
            }
            Action::Wait => None,
            Action::Finish(outcome) => Some(outcome.into()),
        }
    }

    /// Sends blocks, as far as they can be had and there is room.
    fn send(&mut self, blocks: Blocks, desk: &mut Desk) -> Option<Ending> {
        self.unsent = None;
        let blksize = usize::from(self.transfer.terms().blksize);
        let end = blocks.first + u64::from(blocks.count);
        let (last, len) = self.transfer.span(end - 1);
        let stop = last + u64::from(len);
        let mut block = blocks.first;
        while block < end {
            let (offset, _) = self.transfer.span(block);
            match self.reader.stock(offset) {
                Ok(Stock::Here) => {}
                Ok(Stock::Awaited) => return self.lack(block, end, Lack::Bytes),
                Ok(Stock::Wanted(job)) => {
                    self.send_for(job);
                    return self.lack(block, end, Lack::Bytes);
                }
                Err(error) => return Some(self.changed(&error)),
            }
            let want = (stop - offset) as usize;
            let bytes = self.reader.bytes(offset, want);
            let count = if bytes.len() == want {
                (end - block) as usize
            } else {
                bytes.len() / blksize
            };
            let header = |place: usize| data_header(Transfer::wire(block + place as u64));
            let (done, sent) = if count == 1 && bytes.len() <= SHORT_BLOCK {
                let datagram = &mut desk.outgoing[..HEADER_BYTES + bytes.len()];
                datagram[..HEADER_BYTES].copy_from_slice(&header(0));
                datagram[HEADER_BYTES..].copy_from_slice(bytes);
                (0, self.conversation.send(datagram))
            } else {
                match self.conversation.send_run(count, blksize, bytes, header) {
                    Ok(()) => (count, Ok(())),
                    Err(stopped) => (stopped.after, Err(stopped.error)),
                }
            };
            match sent {
                Ok(()) => block += count as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.lack(block + done as u64, end, Lack::Room);
                }
                Err(error) => return self.failed(&error),
            }
        }
        if let Some(job) = self.reader.look_ahead(stop) {
            self.send_for(job);
        }
        None
    }

    /// Keeps the blocks that cannot leave now.
    fn lack(&mut self, first: u64, end: u64, lack: Lack) -> Option<Ending> {
        let count = u16::try_from(end - first).unwrap_or(u16::MAX);
        self.unsent = Some((Blocks { first, count }, lack));
        None
    }

    /// Has something read beside.
    fn send_for(&self, job: Job) {
        let errand = Errand::new(Arc::clone(&self.mailbox), self.id(), job);
        self.runtime.spawn_blocking(move || errand.run());
    }

    /// The file is not what it was: the client is told.
    fn changed(&self, error: &io::Error) -> Ending {
        tracing::warn!(peer = %self.request.peer, file = %self.request.name, why = %error, "tftp file not readable");
        let text = "the file changed while it was sent";
        send_error(&self.conversation, ErrorCode::Other, text);
        Ending::Changed
    }

    /// What a failure of the socket means: the client is gone, or a packet was lost that the timer will send again.
    fn failed(&mut self, error: &io::Error) -> Option<Ending> {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            return match self.transfer.on_unreachable() {
                Action::Finish(outcome) => Some(outcome.into()),
                Action::SendOack | Action::Send(_) | Action::Ignore(_) | Action::Wait => Some(Ending::Unreachable),
            };
        }
        self.books.counts.add(Why::SendFailed);
        None
    }

    fn peer(&self) -> SocketAddr {
        self.request.peer
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begun)
    }
}

/// Says an error, once; a client that misses it runs into its own timeout.
pub(super) fn send_error(conversation: &Conversation, code: ErrorCode, text: &str) {
    let mut out = [0; ERROR_BYTES_MAX];
    if let Some(len) = render_error(code, text, &mut out) {
        let _ = conversation.send(&out[..len]);
    }
}

fn ending_of(order: Order) -> Option<Ending> {
    match order {
        Order::None | Order::Repeat => None,
        Order::Supersede => Some(Ending::Superseded),
        Order::Evict => Some(Ending::Evicted),
        Order::Stop => Some(Ending::Stopped),
    }
}
