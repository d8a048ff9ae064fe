//! Datagrams in batches, with the address and device each came to: `recvmmsg(2)`, `sendmmsg(2)`, IP_PKTINFO of `ip(7)`.
//!
//! The headers that the calls want are built on the stack for each call. That costs some nanoseconds and means that no
//! pointer outlives the call it was made for.

use std::io;
use std::mem::zeroed;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// The most datagrams that one call receives or sends.
pub(crate) const BATCH_MAX: usize = 32;

/// What the kernel tells about a datagram beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) len: usize,
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: Ipv4Addr,
    pub(crate) local: Ipv4Addr,
    pub(crate) index: u32,
    pub(crate) truncated: bool,
}

impl Arrival {
    pub(crate) const NONE: Self = Self {
        len: 0,
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        destination: Ipv4Addr::UNSPECIFIED,
        local: Ipv4Addr::UNSPECIFIED,
        index: 0,
        truncated: false,
    };
}

/// A datagram to send. An unspecified `from` and an index of 0 leave the choice to the routing table.
pub(crate) struct Departure<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) to: SocketAddrV4,
    pub(crate) from: Ipv4Addr,
    pub(crate) index: u32,
}

/// Room for one control message with an `in_pktinfo`: CMSG_SPACE of its 12 bytes is 32 on 64-bit systems, less on others.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 32]);

const PKTINFO_LEN: u32 = size_of::<libc::in_pktinfo>() as u32;

/// Asks the kernel to tell for each datagram to which address and on which device it came.
pub(crate) fn enable_pktinfo(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::IPPROTO_IP, libc::IP_PKTINFO)
}

