//! A TCP connection that sends parts of mapped files by `sendfile(2)`.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::sendfile::sendfile;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::{CHUNK, map};
use crate::sys::unsent::unacknowledged;

/// A TCP connection for hyper that sends slices of a [`super::FileMap`] from the file itself.
///
/// One that is dropped without having been shut down is reset instead of closed, unless the peer may still acknowledge
/// something. A boot loader that starts again uses the same ports as before; as long as the kernel remembers the old
/// connection (a close from our side would have it do so for a minute), it answers the loader's SYN with an acknowledgement
/// that some loaders, GRUB among them, do not know what to do with.
#[derive(Debug)]
pub struct SendfileIo {
    stream: TcpStream,
    stall: Option<Stall>,
    /// Whether the kernel keeps the segment that is not full until more follows.
    corked: bool,
    /// Whether both sides know that nothing more comes from here.
    shut: bool,
    /// Whether the peer is known to be gone.
    gone: Arc<AtomicBool>,
}

/// The watch over a peer that takes nothing.
#[derive(Debug)]
struct Stall {
    limit: Duration,
    /// Runs while a write waits.
    timer: Pin<Box<Sleep>>,
    waiting: bool,
}

impl SendfileIo {
    /// Wraps a connection. Small segments leave at once from here on; a header that a file follows waits for it.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        // Only slower if it fails.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            stall: None,
            corked: false,
            shut: false,
            gone: Arc::default(),
        }
    }

    /// Ends the connection when something is to be written and the peer takes nothing for `limit`: machines that are
    /// switched off in the middle of a download do not say goodbye. Must be called inside a tokio runtime.
    #[must_use]
    pub fn with_stall_limit(mut self, limit: Duration) -> Self {
        self.stall = Some(Stall {
            limit,
            timer: Box::pin(sleep(limit)),
            waiting: false,
        });
        self
    }

    /// Whether the peer is known to be gone: then nothing that is under way holds up the reset when this is dropped.
    #[must_use]
    pub fn gone(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.gone)
    }

    /// The connection itself.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Keeps the last segment of what is sent until more follows, or has it leave. Without that each call for a part of a
    /// file ends with a small segment, and the kernel believes that there was nothing more to send.
    fn cork(&mut self, corked: bool) {
        if self.corked != corked {
            // Only slower if it fails: what is kept leaves after 200 ms.
            let _ = SockRef::from(&self.stream).set_tcp_cork(corked);
            self.corked = corked;
        }
    }

    /// Runs `write` once the socket takes bytes, until it does not say that it would have to wait.
    fn poll_with(
        &mut self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.stream.poll_write_ready(cx)?.is_pending() {
                return self.poll_stall(cx);
            }
            match self.stream.try_io(Interest::WRITABLE, || write(&self.stream)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    if let Some(stall) = &mut self.stall {
                        stall.waiting = false;
                    }
                    return Poll::Ready(result);
                }
            }
        }
    }

    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(stall) = &mut self.stall else {
            return Poll::Pending;
        };
        if !stall.waiting {
            stall.timer.as_mut().reset(Instant::now() + stall.limit);
            stall.waiting = true;
        }
        ready!(stall.timer.as_mut().poll(cx));
        self.gone.store(true, Ordering::Relaxed);
        let message = "the peer took nothing for too long";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

/// What to do with the slices at hand: the first ones decide, the others come with the next call.
enum Plan<'a, 'b> {
    /// Nothing to write.
    Empty,
    /// Send this part of the file, and whether more of it follows right behind.
    File {
        file: Arc<File>,
        offset: u64,
        len: usize,
        more: bool,
    },
    /// Write these slices, and whether a file follows right behind.
    Memory { slices: &'a [IoSlice<'b>], more: bool },
}

fn plan<'a, 'b>(slices: &'a [IoSlice<'b>]) -> Plan<'a, 'b> {
    let empty = slices.iter().take_while(|slice| slice.is_empty()).count();
    let slices = &slices[empty..];
    let Some(first) = slices.first() else {
        return Plan::Empty;
    };
    let Some((file, offset)) = map::find(first) else {
        let is_mapped = |slice: &IoSlice<'_>| !slice.is_empty() && map::find(slice).is_some();
        let mapped = slices.iter().position(is_mapped);
        let slices = &slices[..mapped.unwrap_or(slices.len())];
        let more = mapped.is_some();
        return Plan::Memory { slices, more };
    };
    // Slices that continue each other in memory do so in the file, as long as they are of the same mapping.
    let mut len = first.len();
    for next in &slices[1..] {
        let continues = next.as_ptr().addr() == first.as_ptr().addr() + len;
        let same = || map::find(next).is_some_and(|(_, at)| at == offset + len as u64);
        if len >= CHUNK || !(continues && same()) {
            break;
        }
        len += next.len();
    }
    let (len, more) = (len.min(CHUNK), len > CHUNK);
    Plan::File {
        file,
        offset,
        len,
        more,
    }
}

/// Has the kernel send a part of a file, or reads and writes some of it where the file system cannot do that.
fn send_file(stream: &TcpStream, file: &File, offset: u64, len: usize) -> io::Result<usize> {
    let mut position = libc::off_t::try_from(offset).map_err(io::Error::other)?;
    let sent = match sendfile(stream, file, Some(&mut position), len) {
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            let mut buffer = [0; 16 << 10];
            let wanted = len.min(buffer.len());
            let read = file.read_at(&mut buffer[..wanted], offset)?;
            match read {
                0 => 0,
                _ => SockRef::from(stream).send_with_flags(&buffer[..read], libc::MSG_NOSIGNAL)?,
            }
        }
        result => result?,
    };
    if sent == 0 {
        // The length was announced before the file was cut short. The only honest answer is to hang up.
        let message = "the file is shorter than it was when it was opened";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
    }
    Ok(sent)
}

impl AsyncWrite for SendfileIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let io = self.get_mut();
        match plan(slices) {
            Plan::Empty => Poll::Ready(Ok(0)),
            Plan::File {
                file,
                offset,
                len,
                more,
            } => {
                if more {
                    io.cork(true);
                }
                let polled = io.poll_with(cx, |stream| send_file(stream, &file, offset, len));
                if !more && matches!(polled, Poll::Ready(Ok(sent)) if sent == len) {
                    io.cork(false);
                }
                polled
            }
            Plan::Memory { slices, more } => {
                io.cork(false);
                io.poll_with(cx, |stream| {
                    let flags = libc::MSG_NOSIGNAL | if more { libc::MSG_MORE } else { 0 };
                    SockRef::from(stream).send_vectored_with_flags(slices, flags)
                })
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        io.shut = true;
        Pin::new(&mut io.stream).poll_shutdown(cx)
    }
}

impl Drop for SendfileIo {
    fn drop(&mut self) {
        let nothing_under_way = || unacknowledged(self.stream.as_fd()).is_ok_and(|bytes| bytes == 0);
        if !self.shut && (self.gone.load(Ordering::Relaxed) || nothing_under_way()) {
            // Closed in the ordinary way if it fails.
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for SendfileIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}
