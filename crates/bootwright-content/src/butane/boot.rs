//! Fedora CoreOS's boot disk, mirrored or encrypted, and the passwords of its boot menu.
//!
//! The partitions are those that Fedora CoreOS's own image has; the sizes must not change, since the image's are copied
//! into them.

use std::ops::Range;

use super::contents::data_url;
use crate::tree::{Fault, Node, Value};

/// Types of partitions: reserved for something else, GRUB's on BIOS, PowerPC's, and the EFI system partition.
const RESERVED: &str = "8DA63339-0007-60C0-C436-083AC8230908";
const BIOS: &str = "21686148-6449-6E6F-744E-656564454649";
const PREP: &str = "9E1A2D38-C612-4316-AA26-8B49521E5A8B";
const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";

fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn list(items: Vec<Node>) -> Value {
    Value::List(items)
}

/// What `boot_device` stands for; nothing if it asks for nothing.
pub(super) fn layout(device: &Node, faults: &mut Vec<Fault>) -> Option<Node> {
    let architecture = device.text("layout").unwrap_or("x86_64");
    if !matches!(architecture, "aarch64" | "ppc64le" | "x86_64") {
        let message = format!("`{}` is no layout of a boot disk", architecture.escape_debug());
        faults.push(Fault::new(device.at("layout"), message).hint("layouts are `aarch64`, `ppc64le` and `x86_64`"));
        return None;
    }
    let mirror = device.get("mirror").map_or(&[][..], |mirror| mirror.list("devices"));
    if let [only] = mirror {
        faults.push(Fault::new(&only.span, "a mirror needs at least two devices"));
    }
    let luks = device.get("luks");
    let encrypted = luks.filter(|luks| luks.flag("tpm2") == Some(true) || !luks.list("tang").is_empty());
    if mirror.is_empty() && encrypted.is_none() {
        return None;
    }
    let span = &device.span;
    let mut storage = Node::new(Value::Map(Vec::new()), span.clone());
    let mut filesystems = Vec::new();
    if !mirror.is_empty() {
        let (disks, boot) = mirrored(mirror, architecture, &mut filesystems);
        storage.set("disks", Node::new(list(disks), span.clone()));
        storage.set("raid", Node::new(list(arrays(mirror.len(), span)), span.clone()));
        filesystems.push(boot);
    }
    if let Some(luks) = encrypted {
        let below = if mirror.is_empty() {
            "/dev/disk/by-partlabel/root"
        } else {
            "/dev/md/md-root"
        };
        storage.set("luks", Node::new(list(vec![volume(luks, below)]), span.clone()));
    }
    let root = if encrypted.is_some() {
        "/dev/mapper/root"
    } else {
        "/dev/md/md-root"
    };
    filesystems.push(filesystem(span, root, "xfs", "root"));
    storage.set("filesystems", Node::new(list(filesystems), span.clone()));
    Some(Node::map_at(span, [("storage", storage.value)]))
}

fn filesystem(span: &Range<usize>, device: &str, format: &str, label: &str) -> Node {
    let entries = [
        ("device", word(device)),
        ("format", word(format)),
        ("label", word(label)),
        ("wipeFilesystem", Value::Flag(true)),
    ];
    Node::map_at(span, entries)
}

