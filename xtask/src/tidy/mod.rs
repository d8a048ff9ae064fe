//! `cargo xtask tidy`: what the compiler and clippy do not check.

mod arrow;
mod binary;
mod document;
mod example;
mod length;
mod licence;
mod pin;
mod word;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tree;

/// Options of `cargo xtask tidy`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// The files of the tree with their contents, read once for all checks.
pub(crate) struct Sources {
    root: PathBuf,
    files: Vec<Source>,
}

/// One file.
struct Source {
    /// Relative to the top of the tree.
    path: PathBuf,
    content: Vec<u8>,
}

/// One thing that a check has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    grave: bool,
    place: String,
    text: String,
}

type Check = fn(&Sources) -> Result<Vec<Finding>>;

/// All checks, by the question that each answers.
const CHECKS: &[(&str, Check)] = &[
    ("the arrows between our crates are those that are drawn", arrow::crates),
    ("the pure crates use only what they may", arrow::externals),
    ("the architecture page shows the same arrows", arrow::page),
    (
        "licences, banned crates and sources are as `deny.toml` has them",
        licence::check,
    ),
    ("files and functions are short enough to be read", length::check),
    ("paths named in documents exist", document::check),
    ("firmware is pinned, and what is here is what is pinned", pin::check),
    ("no forbidden words", word::check),
    ("no binary files", binary::check),
    ("every example configuration passes `bootwright check`", example::check),
];

/// Runs all checks and prints what they say.
pub(crate) fn run(_args: &Args) -> Result<()> {
    let sources = Sources::read(tree::root())?;
    let (mut passed, mut failed) = (0, 0);
    for (question, check) in CHECKS {
        // A check that cannot be made has failed; the others still have their say.
        let findings =
            check(&sources).unwrap_or_else(|error| vec![Finding::grave("cannot be checked", format!("{error:#}"))]);
        let good = findings.iter().all(|finding| !finding.grave);
        println!("{} {question}", if good { "ok    " } else { "FAILED" });
        for finding in findings {
            println!("       {finding}");
        }
        *(if good { &mut passed } else { &mut failed }) += 1;
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("the tree is not tidy");
    }
    Ok(())
}

impl Sources {
    fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for path in tree::files(root)? {
            let content =
                std::fs::read(root.join(&path)).with_context(|| format!("cannot read `{}`", path.display()))?;
            files.push(Source { path, content });
        }
        Ok(Self {
            root: root.to_owned(),
            files,
        })
    }

    /// The text files with this extension.
    fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = (&'a Path, &'a str)> {
        self.texts()
            .filter(move |(path, _)| path.extension().is_some_and(|found| found == extension))
    }

    /// All files that are text.
    fn texts(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files
            .iter()
            .filter_map(|file| Some((file.path.as_path(), str::from_utf8(&file.content).ok()?)))
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.texts()
            .find(|(found, _)| *found == Path::new(path))
            .map(|(_, text)| text)
    }

    /// Whether a file or a directory of the tree has this path.
    fn holds(&self, path: &Path) -> bool {
        self.files.iter().any(|file| file.path.starts_with(path))
    }

    #[cfg(test)]
    fn made_of(files: &[(&str, &str)]) -> Self {
        let source = |(path, text): &(&str, &str)| Source {
            path: path.into(),
            content: text.as_bytes().to_vec(),
        };
        Self {
            root: "/nowhere/tree".into(),
            files: files.iter().map(source).collect(),
        }
    }
}

impl Finding {
    /// Something that must be mended.
    fn grave(place: impl fmt::Display, text: impl Into<String>) -> Self {
        Self {
            grave: true,
            place: place.to_string(),
            text: text.into(),
        }
    }

    /// Something to think about.
    fn mild(place: impl fmt::Display, text: impl Into<String>) -> Self {
        Self {
            grave: false,
            place: place.to_string(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.grave { "error" } else { "warning" };
        write!(f, "{kind}: {}: {}", self.place, self.text)
    }
}

/// The number that people give to the line which holds this byte.
fn line_number(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
