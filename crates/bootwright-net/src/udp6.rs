//! UDP sockets of IPv6, bound to one device each. Beside those of [`crate::udp`], which take bursts of a thousand machines:
//! here one datagram after the other will do.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::Link;
use crate::sys::datagram6;
use crate::udp::BindError;

/// A UDP socket for one port of one device, which takes IPv6 only.
#[derive(Debug)]
pub struct Socket {
    inner: UdpSocket,
    device: String,
}

/// A datagram and how it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The bytes above UDP.
    pub payload: &'a [u8],
    /// Who sent it; with the number of the device, where the address means nothing without.
    pub source: SocketAddrV6,
    /// The address it was sent to, which may be a group.
    pub destination: Ipv6Addr,
    /// The number of the device it came in on.
    pub index: u32,
    /// Whether it was longer than the buffer, so that its end is missing.
    pub truncated: bool,
}

impl Socket {
    /// Binds `port` on all addresses of a link, and enters it into a group of receivers if one is named.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the kernel refuses, with the reason and a hint. A link on which IPv6 is switched off enters no group.
    pub fn bind(link: &Link, port: u16, group: Option<Ipv6Addr>) -> Result<Self, BindError> {
        Self::try_bind(link, port, group).map_err(|error| BindError::new(&link.name, port, error))
    }

    fn try_bind(link: &Link, port: u16, group: Option<Ipv6Addr>) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::IPV6, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
        // The device first: whether the port is free depends on it.
        socket.bind_device(Some(link.name.as_bytes()))?;
        socket.set_reuse_address(true)?;
        socket.set_only_v6(true)?;
        datagram6::enable_pktinfo(socket.as_fd())?;
        socket.bind(&SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0).into())?;
        if let Some(group) = group {
            socket.join_multicast_v6(&group, link.index)?;
        }
        Ok(Self {
            inner: UdpSocket::from_std(socket.into())?,
            device: link.name.clone(),
        })
    }

    /// The device it is bound to, by the name it had then.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Waits for a datagram.
    ///
    /// # Errors
    /// The kernel's, such as being out of memory.
    pub async fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Datagram<'a>> {
        let read = || datagram6::receive(self.inner.as_fd(), buffer);
        let arrival = self.inner.async_io(Interest::READABLE, read).await?;
        Ok(Datagram {
            payload: buffer.get(..arrival.len).unwrap_or_default(),
            source: arrival.source,
            destination: arrival.destination,
            index: arrival.index,
            truncated: arrival.truncated,
        })
    }

    /// Sends one datagram out of our device if there is room for it at this moment. `from` is the source address to show;
    /// unspecified for the kernel's choice.
    ///
    /// # Errors
    /// The kernel's: no route, too long for the wire, not our address, device down; `WouldBlock` when there is no room.
    pub fn try_send(&self, payload: &[u8], to: SocketAddrV6, from: Ipv6Addr) -> io::Result<()> {
        datagram6::send(self.inner.as_fd(), payload, to, from)
    }
}
