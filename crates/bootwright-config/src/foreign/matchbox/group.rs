//! A group: which machines it is about, which profile they get, and what fills that in.

use std::collections::BTreeMap;

use bootwright_core::{Attribute, MacAddr, Uuid};

use super::template::Datum;
use crate::foreign::file::Files;
use crate::node::{At, Value};
use crate::section::Section;

/// What a selector can ask of the machine itself; all else are labels.
const OF_MACHINE: &[&str] = &["mac", "uuid", "serial", "hostname", "asset", "manufacturer", "product"];

/// A group of a file.
#[derive(Debug)]
pub(super) struct Group {
    /// The name of its file.
    pub(super) id: String,
    /// The name of its profile's file.
    pub(super) profile: String,
    /// What it asks, in the form in which matchbox compares it.
    pub(super) selector: BTreeMap<String, String>,
    pub(super) metadata: BTreeMap<String, Datum>,
}

impl Group {
    /// What it asks of the machine itself.
    pub(super) fn of_machine(&self) -> BTreeMap<String, String> {
        self.part(true)
    }

    /// What it asks besides: labels of the host, or words of the request for a document.
    pub(super) fn words(&self) -> BTreeMap<String, String> {
        self.part(false)
    }

    fn part(&self, machine: bool) -> BTreeMap<String, String> {
        let is_of_machine = |key: &str| OF_MACHINE.contains(&key);
        let asked = self.selector.iter().filter(|(key, _)| is_of_machine(key) == machine);
        asked.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// What a condition of a selector asks.
pub(super) fn attribute(key: &str) -> Attribute {
    match key {
        "mac" => Attribute::Mac,
        "uuid" => Attribute::Uuid,
        "serial" => Attribute::Serial,
        "hostname" => Attribute::Host,
        "asset" => Attribute::Asset,
        "manufacturer" => Attribute::Manufacturer,
        "product" => Attribute::Product,
        other => Attribute::Label(other.to_owned()),
    }
}

/// Reads the file of a group, and where it names its profile.
pub(super) fn group(stem: &str, path: &str, files: &mut Files) -> Option<(Group, At)> {
    let node = files.json(path)?;
    let findings = &mut files.findings;
    let mut section = Section::from_node("group".to_owned(), &node, findings);
    super::names(&mut section, stem, findings);
    let profile = section.text("profile", "worker", findings);
    let selector = section.take("selector");
    let metadata = section.take("metadata");
    section.finish_mildly(findings);
    let mut good = true;
    let mut asked = BTreeMap::new();
    if let Some(entry) = selector {
        for (key, entry) in Section::new("group.selector".to_owned(), entry, findings).entries() {
            let read = match &entry.node.value {
                Value::Text(text) => condition(key, text),
                other => Err(format!("it must be text, not {}", other.kind())),
            };
            match read {
                Ok((key, value)) => {
                    asked.insert(key, value);
                }
                Err(why) => {
                    let message = format!("`group.selector.{}`: {why}", key.escape_debug());
                    findings.error(&entry.node.at, message).hint =
                        Some("the group counts for nothing until that is mended".to_owned());
                    good = false;
                }
            }
        }
    }
    let metadata = match metadata.map(|entry| (entry, Datum::of(&entry.node))) {
        None => BTreeMap::new(),
        Some((_, Datum::Table(table))) => table,
        Some((entry, _)) => {
            let message = format!("`group.metadata` must be a table, not {}", entry.node.value.kind());
            findings.error(&entry.node.at, message).hint = Some("write `{}` around its keys".to_owned());
            return None;
        }
    };
    let Some((profile, at)) = profile.filter(|(profile, _)| !profile.is_empty()) else {
        findings.error(&node.at, "the group has no profile").hint =
            Some("add `\"profile\": \"…\"`, the name of a file below `profiles/`".to_owned());
        return None;
    };
    let group = Group {
        id: stem.to_owned(),
        profile: profile.to_owned(),
        selector: asked,
        metadata,
    };
    good.then(|| (group, at.clone()))
}

/// One condition as it is compared.
fn condition(key: &str, value: &str) -> Result<(String, String), String> {
    // matchbox compares every other key as it is written.
    let key = if key.eq_ignore_ascii_case("mac") { "mac" } else { key };
    let shown = value.escape_debug();
    let value = match key {
        "mac" => value
            .parse::<MacAddr>()
            .map_err(|_| format!("`{shown}` is no hardware address"))?
            .to_string(),
        "uuid" => value
            .parse::<Uuid>()
            .map_err(|_| format!("`{shown}` is no UUID"))?
            .to_string(),
        _ => value.to_owned(),
    };
    let odd = |c: char| c.is_control() || matches!(c, '*' | '?' | ',' | '=' | '@' | '/');
    match value.chars().chain(key.chars()).find(|c| odd(*c)) {
        Some(c) => Err(format!("{c:?} cannot be asked for")),
        None => Ok((key.to_owned(), value)),
    }
}
