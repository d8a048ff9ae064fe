//! `[safety]`: what keeps disks safe.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{Binding, Profile, ProfileName, Safety, Span, Unknown, Wipe};

use super::Profiles;
use crate::finding::Findings;
use crate::node::{Entry, Table, Value};
use crate::section::{Section, choice, listed, span, text};

/// The words of `unknown`; a table beside them names a profile.
const UNKNOWN: &[(&str, u8)] = &[("hold", 0), ("local", 1), ("ignore", 2)];

pub(super) fn lower(
    root: &Table,
    profiles: &Profiles,
    good: &BTreeMap<ProfileName, Arc<Profile>>,
    findings: &mut Findings,
) -> Safety {
    let mut safety = Safety::default();
    let Some(mut section) = Section::of(root, "safety", findings) else {
        return safety;
    };
    let confirmed = section.bool("i_understand_this_wipes", findings).unwrap_or(false);
    if let Some(entry) = section.take("unknown")
        && let Some(chosen) = unknown(entry, confirmed, profiles, findings)
    {
        safety.unknown = chosen;
    }
    let mut number = |key, least, place: &mut u32, findings: &mut Findings| {
        if let Some(number) = section.number(key, least, u32::MAX, findings) {
            *place = number;
        }
    };
    number("max_attempts", 1, &mut safety.max_attempts, findings);
    number("max_concurrent", 1, &mut safety.max_concurrent, findings);
    number("max_new_per_hour", 1, &mut safety.max_new_per_hour, findings);
    number("pause_after_failures", 1, &mut safety.pause_after_failures, findings);
    number(
        "max_rule_arms_per_minute",
        1,
        &mut safety.max_rule_arms_per_minute,
        findings,
    );
    if let Some((word, at)) = section.text("wipe", "empty-only", findings) {
        let choices = [("empty-only", Wipe::EmptyOnly), ("always", Wipe::Always)];
        if let Some(wipe) = choice("safety.wipe", word, at, &choices, findings) {
            safety.wipe = wipe;
        }
        if safety.wipe == Wipe::Always {
            findings
                .warn(at, "installers may overwrite disks that are not empty")
                .hint = Some(
                "with `\"empty-only\"`, `bootwright host arm HOST --allow-wipe SERIAL` allows one disk".to_owned(),
            );
        }
    }
    if let Some(entry) = section.take("arm_ttl")
        && let Some(ttl) = span("safety.arm_ttl", &entry.node, "24h", findings)
    {
        if ttl == Span::ZERO {
            findings.error(&entry.node.at, "`safety.arm_ttl` must be longer than nothing");
        }
        safety.arm_ttl = ttl;
    }
    if let Some(entry) = section.take("protect_after") {
        safety.protect_after = protect_after(entry, findings);
    }
    let menu_key = section.key("console_menu");
    if let Some((name, at)) = section.text("console_menu", "rack", findings)
        && let Some(profile) = profiles.find(&menu_key, name, at, findings)
    {
        if good.get(&profile).is_some_and(|profile| profile.menu.is_none()) {
            findings
                .error(at, format!("`{menu_key}`: profile `{profile}` is no menu"))
                .hint = Some("name a profile with `kind = \"menu\"`".to_owned());
        }
        safety.console_menu = Some(profile);
    }
    safety.console_shell = section.bool("console_shell", findings).unwrap_or(safety.console_shell);
    if section.bool("documents_over_http", findings) == Some(false)
        && let Some(entry) = section.take("documents_over_http")
    {
        safety.documents_over_http = false;
        forbid_documents(entry, good, findings);
    }
    if let Some((word, at)) = section.text("document_binding", "station", findings) {
        let choices = [("station", Binding::Station), ("address", Binding::Address)];
        if let Some(binding) = choice("safety.document_binding", word, at, &choices, findings) {
            safety.document_binding = binding;
        }
    }
    if let Some(entry) = section.take("document_window")
        && let Some(window) = span("safety.document_window", &entry.node, "15m", findings)
    {
        if window == Span::ZERO {
            findings.error(&entry.node.at, "`safety.document_window` must be longer than nothing");
        }
        safety.document_window = window;
    }
    section.finish(findings);
    safety
}

/// Without HTTP nothing brings documents: the machine plane speaks nothing else.
fn forbid_documents(entry: &Entry, good: &BTreeMap<ProfileName, Arc<Profile>>, findings: &mut Findings) {
    for profile in good.values().filter(|profile| !profile.files.is_empty()) {
        let message = format!(
            "profile `{}` has files, which only plain HTTP could bring",
            profile.name
        );
        findings.error(&entry.node.at, message).hint =
            Some("put what its installer needs into the image, or take `documents_over_http` away".to_owned());
    }
}

fn protect_after(entry: &Entry, findings: &mut Findings) -> Option<Span> {
    match &entry.node.value {
        Value::Text(word) if word == "off" => None,
        _ => span("safety.protect_after", &entry.node, "24h", findings),
    }
}

fn unknown(entry: &Entry, confirmed: bool, profiles: &Profiles, findings: &mut Findings) -> Option<Unknown> {
    let at = &entry.node.at;
    match &entry.node.value {
        Value::Text(word) if word == "install" => {
            findings.error(at, "`safety.unknown` does not say what to install").hint =
                Some("write `unknown = { install = \"<profile>\" }`".to_owned());
            None
        }
        Value::Text(word) => Some(match choice("safety.unknown", word, at, UNKNOWN, findings)? {
            1 => Unknown::Local,
            2 => Unknown::Ignore,
            _ => Unknown::Hold,
        }),
        Value::Table(_) => {
            let mut table = Section::new("safety.unknown".to_owned(), entry, findings);
            let install = table.take("install");
            table.finish(findings);
            let Some(install) = install else {
                findings.error(at, "`safety.unknown` does not say what to install").hint =
                    Some("write `unknown = { install = \"<profile>\" }`".to_owned());
                return None;
            };
            let name = text("safety.unknown.install", &install.node, "debian", findings)?;
            let profile = profiles.find("safety.unknown.install", name, &install.node.at, findings)?;
            if confirmed {
                findings.warn(
                    at,
                    format!("every machine that nobody knows is installed with `{profile}`, which overwrites its disk"),
                );
                Some(Unknown::Install(profile))
            } else {
                findings
                    .error(at, "this overwrites the disk of every machine that nobody knows")
                    .hint =
                    Some("if that is what you want, add `i_understand_this_wipes = true` to `[safety]`".to_owned());
                None
            }
        }
        other => {
            let words: Vec<&str> = UNKNOWN.iter().map(|(word, _)| *word).collect();
            findings
                .error(
                    at,
                    format!("`safety.unknown` must be text or a table, not {}", other.kind()),
                )
                .hint = Some(format!(
                "write one of {}, or `{{ install = \"<profile>\" }}`",
                listed(&words)
            ));
            None
        }
    }
}
