//! The ranges of a pool.

use std::net::Ipv4Addr;

use bootwright_core::lease::{AddressRange, Network};

use crate::finding::Findings;
use crate::node::At;
use crate::section::Section;

/// More ranges than a subnet needs.
const RANGES_MAX: usize = 64;

/// The ranges in order; those with mistakes are left out.
pub(super) fn lower(section: &mut Section<'_>, network: Network, findings: &mut Findings) -> Vec<AddressRange> {
    let key = section.key("range");
    let mut ranges: Vec<(AddressRange, At)> = Vec::new();
    for (text, at) in section.texts("range", "192.168.77.100-192.168.77.199", findings) {
        let Some(range) = read(text) else {
            findings
                .error(
                    at,
                    format!("`{key}`: `{}` is no range of addresses", text.escape_debug()),
                )
                .hint = Some(format!(
                "write the first and the last, as in `\"{}\"`",
                example(network)
            ));
            continue;
        };
        if let Some((message, hint)) = refusal(range, network) {
            findings.error(at, format!("`{key}`: {message}")).hint = Some(hint);
            continue;
        }
        if let Some((other, place)) = ranges.iter().find(|(other, _)| overlap(*other, range)) {
            findings.error(at, format!("`{key}`: {range} overlaps {other}"));
            findings.point_to(place, "the other range");
            continue;
        }
        if ranges.len() == RANGES_MAX {
            findings.error(at, format!("`{key}` has more than {RANGES_MAX} ranges"));
            break;
        }
        ranges.push((range, at.clone()));
    }
    let mut ranges: Vec<AddressRange> = ranges.into_iter().map(|(range, _)| range).collect();
    ranges.sort_unstable();
    ranges
}

/// `192.168.77.100-192.168.77.199`, `192.168.77.100-199`, or one address.
fn read(text: &str) -> Option<AddressRange> {
    let Some((first, last)) = text.split_once('-') else {
        let address = text.trim().parse().ok()?;
        return Some(AddressRange {
            first: address,
            last: address,
        });
    };
    let first: Ipv4Addr = first.trim().parse().ok()?;
    let [a, b, c, _] = first.octets();
    let last = last.trim();
    let short = || last.parse().ok().map(|last: u8| Ipv4Addr::new(a, b, c, last));
    let last = last.parse().ok().or_else(short)?;
    Some(AddressRange { first, last })
}

fn refusal(range: AddressRange, network: Network) -> Option<(String, String)> {
    let AddressRange { first, last } = range;
    if first > last {
        return Some((
            format!("{first} comes after {last}"),
            "write the lower address first".to_owned(),
        ));
    }
    if !network.contains(first) || !network.contains(last) {
        let outside = if network.contains(first) { last } else { first };
        return Some((
            format!("{outside} is not in {network}"),
            format!("addresses there go from {} to {}", lowest(network), highest(network)),
        ));
    }
    if first == network.address() {
        return Some((
            format!("{first} is the address of the network itself"),
            format!("begin at {}", lowest(network)),
        ));
    }
    if last == network.broadcast() {
        return Some((
            format!("{last} is the address of all machines of the network"),
            format!("end at {}", highest(network)),
        ));
    }
    None
}

fn overlap(one: AddressRange, other: AddressRange) -> bool {
    one.first <= other.last && other.first <= one.last
}

fn lowest(network: Network) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(network.address()).saturating_add(1))
}

fn highest(network: Network) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(network.broadcast()).saturating_sub(1))
}

/// The upper half of the network.
fn example(network: Network) -> AddressRange {
    let (low, high) = (u32::from(network.address()), u32::from(network.broadcast()));
    AddressRange {
        first: Ipv4Addr::from(low.saturating_add(high.saturating_sub(low) / 2).saturating_add(1)),
        last: highest(network),
    }
}
