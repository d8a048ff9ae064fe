//! `[[dhcp.pools]]`: the subnets on which addresses are lent.

mod range;

use std::net::Ipv4Addr;
use std::sync::Arc;

use bootwright_core::lease::{ADDRESSES_MAX, Network, NotNetwork, Subnet};
use bootwright_core::{HostId, Pattern, Policy, Span};

use crate::finding::Findings;
use crate::node::{At, Entry, Node, Value};
use crate::section::{Section, items};

/// More subnets than any box serves.
const POOLS_MAX: usize = 256;

/// A DHCP option carries 63 addresses, and no client asks as many servers.
const SERVERS_MAX: usize = 8;

/// The shortest lease of an operating system: it renews at half of it.
const LEASE_MIN: Span = Span::from_mins(5);

/// The longest lease.
const LEASE_MAX: Span = Span::from_hours(24 * 90);

/// The shortest lease of a boot: some installers never renew the firmware's.
const BOOT_LEASE_MIN: Span = Span::from_mins(2);

/// The longest lease of a boot. Machines that only pass through would use the pool up.
const BOOT_LEASE_MAX: Span = Span::from_hours(24);

/// The bytes of all search domains together, as DNS writes them: what one option carries (RFC 3397).
const SEARCH_BYTES_MAX: usize = 255;

/// An address that the configuration keeps for a host, and where it says so.
pub(super) struct Reserved {
    pub(super) host: HostId,
    pub(super) address: Ipv4Addr,
    pub(super) at: At,
}

/// Reads the pools, if there are any.
pub(super) fn lower(entry: Option<&Entry>, policy: &mut Policy, reserved: &[Reserved], findings: &mut Findings) {
    let mut pools: Vec<(Arc<Subnet>, At)> = Vec::new();
    if let Some(entry) = entry {
        if matches!(entry.node.value, Value::List(_)) {
            for (index, node) in items(&entry.node).iter().enumerate().take(POOLS_MAX) {
                pool(index, node, policy, &mut pools, findings);
            }
            if items(&entry.node).len() > POOLS_MAX {
                findings.error(&entry.key, format!("there are more than {POOLS_MAX} pools"));
            }
        } else {
            let message = format!("`dhcp.pools` must be a list of tables, not {}", entry.node.value.kind());
            findings.error(&entry.key, message).hint =
                Some("write `[[dhcp.pools]]` with two brackets, once for each subnet".to_owned());
            return;
        }
    }
    check_reserved(&pools, reserved, findings);
    policy.subnets = pools.into_iter().map(|(subnet, _)| subnet).collect();
}

fn pool(index: usize, node: &Node, policy: &mut Policy, pools: &mut Vec<(Arc<Subnet>, At)>, findings: &mut Findings) {
    let mut section = Section::from_node(format!("dhcp.pools[{index}]"), node, findings);
    let network = network(&mut section, node, findings);
    let Some((network, at)) = network else {
        // Without its subnet nothing else can be judged, but for its keys.
        for key in KEYS {
            section.take(key);
        }
        section.finish(findings);
        return;
    };
    let ranges = range::lower(&mut section, network, findings);
    let routers = addresses(&mut section, "router", findings);
    for (router, at) in routers.iter().filter(|(router, _)| !network.has_room_for(*router)) {
        findings.warn(
            at,
            format!("router {router} is not in {network}: machines there cannot reach it"),
        );
    }
    let lease = lease_span(
        &mut section,
        "lease",
        Span::from_hours(12),
        (LEASE_MIN, LEASE_MAX),
        findings,
    );
    let boot = lease_span(
        &mut section,
        "boot_lease",
        Span::from_mins(10).min(lease),
        (BOOT_LEASE_MIN, BOOT_LEASE_MAX),
        findings,
    );
    if let Some(entry) = section.take("boot_lease")
        && boot > lease
    {
        let message = format!(
            "`{}` is longer than the lease of the installed system, {lease}",
            section.key("boot_lease")
        );
        findings.error(&entry.node.at, message).hint =
            Some("firmware needs its address for some minutes only".to_owned());
    }
    let relays = bare(addresses(&mut section, "relay", findings));
    policy.relays.extend(&relays);
    let subnet = Subnet {
        network,
        ranges,
        routers: bare(routers),
        dns: bare(addresses(&mut section, "dns", findings)),
        domain: domains(&mut section, "domain", findings).pop(),
        search: search(&mut section, findings),
        ntp: bare(addresses(&mut section, "ntp", findings)),
        mtu: section
            .number("mtu", 576, 9216, findings)
            .and_then(|mtu| u16::try_from(mtu).ok())
            .filter(|mtu| *mtu != 1500),
        lease,
        boot_lease: boot,
        links: links(&mut section, findings),
        relays,
        probe: section.bool("probe", findings).unwrap_or(true),
        known_share: section
            .number("keep_for_known", 0, 100, findings)
            .and_then(|share| u8::try_from(share).ok())
            .unwrap_or(10),
    };
    section.finish(findings);
    if let Some((other, place)) = pools.iter().find(|(other, _)| other.network.overlaps(network)) {
        let message = format!("subnet {network} overlaps {}", other.network);
        findings.error(&at, message).hint =
            Some("give each subnet one pool, with a list of ranges if need be".to_owned());
        findings.point_to(place, "the other pool");
        return;
    }
    let lent = |subnet: &Subnet| subnet.ranges.iter().map(|range| range.count()).sum::<u64>();
    let before: u64 = pools.iter().map(|(subnet, _)| lent(subnet)).sum();
    if before.saturating_add(lent(&subnet)) > u64::try_from(ADDRESSES_MAX).unwrap_or(u64::MAX) {
        findings
            .error(
                &at,
                format!("all pools together have more than {ADDRESSES_MAX} addresses"),
            )
            .hint = Some("lend smaller ranges".to_owned());
        return;
    }
    pools.push((Arc::new(subnet), at));
}

