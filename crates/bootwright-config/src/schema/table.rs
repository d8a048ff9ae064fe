//! The table itself, section by section, in the order of `config/config.toml`.

use super::{Key, Kind};
use Kind::{Anything, Bool, Either, Items, List, Map, Number, Scalar, Span, SpanOrOff, Table, Text, Words};

const TEXTS: Kind = Items(&Text);

const fn key(name: &'static str, kind: Kind, says: &'static str) -> Key {
    Key { name, kind, says }
}

/// The sections.
pub const TOP: &[Key] = &[
    key("server", Table(SERVER), "Where machines reach this box"),
    key("control", Table(CONTROL), "Where people reach it"),
    key("dhcp", Table(DHCP), "How machines are told where to boot"),
    key("ipv6", Table(IPV6), "The same over IPv6"),
    key("tftp", Table(TFTP), "What TFTP grants"),
    key("store", Table(STORE), "Where the record is kept"),
    key("safety", Table(SAFETY), "What may be installed, and how often"),
    key(
        "naming",
        Table(NAMING),
        "What machines are called that nobody has named",
    ),
    key(
        "secrets",
        Map(&Table(SECRET)),
        "Where secrets are that templates ask for, by name",
    ),
    key("images", Map(&Table(IMAGE)), "Where images come from, by name"),
    key("profiles", Map(&Table(PROFILE)), "What to boot, by name"),
    key("hosts", Map(&Table(HOST)), "Machines, by name"),
    key(
        "rules",
        List(&Table(RULE)),
        "Which profile machines get; the first that fits",
    ),
    key("webhooks", Map(&Table(WEBHOOK)), "Who is told of events, by name"),
    key("compat", Table(COMPAT), "The systems whose place we take"),
];

const SERVER: &[Key] = &[
    key(
        "interfaces",
        TEXTS,
        "interfaces to serve on, as names or patterns; none: every wired one",
    ),
    key(
        "base_url",
        Text,
        "how machines reach this box; `auto`: by the interface they ask on",
    ),
    key("http", Text, "address and port for scripts, files and images"),
    key("data_dir", Text, "where everything lies that must last"),
    key("syslog", Text, "where messages of installers are received, or `off`"),
];

const CONTROL: &[Key] = &[
    key("listen", Text, "address and port for browsers and other boxes"),
    key(
        "tls",
        Either(&[Words(&["self-signed", "off"]), Table(CERTIFICATE)]),
        "by which certificate that is protected",
    ),
    key("hosts", TEXTS, "names under which browsers may ask for it"),
];

const CERTIFICATE: &[Key] = &[
    key(
        "cert",
        Text,
        "the path of the certificate and those that vouch for it, as PEM",
    ),
    key("key", Text, "the path of its key, as PEM"),
];

const DHCP: &[Key] = &[
    key(
        "mode",
        Words(&["proxy", "server", "observe", "off"]),
        "beside another server, as the server, only looking, or not",
    ),
    key(
        "sockets",
        Words(&["auto", "kernel", "packet"]),
        "by which kind of socket",
    ),
    key("relays", TEXTS, "relays that may ask"),
    key("force", Bool, "lease although another server answers"),
    key(
        "merged_offer",
        Bool,
        "the last step of the ladder may repeat another server's address",
    ),
    key(
        "census",
        SpanOrOff,
        "how often other servers are searched for, or `off`",
    ),
    key(
        "arch",
        Map(&TEXTS),
        "boot programs by architecture; the first is handed out, the others may be asked for",
    ),
    key("pools", Items(&Table(POOL)), "addresses to lease"),
];

const POOL: &[Key] = &[
    key("subnet", Text, "the network, such as 192.168.77.0/24"),
    key("range", TEXTS, "addresses to lease"),
    key("router", TEXTS, "routers"),
    key("dns", TEXTS, "name servers"),
    key("domain", TEXTS, "the domain"),
    key("search", TEXTS, "domains to search"),
    key("ntp", TEXTS, "time servers"),
    key("mtu", Number(576, 9216), "the largest packet"),
    key("lease", Span, "how long an installed system has its address"),
    key("boot_lease", Span, "how long firmware has it"),
    key("interface", TEXTS, "interfaces of this network"),
    key("relay", TEXTS, "relays of this network"),
    key("probe", Bool, "look whether an address is used before it is leased"),
    key(
        "keep_for_known",
        Number(0, 100),
        "how much of it is for known machines alone, in percent",
    ),
];

const IPV6: &[Key] = &[
    key(
        "mode",
        Words(&["off", "proxy", "server"]),
        "not, beside another server, or as the server",
    ),
    key("prefixes", TEXTS, "networks to lend addresses from"),
    key("lease", Span, "how long an address lasts"),
    key("dns", TEXTS, "name servers"),
    key("relays", TEXTS, "relays that may ask"),
];

