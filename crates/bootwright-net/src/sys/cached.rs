//! `preadv2(2)` with RWF_NOWAIT.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Reads at most the buffer's length from the page cache; EAGAIN when waiting would be needed.
pub(crate) fn read(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    let vector = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: the one vector describes the exclusively borrowed buffer with its true length, for the time of the call.
    let read = unsafe { libc::preadv2(file.as_raw_fd(), &raw const vector, 1, offset, libc::RWF_NOWAIT) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}
