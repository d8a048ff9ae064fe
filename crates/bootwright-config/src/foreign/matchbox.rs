//! matchbox's data directory: `groups/`, `profiles/`, and the documents that these name.
//!
//! A group becomes a rule that suggests a profile: what the group's profile boots, with its documents filled in from the group's
//! metadata. matchbox takes the group that asks for most; so do the rules, which stand in this order.

mod class;
mod document;
mod group;
mod number;
mod parse;
mod profile;
mod template;
mod word;

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::{can_report, nearest};
use bootwright_core::{DoneTrigger, ProfileName};

use super::Lowered;
use super::file::Files;
use super::make::{self, Names};
use crate::compat::{Compat, DoneBy};
use crate::finding::Findings;
use crate::section::Section;
use class::{Class, classes};
use document::documents;
use group::{Group, group};
use profile::Booted;

/// The document of a profile that holds what matchbox's own script is made of.
pub const BOOT: &str = "matchbox.json";
/// The document that `/metadata` answers with, but for what the request says.
pub const METADATA: &str = "metadata";
/// The document that `/ignition` answers with.
pub const IGNITION: &str = "ignition.ign";
/// The document that `/cloud` answers with.
pub const CLOUD: &str = "cloud-config";
/// The document that `/generic` answers with.
pub const GENERIC: &str = "generic";

/// The name of a document for those who ask with these words as well, such as `ignition@os=installed.ign`.
#[must_use]
pub fn variant(name: &str, words: &BTreeMap<String, String>) -> String {
    let words: Vec<String> = words.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let (stem, ending) = name
        .split_once('.')
        .map_or((name, String::new()), |(stem, end)| (stem, format!(".{end}")));
    format!("{stem}@{}{ending}", words.join(","))
}

pub(super) fn lower(compat: &Compat, files: &mut Files, lowered: &mut Lowered) {
    let profiles = profile::all(files);
    let groups = groups(files, &profiles);
    let mut names = Names::default();
    let classes = classes(&groups, |group| {
        profiles.get(&group.profile).is_some_and(|booted| booted.boot.is_some())
    });
    for class in &classes {
        let name = names.give(compat.prefix(), class.name);
        if let Some(profile) = profile(compat, &name, class, &profiles, files, lowered)
            && let Some(rule) = make::rule(compat, &name, class.conditions(), profile)
        {
            lowered.rules.push(rule);
        }
    }
    misplaced(files);
}

/// Takes what a file of a group or a profile calls itself: the file's own name is what counts.
fn names(section: &mut Section<'_>, stem: &str, findings: &mut Findings) {
    if let Some((said, at)) = section.text("id", stem, findings)
        && said != stem
    {
        let message = format!(
            "its id is `{}`, and the file's name is what counts",
            said.escape_debug()
        );
        findings.warn(at, message).hint = Some("give both the same name".to_owned());
    }
    section.text("name", "a name", findings);
}

/// The groups whose profile is there.
fn groups(files: &mut Files, profiles: &BTreeMap<String, Booted>) -> Vec<Group> {
    let names: Vec<String> = files.names("groups").map(str::to_owned).collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut seen: BTreeMap<Vec<(String, String)>, String> = BTreeMap::new();
    for name in names {
        let path = format!("groups/{name}");
        let Some(stem) = name.strip_suffix(".json") else {
            let hint = "call it `*.json`; matchbox reads nothing else here";
            files.warn(&path, 0..0, "this is no file of a group", hint);
            continue;
        };
        let Some((group, at)) = group(stem, &path, files) else {
            continue;
        };
        if !profiles.contains_key(&group.profile) {
            let hint = match nearest(&group.profile, profiles.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "write `profiles/{}.json`; until then the group counts for nothing",
                    group.profile
                ),
            };
            let message = format!("there is no good profile `{}`", group.profile.escape_debug());
            files.findings.error(&at, message).hint = Some(hint);
            continue;
        }
        let selector: Vec<(String, String)> = group.selector.clone().into_iter().collect();
        if let Some(other) = seen.get(&selector) {
            let hint = "matchbox takes either of them, by chance; give one a selector of its own";
            files.warn(
                &path,
                0..0,
                format!("`{other}` has the same selector, and counts"),
                hint,
            );
            continue;
        }
        seen.insert(selector, path.clone());
        groups.push(group);
    }
    groups
}

