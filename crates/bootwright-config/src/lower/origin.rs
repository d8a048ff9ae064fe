//! Where the templates of a profile stand, so that a problem in one is shown there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bootwright_content::{Part, Problem};
use bootwright_core::Profile;

use crate::finding::Findings;
use crate::node::{At, Entry};
use crate::section::quoted;

/// Where each template of a profile stands.
pub(super) type Origins = BTreeMap<Part, Origin>;

/// Where a template stands.
pub(super) enum Origin {
    /// In the configuration itself.
    Here(At),
    /// In a file of its own, which the configuration names at this place.
    File { named: At, path: String, text: Arc<str> },
}

/// Puts a problem with a template where the template stands.
pub(super) fn report(profile: &Profile, problem: Problem, origins: &Origins, entry: &Entry, findings: &mut Findings) {
    let Problem { part, error } = problem;
    let (key, template) = match &part {
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
    let diagnostic = match (origins.get(&part), template) {
        (Some(Origin::Here(at)), Some(template)) => {
            let span = within(&findings.file(at).text, &at.span, template, &error.span);
            findings.error(&At { file: at.file, span }, message)
        }
        (Some(Origin::File { named, path, text }), _) => findings.error_in(named, path, text, error.span, message),
        _ => findings.error(&entry.key, message),
    };
    diagnostic.hint = error.hint;
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