const TFTP: &[Key] = &[
    key("max_blksize", Number(512, 65_464), "the largest block"),
    key(
        "max_windowsize",
        Number(1, 65_535),
        "the most blocks before an acknowledgement",
    ),
    key("strict", Bool, "only machines that asked by DHCP before"),
    key("root", Text, "a directory to serve beside the boot programs"),
    key("raspberry_pi", Text, "a directory with the firmware of Raspberry Pis"),
];

const STORE: &[Key] = &[key("url", Text, "`sqlite`")];

const COUNT: Kind = Number(1, u32::MAX);

const SAFETY: &[Key] = &[
    key(
        "unknown",
        Either(&[Words(&["hold", "local", "ignore"]), Table(UNKNOWN)]),
        "what becomes of a machine that nobody knows",
    ),
    key(
        "i_understand_this_wipes",
        Bool,
        "`unknown = { install = … }` overwrites disks",
    ),
    key("max_attempts", COUNT, "how often a run's script is served"),
    key("max_concurrent", COUNT, "how many runs may be under way"),
    key("max_new_per_hour", COUNT, "how many runs may begin within an hour"),
    key(
        "pause_after_failures",
        COUNT,
        "installs are paused after so many failures in a row",
    ),
    key(
        "max_rule_arms_per_minute",
        COUNT,
        "how many machines rules may arm in a minute",
    ),
    key(
        "wipe",
        Words(&["empty-only", "always"]),
        "which disks installers may overwrite",
    ),
    key("arm_ttl", Span, "how long an arming lasts"),
    key(
        "protect_after",
        SpanOrOff,
        "when an installed machine is locked, or `off`",
    ),
    key(
        "console_menu",
        Text,
        "the menu that the console of a waiting machine may open",
    ),
    key("console_shell", Bool, "whether that console may open a shell"),
    key("documents_over_http", Bool, "whether documents leave by plain HTTP"),
    key(
        "document_binding",
        Words(&["station", "address"]),
        "by what a machine is known that fetches documents",
    ),
    key("document_window", Span, "how long documents are sent"),
];

const UNKNOWN: &[Key] = &[key(
    "install",
    Text,
    "the profile that every unknown machine is installed with",
)];

const NAMING: &[Key] = &[
    key("list", TEXTS, "names, in order"),
    key("pattern", Text, "how names are made, such as node-{number}"),
];

const SECRET: &[Key] = &[
    key("file", Text, "the file that holds it"),
    key("env", Text, "the variable of the daemon's environment that holds it"),
];

const WEBHOOK: &[Key] = &[
    key("url", Text, "where events are sent"),
    key("secret", Table(SECRET), "what messages are signed with"),
    key("events", TEXTS, "which verbs are told; none: all"),
    key("timeout", Span, "how long an answer may take"),
];

const IMAGE: &[Key] = &[
    key(
        "source",
        TEXTS,
        "a path, URLs, fcos:STREAM, flatcar:CHANNEL or debian:SUITE",
    ),
    key("mirrors", TEXTS, "other places with the same files"),
    key("keys", TEXTS, "public keys, one of which must have signed it"),
    key("signature", Text, "the signature, if it is not beside the file"),
    key("sums", Text, "a list of hashes; it is then what is signed"),
    key("sha256", Text, "the SHA-256 of the file"),
    key("sha512", Text, "the SHA-512 of the file"),
    key("arch", Text, "the architecture, as the vendor calls it"),
    key("keep", Bool, "keep an archive beside what is unpacked from it"),
    key("unverified", Bool, "take what nothing proves"),
    key("max_size", Number(1, 65_536), "the most bytes of all files, in GiB"),
];

const PROFILE: &[Key] = &[
    key(
        "kind",
        Words(&["boot", "menu"]),
        "something to boot, or a menu of other profiles",
    ),
    key(
        "kernel",
        Text,
        "the kernel: a path below /images/ or /assets/, or a URL",
    ),
    key("initrds", Items(&Either(&[Text, Table(INITRD)])), "initial ramdisks"),
    key("args", TEXTS, "the kernel's arguments"),
    key(
        "files",
        Map(&Either(&[Text, Table(DOCUMENT)])),
        "documents for the installer, by name",
    ),
    key(
        "done",
        Either(&[Words(&["callback", "manual"]), Table(DONE)]),
        "how the end of an install is known",
    ),
    key("confirm", Words(&["dashboard", "console", "none"]), "who has to agree"),
    key("deadline", Span, "when a run has failed of which nothing is heard"),
    key("stages", Table(STAGES), "how long each stage may take"),
    key("title", Text, "of a menu: its title"),
    key("timeout", Span, "of a menu: when its default is chosen"),
    key("entries", Items(&Table(ENTRY)), "of a menu: what can be chosen"),
];

const INITRD: &[Key] = &[
    key("source", Text, "a path or a URL"),
    key("target", Text, "its path within the initial ramdisk"),
];