/// What machines of a class boot, as a profile.
fn profile(
    compat: &Compat,
    name: &str,
    class: &Class<'_>,
    profiles: &BTreeMap<String, Booted>,
    files: &mut Files,
    lowered: &mut Lowered,
) -> Option<ProfileName> {
    let name: ProfileName = name.parse().ok()?;
    let booted = profiles.get(&class.base.profile)?;
    let (boot, json) = booted.boot.as_ref()?;
    let (mut all, mut config) = documents(class.base, booted, None, files)?;
    for (group, words) in &class.variants {
        if let Some(booted) = profiles.get(&group.profile)
            && let Some((more, served)) = documents(group, booted, Some(words), files)
        {
            all.extend(more);
            // Who installs by two configurations fetches the second one last.
            config = served.or(config);
        }
    }
    all.insert(BOOT.to_owned(), make::document(json.clone(), &booted.path));
    let done = match (compat.done, config) {
        (DoneBy::Callback, _) => DoneTrigger::Callback,
        (DoneBy::ConfigServed, Some(name)) => DoneTrigger::ConfigServed(name),
        (DoneBy::ConfigServed | DoneBy::Manual, _) => DoneTrigger::Manual,
    };
    let profile = make::profile(compat, name.clone(), boot, all, done);
    if let Some(problem) = bootwright_content::check_profile(&profile).first() {
        let named = match &problem.part {
            bootwright_content::Part::File(file) => profile.files.get(file).map(|document| document.origin.clone()),
            _ => None,
        };
        let path = named.unwrap_or_else(|| booted.path.clone());
        let message = format!("group `{}` cannot be booted: {problem}", class.base.id);
        let hint = "mend it, and the group counts again";
        files.error(&path, 0..0, message, problem.error.hint.as_deref().unwrap_or(hint));
        return None;
    }
    if compat.done == DoneBy::Callback && !can_report(&profile) {
        let hint = "add `\"bootwright.url={{ run.url }}\"` to `args`, or `{{.bootwright.run_url}}` to a document, for the \
                    installer to call `done` below it; or set `done` in `[compat.matchbox]`";
        files.warn(
            &booted.path,
            0..0,
            "nothing in it can report that an install is done",
            hint,
        );
    }
    lowered.profiles.push(Arc::new(profile));
    Some(name)
}

/// Files where nobody looks for them.
fn misplaced(files: &mut Files) {
    const KNOWN: &[&str] = &["groups", "profiles", "ignition", "cloud", "generic"];
    let mut told: Vec<(String, String)> = Vec::new();
    for path in files.paths() {
        let Some((top, _)) = path.split_once('/') else { continue };
        if KNOWN.contains(&top) || told.iter().any(|(other, _)| other == top) {
            continue;
        }
        told.push((top.to_owned(), path.to_owned()));
    }
    for (top, path) in told {
        let hint = match (top.as_str(), nearest(&top, KNOWN.iter().copied())) {
            ("machines" | "specs", _) => "this is a directory of bootcfg: write `[compat.bootcfg]`".to_owned(),
            (_, Some(near)) => format!("it belongs to `{near}/`"),
            (_, None) => continue,
        };
        files.warn(&path, 0..0, format!("nothing is read from `{top}/`"), &hint);
    }
    if files.names("groups").next().is_none() {
        let hint = "without a group no machine is meant for anything; matchbox keeps them in `groups/*.json`";
        files.warn_all("there is no group", hint);
    }
}
