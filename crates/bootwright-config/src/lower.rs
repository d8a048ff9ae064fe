//! From what people write to the words of the core.

mod compat;
mod daemon;
mod dhcp;
mod document;
mod host;
mod image;
mod ipv6;
mod menu;
mod naming;
mod origin;
mod pool;
mod profile;
mod rule;
mod safety;
mod secret;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use bootwright_core::ipv6::Mode;
use bootwright_core::{Policy, ProfileName};

use crate::daemon::Daemon;
use crate::diagnostic::Diagnostic;
use crate::finding::Findings;
use crate::foreign::{Tables, Walk};
use crate::load::Reader;
use crate::node::{At, Entry, Table};
use crate::section::{Section, unknown_key};

pub use image::Image;
pub use origin::Places;
pub(crate) use profile::DEADLINE;
pub use secret::SecretSource;
pub use webhook::Webhook;

/// The names of the sections.
pub(crate) const SECTIONS: &[&str] = &[
    "server", "control", "dhcp", "ipv6", "tftp", "store", "safety", "secrets", "naming", "profiles", "hosts", "rules",
    "images", "compat", "webhooks",
];

/// Where keys belong that people write at the top of the file or into another section.
const PLACES: &[(&str, &str)] = &[
    ("interfaces", "[server]"),
    ("base_url", "[server]"),
    ("http", "[server]"),
    ("data_dir", "[server]"),
    ("listen", "[control]"),
    ("mode", "[dhcp]"),
    ("arch", "[dhcp.arch]"),
    ("relays", "[dhcp]"),
    ("prefixes", "[ipv6]"),
    ("unknown", "[safety]"),
    ("wipe", "[safety]"),
    ("max_attempts", "[safety]"),
    ("max_concurrent", "[safety]"),
    ("profile", "[profiles.<name>]"),
    ("host", "[hosts.<name>]"),
    ("rule", "[[rules]]"),
];

/// A configuration in the words of the core and of the daemon.
pub(crate) struct Lowered {
    pub(crate) policy: Policy,
    pub(crate) daemon: Daemon,
    pub(crate) places: Places,
    pub(crate) secrets: BTreeMap<String, SecretSource>,
    pub(crate) images: BTreeMap<String, Image>,
    pub(crate) webhooks: BTreeMap<String, Webhook>,
    pub(crate) tables: Tables,
    /// What is wrong or odd in other systems' directories.
    pub(crate) foreign: Vec<Diagnostic>,
}

/// Reads a whole configuration. What is wrong goes to the findings, and something stands in its place.
pub(crate) fn lower(root: &Table, read: &dyn Reader, walk: Walk<'_>, findings: &mut Findings) -> Lowered {
    for (key, entry) in root {
        if SECTIONS.contains(&key.as_str()) {
            continue;
        }
        let place = PLACES.iter().find(|(known, _)| known == key);
        unknown_key("", key, entry, SECTIONS, place.map(|(_, section)| *section), findings);
    }
    let mut daemon = daemon::lower(root, findings);
    let compat::Foreign { settings, lowered } = compat::lower(root, &daemon, walk, findings);
    daemon.compat = settings;
    let mut profiles = profile::lower(root, read, findings);
    for profile in lowered.profiles {
        profiles.names.insert(profile.name.to_string());
        profiles.good.entry(profile.name.clone()).or_insert(profile);
    }
    let mut places = profiles.places;
    places.note(root);
    let secrets = secret::lower(root, findings);
    secret::check(&secrets, &profiles.good, &places, findings);
    let names = Profiles { names: profiles.names };
    menu::check(&profiles.mentions, &names, &profiles.good, findings);
    let safety = safety::lower(root, &names, &profiles.good, findings);
    let mut reserved = Vec::new();
    let rule::Lowered { mut rules, gifts } = rule::lower(root, &names, findings);
    let hosts = host::lower(root, &names, (&profiles.good, &gifts), &mut reserved, findings);
    rules.extend(lowered.rules);
    let mut policy = Policy {
        safety,
        profiles: profiles.good,
        hosts,
        naming: naming::lower(root, findings),
        rules: rules.into(),
        gifts,
        raspberry_pi: daemon.tftp.raspberry_pi.is_some(),
        ..Policy::default()
    };
    dhcp::lower_policy(root, &mut policy, &reserved, findings);
    ipv6::lower(root, &mut policy, &daemon, findings);
    daemon.ipv6 = policy.ipv6.mode != Mode::Off;
    Lowered {
        policy,
        daemon,
        places,
        secrets,
        images: image::lower(root, findings),
        webhooks: webhook::lower(root, findings),
        tables: lowered.tables,
        foreign: lowered.diagnostics,
    }
}

/// The profiles that the configuration names, those with mistakes in them included.
struct Profiles {
    names: BTreeSet<String>,
}

impl Profiles {
    /// The profile that a key refers to.
    fn find(&self, key: &str, name: &str, at: &At, findings: &mut Findings) -> Option<ProfileName> {
        if self.names.contains(name) {
            return name.parse().ok();
        }
        let hint = match bootwright_content::nearest(name, self.names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write a section `[profiles.{}]`", crate::section::quoted(name)),
        };
        findings
            .error(at, format!("`{key}`: there is no profile `{}`", name.escape_debug()))
            .hint = Some(hint);
        None
    }
}

/// Things by the name that an operator gave them, each read by `lower`; names that are none are complained about.
fn named<'a, N: FromStr + Ord, T>(
    root: &'a Table,
    section: &str,
    findings: &mut Findings,
    mut lower: impl FnMut(&N, Section<'a>, &'a Entry, &mut Findings) -> Option<T>,
) -> BTreeMap<N, T>
where
    N::Err: std::fmt::Display,
{
    let Some(section) = Section::of(root, section, findings) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (name, entry) in section.entries() {
        let own = Section::new(section.key(name), entry, findings);
        let name = match name.parse::<N>() {
            Ok(name) => name,
            Err(error) => {
                findings.error(&entry.key, format!("`{}` is {error}", name.escape_debug()));
                continue;
            }
        };
        if let Some(thing) = lower(&name, own, entry, findings) {
            found.insert(name, thing);
        }
    }
    found
}
