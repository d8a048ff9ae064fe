//! The segment's own DHCP server, which leases addresses and knows nothing of booting.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_core::MacAddr;
use bootwright_proto::dhcp::{Lease, MessageType, Reply, Request, SERVER_PORT, render};

/// The server's address.
pub(crate) const LAN_SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 255, 254);

/// The server and its leases.
#[derive(Debug, Default)]
pub(crate) struct Lan {
    leases: BTreeMap<MacAddr, Ipv4Addr>,
}

impl Lan {
    pub(crate) fn address(&mut self, mac: MacAddr) -> Ipv4Addr {
        let next = u32::try_from(self.leases.len()).unwrap_or(u32::MAX).saturating_add(1);
        let first = u32::from(Ipv4Addr::new(10, 77, 1, 0));
        *self
            .leases
            .entry(mac)
            .or_insert_with(|| Ipv4Addr::from(first.saturating_add(next)))
    }

    /// The answer to a request, if it is one for this server.
    pub(crate) fn answer(&mut self, request: &Request) -> Option<(SocketAddrV4, Vec<u8>)> {
        let lease = Lease {
            address: self.address(request.mac),
            secs: Some(3600),
            mask: Ipv4Addr::new(255, 255, 0, 0),
            routers: vec![LAN_SERVER],
            dns: Vec::new(),
            host_name: None,
            domain: None,
            search: Vec::new(),
            broadcast: None,
            ntp: Vec::new(),
            mtu: None,
        };
        let reply = match request.message? {
            MessageType::Discover => Reply::LeaseOffer(lease, None),
            MessageType::Request if request.server_id == Some(LAN_SERVER) => Reply::LeaseAck(lease, None),
            _ => return None,
        };
        let mut bytes = render(request, LAN_SERVER, &reply).ok()?;
        // A plain server names no next server.
        if let Some(next_server) = bytes.get_mut(20..24) {
            next_server.fill(0);
        }
        Some((SocketAddrV4::new(LAN_SERVER, SERVER_PORT), bytes))
    }
}
