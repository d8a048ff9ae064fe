//! Disks and what is on them: arrays, encrypted volumes, filesystems, files, directories and links.

use std::collections::BTreeMap;

use super::{path, path_refusal, resource};
use crate::tree::{Fault, Node};

pub(super) fn check(storage: &Node, minor: u8, faults: &mut Vec<Fault>) {
    for disk in storage.list("disks") {
        self::disk(disk, faults);
    }
    for raid in storage.list("raid") {
        self::raid(raid, faults);
    }
    for luks in storage.list("luks") {
        self::luks(luks, minor, faults);
    }
    for filesystem in storage.list("filesystems") {
        self::filesystem(filesystem, minor, faults);
    }
    for list in ["directories", "files", "links"] {
        for node in storage.list(list) {
            self::node(node, minor, faults);
        }
    }
    for file in storage.list("files") {
        self::file(file, minor, faults);
    }
    paths(storage, faults);
    links(storage, minor, faults);
}

fn node(node: &Node, minor: u8, faults: &mut Vec<Fault>) {
    path(node, "path", faults);
    for owner in ["user", "group"] {
        if let Some(owner) = node.get(owner)
            && owner.get("id").is_some()
            && owner.text("name").is_some_and(|name| !name.is_empty())
        {
            faults.push(Fault::new(&owner.span, "give `id` or `name`, and not both"));
        }
    }
    let Some(mode) = node.whole("mode") else { return };
    if !(0..=0o7777).contains(&mode) {
        let octal = format!("{mode}");
        let fault = Fault::new(node.at("mode"), format!("`{mode}` is no mode of a file"));
        faults.push(match i64::from_str_radix(&octal, 8) {
            Ok(meant) => fault.hint(format!("in decimal digits it is {meant}; YAML takes `0{octal}`")),
            Err(_) => fault.hint("modes are at most 07777, which is 4095 in decimal digits"),
        });
    } else if mode > 0o777 && minor < 4 {
        let message = format!("Ignition 3.{minor} ignores the setuid, setgid and sticky bits");
        faults.push(Fault::warning(node.at("mode"), message));
    }
}

fn file(file: &Node, minor: u8, faults: &mut Vec<Fault>) {
    let source = file.get("contents").and_then(|contents| contents.text("source"));
    if file.flag("overwrite") == Some(true) && source.is_none() {
        let message = "a file that is overwritten needs a `source` of its contents";
        faults.push(Fault::new(file.at("overwrite"), message));
    }
    for contents in file.get("contents").into_iter().chain(file.list("append")) {
        resource(contents, minor, faults);
    }
}

/// Each path is one thing.
fn paths(storage: &Node, faults: &mut Vec<Fault>) {
    let mut seen = BTreeMap::new();
    for list in ["directories", "files", "links"] {
        for node in storage.list(list) {
            let path = node.text("path").unwrap_or_default();
            if seen.insert(path, ()).is_some() {
                let message = format!("a second file, directory or link at `{}`", path.escape_debug());
                faults.push(Fault::new(node.at("path"), message));
            }
        }
    }
}

fn links(storage: &Node, minor: u8, faults: &mut Vec<Fault>) {
    let all = storage.list("links");
    let known: BTreeMap<&str, &Node> = all
        .iter()
        .map(|link| (link.text("path").unwrap_or_default(), link))
        .collect();
    for list in ["directories", "files", "links"] {
        for node in storage.list(list) {
            let path = node.text("path").unwrap_or_default();
            let above = path.match_indices('/').filter_map(|(place, _)| path.get(..place));
            if let Some(link) = above.into_iter().find(|above| known.contains_key(above)) {
                let message = format!("the path leads through `{}`, which is a link", link.escape_debug());
                faults.push(Fault::new(node.at("path"), message).hint("write where the link leads"));
            }
        }
    }
    for link in all {
        let target = link.text("target").unwrap_or_default();
        if target.is_empty() {
            if minor >= 3 {
                faults.push(Fault::new(link.at("target"), "a link needs a `target`"));
            }
            continue;
        }
        if link.flag("hard") != Some(true) {
            continue;
        }
        let directories = storage.list("directories");
        if directories
            .iter()
            .any(|directory| directory.text("path") == Some(target))
        {
            faults.push(Fault::new(
                link.at("target"),
                "a hard link must not lead to a directory",
            ));
        }
        for owner in ["user", "group"].iter().filter_map(|owner| link.get(owner)) {
            faults.push(Fault::warning(&owner.span, "a hard link has the owner of its target"));
        }
    }
}

