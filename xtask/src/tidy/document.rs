//! Paths that documents name: they exist, or the document is out of date.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::{Finding, Sources, line_number};

/// The directories at the top of the tree; a word in backticks that begins with one of them is taken for a path.
const TOP: &[&str] = &["crates/", "config/", "docs/", "firmware/", "xtask/", ".ci/"];

/// Every path in every Markdown file: words in backticks that look like paths of the tree, and link targets.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (path, text) in sources.with_extension("md") {
        let directory = path.parent().unwrap_or(Path::new(""));
        for (offset, word) in quoted(text).filter(|(_, word)| is_path(word)) {
            if !exists(sources, Path::new(word)) {
                let place = format!("{}:{}", path.display(), line_number(text, offset));
                findings.push(Finding::grave(place, format!("there is no `{word}`")));
            }
        }
        for (offset, link) in links(text) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !normal(directory, target).is_some_and(|target| exists(sources, &target)) {
                let place = format!("{}:{}", path.display(), line_number(text, offset));
                findings.push(Finding::grave(place, format!("the link to `{target}` leads nowhere")));
            }
        }
    }
    Ok(findings)
}

/// The words between single backticks, outside of fenced blocks, with where they stand.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    let mut offset = 0;
    text.split_inclusive('\n').flat_map(move |line| {
        let start = offset;
        offset += line.len();
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        let inside = fenced || fence;
        let mut words = Vec::new();
        let mut at = start;
        for (index, part) in line.split('`').enumerate() {
            if index % 2 == 1 && !inside {
                words.push((at, part));
            }
            at += part.len() + 1;
        }
        words
    })
}

/// Whether a word names something of the tree; a word with a placeholder or a wildcard names no single thing.
fn is_path(word: &str) -> bool {
    TOP.iter().any(|top| word.starts_with(top)) && !word.contains(['<', '*', '{', ' ', '…', '='])
}

/// The targets of Markdown links that lead into the tree.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("](").filter_map(|(offset, _)| {
        let target = text[offset + 2..].split([')', '\n']).next()?;
        (!target.contains("://") && !target.starts_with("mailto:")).then_some((offset, target))
    })
}

/// A relative path seen from a directory, without `..`; nothing if it leaves the tree.
fn normal(directory: &Path, target: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in directory.join(target).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => path.pop().then_some(())?,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// In the tree, or firmware that the manifest lists and that is fetched when it is needed.
fn exists(sources: &Sources, path: &Path) -> bool {
    let listed = |name: &str| {
        sources
            .text("firmware/manifest.toml")
            .is_some_and(|text| text.contains(&format!("name = \"{name}\"")))
    };
    let is_firmware = path.parent() == Some(Path::new("firmware"))
        && path.file_name().and_then(|name| name.to_str()).is_some_and(listed);
    sources.holds(path) || is_firmware
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let manifest = "[[package.file]]\nname = \"snponly.efi\"\n";
        let files = [
            ("docs/page.md", text),
            ("crates/a/src/lib.rs", ""),
            ("firmware/manifest.toml", manifest),
        ];
        check(&Sources::made_of(&files))
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn paths_that_exist_are_files_directories_or_listed_firmware() {
        let text =
            "See `crates/a/src/lib.rs`, `crates/a`, `crates/a/`, `firmware/snponly.efi` and [it](../crates/a#x).";
        assert_eq!(findings(text), [""; 0]);
    }

    #[test]
    fn a_path_that_is_gone_is_found_with_its_line() {
        let text = "One line.\nSee `crates/b/src/lib.rs` and `firmware/other.efi`.\n";
        assert_eq!(
            findings(text),
            [
                "error: docs/page.md:2: there is no `crates/b/src/lib.rs`",
                "error: docs/page.md:2: there is no `firmware/other.efi`"
            ]
        );
    }

    #[test]
    fn a_link_that_leads_nowhere_or_out_of_the_tree_is_found() {
        assert_eq!(
            findings("[a](other.md)"),
            ["error: docs/page.md:1: the link to `other.md` leads nowhere"]
        );
        assert_eq!(findings("[a](../../b.md)").len(), 1);
        assert_eq!(findings("[a](https://ipxe.org/cmd)"), [""; 0]);
    }

    #[test]
    fn placeholders_examples_and_other_words_are_no_paths() {
        let text = "`crates/<name>/src`, `config/examples/*/config.toml`, `firmware`, `and/or`\n```\n`crates/b`\n```\n";
        assert_eq!(findings(text), [""; 0]);
    }
}
