//! Link-layer addresses, `packet(7)`.

use socket2::{SockAddr, SockAddrStorage};

/// The device `index`, and a station on it, as an address for an AF_PACKET socket. `protocol` is an EtherType.
pub(crate) fn link_address(index: u32, protocol: u16, station: [u8; 6]) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: the storage is large and aligned enough for every kind of socket address, and all zeros, with which a
    // `sockaddr_ll` is valid.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = libc::AF_PACKET as libc::sa_family_t;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = index as libc::c_int;
    address.sll_halen = 6;
    address.sll_addr[..6].copy_from_slice(&station);
    // SAFETY: the storage holds a `sockaddr_ll` and nothing beyond its length is read.
    unsafe { SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as libc::socklen_t) }
}
