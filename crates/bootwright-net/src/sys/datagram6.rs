//! Datagrams of IPv6, one by one, with the address and device each came to: IPV6_PKTINFO of `ipv6(7)`.

use std::io;
use std::mem::zeroed;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::datagram::switch_on;

/// What the kernel tells about a datagram beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) len: usize,
    pub(crate) source: SocketAddrV6,
    pub(crate) destination: Ipv6Addr,
    pub(crate) index: u32,
    pub(crate) truncated: bool,
}

/// Room for one control message with an `in6_pktinfo`: CMSG_SPACE of its 20 bytes is 40 on 64-bit systems, less on others.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 40]);

const PKTINFO_LEN: u32 = size_of::<libc::in6_pktinfo>() as u32;

/// Asks the kernel to tell for each datagram to which address and on which device it came.
pub(crate) fn enable_pktinfo(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
}

/// Receives one datagram into `buffer`, without waiting.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Arrival> {
    // SAFETY: these are plain C structures, of integers and pointers, for which all zeros are a valid value.
    let (mut name, mut header): (libc::sockaddr_in6, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
    let mut control = Control([0; 40]);
    let mut vector = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    header.msg_name = ptr::from_mut(&mut name).cast();
    header.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = ptr::from_mut(&mut control).cast();
    header.msg_controllen = size_of::<Control>() as _;
    // SAFETY: the header points to a name, a buffer and control space that live until this function ends, with their true
    // lengths; nothing else touches them during the call.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    let info = pktinfo(&header);
    Ok(Arrival {
        len: received.min(buffer.len()),
        source: SocketAddrV6::new(
            Ipv6Addr::from(name.sin6_addr.s6_addr),
            u16::from_be(name.sin6_port),
            0,
            name.sin6_scope_id,
        ),
        destination: info.map_or(Ipv6Addr::UNSPECIFIED, |info| Ipv6Addr::from(info.ipi6_addr.s6_addr)),
        index: info.map_or(0, |info| info.ipi6_ifindex),
        truncated: header.msg_flags & libc::MSG_TRUNC != 0,
    })
}

/// The packet information among the control messages of a header that the kernel has filled.
fn pktinfo(header: &libc::msghdr) -> Option<libc::in6_pktinfo> {
    // SAFETY: the header's control pointer and length describe control messages that the kernel wrote; the macros stay
    // within that length, and the payload of this level and type is an `in6_pktinfo`, read without regard to alignment.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            if (*message).cmsg_level == libc::IPPROTO_IPV6 && (*message).cmsg_type == libc::IPV6_PKTINFO {
                return Some(ptr::read_unaligned(libc::CMSG_DATA(message).cast()));
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    None
}

/// Sends one datagram without waiting. An unspecified `from` leaves the choice to the kernel.
pub(crate) fn send(socket: BorrowedFd<'_>, payload: &[u8], to: SocketAddrV6, from: Ipv6Addr) -> io::Result<()> {
    // SAFETY: plain C structures, of integers and pointers, for which all zeros are a valid value.
    let (mut name, mut header): (libc::sockaddr_in6, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
    let mut control = Control([0; 40]);
    let mut vector = libc::iovec {
        iov_base: payload.as_ptr().cast_mut().cast(),
        iov_len: payload.len(),
    };
    name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    name.sin6_port = to.port().to_be();
    name.sin6_addr = to_network(*to.ip());
    name.sin6_scope_id = to.scope_id();
    header.msg_name = ptr::from_mut(&mut name).cast();
    header.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    if !from.is_unspecified() {
        let info = libc::in6_pktinfo {
            ipi6_addr: to_network(from),
            ipi6_ifindex: to.scope_id() as _,
        };
        header.msg_control = ptr::from_mut(&mut control).cast();
        // SAFETY: `Control` is aligned for a `cmsghdr` and has room for one with an `in6_pktinfo`, which CMSG_SPACE
        // counts; the header describes exactly that room, so the first message lies within it.
        unsafe {
            header.msg_controllen = libc::CMSG_SPACE(PKTINFO_LEN) as _;
            let message = libc::CMSG_FIRSTHDR(&raw const header);
            (*message).cmsg_level = libc::IPPROTO_IPV6;
            (*message).cmsg_type = libc::IPV6_PKTINFO;
            (*message).cmsg_len = libc::CMSG_LEN(PKTINFO_LEN) as _;
            ptr::write_unaligned(libc::CMSG_DATA(message).cast(), info);
        }
    }
    // SAFETY: the header points to a name, a payload and a control message that live until this function ends, with their
    // true lengths; the kernel only reads them.
    let sent = unsafe {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        libc::sendmsg(socket.as_raw_fd(), &raw const header, flags)
    };
    if sent < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn to_network(address: Ipv6Addr) -> libc::in6_addr {
    libc::in6_addr {
        s6_addr: address.octets(),
    }
}
