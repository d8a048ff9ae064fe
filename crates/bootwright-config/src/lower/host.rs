//! `[hosts.<name>]`: machines that the operator knows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use bootwright_content::{DEPTH_MAX, check_host, made_up};
use bootwright_core::fact::{MACS_PER_HOST_MAX, Quality, clean_text, mac_quality, serial_quality, uuid_quality};
use bootwright_core::rule::gift::{first_part, given};
use bootwright_core::{
    Facts, Gift, Host, HostDefinition, HostId, LocalMethod, MacAddr, Profile, ProfileName, Sighting, Strategy,
    Timestamp, Uuid, attributes,
};

use super::dhcp::boot_file;
use super::pool::Reserved;
use super::{Profiles, named};
use crate::finding::Findings;
use crate::node::{At, Entry, Node, Table, Value};
use crate::section::{Section, choice, items, parse, quoted, text};

/// Who has a fact already, and where that stands.
type Owners = BTreeMap<String, (HostId, At)>;

pub(super) fn lower(
    root: &Table,
    profiles: &Profiles,
    (known, gifts): (&BTreeMap<ProfileName, Arc<Profile>>, &[Gift]),
    reserved: &mut Vec<Reserved>,
    findings: &mut Findings,
) -> BTreeMap<HostId, HostDefinition> {
    let mut owners = Owners::new();
    let mut tried = BTreeSet::new();
    named(root, "hosts", findings, |name: &HostId, section, entry, findings| {
        let mut definition = host(name, section, entry, profiles, &mut owners, findings);
        definition.addresses = addresses(name, entry, reserved, findings);
        if let Some(profile) = definition.profile.as_ref().and_then(|profile| known.get(profile)) {
            try_profile(name, &definition, (profile, gifts), entry, &mut tried, findings);
        }
        Some(definition)
    })
}

fn host(
    name: &HostId,
    mut section: Section<'_>,
    entry: &Entry,
    profiles: &Profiles,
    owners: &mut Owners,
    findings: &mut Findings,
) -> HostDefinition {
    let facts = facts(name, &mut section, owners, findings);
    if facts == Facts::default() && !["mac", "uuid", "serial"].iter().any(|key| section.take(key).is_some()) {
        findings
            .error(
                &entry.key,
                format!("`{}` has nothing by which it is recognised", section.name),
            )
            .hint = Some("add `mac`, `uuid` or `serial`".to_owned());
    }
    let profile_key = section.key("profile");
    let profile = section
        .text("profile", "debian", findings)
        .and_then(|(profile, at)| profiles.find(&profile_key, profile, at, findings));
    let labels = labels(&mut section, findings);
    let metadata = metadata(&mut section, findings);
    let firmware_key = section.key("firmware");
    let first_file = section
        .text("firmware", "snponly.efi", findings)
        .and_then(|(file, at)| boot_file(&firmware_key, file, at, findings));
    let offers = Strategy::LADDER.map(|strategy| (strategy.name(), strategy));
    let offer_key = section.key("offer");
    let offer = section
        .text("offer", "direct", findings)
        .and_then(|(word, at)| choice(&offer_key, word, at, &offers, findings));
    let methods = LocalMethod::ALL.map(|method| (method.name(), method));
    let local_key = section.key("local_boot");
    let local = section
        .text("local_boot", "exit", findings)
        .and_then(|(word, at)| choice(&local_key, word, at, &methods, findings));
    let directory_key = section.key("directory");
    let directory = section
        .text("directory", "pi-lab", findings)
        .and_then(|(path, at)| directory(&directory_key, path, at, findings));
    section.take("address");
    section.finish(findings);
    HostDefinition {
        name: Some(name.clone()),
        facts,
        profile,
        labels,
        metadata,
        first_file,
        directory,
        offer,
        local,
        addresses: Vec::new(),
    }
}

/// The directory of a Raspberry Pi's own files: plain names below that of all of them.
fn directory(key: &str, path: &str, at: &At, findings: &mut Findings) -> Option<String> {
    let plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(|c: char| c == '\\' || c.is_control());
    if path.len() <= 128 && path.split('/').all(plain) {
        return Some(path.to_owned());
    }
    findings
        .error(at, format!("`{key}` is no directory below `tftp.raspberry_pi`"))
        .hint = Some("write its name, such as `pi-lab`, without a slash in front or behind".to_owned());
    None
}

