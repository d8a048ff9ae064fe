//! One transfer: the task that does what the engine says.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootwright_net::gso::{Conversation, Inbox};
use bootwright_proto::tftp::option::Kind;
use bootwright_proto::tftp::packet::{ERROR_BYTES_MAX, OACK_BYTES_MAX, data_header, render_error, render_oack};
use bootwright_proto::tftp::{Action, Blocks, Caps, ErrorCode, Mode, Terms, Transfer, Way};
use tokio::time::{Sleep, sleep_until, timeout};

use super::content::{Content, Reader};
use super::count::Why;
use super::files::{Files, Refusal};
use super::report::{Ending, Notice, TransferReport};
use super::server::{Admitted, Server};
use super::session::{Order, Seat};

/// How long a file may take to be opened. Clients ask again after a second or a few, and find the same transfer.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);
/// The shortest time between two notices of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// A client with windows that loses more than one packet in so many gets none the next time: some firmware cannot take
/// them as fast as they come.
const LOSSY_ONE_IN: u64 = 8;
/// Fewer losses than this say nothing about a client.
const LOSSES_MIN: u64 = 32;

/// Serves one request to its end.
pub(super) async fn run<F: Files>(server: Arc<Server<F>>, seat: Seat, request: Admitted) {
    let Some(content) = open(&server, &request).await else {
        return;
    };
    let mut conversation = match converse(&request) {
        Ok(conversation) => conversation,
        Err(error) => {
            server.counts.add(Why::NoSocket);
            tracing::warn!(peer = %request.peer, why = %error, "no socket for a tftp transfer");
            return;
        }
    };
    let content = match content {
        Ok(content) => content,
        Err(refusal) => {
            // The place is free before the client can ask for something else.
            drop(seat);
            refuse(&server, &request, &conversation, refusal).await;
            return;
        }
    };
    let size = content.size();
    let terms = negotiate(&server, &request, &conversation, size);
    if terms.windowsize > 1 {
        conversation.expect_runs(terms.blksize);
    }
    let (transfer, first) = Transfer::begin(terms, size, Duration::ZERO);
    let mut sender = Sender {
        server: &server,
        request: &request,
        seat: &seat,
        conversation,
        reader: Reader::new(content, terms.blksize),
        transfer,
        begun: Instant::now(),
        told_at: Duration::ZERO,
    };
    // The client may have asked again while the file was opened; the first packet answers that too.
    let ending = match seat.session().take_order() {
        Order::None | Order::Repeat => sender.send_all(first).await,
        order => ending_of(order).unwrap_or(Ending::Stopped),
    };
    if ending == Ending::Stopped {
        send_error(&sender.conversation, ErrorCode::Other, "the server stops").await;
    }
    let report = sender.report(size, ending);
    remember_losses(&server, &report);
    drop(seat);
    log(&report);
    server.report(Notice::Finished(report)).await;
}

/// The content, or why there is none; nothing where there is no answer at all.
async fn open<F: Files>(server: &Server<F>, request: &Admitted) -> Option<Result<Content, Refusal>> {
    let opening = server.files.open(request.peer, request.local, &request.name);
    let Ok(opened) = timeout(OPEN_PATIENCE, opening).await else {
        server.counts.add(Why::OpenTooSlow);
        tracing::warn!(peer = %request.peer, file = %request.name, why = Why::OpenTooSlow.name(), "tftp request not served");
        return None;
    };
    Some(match (opened, request.mode) {
        (Ok(content), Mode::Netascii) => match content.into_text().await {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(Refusal::WrongMode),
            Err(_) => Err(Refusal::Unreadable),
        },
        (opened, Mode::Octet | Mode::Netascii) => opened,
    })
}

fn converse(request: &Admitted) -> io::Result<Conversation> {
    match Conversation::open(Some(&request.device), request.local, request.peer) {
        // The device was renamed since the listening socket was bound; the routing table knows the way too.
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
            Conversation::open(None, request.local, request.peer)
        }
        opened => opened,
    }
}

async fn refuse<F: Files>(server: &Server<F>, request: &Admitted, conversation: &Conversation, refusal: Refusal) {
    let (code, text) = refusal.answer();
    send_error(conversation, code, text).await;
    tracing::debug!(peer = %request.peer, file = %request.name, why = text, "tftp request refused");
    server.tell(Notice::Refused {
        peer: request.peer,
        name: request.name.to_string(),
        code,
        text,
    });
}