/// The disks, and the filesystem of `/boot` on their array. The EFI system partitions go to `filesystems`.
fn mirrored(devices: &[Node], architecture: &str, filesystems: &mut Vec<Node>) -> (Vec<Node>, Node) {
    let efi = architecture != "ppc64le";
    let mut disks = Vec::new();
    for (index, device) in devices.iter().enumerate() {
        let span = &device.span;
        let number = index + 1;
        let part = |name: &str, size: Option<i64>, kind: Option<&str>| {
            let mut part = Node::map_at(span, [("label", word(&format!("{name}-{number}")))]);
            if let Some(size) = size {
                part.set("sizeMiB", Node::new(Value::Whole(size), span.clone()));
            }
            if let Some(kind) = kind {
                part.set("typeGuid", Node::text_at(span, kind));
            }
            part
        };
        let first = match architecture {
            "x86_64" => part("bios", Some(1), Some(BIOS)),
            "ppc64le" => part("prep", Some(4), Some(PREP)),
            _ => part("reserved", Some(1), Some(RESERVED)),
        };
        let second = if efi {
            part("esp", Some(127), Some(ESP))
        } else {
            part("reserved", Some(1), Some(RESERVED))
        };
        let parts = vec![first, second, part("boot", Some(384), None), part("root", None, None)];
        let entries = [
            ("device", word(device.as_text().unwrap_or_default())),
            ("partitions", list(parts)),
            ("wipeTable", Value::Flag(true)),
        ];
        disks.push(Node::map_at(span, entries));
        if efi {
            let name = format!("esp-{number}");
            filesystems.push(filesystem(
                span,
                &format!("/dev/disk/by-partlabel/{name}"),
                "vfat",
                &name,
            ));
        }
    }
    let span = devices.first().map_or(0..0, |device| device.span.clone());
    (disks, filesystem(&span, "/dev/md/md-boot", "ext4", "boot"))
}

fn arrays(count: usize, span: &Range<usize>) -> Vec<Node> {
    let array = |name: &str, options: &[&str]| {
        let device = |number| Node::text_at(span, format!("/dev/disk/by-partlabel/{name}-{number}"));
        let entries = [
            ("devices", list((1..=count).map(device).collect())),
            ("level", word("raid1")),
            ("name", word(&format!("md-{name}"))),
            (
                "options",
                list(options.iter().map(|option| Node::text_at(span, *option)).collect()),
            ),
        ];
        Node::map_at(span, entries)
    };
    // BIOS GRUB knows no arrays: with its data at the end of the partition, one looks like a plain partition.
    vec![array("boot", &["--metadata=1.0"]), array("root", &[])]
}

fn volume(luks: &Node, device: &str) -> Node {
    let span = &luks.span;
    let mut clevis = Node::new(Value::Map(Vec::new()), span.clone());
    for key in ["tang", "threshold", "tpm2"] {
        if let Some(node) = luks.get(key) {
            clevis.set(key, node.clone());
        }
    }
    let entries = [
        ("clevis", clevis.value),
        ("device", word(device)),
        ("label", word("luks-root")),
        ("name", word("root")),
        ("wipeVolume", Value::Flag(true)),
    ];
    let mut volume = Node::map_at(span, entries);
    if let Some(discard) = luks.get("discard") {
        volume.set("discard", discard.clone());
    }
    volume
}

/// What `grub.users` stands for: the users that may change what the boot menu starts.
pub(super) fn menu(grub: &Node, faults: &mut Vec<Fault>) -> Option<Node> {
    let users = grub.list("users");
    let first = users.first()?;
    let mut names = Vec::new();
    let mut lines = String::new();
    for user in users {
        let (name, hash) = (
            user.text("name").unwrap_or_default(),
            user.text("passwordHash").unwrap_or_default(),
        );
        if name.is_empty() || hash.is_empty() {
            faults.push(Fault::new(
                &user.span,
                "a user of the boot menu needs `name` and `password_hash`",
            ));
        }
        names.push(name);
        lines.push_str(&format!("password_pbkdf2 {name} {hash}\n"));
    }
    let text = format!(
        "# Generated by Butane\n\nset superusers=\"{}\"\n{lines}",
        names.join(" ")
    );
    let span = &first.span;
    let (url, compression) = data_url(text.as_bytes(), false);
    let contents = Node::map_at(
        span,
        [
            ("compression", word(compression.unwrap_or_default())),
            ("source", Value::Text(url)),
        ],
    );
    let boot = [
        ("device", word("/dev/disk/by-label/boot")),
        ("format", word("ext4")),
        ("path", word("/boot")),
    ];
    let file = [("path", word("/boot/grub2/user.cfg")), ("append", list(vec![contents]))];
    let storage = [
        ("files", list(vec![Node::map_at(span, file)])),
        ("filesystems", list(vec![Node::map_at(span, boot)])),
    ];
    Some(Node::map_at(span, [("storage", Node::map_at(span, storage).value)]))
}
