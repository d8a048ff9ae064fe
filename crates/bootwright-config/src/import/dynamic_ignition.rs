//! dynamic-ignition-coreos: `nodes.json`, the base configuration, `dhcpd.conf` and `pxelinux.cfg/`.
//!
//! Whoever stands in `nodes.json` has fetched its configuration, which was all that "installed" meant there.

use bootwright_core::{MacAddr, ProfileName};

use super::draft::{self, Draft, Table};
use super::left::Left;
use super::machine::{self, Machine};
use super::{Imported, Standing, Text, dhcpd, pool, pxelinux};
use crate::foreign::json;
use crate::node::{Node, Value};

/// The document with the installed system's configuration.
const CONFIG: &str = "config.ign";

pub(super) fn import(texts: Vec<Text>, name: &str, mut left: Left) -> Imported {
    let mut draft = Draft::default();
    let (mut machines, mut reserved, mut pools, mut filename) = (Vec::new(), Vec::new(), Vec::new(), None);
    let (mut base, mut menu) = (None, None);
    let mut local: Vec<(MacAddr, &Text)> = Vec::new();
    for text in &texts {
        let file = text.path.rsplit('/').next().unwrap_or_default();
        match file {
            "nodes.json" => machines.extend(nodes(text, &mut left)),
            _ if file.ends_with(".ign") => base = base.or(Some(text)),
            _ if file.ends_with("dhcpd.conf") => {
                let found = dhcpd::read(text, &mut left);
                pools.extend(found.pools);
                reserved.extend(found.machines);
                filename = filename.or(found.filename);
            }
            "default" => menu = pxelinux::default(&text.text).map(|label| (label, text)),
            _ => match (pxelinux::machine(text), pxelinux::default(&text.text)) {
                (Some(mac), Some(label)) if label.local => local.push((mac, text)),
                _ => left.tell(
                    text,
                    0..0,
                    "it is not carried over",
                    "each machine's menu follows from its state here",
                ),
            },
        }
    }
    reservations(reserved, &mut machines);
    boots_its_disk(&local, &mut machines);
    let mut dhcp = Table::new("[dhcp]", "");
    if let Some(first) = pools.first() {
        dhcp.set("mode", draft::text("server"), &first.origin);
    }
    draft.push_if_any(dhcp);
    let networks = pool::write(pools, &mut draft, &mut left);
    let mut arch = Table::new("[dhcp.arch]", "");
    if let Some((file, origin)) = filename.filter(|(file, _)| file != "undionly.kpxe") {
        arch.set("bios", draft::text(&file), &origin);
    }
    draft.push_if_any(arch);
    let mut documents = Vec::new();
    let mut steps = Vec::new();
    if let Some((label, text)) = menu {
        profile(&label, text, base, name, &mut draft, &mut documents, &mut left);
        steps.push(format!(
            "put `{}` and what stands beside it below `images/dynamic-ignition/` in the data directory",
            label.kernel
        ));
    }
    let has_place = |address| networks.iter().any(|network| network.contains(address));
    let machines = machine::write(machines, &has_place, &mut draft, &mut left);
    if !networks.is_empty() {
        steps.push("stop dhcpd and the TFTP server before this configuration is in force".to_owned());
    }
    let (left, more_left) = left.into_parts();
    Imported {
        config: draft.write("What dynamic-ignition-coreos served, as `bootwright import dynamic-ignition` read it."),
        documents,
        machines,
        left,
        more_left,
        steps,
    }
}

/// The machines of `nodes.json`.
fn nodes(text: &Text, left: &mut Left) -> Vec<Machine> {
    let node = match json::parse(0, &text.text) {
        Ok(node) => node,
        Err(json::NotJson { span, message }) => {
            left.tell(
                text,
                span,
                format!("not JSON: {message}"),
                "no machine was carried over",
            );
            return Vec::new();
        }
    };
    let mut machines = Vec::new();
    let Value::Table(top) = &node.value else {
        return machines;
    };
    let Some(Value::Table(all)) = top.get("nodes").map(|entry| &entry.node.value) else {
        return machines;
    };
    for (mac, entry) in all {
        let span = entry.key.span.clone();
        let Ok(address) = mac.parse::<MacAddr>() else {
            left.tell(
                text,
                span,
                format!("`{}` is no hardware address", mac.escape_debug()),
                "it was left out",
            );
            continue;
        };
        let line = text.text.get(..span.start).unwrap_or_default().matches('\n').count() + 1;
        let mut machine = Machine::at(text, span.clone(), format!("{}:{line}", text.path));
        machine.macs.push(address);
        machine.standing = Standing::Installed;
        if let Value::Table(table) = &entry.node.value {
            let word = |key: &str| match table.get(key).map(|entry| &entry.node.value) {
                Some(Value::Text(text)) => Some(text.clone()),
                _ => None,
            };
            machine.name = word("hostname");
            if let Some(function) = word("function") {
                let hint = "write a profile for it, with its own base configuration, and name it in `[hosts]`";
                left.tell(
                    text,
                    span,
                    format!("function `{}` is not carried over", function.escape_debug()),
                    hint,
                );
            }
        }
        machines.push(machine);
    }
    machines
}

