//! UDP sockets bound to one device each: they hear broadcasts, know where a datagram came in, and answer from there.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;

use bootwright_core::MacAddr;
use socket2::{Domain, Protocol, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::port::{self, Owner};
use crate::shout::Shout;
use crate::sys::datagram::{self, Arrival, BATCH_MAX, Departure};
use crate::sys::watched::watch;

/// What we ask the kernel to keep for a socket while we are busy, in bytes: some 3,000 DHCP packets, as it counts.
pub const RECEIVE_BUFFER_WANTED: usize = 4 << 20;

/// A UDP socket for one port of one device.
#[derive(Debug)]
pub struct Socket {
    /// Watched for packets only. Whoever watches for room too is woken by each datagram that has left, in vain: there is
    /// nearly always room.
    inner: AsyncFd<socket2::Socket>,
    device: String,
    port: u16,
    receive_buffer: usize,
    shout: Option<Shout>,
}

/// A datagram and everything known about how it came. Captured ones (module `snoop`) have the same shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The bytes above UDP.
    pub payload: &'a [u8],
    /// Who sent it.
    pub source: SocketAddrV4,
    /// The address it was sent to, often a broadcast one.
    pub destination: Ipv4Addr,
    /// Our address that it was sent to, to answer from. None if it was sent to all: then answer from an address of the
    /// device it came in on. (The kernel would name one for that case too, but the wrong one where two of our devices
    /// are in the same network.)
    pub local: Option<Ipv4Addr>,
    /// The port it was sent to.
    pub port: u16,
    /// The number of the device it came in on.
    pub index: u32,
    /// Whether it was longer than the buffer, so that its end is missing.
    pub truncated: bool,
    /// The station it came from, if it was captured.
    pub source_mac: Option<MacAddr>,
    /// The VLAN whose tag it still carried, if it was captured with one.
    pub vlan: Option<u16>,
}

/// A datagram to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The bytes above UDP.
    pub payload: &'a [u8],
    /// The receiver; a broadcast address is allowed.
    pub to: SocketAddrV4,
    /// The source address to show, which must be one of this box; unspecified for the kernel's choice.
    pub from: Ipv4Addr,
}

/// Reusable room for the datagrams of one [`Socket::receive`].
pub struct Batch {
    buffers: Vec<u8>,
    size: usize,
    arrivals: [Arrival; BATCH_MAX],
    len: usize,
    port: u16,
}

impl Batch {
    /// Room for 32 datagrams of at most `size` bytes each; what is longer arrives cut, and marked so.
    ///
    /// # Panics
    /// If `size` is 0.
    #[must_use]
    pub fn new(size: usize) -> Self {
        assert!(size > 0, "a datagram needs room");
        Self {
            buffers: vec![0; size * BATCH_MAX],
            size,
            arrivals: [Arrival::NONE; BATCH_MAX],
            len: 0,
            port: 0,
        }
    }

    /// The datagrams that the last receive brought, in their order of arrival.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = Datagram<'_>> {
        let slots = self.arrivals[..self.len]
            .iter()
            .zip(self.buffers.chunks_exact(self.size));
        slots.map(|(arrival, buffer)| Datagram {
            payload: &buffer[..arrival.len],
            source: arrival.source,
            destination: arrival.destination,
            local: (arrival.local == arrival.destination).then_some(arrival.local),
            port: self.port,
            index: arrival.index,
            truncated: arrival.truncated,
            source_mac: None,
            vlan: None,
        })
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.datagrams()).finish()
    }
}

impl Socket {
    /// Binds `port` (0 for a free one) on all addresses of `device`, whether it has any yet or not.
    ///
    /// Must be called inside a tokio runtime. A second socket may bind the same port on the same device, and another
    /// program's may too if it allows it: see [`crate::port::owners`].
    ///
    /// # Errors
    /// When the kernel refuses, with the reason and a hint.
    pub fn bind(device: &str, port: u16) -> Result<Self, BindError> {
        Self::try_bind(device, port).map_err(|error| BindError::new(device, port, error))
    }

