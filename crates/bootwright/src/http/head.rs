//! How long a machine may take to say what it wants.
//!
//! hyper has one limit for the head of a request and for the pause before it. Slow heads are an old attack, whereas
//! pauses are what firmware makes: it keeps a connection for its next request. Here they are told apart.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Where a connection is: even while a head is awaited, odd while a request is being answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<AtomicU64>);

impl Turn {
    /// A head is complete and is being answered until the result is dropped.
    pub(super) fn answer(&self) -> Answering {
        self.0.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }

    fn number(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request is being answered.
#[derive(Debug)]
pub(super) struct Answering(Turn);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection that fails when a head has begun and is not complete in time. The first head begins with the connection:
/// whoever connects has something to ask.
#[derive(Debug)]
pub(super) struct PromptHeads<I> {
    io: I,
    turn: Turn,
    within: Duration,
    /// The turn that the rest is about.
    seen: u64,
    has_begun: bool,
    is_timed: bool,
    timer: Pin<Box<Sleep>>,
}

impl<I> PromptHeads<I> {
    /// Must be called inside a tokio runtime with a clock.
    pub(super) fn new(io: I, turn: Turn, within: Duration) -> Self {
        Self {
            io,
            seen: turn.number(),
            turn,
            within,
            has_begun: true,
            is_timed: false,
            timer: Box::pin(sleep(within)),
        }
    }

    /// Follows the turn, and says whether a head is awaited.
    fn awaits_head(&mut self) -> bool {
        let number = self.turn.number();
        if number != self.seen {
            self.seen = number;
            self.has_begun = false;
            self.is_timed = false;
        }
        number.is_multiple_of(2)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for PromptHeads<I> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut own.io).poll_read(cx, buffer);
        if !own.awaits_head() {
            return polled;
        }
        if polled.is_ready() {
            own.has_begun |= buffer.filled().len() > before;
            return polled;
        }
        // The clock runs from when the rest of a head is waited for: bytes that came ahead of their turn are not late.
        if !own.has_begun {
            return polled;
        }
        if !own.is_timed {
            own.timer.as_mut().reset(Instant::now() + own.within);
            own.is_timed = true;
        }
        ready!(own.timer.as_mut().poll(cx));
        let message = "the head of a request took too long";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for PromptHeads<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
