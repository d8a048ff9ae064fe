//! `dhcp-host` and the files that hold the like: machines that are known.

use std::net::Ipv4Addr;

use bootwright_core::MacAddr;

use super::super::draft;
use super::super::line::{self, Line};
use super::super::machine::Machine;
use super::super::{Standing, Text};
use super::range::tag;
use super::{Reading, Setting};

/// Whether these lines are those of a `dhcp-hostsfile`: each is what stands behind `dhcp-host=`.
pub(super) fn is_hosts_file(lines: &[Line]) -> bool {
    let like_host = |line: &Line| {
        line.name
            .split(',')
            .next()
            .is_some_and(|first| card(first).is_some() || tag(first).is_some())
    };
    !lines.is_empty() && lines.iter().all(like_host)
}

/// The lines of such a file as options.
pub(super) fn as_options(text: &Text, lines: &mut [Line]) {
    for line in lines {
        line.value = text.text.get(line.span.clone()).unwrap_or_default().to_owned();
        line.name = "dhcp-host".to_owned();
    }
}

/// Another file with hosts: it has to be given as well.
pub(super) fn file(setting: &Setting, texts: &[Text], reading: &mut Reading) {
    let named = setting.line.value.as_str();
    if !texts
        .iter()
        .any(|text| text.path == named || text.path.starts_with(&format!("{}/", named.trim_end_matches('/'))))
    {
        let hint = "give it as well: `bootwright import dnsmasq` takes several files and directories";
        setting.left(
            &mut reading.left,
            format!("`{}` was not read", named.escape_debug()),
            hint,
        );
    }
}

/// A card's address, perhaps with its type in front: `52:54:00:ab:cd:ef`, `1-52:54:00:ab:cd:ef`.
fn card(part: &str) -> Option<MacAddr> {
    let colons = |text: &str| text.matches(':').count() == 5;
    let typed = part
        .split_once('-')
        .filter(|(kind, rest)| kind.len() <= 2 && colons(rest));
    let (kind, address) = typed.map_or(("1", part), |(kind, rest)| (kind, rest));
    (colons(address) && matches!(kind, "1" | "01"))
        .then(|| address.parse().ok())
        .flatten()
}

fn is_lease(part: &str) -> bool {
    let digits = part.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
    part == "infinite"
        || (!digits.is_empty() && part.len() - digits.len() <= 1 && digits.chars().all(|c| c.is_ascii_digit()))
}

pub(super) fn read(setting: &Setting, reading: &mut Reading) {
    let mut machine = Machine::at(&setting.text, setting.line.span.clone(), setting.origin());
    let left = &mut reading.left;
    for part in line::parts(&setting.line.value) {
        if part.is_empty() {
        } else if let Some(mac) = card(&part) {
            machine.macs.push(mac);
        } else if let Some(tag) = tag(&part).filter(|_| !part.starts_with("tag:")) {
            let name: String = tag
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            reading.host_tags.insert(tag.to_owned());
            machine.labels.insert(name, draft::text("yes"));
        } else if part.contains('*') && part.contains(':') && !part.starts_with("id:") {
            if part.chars().all(|c| matches!(c, '*' | ':')) && setting.line.value.contains("id:*") {
                // One lease for each card, whatever program asks with it: so it is here.
                return;
            }
            let hint = "write a rule with `when = { mac = \"52:54:00:*\" }`";
            setting.left(left, format!("the pattern `{part}` names no machine"), hint);
        } else if part == "id:*" {
        } else if part.starts_with("id:") || part.starts_with("tag:") {
            let hint = "machines are recognised by their cards, UUID and serial number";
            setting.left(left, format!("`{}` is not carried over", part.escape_debug()), hint);
        } else if part == "ignore" {
            machine.standing = Standing::Ignored;
        } else if let Ok(address) = part.parse::<Ipv4Addr>() {
            machine.addresses.push(address);
        } else if part.starts_with('[') || part.contains(':') {
            setting.left(
                left,
                format!("`{}` is not carried over", part.escape_debug()),
                "an address over IPv6 follows from the card",
            );
        } else if is_lease(&part) {
            setting.left(
                left,
                "its own lease time is not carried over",
                "`lease` is a key of the pool",
            );
        } else {
            machine.name = Some(part);
        }
    }
    if machine.macs.is_empty() {
        let hint = "name the machine in `[hosts]` by `mac`, `uuid` or `serial`";
        setting.left(left, "no card is named, so that the machine cannot be recognised", hint);
        return;
    }
    reading.machines.push(machine);
}
