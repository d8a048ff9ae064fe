//! bootcfg's data directory, of December 2015 (`boot/`, `cloud/`) and of January 2016 (`machines/`, `specs/`).
//!
//! A spec becomes a profile, a machine a rule that suggests it. bootcfg looks for a machine by its UUID, then by its card, then
//! for `default`; so do the rules, which stand in this order.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::{can_report, nearest};
use bootwright_core::{Attribute, Document, DoneTrigger, MacAddr, ProfileName, Uuid};

use super::file::Files;
use super::make::{self, Boot, Names};
use super::{Lowered, json};
use crate::compat::{Compat, Dialect, DoneBy, Era};
use crate::node::{Node, Table, Value};
use crate::section::Section;

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

/// What a spec says, wherever it stands.
struct Spec {
    boot: Boot,
    /// The same as bootcfg's JSON.
    json: String,
    cloud: Option<String>,
    ignition: Option<String>,
}

pub(super) fn lower(compat: &Compat, files: &mut Files, lowered: &mut Lowered) {
    let mut rules: BTreeMap<Whose, ProfileName> = BTreeMap::new();
    let mut names = Names::default();
    match compat.era {
        Era::Machines => machines(compat, files, lowered, &mut names, &mut rules),
        Era::Boot => boot_files(compat, files, lowered, &mut names, &mut rules),
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

fn machines(
    compat: &Compat,
    files: &mut Files,
    lowered: &mut Lowered,
    names: &mut Names,
    rules: &mut BTreeMap<Whose, ProfileName>,
) {
    let mut specs: BTreeMap<String, ProfileName> = BTreeMap::new();
    for id in owned(files.names("specs")) {
        let path = format!("specs/{id}/spec.json");
        let Some(node) = files.json(&path) else {
            continue;
        };
        let mut section = Section::from_node("spec".to_owned(), &node, &mut files.findings);
        let said = section.text("id", "etcd", &mut files.findings);
        if let Some((said, at)) = said.filter(|(said, _)| *said != id) {
            let message = format!(
                "its id is `{}`, and the directory `{id}` is what counts",
                said.escape_debug()
            );
            files.findings.warn(at, message).hint = Some("give both the same name".to_owned());
        }
        let spec = spec(section, &path, &node, files);
        let name = names.give(compat.prefix(), &id);
        if let Some(profile) = spec.and_then(|spec| profile(compat, &name, &spec, &path, files, lowered)) {
            keep(lowered, files, &path);
            specs.insert(id, profile);
        }
    }
    for directory in owned(files.names("machines")) {
        let path = format!("machines/{directory}/machine.json");
        let Some(whose) = Whose::of_directory(&directory) else {
            let under = first_below(files, &format!("machines/{directory}"));
            let hint = "call the directory by a UUID, by a hardware address such as `52:54:00:ab:cd:ef`, or `default`";
            files.warn(&under, 0..0, format!("no machine is called `{directory}`"), hint);
            continue;
        };
        if !files.has(&path) {
            let under = first_below(files, &format!("machines/{directory}"));
            files.warn(
                &under,
                0..0,
                "there is no `machine.json` beside it",
                "the file must have this name",
            );
            continue;
        }
        let Some(node) = files.json(&path) else { continue };
        if let Some(profile) = machine(compat, &directory, &path, &node, &specs, files, lowered, names) {
            keep(lowered, files, &path);
            rules.insert(whose, profile);
        }
    }
}

/// The profile that a machine is meant for: that of the spec within it, or of the spec that it names.
#[expect(clippy::too_many_arguments, reason = "the parts of one directory, read at one place")]
fn machine(
    compat: &Compat,
    directory: &str,
    path: &str,
    node: &Node,
    specs: &BTreeMap<String, ProfileName>,
    files: &mut Files,
    lowered: &mut Lowered,
    names: &mut Names,
) -> Option<ProfileName> {
    let findings = &mut files.findings;
    let mut section = Section::from_node("machine".to_owned(), node, findings);
    if let Some((said, at)) = section.text("id", directory, findings)
        && said != directory
    {
        let message = format!(
            "its id is `{}`, and the directory `{directory}` is what counts",
            said.escape_debug()
        );
        findings.warn(at, message).hint = Some("give both the same name".to_owned());
    }
    let named = section.text("spec_id", "etcd", findings);
    let inline = section.take("spec");
    section.finish_mildly(findings);
    match (inline, named) {
        (Some(entry), named) => {
            if let Some((_, at)) = named {
                findings.warn(at, "`spec_id` does nothing beside `spec`").hint =
                    Some("take one of them out".to_owned());
            }
            let mut section = Section::new("machine.spec".to_owned(), entry, findings);
            section.take("id");
            let spec = spec(section, path, &entry.node, files)?;
            let name = names.give(compat.prefix(), directory);
            profile(compat, &name, &spec, path, files, lowered)
        }
        (None, Some((id, at))) => {
            if let Some(profile) = specs.get(id) {
                return Some(profile.clone());
            }
            let hint = match nearest(id, specs.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("write `specs/{id}/spec.json`; until then the machine gets what is said for all others")
                }
            };
            let message = format!("there is no good spec `{}`", id.escape_debug());
            findings.error(at, message).hint = Some(hint);
            None
        }
        (None, None) => {
            findings.error(&node.at, "the machine has no spec").hint =
                Some("add `\"spec_id\": \"…\"`, or the spec itself under `spec`".to_owned());
            None
        }
    }
}

fn spec(mut section: Section<'_>, path: &str, node: &Node, files: &mut Files) -> Option<Spec> {
    let findings = &mut files.findings;
    let boot_entry = section.take("boot");
    let cloud = section.text("cloud_id", "etcd.yaml", findings);
    let ignition = section.text("ignition_id", "etcd.json", findings);
    section.finish_mildly(findings);
    let Some(entry) = boot_entry else {
        findings.error(&node.at, "there is no `boot`").hint =
            Some("add `\"boot\": {\"kernel\": \"/images/…\", \"initrd\": [], \"cmdline\": {}}`".to_owned());
        return None;
    };
    let (boot, json) = boot(&entry.node, files)?;
    let cloud = named_file("cloud", "cloud_id", cloud, files);
    let ignition = named_file("ignition", "ignition_id", ignition, files);
    if let Some(ignition) = &ignition
        && files.json(ignition).is_none()
    {
        let (shown, hint) = (ignition.clone(), "the machine is not given it until that is mended");
        files.warn(path, 0..0, format!("`{shown}` cannot be used"), hint);
    }
    Some(Spec {
        boot,
        json,
        cloud,
        ignition,
    })
}

/// The file that a spec names, if it is there.
fn named_file(
    directory: &str,
    key: &str,
    named: Option<(&str, &crate::node::At)>,
    files: &mut Files,
) -> Option<String> {
    let (name, at) = named.filter(|(name, _)| !name.is_empty())?;
    let path = format!("{directory}/{name}");
    if files.has(&path) {
        return Some(path);
    }
    let there = owned(files.names(directory));
    let hint = match nearest(name, there.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`{key}` is the name of a file below `{directory}/`"),
    };
    let message = format!("there is no file `{}`", path.escape_debug());
    files.findings.error(at, message).hint = Some(hint);
    None
}

/// What is booted, in words and as bootcfg's JSON.
fn boot(node: &Node, files: &mut Files) -> Option<(Boot, String)> {
    let findings = &mut files.findings;
    let mut section = Section::from_node("boot".to_owned(), node, findings);
    let kernel = section.text("kernel", "/images/coreos/kernel", findings);
    let given = section.take("kernel").is_some();
    let initrds: Vec<&str> = section
        .texts("initrd", "/images/coreos/initrd", findings)
        .into_iter()
        .map(|(text, _)| text)
        .collect();
    let mut args = Vec::new();
    let mut pairs = Table::new();
    if let Some(entry) = section.take("cmdline") {
        let cmdline = Section::new("boot.cmdline".to_owned(), entry, findings);
        for (key, entry) in cmdline.entries() {
            let word = match &entry.node.value {
                Value::Text(value) if value.is_empty() => key.clone(),
                Value::Bool(false) => key.clone(),
                Value::Bool(true) => format!("{key}=true"),
                Value::Integer(number) => format!("{key}={number}"),
                Value::Text(value) | Value::Float(value) => format!("{key}={value}"),
                other => {
                    let message = format!("`boot.cmdline.{key}` must be text, not {}", other.kind());
                    findings.error(&entry.node.at, message).hint = Some("write `\"\"` for a bare word".to_owned());
                    continue;
                }
            };
            args.push(word);
            pairs.insert(key.clone(), entry.clone());
        }
    }
    if section.take("args").is_some() {
        let message = "`boot.args` came with matchbox, and bootcfg does not know it";
        findings.warn(&node.at, message).hint = Some("write a table under `cmdline`".to_owned());
    }
    section.finish_mildly(findings);
    if !given {
        findings.error(&node.at, "`boot` has no kernel").hint = Some("add `\"kernel\": \"/images/…\"`".to_owned());
    }
    let kernel = kernel?.0.to_owned();
    let quoted: Vec<String> = initrds.iter().map(|initrd| json::quote(initrd)).collect();
    let cmdline = json::write(&Node {
        at: node.at.clone(),
        value: Value::Table(pairs),
    });
    let json = format!(
        "{{\"kernel\":{},\"initrd\":[{}],\"cmdline\":{cmdline}}}",
        json::quote(&kernel),
        quoted.join(",")
    );
    let boot = Boot {
        kernel,
        initrds: initrds.into_iter().map(str::to_owned).collect(),
        args,
    };
    Some((boot, json))
}

/// A spec as a profile, if every boot loader could be told it.
fn profile(
    compat: &Compat,
    name: &str,
    spec: &Spec,
    path: &str,
    files: &mut Files,
    lowered: &mut Lowered,
) -> Option<ProfileName> {
    let name: ProfileName = name.parse().ok()?;
    let mut documents: BTreeMap<String, Document> = BTreeMap::new();
    documents.insert(BOOT.to_owned(), make::document(spec.json.clone(), path));
    for (name, from) in [(CLOUD, &spec.cloud), (IGNITION, &spec.ignition)] {
        let text = from.as_ref().and_then(|from| files.text(from));
        let good = name == CLOUD || from.as_ref().is_some_and(|from| files.json(from).is_some());
        if let (Some(from), Some(text), true) = (from, text, good) {
            documents.insert(name.to_owned(), make::document(make::literal(&text), from));
        }
    }
    let served = [IGNITION, CLOUD].into_iter().find(|name| documents.contains_key(*name));
    let done = match (compat.done, served) {
        (DoneBy::Callback, _) => DoneTrigger::Callback,
        (DoneBy::ConfigServed, Some(name)) => DoneTrigger::ConfigServed(name.to_owned()),
        (DoneBy::ConfigServed | DoneBy::Manual, _) => DoneTrigger::Manual,
    };
    let profile = make::profile(compat, name.clone(), &spec.boot, documents, done);
    let problems = make::problems(&profile);
    // The same slip stands in the arguments and in bootcfg's own words.
    for problem in problems.iter().take(1) {
        let hint = "its words are templates: `{{ run.url }}` is where a run reports";
        files.error(path, 0..0, format!("cannot be booted: {problem}"), hint);
    }
    if !problems.is_empty() {
        return None;
    }
    if compat.done == DoneBy::Callback && !can_report(&profile) {
        let hint = "add `\"bootwright.url\": \"{{ run.url }}\"` to `cmdline` for the installer to call `done` below it, or set \
                    `done` in `[compat.bootcfg]`";
        files.warn(path, 0..0, "nothing in it can report that an install is done", hint);
    }
    lowered.profiles.push(Arc::new(profile));
    Some(name)
}

/// `boot/` and `cloud/`, in each of which a machine is looked for by itself.
fn boot_files(
    compat: &Compat,
    files: &mut Files,
    lowered: &mut Lowered,
    names: &mut Names,
    rules: &mut BTreeMap<Whose, ProfileName>,
) {
    let mut found: BTreeMap<Whose, [Option<String>; 2]> = BTreeMap::new();
    for (place, kind) in ["boot", "cloud"].into_iter().enumerate() {
        for (directory, is_uuid) in [("uuid", true), ("mac", false)] {
            for name in owned(files.names(&format!("{kind}/{directory}"))) {
                let path = format!("{kind}/{directory}/{name}");
                let whose = Whose::of_directory(&name).filter(|whose| matches!(whose, Whose::Uuid(_)) == is_uuid);
                match whose.filter(|whose| *whose != Whose::All) {
                    Some(whose) => found.entry(whose).or_default()[place] = Some(path),
                    None => {
                        let what = if is_uuid {
                            "a UUID"
                        } else {
                            "a hardware address such as `52:54:00:ab:cd:ef`"
                        };
                        let hint = format!("call the file by {what}");
                        files.warn(
                            &path,
                            0..0,
                            format!("no machine has this name in `{directory}/`"),
                            &hint,
                        );
                    }
                }
            }
        }
        let path = format!("{kind}/{DEFAULT}");
        if files.has(&path) {
            found.entry(Whose::All).or_default()[place] = Some(path);
        }
    }
    let all = found.get(&Whose::All).cloned().unwrap_or_default();
    for (whose, [boot_path, cloud]) in found {
        let (Some(path), cloud) = (boot_path.or_else(|| all[0].clone()), cloud.or_else(|| all[1].clone())) else {
            let path = all[1].clone().unwrap_or_default();
            files.warn(
                &path,
                0..0,
                "nothing is booted with it",
                "write `boot/default`, or a file for the same machine",
            );
            continue;
        };
        let Some(node) = files.json(&path) else { continue };
        let Some((boot, json)) = boot(&node, files) else {
            continue;
        };
        let cloud = cloud.filter(|cloud| is_cloud_config(cloud, files));
        let spec = Spec {
            boot,
            json,
            cloud,
            ignition: None,
        };
        let name = names.give(compat.prefix(), whose.name());
        if let Some(profile) = profile(compat, &name, &spec, &path, files, lowered) {
            rules.insert(whose, profile);
        }
    }
}

/// bootcfg hands out nothing else from `cloud/`.
fn is_cloud_config(path: &str, files: &mut Files) -> bool {
    let good = files.text(path).is_some_and(|text| text.starts_with("#cloud-config"));
    if !good {
        let hint = "write `#cloud-config` into its first line";
        files.error(
            path,
            0..0,
            "this is no cloud-config, so that it is handed to nobody",
            hint,
        );
    }
    good
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

fn keep(lowered: &mut Lowered, files: &mut Files, path: &str) {
    if let Some(text) = files.text(path) {
        lowered.tables.texts.insert((Dialect::Bootcfg, path.to_owned()), text);
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
