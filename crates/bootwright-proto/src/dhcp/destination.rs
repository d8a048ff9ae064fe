//! Where a reply goes (RFC 2131 section 4.1; the proxy's rules are PXE's).

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_core::MacAddr;

use super::CLIENT_PORT;
use super::question::Port;
use super::reply::Reply;
use super::request::Request;

/// The address and the link layer of a reply. It always leaves from the port that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// 255.255.255.255 on the link on which the request arrived.
    BroadcastLocal {
        /// The port there.
        port: u16,
    },
    /// An address that answers ARP.
    Unicast {
        /// The address.
        addr: Ipv4Addr,
        /// The port there.
        port: u16,
    },
    /// A relay, on port 67.
    Relay {
        /// The relay's address.
        giaddr: Ipv4Addr,
    },
    /// A client that does not answer ARP yet, on port 68 of the address that it is about to get.
    LinkUnicast {
        /// Its hardware address.
        mac: MacAddr,
        /// The address in the IP header.
        yiaddr: Ipv4Addr,
    },
}

/// Where the reply to a request goes that arrived on `port` from `source`.
#[must_use]
pub fn destination(request: &Request, port: Port, source: SocketAddrV4, reply: &Reply) -> Destination {
    let to_client = Destination::BroadcastLocal { port: CLIENT_PORT };
    // Port 4011 is asked without relays, and EDK2 hears the answer only on the port from which it asked.
    if port == Port::Pxe {
        return Destination::Unicast {
            addr: *source.ip(),
            port: source.port(),
        };
    }
    // Who only asks for the rest has its address, and the answer goes straight there (RFC 2131 section 4.3.5).
    if let Reply::LeaseAck(lease, _) = reply
        && lease.address.is_unspecified()
        && !request.ciaddr.is_unspecified()
    {
        return Destination::Unicast {
            addr: request.ciaddr,
            port: CLIENT_PORT,
        };
    }
    if request.is_relayed() {
        return Destination::Relay { giaddr: request.giaddr };
    }
    let address = match reply {
        // A proxy's offer carries no address, so there is nothing to send it to, whatever the client's flag says.
        Reply::ProxyOffer(_) | Reply::MergedOffer(..) | Reply::Nak => return to_client,
        Reply::BootAck(_) => Ipv4Addr::UNSPECIFIED,
        Reply::LeaseOffer(lease, _) | Reply::LeaseAck(lease, _) => lease.address,
    };
    if !request.ciaddr.is_unspecified() {
        let asks_boot_server = matches!(reply, Reply::BootAck(_));
        return Destination::Unicast {
            addr: request.ciaddr,
            port: if asks_boot_server { source.port() } else { CLIENT_PORT },
        };
    }
    if request.broadcast || address.is_unspecified() {
        return to_client;
    }
    Destination::LinkUnicast {
        mac: request.mac,
        yiaddr: address,
    }
}
