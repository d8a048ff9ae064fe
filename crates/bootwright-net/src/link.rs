//! The links of this box: every network device with what we must know to serve on it.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use bootwright_core::MacAddr;

/// One network device as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number of the device. A device that was deleted and made again has a new one under the old name.
    pub index: u32,
    /// The device's name, such as `eth0`.
    pub name: String,
    /// The hardware address, if the device is an Ethernet one.
    pub mac: Option<MacAddr>,
    /// All addresses, IPv4 first, in the kernel's order within a family.
    pub addresses: Vec<Address>,
    /// The largest IP packet that the device takes, in bytes.
    pub mtu: u32,
    /// Whether an administrator has switched the device on.
    pub up: bool,
    /// Whether the other end of the wire is there.
    pub carrier: bool,
    /// What sort of device it is.
    pub kind: Kind,
}

/// An address of a link and how many bits of it name the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The address itself.
    pub ip: IpAddr,
    /// The length of the network's prefix in bits.
    pub prefix: u8,
}

/// What sort of device a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A card with a cable, real or of a virtual machine.
    Wired,
    /// A radio.
    Wireless,
    /// A device that exists in the kernel only: `veth`, `tun`, `dummy`, `macvlan` and their like.
    Virtual,
    /// A bridge.
    Bridge,
    /// A bond of several cards.
    Bond,
    /// A VLAN on another device.
    Vlan,
    /// The loopback device.
    Loopback,
    /// A port of the bridge, bond or team of that name: traffic is seen there, not here.
    PortOf(String),
}

impl Link {
    /// The first IPv4 address, which is the one the kernel puts into packets that leave here.
    #[must_use]
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        self.ipv4_addresses().next()
    }

    /// All IPv4 addresses.
    pub fn ipv4_addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.addresses.iter().filter_map(|address| match address.ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        })
    }

    /// Our address on the network that `peer` is on, else the first one: what to name as our server to that peer.
    #[must_use]
    pub fn ipv4_towards(&self, peer: Ipv4Addr) -> Option<Ipv4Addr> {
        let near = self.addresses.iter().find(|address| address.covers(IpAddr::V4(peer)));
        match near.map(|address| address.ip) {
            Some(IpAddr::V4(ip)) => Some(ip),
            Some(IpAddr::V6(_)) | None => self.ipv4(),
        }
    }

    /// All IPv6 addresses that machines can be told: those of the link alone mean nothing in a URL.
    pub fn ipv6_addresses(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.addresses.iter().filter_map(|address| match address.ip {
            IpAddr::V6(ip) if !ip.is_unicast_link_local() && !ip.is_loopback() => Some(ip),
            IpAddr::V6(_) | IpAddr::V4(_) => None,
        })
    }

    /// Whether it speaks Ethernet, as every link must that machines boot over.
    #[must_use]
    pub fn is_ethernet(&self) -> bool {
        self.mac.is_some()
    }
}

impl Address {
    /// Whether `other` lies in the same network.
    #[must_use]
    pub fn covers(&self, other: IpAddr) -> bool {
        let differing = match (self.ip, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        differing >= u32::from(self.prefix)
    }
}

/// Every link of the current network namespace, by index.
///
/// Takes some tenths of a millisecond. Works without `/sys` too, or where it shows another namespace's devices; then
/// what only stands there is guessed: a wired device with an MTU of 1500.
///
/// # Errors
/// When the kernel lists no device at all, which means that it refused to.
pub fn links() -> io::Result<Vec<Link>> {
    let mut links: Vec<Link> = Vec::new();
    for device in pnet_datalink::interfaces() {
        // An address with a label of its own (`eth0:1`) is listed as a device; the kernel counts it as the real one.
        let name = device.name.split(':').next().unwrap_or_default().to_owned();
        let addresses = device.ips.iter().map(|network| Address {
            ip: network.ip(),
            prefix: network.prefix(),
        });
        if let Some(link) = links.iter_mut().find(|link| link.index == device.index) {
            link.addresses.extend(addresses);
            continue;
        }
        // A device that vanished while the list was made has no index any more.
        if device.index == 0 {
            continue;
        }
        let facts = Sysfs::of(&name, device.index);
        let kind = match &facts {
            _ if device.is_loopback() => Kind::Loopback,
            Some(facts) => facts.kind(),
            None => Kind::Wired,
        };
        let ethernet = facts.as_ref().is_none_or(Sysfs::is_ethernet) && !device.is_loopback();
        links.push(Link {
            index: device.index,
            mac: device.mac.filter(|_| ethernet).map(|mac| MacAddr::new(mac.octets())),
            addresses: addresses.collect(),
            mtu: facts.as_ref().and_then(|facts| facts.number("mtu")).unwrap_or(1500),
            up: device.is_up(),
            carrier: device.is_lower_up(),
            kind,
            name,
        });
    }
    if links.is_empty() {
        return Err(io::Error::other(
            "the kernel lists no network device, not even loopback",
        ));
    }
    for link in &mut links {
        link.addresses.sort_by_key(|address| address.ip.is_ipv6());
    }
    links.sort_by_key(|link| link.index);
    Ok(links)
}

/// What `/sys/class/net/<name>` tells about a device.
struct Sysfs {
    directory: PathBuf,
}

impl Sysfs {
    /// The directory, if it is there and speaks of the same device: in a foreign namespace a name may mean another.
    fn of(name: &str, index: u32) -> Option<Self> {
        let facts = Self {
            directory: Path::new("/sys/class/net").join(name),
        };
        (facts.number("ifindex") == Some(index)).then_some(facts)
    }

