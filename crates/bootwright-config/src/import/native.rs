//! What a data directory was lowered to, as profiles, hosts and rules that the operator owns from now on.

use std::collections::{BTreeMap, BTreeSet};

use bootwright_core::{Attribute, DoneTrigger, Profile, Rule};

use super::draft::{self, Draft, Table};
use super::left::Left;
use super::machine::Machine;
use super::variable::Variables;
use super::{Given, Imported, Text, machine};
use crate::compat::{Compat, Dialect, Era};
use crate::foreign::{self, Content, bootcfg};

/// Documents that are made for clients of the other system, who are not asked for here.
const INTERNAL: &[&str] = &[bootcfg::BOOT, "matchbox.json", "metadata"];

/// Imports the directory of a system that a reader of ours lowers.
pub(super) fn import(dialect: Dialect, given: &[Given], name: &str, mut left: Left) -> Imported {
    let settings: Vec<Text> = super::texts(&alone(given), &mut left);
    let variables = Variables::read(dialect, &settings, &mut left);
    let mut draft = Draft::default();
    let mut documents = Vec::new();
    let mut machines = Vec::new();
    let mut steps = Vec::new();
    draft.push_if_any(variables.server());
    let Some((directory, files)) = below(given) else {
        let place = Text {
            path: given.first().map(|file| file.path.clone()).unwrap_or_default(),
            text: "".into(),
        };
        let hint = "name the directory with the data as well";
        left.tell(
            &place,
            0..0,
            format!("no directory with data of {} was given", dialect.name()),
            hint,
        );
        return finish(dialect, &draft, documents, Vec::new(), left, steps);
    };
    let mut compat = Compat::plain(dialect);
    compat.data_dir = Some(directory.clone());
    if dialect == Dialect::Bootcfg
        && !files
            .keys()
            .any(|path| path.starts_with("machines/") || path.starts_with("specs/"))
    {
        compat.era = Era::Boot;
    }
    let lowered = foreign::lower(&compat, &|_| Ok(files.clone())).unwrap_or_default();
    for diagnostic in lowered.diagnostics {
        left.keep(diagnostic);
    }
    for profile in &lowered.profiles {
        write_profile(profile, name, &directory, &mut draft, &mut documents, &mut left);
    }
    let mut rules = Vec::new();
    for rule in &lowered.rules {
        match machine_of(rule, dialect, &directory) {
            Some(machine) => machines.push(machine),
            None => rules.push(rule),
        }
    }
    let known = machine::write(machines, &|_| false, &mut draft, &mut left);
    for rule in rules {
        draft.push(write_rule(rule));
    }
    steps.extend(variables.images(dialect, &directory, &lowered.profiles));
    finish(dialect, &draft, documents, known, left, steps)
}

fn finish(
    dialect: Dialect,
    draft: &Draft,
    documents: Vec<(String, String)>,
    machines: Vec<super::Known>,
    left: Left,
    steps: Vec<String>,
) -> Imported {
    let (left, more_left) = left.into_parts();
    let name = dialect.name();
    Imported {
        config: draft.write(&format!("What {name} served, as `bootwright import {name}` read it.")),
        documents,
        machines,
        left,
        more_left,
        steps,
    }
}

/// The files that were given themselves: units, scripts, files of variables.
pub(super) fn alone(given: &[Given]) -> Vec<Given> {
    given.iter().filter(|file| file.directory.is_none()).cloned().collect()
}

/// The first directory, and its files by their paths in it.
pub(super) fn below(given: &[Given]) -> Option<(String, BTreeMap<String, Content>)> {
    let directory = given.iter().find_map(|file| file.directory.clone())?;
    let inside = given.iter().filter(|file| file.directory.as_ref() == Some(&directory));
    let relative = |file: &Given| {
        let path = file.path.strip_prefix(&directory)?.trim_start_matches('/').to_owned();
        Some((path, file.content.clone()))
    };
    Some((directory.clone(), inside.filter_map(relative).collect()))
}

/// A profile, with its documents in files of their own.
pub(super) fn write_profile(
    profile: &Profile,
    name: &str,
    directory: &str,
    draft: &mut Draft,
    documents: &mut Vec<(String, String)>,
    left: &mut Left,
) {
    let origins: BTreeSet<&str> = profile
        .files
        .values()
        .map(|document| document.origin.as_str())
        .collect();
    let origins: Vec<String> = origins
        .into_iter()
        .map(|origin| format!("{directory}/{origin}"))
        .collect();
    let key = draft::key(profile.name.as_str());
    let mut table = Table::new(format!("[profiles.{key}]"), &origins.join(", "));
    let names: Vec<&str> = profile.files.keys().map(String::as_str).collect();
    table.set("kernel", draft::text(&profile.kernel), "");
    let initrd = |initrd: &bootwright_core::Initrd| match &initrd.target {
        None => draft::text(&initrd.source),
        Some(target) => format!(
            "{{ source = {}, target = {} }}",
            draft::text(&initrd.source),
            draft::text(target)
        ),
    };
    let initrds: Vec<String> = profile.initrds.iter().map(initrd).collect();
    if !initrds.is_empty() {
        table.set("initrds", format!("[{}]", initrds.join(", ")), "");
    }
    let args: Vec<String> = profile.args.iter().map(|arg| own_place(arg, &names)).collect();
    if !args.is_empty() {
        let args: Vec<String> = args.iter().map(|arg| draft::text(arg)).collect();
        table.set("args", format!("[{}]", args.join(", ")), "");
    }
    match &profile.done {
        DoneTrigger::Callback => {}
        DoneTrigger::ConfigServed(file) => {
            table.set("done", format!("{{ config-served = {} }}", draft::text(file)), "")
        }
        DoneTrigger::LastArtifact(path) => {
            table.set("done", format!("{{ last-artifact = {} }}", draft::text(path)), "")
        }
        DoneTrigger::Manual => table.set("done", draft::text("manual"), ""),
    }
    draft.push(table);
    let mut files = Table::new(format!("[profiles.{key}.files]"), "");
    for (file, document) in profile
        .files
        .iter()
        .filter(|(file, _)| !INTERNAL.contains(&file.as_str()))
    {
        let path = format!("{}/{}", profile.name, file);
        let origin = format!("{directory}/{}", document.origin);
        files.set(
            file,
            format!("{{ file = {} }}", draft::text(&format!("{name}/{path}"))),
            &origin,
        );
        if ["/ignition?", "/cloud?", "/generic?"]
            .iter()
            .any(|route| document.template.contains(route))
        {
            let text = Text {
                path: origin,
                text: document.template.as_str().into(),
            };
            let at = document.template.find("?").unwrap_or(0);
            let hint = "a run's documents are below `{{ run.url }}`: write `{{ run.url }}/NAME` there";
            left.tell(
                &text,
                at..at + 1,
                "the document asks the old server for another one",
                hint,
            );
        }
        documents.push((path, document.template.clone()));
    }
    draft.push_if_any(files);
}

