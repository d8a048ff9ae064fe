//! The way to everybody on a link, from one address and port of ours.
//!
//! For a datagram to the broadcast address the kernel makes a route, and drops it again, each time: a fifth of what such a
//! datagram costs. A socket that is connected to that address keeps its route.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use socket2::Socket;

use crate::udp::{Outgoing, shared};

/// A socket that only sends: what it hears would have to come from the broadcast address.
#[derive(Debug)]
pub(crate) struct Shout {
    socket: Socket,
    from: Ipv4Addr,
    to: SocketAddrV4,
}

impl Shout {
    /// Opens the way `from` an address and port of ours to a port of everybody.
    ///
    /// Until it is connected it hears what is sent to that address and port, which is lost.
    pub(crate) fn open(device: &str, from: SocketAddrV4, to: u16) -> io::Result<Self> {
        let socket = shared(device)?;
        let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, to);
        socket.bind(&from.into())?;
        socket.connect(&to.into())?;
        let from = *from.ip();
        Ok(Self { socket, from, to })
    }

    /// Whether a datagram goes this way.
    pub(crate) fn takes(&self, outgoing: &Outgoing<'_>) -> bool {
        outgoing.to == self.to && outgoing.from == self.from
    }

    pub(crate) const fn socket(&self) -> &Socket {
        &self.socket
    }
}