const DOCUMENT: &[Key] = &[
    key("text", Text, "the template itself"),
    key("file", Text, "the file that holds it"),
    key(
        "add",
        Items(&Words(&["hostname", "done", "up"])),
        "what Ignition gets for each host",
    ),
];

const DONE: &[Key] = &[
    key("config-served", Text, "the document whose fetching ends it"),
    key("last-artifact", Text, "the file whose fetching ends it"),
];

const STAGES: &[Key] = &[
    key("kernel", Span, "until the kernel is fetched"),
    key("config", Span, "until a document is fetched"),
    key("done", Span, "until the end"),
];

const ENTRY: &[Key] = &[
    key("title", Text, "what is shown"),
    key("default", Bool, "what is chosen when nobody chooses"),
    key("local", Bool, "the own disk"),
    key("hold", Bool, "waiting"),
    key("live", Text, "a profile that is booted and installs nothing"),
    key("install", Text, "a profile that installs"),
];

const HOST: &[Key] = &[
    key("mac", TEXTS, "its cards"),
    key("uuid", Text, "its UUID"),
    key("serial", Text, "its serial number"),
    key("profile", Text, "what it is armed with unless somebody says otherwise"),
    key("labels", Map(&Scalar), "what rules ask for"),
    key("metadata", Anything, "what templates ask for"),
    key("firmware", Text, "its boot program"),
    key(
        "offer",
        Words(&[
            "direct",
            "direct-with-menu",
            "no-vendor-options",
            "one-entry-menu",
            "merged",
        ]),
        "how it is offered",
    ),
    key(
        "local_boot",
        Words(&["bios-disk", "uefi-disk", "exit", "no-file", "no-offer"]),
        "how it is sent to its own disk",
    ),
    key("directory", Text, "a Raspberry Pi's own directory"),
    key("address", TEXTS, "addresses that are kept for it"),
];

const RULE: &[Key] = &[
    key("name", Text, "its name, by which is remembered what it has granted"),
    key("when", Anything, "what machines must show: patterns by attribute"),
    key("profile", Text, "what they get"),
    key("metadata", Anything, "what templates are told of them"),
    key("auto_arm", Bool, "arm them without asking"),
    key("limit", COUNT, "how many machines it may arm"),
];

const COMPAT: &[Key] = &[
    key("bootcfg", Table(BOOTCFG), "bootcfg's clients and data"),
    key(
        "dynamic-ignition",
        Table(DYNAMIC_IGNITION),
        "dynamic-ignition-coreos' clients and data",
    ),
    key("flatcar", Table(FLATCAR), "the Flatcar container's nodes"),
    key("kiwispray", Table(KIWISPRAY), "KIWIspray's clients and images"),
    key("matchbox", Table(MATCHBOX), "matchbox' clients and data"),
    key("pixiecore", Table(PIXIECORE), "Pixiecore's API, both ways"),
];

const ENABLED: Key = key("enabled", Bool, "whether it is spoken");
const LISTEN: Key = key("listen", Text, "an address and port of its own");
const DATA_DIR: Key = key("data_dir", Text, "the directory with its data");
const CONFIGS: Key = key("configs", Words(&["run", "anybody"]), "who is given documents");
const DONE_BY: Key = key(
    "done",
    Words(&["callback", "config-served", "manual"]),
    "what ends a run",
);

const BOOTCFG: &[Key] = &[
    ENABLED,
    LISTEN,
    DATA_DIR,
    key("images_dir", Text, "the directory with its images"),
    CONFIGS,
    DONE_BY,
    key("era", Words(&["machines", "boot"]), "how its data is laid out"),
];

const DYNAMIC_IGNITION: &[Key] = &[ENABLED, LISTEN, DATA_DIR, CONFIGS, DONE_BY];

const FLATCAR: &[Key] = &[ENABLED, DATA_DIR, key("image", Text, "the image that it boots")];

const KIWISPRAY: &[Key] = &[ENABLED, LISTEN, DATA_DIR, CONFIGS];

const MATCHBOX: &[Key] = &[
    ENABLED,
    LISTEN,
    DATA_DIR,
    key("assets_dir", Text, "the directory with its assets"),
    CONFIGS,
    DONE_BY,
    key(
        "rpc_listen",
        Text,
        "an address and port for programs that write its data",
    ),
    key("cert_file", Text, "our certificate for them"),
    key("key_file", Text, "its key"),
    key("ca_file", Text, "who has signed theirs"),
    key("key_ring", Text, "the key that signs what clients are answered"),
];

const PIXIECORE: &[Key] = &[
    ENABLED,
    LISTEN,
    key("upstream", Text, "an API server that says what machines boot"),
    DATA_DIR,
    key("files_dir", Text, "the directory with its files"),
    DONE_BY,
];
