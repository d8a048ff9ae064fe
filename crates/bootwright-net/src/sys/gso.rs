//! Many datagrams from one connected socket in one call: UDP_SEGMENT of `udp(7)`; and how long they may be.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// Lets the kernel cut whatever is sent from now on into datagrams of `bytes`; 0 switches that off.
pub(crate) fn set_segment(socket: BorrowedFd<'_>, bytes: u16) -> io::Result<()> {
    let value = libc::c_int::from(bytes);
    // SAFETY: the value is a live int and its length is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            libc::UDP_SEGMENT,
            ptr::from_ref(&value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The largest IP packet that the way to the connected peer carries, as the kernel knows it.
pub(crate) fn mtu(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<u32> {
    let (level, option) = if ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU)
    } else {
        (libc::IPPROTO_IP, libc::IP_MTU)
    };
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to a live int of that size, and the length beside it.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_mut(&mut value).cast(),
            &raw mut len,
        )
    };
    if result == 0 {
        Ok(u32::try_from(value).unwrap_or(0))
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sends one datagram to the connected peer, without waiting.
///
/// The call itself and not the C library's function for it: that is a place where a thread may be cancelled, and to say so
/// costs as much as all of a transfer's own work on a block.
pub(crate) fn send(socket: BorrowedFd<'_>, datagram: &[u8]) -> io::Result<usize> {
    let nobody: *const libc::c_void = ptr::null();
    // SAFETY: pointer and length are those of a live slice, which the kernel only reads; the address is absent, and so is
    // its length.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_sendto,
            socket.as_raw_fd(),
            datagram.as_ptr(),
            datagram.len(),
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            nobody,
            0_usize,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Receives one datagram that is there, without waiting; what does not fit is cut. The call itself, as in [`send`].
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let nobody: *mut libc::c_void = ptr::null_mut();
    // SAFETY: pointer and length are those of an exclusively borrowed slice, of which the kernel writes no more than the
    // length; nobody asks for the sender's address.
    let received = unsafe {
        libc::syscall(
            libc::SYS_recvfrom,
            socket.as_raw_fd(),
            buffer.as_mut_ptr(),
            buffer.len(),
            libc::MSG_DONTWAIT,
            nobody,
            nobody,
        )
    };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}
