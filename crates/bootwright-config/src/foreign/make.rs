//! What lowered data is made of: names, texts that are templates or are none, profiles and rules.

use std::collections::{BTreeMap, BTreeSet};

use bootwright_content::check_profile;
use bootwright_core::{
    Attribute, Confirm, Document, DoneTrigger, Initrd, Pattern, Profile, ProfileName, Rule, StageLimits,
};

use crate::compat::Compat;
use crate::digest;
use crate::lower::DEADLINE;

/// The settings of iPXE that every boot loader of ours knows by another name.
const SETTINGS: &[(&str, &str)] = &[
    ("${uuid}", "{{ host.uuid }}"),
    ("${mac}", "{{ host.mac }}"),
    ("${mac:hexhyp}", "{{ host.mac_hyphens }}"),
    ("${net0/mac}", "{{ host.mac }}"),
    ("${net0/mac:hexhyp}", "{{ host.mac_hyphens }}"),
    ("${ip}", "{{ host.address }}"),
    ("${net0/ip}", "{{ host.address }}"),
    ("${serial}", "{{ host.serial }}"),
    ("${hostname}", "{{ host.name }}"),
];

/// What a profile boots, in words of the system that it comes from.
pub(super) struct Boot {
    pub(super) kernel: String,
    pub(super) initrds: Vec<String>,
    pub(super) args: Vec<String>,
}

/// Names that were given away already, of one directory.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// A name of ours for one of theirs: what our names may hold of it, with a number behind it if it is taken.
    pub(super) fn give(&mut self, prefix: &str, name: &str) -> String {
        let plain = slug(name);
        let mut given = format!("{prefix}-{plain}");
        let mut number = 2;
        while !self.0.insert(given.clone()) {
            given = format!("{prefix}-{plain}-{number}");
            number += 1;
        }
        given
    }
}

/// Letters, digits and hyphens, in lower case and short enough for a prefix and a number.
fn slug(name: &str) -> String {
    let fits = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let text: String = name.chars().map(fits).take(40).collect();
    let text = text.trim_matches('-');
    if text.is_empty() {
        "unnamed".to_owned()
    } else {
        text.to_owned()
    }
}

/// A text that templates print as it is.
pub(crate) fn literal(text: &str) -> String {
    let mut template = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        template.push_str(before);
        match from.as_bytes().get(1) {
            Some(b'{' | b'%' | b'#') => {
                let (begin, after) = from.split_at(2);
                template.push_str(&format!("{{{{ \"{begin}\" }}}}"));
                rest = after;
            }
            _ => {
                let (begin, after) = from.split_at(1);
                template.push_str(begin);
                rest = after;
            }
        }
    }
    template.push_str(rest);
    template
}

/// A text in which iPXE puts its settings, as a template that puts the same there for every boot loader.
pub(super) fn for_all(text: &str) -> String {
    SETTINGS
        .iter()
        .fold(text.to_owned(), |text, (setting, name)| text.replace(setting, name))
}

/// Where a file of the dialect is for machines: on the dialect's own listener if it has one.
pub(super) fn url(compat: &Compat, path: &str) -> String {
    if path.contains("://") {
        return for_all(path);
    }
    let path = format!("/{}", path.trim_start_matches('/'));
    match compat.listen {
        Some(listen) => format!("http://{{{{ server.address }}}}:{}{}", listen.port, for_all(&path)),
        None => for_all(&path),
    }
}

/// A profile for every boot loader of ours; its words are those of the dialect without what we add ourselves.
pub(super) fn profile(
    compat: &Compat,
    name: ProfileName,
    boot: &Boot,
    files: BTreeMap<String, Document>,
    done: DoneTrigger,
) -> Profile {
    let initrd = |text: &String| {
        // `--name main /assets/x`: the name is ours to give.
        Initrd {
            source: url(compat, path_of(text)),
            target: None,
        }
    };
    let args = boot.args.iter().filter(|arg| !arg.starts_with("initrd="));
    let mut profile = Profile {
        name,
        kernel: url(compat, path_of(&boot.kernel)),
        initrds: boot.initrds.iter().map(initrd).collect(),
        args: args.map(|arg| for_all(arg)).collect(),
        files,
        done,
        confirm: Confirm::Dashboard,
        deadline: DEADLINE,
        stages: StageLimits::default(),
        menu: None,
        source: Some(compat.dialect),
        revision: 0,
    };
    profile.revision = digest::profile(&profile);
    profile
}

/// The path in the words of iPXE's commands, which may have options in front.
fn path_of(words: &str) -> &str {
    match words.trim().starts_with("--") {
        true => words.split_whitespace().next_back().unwrap_or_default(),
        false => words.trim(),
    }
}

/// What is wrong with a profile, in words.
pub(super) fn problems(profile: &Profile) -> Vec<String> {
    check_profile(profile).iter().map(ToString::to_string).collect()
}

/// A rule that suggests a profile, and grants nothing.
pub(super) fn rule(compat: &Compat, name: &str, when: Vec<(Attribute, &str)>, profile: ProfileName) -> Option<Rule> {
    let mut rule = Rule {
        name: name.parse().ok()?,
        when: when
            .into_iter()
            .map(|(attribute, text)| (attribute, Pattern::new(text)))
            .collect(),
        profile,
        auto_arm: false,
        limit: None,
        source: Some(compat.dialect),
        fingerprint: 0,
    };
    rule.fingerprint = digest::rule(&rule);
    Some(rule)
}

pub(super) fn document(template: String, origin: &str) -> Document {
    Document {
        template,
        origin: origin.to_owned(),
        add: bootwright_core::Additions::default(),
    }
}

#[cfg(test)]
mod tests {
    use bootwright_content::{Template, made_up};

    use super::*;

    #[test]
    fn a_literal_text_is_printed_as_it_is() {
        let name: ProfileName = "x".parse().unwrap();
        let boot = Boot {
            kernel: "/k".to_owned(),
            initrds: Vec::new(),
            args: Vec::new(),
        };
        let compat = Compat::plain(crate::Dialect::Bootcfg);
        let profile = profile(&compat, name, &boot, BTreeMap::new(), DoneTrigger::Manual);
        for text in [
            "{{ .Names }}",
            "{{{%#{",
            "\n{% raw %}\n  {# x #}\n",
            "{",
            "a{b}c",
            "{{{{{{{",
            "\n\n{{%}}",
        ] {
            let template = literal(text);
            let rendered = Template::compile("x", &template).and_then(|template| template.render(&made_up(&profile)));
            assert_eq!(rendered.as_deref(), Ok(text));
        }
    }

    #[test]
    fn names_are_ours_and_given_once() {
        let mut names = Names::default();
        assert_eq!(names.give("bootcfg", "Etcd_1"), "bootcfg-etcd-1");
        assert_eq!(names.give("bootcfg", "etcd.1"), "bootcfg-etcd-1-2");
        assert_eq!(names.give("bootcfg", "…"), "bootcfg-unnamed");
        assert!(
            names
                .give("dynamic-ignition", &"x".repeat(500))
                .parse::<ProfileName>()
                .is_ok()
        );
    }
}
