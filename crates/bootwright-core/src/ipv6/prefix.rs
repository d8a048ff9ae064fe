//! A network of IPv6, and the addresses that machines have in it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::Holder;

/// A network with 64 bits for its stations, as every link of IPv6 has (RFC 4291 section 2.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(u64);

/// A text that is no such network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPrefix;

impl Prefix {
    /// The network that an address lies in.
    #[must_use]
    pub const fn of(address: Ipv6Addr) -> Self {
        Self((address.to_bits() >> 64) as u64)
    }

    /// The address of a holder in this network. `interface` tells the interfaces of one holder apart, and `turn` is raised
    /// where somebody else uses what the turn before gave.
    ///
    /// The highest bit of the station's half is set, so that no address which people choose (`::1`) is ever met, and the
    /// 63 others are mixed: that two of ten thousand machines get the same is one chance in a hundred thousand million,
    /// and then the second finds it out and declines.
    #[must_use]
    pub fn address(self, holder: &Holder, interface: u32, turn: u8) -> Ipv6Addr {
        let mut hash = Hash::new();
        match holder {
            Holder::Card(mac) => {
                hash.bytes(&[0]);
                hash.bytes(&mac.octets());
            }
            Holder::Name(name) => {
                hash.bytes(&[1]);
                hash.bytes(name);
            }
        }
        hash.bytes(&interface.to_be_bytes());
        hash.bytes(&[turn]);
        Ipv6Addr::from_bits(u128::from(self.0) << 64 | u128::from(hash.end() | 1 << 63))
    }
}

/// FNV-1a with the finishing step of SplitMix64. Written out, since what it gives must never change: machines keep their
/// addresses over an update.
struct Hash(u64);

impl Hash {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    const fn end(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl FromStr for Prefix {
    type Err = NotPrefix;

    fn from_str(text: &str) -> Result<Self, NotPrefix> {
        let (address, len) = text.split_once('/').ok_or(NotPrefix)?;
        let address: Ipv6Addr = address.parse().map_err(|_| NotPrefix)?;
        let whole = len == "64" && address.to_bits() as u64 == 0;
        let usable = !address.is_unspecified() && !address.is_multicast() && !address.is_unicast_link_local();
        (whole && usable).then(|| Self::of(address)).ok_or(NotPrefix)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(self.0) << 64))
    }
}

impl fmt::Display for NotPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no network such as `fd00:77::/64`")
    }
}
