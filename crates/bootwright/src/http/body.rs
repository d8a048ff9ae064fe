//! Bodies of answers: text, memory, or a file that leaves by sendfile; all of them counted.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bootwright_net::sendfile::FileBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use zeroize::Zeroizing;

/// What is sent.
enum Content {
    Memory(Option<Bytes>),
    File(FileBody),
    Remote(Box<Remote>),
}

/// How long another server may send nothing of what is passed on.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What another server sends, passed on as it comes.
struct Remote {
    body: Incoming,
    silence: Pin<Box<Sleep>>,
}

impl Remote {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.silence.as_mut().reset(Instant::now() + SILENCE_MAX);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(io::Error::other(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let silent = self.silence.as_mut().poll(context);
                silent.map(|()| Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }
}

/// Called once when a body ends, with the number of bytes that were handed on, and whether that was all.
type Ended = Box<dyn FnOnce(u64, bool) + Send + Sync>;

/// The body of an answer.
pub(crate) struct Answered {
    content: Content,
    left: u64,
    /// Whether that is known, or only how much it may be.
    known: bool,
    sent: u64,
    ended: Option<Ended>,
}

impl Answered {
    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self::memory(Bytes::new())
    }

    /// Bytes in memory.
    pub(crate) fn memory(bytes: impl Into<Bytes>) -> Self {
        let bytes: Bytes = bytes.into();
        let left = bytes.len() as u64;
        Self {
            content: Content::Memory(Some(bytes)),
            left,
            known: true,
            sent: 0,
            ended: None,
        }
    }

    /// A text in memory, which is overwritten once the last byte of it has left.
    pub(crate) fn wiped(text: String) -> Self {
        Self::memory(Bytes::from_owner(Zeroizing::new(text.into_bytes())))
    }

    /// Its bytes, if they are in memory and none has left yet.
    pub(crate) fn in_memory(&self) -> Option<Bytes> {
        match &self.content {
            Content::Memory(bytes) => bytes.clone(),
            Content::File(_) | Content::Remote(_) => None,
        }
    }

    /// Part of a file.
    pub(crate) fn file(body: FileBody) -> Self {
        let left = body.remaining();
        Self {
            content: Content::File(body),
            left,
            known: true,
            sent: 0,
            ended: None,
        }
    }

    /// What another server sends: as many bytes as it says, or at most that many.
    pub(crate) fn remote(body: Incoming, bytes: Option<u64>, bytes_max: u64) -> Self {
        Self {
            content: Content::Remote(Box::new(Remote {
                body,
                silence: Box::pin(sleep(SILENCE_MAX)),
            })),
            left: bytes.unwrap_or(bytes_max),
            known: bytes.is_some(),
            sent: 0,
            ended: None,
        }
    }

    /// The same, and says how it went.
    pub(crate) fn then(mut self, ended: impl FnOnce(u64, bool) + Send + Sync + 'static) -> Self {
        self.ended = Some(Box::new(ended));
        self
    }

    /// The same, of which nothing is told: the body of an answer to HEAD, which is never sent.
    pub(crate) fn silent(mut self) -> Self {
        self.ended = None;
        self
    }

    fn end(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(self.sent, self.left == 0);
        }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = match &mut self.content {
            Content::Memory(bytes) => Poll::Ready(
                bytes
                    .take()
                    .filter(|bytes| !bytes.is_empty())
                    .map(|bytes| Ok(Frame::data(bytes))),
            ),
            Content::File(body) => Pin::new(body).poll_frame(context),
            Content::Remote(remote) => remote.poll(context),
        };
        if let (Poll::Ready(Some(Ok(frame))), false) = (&polled, self.known)
            && frame.data_ref().is_some_and(|data| data.len() as u64 > self.left)
        {
            return Poll::Ready(Some(Err(io::Error::other("there is no end to it"))));
        }
        if let (Poll::Ready(None), false) = (&polled, self.known) {
            self.left = 0;
        }
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                self.sent = self.sent.saturating_add(bytes);
                self.left = self.left.saturating_sub(bytes);
            }
            Poll::Ready(Some(Err(_)) | None) => self.end(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        // hyper does not poll a body that says so, and then the end would only be told when it is dropped.
        self.left == 0 && self.ended.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.known {
            true => SizeHint::with_exact(self.left),
            false => SizeHint::default(),
        }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.end();
    }
}
