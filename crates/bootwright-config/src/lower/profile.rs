//! `[profiles.<name>]`: what to boot, and how its end is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bootwright_content::{Part, can_report, check_profile, odd};
use bootwright_core::{Confirm, Document, DoneTrigger, Initrd, Profile, ProfileName, Span, StageLimits};

use super::document::files;
use super::menu::{self, Mention};
use super::named;
use super::origin::{Origin, Origins, Places};
use crate::digest;
use crate::finding::Findings;
use crate::load::Reader;
use crate::node::{Entry, Table, Value};
use crate::section::{Section, choice, items, listed, wrong_kind};

/// How long a run may take unless the profile says otherwise.
pub(crate) const DEADLINE: Span = Span::from_hours(6);

/// The profiles, and the names of all, those with mistakes in them included.
pub(super) struct Lowered {
    pub(super) good: BTreeMap<ProfileName, Arc<Profile>>,
    pub(super) names: BTreeSet<String>,
    /// What menus name.
    pub(super) mentions: Vec<Mention>,
    pub(super) places: Places,
}

pub(super) fn lower(root: &Table, read: &dyn Reader, findings: &mut Findings) -> Lowered {
    let names = match root.get("profiles").map(|entry| &entry.node.value) {
        Some(Value::Table(table)) => table.keys().cloned().collect(),
        _ => BTreeSet::new(),
    };
    let mut places = Places::new(findings.files().to_vec());
    let mut mentions = Vec::new();
    let good = named(
        root,
        "profiles",
        findings,
        |name: &ProfileName, section, entry, findings| {
            let (profile, origins) = profile(name, section, entry, read, &mut mentions, findings)?;
            places.insert(&profile, origins);
            Some(Arc::new(profile))
        },
    );
    Lowered {
        good,
        names,
        mentions,
        places,
    }
}