    fn number(&self, file: &str) -> Option<u32> {
        fs::read_to_string(self.directory.join(file)).ok()?.trim().parse().ok()
    }

    fn has(&self, entry: &str) -> bool {
        self.directory.join(entry).exists()
    }

    /// ARPHRD_ETHER is 1 in Linux' `if_arp.h`, after the numbers of RFC 826.
    fn is_ethernet(&self) -> bool {
        self.number("type") == Some(1)
    }

    fn kind(&self) -> Kind {
        if let Some(master) = self.master() {
            return Kind::PortOf(master);
        }
        if self.has("bridge") {
            return Kind::Bridge;
        }
        if self.has("bonding") {
            return Kind::Bond;
        }
        match self.device_type().as_deref() {
            Some("vlan") => return Kind::Vlan,
            Some("wlan") => return Kind::Wireless,
            _ if self.has("wireless") || self.has("phy80211") => return Kind::Wireless,
            _ => {}
        }
        match fs::canonicalize(&self.directory) {
            Ok(path) if path.to_string_lossy().contains("/devices/virtual/") => Kind::Virtual,
            Ok(_) | Err(_) => Kind::Wired,
        }
    }

    /// The device that takes this one's traffic. A routing domain (VRF) is a master too, and takes none.
    fn master(&self) -> Option<String> {
        let target = fs::read_link(self.directory.join("master")).ok()?;
        let name = target.file_name()?.to_str()?.to_owned();
        let master = Self {
            directory: self.directory.with_file_name(&name),
        };
        (master.device_type().as_deref() != Some("vrf")).then_some(name)
    }

    fn device_type(&self) -> Option<String> {
        let text = fs::read_to_string(self.directory.join("uevent")).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix("DEVTYPE="))?;
        Some(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_covers_its_own_network_only() {
        let address = Address {
            ip: "10.1.2.1".parse().expect("an address"),
            prefix: 23,
        };
        assert!(address.covers("10.1.3.254".parse().expect("an address")));
        assert!(!address.covers("10.1.4.1".parse().expect("an address")));
        assert!(!address.covers("::ffff:10.1.2.1".parse().expect("an address")));
        let everything = Address { prefix: 0, ..address };
        assert!(everything.covers("203.0.113.9".parse().expect("an address")));
    }

    /// A directory like `/sys`, gone on drop.
    struct Tree(PathBuf);

    impl Tree {
        fn new(files: &[(&str, &str)], links: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("bootwright-link-{}", std::process::id()));
            let tree = Self(root);
            for (path, text) in files {
                let path = tree.0.join(path);
                fs::create_dir_all(path.parent().expect("a directory")).expect("a writable place");
                fs::write(path, text).expect("a writable place");
            }
            for (path, target) in links {
                std::os::unix::fs::symlink(target, tree.0.join(path)).expect("a writable place");
            }
            tree
        }

        fn kind(&self, device: &str) -> Kind {
            let directory = self.0.join(device);
            Sysfs { directory }.kind()
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn devices_that_not_every_kernel_can_make_are_told_apart() {
        let tree = Tree::new(
            &[
                ("bond0/bonding/mode", "active-backup 1"),
                ("eth0.5/uevent", "DEVTYPE=vlan\nINTERFACE=eth0.5\n"),
                ("wlan0/uevent", "DEVTYPE=wlan\n"),
                ("wlan1/phy80211/name", "phy1"),
                ("team0/uevent", ""),
                ("vrf0/uevent", "DEVTYPE=vrf\n"),
                ("eth0/uevent", "INTERFACE=eth0\n"),
                ("eth1/uevent", "INTERFACE=eth1\n"),
                ("eth2/uevent", "INTERFACE=eth2\n"),
                ("devices/virtual/net/veth0/uevent", ""),
            ],
            &[
                ("eth1/master", "../team0"),
                ("eth2/master", "../vrf0"),
                ("veth0", "devices/virtual/net/veth0"),
            ],
        );
        assert_eq!(tree.kind("bond0"), Kind::Bond);
        assert_eq!(tree.kind("eth0.5"), Kind::Vlan);
        assert_eq!(tree.kind("wlan0"), Kind::Wireless);
        assert_eq!(tree.kind("wlan1"), Kind::Wireless);
        assert_eq!(tree.kind("eth0"), Kind::Wired);
        assert_eq!(tree.kind("eth1"), Kind::PortOf("team0".to_owned()));
        assert_eq!(tree.kind("eth2"), Kind::Wired);
        assert_eq!(tree.kind("veth0"), Kind::Virtual);
    }
}
