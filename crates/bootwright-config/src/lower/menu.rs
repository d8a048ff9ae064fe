//! Profiles with `kind = "menu"`: what a person at the console chooses from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::fits_live;
use bootwright_core::{Choice, Confirm, DoneTrigger, Menu, MenuEntry, Profile, ProfileName, Span, StageLimits};

use super::Profiles;
use crate::digest;
use crate::finding::Findings;
use crate::node::{At, Entry, Node, Value};
use crate::section::{Section, items, wrong_kind};

/// The most entries: what still fits on the screen of every boot loader, with some scrolling.
const ENTRIES_MAX: usize = 64;

/// The longest title of an entry, in characters: a line of a console, less what frames it.
const TITLE_CHARS_MAX: usize = 60;

/// The longest time that a menu waits by itself.
const TIMEOUT_MAX: Span = Span::from_hours(1);

/// A profile that an entry of a menu names, and where it does so.
pub(super) struct Mention {
    key: String,
    name: String,
    at: At,
    installs: bool,
}

/// Reads a menu. The profiles that it names are looked up when all are known.
pub(super) fn profile(
    name: &ProfileName,
    mut section: Section<'_>,
    entry: &Entry,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Option<Profile> {
    let title = section.text("title", "Rack 1", findings);
    let title = title.and_then(|(text, at)| plain(&section.key("title"), text, at, findings));
    let timeout = section.span("timeout", "30s", findings);
    if let (Some(span), Some(given)) = (timeout, section.take("timeout"))
        && (span < Span::from_secs(1) || span > TIMEOUT_MAX)
    {
        findings.error(
            &given.node.at,
            format!("`{}` must be between 1 s and 1 h", section.key("timeout")),
        );
    }
    let (mut entries, mut default) = (Vec::new(), None);
    let key = section.key("entries");
    let given = section.take("entries");
    for node in given.map(|given| items(&given.node)).unwrap_or_default() {
        let place = u16::try_from(entries.len()).unwrap_or(u16::MAX);
        let Some((entry, is_default)) = menu_entry(&key, node, mentions, findings) else {
            continue;
        };
        if is_default && matches!(entry.choice, Choice::Install(_)) {
            findings
                .error(
                    &node.at,
                    format!("`{key}`: an entry that installs cannot be the default"),
                )
                .hint = Some("somebody has to choose it: give the default to another entry".to_owned());
        } else if is_default && default.is_some() {
            findings.error(&node.at, format!("`{key}` has a second default"));
        } else if is_default {
            default = Some(place);
        }
        entries.push(entry);
    }
    let name_in_file = section.name.clone();
    section.finish(findings);
    if entries.is_empty() || entries.len() > ENTRIES_MAX {
        findings
            .error(
                given.map_or(&entry.key, |given| &given.key),
                format!("`{name_in_file}` must have between 1 and {ENTRIES_MAX} entries"),
            )
            .hint = Some("write `entries = [{ title = \"Own disk\", local = true, default = true }]`".to_owned());
        return None;
    }
    if timeout.is_some() && default.is_none() {
        findings
            .error(
                &entry.key,
                format!("`{name_in_file}` ends by itself, and no entry is its default"),
            )
            .hint = Some("add `default = true` to an entry, or leave `timeout` out".to_owned());
    }
    let mut profile = Profile {
        name: name.clone(),
        kernel: String::new(),
        initrds: Vec::new(),
        args: Vec::new(),
        files: BTreeMap::new(),
        done: DoneTrigger::Manual,
        confirm: Confirm::Console,
        deadline: super::profile::DEADLINE,
        stages: StageLimits::default(),
        menu: Some(Menu {
            title: title.unwrap_or_else(|| name.to_string()),
            entries,
            default,
            timeout,
        }),
        source: None,
        revision: 0,
    };
    profile.revision = digest::profile(&profile);
    Some(profile)
}

fn menu_entry(
    key: &str,
    node: &Node,
    mentions: &mut Vec<Mention>,
    findings: &mut Findings,
) -> Option<(MenuEntry, bool)> {
    if !matches!(node.value, Value::Table(_)) {
        wrong_kind(
            key,
            "a table",
            &node.at,
            &node.value,
            "{ title = \"Own disk\", local = true }",
            findings,
        );
        return None;
    }
    let mut table = Section::from_node(key.to_owned(), node, findings);
    let title = table.text("title", "Own disk", findings);
    let title_given = table.take("title").is_some();
    let title = title.and_then(|(text, at)| plain(&format!("{key}.title"), text, at, findings));
    let is_default = table.bool("default", findings).unwrap_or(false);
    let (mut choices, mut nameless) = (Vec::new(), false);
    for (word, choice) in [("local", Choice::Local), ("hold", Choice::Hold)] {
        if table.bool(word, findings) == Some(true) {
            choices.push(choice);
        }
    }
    for (word, installs) in [("live", false), ("install", true)] {
        if let Some((text, at)) = table.text(word, "debian", findings) {
            let key = format!("{key}.{word}");
            // What is no name is no profile either, and is complained about as such.
            match text.parse::<ProfileName>() {
                Ok(name) if installs => choices.push(Choice::Install(name)),
                Ok(name) => choices.push(Choice::Live(name)),
                Err(_) => nameless = true,
            }
            mentions.push(Mention {
                key,
                name: text.to_owned(),
                at: at.clone(),
                installs,
            });
        }
    }
    table.finish(findings);
    if !title_given {
        findings.error(&node.at, format!("`{key}`: an entry has no title"));
    }
    if choices.len() != 1 && !nameless {
        findings
            .error(&node.at, format!("`{key}`: an entry does one thing"))
            .hint = Some("write one of `local = true`, `hold = true`, `live = \"…\"` and `install = \"…\"`".to_owned());
        return None;
    }
    let choice = choices.pop()?;
    Some((MenuEntry { title: title?, choice }, is_default))
}

/// A title as every console shows it.
fn plain(key: &str, text: &str, at: &At, findings: &mut Findings) -> Option<String> {
    let chars = text.chars().count();
    let refusal = if text.trim().is_empty() {
        "is empty".to_owned()
    } else if chars > TITLE_CHARS_MAX {
        format!("has {chars} characters; {TITLE_CHARS_MAX} fit on a line")
    } else if !text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        "holds a character that not every boot loader can show".to_owned()
    } else {
        return Some(text.to_owned());
    };
    findings.error(at, format!("`{key}` {refusal}"));
    None
}

/// Looks up what menus name, now that all profiles are known.
pub(super) fn check(
    mentions: &[Mention],
    names: &Profiles,
    good: &BTreeMap<ProfileName, Arc<Profile>>,
    findings: &mut Findings,
) {
    for Mention {
        key,
        name,
        at,
        installs,
    } in mentions
    {
        let Some(profile) = names.find(key, name, at, findings).and_then(|name| good.get(&name)) else {
            continue;
        };
        if profile.menu.is_some() {
            findings.error(at, format!("`{key}`: `{name}` is a menu itself"));
        } else if *installs && profile.confirm != Confirm::Console {
            findings
                .warn(at, format!("`{key}`: a machine on which `{name}` is chosen will wait"))
                .hint = Some(format!(
                "set `confirm = \"console\"` in `[profiles.{name}]` to let the console begin its install"
            ));
        } else if !installs && !fits_live(profile) {
            findings
                .error(
                    at,
                    format!("`{key}`: `{name}` asks for a run, and a live boot has none"),
                )
                .hint = Some("write `install` in place of `live`".to_owned());
        }
    }
}
