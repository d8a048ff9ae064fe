//! From the texts of the files to policy and settings.

use std::collections::BTreeMap;

use bootwright_content::butane::Planted;
use bootwright_core::Policy;

use crate::daemon::Daemon;
use crate::diagnostic::Diagnostic;
use crate::finding::Findings;
use crate::foreign::{Tables, Walk};
use crate::lower::{Image, Places, SecretSource, Webhook, lower};
use crate::merge;
use crate::node::{self, File, Table};

/// The most findings that are kept, so that a file of nothing but mistakes does not fill the memory. Nobody reads so many; the
/// last one then says how many more there are.
pub const FINDINGS_MAX: usize = 10_000;

/// One file of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as messages name it. Files that it refers to are looked for beside it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Where the files come from that a configuration names.
pub trait Reader {
    /// A text, by the path that the configuration gives, joined to the directory of the file that names it.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, for people.
    fn text(&self, path: &str) -> Result<String, String>;

    /// Everything below the directory `name`, which lies below `directory` however its links lead, but directories; in the order of
    /// the paths.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, for people.
    fn tree(&self, directory: &str, name: &str) -> Result<Vec<Planted>, String>;
}

/// Texts alone.
impl<F: Fn(&str) -> Result<String, String>> Reader for F {
    fn text(&self, path: &str) -> Result<String, String> {
        self(path)
    }

    fn tree(&self, _: &str, _: &str) -> Result<Vec<Planted>, String> {
        Err("directories are not read here".to_owned())
    }
}

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What is decided by it.
    pub policy: Policy,
    /// What the daemon does by it.
    pub daemon: Daemon,
    /// Where the templates of its profiles stand.
    pub places: Places,
    /// Where the secrets are that its templates ask for, by name. A reload takes others.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Where images come from, by name: for the command line, the daemon fetches none.
    pub images: BTreeMap<String, Image>,
    /// Who is told of events, by name.
    pub webhooks: BTreeMap<String, Webhook>,
    /// What other systems' directories say beside that.
    pub tables: Tables,
    /// What is odd about it, and what is wrong in other systems' directories and was left out.
    pub warnings: Vec<Diagnostic>,
}

/// Reads `config.toml` and the files of `conf.d`, in this order, as one configuration.
///
/// `read` fetches a file that a profile names, by the path that the configuration gives, joined to the directory of the file
/// that names it; its error is shown to the operator. Settings of a later file replace those of an earlier one; hosts,
/// profiles and rules add up, and a name that is given twice is an error.
///
/// # Errors
///
/// Everything that is wrong, up to [`FINDINGS_MAX`]; of a file that is no TOML, its first error alone.
pub fn load(sources: &[Source], read: &dyn Fn(&str) -> Result<String, String>) -> Result<Loaded, Vec<Diagnostic>> {
    load_with(sources, &|path: &str| read(path), &|_| {
        Err("directories are not read here".to_owned())
    })
}

/// The same, with the data directories of other systems. `walk` reads one of them.
///
/// # Errors
///
/// As [`load`]. What is wrong in such a directory is no error of the configuration: it is left out, and stands among the
/// warnings.
pub fn load_with(sources: &[Source], read: &dyn Reader, walk: Walk<'_>) -> Result<Loaded, Vec<Diagnostic>> {
    let file = |source: &Source| File {
        path: source.path.clone(),
        text: source.text.as_str().into(),
    };
    let files: Vec<File> = sources.iter().map(file).collect();
    let mut findings = Findings::new(files.clone());
    let mut root = Table::new();
    let mut misshapen = false;
    for (index, file) in files.iter().enumerate() {
        match node::parse(index, file) {
            Ok(table) => merge::add(&mut root, table, &mut findings),
            Err(diagnostic) => {
                findings.push(index, *diagnostic);
                misshapen = true;
            }
        }
    }
    if misshapen {
        // What the other files mean may hang on the one that cannot be read.
        return match findings.verdict() {
            Ok(found) | Err(found) => Err(found),
        };
    }
    let lowered = lower(&root, read, walk, &mut findings);
    let mut warnings = findings.verdict()?;
    warnings.extend(lowered.foreign);
    Ok(Loaded {
        policy: lowered.policy,
        daemon: lowered.daemon,
        places: lowered.places,
        secrets: lowered.secrets,
        images: lowered.images,
        webhooks: lowered.webhooks,
        tables: lowered.tables,
        warnings,
    })
}

/// All of them as text for a terminal, with a count at the end; nothing for none.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic]) -> String {
    use crate::diagnostic::Severity;
    let mut text: String = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.render() + "\n\n")
        .collect();
    let count = |severity, one: &str, many: &str| match diagnostics.iter().filter(|d| d.severity == severity).count() {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {many}")),
    };
    let counts = [
        count(Severity::Error, "error", "errors"),
        count(Severity::Warning, "warning", "warnings"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    if !counts.is_empty() {
        text.push_str(&counts.join(", "));
        text.push('\n');
    }
    text
}
