//! dnsmasq: its DHCP, PXE and TFTP. Of its DNS nothing is carried over, since Bootwright answers none.

mod boot;
mod host;
mod plain;
mod range;

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{self, Draft, Table};
use super::line::{self, Line};
use super::machine::{self, Machine};
use super::pool::{self, Pool, Told};
use super::{Imported, Left, Text};

/// An option and the file that it stands in. Not called one, since Rust has its own.
struct Setting {
    text: Text,
    line: Line,
}

/// What was read so far.
struct Reading {
    left: Left,
    /// `dhcp-range=…,proxy`, and where.
    proxy: Option<String>,
    pools: Vec<Pool>,
    /// What `dhcp-option` says to all.
    told: Told,
    /// Tags that stand for what firmware shows, by what it shows.
    tags: BTreeMap<String, boot::Sign>,
    /// Tags that machines are given.
    host_tags: BTreeSet<String>,
    machines: Vec<Machine>,
    /// Each with where it is named.
    interfaces: Vec<(String, String)>,
    arch: Table,
    tftp: Table,
    tftp_on: bool,
    /// Hosts that are not listed are given nothing.
    known_only: Option<String>,
    /// Boot files by the tag of the machines that they are for.
    firmware: BTreeMap<String, String>,
}

/// The options of another file that says no more than that.
const HOSTS_FILES: &[&str] = &["dhcp-hostsfile", "dhcp-hostsdir"];

pub(super) fn import(texts: Vec<Text>, left: Left) -> Imported {
    let options = options(&texts);
    let mut reading = Reading {
        left,
        proxy: None,
        pools: Vec::new(),
        told: Told::default(),
        tags: BTreeMap::new(),
        host_tags: BTreeSet::new(),
        machines: Vec::new(),
        interfaces: Vec::new(),
        arch: Table::new("[dhcp.arch]", ""),
        tftp: Table::new("[tftp]", ""),
        tftp_on: false,
        known_only: None,
        firmware: BTreeMap::new(),
    };
    // What a line says may hang on a tag that a later one sets.
    let is_tag = |option: &&Setting| boot::TAGS.contains(&option.line.name.as_str());
    options
        .iter()
        .filter(is_tag)
        .for_each(|option| boot::tag(option, &mut reading));
    options
        .iter()
        .filter(|option| option.line.name == "tag-if")
        .for_each(|option| boot::tag_if(option, &mut reading));
    for option in options.iter().filter(|option| option.line.name == "dhcp-host") {
        host::read(option, &mut reading);
    }
    for option in &options {
        match option.line.name.as_str() {
            name if boot::TAGS.contains(&name) => {}
            "tag-if" | "dhcp-host" => {}
            "dhcp-range" => range::read(option, &mut reading),
            "dhcp-option" | "dhcp-option-force" => range::option(option, &mut reading),
            "dhcp-boot" => boot::dhcp_boot(option, &mut reading),
            "pxe-service" => boot::pxe_service(option, &mut reading),
            name if HOSTS_FILES.contains(&name) => host::file(option, &texts, &mut reading),
            _ => plain::read(option, &texts, &mut reading),
        }
    }
    finish(reading)
}

/// The options of all files, in order. A file with hosts has each line stand for a `dhcp-host`.
fn options(texts: &[Text]) -> Vec<Setting> {
    let mut all = Vec::new();
    for text in texts {
        let mut lines = line::options(&text.text);
        if host::is_hosts_file(&lines) {
            host::as_options(text, &mut lines);
        }
        all.extend(lines.into_iter().map(|line| Setting {
            text: text.clone(),
            line,
        }));
    }
    all
}

fn finish(mut reading: Reading) -> Imported {
    let mut draft = Draft::default();
    let serves = !reading.pools.is_empty();
    let mut dhcp = Table::new("[dhcp]", "");
    if let Some(first) = reading.pools.first() {
        dhcp.set("mode", draft::text("server"), &first.origin);
    } else if let Some(origin) = &reading.proxy {
        dhcp.set("mode", draft::text("proxy"), origin);
    }
    let mut server = Table::new("[server]", "");
    if !reading.interfaces.is_empty() {
        let (names, mut origins): (Vec<String>, Vec<String>) = reading.interfaces.into_iter().unzip();
        origins.dedup();
        let list: Vec<String> = names.iter().map(|name| draft::text(name)).collect();
        server.set("interfaces", format!("[{}]", list.join(", ")), &origins.join(", "));
    }
    draft.push_if_any(server);
    draft.push_if_any(dhcp);
    let (told, known_only) = (reading.told, reading.known_only);
    for pool in &mut reading.pools {
        pool.told = pool.told.or(&told);
        pool.known_only = known_only.is_some();
    }
    range::unsaid(&reading.pools, &mut reading.left);
    let networks = pool::write(reading.pools, &mut draft, &mut reading.left);
    draft.push_if_any(reading.arch);
    if reading.tftp_on {
        draft.push_if_any(reading.tftp);
    }
    if let Some(origin) = &known_only {
        let mut safety = Table::new("[safety]", "");
        safety.set("unknown", draft::text("ignore"), origin);
        draft.push(safety);
    }
    for machine in &mut reading.machines {
        let file = machine.labels.keys().find_map(|tag| reading.firmware.get(tag));
        machine.firmware = file.cloned();
    }
    let has_place = |address| networks.iter().any(|network| network.contains(address));
    let machines = machine::write(reading.machines, &has_place, &mut draft, &mut reading.left);
    let mut steps = Vec::new();
    if serves {
        steps.push(
            "stop dnsmasq's DHCP before this configuration is in force: no two servers lend addresses on one segment"
                .to_owned(),
        );
        steps.push("dnsmasq's lease file is not read: machines ask for the addresses that they have, and are given them if nobody has them".to_owned());
    }
    let (left, more_left) = reading.left.into_parts();
    Imported {
        config: draft.write("What dnsmasq served, as `bootwright import dnsmasq` read it."),
        machines,
        left,
        more_left,
        steps,
        ..Imported::default()
    }
}

impl Setting {
    /// Where it stands, for a comment.
    fn origin(&self) -> String {
        format!("{}:{}", self.text.path, self.line.number)
    }

    fn parts(&self) -> Vec<String> {
        line::parts(&self.line.value)
    }

    /// It has no counterpart, or not the whole one.
    fn left(&self, left: &mut Left, message: impl Into<String>, hint: &str) {
        left.tell(&self.text, self.line.span.clone(), message, hint);
    }
}
