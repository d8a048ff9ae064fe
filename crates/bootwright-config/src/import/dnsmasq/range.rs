//! `dhcp-range` and `dhcp-option`: where addresses are lent, and what is told with them.

use std::net::Ipv4Addr;

use super::super::left::Left;
use super::super::pool::{self, Pool, Told};
use super::{Reading, Setting};

/// The words behind the addresses of a range that say what it is.
const MODES: &[&str] = &["static", "proxy"];

/// Options that say what a pool's own keys say.
const DERIVED: &[&str] = &[
    "1",
    "28",
    "54",
    "58",
    "59",
    "netmask",
    "broadcast",
    "server-identifier",
    "T1",
    "T2",
];

pub(super) fn read(setting: &Setting, reading: &mut Reading) {
    let parts = setting.parts();
    let (tags, words): (Vec<&String>, Vec<&String>) = parts.iter().partition(|part| tag(part).is_some());
    if words.iter().any(|word| word.contains(':') && !word.contains("://"))
        || words.iter().any(|word| word.starts_with("::"))
    {
        let hint = "addresses over IPv6 follow from `[ipv6]` `prefixes`, and need no range";
        setting.left(&mut reading.left, "a range over IPv6 is not carried over", hint);
        return;
    }
    if tags.iter().any(|tag| tag.starts_with("tag:")) {
        let hint =
            "a pool is lent to whoever is on its subnet; keep addresses for machines with `address` in `[hosts]`";
        setting.left(
            &mut reading.left,
            "that the range is for some machines only is not carried over",
            hint,
        );
    }
    let addresses: Vec<Ipv4Addr> = words.iter().map_while(|word| word.parse().ok()).collect();
    let rest: Vec<&str> = words.iter().skip(addresses.len()).map(|word| word.as_str()).collect();
    let Some(first) = addresses.first().copied() else {
        let hint = "write a pool with `subnet` and `range`";
        setting.left(&mut reading.left, "the range has no address that is written out", hint);
        return;
    };
    let mode = rest.iter().find(|word| MODES.contains(word)).copied();
    if mode == Some("proxy") {
        reading.proxy.get_or_insert_with(|| setting.origin());
        return;
    }
    // `first,last[,mask[,broadcast]]`, or `first,static[,mask[,broadcast]]`.
    let last = match mode {
        None => addresses.get(1).copied().unwrap_or(first),
        Some(_) => first,
    };
    let behind_mode = || rest.iter().find_map(|word| word.parse().ok());
    let mask_at = mode.map_or_else(|| addresses.get(2).copied(), |_| behind_mode());
    let mask = mask_at.unwrap_or_else(|| {
        let hint = "dnsmasq takes it from its interface, which is not in the file; see that `subnet` is right";
        setting.left(
            &mut reading.left,
            "the range names no netmask; 255.255.255.0 was taken",
            hint,
        );
        Ipv4Addr::new(255, 255, 255, 0)
    });
    let Some(network) = pool::network(first, mask) else {
        setting.left(
            &mut reading.left,
            format!("{mask} is no netmask"),
            "write a pool by hand",
        );
        return;
    };
    let lease = rest.iter().find_map(|word| seconds(word));
    if rest.contains(&"infinite") {
        setting.left(
            &mut reading.left,
            "leases that never end became leases of 12 hours",
            "set `lease`, up to `\"90d\"`",
        );
    }
    let ranges = if mode == Some("static") {
        Vec::new()
    } else {
        vec![(first, last)]
    };
    reading.pools.push(Pool {
        network,
        ranges,
        told: Told::default(),
        lease,
        known_only: false,
        text: setting.text.clone(),
        span: setting.line.span.clone(),
        origin: setting.origin(),
    });
}

/// A lease's time: `45m`, `12h`, `2d`, `1w`, or seconds.
fn seconds(word: &str) -> Option<u64> {
    let unit = match word.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return word.parse().ok(),
    };
    let digits = word.get(..word.len() - 1)?;
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// The tag of a part that is one.
pub(super) fn tag(part: &str) -> Option<&str> {
    let named = ["set:", "tag:", "net:"]
        .iter()
        .find_map(|prefix| part.strip_prefix(prefix));
    named.map(str::trim)
}

/// `dhcp-option=[tag:…,]<number or name>,<values>`.
pub(super) fn option(setting: &Setting, reading: &mut Reading) {
    let parts = setting.parts();
    let scope = parts.iter().find(|part| {
        tag(part).is_some()
            || ["encap:", "vi-encap:", "vendor:"]
                .iter()
                .any(|prefix| part.starts_with(prefix))
    });
    let mut words = parts.iter().filter(|part| tag(part).is_none()).map(String::as_str);
    let named = words.next().unwrap_or_default();
    let name = named.strip_prefix("option:").unwrap_or(named);
    let values: Vec<&str> = words.collect();
    if let Some(scope) = scope {
        let hint = "a pool tells all of its machines the same; write what hangs on the machine into its profile";
        setting.left(
            &mut reading.left,
            format!("option `{name}` for `{scope}` only is not carried over"),
            hint,
        );
        return;
    }
    if DERIVED.contains(&name) {
        return;
    }
    let mut addresses = Vec::new();
    for value in &values {
        match value.parse::<Ipv4Addr>() {
            Ok(address) if address.is_unspecified() => {
                let hint = "`0.0.0.0` stands for the machine that dnsmasq runs on: write its address into the pool";
                setting.left(&mut reading.left, format!("option `{name}` names no address"), hint);
            }
            Ok(address) => addresses.push(address),
            Err(_) => {}
        }
    }
    let told = &mut reading.told;
    let text = values.first().map(|value| (*value).to_owned());
    match name {
        "3" | "router" => told.routers = addresses,
        "6" | "dns-server" => told.dns = addresses,
        "42" | "ntp-server" => told.ntp = addresses,
        "15" | "domain-name" => told.domain = text.filter(|name| pool::is_domain(name)),
        "119" | "domain-search" => {
            told.search = values
                .iter()
                .filter(|name| pool::is_domain(name))
                .map(|name| (*name).to_owned())
                .collect();
        }
        "26" | "mtu" => told.mtu = text.and_then(|mtu| mtu.parse().ok()),
        "66" | "67" | "150" | "tftp-server" | "bootfile-name" | "tftp-server-address" => {
            let hint = "boot files follow from the architecture; `[dhcp.arch]` names others";
            setting.left(&mut reading.left, format!("option `{name}` is not carried over"), hint);
        }
        _ => {
            let hint = "Bootwright tells machines routers, DNS and NTP servers, domains and the MTU";
            setting.left(&mut reading.left, format!("option `{name}` is not carried over"), hint);
        }
    }
}

/// Without these options dnsmasq names itself, and a pool nobody.
pub(super) fn unsaid(pools: &[Pool], left: &mut Left) {
    for pool in pools {
        let mut absent = Vec::new();
        if !pool.told.routers.iter().any(|router| pool.network.contains(*router)) {
            absent.push("router");
        }
        if pool.told.dns.is_empty() {
            absent.push("dns");
        }
        if !absent.is_empty() {
            let words = format!("no `{}` is said for {}", absent.join("` and no `"), pool.network);
            let hint = "dnsmasq names itself where its options name nobody; Bootwright names nobody: write the addresses into the pool";
            left.tell(&pool.text, pool.span.clone(), words, hint);
        }
    }
}