/// The keys of a pool.
const KEYS: [&str; 13] = [
    "range",
    "router",
    "dns",
    "domain",
    "search",
    "ntp",
    "mtu",
    "lease",
    "boot_lease",
    "interface",
    "relay",
    "probe",
    "keep_for_known",
];

fn network(section: &mut Section<'_>, node: &Node, findings: &mut Findings) -> Option<(Network, At)> {
    let given = section.text("subnet", "192.168.77.0/24", findings);
    let Some((text, at)) = given else {
        if section.take("subnet").is_none() && matches!(node.value, Value::Table(_)) {
            findings
                .error(&node.at, format!("`{}` has no subnet", section.name))
                .hint = Some(
                "add `subnet = \"192.168.77.0/24\"`, the network of the interface on which it is served".to_owned(),
            );
        }
        return None;
    };
    let key = section.key("subnet");
    let text_shown = text.escape_debug();
    let (message, hint) = match text.parse::<Network>() {
        Ok(network) => return Some((network, at.clone())),
        Err(NotNetwork::Form) => (
            format!("`{key}`: `{text_shown}` is no network"),
            "write its address and its prefix, such as `\"192.168.77.0/24\"`".to_owned(),
        ),
        Err(NotNetwork::Prefix) => (
            format!("`{key}`: `{text_shown}` is no network that machines share"),
            "a prefix from 8 to 30 leaves room for them".to_owned(),
        ),
        Err(NotNetwork::HostBits(network)) => (
            format!("`{key}`: `{text_shown}` is an address within a network"),
            format!("write `\"{network}\"`"),
        ),
    };
    findings.error(at, message).hint = Some(hint);
    None
}

/// Addresses of routers, servers or relays, with their places.
fn addresses(section: &mut Section<'_>, key: &'static str, findings: &mut Findings) -> Vec<(Ipv4Addr, At)> {
    let name = section.key(key);
    let mut found: Vec<(Ipv4Addr, At)> = Vec::new();
    for (text, at) in section.texts(key, "192.168.77.1", findings) {
        let address = text.parse::<Ipv4Addr>().ok();
        let usable =
            |address: &Ipv4Addr| !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast();
        let Some(address) = address.filter(usable) else {
            let message = format!("`{name}`: `{}` is no IPv4 address of a machine", text.escape_debug());
            findings.error(at, message).hint = Some("write an address such as `\"192.168.77.1\"`".to_owned());
            continue;
        };
        if found.len() == SERVERS_MAX {
            findings.error(at, format!("`{name}` has more than {SERVERS_MAX} addresses"));
            break;
        }
        if found.iter().any(|(known, _)| *known == address) {
            findings.warn(at, format!("`{name}`: {address} is given twice"));
            continue;
        }
        found.push((address, at.clone()));
    }
    found
}

fn bare(addresses: Vec<(Ipv4Addr, At)>) -> Vec<Ipv4Addr> {
    addresses.into_iter().map(|(address, _)| address).collect()
}

