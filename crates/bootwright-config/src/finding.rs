//! What reading a configuration has found so far.

use crate::FINDINGS_MAX;
use crate::diagnostic::{Diagnostic, Severity};
use crate::node::{At, File};

/// The files, and what was found in them.
pub(crate) struct Findings {
    files: Vec<File>,
    found: Vec<(usize, Diagnostic)>,
    /// Which keys of which sections were asked for.
    #[cfg(test)]
    asked: std::collections::BTreeSet<(String, &'static str)>,
}

impl Findings {
    pub(crate) const fn new(files: Vec<File>) -> Self {
        Self {
            files,
            found: Vec::new(),
            #[cfg(test)]
            asked: std::collections::BTreeSet::new(),
        }
    }

    /// Takes down which keys a section was asked for.
    #[cfg(test)]
    pub(crate) fn note_asked(&mut self, section: &str, keys: &[&'static str]) {
        self.asked.extend(keys.iter().map(|key| (section.to_owned(), *key)));
    }

    /// Which keys of which sections were asked for.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> impl Iterator<Item = (&String, &&'static str)> {
        self.asked.iter().map(|(section, key)| (section, key))
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    /// The file of a place.
    pub(crate) fn file(&self, at: &At) -> &File {
        &self.files[at.file]
    }

    pub(crate) fn error(&mut self, at: &At, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, at, message.into())
    }

    pub(crate) fn warn(&mut self, at: &At, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, at, message.into())
    }

    fn add(&mut self, severity: Severity, at: &At, message: String) -> &mut Diagnostic {
        let file = self.file(at);
        let diagnostic = Diagnostic::new(severity, &file.path, &file.text, at.span.clone(), message);
        self.push(at.file, diagnostic)
    }

    /// A finding as it is, in the file with this index.
    pub(crate) fn push(&mut self, file: usize, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.found.push((file, diagnostic));
        let last = self.found.len() - 1;
        &mut self.found[last].1
    }

    /// Names another place in the latest finding.
    pub(crate) fn point_to(&mut self, at: &At, label: &str) {
        let file = self.files[at.file].clone();
        if let Some((_, last)) = self.found.last_mut() {
            *last = last.clone().with_other(&file.path, &file.text, at.span.clone(), label);
        }
    }

    /// Everything, in no particular order.
    pub(crate) fn into_all(self) -> Vec<Diagnostic> {
        self.found.into_iter().map(|(_, found)| found).collect()
    }

    /// All warnings if there is no error, else all errors, in the order of the files.
    pub(crate) fn verdict(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let errors = self.found.iter().any(|(_, found)| found.severity == Severity::Error);
        if errors {
            self.found.retain(|(_, found)| found.severity == Severity::Error);
        }
        self.found.sort_by_key(|(file, found)| (*file, found.span.start));
        let found = bounded(self.found.into_iter().map(|(_, found)| found).collect());
        if errors { Err(found) } else { Ok(found) }
    }
}

/// As many as are kept. The last one says how many it stands for.
fn bounded(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if found.len() > FINDINGS_MAX {
        let more = found.len() - (FINDINGS_MAX - 1);
        found.truncate(FINDINGS_MAX);
        if let Some(last) = found.last_mut() {
            last.message = format!("from here on {more} more are not listed");
            last.hint = Some("mend those above, and check again".to_owned());
            last.other = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(count: usize) -> Vec<Diagnostic> {
        let file = File {
            path: "config.toml".to_owned(),
            text: "a = 1\n".into(),
        };
        let mut findings = Findings::new(vec![file]);
        let at = At { file: 0, span: 0..1 };
        for number in 0..count {
            findings.error(&at, number.to_string());
        }
        findings.verdict().expect_err("there are errors")
    }

    #[test]
    fn what_is_too_much_to_be_kept_is_counted() {
        let all = many(FINDINGS_MAX);
        assert_eq!(
            all.last().map(|last| last.message.as_str()),
            Some((FINDINGS_MAX - 1).to_string().as_str())
        );
        let most = many(FINDINGS_MAX + 7);
        assert_eq!(most.len(), FINDINGS_MAX);
        let last = most.last().map(|last| last.message.as_str());
        assert_eq!(last, Some("from here on 8 more are not listed"));
        assert_eq!(most[FINDINGS_MAX - 2].message, (FINDINGS_MAX - 2).to_string());
    }
}
