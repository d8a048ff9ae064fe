//! Sockets that the runtime watches for one kind of news only; its own types are always told of all kinds.

use std::io;

use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the runtime watch a socket. Must be called inside a tokio runtime.
pub(crate) fn watch(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: the `Socket` owns its descriptor, which is open, never another one, and closed only when the `AsyncFd`, that
    // has the `Socket` by then, is dropped.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(Into::into)
}
