//! A UDP socket for one conversation: it sends long runs of blocks and hears small packets back.
//!
//! A run leaves in one system call and, where the kernel can cut it into datagrams itself (UDP_SEGMENT, Linux 4.18), goes
//! through the network stack once. The blocks of a run are not copied on the way: each datagram is a header beside a slice
//! of the caller's bytes.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, Socket, Type};

use crate::sys::gso;

/// Bytes in front of each block.
pub const HEADER_BYTES: usize = 4;
/// Datagrams that one call sends at most; the kernel's limit for a run that it cuts itself.
pub const RUN_MAX: usize = 64;
/// Bytes that one call sends at most: what an IP packet could hold, for the run is one until it is cut.
const RUN_BYTES_MAX: usize = 65_000;

/// Room for a packet of a receiver; what is longer arrives cut.
pub const SMALL: usize = 128;

/// A socket bound to one address of ours and connected to one peer.
///
/// The kernel drops what others send to its port and tells them so (ICMP port unreachable). The peer's own such message
/// arrives as `ConnectionRefused`. Nothing here waits: a [`crate::poll::Poll`] tells when there is something to do.
#[derive(Debug)]
pub struct Conversation {
    socket: Socket,
    ipv6: bool,
    /// Whether the kernel cuts runs into datagrams.
    cuts: bool,
}

/// A run that did not leave whole.
#[derive(Debug)]
pub struct Stopped {
    /// How many of its datagrams left.
    pub after: usize,
    /// Why no more did; `WouldBlock` where there was no room for them.
    pub error: io::Error,
}

impl Conversation {
    /// Opens a free port on `local` towards `peer`, through `device` if one is named.
    ///
    /// # Errors
    /// The kernel's: no route, not our address, no such device, too many open files.
    pub fn open(device: Option<&str>, local: IpAddr, peer: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(peer),
            Type::DGRAM.nonblocking(),
            Some(Protocol::UDP),
        )?;
        if let Some(device) = device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        let mut bound = SocketAddr::new(local, 0);
        if let (SocketAddr::V6(bound), SocketAddr::V6(peer)) = (&mut bound, &peer) {
            bound.set_scope_id(peer.scope_id());
        }
        socket.bind(&bound.into())?;
        socket.connect(&peer.into())?;
        Ok(Self {
            socket,
            ipv6: peer.is_ipv6(),
            cuts: false,
        })
    }

    /// The largest IP packet that the way to the peer carries, or Ethernet's 1500 where the kernel does not say.
    #[must_use]
    pub fn mtu(&self) -> u32 {
        gso::mtu(self.socket.as_fd(), self.ipv6).unwrap_or(1500)
    }

    /// The address and port the conversation runs from.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?;
        address.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Says that runs will follow whose blocks have `block` bytes, so that the kernel may cut them. Where it cannot, runs
    /// leave datagram by datagram.
    pub fn expect_runs(&mut self, block: u16) {
        let datagram = block.checked_add(HEADER_BYTES as u16);
        self.cuts = datagram.is_some_and(|bytes| gso::set_segment(self.socket.as_fd(), bytes).is_ok());
    }

    /// Sends one datagram, if there is room for it.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` when there is no room, `ConnectionRefused` when the peer's port was found closed before.
    pub fn send(&self, datagram: &[u8]) -> io::Result<()> {
        gso::send(self.socket.as_fd(), datagram).map(drop)
    }

    /// Sends `count` datagrams: each a header and the next `block` bytes of `payload`, of which the last datagram may
    /// have fewer, or none. `header` names the header of the datagram with the given place in the run.
    ///
    /// # Errors
    /// As [`Conversation::send`], and how many left before.
    ///
    /// # Panics
    /// If `payload` is longer than `count` blocks, or `block` is 0.
    pub fn send_run(
        &mut self,
        count: usize,
        block: usize,
        payload: &[u8],
        header: impl Fn(usize) -> [u8; HEADER_BYTES],
    ) -> Result<(), Stopped> {
        assert!(payload.len() <= count * block, "the run has room for its payload");
        let mut headers = [[0; HEADER_BYTES]; RUN_MAX];
        let mut done = 0;
        while done < count {
            let together = (RUN_BYTES_MAX / (block + HEADER_BYTES)).clamp(1, RUN_MAX);
            let together = if self.cuts { together.min(count - done) } else { 1 };
            for (place, slot) in headers[..together].iter_mut().enumerate() {
                *slot = header(done + place);
            }
            let mut parts = [IoSlice::new(&[]); 2 * RUN_MAX];
            let rest = &payload[(done * block).min(payload.len())..];
            let blocks = rest.chunks(block).chain(std::iter::repeat(&[][..]));
            for ((pair, header), block) in parts.chunks_exact_mut(2).zip(&headers[..together]).zip(blocks) {
                pair[0] = IoSlice::new(header);
                pair[1] = IoSlice::new(block);
            }
            match self.socket.send_vectored(&parts[..2 * together]) {
                Ok(_) => done += together,
                // A device or a kernel that cannot cut says so with one of these: from now on we do it ourselves.
                Err(error) if together > 1 && matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL)) => {
                    self.cuts = false;
                    let whole = gso::set_segment(self.socket.as_fd(), 0);
                    whole.map_err(|error| Stopped { after: done, error })?;
                }
                Err(error) => return Err(Stopped { after: done, error }),
            }
        }
        Ok(())
    }

    /// Takes one packet of the peer that is there: its length, at most that of the buffer. What is longer is cut.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` when there is none, `ConnectionRefused` when nothing listens at the peer's port.
    pub fn receive(&self, buffer: &mut [u8; SMALL]) -> io::Result<usize> {
        gso::receive(self.socket.as_fd(), buffer)
    }
}

impl AsFd for Conversation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