async fn send_error(conversation: &Conversation, code: ErrorCode, text: &str) {
    let mut out = [0; ERROR_BYTES_MAX];
    if let Some(len) = render_error(code, text, &mut out) {
        // It is said once; a client that misses it runs into its own timeout.
        let _ = conversation.send(&out[..len]).await;
    }
}

fn negotiate<F>(server: &Server<F>, request: &Admitted, conversation: &Conversation, size: u64) -> Terms {
    let mut caps = server.limits.caps;
    if request.asked.has(Kind::Windowsize) && server.table.is_lossy(request.peer.ip(), Instant::now()) {
        caps = Caps { windowsize: 1, ..caps };
    }
    let way = Way {
        mtu: conversation.mtu(),
        ipv6: request.peer.is_ipv6(),
    };
    Terms::negotiate(&request.asked, request.mode, size, way, caps)
}

fn remember_losses<F>(server: &Server<F>, report: &TransferReport) {
    let sent = report.acked_bytes / u64::from(report.blksize);
    if report.windowsize > 1 && report.retransmits >= LOSSES_MIN && report.retransmits > sent / LOSSY_ONE_IN {
        server.table.lost_many(report.peer.ip(), Instant::now());
    }
}

fn log(report: &TransferReport) {
    let TransferReport {
        peer,
        name,
        acked_bytes,
        duration,
        ending,
        ..
    } = report;
    let (ms, why) = (duration.as_millis() as u64, ending.name());
    match ending {
        Ending::Delivered | Ending::SentUnacknowledged => {
            tracing::info!(%peer, file = %name, bytes = acked_bytes, ms, why, "tftp transfer finished");
        }
        Ending::SizeProbe | Ending::Aborted { .. } | Ending::Superseded | Ending::Stopped => {
            tracing::debug!(%peer, file = %name, bytes = acked_bytes, ms, why, "tftp transfer ended");
        }
        Ending::Unreachable | Ending::TimedOut | Ending::Evicted | Ending::Changed | Ending::Broken => {
            tracing::warn!(%peer, file = %name, bytes = acked_bytes, ms, why, "tftp transfer not completed");
        }
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

/// A transfer under way.
struct Sender<'a, F> {
    server: &'a Server<F>,
    request: &'a Admitted,
    seat: &'a Seat,
    conversation: Conversation,
    reader: Reader,
    transfer: Transfer,
    begun: Instant,
    told_at: Duration,
}

impl<F: Files> Sender<'_, F> {
    async fn send_all(&mut self, first: Action) -> Ending {
        if let Some(ending) = self.act(first).await {
            return ending;
        }
        let mut inbox = Inbox::new();
        let mut alarm = std::pin::pin!(sleep_until(self.deadline()));
        let session = self.seat.session();
        let mut ordered = std::pin::pin!(session.ordered());
        loop {
            // The timer is moved only when it must ring earlier. Most packets make it later, and cost nothing.
            if self.deadline() < alarm.deadline() {
                alarm.as_mut().reset(self.deadline());
            }
            // Packets first: they are why we are here. The clock and the orders are looked at after each batch of them.
            let ending = tokio::select! {
                biased;
                received = self.conversation.receive(&mut inbox) => self.received(received, &inbox).await,
                () = alarm.as_mut() => self.rang(alarm.as_mut(), &mut inbox).await,
                () = ordered.as_mut() => {
                    ordered.set(session.ordered());
                    None
                }
            };
            let ending = match (ending, self.seat.session().take_order()) {
                (Some(ending), _) => Some(ending),
                (None, Order::None) => None,
                (None, Order::Repeat) => {
                    let action = self.transfer.on_repeat(self.now());
                    self.act(action).await
                }
                (None, order) => ending_of(order),
            };
            if let Some(ending) = ending {
                return ending;
            }
            tokio::task::coop::consume_budget().await;
        }
    }

    async fn received(&mut self, received: io::Result<()>, inbox: &Inbox) -> Option<Ending> {
        if let Err(error) = received {
            return self.failed(&error);
        }
        let now = self.now();
        for packet in inbox.packets() {
            let action = self.transfer.on_packet(now, packet);
            if let Some(ending) = self.act(action).await {
                return Some(ending);
            }
        }
        self.seat.session().touch(now, self.transfer.heard());
        self.tell_progress(now);
        if now < self.transfer.deadline() {
            return None;
        }
        let action = self.transfer.on_timer(now);
        self.act(action).await
    }

    /// The alarm rang: perhaps too early by now, perhaps while the answer is already here.
    async fn rang(&mut self, alarm: Pin<&mut Sleep>, inbox: &mut Inbox) -> Option<Ending> {
        let mut ending = None;
        if self.now() >= self.transfer.deadline() {
            ending = match self.conversation.try_receive(inbox) {
                Ok(true) => self.received(Ok(()), inbox).await,
                Ok(false) => {
                    let action = self.transfer.on_timer(self.now());
                    self.act(action).await
                }
                Err(error) => self.failed(&error),
            };
        }
        alarm.reset(self.deadline());
        ending
    }

    /// Does what the engine says, and returns how the transfer ended if it did.
    async fn act(&mut self, action: Action) -> Option<Ending> {
        let sent = match action {
            Action::SendOack => {
                let mut out = [0; OACK_BYTES_MAX];
                let len = render_oack(self.transfer.terms(), &mut out)?;
                self.conversation.send(&out[..len]).await
            }
            Action::Send(blocks) => match self.send(blocks).await {
                Ok(sent) => sent,
                Err(error) => {
                    tracing::warn!(peer = %self.request.peer, file = %self.request.name, why = %error, "tftp file not readable");
                    send_error(
                        &self.conversation,
                        ErrorCode::Other,
                        "the file changed while it was sent",
                    )
                    .await;
                    return Some(Ending::Changed);
                }
            },
            Action::Ignore(stray) => {
                self.server.counts.add(stray.into());
                return None;
            }
            Action::Wait => return None,
            Action::Finish(outcome) => return Some(outcome.into()),
        };
        sent.err().and_then(|error| self.failed(&error))
    }

    /// Sends blocks. The outer error is the file's, the inner one the socket's.
    async fn send(&mut self, blocks: Blocks) -> io::Result<io::Result<()>> {
        let blksize = usize::from(self.transfer.terms().blksize);
        let end = blocks.first + u64::from(blocks.count);
        let mut block = blocks.first;
        while block < end {
            let (offset, _) = self.transfer.span(block);
            let (last, len) = self.transfer.span(end - 1);
            let want = (last - offset) as usize + usize::from(len);
            let bytes = self.reader.blocks(offset, want).await?;
            let count = if bytes.len() == want {
                (end - block) as usize
            } else {
                bytes.len() / blksize
            };
            let header = |place: usize| data_header(Transfer::wire(block + place as u64));
            if let Err(error) = self.conversation.send_run(count, blksize, bytes, header).await {
                return Ok(Err(error));
            }
            block += count as u64;
        }
        Ok(Ok(()))
    }

    /// What a failure of the socket means: the client is gone, or a packet was lost that the timer will send again.
    fn failed(&mut self, error: &io::Error) -> Option<Ending> {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            return match self.transfer.on_unreachable() {
                Action::Finish(outcome) => Some(outcome.into()),
                Action::SendOack | Action::Send(_) | Action::Ignore(_) | Action::Wait => Some(Ending::Unreachable),
            };
        }
        self.server.counts.add(Why::SendFailed);
        None
    }

    fn tell_progress(&mut self, now: Duration) {
        if now.saturating_sub(self.told_at) < PROGRESS_EVERY {
            return;
        }
        self.told_at = now;
        self.server.tell(Notice::Progress {
            peer: self.peer(),
            name: Arc::clone(&self.request.name),
            size: self.transfer.size(),
            acked_bytes: self.transfer.acked_bytes(),
        });
    }

    fn report(&self, size: u64, ending: Ending) -> TransferReport {
        let terms = self.transfer.terms();
        let begun = self.seat.session().begun();
        TransferReport {
            peer: self.peer(),
            local: self.request.local,
            name: Arc::clone(&self.request.name),
            size,
            blksize: terms.blksize,
            windowsize: terms.windowsize,
            acked_bytes: self.transfer.acked_bytes(),
            retransmits: self.transfer.packets_resent(),
            ending,
            begun,
            duration: begun.elapsed(),
        }
    }

    fn peer(&self) -> SocketAddr {
        self.request.peer
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn deadline(&self) -> tokio::time::Instant {
        (self.begun + self.transfer.deadline()).into()
    }
}
