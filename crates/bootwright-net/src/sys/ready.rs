//! Sockets whose readiness the runtime watches.

use std::io;

use socket2::Socket;
use tokio::io::unix::AsyncFd;

/// Hands a socket to the runtime, which tells when there is something to read. Must be called inside one.
pub(crate) fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a `Socket` owns one descriptor, names the same one each time and closes it only when it is dropped, which
    // the `AsyncFd` does that owns it from here on.
    unsafe { AsyncFd::register(socket) }.map_err(io::Error::from)
}
