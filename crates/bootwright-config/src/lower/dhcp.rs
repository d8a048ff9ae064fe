//! `[dhcp]`: whether requests are answered, and with which first boot file.

use std::net::Ipv4Addr;

use bootwright_core::{Arch, DhcpMode, Policy, Span};

use super::pool::{self, Reserved};
use crate::finding::Findings;
use crate::node::{At, Entry, Table, Value};
use crate::section::{Section, choice, items, quoted, span, text};

/// The longest name of a boot file: the field of a DHCP packet holds 128 bytes with the closing zero (RFC 2131 section 2).
const FILE_BYTES_MAX: usize = 127;

/// The most boot programs for one architecture: more would only be tried for ever.
const FILES_MAX: usize = 8;

pub(super) fn lower_policy(root: &Table, policy: &mut Policy, reserved: &[Reserved], findings: &mut Findings) {
    let Some(mut section) = Section::of(root, "dhcp", findings) else {
        pool::lower(None, policy, reserved, findings);
        return;
    };
    if let Some((text, at)) = section.text("mode", "proxy", findings) {
        let choices = [
            ("proxy", DhcpMode::Proxy),
            ("server", DhcpMode::Server),
            ("observe", DhcpMode::Observe),
            ("off", DhcpMode::Off),
        ];
        if let Some(chosen) = choice("dhcp.mode", text, at, &choices, findings) {
            policy.dhcp = chosen;
        }
        if policy.dhcp == DhcpMode::Server && section.take("pools").is_none() {
            findings
                .error(at, "`dhcp.mode = \"server\"` has no addresses to lease")
                .hint = Some("add a `[[dhcp.pools]]` with `subnet` and `range`".to_owned());
        }
    }
    policy.force = section.bool("force", findings).unwrap_or(false);
    if let Some(merged) = section.bool("merged_offer", findings) {
        policy.merged_offer = merged;
    }
    if let Some(entry) = section.take("arch") {
        let table = Section::new(section.key("arch"), entry, findings);
        for (name, entry) in table.entries() {
            boot_files(name, entry, policy, findings);
        }
    }
    for (text, at) in section.texts("relays", "10.1.0.1", findings) {
        match text.parse::<Ipv4Addr>() {
            Ok(relay) if nobodys(relay) => {
                findings.error(at, format!("`{relay}` is the address of no relay")).hint =
                    Some("write the address that the relay puts into its requests, such as `10.1.0.1`".to_owned());
            }
            Ok(relay) => {
                policy.relays.insert(relay);
            }
            Err(_) => {
                findings
                    .error(at, format!("`{}` is no IPv4 address", text.escape_debug()))
                    .hint =
                    Some("write the address that the relay puts into its requests, such as `10.1.0.1`".to_owned());
            }
        }
    }
    if let Some(entry) = section.take("census") {
        policy.census = census(entry, findings);
    }
    pool::lower(section.take("pools"), policy, reserved, findings);
    // Where the mode is said, the pools are left out on purpose.
    if let Some(entry) = section.take("pools").filter(|_| section.take("mode").is_none()) {
        findings
            .warn(
                &entry.key,
                "no addresses are lent from `dhcp.pools` without `dhcp.mode`",
            )
            .hint = Some("add `mode = \"server\"` to `[dhcp]`".to_owned());
    }
    // The other key of this section is a setting of the daemon.
    section.take("sockets");
    section.finish(findings);
}

/// The shortest time between two searches for other DHCP servers: half of it is spent listening.
const CENSUS_MIN: Span = Span::from_secs(10);

/// How often other DHCP servers are searched for; `"off"` searches for none.
fn census(entry: &Entry, findings: &mut Findings) -> Option<Span> {
    if matches!(&entry.node.value, Value::Text(word) if word == "off") {
        return None;
    }
    let interval = span("dhcp.census", &entry.node, "5m", findings);
    if interval.is_some_and(|interval| interval < CENSUS_MIN) {
        findings
            .error(&entry.node.at, format!("`dhcp.census` is shorter than {CENSUS_MIN}"))
            .hint =
            Some("every few minutes will do, and what happens in between is overheard; `\"5m\"` is usual".to_owned());
    }
    interval
}

/// An address that no other box has.
fn nobodys(address: Ipv4Addr) -> bool {
    address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_broadcast()
}

fn boot_files(name: &str, entry: &Entry, policy: &mut Policy, findings: &mut Findings) {
    let key = format!("dhcp.arch.{}", quoted(name));
    let Some(arch) = arch(name) else {
        let names: Vec<&str> = Arch::all().filter_map(Arch::name).collect();
        let hint = match bootwright_content::nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name such as `bios`, `efi64` or `arm64`, or the number of DHCP option 93".to_owned(),
        };
        findings
            .error(&entry.key, format!("`{}` is no architecture", name.escape_debug()))
            .hint = Some(hint);
        return;
    };
    let nodes = items(&entry.node);
    if nodes.is_empty() || nodes.len() > FILES_MAX {
        let message = format!("`{key}` must name one to {FILES_MAX} files");
        findings.error(&entry.node.at, message).hint = Some("write `\"off\"` to serve none".to_owned());
        return;
    }
    let mut files = Vec::new();
    for node in nodes {
        match text(&key, node, "snponly.efi", findings) {
            Some("off") if nodes.len() == 1 => {
                policy.first_files.remove(&arch);
                policy.other_files.remove(&arch);
                return;
            }
            Some(file) if files.iter().any(|known| known == file) => {
                findings.error(&node.at, format!("`{key}` names `{}` twice", file.escape_debug()));
            }
            Some(file) => files.extend(boot_file(&key, file, &node.at, findings)),
            None => {}
        }
    }
    if files.len() == nodes.len() {
        let mut files = files.into_iter();
        policy.first_files.extend(files.next().map(|file| (arch, file)));
        policy.other_files.remove(&arch);
        let others: Vec<String> = files.collect();
        if !others.is_empty() {
            policy.other_files.insert(arch, others);
        }
    }
}

/// A name from our table, or the number in decimal or hexadecimal.
fn arch(name: &str) -> Option<Arch> {
    let number = || match name.strip_prefix("0x") {
        Some(digits) if digits.chars().all(|c| c.is_ascii_hexdigit()) => u16::from_str_radix(digits, 16).ok(),
        None if name.chars().all(|c| c.is_ascii_digit()) => name.parse().ok(),
        _ => None,
    };
    Arch::from_name(name).or_else(|| number().map(Arch::new))
}

/// The name of a first boot file as it stands in a DHCP reply.
pub(super) fn boot_file(key: &str, file: &str, at: &At, findings: &mut Findings) -> Option<String> {
    let refusal = if file.is_empty() {
        "is empty"
    } else if file.len() > FILE_BYTES_MAX {
        "is longer than the 127 bytes that a DHCP reply has for it"
    } else if !file.chars().all(|c| c.is_ascii_graphic()) {
        "holds a space or a character that firmware may not understand"
    } else if file.contains("://") || file.split('/').any(|part| part == "..") {
        "is no name in the catalogue of boot files"
    } else {
        return Some(file.to_owned());
    };
    findings.error(at, format!("`{key}` {refusal}")).hint = Some("for example `\"snponly.efi\"`".to_owned());
    None
}