/// The addresses that are kept for it where addresses are lent.
fn addresses(name: &HostId, entry: &Entry, reserved: &mut Vec<Reserved>, findings: &mut Findings) -> Vec<Ipv4Addr> {
    let Value::Table(table) = &entry.node.value else {
        return Vec::new();
    };
    let Some(entry) = table.get("address") else {
        return Vec::new();
    };
    let key = format!("hosts.{name}.address");
    let mut addresses = Vec::new();
    for item in items(&entry.node) {
        let Some(text) = text(&key, item, "192.168.77.20", findings) else {
            continue;
        };
        match text.parse::<Ipv4Addr>() {
            Ok(address) => {
                addresses.push(address);
                reserved.push(Reserved {
                    host: name.clone(),
                    address,
                    at: item.at.clone(),
                });
            }
            Err(_) => {
                findings
                    .error(
                        &item.at,
                        format!("`{key}`: `{}` is no IPv4 address", text.escape_debug()),
                    )
                    .hint = Some("write an address such as `\"192.168.77.20\"`".to_owned());
            }
        }
    }
    addresses
}

fn facts(name: &HostId, section: &mut Section<'_>, owners: &mut Owners, findings: &mut Findings) -> Facts {
    let mut facts = Facts::default();
    let key = section.key("mac");
    for (text, at) in section.texts("mac", "52:54:00:ab:cd:ef", findings) {
        let Some(mac) = parse::<MacAddr>(&key, text, at, findings) else {
            continue;
        };
        if facts.macs.len() == MACS_PER_HOST_MAX {
            findings.error(at, format!("`{key}` has more than {MACS_PER_HOST_MAX} addresses"));
            break;
        }
        if mac_quality(mac) == Quality::Junk {
            let what = if mac.is_zero() || mac.is_multicast() {
                "belongs to no card"
            } else {
                "was made up by an administrator"
            };
            findings
                .warn(
                    at,
                    format!("`{mac}` {what}: by itself it does not tell this machine from others"),
                )
                .hint = Some("add `uuid` or `serial`".to_owned());
        }
        own(&format!("hardware address `{mac}`"), name, at, owners, findings);
        facts.macs.insert(mac);
    }
    let key = section.key("uuid");
    if let Some((text, at)) = section.text("uuid", "00112233-4455-6677-8899-aabbccddeeff", findings)
        && let Some(uuid) = parse::<Uuid>(&key, text, at, findings)
    {
        if uuid_quality(uuid) == Quality::Junk {
            findings
                .warn(
                    at,
                    format!("many machines have the UUID `{uuid}`: it does not tell this one from others"),
                )
                .hint = Some("add `mac` or `serial`".to_owned());
        }
        own(&format!("UUID `{uuid}`"), name, at, owners, findings);
        facts.uuid = Some(uuid);
    }
    if let Some((text, at)) = section.text("serial", "S4EVNX0M", findings) {
        facts.serial = clean_text(text);
        match &facts.serial {
            None => {
                findings.error(at, format!("`{}` is empty", section.key("serial")));
            }
            Some(serial) if serial_quality(serial) == Quality::Junk => {
                let message = format!(
                    "makers put `{}` in place of a serial number: it does not tell this machine from others",
                    serial.escape_debug()
                );
                findings.warn(at, message).hint = Some("add `mac` or `uuid`".to_owned());
            }
            Some(serial) => own(
                &format!("serial number `{}`", serial.escape_debug()),
                name,
                at,
                owners,
                findings,
            ),
        }
    }
    facts
}

/// Two hosts cannot share what they are recognised by.
fn own(fact: &str, name: &HostId, at: &At, owners: &mut Owners, findings: &mut Findings) {
    match owners.get(fact) {
        Some((owner, first)) => {
            let message = if owner == name {
                format!("{fact} is given twice")
            } else {
                format!("{fact} belongs to host `{owner}` already")
            };
            findings.error(at, message).hint = Some("give each machine its own".to_owned());
            findings.point_to(first, "it is given here first");
        }
        None => {
            owners.insert(fact.to_owned(), (name.clone(), at.clone()));
        }
    }
}

fn labels(section: &mut Section<'_>, findings: &mut Findings) -> BTreeMap<String, String> {
    let Some(entry) = section.take("labels") else {
        return BTreeMap::new();
    };
    let table = Section::new(section.key("labels"), entry, findings);
    let mut labels = BTreeMap::new();
    for (name, entry) in table.entries() {
        if let (true, Some(value)) = (is_name(name, &entry.key, findings), scalar(&entry.node)) {
            labels.insert(name.clone(), value);
        } else if scalar(&entry.node).is_none() {
            let message = format!("`{}` must be text, not {}", table.key(name), entry.node.value.kind());
            findings.error(&entry.node.at, message).hint = Some("tables and lists go into `metadata`".to_owned());
        }
    }
    labels
}

