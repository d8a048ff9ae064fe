//! Options of AF_PACKET sockets, `packet(7)`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// Whether the kernel hands over no packets that this box sends (Linux 4.20).
pub(crate) fn ignore_outgoing(socket: BorrowedFd<'_>, ignore: bool) -> io::Result<()> {
    let ignore = libc::c_int::from(ignore);
    // SAFETY: the value is a live int and its length is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_IGNORE_OUTGOING,
            ptr::from_ref(&ignore).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
