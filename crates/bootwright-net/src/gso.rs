//! A UDP socket for one conversation: it sends long runs of blocks and hears small packets back.
//!
//! A run leaves in one system call and, where the kernel can cut it into datagrams itself (UDP_SEGMENT, Linux 4.18), goes
//! through the network stack once. The blocks of a run are not copied on the way: each datagram is a header beside a slice
//! of the caller's bytes.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::sys::gso::{self, SMALL, SMALL_BATCH};
use crate::sys::watched::watch;

/// Bytes in front of each block.
pub const HEADER_BYTES: usize = 4;
/// Datagrams that one call sends at most; the kernel's limit for a run that it cuts itself.
pub const RUN_MAX: usize = 64;
/// Bytes that one call sends at most: what an IP packet could hold, for the run is one until it is cut.
const RUN_BYTES_MAX: usize = 65_000;

/// A block up to this length, Ethernet's, is copied beside its header where it goes alone.
const SHORT_BLOCK: usize = 1468;

/// A socket bound to one address of ours and connected to one peer.
///
/// The kernel drops what others send to its port and tells them so (ICMP port unreachable). The peer's own such message
/// arrives as `ConnectionRefused`.
#[derive(Debug)]
pub struct Conversation {
    /// Watched for packets only. Whoever watches for room too is woken by each datagram that has left, in vain: there is
    /// always room.
    socket: AsyncFd<Socket>,
    ipv6: bool,
    /// Whether the kernel cuts runs into datagrams.
    cuts: bool,
}

/// Room for the packets of one [`Conversation::receive`]; longer ones than 128 bytes arrive cut.
#[derive(Debug)]
pub struct Inbox {
    buffers: [[u8; SMALL]; SMALL_BATCH],
    lens: [usize; SMALL_BATCH],
    count: usize,
}

impl Conversation {
    /// Opens a free port on `local` towards `peer`, through `device` if one is named.
    ///
    /// Must be called inside a tokio runtime.
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
            socket: watch(socket, Interest::READABLE)?,
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
        let address = self.socket.get_ref().local_addr()?;
        address.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Says that runs will follow whose blocks have `block` bytes, so that the kernel may cut them. Where it cannot, runs
    /// leave datagram by datagram.
    pub fn expect_runs(&mut self, block: u16) {
        let datagram = block.checked_add(HEADER_BYTES as u16);
        self.cuts = datagram.is_some_and(|bytes| gso::set_segment(self.socket.as_fd(), bytes).is_ok());
    }

    /// Sends one datagram.
    ///
    /// # Errors
    /// The kernel's; `ConnectionRefused` when the peer's port was found closed before.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.once_there_is_room(|socket| socket.send(datagram)).await
    }

    /// Sends `count` datagrams: each a header and the next `block` bytes of `payload`, of which the last datagram may
    /// have fewer, or none. `header` names the header of the datagram with the given place in the run.
    ///
    /// # Errors
    /// As [`Conversation::send`]. What left before stays sent.
    ///
    /// # Panics
    /// If `payload` is longer than `count` blocks, or `block` is 0.
    pub async fn send_run(
        &mut self,
        count: usize,
        block: usize,
        payload: &[u8],
        header: impl Fn(usize) -> [u8; HEADER_BYTES],
    ) -> io::Result<()> {
        assert!(payload.len() <= count * block, "the run has room for its payload");
        if count == 1 && payload.len() <= SHORT_BLOCK {
            return self.send_block(header(0), payload).await;
        }
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
            match self.send_parts(&parts[..2 * together]).await {
                Ok(()) => done += together,
                // A device or a kernel that cannot cut says so with one of these: from now on we do it ourselves.
                Err(error) if together > 1 && matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL)) => {
                    self.cuts = false;
                    gso::set_segment(self.socket.as_fd(), 0)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One header and one block. Putting the two together here is cheaper than telling the kernel of two places.
    async fn send_block(&self, header: [u8; HEADER_BYTES], block: &[u8]) -> io::Result<()> {
        let mut datagram = [0; HEADER_BYTES + SHORT_BLOCK];
        datagram[..HEADER_BYTES].copy_from_slice(&header);
        datagram[HEADER_BYTES..HEADER_BYTES + block.len()].copy_from_slice(block);
        self.send(&datagram[..HEADER_BYTES + block.len()]).await
    }

    async fn send_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        self.once_there_is_room(|socket| socket.send_vectored(parts)).await
    }

    async fn once_there_is_room(&self, write: impl Fn(&Socket) -> io::Result<usize>) -> io::Result<()> {
        match write(self.socket.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Only large windows of large blocks ever come here.
                let second = watch(self.socket.get_ref().try_clone()?, Interest::WRITABLE)?;
                second.async_io(Interest::WRITABLE, write).await.map(drop)
            }
            sent => sent.map(drop),
        }
    }

    /// Waits for packets from the peer and takes those that are there.
    ///
    /// # Errors
    /// The kernel's; `ConnectionRefused` when nothing listens at the peer's port.
    pub async fn receive(&self, inbox: &mut Inbox) -> io::Result<()> {
        loop {
            // An ICMP message shows as an error without anything to read. tokio waits for both and takes one at a time.
            let guard = self.socket.ready(Interest::READABLE | Interest::ERROR).await?;
            let interest = if guard.ready().is_readable() {
                Interest::READABLE
            } else {
                Interest::ERROR
            };
            drop(guard);
            if self.take(interest, inbox)? {
                return Ok(());
            }
        }
    }

    /// Takes the packets that are there, if any, without waiting.
    ///
    /// # Errors
    /// As [`Conversation::receive`].
    pub fn try_receive(&self, inbox: &mut Inbox) -> io::Result<bool> {
        match gso::receive_small(self.socket.as_fd(), &mut inbox.buffers, &mut inbox.lens) {
            Ok(count) => {
                inbox.count = count;
                Ok(count > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes what is there. A batch that is not full has emptied the socket, which the runtime is told at once: the usual
    /// way of finding out is a second system call for each packet.
    fn take(&self, interest: Interest, inbox: &mut Inbox) -> io::Result<bool> {
        inbox.count = 0;
        let result = self.socket.try_io(interest, |socket| {
            inbox.count = gso::receive_small(socket.as_fd(), &mut inbox.buffers, &mut inbox.lens)?;
            if inbox.count < SMALL_BATCH {
                Err(io::ErrorKind::WouldBlock.into())
            } else {
                Ok(())
            }
        });
        match result {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(()) | Err(_) => Ok(inbox.count > 0),
        }
    }
}

impl Inbox {
    /// Empty room.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffers: [[0; SMALL]; SMALL_BATCH],
            lens: [0; SMALL_BATCH],
            count: 0,
        }
    }

    /// The packets that the last call took, in their order of arrival.
    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let slots = self.buffers.iter().zip(self.lens).take(self.count);
        slots.map(|(buffer, len)| &buffer[..len.min(SMALL)])
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}
