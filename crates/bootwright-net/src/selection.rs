//! Which links are served, and why the others are not.

use std::fmt;

use crate::link::{Kind, Link};

/// Whether a link is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is.
    Served,
    /// It is not, at least for now.
    Skipped(WhyNot),
}

/// By which addresses machines may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// Those of IPv4.
    Ipv4,
    /// Those of IPv4, and of IPv6 beyond the link.
    Both,
}

impl Families {
    /// Those that are served where IPv6 is on, or off.
    #[must_use]
    pub const fn with_ipv6(ipv6: bool) -> Self {
        if ipv6 { Self::Both } else { Self::Ipv4 }
    }
}

/// Why a link is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// It is the loopback device.
    Loopback,
    /// It has no Ethernet address.
    NotEthernet,
    /// Its traffic is seen on the bridge, bond or team of that name.
    PortOf(String),
    /// It is switched off; it is served once it is up.
    Down,
    /// It has no IPv4 address; it is served once it has one.
    NoAddress,
    /// It is a radio, which no firmware boots over, and it is not named in `server.interfaces`.
    Wireless,
    /// It belongs to containers or virtual machines on this box and is not named in `server.interfaces`.
    Internal,
    /// `server.interfaces` names others.
    NotNamed,
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback => f.write_str("it is the loopback device"),
            Self::NotEthernet => f.write_str("it has no Ethernet address"),
            Self::PortOf(master) => write!(f, "it is a port of `{master}`, name that one"),
            Self::Down => f.write_str("it is down"),
            Self::NoAddress => f.write_str("it has no IPv4 address"),
            Self::Wireless => f.write_str("it is wireless and not named in `server.interfaces`"),
            Self::Internal => {
                f.write_str("it belongs to containers or virtual machines here and is not named in `server.interfaces`")
            }
            Self::NotNamed => f.write_str("it is not named in `server.interfaces`"),
        }
    }
}

/// What becomes of each link. `wanted` are names or patterns (`*` any text, `?` any character) from the config.
///
/// Without any, all wired links are served: cards, bonds, VLANs and bridges that are up and have an IPv4 address, but not
/// what container engines make. Where a box has virtual devices and nothing else, as a container has, those count as wired.
#[must_use]
pub fn default_selection<'a>(links: &'a [Link], wanted: &[String]) -> Vec<(&'a Link, Choice)> {
    selection(links, wanted, Families::Ipv4)
}

/// The same where a link may be served for the sake of an IPv6 address alone.
#[must_use]
pub fn selection<'a>(links: &'a [Link], wanted: &[String], families: Families) -> Vec<(&'a Link, Choice)> {
    let only_virtual = links
        .iter()
        .all(|link| matches!(link.kind, Kind::Virtual | Kind::Loopback));
    let consider = |link: &'a Link| {
        let refusal = if wanted.is_empty() {
            unless_wired(link, only_virtual)
        } else {
            unless_named(link, wanted)
        };
        let choice = refusal
            .or_else(|| unless_usable(link, families))
            .map_or(Choice::Served, Choice::Skipped);
        (link, choice)
    };
    links.iter().map(consider).collect()
}

/// The entries of `wanted` that no link answers to: a card that is not there yet, or a slip of the pen.
#[must_use]
pub fn unmatched<'a>(links: &[Link], wanted: &'a [String]) -> Vec<&'a str> {
    let absent = wanted
        .iter()
        .filter(|pattern| !links.iter().any(|link| matches(pattern, &link.name)));
    absent.map(String::as_str).collect()
}

fn unless_wired(link: &Link, only_virtual: bool) -> Option<WhyNot> {
    match &link.kind {
        Kind::Loopback => Some(WhyNot::Loopback),
        Kind::Wireless => Some(WhyNot::Wireless),
        Kind::Virtual if !only_virtual => Some(WhyNot::Internal),
        Kind::Bridge if is_internal_bridge(&link.name) => Some(WhyNot::Internal),
        Kind::Wired | Kind::Virtual | Kind::Bridge | Kind::Bond | Kind::Vlan | Kind::PortOf(_) => None,
    }
}

fn unless_named(link: &Link, wanted: &[String]) -> Option<WhyNot> {
    let named = wanted.iter().any(|pattern| matches(pattern, &link.name));
    (!named).then_some(WhyNot::NotNamed)
}

fn unless_usable(link: &Link, families: Families) -> Option<WhyNot> {
    if let Kind::PortOf(master) = &link.kind {
        return Some(WhyNot::PortOf(master.clone()));
    }
    // Loopback by its name is for trying things out.
    if !link.is_ethernet() && link.kind != Kind::Loopback {
        return Some(WhyNot::NotEthernet);
    }
    if !link.up {
        return Some(WhyNot::Down);
    }
    let has_address = link.ipv4().is_some() || (families == Families::Both && link.ipv6_addresses().next().is_some());
    (!has_address).then_some(WhyNot::NoAddress)
}

