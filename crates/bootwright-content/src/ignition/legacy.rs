//! The first two versions, for systems of their time: Container Linux, and Flatcar to this day.
//!
//! Version 1 has no checks of its own beyond its shape; of version 2 what its documentation demands is checked. No
//! program that Debian has reads either, so that golden files say what is right.

use super::schema::{Field, Key, Kind, flag, many, one, text, texts, whole, words};
use super::shape::{self, Form};
use super::unit;
use crate::tree::{Fault, Node, Value};

static VERSION_1: &[Field] = &[
    whole("ignitionVersion", 0),
    one("storage", 0, STORAGE_1),
    one("systemd", 0, SYSTEMD_1),
    one("networkd", 0, NETWORKD),
    one("passwd", 0, PASSWD_1),
];

static STORAGE_1: &[Field] = &[
    many("disks", 0, DISK_1, "device"),
    many("raid", 0, RAID_1, "name"),
    many("filesystems", 0, FILESYSTEM_1, "device"),
];

static DISK_1: &[Field] = &[
    text("device", 0),
    flag("wipeTable", 0),
    Field::new("partitions", 0, Kind::Many(PARTITION_1, Key::Partition)),
];

static PARTITION_1: &[Field] = &[
    text("label", 0),
    whole("number", 0),
    whole("size", 0),
    whole("start", 0),
    text("typeGuid", 0),
];

static RAID_1: &[Field] = &[
    text("name", 0),
    text("level", 0),
    texts("devices", 0),
    whole("spares", 0),
];

static FILESYSTEM_1: &[Field] = &[
    text("device", 0),
    text("format", 0),
    one("create", 0, CREATE),
    many("files", 0, FILE_1, "path"),
];

static CREATE: &[Field] = &[flag("force", 0), words("options", 0)];

static FILE_1: &[Field] = &[
    text("path", 0),
    text("contents", 0),
    whole("mode", 0),
    whole("uid", 0),
    whole("gid", 0),
];

static SYSTEMD_1: &[Field] = &[many("units", 0, UNIT_1, "name")];

static UNIT_1: &[Field] = &[
    text("name", 0),
    flag("enable", 0),
    flag("mask", 0),
    text("contents", 0),
    many("dropins", 0, DROPIN, "name"),
];

static DROPIN: &[Field] = &[text("name", 0), text("contents", 0)];

static NETWORKD: &[Field] = &[many("units", 0, NETWORKD_UNIT, "name")];

static NETWORKD_UNIT: &[Field] = &[text("name", 0), text("contents", 0), many("dropins", 2, DROPIN, "name")];

static PASSWD_1: &[Field] = &[many("users", 0, USER_1, "name"), many("groups", 0, GROUP, "name")];

static USER_1: &[Field] = &[
    text("name", 0),
    text("passwordHash", 0),
    texts("sshAuthorizedKeys", 0),
    one("create", 0, USER_CREATE),
];

static USER_CREATE: &[Field] = &[
    whole("uid", 0),
    text("gecos", 0),
    text("homeDir", 0),
    flag("noCreateHome", 0),
    text("primaryGroup", 0),
    texts("groups", 0),
    flag("noUserGroup", 0),
    flag("system", 0),
    flag("noLogInit", 0),
    text("shell", 0),
];

static GROUP: &[Field] = &[
    text("name", 0),
    whole("gid", 0),
    text("passwordHash", 0),
    flag("system", 0),
];

/// Version 1, read and written anew as bootcfg of its time did: its keys in their order, what is empty left out but for
/// the four sections.
pub(super) fn rewrite_1(config: Node, faults: &mut Vec<Fault>) -> Node {
    let form = Form { minor: 0, butane: None };
    let mut config = shape::read(config, VERSION_1, form, faults);
    thin(&mut config, VERSION_1);
    let span = config.span.clone();
    for section in ["storage", "systemd", "networkd", "passwd"] {
        if config.get(section).is_none() {
            config.set(section, Node::new(Value::Map(Vec::new()), span.clone()));
        }
    }
    if let Value::Map(entries) = &mut config.value {
        let place = |key: &str| VERSION_1.iter().position(|field| field.name == key);
        entries.sort_by_key(|entry| place(&entry.key));
    }
    config
}

