//! Machines that another system names, as `[hosts.<name>]`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use bootwright_core::fact::{MACS_PER_HOST_MAX, Quality, mac_quality, serial_quality, uuid_quality};
use bootwright_core::{HostId, MacAddr, Uuid};

use super::draft::{self, Draft, Table};
use super::left::Left;
use super::{Known, Standing, Text};

/// One machine, as far as the other system knows it.
#[derive(Debug)]
pub(super) struct Machine {
    /// What the other system calls it; not necessarily a name of ours.
    pub(super) name: Option<String>,
    pub(super) macs: Vec<MacAddr>,
    pub(super) uuid: Option<Uuid>,
    pub(super) serial: Option<String>,
    pub(super) addresses: Vec<Ipv4Addr>,
    pub(super) profile: Option<String>,
    pub(super) firmware: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
    /// Names and values as TOML writes them.
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) standing: Standing,
    /// Where it stands.
    pub(super) text: Text,
    pub(super) span: std::ops::Range<usize>,
    pub(super) origin: String,
}

impl Machine {
    /// A machine of which nothing is known but where it is spoken of.
    pub(super) fn at(text: &Text, span: std::ops::Range<usize>, origin: String) -> Self {
        Self {
            name: None,
            macs: Vec::new(),
            uuid: None,
            serial: None,
            addresses: Vec::new(),
            profile: None,
            firmware: None,
            labels: BTreeMap::new(),
            metadata: BTreeMap::new(),
            standing: Standing::Unrecorded,
            text: text.clone(),
            span,
            origin,
        }
    }
}

/// Writes machines into the draft, each fact once and each name once.
pub(super) fn write(
    machines: Vec<Machine>,
    has_place: &dyn Fn(Ipv4Addr) -> bool,
    draft: &mut Draft,
    left: &mut Left,
) -> Vec<Known> {
    let (mut names, mut facts, mut addresses) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut known = Vec::new();
    for mut machine in machines {
        let unnamed = machine.macs.is_empty() && machine.uuid.is_none() && machine.serial.is_none();
        recognisable(&mut machine, &mut facts, left);
        if machine.macs.is_empty() && machine.uuid.is_none() && machine.serial.is_none() {
            // What became of its facts was told.
            if unnamed {
                let hint = "name the machine in `[hosts]` by `mac`, `uuid` or `serial`";
                let words = "there is nothing by which the machine is recognised";
                left.tell(&machine.text, machine.span.clone(), words, hint);
            }
            continue;
        }
        let Some(host) = give(&mut names, &machine, left) else {
            continue;
        };
        let mut table = Table::new(format!("[hosts.{}]", draft::key(host.as_str())), &machine.origin);
        let macs: Vec<String> = machine.macs.iter().map(ToString::to_string).collect();
        if !macs.is_empty() {
            table.set("mac", draft::texts(&macs), "");
        }
        if let Some(uuid) = machine.uuid {
            table.set("uuid", draft::text(&uuid.to_string()), "");
        }
        if let Some(serial) = &machine.serial {
            table.set("serial", draft::text(serial), "");
        }
        write_addresses(&machine, has_place, &mut addresses, &mut table, left);
        for (name, value) in [("profile", &machine.profile), ("firmware", &machine.firmware)] {
            if let Some(value) = value {
                table.set(name, draft::text(value), "");
            }
        }
        for (name, values) in [("labels", &machine.labels), ("metadata", &machine.metadata)] {
            let pairs: Vec<String> = values
                .iter()
                .map(|(key, value)| format!("{} = {value}", draft::key(key)))
                .collect();
            if !pairs.is_empty() {
                table.set(name, format!("{{ {} }}", pairs.join(", ")), "");
            }
        }
        draft.push(table);
        let mac = machine
            .macs
            .iter()
            .copied()
            .find(|mac| mac_quality(*mac) == Quality::Good);
        known.push(Known {
            host,
            mac,
            standing: machine.standing,
        });
    }
    known
}

/// Leaves those facts that tell the machine from others.
fn recognisable(machine: &mut Machine, taken: &mut BTreeSet<String>, left: &mut Left) {
    let (text, span) = (machine.text.clone(), machine.span.clone());
    let mut told = |words: String, hint: &str| left.tell(&text, span.clone(), words, hint);
    machine.macs.retain(|mac| {
        if mac.is_zero() || mac.is_multicast() {
            told(format!("{mac} is the address of no card"), "it was left out");
            return false;
        }
        let is_new = taken.insert(mac.to_string());
        if !is_new {
            told(
                format!("{mac} belongs to a machine that was named before"),
                "the first one counts",
            );
        }
        is_new
    });
    if machine.macs.len() > MACS_PER_HOST_MAX {
        machine.macs.truncate(MACS_PER_HOST_MAX);
        told(
            format!("it has more than {MACS_PER_HOST_MAX} cards"),
            "the first ones were taken",
        );
    }
    if let Some(uuid) = machine.uuid
        && (uuid_quality(uuid) != Quality::Good || !taken.insert(uuid.to_string()))
    {
        told(
            format!("UUID {uuid} does not tell it from other machines"),
            "it was left out",
        );
        machine.uuid = None;
    }
    if let Some(serial) = &machine.serial
        && (serial_quality(serial) != Quality::Good || !taken.insert(format!("serial {}", serial.to_lowercase())))
    {
        let shown = serial.escape_debug().to_string();
        told(
            format!("serial number `{shown}` does not tell it from other machines"),
            "it was left out",
        );
        machine.serial = None;
    }
}

/// A name of ours: the other system's if it fits, else what fits of it.
fn give(names: &mut BTreeSet<String>, machine: &Machine, left: &mut Left) -> Option<HostId> {
    let by_card = || match machine.macs.first() {
        Some(mac) => format!("host-{}", mac.to_string().replace(':', "")),
        None => "host".to_owned(),
    };
    let wanted = machine.name.clone().unwrap_or_else(by_card);
    let plain = slug(&wanted).unwrap_or_else(by_card);
    let mut name = plain.clone();
    let mut number = 2;
    while !names.insert(name.clone()) {
        name = format!("{plain}-{number}");
        number += 1;
    }
    if name != wanted {
        let message = format!("`{}` is called `{name}` here", wanted.escape_debug());
        let hint = "names consist of `a-z`, `0-9` and `-`, and no two machines have the same";
        left.tell(&machine.text, machine.span.clone(), message, hint);
    }
    name.parse().ok()
}

/// The first part of a name, in lower case, with hyphens for what does not fit.
pub(super) fn slug(name: &str) -> Option<String> {
    let first = name.split('.').next().unwrap_or_default();
    let fits = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = first.chars().take(50).map(fits).collect();
    let name = name.trim_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

fn write_addresses(
    machine: &Machine,
    has_place: &dyn Fn(Ipv4Addr) -> bool,
    taken: &mut BTreeSet<Ipv4Addr>,
    table: &mut Table,
    left: &mut Left,
) {
    let mut kept = Vec::new();
    for address in &machine.addresses {
        let why = match (has_place(*address), taken.insert(*address)) {
            (true, true) => {
                kept.push(address.to_string());
                continue;
            }
            (false, _) => "addresses are kept where this box lends them: in the subnet of a pool",
            (true, false) => "another machine has it already",
        };
        left.tell(
            &machine.text,
            machine.span.clone(),
            format!("{address} is not kept for it"),
            why,
        );
    }
    if !kept.is_empty() {
        table.set("address", draft::texts(&kept), "");
    }
}