/// The bridges that Docker, Podman, CNI, LXC and libvirt make are called so by default.
fn is_internal_bridge(name: &str) -> bool {
    let docker_network = name.strip_prefix("br-").is_some_and(|id| {
        id.len() == 12
            && id
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
    });
    let prefixes = ["docker", "podman", "cni", "lxcbr", "lxdbr", "virbr"];
    docker_network || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Matches a name with a pattern of literal text, `*` and `?`. Names are short: backtracking to the last star suffices.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(byte) if *byte == name[n] => (p, n) = (p + 1, n + 1),
            Some(_) | None => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use bootwright_core::MacAddr;

    use super::*;
    use crate::link::Address;

    fn link(name: &str, kind: Kind) -> Link {
        Link {
            index: 1,
            name: name.to_owned(),
            mac: (kind != Kind::Loopback).then(|| MacAddr::new([2, 0, 0, 0, 0, 1])),
            addresses: vec![Address {
                ip: "10.0.0.1".parse().expect("an address"),
                prefix: 24,
            }],
            mtu: 1500,
            up: true,
            carrier: true,
            kind,
        }
    }

    fn told(links: &[Link], wanted: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = wanted.iter().map(|&text| text.to_owned()).collect();
        let said = |(link, choice): (&Link, Choice)| match choice {
            Choice::Served => format!("{}: served", link.name),
            Choice::Skipped(why) => format!("{}: {why:?}", link.name),
        };
        default_selection(links, &wanted).into_iter().map(said).collect()
    }

    #[test]
    fn without_a_config_all_wired_links_are_served() {
        let mut down = link("eth1", Kind::Wired);
        down.up = false;
        let mut bare = link("eth2", Kind::Wired);
        bare.addresses.clear();
        let mut tunnel = link("wg0", Kind::Virtual);
        tunnel.mac = None;
        let links = [
            link("lo", Kind::Loopback),
            link("eth0", Kind::Wired),
            down,
            bare,
            link("eth3", Kind::PortOf("br0".to_owned())),
            link("br0", Kind::Bridge),
            link("br-lab", Kind::Bridge),
            link("bond0", Kind::Bond),
            link("eth0.5", Kind::Vlan),
            link("wlan0", Kind::Wireless),
            link("docker0", Kind::Bridge),
            link("br-0123456789ab", Kind::Bridge),
            link("veth12ab", Kind::Virtual),
            tunnel,
        ];
        let expected = [
            "lo: Loopback",
            "eth0: served",
            "eth1: Down",
            "eth2: NoAddress",
            "eth3: PortOf(\"br0\")",
            "br0: served",
            "br-lab: served",
            "bond0: served",
            "eth0.5: served",
            "wlan0: Wireless",
            "docker0: Internal",
            "br-0123456789ab: Internal",
            "veth12ab: Internal",
            "wg0: Internal",
        ];
        assert_eq!(told(&links, &[]), expected);
    }

    #[test]
    fn names_and_patterns_of_the_config_decide_alone() {
        let links = [
            link("eth0", Kind::Wired),
            link("lab-a", Kind::Virtual),
            link("docker0", Kind::Bridge),
            link("wlan0", Kind::Wireless),
            link("eth1", Kind::PortOf("br0".to_owned())),
        ];
        let expected = [
            "eth0: NotNamed",
            "lab-a: served",
            "docker0: served",
            "wlan0: served",
            "eth1: PortOf(\"br0\")",
        ];
        assert_eq!(told(&links, &["lab*", "docker?", "w*0", "eth1"]), expected);
        let wanted = ["lab*".to_owned(), "enp*".to_owned()];
        assert_eq!(unmatched(&links, &wanted), ["enp*"]);
    }

    #[test]
    fn of_bonds_vlans_and_bridges_on_each_other_only_the_topmost_of_each_stack_is_served() {
        let bare = |name: &str, kind| Link {
            addresses: Vec::new(),
            ..link(name, kind)
        };
        // Two cards in a bond that carries VLANs: one with an address of its own, one below a bridge of machines; a team
        // beside it, and a VLAN on a bridge, on which the untagged part is a segment of its own.
        let links = [
            bare("eth0", Kind::PortOf("bond0".to_owned())),
            bare("eth1", Kind::PortOf("bond0".to_owned())),
            bare("bond0", Kind::Bond),
            link("bond0.10", Kind::Vlan),
            bare("bond0.20", Kind::PortOf("br20".to_owned())),
            link("br20", Kind::Bridge),
            bare("tap7", Kind::PortOf("br20".to_owned())),
            link("br20.30", Kind::Vlan),
            link("eth2", Kind::PortOf("team0".to_owned())),
        ];
        let served = |wanted: &[&str]| {
            let told = told(&links, wanted);
            let served = told.iter().filter_map(|line| line.strip_suffix(": served"));
            served.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(served(&[]), ["bond0.10", "br20", "br20.30"]);
        assert_eq!(
            served(&["*"]),
            ["bond0.10", "br20", "br20.30"],
            "naming all names no port"
        );
        assert_eq!(served(&["eth*", "bond0"]), Vec::<String>::new());
        assert_eq!(served(&["br20"]), ["br20"], "the VLAN on it is another link");
    }

    #[test]
    fn in_a_container_the_virtual_link_is_the_wire() {
        let links = [link("lo", Kind::Loopback), link("eth0", Kind::Virtual)];
        assert_eq!(told(&links, &[]), ["lo: Loopback", "eth0: served"]);
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth", true),
            ("*s0", "enp3s0", true),
            ("en*s?", "enp3s0", true),
            ("en*s?", "enp3s", false),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "abxbc", true),
            ("a*b*c", "abxb", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