/// Takes out what Go's `omitempty` leaves out: empty texts and lists, zeros and false.
fn thin(node: &mut Node, fields: &[Field]) {
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries.iter_mut() {
        let kind = fields
            .iter()
            .find(|field| field.name == entry.key)
            .map(|field| field.kind);
        match (kind, &mut entry.node) {
            (Some(Kind::One(fields)), node) => thin(node, fields),
            (
                Some(Kind::Many(fields, _)),
                Node {
                    value: Value::List(items),
                    ..
                },
            ) => items.iter_mut().for_each(|item| thin(item, fields)),
            _ => {}
        }
    }
    // What a partition says of itself has no `omitempty`, nor have pointers, to which `create` and the ids belong.
    let partition = fields.iter().any(|field| field.name == "start");
    let ids = fields
        .iter()
        .any(|field| matches!(field.name, "homeDir" | "passwordHash"));
    entries.retain(|entry| match &entry.node.value {
        Value::Whole(0) => partition || (ids && matches!(entry.key.as_str(), "uid" | "gid")),
        Value::Flag(false) | Value::Null => false,
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(_) | Value::Flag(true) | Value::Whole(_) | Value::Real(_) | Value::Plain(_) => true,
    });
    if partition {
        let span = node.span.clone();
        for key in ["number", "size", "start"] {
            if node.get(key).is_none() {
                node.set(key, Node::new(Value::Whole(0), span.clone()));
            }
        }
        if let Value::Map(entries) = &mut node.value {
            let place = |key: &str| fields.iter().position(|field| field.name == key);
            entries.sort_by_key(|entry| place(&entry.key));
        }
    }
}

static VERSION_2: &[Field] = &[
    one("ignition", 0, IGNITION_2),
    one("storage", 0, STORAGE_2),
    one("systemd", 0, SYSTEMD_2),
    one("networkd", 0, NETWORKD),
    one("passwd", 0, PASSWD_2),
];

static IGNITION_2: &[Field] = &[
    text("version", 0),
    one("config", 0, INCLUDED_2),
    one("timeouts", 1, TIMEOUTS),
    one("security", 2, SECURITY_2),
    one("proxy", 4, PROXY_2),
];

static INCLUDED_2: &[Field] = &[
    Field::new("append", 0, Kind::Many(REFERENCE_2, Key::Never)),
    one("replace", 0, REFERENCE_2),
];

static REFERENCE_2: &[Field] = &[
    text("source", 0),
    one("verification", 0, VERIFICATION),
    Field::new("httpHeaders", 4, Kind::Many(HEADER, Key::Never)),
];

static VERIFICATION: &[Field] = &[text("hash", 0)];
static HEADER: &[Field] = &[text("name", 4), text("value", 4)];
static TIMEOUTS: &[Field] = &[whole("httpResponseHeaders", 1), whole("httpTotal", 1)];
static SECURITY_2: &[Field] = &[one("tls", 2, TLS_2)];
static TLS_2: &[Field] = &[Field::new(
    "certificateAuthorities",
    2,
    Kind::Many(REFERENCE_2, Key::Never),
)];
static PROXY_2: &[Field] = &[text("httpProxy", 4), text("httpsProxy", 4), words("noProxy", 4)];

static STORAGE_2: &[Field] = &[
    many("disks", 0, DISK_2, "device"),
    many("raid", 0, RAID_2, "name"),
    Field::new("filesystems", 0, Kind::Many(FILESYSTEM_2, Key::Never)),
    Field::new("files", 0, Kind::Many(NODE_2, Key::Never)),
    Field::new("directories", 1, Kind::Many(NODE_2, Key::Never)),
    Field::new("links", 1, Kind::Many(NODE_2, Key::Never)),
];

static DISK_2: &[Field] = &[
    text("device", 0),
    flag("wipeTable", 0),
    Field::new("partitions", 0, Kind::Many(PARTITION_2, Key::Partition)),
];

static PARTITION_2: &[Field] = &[
    text("label", 0),
    whole("number", 0),
    whole("size", 0),
    whole("start", 0),
    text("typeGuid", 0),
    text("guid", 1),
    whole("sizeMiB", 3),
    whole("startMiB", 3),
    flag("shouldExist", 3),
    flag("wipePartitionEntry", 3),
];

static RAID_2: &[Field] = &[
    text("name", 0),
    text("level", 0),
    texts("devices", 0),
    whole("spares", 0),
    words("options", 1),
];

static FILESYSTEM_2: &[Field] = &[text("name", 0), one("mount", 0, MOUNT), text("path", 0)];

