//! The kernel's neighbour table: which station has an address, for clients that tell us nothing but that.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;

use bootwright_core::MacAddr;
use futures_util::StreamExt as _;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};

/// The kernel's flag for an entry whose station has answered, ATF_COM of `arp(7)`.
const COMPLETE: u32 = 0x02;

/// The stations of our segments at one moment, by their addresses.
#[derive(Clone, Debug, Default)]
pub struct Stations(BTreeMap<Ipv4Addr, Option<MacAddr>>);

impl Stations {
    /// Reads the kernel's table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read() -> io::Result<Self> {
        // A read of some kilobytes from memory. With a thousand neighbours it takes a millisecond, which is not ours to
        // spend.
        let read = || fs::read_to_string("/proc/thread-self/net/arp").map(|table| Self::parse(&table));
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    fn parse(table: &str) -> Self {
        let mut stations = BTreeMap::new();
        for (address, station) in table.lines().skip(1).filter_map(entry) {
            let known = stations.entry(address).or_insert(Some(station));
            if *known != Some(station) {
                *known = None;
            }
        }
        Self(stations)
    }

    /// The station that has an IPv4 address, as the kernel knows from having spoken with it.
    ///
    /// While a connection from that address is open the entry is there. None if it is not, and also where two stations on
    /// different segments have the same address: then nobody can say which one it was.
    #[must_use]
    pub fn at(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.0.get(&address).copied().flatten()
    }
}

/// The station that has an address at this moment, as [`Stations::at`] says.
///
/// # Errors
/// When the table cannot be read.
pub async fn station(address: IpAddr) -> io::Result<Option<MacAddr>> {
    match address {
        IpAddr::V4(address) => Stations::read().await.map(|stations| stations.at(address)),
        IpAddr::V6(address) => station_ipv6(address).await,
    }
}

/// The neighbour cache of IPv6 (RFC 4861 section 5.1) is no file: netlink alone tells it.
async fn station_ipv6(address: Ipv6Addr) -> io::Result<Option<MacAddr>> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    let talk = tokio::spawn(connection);
    let request = handle.neighbours().get().set_address_family(AddressFamily::Inet6);
    let mut entries = pin!(request.execute());
    let mut stations = Vec::new();
    let mut outcome = Ok(());
    while let Some(entry) = entries.next().await {
        match entry {
            Ok(entry) => stations.extend(entry_ipv6(&entry, address)),
            Err(error) => outcome = Err(io::Error::other(error)),
        }
    }
    talk.abort();
    stations.dedup();
    outcome.map(|()| match stations.as_slice() {
        [station] => Some(*station),
        _ => None,
    })
}

/// The station of an entry, if it is of this address and a station has answered.
fn entry_ipv6(entry: &NeighbourMessage, address: Ipv6Addr) -> Option<MacAddr> {
    if matches!(entry.header.state, NeighbourState::Incomplete | NeighbourState::Failed) {
        return None;
    }
    let is_it = |attribute: &NeighbourAttribute| {
        *attribute == NeighbourAttribute::Destination(NeighbourAddress::Inet6(address))
    };
    entry.attributes.iter().find(|attribute| is_it(attribute))?;
    let station = entry.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(bytes) => <[u8; 6]>::try_from(bytes.as_slice()).ok(),
        _ => None,
    })?;
    Some(MacAddr::new(station)).filter(|station| !station.is_zero())
}

/// A line of the table: address, hardware type, flags, hardware address, mask, device.
fn entry(line: &str) -> Option<(Ipv4Addr, MacAddr)> {
    let mut words = line.split_whitespace();
    let address = words.next()?.parse().ok()?;
    let flags = u32::from_str_radix(words.nth(1)?.strip_prefix("0x")?, 16).ok()?;
    let station: MacAddr = words.next()?.parse().ok()?;
    (flags & COMPLETE != 0 && !station.is_zero()).then_some((address, station))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.0.0.2         0x1         0x2         52:54:00:00:00:02     *        eth0
10.0.0.3         0x1         0x0         00:00:00:00:00:00     *        eth0
10.0.0.4         0x1         0x6         52:54:00:00:00:04     *        eth0
10.0.0.5         0x1         0x2         52:54:00:00:00:05     *        eth0
10.0.0.5         0x1         0x2         52:54:00:00:00:55     *        eth1
10.0.0.6         0x1         0x2         52:54:00:00:00:06     *        eth0
10.0.0.6         0x1         0x2         52:54:00:00:00:06     *        br0
garbage
";

    #[test]
    fn only_an_answer_without_a_doubt_is_one() {
        let stations = Stations::parse(TABLE);
        let told = |last: u8| stations.at([10, 0, 0, last].into()).map(|station| station.to_string());
        assert_eq!(told(2).as_deref(), Some("52:54:00:00:00:02"));
        assert_eq!(told(3), None, "nobody has answered");
        assert_eq!(told(4).as_deref(), Some("52:54:00:00:00:04"), "set by hand");
        assert_eq!(told(5), None, "two stations on two segments");
        assert_eq!(told(6).as_deref(), Some("52:54:00:00:00:06"), "one station seen twice");
        assert_eq!(told(7), None);
    }
}