    /// As [`Socket::bind`], with a way of its own for what is sent from the address `from` to port `to` of everybody on the
    /// link: the kernel looks it up once and not for each datagram. It is taken by itself, and does without where the kernel
    /// refuses it.
    ///
    /// # Errors
    /// As [`Socket::bind`].
    pub fn bind_to_shout(device: &str, port: u16, from: Ipv4Addr, to: u16) -> Result<Self, BindError> {
        // First, since for a moment it hears what is sent to us.
        let shout = Shout::open(device, SocketAddrV4::new(from, port), to).ok();
        let socket = Self::bind(device, port)?;
        Ok(Self { shout, ..socket })
    }

    fn try_bind(device: &str, port: u16) -> io::Result<Self> {
        let socket = shared(device)?;
        datagram::enable_pktinfo(socket.as_fd())?;
        // Refusal is no error: the kernel gives what its limit allows, and we say how much that is.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_WANTED);
        // The kernel counts its own overhead too, and therefore reports double.
        let receive_buffer = socket.recv_buffer_size()? / 2;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
        let bound = socket.local_addr()?;
        Ok(Self {
            port: bound.as_socket_ipv4().map_or(port, |address| address.port()),
            inner: watch(socket, Interest::READABLE)?,
            device: device.to_owned(),
            receive_buffer,
            shout: None,
        })
    }

    /// The device it is bound to, by the name it had then.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The port it is bound to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many bytes of waiting datagrams the kernel keeps for us, as granted. Where that is less than
    /// [`RECEIVE_BUFFER_WANTED`], a burst of machines waits for retransmissions, and `net.core.rmem_max` is the sysctl.
    #[must_use]
    pub fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// Waits until there is something and takes all that is there, up to a batch. Allocates nothing.
    ///
    /// A device that is deleted is no error here, only silence, also when another one gets its name: follow
    /// [`crate::watch::Watch`] and bind again where a link's index changed.
    ///
    /// # Errors
    /// The kernel's, such as being out of memory.
    pub async fn receive(&self, batch: &mut Batch) -> io::Result<usize> {
        batch.len = 0;
        batch.port = self.port;
        loop {
            let mut ready = self.inner.readable().await?;
            let mut count = 0;
            let read = |socket: &AsyncFd<socket2::Socket>| {
                count = datagram::receive(socket.as_fd(), &mut batch.buffers, batch.size, &mut batch.arrivals)?;
                if count < BATCH_MAX {
                    // There was room for more, so that the socket is empty now, and what comes later wakes us anew
                    // (`epoll(7)`, edge-triggered). To say so saves the call that would only find it out.
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            };
            if let Ok(Err(error)) = ready.try_io(read) {
                return Err(error);
            }
            if count > 0 {
                batch.len = count;
                return Ok(count);
            }
        }
    }

    /// Sends one datagram out of our device, waiting for room if there is none.
    ///
    /// # Errors
    /// The kernel's: no route, too long for the wire, not our address, device down.
    pub async fn send(&self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        let departure = [departure(outgoing)];
        let write = |socket: &socket2::Socket| datagram::send(socket.as_fd(), &departure);
        once_there_is_room(self.inner.get_ref(), write).await.map(drop)
    }

    /// Sends one datagram if there is room for it at this moment.
    ///
    /// # Errors
    /// As [`Socket::send`], and `WouldBlock` when there is no room.
    pub fn try_send(&self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        datagram::send(self.inner.as_fd(), &[departure(outgoing)]).map(drop)
    }

    /// Sends all of them, a batch at a system call, and returns which failed and why. The others have left.
    pub async fn send_all(&self, outgoing: &[Outgoing<'_>]) -> Vec<(usize, io::Error)> {
        let mut failed = Vec::new();
        let mut next = 0;
        while let Some(rest) = outgoing.get(next..).filter(|rest| !rest.is_empty()) {
            let shouted = self.shout(rest).await;
            if shouted > 0 {
                next += shouted;
                continue;
            }
            let batch: [Departure<'_>; BATCH_MAX] =
                std::array::from_fn(|slot| departure(&rest[slot.min(rest.len() - 1)]));
            let batch = &batch[..rest.len().min(BATCH_MAX)];
            let write = |socket: &socket2::Socket| datagram::send(socket.as_fd(), batch);
            match once_there_is_room(self.inner.get_ref(), write).await {
                Ok(sent) => next += sent,
                Err(error) => {
                    failed.push((next, error));
                    next += 1;
                }
            }
        }
        failed
    }

    /// Sends those at the beginning for which there is a way of their own, and returns how many have left by it. The others
    /// leave like any: what is wrong with one is found out then.
    async fn shout(&self, outgoing: &[Outgoing<'_>]) -> usize {
        let Some(shout) = &self.shout else { return 0 };
        let count = outgoing.iter().take_while(|outgoing| shout.takes(outgoing)).count();
        let batch = &outgoing[..count.min(BATCH_MAX)];
        if batch.is_empty() {
            return 0;
        }
        let payloads: [&[u8]; BATCH_MAX] = std::array::from_fn(|slot| batch[slot.min(batch.len() - 1)].payload);
        let write = |socket: &socket2::Socket| datagram::send_connected(socket.as_fd(), &payloads[..batch.len()]);
        once_there_is_room(shout.socket(), write).await.unwrap_or(0)
    }
}

/// A socket on a device that shares its port with others of ours and may send to everybody.
pub(crate) fn shared(device: &str) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    // The device first: whether the port is free depends on it.
    socket.bind_device(Some(device.as_bytes()))?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    Ok(socket)
}

/// Sends now, or when there is room.
async fn once_there_is_room<R>(
    socket: &socket2::Socket,
    write: impl Fn(&socket2::Socket) -> io::Result<R>,
) -> io::Result<R> {
    match write(socket) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let second = watch(socket.try_clone()?, Interest::WRITABLE)?;
            second.async_io(Interest::WRITABLE, write).await
        }
        sent => sent,
    }
}

/// The socket is bound to its device, which therefore need not be named again for each datagram.
fn departure<'a>(outgoing: &Outgoing<'a>) -> Departure<'a> {
    Departure {
        payload: outgoing.payload,
        to: outgoing.to,
        from: outgoing.from,
        index: 0,
    }
}