/// An argument that asks the old server for a document, as one that asks for the run's.
fn own_place(arg: &str, names: &[&str]) -> String {
    let Some(at) = arg.find("http://").or_else(|| arg.find("https://")) else {
        return arg.to_owned();
    };
    let (before, url) = arg.split_at(at);
    let Some((place, query)) = url.split_once('?') else {
        return arg.to_owned();
    };
    let route = place.rsplit('/').next().unwrap_or_default();
    let of_route: Vec<&&str> = names
        .iter()
        .filter(|name| name.starts_with(route) || (route == "cloud" && **name == bootcfg::CLOUD))
        .collect();
    // A document for those who ask with further words has them in its name, behind an `@`.
    let words = |name: &str| {
        name.split_once('@')
            .map(|(_, rest)| rest.rsplit_once('.').map_or(rest, |(words, _)| words).to_owned())
    };
    let asked = |name: &&&&str| {
        words(name).is_some_and(|words| words.split(',').all(|word| query.split('&').any(|pair| pair == word)))
    };
    let plain = of_route.iter().find(|name| words(name).is_none());
    match of_route.iter().find(asked).or(plain) {
        Some(name) if ["ignition", "cloud", "generic"].contains(&route) => format!("{before}{{{{ run.url }}}}/{name}"),
        _ => arg.to_owned(),
    }
}

/// The machine that a rule is about, if it is about one.
fn machine_of(rule: &Rule, dialect: Dialect, directory: &str) -> Option<Machine> {
    let exact = |attribute: &Attribute| {
        let pattern = rule.when.get(attribute)?.as_str();
        (!pattern.contains(['*', '?'])).then_some(pattern)
    };
    let known = [Attribute::Mac, Attribute::Uuid, Attribute::Serial];
    if rule.when.is_empty() || !rule.when.keys().all(|attribute| known.contains(attribute)) {
        return None;
    }
    let text = Text {
        path: directory.to_owned(),
        text: "".into(),
    };
    let name = rule
        .name
        .as_str()
        .strip_prefix(dialect.name())
        .map(|name| name.trim_start_matches('-'))
        .unwrap_or_default();
    let mut machine = Machine::at(&text, 0..0, format!("{directory}: {name}"));
    machine
        .macs
        .extend(exact(&Attribute::Mac).and_then(|mac| mac.parse::<bootwright_core::MacAddr>().ok()));
    machine.uuid = exact(&Attribute::Uuid).and_then(|uuid| uuid.parse().ok());
    machine.serial = exact(&Attribute::Serial).map(str::to_owned);
    machine.profile = Some(rule.profile.to_string());
    let address = |name: &str| name.len() >= 17 && name.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    machine.name = Some(name)
        .filter(|name| !name.is_empty() && !address(name))
        .map(str::to_owned);
    let unnamed = machine.macs.is_empty() && machine.uuid.is_none() && machine.serial.is_none();
    (!unnamed).then_some(machine)
}

fn write_rule(rule: &Rule) -> Table {
    let mut table = Table::new("[[rules]]", "it suggests the profile, and arms nothing");
    table.set("name", draft::text(rule.name.as_str()), "");
    let when: Vec<String> = rule
        .when
        .iter()
        .map(|(attribute, pattern)| {
            format!(
                "{} = {}",
                draft::key(&attribute.to_string()),
                draft::text(pattern.as_str())
            )
        })
        .collect();
    if !when.is_empty() {
        table.set("when", format!("{{ {} }}", when.join(", ")), "");
    }
    table.set("profile", draft::text(rule.profile.as_str()), "");
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_the_old_server_for_a_document_asks_for_that_of_the_run() {
        let names = ["ignition.ign", "ignition@os=installed.ign", "cloud-config"];
        for (old, new) in [
            (
                "coreos.config.url=http://bootcfg.foo:8080/ignition?uuid=${uuid}&mac=x",
                "coreos.config.url={{ run.url }}/ignition.ign",
            ),
            (
                "a=http://m.foo:8080/ignition?os=installed&mac=x",
                "a={{ run.url }}/ignition@os=installed.ign",
            ),
            (
                "cloud-config-url=http://b:8080/cloud?uuid=${uuid}",
                "cloud-config-url={{ run.url }}/cloud-config",
            ),
            ("x=http://b/assets/img?ignition", "x=http://b/assets/img?ignition"),
            ("console=ttyS0", "console=ttyS0"),
        ] {
            assert_eq!(own_place(old, &names), new);
        }
    }
}