fn profile(
    name: &ProfileName,
    mut section: Section<'_>,
    entry: &Entry,
    read: &dyn Reader,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Option<(Profile, Origins)> {
    let mut origins = Origins::new(entry.key.clone());
    if let Some((word, at)) = section.text("kind", "menu", findings) {
        let key = section.key("kind");
        if choice(&key, word, at, &[("boot", false), ("menu", true)], findings)? {
            let profile = menu::profile(name, section, entry, mentions, findings)?;
            return Some((profile, origins));
        }
    }
    let kernel = section.text("kernel", "/images/debian/linux", findings);
    let kernel_given = section.take("kernel").is_some();
    if let Some((_, at)) = kernel {
        origins.insert(Part::Kernel, Origin::Here(at.clone()));
    }
    let initrds = initrds(&mut section, &mut origins, findings);
    let mut args = Vec::new();
    for (text, at) in section.texts("args", "auto=true priority=critical", findings) {
        origins.insert(Part::Arg(args.len()), Origin::Here(at.clone()));
        args.push(text.to_owned());
    }
    let files = files(&mut section, &mut origins, read, findings);
    let done = section
        .take("done")
        .and_then(|entry| done(&section.key("done"), entry, &files, findings));
    let confirm = confirm(&mut section, findings);
    let deadline = section.span("deadline", "6h", findings);
    if let (Some(Span::ZERO), Some(entry)) = (deadline, section.take("deadline")) {
        findings.error(
            &entry.node.at,
            format!("`{}` must be longer than nothing", section.key("deadline")),
        );
    }
    let stages = stages(&mut section, findings);
    section.later(
        "image",
        "name the kernel and the initrds by their paths, such as `/images/debian/linux`",
        findings,
    );
    section.later("config", "write a ready document under `files`", findings);
    section.later("disk", "choose the disk in the installer's own document", findings);
    let name_in_file = section.name.clone();
    section.finish(findings);
    if !kernel_given {
        findings
            .error(&entry.key, format!("`{name_in_file}` has no kernel"))
            .hint =
            Some("add `kernel = \"/images/…\"`, a file below `images/` in the data directory, or a URL".to_owned());
    }
    let mut profile = Profile {
        name: name.clone(),
        kernel: kernel?.0.to_owned(),
        initrds,
        args,
        files,
        done: done.unwrap_or(DoneTrigger::Callback),
        confirm: confirm.unwrap_or(Confirm::Dashboard),
        deadline: deadline.unwrap_or(DEADLINE),
        stages,
        menu: None,
        source: None,
        revision: 0,
    };
    profile.revision = digest::profile(&profile);
    let problems = check_profile(&profile);
    if problems.is_empty() && !can_report(&profile) {
        let message = format!("nothing in `{name_in_file}` can report that it is done");
        findings.warn(&entry.key, message).hint = Some(
            "hand `{{ run.url }}` to the installer, which calls `done` below it, or set `done` to another trigger"
                .to_owned(),
        );
    }
    for problem in odd(&profile) {
        origins.remark(&profile, &problem, findings);
    }
    for problem in problems {
        origins.report(&profile, &problem, findings);
    }
    Some((profile, origins))
}

fn initrds(section: &mut Section<'_>, origins: &mut Origins, findings: &mut Findings) -> Vec<Initrd> {
    let Some(entry) = section.take("initrds") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items(&entry.node) {
        let name = section.key("initrds");
        let (initrd, at) = match &item.value {
            Value::Text(source) => (
                Initrd {
                    source: source.clone(),
                    target: None,
                },
                &item.at,
            ),
            Value::Table(_) => {
                let mut table = Section::from_node(name, item, findings);
                let source = table.text("source", "{{ run.url }}/preseed.cfg", findings);
                let given = table.take("source").is_some();
                let target = table.text("target", "/preseed.cfg", findings);
                if !given {
                    findings.error(&item.at, format!("`{}` has no source", table.name)).hint =
                        Some("write `{ source = \"…\", target = \"/…\" }`".to_owned());
                }
                if let Some((path, at)) = target
                    && (!path.starts_with('/') || !path.chars().all(|c| c.is_ascii_graphic()))
                {
                    let message = format!("`{}` is no path in an initial ramdisk", path.escape_debug());
                    findings.error(at, message).hint = Some("begin it with `/`, without spaces".to_owned());
                }
                table.finish(findings);
                let Some((source, at)) = source else { continue };
                let target = target.map(|(path, _)| path.to_owned());
                (
                    Initrd {
                        source: source.to_owned(),
                        target,
                    },
                    at,
                )
            }
            other => {
                wrong_kind(
                    &name,
                    "text or a table",
                    &item.at,
                    other,
                    "\"/images/debian/initrd.gz\"",
                    findings,
                );
                continue;
            }
        };
        origins.insert(Part::Initrd(found.len()), Origin::Here(at.clone()));
        found.push(initrd);
    }
    found
}

fn done(key: &str, entry: &Entry, files: &BTreeMap<String, Document>, findings: &mut Findings) -> Option<DoneTrigger> {
    let at = &entry.node.at;
    match &entry.node.value {
        Value::Text(word) if word == "config-served" || word == "last-artifact" => {
            findings.error(at, format!("`{key}` does not say which")).hint = Some(format!(
                "write `{{ {word} = \"…\" }}` with the name of a file or the path of an artefact"
            ));
            None
        }
        Value::Text(word) => {
            let choices = [("callback", true), ("manual", false)];
            let callback = choice(key, word, at, &choices, findings)?;
            Some(if callback {
                DoneTrigger::Callback
            } else {
                DoneTrigger::Manual
            })
        }
        Value::Table(_) => {
            let mut table = Section::new(key.to_owned(), entry, findings);
            let served = table.text("config-served", "user-data", findings);
            let fetched = table.text("last-artifact", "/images/memtest/memtest.efi", findings);
            table.finish(findings);
            match (served, fetched) {
                (Some((name, at)), None) => {
                    if !files.contains_key(name) {
                        let names: Vec<&str> = files.keys().map(String::as_str).collect();
                        let hint = match bootwright_content::nearest(name, names.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None if names.is_empty() => "write it under `files`".to_owned(),
                            None => format!("there are {}", listed(&names)),
                        };
                        findings
                            .error(
                                at,
                                format!("`{key}`: the profile has no file `{}`", name.escape_debug()),
                            )
                            .hint = Some(hint);
                    }
                    Some(DoneTrigger::ConfigServed(name.to_owned()))
                }
                (None, Some((path, at))) => {
                    if !path.starts_with('/') {
                        findings
                            .error(
                                at,
                                format!("`{key}`: `{}` is no path on this server", path.escape_debug()),
                            )
                            .hint = Some("begin it with `/images/` or `/assets/`".to_owned());
                    }
                    Some(DoneTrigger::LastArtifact(path.to_owned()))
                }
                _ => {
                    findings.error(at, format!("`{key}` needs one of `config-served` and `last-artifact`"));
                    None
                }
            }
        }
        other => {
            wrong_kind(key, "text or a table", at, other, "\"callback\"", findings);
            None
        }
    }
}

fn confirm(section: &mut Section<'_>, findings: &mut Findings) -> Option<Confirm> {
    let (word, at) = section.text("confirm", "dashboard", findings)?;
    let key = section.key("confirm");
    let choices = [
        ("dashboard", Confirm::Dashboard),
        ("console", Confirm::Console),
        ("none", Confirm::None),
    ];
    choice(&key, word, at, &choices, findings)
}

fn stages(section: &mut Section<'_>, findings: &mut Findings) -> StageLimits {
    let mut stages = StageLimits::default();
    let Some(entry) = section.take("stages") else {
        return stages;
    };
    let mut table = Section::new(section.key("stages"), entry, findings);
    for (key, place) in [
        ("kernel", &mut stages.kernel),
        ("config", &mut stages.config),
        ("done", &mut stages.done),
    ] {
        if let Some(limit) = table.span(key, "10m", findings) {
            *place = limit;
        }
    }
    table.finish(findings);
    stages
}
