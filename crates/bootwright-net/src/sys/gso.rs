//! Many datagrams to or from one connected socket in one call: UDP_SEGMENT of `udp(7)`, `recvmmsg(2)`.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::datagram::BATCH_MAX;

/// Room for one control packet of a connected conversation; what is longer arrives cut.
pub(crate) const SMALL: usize = 128;
/// Control packets received by one call. Two are enough to see whether the socket is empty now, and one is the rule.
pub(crate) const SMALL_BATCH: usize = 2;

const _: () = assert!(SMALL_BATCH <= BATCH_MAX);

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

/// Receives up to [`SMALL_BATCH`] datagrams that are there, without waiting, and returns how many. `lens` gets their
/// lengths, at most [`SMALL`].
pub(crate) fn receive_small(
    socket: BorrowedFd<'_>,
    buffers: &mut [[u8; SMALL]; SMALL_BATCH],
    lens: &mut [usize; SMALL_BATCH],
) -> io::Result<usize> {
    // SAFETY: plain C structures, of integers and pointers, for which all zeros are a valid value.
    let (mut vectors, mut headers): ([libc::iovec; SMALL_BATCH], [libc::mmsghdr; SMALL_BATCH]) =
        unsafe { (zeroed(), zeroed()) };
    for (slot, buffer) in buffers.iter_mut().enumerate() {
        vectors[slot].iov_base = buffer.as_mut_ptr().cast();
        vectors[slot].iov_len = buffer.len();
        headers[slot].msg_hdr.msg_iov = &raw mut vectors[slot];
        headers[slot].msg_hdr.msg_iovlen = 1;
    }
    // SAFETY: all headers point to vectors and buffers that live until this function ends, with their true lengths;
    // nothing else touches them during the call.
    let received = unsafe {
        let flags = libc::MSG_DONTWAIT;
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            SMALL_BATCH as _,
            flags as _,
            ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (len, header) in lens.iter_mut().zip(&headers).take(received) {
        *len = (header.msg_len as usize).min(SMALL);
    }
    Ok(received)
}
