//! Where we run, as far as it decides whether a machine's broadcast can reach us at all.

use std::fmt;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use crate::link::{Kind, Link, links};

/// Where we run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// On a box, or in a container that shares the box' network: nothing is in the way.
    Box,
    /// In a container on a network of the container engine's own, behind this link: no broadcast gets through.
    Bridged {
        /// The link's name, most often `eth0`.
        link: String,
        /// Its address in the engine's network.
        address: Ipv4Addr,
    },
    /// In the virtual machine of Docker Desktop, whose network is not that of the desktop: no broadcast gets in.
    DockerDesktop,
    /// In the Windows Subsystem for Linux, which sits behind address translation unless told otherwise.
    Wsl,
}

impl Environment {
    /// Looks around.
    ///
    /// # Errors
    /// When the links cannot be listed.
    pub fn detect() -> io::Result<Self> {
        Ok(Facts::gather()?.conclude())
    }

    /// Whether no machine on a segment can be heard here at all. A relay's packets, which are addressed to us, may get through.
    #[must_use]
    pub const fn keeps_broadcasts_out(&self) -> bool {
        match self {
            Self::Bridged { .. } | Self::DockerDesktop => true,
            // WSL can be told to share the network of the desktop, which cannot be seen from inside.
            Self::Box | Self::Wsl => false,
        }
    }

    /// What to change so that machines can be served; none if nothing is in the way.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Box => None,
            Self::Bridged { .. } => Some("run the container with `network_mode: host` (`docker run --network host`)"),
            Self::DockerDesktop => Some("run on a Linux box or in a Linux virtual machine with a bridged network card"),
            Self::Wsl => Some("set `networkingMode=mirrored` in `.wslconfig`, or run on a Linux box"),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Box => f.write_str("nothing is between us and the wire"),
            Self::Bridged { link, address } => write!(
                f,
                "`{link}` ({address}) is on a container engine's own network, where no machine's broadcast can arrive"
            ),
            Self::DockerDesktop => {
                f.write_str("this is Docker Desktop's virtual machine, where no machine's broadcast can arrive")
            }
            Self::Wsl => f.write_str("this is WSL, where by default no machine's broadcast can arrive"),
        }
    }
}

/// What there is to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether a container engine left its mark here, and this is the network that it gave us.
    pub container: bool,
    /// The kernel's release, such as `6.12.5-linuxkit`.
    pub kernel: String,
    /// The name of the box.
    pub hostname: String,
    /// All links.
    pub links: Vec<Link>,
    /// Names of links that are a card's other self in a container (macvlan, ipvlan): broadcasts do arrive there.
    pub card_shares: Vec<String>,
    /// Names of links whose other end is outside this network namespace, such as one end of a veth pair.
    pub ends: Vec<String>,
}

impl Facts {
    /// Looks around.
    ///
    /// # Errors
    /// When the links cannot be listed.
    pub fn gather() -> io::Result<Self> {
        let line = |path: &str| fs::read_to_string(path).unwrap_or_default().trim_end().to_owned();
        let links = links()?;
        let shares_a_card = |link: &&Link| {
            let described = line(&format!("/sys/class/net/{}/uevent", link.name));
            ["macvlan", "ipvlan"]
                .iter()
                .any(|sort| described.contains(&format!("DEVTYPE={sort}")))
        };
        // A link of a veth pair names the index of its other end, which here may be nobody's or by chance another link's.
        // That it is by chance its own does not happen to a container: on the box, low indexes belong to cards.
        let other_end = |link: &Link| -> Option<u32> {
            let number = line(&format!("/sys/class/net/{}/iflink", link.name)).parse();
            number.ok().filter(|number| *number != link.index)
        };
        let ends_outside = |link: &&Link| {
            other_end(link).is_some_and(|number| {
                let there = links.iter().find(|other| other.index == number);
                there.and_then(other_end) != Some(link.index)
            })
        };
        Ok(Self {
            container: in_container(&line("/proc/1/cgroup")) && in_the_first_network(),
            kernel: line("/proc/sys/kernel/osrelease"),
            hostname: line("/proc/sys/kernel/hostname"),
            card_shares: links
                .iter()
                .filter(shares_a_card)
                .map(|link| link.name.clone())
                .collect(),
            ends: links
                .iter()
                .filter(ends_outside)
                .map(|link| link.name.clone())
                .collect(),
            links,
        })
    }

    /// What follows from it.
    #[must_use]
    pub fn conclude(&self) -> Environment {
        let wsl = self.kernel.contains("WSL2");
        if self.kernel.contains("linuxkit") || wsl && self.hostname == "docker-desktop" {
            return Environment::DockerDesktop;
        }
        if let Some(bridged) = self.bridged() {
            return bridged;
        }
        if wsl { Environment::Wsl } else { Environment::Box }
    }

    /// A container that shares the box' network sees its cards or bridges. One that does not sees nothing but ends of veth
    /// pairs, each with an address from the engine's pools: by default 172.16.0.0/12 and 192.168.0.0/16, with Podman
    /// 10.88.0.0/16. A site may use the same addresses, so they alone tell nothing.
    fn bridged(&self) -> Option<Environment> {
        if !self.container || !self.card_shares.is_empty() {
            return None;
        }
        let from_a_pool = |address: Ipv4Addr| {
            let [a, b, ..] = address.octets();
            (a == 172 && b & 0xf0 == 16) || (a == 192 && b == 168) || (a == 10 && (88..=89).contains(&b))
        };
        let inside = |link: &Link| {
            let end = link.kind == Kind::Virtual && self.ends.contains(&link.name);
            link.ipv4().filter(|address| end && from_a_pool(*address))
        };
        let mut first = None;
        for link in self.links.iter().filter(|link| link.kind != Kind::Loopback) {
            // What is no Ethernet carries no machine's broadcast, but nothing speaks against the engine's network either.
            if link.is_ethernet() {
                let address = inside(link)?;
                first.get_or_insert((link, address));
            }
        }
        first.map(|(link, address)| Environment::Bridged {
            link: link.name.clone(),
            address,
        })
    }
}

