//! Data directories of other systems, lowered to profiles and rules.
//!
//! A mistake in one of their files concerns what that file is about and nothing else, so it never refuses a configuration:
//! what is wrong is left out and told, and the rest counts.

pub mod bootcfg;
pub mod dynamic_ignition;
mod file;
mod flatcar;
mod ignition;
pub(crate) mod json;
pub mod kiwispray;
mod make;
pub mod matchbox;
pub mod pixiecore;
mod pxelinux;

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{Profile, Rule};

use crate::compat::{Compat, Dialect};
use crate::diagnostic::{Diagnostic, Severity};

pub(crate) use file::Files;
pub use file::{Content, FILE_BYTES_MAX, FILES_MAX};
pub(crate) use make::literal;

/// Reads a data directory: the files below it by their relative paths.
pub type Walk<'a> = &'a dyn Fn(&Compat) -> Result<BTreeMap<String, Content>, String>;

/// What other systems' directories say that is no policy: answers to questions about the data itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Documents by dialect and by their paths in the directory, as they stand there and only if they are good.
    texts: BTreeMap<(Dialect, String), Arc<str>>,
}

impl Tables {
    pub(crate) fn add(&mut self, more: Self) {
        self.texts.extend(more.texts);
    }

    /// A good document of a directory, by its path there.
    #[must_use]
    pub fn text(&self, dialect: Dialect, path: &str) -> Option<&Arc<str>> {
        self.texts.get(&(dialect, path.to_owned()))
    }
}

/// What a directory is lowered to.
#[derive(Default)]
pub(crate) struct Lowered {
    pub(crate) profiles: Vec<Arc<Profile>>,
    /// In the order in which they are asked, behind those of the operator.
    pub(crate) rules: Vec<Rule>,
    pub(crate) tables: Tables,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Lowers the directory of a dialect. Where it cannot be read at all, the words say so.
pub(crate) fn lower(compat: &Compat, walk: Walk<'_>) -> Result<Lowered, String> {
    let mut lowered = Lowered::default();
    if compat.dialect == Dialect::Pixiecore {
        pixiecore::lower(compat, &mut lowered);
        return Ok(lowered);
    }
    let Some(directory) = &compat.data_dir else {
        return Ok(lowered);
    };
    let mut files = Files::new(directory, walk(compat)?);
    match compat.dialect {
        Dialect::Bootcfg => bootcfg::lower(compat, &mut files, &mut lowered),
        Dialect::Kiwispray => kiwispray::lower(compat, &mut files, &mut lowered),
        Dialect::DynamicIgnition => dynamic_ignition::lower(compat, &mut files, &mut lowered),
        Dialect::Flatcar => flatcar::lower(compat, &mut files, &mut lowered),
        Dialect::Matchbox => matchbox::lower(compat, &mut files, &mut lowered),
        Dialect::Pixiecore => {}
    }
    lowered.diagnostics = cut(files.into_diagnostics());
    Ok(lowered)
}

/// How many mistakes of a kind are told of a directory that another system has written.
const OF_A_KIND_MAX: usize = 20;

/// The first of each kind, in the order of the files: a directory with ten thousand of the same mistake tells it some times.
fn cut(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
    // A file that several machines share is read for each of them.
    found.dedup();
    let mut kept = BTreeMap::<Severity, usize>::new();
    found.retain(|diagnostic| {
        let count = kept.entry(diagnostic.severity).or_default();
        *count += 1;
        *count <= OF_A_KIND_MAX
    });
    found
}
