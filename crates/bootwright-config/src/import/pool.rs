//! Subnets that another DHCP server lends addresses in, as `[[dhcp.pools]]`.

use std::net::Ipv4Addr;
use std::ops::Range;

use bootwright_core::lease::Network;

use super::Text;
use super::draft::{self, Draft, Table};
use super::left::Left;

/// What a pool's `lease` allows, in seconds.
const LEASE_SECONDS: Range<u64> = 300..90 * 24 * 3600 + 1;

/// How many servers of a kind a pool names.
const SERVERS_MAX: usize = 8;

/// One subnet.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) network: Network,
    pub(super) ranges: Vec<(Ipv4Addr, Ipv4Addr)>,
    pub(super) told: Told,
    /// In seconds; nothing for the default, or for ever.
    pub(super) lease: Option<u64>,
    /// Strangers get no address.
    pub(super) known_only: bool,
    pub(super) text: Text,
    pub(super) span: Range<usize>,
    pub(super) origin: String,
}

/// What machines on a subnet are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) routers: Vec<Ipv4Addr>,
    pub(super) dns: Vec<Ipv4Addr>,
    pub(super) ntp: Vec<Ipv4Addr>,
    pub(super) domain: Option<String>,
    pub(super) search: Vec<String>,
    pub(super) mtu: Option<u32>,
}

impl Told {
    /// What is said here, and where nothing is, what is said for all.
    pub(super) fn or(&self, all: &Self) -> Self {
        let first =
            |own: &Vec<Ipv4Addr>, common: &Vec<Ipv4Addr>| if own.is_empty() { common.clone() } else { own.clone() };
        Self {
            routers: first(&self.routers, &all.routers),
            dns: first(&self.dns, &all.dns),
            ntp: first(&self.ntp, &all.ntp),
            domain: self.domain.clone().or_else(|| all.domain.clone()),
            search: if self.search.is_empty() {
                all.search.clone()
            } else {
                self.search.clone()
            },
            mtu: self.mtu.or(all.mtu),
        }
    }
}

/// The network with this address and mask; nothing for a mask that has holes.
pub(super) fn network(address: Ipv4Addr, mask: Ipv4Addr) -> Option<Network> {
    let bits = u32::from(mask);
    let prefix = bits.leading_ones();
    if bits.count_ones() != prefix {
        return None;
    }
    format!("{}/{prefix}", Ipv4Addr::from(u32::from(address) & bits))
        .parse()
        .ok()
}

/// Writes the pools: ranges of one subnet become one pool.
pub(super) fn write(pools: Vec<Pool>, draft: &mut Draft, left: &mut Left) -> Vec<Network> {
    let mut merged: Vec<Pool> = Vec::new();
    for pool in pools {
        match merged.iter_mut().find(|other| other.network.overlaps(pool.network)) {
            Some(other) if other.network == pool.network => {
                other.ranges.extend(pool.ranges);
                other.told = other.told.or(&pool.told);
                other.lease = other.lease.or(pool.lease);
                other.origin = format!("{}, {}", other.origin, pool.origin);
            }
            Some(other) => {
                let message = format!("subnet {} overlaps {}", pool.network, other.network);
                left.tell(&pool.text, pool.span.clone(), message, "give each subnet one pool");
            }
            None => merged.push(pool),
        }
    }
    for pool in &mut merged {
        disjoint(pool, left);
        draft.push(table(pool, left));
    }
    merged.into_iter().map(|pool| pool.network).collect()
}

/// Leaves the ranges that can stand side by side in the subnet.
fn disjoint(pool: &mut Pool, left: &mut Left) {
    let mut kept: Vec<(Ipv4Addr, Ipv4Addr)> = Vec::new();
    for (first, last) in std::mem::take(&mut pool.ranges) {
        let why = if first > last || !pool.network.contains(first) || !pool.network.contains(last) {
            Some("does not lie in its subnet")
        } else if kept.iter().any(|(other, end)| first <= *end && *other <= last) {
            Some("overlaps another range")
        } else {
            None
        };
        match why {
            None => kept.push((first, last)),
            Some(why) => {
                let message = format!("the range {first}-{last} {why}");
                left.tell(&pool.text, pool.span.clone(), message, "it was left out");
            }
        }
    }
    pool.ranges = kept;
}

fn table(pool: &Pool, left: &mut Left) -> Table {
    let mut table = Table::new("[[dhcp.pools]]", &pool.origin);
    table.set("subnet", draft::text(&pool.network.to_string()), "");
    let ranges: Vec<String> = pool
        .ranges
        .iter()
        .map(|(first, last)| format!("{first}-{last}"))
        .collect();
    if !ranges.is_empty() {
        table.set("range", draft::texts(&ranges), "");
    }
    let told = &pool.told;
    let mut routers = told.routers.clone();
    routers.retain(|router| pool.network.contains(*router));
    for (name, servers) in [("router", &routers), ("dns", &told.dns), ("ntp", &told.ntp)] {
        let servers: Vec<String> = servers.iter().take(SERVERS_MAX).map(ToString::to_string).collect();
        if !servers.is_empty() {
            table.set(name, draft::texts(&servers), "");
        }
    }
    if let Some(domain) = &told.domain {
        table.set("domain", draft::text(domain), "");
    }
    if !told.search.is_empty() {
        table.set("search", draft::texts(&told.search), "");
    }
    if let Some(mtu) = told.mtu.filter(|mtu| (576..=9216).contains(mtu)) {
        table.set("mtu", mtu.to_string(), "");
    }
    if let Some(seconds) = pool.lease {
        let fits = seconds.clamp(LEASE_SECONDS.start, LEASE_SECONDS.end - 1);
        if fits != seconds {
            let message = format!("a lease of {seconds} s became one of {fits} s");
            left.tell(
                &pool.text,
                pool.span.clone(),
                message,
                "a pool's `lease` is 5 minutes to 90 days",
            );
        }
        table.set("lease", draft::text(&span(fits)), "");
    }
    if pool.known_only {
        table.set("keep_for_known", "100".to_owned(), "strangers get no address");
    }
    table
}

/// Seconds in the unit that fits.
fn span(seconds: u64) -> String {
    match seconds {
        whole if whole % 3600 == 0 => format!("{}h", whole / 3600),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Whether a name can be a domain of ours.
pub(super) fn is_domain(name: &str) -> bool {
    let part = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&part.len()) && part.chars().all(plain) && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 200 && name.split('.').all(part)
}
