//! bootcfg's data of January 2016: `machines/`, each with its spec or the name of one below `specs/`.

use std::collections::BTreeMap;

use bootwright_content::nearest;
use bootwright_core::ProfileName;

use super::spec::{profile, spec};
use super::{Whose, first_below, owned};
use crate::compat::{Compat, Dialect};
use crate::foreign::Lowered;
use crate::foreign::file::Files;
use crate::foreign::make::Names;
use crate::node::Node;
use crate::section::Section;

pub(super) fn machines(
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

fn keep(lowered: &mut Lowered, files: &mut Files, path: &str) {
    if let Some(text) = files.text(path) {
        lowered.tables.texts.insert((Dialect::Bootcfg, path.to_owned()), text);
    }
}