/// Switches an option of a socket on.
pub(super) fn switch_on(socket: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the value is a live int and its length is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Receives what is there, without waiting, one datagram into each `size` bytes of `buffers`, and returns how many.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    buffers: &mut [u8],
    size: usize,
    arrivals: &mut [Arrival; BATCH_MAX],
) -> io::Result<usize> {
    // SAFETY: these are plain C structures, of integers and pointers, for which all zeros are a valid value.
    let (mut names, mut vectors, mut headers): (
        [libc::sockaddr_in; BATCH_MAX],
        [libc::iovec; BATCH_MAX],
        [libc::mmsghdr; BATCH_MAX],
    ) = unsafe { (zeroed(), zeroed(), zeroed()) };
    let mut controls = [Control([0; 32]); BATCH_MAX];
    let mut count = 0;
    for (slot, buffer) in buffers.chunks_exact_mut(size).take(BATCH_MAX).enumerate() {
        vectors[slot].iov_base = buffer.as_mut_ptr().cast();
        vectors[slot].iov_len = buffer.len();
        let header = &mut headers[slot].msg_hdr;
        header.msg_name = ptr::from_mut(&mut names[slot]).cast();
        header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        header.msg_iov = &raw mut vectors[slot];
        header.msg_iovlen = 1;
        header.msg_control = ptr::from_mut(&mut controls[slot]).cast();
        header.msg_controllen = size_of::<Control>() as _;
        count = slot + 1;
    }
    // SAFETY: the first `count` headers point to names, buffers and control space that live until this function ends,
    // with their true lengths; nothing else touches them during the call.
    let received = unsafe {
        let flags = libc::MSG_DONTWAIT;
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            count as _,
            flags as _,
            ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for slot in 0..received {
        let header = &headers[slot];
        let mut arrival = Arrival {
            len: (header.msg_len as usize).min(size),
            source: SocketAddrV4::new(from_network(names[slot].sin_addr), u16::from_be(names[slot].sin_port)),
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            ..Arrival::NONE
        };
        if let Some(info) = pktinfo(&header.msg_hdr) {
            arrival.destination = from_network(info.ipi_addr);
            arrival.local = from_network(info.ipi_spec_dst);
            arrival.index = info.ipi_ifindex as u32;
        }
        arrivals[slot] = arrival;
    }
    Ok(received)
}

/// The packet information among the control messages of a header that the kernel has filled.
fn pktinfo(header: &libc::msghdr) -> Option<libc::in_pktinfo> {
    // SAFETY: the header's control pointer and length describe control messages that the kernel wrote; the macros stay
    // within that length, and the payload of this level and type is an `in_pktinfo`, read without regard to alignment.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            if (*message).cmsg_level == libc::IPPROTO_IP && (*message).cmsg_type == libc::IP_PKTINFO {
                return Some(ptr::read_unaligned(libc::CMSG_DATA(message).cast()));
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    None
}

/// Sends up to a batch without waiting, and returns how many left. An error is the first datagram's own.
pub(crate) fn send(socket: BorrowedFd<'_>, departures: &[Departure<'_>]) -> io::Result<usize> {
    // SAFETY: plain C structures, of integers and pointers, for which all zeros are a valid value.
    let (mut names, mut vectors, mut headers): (
        [libc::sockaddr_in; BATCH_MAX],
        [libc::iovec; BATCH_MAX],
        [libc::mmsghdr; BATCH_MAX],
    ) = unsafe { (zeroed(), zeroed(), zeroed()) };
    let mut controls = [Control([0; 32]); BATCH_MAX];
    let mut count = 0;
    for (slot, departure) in departures.iter().take(BATCH_MAX).enumerate() {
        names[slot].sin_family = libc::AF_INET as libc::sa_family_t;
        names[slot].sin_port = departure.to.port().to_be();
        names[slot].sin_addr = to_network(*departure.to.ip());
        vectors[slot].iov_base = departure.payload.as_ptr().cast_mut().cast();
        vectors[slot].iov_len = departure.payload.len();
        let header = &mut headers[slot].msg_hdr;
        header.msg_name = ptr::from_mut(&mut names[slot]).cast();
        header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        header.msg_iov = &raw mut vectors[slot];
        header.msg_iovlen = 1;
        if !departure.from.is_unspecified() || departure.index != 0 {
            let info = libc::in_pktinfo {
                ipi_ifindex: departure.index as libc::c_int,
                ipi_spec_dst: to_network(departure.from),
                ipi_addr: to_network(Ipv4Addr::UNSPECIFIED),
            };
            header.msg_control = ptr::from_mut(&mut controls[slot]).cast();
            // SAFETY: `Control` is aligned for a `cmsghdr` and has room for one with an `in_pktinfo`, which
            // CMSG_SPACE counts; the header describes exactly that room, so the first message lies within it.
            unsafe {
                header.msg_controllen = libc::CMSG_SPACE(PKTINFO_LEN) as _;
                let message = libc::CMSG_FIRSTHDR(header);
                (*message).cmsg_level = libc::IPPROTO_IP;
                (*message).cmsg_type = libc::IP_PKTINFO;
                (*message).cmsg_len = libc::CMSG_LEN(PKTINFO_LEN) as _;
                ptr::write_unaligned(libc::CMSG_DATA(message).cast(), info);
            }
        }
        count = slot + 1;
    }
    // SAFETY: the first `count` headers point to names, payloads and control messages that live until this function
    // ends, with their true lengths; the kernel only reads the payloads.
    let sent = unsafe {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as _, flags as _)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Sends up to a batch by a connected socket, as [`send`] does.
pub(crate) fn send_connected(socket: BorrowedFd<'_>, payloads: &[&[u8]]) -> io::Result<usize> {
    // SAFETY: plain C structures, of integers and pointers, for which all zeros are a valid value.
    let (mut vectors, mut headers): ([libc::iovec; BATCH_MAX], [libc::mmsghdr; BATCH_MAX]) =
        unsafe { (zeroed(), zeroed()) };
    let mut count = 0;
    for (slot, payload) in payloads.iter().take(BATCH_MAX).enumerate() {
        vectors[slot].iov_base = payload.as_ptr().cast_mut().cast();
        vectors[slot].iov_len = payload.len();
        headers[slot].msg_hdr.msg_iov = &raw mut vectors[slot];
        headers[slot].msg_hdr.msg_iovlen = 1;
        count = slot + 1;
    }
    // SAFETY: the first `count` headers point to payloads that live until this function ends, with their true lengths, and
    // to no names or control messages; the kernel only reads the payloads.
    let sent = unsafe {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as _, flags as _)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

fn from_network(address: libc::in_addr) -> Ipv4Addr {
    Ipv4Addr::from(address.s_addr.to_ne_bytes())
}

fn to_network(address: Ipv4Addr) -> libc::in_addr {
    libc::in_addr {
        s_addr: u32::from_ne_bytes(address.octets()),
    }
}