/// `metadata`: what templates may ask for.
pub(super) fn metadata(section: &mut Section<'_>, findings: &mut Findings) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::new();
    if let Some(entry) = section.take("metadata") {
        let key = section.key("metadata");
        match &entry.node.value {
            Value::Table(table) => flatten_table(&key, "", table, &mut metadata, findings),
            other => {
                findings
                    .error(&entry.node.at, format!("`{key}` must be a table, not {}", other.kind()))
                    .hint = Some("for example `metadata = { role = \"storage\" }`".to_owned());
            }
        }
    }
    metadata
}

/// Nested tables and lists as names with dots, which templates see as tables and lists again.
fn flatten_table(key: &str, prefix: &str, table: &Table, flat: &mut BTreeMap<String, String>, findings: &mut Findings) {
    for (name, entry) in table {
        if is_name(name, &entry.key, findings) {
            flatten(
                &format!("{key}.{}", quoted(name)),
                &format!("{prefix}{name}"),
                &entry.node,
                flat,
                findings,
            );
        }
    }
}

fn flatten(key: &str, name: &str, node: &Node, flat: &mut BTreeMap<String, String>, findings: &mut Findings) {
    if name.matches('.').count() >= DEPTH_MAX {
        findings.error(
            &node.at,
            format!("metadata is nested more than {DEPTH_MAX} levels deep"),
        );
        return;
    }
    match &node.value {
        Value::Table(table) => flatten_table(key, &format!("{name}."), table, flat, findings),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(key, &format!("{name}.{index}"), item, flat, findings);
            }
        }
        _ => match scalar(node) {
            Some(value) => {
                flat.insert(name.to_owned(), value);
            }
            None => {
                findings.error(&node.at, format!("`{key}` is too large a number")).hint =
                    Some("write it as text".to_owned());
            }
        },
    }
}

/// A single value as text.
fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) | Value::Float(text) | Value::DateTime(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::HugeInteger | Value::List(_) | Value::Table(_) => None,
    }
}

/// Templates reach a value by its name, so the name must be one word of theirs.
fn is_name(name: &str, at: &At, findings: &mut Findings) -> bool {
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !fits {
        findings
            .error(at, format!("templates cannot ask for `{}`", name.escape_debug()))
            .hint = Some("use letters, digits and `_` in names of labels and metadata".to_owned());
    }
    fits
}

/// Renders a profile for a host that is meant for it. Hosts that give the same names are tried once.
fn try_profile(
    name: &HostId,
    definition: &HostDefinition,
    (profile, gifts): (&Profile, &[Gift]),
    entry: &Entry,
    tried: &mut BTreeSet<(ProfileName, Vec<String>, Vec<String>)>,
    findings: &mut Findings,
) {
    let names = |values: &BTreeMap<String, String>| values.keys().cloned().collect::<Vec<_>>();
    let mut metadata = definition.metadata.clone();
    metadata.extend(presumed(name, definition, gifts));
    if !tried.insert((profile.name.clone(), names(&definition.labels), names(&metadata))) {
        return;
    }
    let mut context = made_up(profile);
    context.host = name.clone();
    context.facts = definition.facts.joined(&context.facts);
    context.labels.configured = definition.labels.clone();
    context.metadata.configured = metadata;
    for problem in check_host(profile, &context) {
        let message = format!("host `{name}` cannot boot profile `{}`: {problem}", profile.name);
        findings.warn(&entry.key, message).hint = problem.error.hint.clone();
    }
}

/// The metadata that rules give the host, if it shows what they ask for beyond what its section says.
fn presumed(name: &HostId, definition: &HostDefinition, gifts: &[Gift]) -> BTreeMap<String, String> {
    if gifts.is_empty() {
        return BTreeMap::new();
    }
    let host = Host::new(name.clone(), Timestamp::from_millis(0), definition.facts.clone());
    let shown = attributes(&host, Some(definition), &Sighting::default());
    let own = definition
        .metadata
        .keys()
        .map(|name| first_part(name).to_owned())
        .collect();
    given(gifts, &shown, &own, true)
}