/// Reservations of the DHCP server belong to machines that are known, or are machines that are not.
fn reservations(reserved: Vec<Machine>, machines: &mut Vec<Machine>) {
    for mut one in reserved {
        match machines
            .iter_mut()
            .find(|known| known.macs.iter().any(|mac| one.macs.contains(mac)))
        {
            Some(known) => {
                known.addresses.append(&mut one.addresses);
                known.firmware = known.firmware.take().or(one.firmware);
                known.origin = format!("{}, {}", known.origin, one.origin);
            }
            None => machines.push(one),
        }
    }
}

/// Whoever has a menu of its own that starts the disk was seen before.
fn boots_its_disk(local: &[(MacAddr, &Text)], machines: &mut Vec<Machine>) {
    for (mac, text) in local {
        match machines.iter_mut().find(|known| known.macs.contains(mac)) {
            Some(known) => known.standing = Standing::Installed,
            None => {
                let mut machine = Machine::at(text, 0..0, text.path.clone());
                machine.macs.push(*mac);
                machine.standing = Standing::Installed;
                machines.push(machine);
            }
        }
    }
}

fn profile(
    label: &pxelinux::Label,
    text: &Text,
    base: Option<&Text>,
    name: &str,
    draft: &mut Draft,
    documents: &mut Vec<(String, String)>,
    left: &mut Left,
) {
    let Ok(profile) = "dynamic-ignition".parse::<ProfileName>() else {
        return;
    };
    let at = text
        .text
        .lines()
        .take(label.line.saturating_sub(1))
        .map(|line| line.len() + 1)
        .sum::<usize>();
    let at = at..at + 1;
    let place = |path: &String| match path.contains("://") {
        true => path.clone(),
        false => format!(
            "/images/dynamic-ignition/{}",
            path.rsplit('/').next().unwrap_or_default()
        ),
    };
    if label.kernel.is_empty() || label.local {
        left.tell(text, at, "its entry boots no kernel", "no profile was made of it");
        return;
    }
    let mut table = Table::new(
        format!("[profiles.{profile}]"),
        &format!("{}:{}", text.path, label.line),
    );
    table.set("kernel", draft::text(&place(&label.kernel)), "");
    let initrds: Vec<String> = label.initrds.iter().map(|path| draft::text(&place(path))).collect();
    if !initrds.is_empty() {
        table.set("initrds", format!("[{}]", initrds.join(", ")), "");
    }
    let own = |arg: &String| match arg.split_once('=') {
        Some((key @ ("coreos.inst.ignition_url" | "ignition.config.url"), _)) => {
            format!("{key}={{{{ run.url }}}}/{CONFIG}")
        }
        _ => arg.clone(),
    };
    let args: Vec<String> = label.args.iter().map(|arg| draft::text(&own(arg))).collect();
    table.set("args", format!("[{}]", args.join(", ")), "");
    table.comment("`done = { config-served = \"config.ign\" }` calls a run done when its configuration was fetched, as the old server did.");
    draft.push(table);
    let hint = "set `done = { config-served = \"config.ign\" }` to do as the old server did, or let the system call `{{ run.url }}/done`";
    left.tell(text, at, "nothing in it reports that an install is done", hint);
    let Some(base) = base else {
        left.tell(
            text,
            0..0,
            "no base configuration was given",
            "name `config.ign` as well",
        );
        return;
    };
    match json::parse(0, &base.text) {
        Ok(node) => {
            documents.push((format!("{profile}/{CONFIG}"), with_name(&node)));
            let mut files = Table::new(format!("[profiles.{profile}.files]"), &base.path);
            files.set(
                CONFIG,
                format!("{{ file = {} }}", draft::text(&format!("{name}/{profile}/{CONFIG}"))),
                "",
            );
            draft.push(files);
        }
        Err(json::NotJson { span, message }) => {
            left.tell(
                base,
                span,
                format!("not JSON: {message}"),
                "the profile has no configuration until that is mended",
            );
        }
    }
}

/// The base with `/etc/hostname`, as a template.
fn with_name(base: &Node) -> String {
    let file = r#"{"contents":{"source":"data:,{{ host.name }}"},"mode":420,"overwrite":true,"path":"/etc/hostname"}"#;
    // A name that stands nowhere else marks the place, since the text around it must not be taken for a template.
    let mark = "@bootwright-hostname@";
    let mut node = base.clone();
    let at = node.at.clone();
    let empty = |value| crate::node::Entry {
        key: at.clone(),
        node: Node { at: at.clone(), value },
    };
    if let Value::Table(top) = &mut node.value {
        let storage = top
            .entry("storage".to_owned())
            .or_insert_with(|| empty(Value::Table(Default::default())));
        if let Value::Table(storage) = &mut storage.node.value {
            let files = storage
                .entry("files".to_owned())
                .or_insert_with(|| empty(Value::List(Vec::new())));
            if let Value::List(files) = &mut files.node.value {
                files.push(Node {
                    at: at.clone(),
                    value: Value::Text(mark.to_owned()),
                });
            }
        }
    }
    let text = crate::foreign::literal(&json::write(&node));
    text.replace(&json::quote(mark), file)
}
