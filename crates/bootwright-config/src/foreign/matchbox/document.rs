//! The documents of a group, filled in.

use std::collections::BTreeMap;

use bootwright_core::Document;

use super::group::Group;
use super::number::shown;
use super::profile::Booted;
use super::template::{Datum, Wrong, fill};
use super::{CLOUD, GENERIC, IGNITION, METADATA, variant};
use crate::foreign::file::Files;
use crate::foreign::make;

/// What a request says of a machine, and our templates know.
const SAID: &[(&str, &str)] = &[
    ("mac", "{{ host.mac }}"),
    ("uuid", "{{ host.uuid }}"),
    ("serial", "{{ host.serial }}"),
    ("hostname", "{{ host.name }}"),
    ("ip", "{{ host.address }}"),
];

/// What only a server of ours can say, as `.bootwright.run_url` and so on.
const OURS: &[(&str, &str)] = &[
    ("run_url", "{{ run.url }}"),
    ("host", "{{ host.name }}"),
    ("server_url", "{{ server.url }}"),
];

/// The documents under their names, and which of them the installed system is configured by. Nothing if one of them cannot be
/// made, which is told.
pub(super) fn documents(
    group: &Group,
    booted: &Booted,
    words: Option<&BTreeMap<String, String>>,
    files: &mut Files,
) -> Option<(BTreeMap<String, Document>, Option<String>)> {
    let named = |name: &str| words.map_or_else(|| name.to_owned(), |words| variant(name, words));
    let data = data(group);
    let mut all = BTreeMap::new();
    let mut config = None;
    let given = [
        (CLOUD, &booted.cloud),
        (GENERIC, &booted.generic),
        (IGNITION, &booted.ignition),
    ];
    for (name, path) in given
        .into_iter()
        .filter_map(|(name, path)| Some((name, path.as_ref()?)))
    {
        let text = files.text(path)?;
        let is_plain = name == IGNITION && [".ign", ".ignition"].iter().any(|end| path.ends_with(end));
        if name == CLOUD && !text.starts_with("#cloud-config") && !text.starts_with("#!") {
            let hint = "write `#cloud-config` into its first line, or `#!` and a program";
            files.error(path, 0..0, "this is no cloud-config and no script", hint);
            return None;
        }
        let filled = if is_plain {
            Ok(make::literal(&text))
        } else {
            fill(&text, &data)
        };
        match filled {
            Ok(template) => {
                all.insert(named(name), make::document(template, path));
                config = (name != GENERIC).then(|| named(name)).or(config);
            }
            Err(Wrong { at, message, hint }) => {
                let message = format!("for group `{}`: {message}", group.id);
                files.error(path, at, message, hint);
                return None;
            }
        }
    }
    let mut lines = String::new();
    environment("", &metadata(group), &mut lines);
    all.insert(named(METADATA), make::document(make::literal(&lines), &booted.path));
    Some((all, config))
}

/// Metadata, and what the group asks for over it.
fn metadata(group: &Group) -> BTreeMap<String, Datum> {
    let mut table = group.metadata.clone();
    let asked = group.selector.iter();
    table.extend(asked.map(|(key, value)| (key.to_lowercase(), Datum::Text(value.clone()))));
    table
}

/// All that a template may ask for.
fn data(group: &Group) -> Datum {
    let later = |pairs: &[(&str, &str)]| -> BTreeMap<String, Datum> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, name)| ((*key).to_owned(), Datum::Later((*name).to_owned())))
            .collect()
    };
    let mut table = metadata(group);
    let ours = Datum::Table(later(OURS));
    table.entry("bootwright".to_owned()).or_insert(ours);
    let mut query = later(SAID);
    query.extend(group.words().into_iter().map(|(key, value)| (key, Datum::Text(value))));
    let request = BTreeMap::from([("query".to_owned(), Datum::Table(query))]);
    table.insert("request".to_owned(), Datum::Table(request));
    Datum::Table(table)
}

/// Lines of `NAME=value`, tables under their names with `_` between; lists have none.
fn environment(prefix: &str, table: &BTreeMap<String, Datum>, lines: &mut String) {
    for (key, datum) in table {
        let name = format!("{prefix}{}", key.to_uppercase());
        let value = match datum {
            Datum::Text(text) => text.clone(),
            Datum::Number(number) => shown(*number),
            Datum::Flag(flag) => flag.to_string(),
            Datum::Table(table) => {
                environment(&format!("{name}_"), table, lines);
                continue;
            }
            Datum::List(_) | Datum::Later(_) => continue,
        };
        lines.push_str(&format!("{name}={value}\n"));
    }
}