/// Whether our network is that of the first process. Another one was made here by somebody else, and the engine's mark is
/// about the first process' alone. Where that cannot be seen, it is taken to be.
fn in_the_first_network() -> bool {
    let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    match (network("1"), network("self")) {
        (Some(first), Some(ours)) => first == ours,
        (None, _) | (_, None) => true,
    }
}

/// Docker and Podman leave a file; others are seen by the control group of the first process, where that still tells.
/// Containers of LXC are left out: they are given a network card's bridge as often as one of the engine's own.
fn in_container(cgroup: &str) -> bool {
    let engines = ["docker", "containerd", "kubepods", "libpod"];
    Path::new("/.dockerenv").exists()
        || Path::new("/run/.containerenv").exists()
        || engines.iter().any(|engine| cgroup.contains(engine))
}

#[cfg(test)]
mod tests {
    use bootwright_core::MacAddr;

    use super::*;
    use crate::link::Address;

    fn link(name: &str, kind: Kind, address: &str) -> Link {
        Link {
            index: 2,
            name: name.to_owned(),
            mac: (kind != Kind::Loopback).then(|| MacAddr::new([2, 0x42, 0, 0, 0, 1])),
            addresses: vec![Address {
                ip: address.parse().expect("an address"),
                prefix: 16,
            }],
            mtu: 1500,
            up: true,
            carrier: true,
            kind,
        }
    }

    fn facts(container: bool, kernel: &str, links: &[Link]) -> Facts {
        let mut all = vec![link("lo", Kind::Loopback, "127.0.0.1")];
        all.extend_from_slice(links);
        Facts {
            container,
            kernel: kernel.to_owned(),
            hostname: "box".to_owned(),
            ends: all
                .iter()
                .filter(|link| link.kind == Kind::Virtual)
                .map(|link| link.name.clone())
                .collect(),
            links: all,
            card_shares: Vec::new(),
        }
    }

    #[test]
    fn a_container_on_the_engines_network_is_told_from_one_on_the_box_network() {
        let inside = [link("eth0", Kind::Virtual, "172.18.0.2")];
        let bridged = facts(true, "6.12.0-amd64", &inside).conclude();
        let expected =
            "`eth0` (172.18.0.2) is on a container engine's own network, where no machine's broadcast can arrive";
        assert_eq!(bridged.to_string(), expected);
        assert!(bridged.hint().is_some_and(|hint| hint.contains("network_mode: host")));

        let on_the_box = [
            link("enp3s0", Kind::Wired, "172.16.1.10"),
            link("docker0", Kind::Bridge, "172.17.0.1"),
            link("veth1", Kind::Virtual, "172.17.0.9"),
        ];
        assert_eq!(facts(true, "6.12.0-amd64", &on_the_box).conclude(), Environment::Box);
        assert_eq!(
            facts(false, "6.12.0-amd64", &inside).conclude(),
            Environment::Box,
            "no container"
        );
        let elsewhere = [link("eth0", Kind::Virtual, "203.0.113.5")];
        assert_eq!(facts(true, "6.12.0-amd64", &elsewhere).conclude(), Environment::Box);
        let mut macvlan = facts(true, "6.12.0-amd64", &inside);
        macvlan.card_shares.push("eth0".to_owned());
        assert_eq!(
            macvlan.conclude(),
            Environment::Box,
            "the container has a share of the card"
        );
    }

    #[test]
    fn a_box_is_not_taken_for_a_container_because_of_its_addresses() {
        let pool = ["172.17.0.2", "192.168.0.9", "10.88.0.4"];
        for address in pool {
            let bridged = |facts: &Facts| matches!(facts.conclude(), Environment::Bridged { .. });
            let mut end = facts(true, "6.12.0-amd64", &[link("eth0", Kind::Virtual, address)]);
            assert!(bridged(&end), "{address}: a container's own network");
            end.container = false;
            assert!(!bridged(&end), "{address}: no container");
            end.container = true;
            end.ends.clear();
            assert!(!bridged(&end), "{address}: a link without another end");
            for kind in [Kind::Wired, Kind::Bridge, Kind::Bond, Kind::Vlan] {
                let own = [
                    link("eth0", kind.clone(), address),
                    link("veth1", Kind::Virtual, address),
                ];
                assert!(!bridged(&facts(true, "6.12.0-amd64", &own)), "{address}: {kind:?}");
            }
            let both = [
                link("eth0", Kind::Virtual, address),
                link("eth1", Kind::Virtual, "203.0.113.5"),
            ];
            assert!(
                !bridged(&facts(true, "6.12.0-amd64", &both)),
                "{address}: one that is not the engine's"
            );
        }
    }

    #[test]
    fn desktops_are_told_by_their_kernels() {
        let inside = [link("eth0", Kind::Wired, "192.168.65.3")];
        assert_eq!(
            facts(true, "6.12.5-linuxkit", &inside).conclude(),
            Environment::DockerDesktop
        );
        let mut wsl = facts(true, "5.15.167.4-microsoft-standard-WSL2", &inside);
        assert_eq!(wsl.conclude(), Environment::Wsl);
        wsl.hostname = "docker-desktop".to_owned();
        assert_eq!(wsl.conclude(), Environment::DockerDesktop);
        assert_eq!(facts(true, "6.12.0-amd64", &inside).conclude(), Environment::Box);
    }
}