fn disk(disk: &Node, faults: &mut Vec<Fault>) {
    path(disk, "device", faults);
    let partitions = disk.list("partitions");
    let mut labels = BTreeMap::new();
    for (index, partition) in partitions.iter().enumerate() {
        self::partition(partition, faults);
        if let Some(label) = partition.text("label")
            && labels.insert(label, ()).is_some()
        {
            let message = format!("a second partition with the label `{}`", label.escape_debug());
            faults.push(Fault::new(partition.at("label"), message));
        }
        let others = partitions.get(..index).unwrap_or_default();
        if let Some(other) = others.iter().find(|other| overlap(partition, other)) {
            let name = other.whole("number").unwrap_or_default();
            let message = format!("the partition overlaps another one (number {name})");
            faults.push(Fault::new(&partition.span, message));
        }
    }
    let gone = |partition: &&Node| partition.flag("shouldExist") == Some(false);
    let unnumbered = |partition: &Node| partition.whole("number").unwrap_or_default() == 0;
    if let Some(gone) = partitions.iter().find(gone)
        && partitions.iter().any(unnumbered)
    {
        let message = "where a partition should not exist, every partition needs a number";
        faults.push(Fault::new(&gone.span, message));
    }
}

fn overlap(one: &Node, other: &Node) -> bool {
    let extent = |partition: &Node| {
        let start = partition.whole("startMiB").filter(|start| *start != 0)?;
        let size = partition.whole("sizeMiB")?;
        let last = if size == 0 {
            start
        } else {
            start.saturating_add(size - 1)
        };
        Some((start, last))
    };
    match (extent(one), extent(other)) {
        (Some((start, last)), Some((other_start, other_last))) => start <= other_last && other_start <= last,
        _ => false,
    }
}