fn lease_span(
    section: &mut Section<'_>,
    key: &'static str,
    default: Span,
    (least, most): (Span, Span),
    findings: &mut Findings,
) -> Span {
    let Some(span) = section.span(key, "12h", findings) else {
        return default;
    };
    if (least..=most).contains(&span) {
        return span;
    }
    let message = format!("`{}` must be between {least} and {most}", section.key(key));
    if let Some(entry) = section.take(key) {
        findings.error(&entry.node.at, message).hint = Some(format!("{default} is usual"));
    }
    default
}

/// Domain names in the letters that DNS has for hosts.
fn domains(section: &mut Section<'_>, key: &'static str, findings: &mut Findings) -> Vec<String> {
    let name = section.key(key);
    let mut found = Vec::new();
    for (text, at) in section.texts(key, "example.net", findings) {
        let bare = text.strip_suffix('.').unwrap_or(text);
        let label = |label: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            (1..=63).contains(&label.len())
                && label.chars().all(fits)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if bare.len() <= 253 && bare.split('.').all(label) {
            found.push(bare.to_owned());
        } else {
            findings
                .error(at, format!("`{name}`: `{}` is no domain name", text.escape_debug()))
                .hint = Some("write a name such as `\"example.net\"`".to_owned());
        }
    }
    if key == "domain" && found.len() > 1 {
        if let Some(entry) = section.take(key) {
            findings.error(&entry.node.at, format!("`{name}` is one name")).hint =
                Some("put further ones into `search`".to_owned());
        }
        found.truncate(1);
    }
    found
}

fn search(section: &mut Section<'_>, findings: &mut Findings) -> Vec<String> {
    let domains = domains(section, "search", findings);
    // Each label has a byte for its length, and each name one for its end.
    let bytes: usize = domains.iter().map(|name| name.len().saturating_add(2)).sum();
    if let Some(entry) = section.take("search").filter(|_| bytes > SEARCH_BYTES_MAX) {
        let message = format!(
            "`{}` is too long for DHCP: {bytes} bytes, and it carries {SEARCH_BYTES_MAX}",
            section.key("search")
        );
        findings.error(&entry.node.at, message).hint = Some("name fewer domains".to_owned());
        return Vec::new();
    }
    domains
}

fn links(section: &mut Section<'_>, findings: &mut Findings) -> Vec<Pattern> {
    let mut links = Vec::new();
    for (name, at) in section.texts("interface", "eth1", findings) {
        if name.is_empty() || name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
            findings
                .error(at, format!("`{}` is no interface name", name.escape_debug()))
                .hint = Some("write a name such as `eth1`, or a pattern such as `en*`".to_owned());
        } else {
            links.push(Pattern::new(name));
        }
    }
    links
}

/// An address can be kept for a host only where a pool covers it.
fn check_reserved(pools: &[(Arc<Subnet>, At)], reserved: &[Reserved], findings: &mut Findings) {
    for (index, one) in reserved.iter().enumerate() {
        let Reserved { host, address, at } = one;
        let pool = pools.iter().find(|(subnet, _)| subnet.network.contains(*address));
        let earlier = reserved.iter().take(index);
        let same_subnet = |other: &&Reserved| {
            other.host == *host && pool.is_some_and(|(subnet, _)| subnet.network.contains(other.address))
        };
        if let Some(other) = earlier.clone().find(|other| other.address == *address) {
            let message = format!("address {address} belongs to host `{}` already", other.host);
            findings.error(at, message).hint = Some("give each machine its own".to_owned());
            findings.point_to(&other.at, "it is given here first");
        } else if let Some(other) = earlier.clone().find(same_subnet) {
            findings
                .error(at, format!("host `{host}` has two addresses in one subnet"))
                .hint = Some("name one; another card of it gets one from the range".to_owned());
            findings.point_to(&other.at, "the other one");
        } else if let Some((subnet, place)) = pool {
            if !subnet.network.has_room_for(*address) {
                findings
                    .error(at, format!("no machine can have {address} in {}", subnet.network))
                    .hint = Some("that is the address of the network itself, or of all machines in it".to_owned());
            } else if subnet.routers.contains(address) {
                findings.warn(
                    at,
                    format!("host `{host}` has the address of the router of {}", subnet.network),
                );
                findings.point_to(place, "its pool");
            }
        } else {
            findings
                .error(
                    at,
                    format!("address {address} of host `{host}` lies in no pool's subnet"),
                )
                .hint = Some("add a `[[dhcp.pools]]` for its subnet, which needs no range".to_owned());
        }
    }
}