/// A port that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot bind port {port}/udp on `{device}`: {trouble}")]
pub struct BindError {
    /// The device.
    pub device: String,
    /// The port.
    pub port: u16,
    /// What was in the way.
    pub trouble: BindTrouble,
}

/// Why a port could not be bound.
#[derive(Debug)]
pub enum BindTrouble {
    /// Others hold the port and do not share it.
    InUse(Vec<Owner>),
    /// There is no such device.
    NoDevice,
    /// We lack a capability: NET_BIND_SERVICE for ports below 1024.
    Denied,
    /// Something else.
    Other(io::Error),
}

impl BindError {
    pub(crate) fn new(device: &str, port: u16, error: io::Error) -> Self {
        let trouble = match error.raw_os_error() {
            Some(libc::EADDRINUSE) => BindTrouble::InUse(port::owners(port)),
            Some(libc::ENODEV) => BindTrouble::NoDevice,
            Some(libc::EACCES | libc::EPERM) => BindTrouble::Denied,
            Some(_) | None => BindTrouble::Other(error),
        };
        let device = device.to_owned();
        Self { device, port, trouble }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.trouble {
            BindTrouble::InUse(owners) if owners.is_empty() => Some(format!("see `ss -lunp 'sport = :{}'`", self.port)),
            BindTrouble::InUse(_) => Some(match self.port {
                547 => "stop it, or set `mode = \"off\"` in `[ipv6]`".to_owned(),
                67 | 4011 => "stop it, or keep it and set `sockets = \"packet\"` in `[dhcp]`".to_owned(),
                69 => "stop it, or move its TFTP service elsewhere: machines ask on port 69 only".to_owned(),
                _ => "stop it".to_owned(),
            }),
            BindTrouble::NoDevice => Some("see `ip link`, and `interfaces` in `[server]`".to_owned()),
            BindTrouble::Denied => Some("start as root, or with the capability NET_BIND_SERVICE".to_owned()),
            BindTrouble::Other(_) => None,
        }
    }
}

impl fmt::Display for BindTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(owners) if owners.is_empty() => f.write_str("it is in use"),
            Self::InUse(owners) => {
                f.write_str("it is in use by ")?;
                for (place, owner) in owners.iter().enumerate() {
                    let separator = if place == 0 { "" } else { ", " };
                    write!(f, "{separator}{owner}")?;
                }
                Ok(())
            }
            Self::NoDevice => f.write_str("there is no such device"),
            Self::Denied => f.write_str("not permitted"),
            Self::Other(error) => write!(f, "{error}"),
        }
    }
}