fn partition(partition: &Node, faults: &mut Vec<Fault>) {
    let filled = |key: &str| partition.text(key).is_some_and(|text| !text.is_empty());
    let sized = partition.get("startMiB").is_some() || partition.get("sizeMiB").is_some();
    let label = partition.text("label");
    if partition.flag("shouldExist") == Some(false)
        && (label.is_some() || filled("typeGuid") || filled("guid") || sized)
    {
        let message = "a partition that should not exist is named by its number alone";
        faults.push(Fault::new(&partition.span, message));
    }
    if partition.whole("number").unwrap_or_default() == 0 && label.is_none() {
        faults.push(Fault::new(&partition.span, "a partition needs a `number` or a `label`"));
    }
    if let Some(label) = label {
        if label.len() > 36 {
            faults.push(Fault::new(
                partition.at("label"),
                "a partition's label has at most 36 characters",
            ));
        }
        if label.contains(':') {
            faults.push(Fault::new(
                partition.at("label"),
                "a partition's label must not hold a colon",
            ));
        }
    }
    for key in ["guid", "typeGuid"] {
        if let Some(guid) = partition.text(key).filter(|guid| !guid.is_empty() && !is_guid(guid)) {
            let message = format!("`{}` is no GUID", guid.escape_debug());
            let fault = Fault::new(partition.at(key), message);
            faults.push(fault.hint("it has the form `01234567-89AB-CDEF-EDCB-A98765432101`"));
        }
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn raid(raid: &Node, faults: &mut Vec<Fault>) {
    for device in raid.list("devices") {
        if let Some(message) = path_refusal(device.as_text().unwrap_or_default()) {
            faults.push(Fault::new(&device.span, message));
        }
    }
    if raid.list("devices").is_empty() {
        faults.push(Fault::new(raid.at("devices"), "an array needs `devices`"));
    }
    let message = match raid.text("level").unwrap_or_default() {
        "" => Some("an array needs a `level`".to_owned()),
        "linear" | "raid0" | "0" | "stripe" => {
            let spares = raid.whole("spares").unwrap_or_default() != 0;
            spares.then(|| "an array of this level has no spares".to_owned())
        }
        "raid1" | "1" | "mirror" | "raid4" | "4" | "raid5" | "5" | "raid6" | "6" | "raid10" | "10" => None,
        level => Some(format!("`{}` is no level of an array", level.escape_debug())),
    };
    if let Some(message) = message {
        let fault = Fault::new(raid.at("level"), message);
        faults.push(fault.hint("levels are `linear`, `raid0`, `raid1`, `raid4`, `raid5`, `raid6` and `raid10`"));
    }
}

fn luks(luks: &Node, minor: u8, faults: &mut Vec<Fault>) {
    path(luks, "device", faults);
    if luks.text("name").is_some_and(|name| name.contains('/')) {
        faults.push(Fault::new(
            luks.at("name"),
            "the name of a volume must not hold a slash",
        ));
    }
    if luks.text("label").is_some_and(|label| label.len() > 47) {
        faults.push(Fault::new(
            luks.at("label"),
            "the label of a volume has at most 47 characters",
        ));
    }
    if let Some(key) = luks.get("keyFile") {
        resource(key, minor, faults);
    }
    let Some(clevis) = luks.get("clevis") else { return };
    if let Some(custom) = clevis.get("custom") {
        self::custom(custom, clevis, faults);
    }
    for tang in clevis.list("tang") {
        let url = tang.text("url").unwrap_or_default().to_ascii_lowercase();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            faults.push(Fault::new(
                tang.at("url"),
                "a Tang server's `url` begins with `http://` or `https://`",
            ));
        }
        if tang.text("thumbprint").unwrap_or_default().is_empty() {
            faults.push(Fault::new(
                tang.at("thumbprint"),
                "a Tang server needs its `thumbprint`",
            ));
        }
        if let Some(advertisement) = tang.text("advertisement").filter(|text| !text.is_empty())
            && serde_json::from_str::<serde_json::Value>(advertisement).is_err()
        {
            faults.push(Fault::new(tang.at("advertisement"), "the advertisement is no JSON"));
        }
    }
}

fn custom(custom: &Node, clevis: &Node, faults: &mut Vec<Fault>) {
    let (pin, config) = (
        custom.text("pin").unwrap_or_default(),
        custom.text("config").unwrap_or_default(),
    );
    if pin.is_empty() && config.is_empty() && custom.flag("needsNetwork") != Some(true) {
        return;
    }
    let others = !clevis.list("tang").is_empty()
        || clevis.flag("tpm2") == Some(true)
        || clevis.whole("threshold").unwrap_or_default() != 0;
    if others && !pin.is_empty() {
        let message = "a custom configuration of Clevis goes without `tang`, `tpm2` and `threshold`";
        faults.push(Fault::new(&clevis.span, message));
    }
    if pin.is_empty() {
        faults.push(Fault::new(
            custom.at("pin"),
            "a custom configuration of Clevis needs a `pin`",
        ));
    } else if !matches!(pin, "tpm2" | "tang" | "sss") {
        let message = format!("`{}` is no pin of Clevis", pin.escape_debug());
        faults.push(Fault::new(custom.at("pin"), message).hint("pins are `tpm2`, `tang` and `sss`"));
    }
    if config.is_empty() {
        faults.push(Fault::new(
            custom.at("config"),
            "a custom configuration of Clevis needs a `config`",
        ));
    }
}

fn filesystem(filesystem: &Node, minor: u8, faults: &mut Vec<Fault>) {
    path(filesystem, "device", faults);
    if filesystem.text("path").is_some_and(|path| !path.is_empty()) {
        path(filesystem, "path", faults);
    }
    let filled = |key: &str| filesystem.text(key).is_some_and(|text| !text.is_empty());
    let label = filesystem.text("label").unwrap_or_default();
    let longest = match filesystem.text("format").unwrap_or_default() {
        "" => {
            let lists = !filesystem.list("options").is_empty() || !filesystem.list("mountOptions").is_empty();
            let wiped = filesystem.flag("wipeFilesystem") == Some(true);
            if filled("path") || filled("label") || filled("uuid") || wiped || lists {
                let message = "a filesystem with a path, label, UUID or options needs a `format`";
                faults.push(Fault::new(filesystem.at("format"), message));
            }
            None
        }
        "ext4" => Some(16),
        "btrfs" => Some(256),
        "xfs" => Some(12),
        "swap" => Some(15),
        "vfat" => Some(11),
        "none" if minor >= 3 => None,
        format => {
            let message = format!("`{}` is no format that Ignition 3.{minor} makes", format.escape_debug());
            let fault = Fault::new(filesystem.at("format"), message);
            faults.push(fault.hint("formats are `ext4`, `btrfs`, `xfs`, `vfat`, `swap`, and since 3.3 `none`"));
            None
        }
    };
    if let Some(longest) = longest
        && label.len() > longest
    {
        let message = format!("the label of such a filesystem has at most {longest} characters");
        faults.push(Fault::new(filesystem.at("label"), message));
    }
}
