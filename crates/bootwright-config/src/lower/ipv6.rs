//! `[ipv6]`: whether machines are answered over IPv6, and where they get addresses.

use std::net::{IpAddr, Ipv6Addr};

use bootwright_core::ipv6::{Mode, Prefix};
use bootwright_core::{Policy, Span};

use crate::daemon::Daemon;
use crate::finding::Findings;
use crate::node::Table;
use crate::section::{Section, choice, items, parse};

/// The most networks: as many as links that a box may serve.
const PREFIXES_MAX: usize = 64;

/// What fits an answer beside all the rest.
const DNS_MAX: usize = 8;

/// The shortest time that an address is lent for: machines ask again after half of it.
const LEASE_MIN: Span = Span::from_mins(2);

/// The longest: a change of the network is noticed when machines ask again.
const LEASE_MAX: Span = Span::from_hours(24 * 30);

pub(super) fn lower(root: &Table, policy: &mut Policy, daemon: &Daemon, findings: &mut Findings) {
    let Some(mut section) = Section::of(root, "ipv6", findings) else {
        return;
    };
    let choices = [("off", Mode::Off), ("proxy", Mode::Proxy), ("server", Mode::Server)];
    let mode = section.text("mode", "off", findings);
    if let Some((text, at)) = mode
        && let Some(mode) = choice("ipv6.mode", text, at, &choices, findings)
    {
        policy.ipv6.mode = mode;
    }
    for (text, at) in section.texts("prefixes", "fd00:77::/64", findings) {
        let Some(prefix) = parse::<Prefix>("ipv6.prefixes", text, at, findings) else {
            continue;
        };
        if policy.ipv6.prefixes.contains(&prefix) {
            findings.error(at, format!("`ipv6.prefixes` names {prefix} twice"));
        } else if policy.ipv6.prefixes.len() == PREFIXES_MAX {
            findings.error(at, format!("`ipv6.prefixes` has more than {PREFIXES_MAX} networks"));
            break;
        } else {
            policy.ipv6.prefixes.push(prefix);
        }
    }
    if let Some((_, at)) = mode
        && policy.ipv6.mode == Mode::Server
        && section
            .take("prefixes")
            .is_none_or(|entry| items(&entry.node).is_empty())
    {
        findings
            .error(at, "`ipv6.mode = \"server\"` has no addresses to lend")
            .hint = Some("add `prefixes = [\"fd00:77::/64\"]`, the networks of your interfaces".to_owned());
    }
    if let Some(entry) = section
        .take("prefixes")
        .filter(|_| policy.ipv6.mode != Mode::Server && !policy.ipv6.prefixes.is_empty())
    {
        findings
            .warn(
                &entry.key,
                "no addresses are lent from `ipv6.prefixes` in this `ipv6.mode`",
            )
            .hint = Some("write `mode = \"server\"`, or leave the prefixes out".to_owned());
    }
    if let Some(entry) = section.take("lease")
        && let Some(lease) = section.span("lease", "1h", findings)
    {
        if (LEASE_MIN..=LEASE_MAX).contains(&lease) {
            policy.ipv6.lease = lease;
        } else {
            let message = format!("`ipv6.lease` must be between {LEASE_MIN} and {LEASE_MAX}");
            findings.error(&entry.node.at, message);
        }
    }
    for (text, at) in section.texts("dns", "fd00:77::53", findings) {
        match text.parse::<Ipv6Addr>() {
            Ok(server) if server.is_unspecified() || server.is_multicast() || server.is_loopback() => {
                findings.error(at, format!("`{server}` is the address of no name server"));
            }
            Ok(_) if policy.ipv6.dns.len() == DNS_MAX => {
                findings.error(at, format!("`ipv6.dns` has more than {DNS_MAX} servers"));
                break;
            }
            Ok(server) => policy.ipv6.dns.push(server),
            Err(_) => {
                findings
                    .error(at, format!("`{}` is no IPv6 address", text.escape_debug()))
                    .hint = Some("for example `\"fd00:77::53\"`".to_owned());
            }
        }
    }
    for (text, at) in section.texts("relays", "fd00:88::1", findings) {
        let relay = text.parse::<Ipv6Addr>().ok();
        match relay.filter(|relay| !relay.is_unspecified() && !relay.is_multicast() && !relay.is_loopback()) {
            Some(relay) => {
                policy.ipv6.relays.insert(relay);
            }
            None => {
                findings
                    .error(at, format!("`{}` is the address of no IPv6 relay", text.escape_debug()))
                    .hint = Some("write the address that the relay sends from, such as `\"fd00:88::1\"`".to_owned());
            }
        }
    }
    if let Some((_, at)) = mode
        && policy.ipv6.mode != Mode::Off
        && let Some(IpAddr::V4(address)) = daemon.http.address
    {
        findings
            .warn(
                at,
                format!("`server.http` listens on {address} alone, where no machine comes over IPv6"),
            )
            .hint = Some("write a port only, as in `http = \":8080\"`".to_owned());
    }
    section.finish(findings);
}
