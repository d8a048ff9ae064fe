//! The keys of an Ignition 3 configuration, of which version they are, and what Butane adds to them.
//!
//! Their order is that of Butane's output. Sources: `docs/configuration-v3_0.md` to `-v3_4.md` of Ignition, and
//! `docs/config-fcos-v1_0.md` to `-v1_5.md` and `docs/config-flatcar-v1_0.md` and `-v1_1.md` of Butane.

/// One key.
#[derive(Debug)]
pub(crate) struct Field {
    /// As Ignition spells it.
    pub(crate) name: &'static str,
    /// The minor number of the first version 3 that has it.
    pub(crate) since: u8,
    pub(crate) side: Side,
    pub(crate) kind: Kind,
}

/// Who knows a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Ignition,
    Butane,
}

/// What a key holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text,
    Whole,
    Flag,
    /// Texts of which none may be given twice.
    Texts,
    /// Texts of which each stands for itself, such as arguments of a program.
    Words,
    One(&'static [Field]),
    Many(&'static [Field], Key),
}

/// What makes two entries of a list the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    /// The text of this key.
    Of(&'static str),
    /// The number of a partition, else its label.
    Partition,
    /// Nothing: entries of a merged configuration are put behind those of its parent.
    Never,
}

impl Field {
    pub(super) const fn new(name: &'static str, since: u8, kind: Kind) -> Self {
        Self {
            name,
            since,
            side: Side::Both,
            kind,
        }
    }

    const fn butane(self) -> Self {
        Self {
            side: Side::Butane,
            ..self
        }
    }

    const fn ignition(self) -> Self {
        Self {
            side: Side::Ignition,
            ..self
        }
    }
}

pub(super) const fn text(name: &'static str, since: u8) -> Field {
    Field::new(name, since, Kind::Text)
}

pub(super) const fn whole(name: &'static str, since: u8) -> Field {
    Field::new(name, since, Kind::Whole)
}

pub(super) const fn flag(name: &'static str, since: u8) -> Field {
    Field::new(name, since, Kind::Flag)
}

pub(super) const fn texts(name: &'static str, since: u8) -> Field {
    Field::new(name, since, Kind::Texts)
}

pub(super) const fn words(name: &'static str, since: u8) -> Field {
    Field::new(name, since, Kind::Words)
}

pub(super) const fn one(name: &'static str, since: u8, fields: &'static [Field]) -> Field {
    Field::new(name, since, Kind::One(fields))
}

pub(super) const fn many(name: &'static str, since: u8, fields: &'static [Field], key: &'static str) -> Field {
    Field::new(name, since, Kind::Many(fields, Key::Of(key)))
}

/// The whole.
pub(crate) static CONFIG: &[Field] = &[
    one("ignition", 0, IGNITION),
    one("kernelArguments", 3, KERNEL_ARGUMENTS),
    one("passwd", 0, PASSWD),
    one("storage", 0, STORAGE),
    one("systemd", 0, SYSTEMD),
];

static IGNITION: &[Field] = &[
    one("config", 0, INCLUDED),
    one("proxy", 1, PROXY),
    one("security", 0, SECURITY),
    one("timeouts", 0, TIMEOUTS),
    text("version", 0).ignition(),
];

static INCLUDED: &[Field] = &[many("merge", 0, REFERENCE, "source"), one("replace", 0, REFERENCE)];

static PROXY: &[Field] = &[text("httpProxy", 1), text("httpsProxy", 1), texts("noProxy", 1)];

static SECURITY: &[Field] = &[one("tls", 0, TLS)];

static TLS: &[Field] = &[many("certificateAuthorities", 0, REFERENCE, "source")];

static TIMEOUTS: &[Field] = &[whole("httpResponseHeaders", 0), whole("httpTotal", 0)];

/// Another configuration, or a certificate. Version 3.0 knows nothing but where it is and what it must be.
static REFERENCE: &[Field] = &[
    text("compression", 1),
    many("httpHeaders", 1, HEADER, "name"),
    text("source", 0),
    text("inline", 1).butane(),
    text("local", 1).butane(),
    one("verification", 0, VERIFICATION),
];

/// What a file holds.
static CONTENTS: &[Field] = &[
    text("compression", 0),
    many("httpHeaders", 1, HEADER, "name"),
    text("source", 0),
    text("inline", 0).butane(),
    text("local", 1).butane(),
    one("verification", 0, VERIFICATION),
];

static HEADER: &[Field] = &[text("name", 1), text("value", 1)];

static VERIFICATION: &[Field] = &[text("hash", 0)];

static KERNEL_ARGUMENTS: &[Field] = &[texts("shouldExist", 3), texts("shouldNotExist", 3)];

static PASSWD: &[Field] = &[many("groups", 0, GROUP, "name"), many("users", 0, USER, "name")];

static GROUP: &[Field] = &[
    whole("gid", 0),
    text("name", 0),
    text("passwordHash", 0),
    flag("shouldExist", 2),
    flag("system", 0),
];

static USER: &[Field] = &[
    text("gecos", 0),
    texts("groups", 0),
    text("homeDir", 0),
    text("name", 0),
    flag("noCreateHome", 0),
    flag("noLogInit", 0),
    flag("noUserGroup", 0),
    text("passwordHash", 0),
    text("primaryGroup", 0),
    texts("sshAuthorizedKeys", 0),
    words("sshAuthorizedKeysLocal", 4).butane(),
    text("shell", 0),
    flag("shouldExist", 2),
    flag("system", 0),
    whole("uid", 0),
];

/// Disks, and what is on them.
pub(crate) static STORAGE: &[Field] = &[
    many("directories", 0, DIRECTORY, "path"),
    many("disks", 0, DISK, "device"),
    many("files", 0, FILE, "path"),
    many("filesystems", 0, FILESYSTEM, "device"),
    many("links", 0, LINK, "path"),
    many("luks", 2, LUKS, "name"),
    many("raid", 0, RAID, "name"),
    Field::new("trees", 1, Kind::Many(TREE, Key::Never)).butane(),
];

static TREE: &[Field] = &[text("local", 1).butane(), text("path", 1).butane()];

static DIRECTORY: &[Field] = &[
    one("group", 0, OWNER),
    flag("overwrite", 0),
    text("path", 0),
    one("user", 0, OWNER),
    whole("mode", 0),
];

static FILE: &[Field] = &[
    one("group", 0, OWNER),
    flag("overwrite", 0),
    text("path", 0),
    one("user", 0, OWNER),
    Field::new("append", 0, Kind::Many(CONTENTS, Key::Never)),
    one("contents", 0, CONTENTS),
    whole("mode", 0),
];

static LINK: &[Field] = &[
    one("group", 0, OWNER),
    flag("overwrite", 0),
    text("path", 0),
    one("user", 0, OWNER),
    flag("hard", 0),
    text("target", 0),
];

static OWNER: &[Field] = &[whole("id", 0), text("name", 0)];

static DISK: &[Field] = &[
    text("device", 0),
    Field::new("partitions", 0, Kind::Many(PARTITION, Key::Partition)),
    flag("wipeTable", 0),
];

static PARTITION: &[Field] = &[
    text("guid", 0),
    text("label", 0),
    whole("number", 0),
    flag("resize", 2),
    flag("shouldExist", 0),
    whole("sizeMiB", 0),
    whole("startMiB", 0),
    text("typeGuid", 0),
    flag("wipePartitionEntry", 0),
];

static FILESYSTEM: &[Field] = &[
    text("device", 0),
    text("format", 0),
    text("label", 0),
    words("mountOptions", 1),
    words("options", 0),
    text("path", 0),
    text("uuid", 0),
    flag("wipeFilesystem", 0),
    flag("withMountUnit", 1).butane(),
];

static LUKS: &[Field] = &[
    one("clevis", 2, CLEVIS),
    text("device", 2),
    flag("discard", 4),
    one("keyFile", 2, CONTENTS),
    text("label", 2),
    text("name", 2),
    words("openOptions", 4),
    words("options", 2),
    text("uuid", 2),
    flag("wipeVolume", 2),
];

static CLEVIS: &[Field] = &[
    one("custom", 2, CUSTOM),
    many("tang", 2, TANG, "url"),
    whole("threshold", 2),
    flag("tpm2", 2),
];

static CUSTOM: &[Field] = &[text("config", 2), flag("needsNetwork", 2), text("pin", 2)];

static TANG: &[Field] = &[text("advertisement", 4), text("thumbprint", 2), text("url", 2)];

static RAID: &[Field] = &[
    texts("devices", 0),
    text("level", 0),
    text("name", 0),
    words("options", 0),
    whole("spares", 0),
];

static SYSTEMD: &[Field] = &[many("units", 0, UNIT, "name")];

static UNIT: &[Field] = &[
    text("contents", 0),
    text("contentsLocal", 4).butane(),
    many("dropins", 0, DROPIN, "name"),
    flag("enabled", 0),
    flag("mask", 0),
    text("name", 0),
];

static DROPIN: &[Field] = &[text("contents", 0), text("contentsLocal", 4).butane(), text("name", 0)];

/// `boot_device` of Fedora CoreOS since 1.3; `since` counts Ignition's versions.
pub(crate) static BOOT_DEVICE: &[Field] = &[
    text("layout", 2),
    one("luks", 2, BOOT_LUKS),
    one("mirror", 2, BOOT_MIRROR),
];

static BOOT_LUKS: &[Field] = &[
    flag("discard", 4),
    many("tang", 2, TANG, "url"),
    whole("threshold", 2),
    flag("tpm2", 2),
];

static BOOT_MIRROR: &[Field] = &[texts("devices", 2)];

/// `grub` of Fedora CoreOS since 1.5.
pub(crate) static GRUB: &[Field] = &[many("users", 4, GRUB_USER, "name")];

static GRUB_USER: &[Field] = &[text("name", 4), text("passwordHash", 4)];

/// A key as Butane spells it: `sizeMiB` is `size_mib`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.replace("MiB", "Mib").chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
