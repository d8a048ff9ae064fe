//! Where the templates of profiles stand, so that a problem in one is shown there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bootwright_content::{Part, Problem};
use bootwright_core::{Profile, ProfileName};

use crate::diagnostic::{Diagnostic, Severity};
use crate::finding::Findings;
use crate::node::{At, File, Table, Value};
use crate::section::quoted;

/// Where the templates of all profiles stand, for problems that show only when one is rendered for a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    files: Vec<File>,
    profiles: BTreeMap<ProfileName, (u64, Origins)>,
    /// Where what people ask about stands, by its key.
    keys: BTreeMap<String, At>,
}

/// Where the templates of one profile stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origins {
    /// The profile's name, for what has no place of its own.
    profile: At,
    parts: BTreeMap<Part, Origin>,
}

/// Where a template stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the configuration itself.
    Here(At),
    /// In a file of its own, which the configuration names at this place.
    File { named: At, path: String, text: Arc<str> },
}

impl Places {
    pub(super) fn new(files: Vec<File>) -> Self {
        Self {
            files,
            profiles: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Notes where profiles, rules, hosts and their profiles stand, and what unknown hosts get.
    pub(super) fn note(&mut self, root: &Table) {
        let tables = |section| match root.get(section).map(|entry| &entry.node.value) {
            Some(Value::Table(table)) => table.iter().collect(),
            _ => Vec::new(),
        };
        for (name, entry) in tables("profiles") {
            self.keys.insert(format!("profiles.{name}"), entry.key.clone());
        }
        for (name, entry) in tables("hosts") {
            self.keys.insert(format!("hosts.{name}"), entry.key.clone());
            if let Value::Table(host) = &entry.node.value
                && let Some(profile) = host.get("profile")
            {
                self.keys.insert(format!("hosts.{name}.profile"), profile.key.clone());
            }
        }
        for (name, entry) in tables("safety") {
            self.keys.insert(format!("safety.{name}"), entry.key.clone());
        }
        let rules = match root.get("rules").map(|entry| &entry.node.value) {
            Some(Value::List(rules)) => rules.as_slice(),
            _ => &[],
        };
        for rule in rules {
            if let Value::Table(rule) = &rule.value
                && let Some(entry) = rule.get("name")
                && let Value::Text(name) = &entry.node.value
            {
                self.keys.insert(format!("rules.{name}"), entry.key.clone());
            }
        }
    }

    /// The file and the line of `profiles.NAME`, `hosts.NAME`, `hosts.NAME.profile`, `rules.NAME` or `safety.KEY`; nothing for
    /// what does not stand in the configuration itself.
    #[must_use]
    pub fn line(&self, key: &str) -> Option<String> {
        let at = self.keys.get(key)?;
        let file = self.files.get(at.file)?;
        let before = file.text.get(..at.span.start)?;
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        Some(format!("{}:{line}", file.path))
    }

    pub(super) fn insert(&mut self, profile: &Profile, origins: Origins) {
        self.profiles.insert(profile.name.clone(), (profile.revision, origins));
    }

    /// Puts a problem with a profile where its template stands.
    pub(super) fn report(&self, profile: &Profile, problem: &Problem, findings: &mut Findings) {
        if let Some((_, origins)) = self.profiles.get(&profile.name) {
            origins.report(profile, problem, findings);
        }
    }

    /// A problem with a profile at its place; nothing for a profile that reads otherwise now.
    #[must_use]
    pub fn find(&self, profile: &Profile, problem: &Problem) -> Option<Diagnostic> {
        let (revision, origins) = self.profiles.get(&profile.name)?;
        if *revision != profile.revision {
            return None;
        }
        let (_, diagnostic) = origins.find(&self.files, profile, problem)?;
        Some(diagnostic)
    }
}

impl Origins {
    pub(super) const fn new(profile: At) -> Self {
        Self {
            profile,
            parts: BTreeMap::new(),
        }
    }

    pub(super) fn insert(&mut self, part: Part, origin: Origin) {
        self.parts.insert(part, origin);
    }

    /// Puts a problem with a template where the template stands.
    pub(super) fn report(&self, profile: &Profile, problem: &Problem, findings: &mut Findings) {
        if let Some((file, diagnostic)) = self.find(findings.files(), profile, problem) {
            findings.push(file, diagnostic);
        }
    }

    /// Puts what is odd about a document where its template stands.
    pub(super) fn remark(&self, profile: &Profile, problem: &Problem, findings: &mut Findings) {
        if let Some((file, mut diagnostic)) = self.find(findings.files(), profile, problem) {
            diagnostic.severity = Severity::Warning;
            findings.push(file, diagnostic);
        }
    }

    /// The problem at its place, and the file of the configuration that leads there.
    fn find(&self, files: &[File], profile: &Profile, problem: &Problem) -> Option<(usize, Diagnostic)> {
        let Problem { part, error } = problem;
        let (key, template) = match part {
            Part::Kernel => ("kernel".to_owned(), Some(&profile.kernel)),
            Part::Initrd(index) => (
                "initrds".to_owned(),
                profile.initrds.get(*index).map(|initrd| &initrd.source),
            ),
            Part::Arg(index) => ("args".to_owned(), profile.args.get(*index)),
            Part::Args => ("args".to_owned(), None),
            Part::File(name) => (
                format!("files.{}", quoted(name)),
                profile.files.get(name).map(|document| &document.template),
            ),
        };
        let message = format!("`profiles.{}.{key}`: {}", profile.name, error.message);
        let in_config = |at: &At, span: Range<usize>, message| {
            let file = files.get(at.file)?;
            let found = Diagnostic::new(Severity::Error, &file.path, &file.text, span, message);
            Some((at.file, found))
        };
        let (file, mut diagnostic) = match (self.parts.get(part), template) {
            (Some(Origin::Here(at)), Some(template)) => {
                let text = files.get(at.file).map_or("", |file| &*file.text);
                in_config(at, within(text, &at.span, template, &error.span), message)?
            }
            (Some(Origin::File { named, path, text }), _) => {
                let found = Diagnostic::new(Severity::Error, path, text, error.span.clone(), message);
                (named.file, found)
            }
            _ => in_config(&self.profile, self.profile.span.clone(), message)?,
        };
        diagnostic.hint.clone_from(&error.hint);
        Some((file, diagnostic))
    }
}

/// The place of a span of the template within the file: exact where the file holds the template as it is, else the whole
/// of the value, since TOML's escapes have moved everything.
fn within(file: &str, value: &Range<usize>, template: &str, span: &Range<usize>) -> Range<usize> {
    let written = file.get(value.clone()).unwrap_or_default();
    match written.find(template) {
        Some(offset) if !span.is_empty() => value.start + offset + span.start..value.start + offset + span.end,
        _ => value.clone(),
    }
}