static MOUNT: &[Field] = &[
    text("device", 0),
    text("format", 0),
    one("create", 0, CREATE),
    flag("wipeFilesystem", 1),
    text("label", 1),
    text("uuid", 1),
    words("options", 1),
];

/// A file, a directory or a link.
static NODE_2: &[Field] = &[
    text("filesystem", 0),
    text("path", 0),
    one("contents", 0, CONTENTS_2),
    whole("mode", 0),
    one("user", 0, OWNER),
    one("group", 0, OWNER),
    flag("append", 2),
    flag("overwrite", 2),
    flag("hard", 1),
    text("target", 1),
];

static CONTENTS_2: &[Field] = &[
    text("compression", 0),
    text("source", 0),
    one("verification", 0, VERIFICATION),
    Field::new("httpHeaders", 4, Kind::Many(HEADER, Key::Never)),
];

static OWNER: &[Field] = &[whole("id", 0), text("name", 1)];

static SYSTEMD_2: &[Field] = &[many("units", 0, UNIT_2, "name")];

static UNIT_2: &[Field] = &[
    text("name", 0),
    flag("enable", 0),
    flag("enabled", 1),
    flag("mask", 0),
    text("contents", 0),
    many("dropins", 0, DROPIN, "name"),
];

static PASSWD_2: &[Field] = &[many("users", 0, USER_2, "name"), many("groups", 0, GROUP, "name")];

static USER_2: &[Field] = &[
    text("name", 0),
    text("passwordHash", 0),
    texts("sshAuthorizedKeys", 0),
    one("create", 0, USER_CREATE),
    whole("uid", 1),
    text("gecos", 1),
    text("homeDir", 1),
    flag("noCreateHome", 1),
    text("primaryGroup", 1),
    texts("groups", 1),
    flag("noUserGroup", 1),
    flag("system", 1),
    flag("noLogInit", 1),
    text("shell", 1),
];

/// What is wrong with a configuration of version 2.`minor`.
pub(super) fn check_2(config: Node, minor: u8, faults: &mut Vec<Fault>) {
    // Warnings name the version by its minor number, which is this one's, too.
    let before = faults.len();
    let config = shape::read(config, VERSION_2, Form { minor, butane: None }, faults);
    for fault in faults.iter_mut().skip(before) {
        fault.message = fault.message.replace("Ignition 3.", "Ignition 2.");
        fault.hint = fault.hint.take().map(|hint| hint.replace("Ignition 3.", "Ignition 2."));
    }
    let Some(storage) = config.get("storage") else {
        return units(&config, faults);
    };
    for list in ["files", "directories", "links"] {
        for node in storage.list(list) {
            if !node.text("path").is_some_and(|path| path.starts_with('/')) {
                faults.push(Fault::new(
                    node.at("path"),
                    "the path must be absolute: it begins with `/`",
                ));
            }
            if node.text("filesystem").unwrap_or_default().is_empty() {
                let fault = Fault::new(node.at("filesystem"), "a `filesystem` is needed");
                faults.push(fault.hint("the root filesystem is named `root`"));
            }
            if node.whole("mode").is_some_and(|mode| !(0..=0o7777).contains(&mode)) {
                faults.push(Fault::new(node.at("mode"), "the mode is none: it is at most 4095"));
            }
            if let Some(contents) = node.get("contents") {
                source(contents, faults);
            }
        }
    }
    for disk in storage.list("disks") {
        if !disk.text("device").is_some_and(|device| device.starts_with('/')) {
            faults.push(Fault::new(disk.at("device"), "the device must be an absolute path"));
        }
    }
    units(&config, faults);
}

fn source(contents: &Node, faults: &mut Vec<Fault>) {
    let source = contents.text("source").unwrap_or_default();
    let known = ["http:", "https:", "tftp:", "s3:", "oem:", "data:"];
    if !source.is_empty() && !known.iter().any(|scheme| source.starts_with(scheme)) {
        let message = "this is no kind of URL that Ignition 2 fetches from";
        faults.push(Fault::new(contents.at("source"), message));
    }
    if let Some(verification) = contents.get("verification")
        && let Some(hash) = verification.text("hash")
        && let Some(message) = super::source::hash_refusal(hash, 0)
    {
        faults.push(Fault::new(
            verification.at("hash"),
            message.replace("Ignition 3.0", "Ignition 2"),
        ));
    }
}

fn units(config: &Node, faults: &mut Vec<Fault>) {
    for unit in config.get("systemd").map_or(&[][..], |systemd| systemd.list("units")) {
        unit::check(unit, faults);
    }
}
