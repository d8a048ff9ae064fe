//! What a machine is given: a spec as bootcfg writes it, and the profile that is made from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::can_report;
use bootwright_core::{Document, DoneTrigger, ProfileName};

use super::{BOOT, CLOUD, IGNITION};
use crate::compat::{Compat, DoneBy};
use crate::foreign::file::Files;
use crate::foreign::make::{self, Boot};
use crate::foreign::{Lowered, json};
use crate::node::{Node, Table, Value};
use crate::section::Section;

/// What a spec says, wherever it stands.
pub(super) struct Spec {
    pub(super) boot: Boot,
    /// The same as bootcfg's JSON.
    pub(super) json: String,
    pub(super) cloud: Option<String>,
    pub(super) ignition: Option<String>,
}

pub(super) fn spec(mut section: Section<'_>, path: &str, node: &Node, files: &mut Files) -> Option<Spec> {
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
    let cloud = files.named("cloud", "cloud_id", cloud);
    let ignition = files.named("ignition", "ignition_id", ignition);
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

/// What is booted, in words and as bootcfg's JSON.
pub(super) fn boot(node: &Node, files: &mut Files) -> Option<(Boot, String)> {
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
pub(super) fn profile(
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
