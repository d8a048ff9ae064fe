//! What a connection still has to bring across: SIOCOUTQ of `tcp(7)`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// How many bytes the peer has not acknowledged yet.
pub(crate) fn unacknowledged(stream: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the request writes one int, which lives longer than the call.
    let result = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    match result {
        0 => usize::try_from(bytes).map_err(io::Error::other),
        _ => Err(io::Error::last_os_error()),
    }
}
