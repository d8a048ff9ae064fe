//! `[secrets]`: where the shell finds what templates ask for with `secret("…")`. What they hold is read when a document is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::{Part, Problem, TemplateError, is_secret_name, nearest, secrets_asked};
use bootwright_core::{Profile, ProfileName};

use super::origin::Places;
use crate::finding::Findings;
use crate::node::{At, Entry, Table, Value};
use crate::section::Section;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In this file.
    File(String),
    /// In this variable of the daemon's environment.
    Environment(String),
}

pub(super) fn lower(root: &Table, findings: &mut Findings) -> BTreeMap<String, SecretSource> {
    let Some(section) = Section::of(root, "secrets", findings) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (name, entry) in section.entries() {
        if !is_secret_name(name) {
            let message = format!("`{}` cannot be the name of a secret", name.escape_debug());
            findings.error(&entry.key, message).hint = Some("use letters, digits, `-` and `_`".to_owned());
            continue;
        }
        let key = section.key(name);
        if let Some(source) = source(key, entry, findings) {
            found.insert(name.clone(), source);
        }
    }
    found
}

pub(super) fn source(key: String, entry: &Entry, findings: &mut Findings) -> Option<SecretSource> {
    if !matches!(entry.node.value, Value::Table(_)) {
        let message = format!("`{key}` must say where the secret is");
        findings.error(&entry.node.at, message).hint =
            Some("write `{ file = \"secrets/luks\" }` or `{ env = \"LUKS\" }`".to_owned());
        return None;
    }
    let mut table = Section::new(key, entry, findings);
    let file = table.text("file", "/etc/bootwright/secrets/luks", findings);
    let environment = table.text("env", "LUKS_PASSPHRASE", findings);
    let name = table.name.clone();
    table.finish(findings);
    match (file, environment) {
        (Some((path, at)), None) if !path.is_empty() => Some(SecretSource::File(beside(path, at, findings))),
        (None, Some((variable, at))) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if variable.is_empty() || !variable.chars().all(fits) {
                findings.error(at, format!("`{name}.env` is no name of a variable"));
                return None;
            }
            Some(SecretSource::Environment(variable.to_owned()))
        }
        _ => {
            findings
                .error(&entry.node.at, format!("`{name}` needs one of `file` and `env`"))
                .hint = Some("for example `{ file = \"secrets/luks\" }`".to_owned());
            None
        }
    }
}

/// The file of this name beside the one that names it.
pub(super) fn beside(path: &str, at: &At, findings: &Findings) -> String {
    match findings.file(at).path.rsplit_once('/') {
        Some((directory, _)) if !path.starts_with('/') => format!("{directory}/{path}"),
        _ => path.to_owned(),
    }
}

/// Complains about documents that ask for secrets which nobody named.
pub(super) fn check(
    secrets: &BTreeMap<String, SecretSource>,
    profiles: &BTreeMap<ProfileName, Arc<Profile>>,
    places: &Places,
    findings: &mut Findings,
) {
    for profile in profiles.values() {
        for (name, document) in &profile.files {
            for asked in secrets_asked(&document.template) {
                let (message, hint) = match &asked.name {
                    Some(name) if secrets.contains_key(name) => continue,
                    Some(name) => (
                        format!("there is no secret `{name}`"),
                        match nearest(name, secrets.keys().map(String::as_str)) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("add `{name} = {{ file = \"…\" }}` to `[secrets]`"),
                        },
                    ),
                    None => (
                        "nobody can tell which secret this asks for".to_owned(),
                        "write its name in quotation marks, as in `secret(\"luks\")`".to_owned(),
                    ),
                };
                let error = TemplateError {
                    message,
                    hint: Some(hint),
                    ..TemplateError::at(&document.template, asked.span)
                };
                let part = Part::File(name.clone());
                places.report(profile, &Problem { part, error }, findings);
            }
        }
    }
}
