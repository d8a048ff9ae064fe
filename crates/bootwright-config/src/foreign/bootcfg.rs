//! bootcfg's data directory, of December 2015 (`boot/`, `cloud/`) and of January 2016 (`machines/`, `specs/`).
//!
//! A spec becomes a profile, a machine a rule that suggests it. bootcfg looks for a machine by its UUID, then by its card, then
//! for `default`; so do the rules, which stand in this order.

mod december;
mod january;
mod spec;

use std::collections::BTreeMap;

use bootwright_content::nearest;
use bootwright_core::{Attribute, MacAddr, ProfileName, Uuid};

use super::Lowered;
use super::file::Files;
use super::make::{self, Names};
use crate::compat::{Compat, Era};

/// The document of a profile that holds what bootcfg's own script is made of.
pub const BOOT: &str = "bootcfg.json";
/// The document that `/ignition` answers with.
pub const IGNITION: &str = "ignition.json";
/// The document that `/cloud` answers with.
pub const CLOUD: &str = "cloud-config";

/// What stands for all machines that nothing else is about.
const DEFAULT: &str = "default";

/// Which machines something is about, in the order in which bootcfg looks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Uuid(String),
    Mac(String),
    All,
}

impl Whose {
    fn of_directory(name: &str) -> Option<Self> {
        if name == DEFAULT {
            Some(Self::All)
        } else if let Ok(mac) = name.parse::<MacAddr>() {
            Some(Self::Mac(mac.to_string()))
        } else {
            name.parse::<Uuid>().ok().map(|uuid| Self::Uuid(uuid.to_string()))
        }
    }

    fn conditions(&self) -> Vec<(Attribute, &str)> {
        match self {
            Self::Uuid(uuid) => vec![(Attribute::Uuid, uuid)],
            Self::Mac(mac) => vec![(Attribute::Mac, mac)],
            Self::All => Vec::new(),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Uuid(name) | Self::Mac(name) => name,
            Self::All => DEFAULT,
        }
    }
}

pub(super) fn lower(compat: &Compat, files: &mut Files, lowered: &mut Lowered) {
    let mut rules: BTreeMap<Whose, ProfileName> = BTreeMap::new();
    let mut names = Names::default();
    match compat.era {
        Era::Machines => january::machines(compat, files, lowered, &mut names, &mut rules),
        Era::Boot => december::boot_files(compat, files, lowered, &mut names, &mut rules),
    }
    let mut names = Names::default();
    for (whose, profile) in rules {
        let name = names.give(compat.prefix(), whose.name());
        lowered
            .rules
            .extend(make::rule(compat, &name, whose.conditions(), profile));
    }
    misplaced(compat, files);
}

/// Files where nobody looks for them: what guides have people write, and directories of another time.
fn misplaced(compat: &Compat, files: &mut Files) {
    let known: &[&str] = match compat.era {
        Era::Machines => &["machines", "specs", "cloud", "ignition"],
        Era::Boot => &["boot", "cloud"],
    };
    let tops: Vec<String> = {
        let mut tops: Vec<String> = files
            .paths()
            .filter_map(|path| path.split_once('/').map(|(top, _)| top.to_owned()))
            .collect();
        tops.dedup();
        tops
    };
    for top in tops.iter().filter(|top| !known.contains(&top.as_str())) {
        let hint = match (compat.era, top.as_str()) {
            (Era::Machines, "boot") => "this is bootcfg of December 2015: set `era = \"boot\"`".to_owned(),
            (Era::Boot, "machines" | "specs") => "this is bootcfg of January 2016: set `era = \"machines\"`".to_owned(),
            (_, "groups" | "profiles") => "this is a directory of matchbox: write `[compat.matchbox]`".to_owned(),
            (Era::Machines, name) if Whose::of_directory(name).is_some() => format!("it belongs to `machines/{name}/`"),
            (_, name) => match nearest(name, known.iter().copied()) {
                Some(near) => format!("it belongs to `{near}/`"),
                None => continue,
            },
        };
        let first = first_below(files, top);
        files.warn(&first, 0..0, format!("nothing is read from `{top}/`"), &hint);
    }
    if files.paths().next().is_none() {
        files.warn_all(
            "the directory is empty",
            "it should hold `machines/` and `specs/`, or `boot/` for `era = \"boot\"`",
        );
    }
}

fn owned<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.map(str::to_owned).collect()
}

/// The first file below a directory.
fn first_below(files: &Files, directory: &str) -> String {
    let below = format!("{directory}/");
    let mut paths = files.paths();
    paths
        .find(|path| path.starts_with(&below) || *path == directory)
        .unwrap_or_default()
        .to_owned()
}
