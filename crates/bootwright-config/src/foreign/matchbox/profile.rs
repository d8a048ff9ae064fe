//! The files of `profiles/`: what is booted, and which documents go with it.

use std::collections::BTreeMap;

use crate::foreign::file::Files;
use crate::foreign::json::quote;
use crate::foreign::make::Boot;
use crate::node::Entry;
use crate::section::Section;

/// What a file of a profile says.
pub(super) struct Booted {
    /// The file.
    pub(super) path: String,
    /// What is booted, in words and as matchbox's JSON; nothing for one that only has documents.
    pub(super) boot: Option<(Boot, String)>,
    /// The file of each kind of document, if there is one.
    pub(super) ignition: Option<String>,
    pub(super) cloud: Option<String>,
    pub(super) generic: Option<String>,
}

/// All of them, by the names of their files.
pub(super) fn all(files: &mut Files) -> BTreeMap<String, Booted> {
    let names: Vec<String> = files.names("profiles").map(str::to_owned).collect();
    let mut profiles = BTreeMap::new();
    for name in names {
        let path = format!("profiles/{name}");
        let Some(stem) = name.strip_suffix(".json") else {
            let hint = "call it `*.json`; matchbox reads nothing else here";
            files.warn(&path, 0..0, "this is no file of a profile", hint);
            continue;
        };
        if let Some(booted) = profile(stem, &path, files) {
            profiles.insert(stem.to_owned(), booted);
        }
    }
    profiles
}

fn profile(stem: &str, path: &str, files: &mut Files) -> Option<Booted> {
    let node = files.json(path)?;
    let findings = &mut files.findings;
    let mut section = Section::from_node("profile".to_owned(), &node, findings);
    super::names(&mut section, stem, findings);
    let boot_entry = section.take("boot");
    let ignition = section.text("ignition_id", "worker.yaml", findings);
    let cloud = section.text("cloud_id", "worker.yaml", findings);
    let generic = section.text("generic_id", "worker.sh", findings);
    section.finish_mildly(findings);
    let boot = match boot_entry {
        // The provider of Terraform writes an empty one where nothing is booted.
        Some(entry) if !is_empty(entry) => Some(boot(entry, files)?),
        Some(_) | None => None,
    };
    Some(Booted {
        path: path.to_owned(),
        boot,
        ignition: files.named("ignition", "ignition_id", ignition),
        cloud: files.named("cloud", "cloud_id", cloud),
        generic: files.named("generic", "generic_id", generic),
    })
}

fn is_empty(entry: &Entry) -> bool {
    match &entry.node.value {
        crate::node::Value::Table(table) => table.is_empty(),
        _ => false,
    }
}

fn boot(entry: &Entry, files: &mut Files) -> Option<(Boot, String)> {
    let findings = &mut files.findings;
    let mut section = Section::new("profile.boot".to_owned(), entry, findings);
    let kernel = section.text("kernel", "/assets/linux", findings);
    let given = section.take("kernel").is_some();
    let mut list = |key| -> Vec<String> {
        let texts = section.texts(key, "/assets/initrd", findings);
        texts.into_iter().map(|(text, _)| text.to_owned()).collect()
    };
    let (initrds, args) = (list("initrd"), list("args"));
    if let Some(old) = section.take("cmdline") {
        findings
            .error(&old.key, "`cmdline` is what matchbox before 0.7 had")
            .hint = Some("write its words as a list under `args`".to_owned());
    }
    section.finish_mildly(findings);
    if !given {
        findings.error(&entry.node.at, "`boot` has no kernel").hint =
            Some("add `\"kernel\": \"/assets/…\"`".to_owned());
    }
    let kernel = kernel?.0.to_owned();
    let quoted = |texts: &[String]| texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(",");
    let json = format!(
        "{{\"kernel\":{},\"initrd\":[{}],\"args\":[{}]}}",
        quote(&kernel),
        quoted(&initrds),
        quoted(&args)
    );
    let boot = Boot { kernel, initrds, args };
    Some((boot, json))
}
