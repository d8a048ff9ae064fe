//! Example configurations, judged by the product itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Finding, Sources};
use crate::{process, tree};

/// Builds the binary and lets it check every example.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    process::run(tree::cargo().args(["build", "--quiet", "--locked", "--package", "bootwright"]))?;
    judge(sources, &tree::target().join("debug/bootwright"))
}

fn judge(sources: &Sources, binary: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for example in examples(sources) {
        let mut command = Command::new(binary);
        command
            .current_dir(&sources.root)
            .args(["check", "--config"])
            .arg(&example);
        let done = command
            .output()
            .with_context(|| format!("cannot start `{}`", process::line(&command)))?;
        if !done.status.success() {
            let said = [done.stdout, done.stderr].concat();
            let text = format!("{}\n{}", done.status, String::from_utf8_lossy(&said).trim_end());
            findings.push(Finding::grave(example.display(), text));
        }
    }
    Ok(findings)
}

/// The main file of each configuration under `config/`; what lies in a `conf.d` is read with the file beside it.
fn examples(sources: &Sources) -> Vec<PathBuf> {
    sources
        .with_extension("toml")
        .map(|(path, _)| path.to_owned())
        .filter(|path| path.starts_with("config") && path.components().all(|part| part.as_os_str() != "conf.d"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let mut sources = Sources::made_of(&[
            ("config/config.toml", ""),
            ("config/examples/debian/config.toml", ""),
            ("config/examples/debian/conf.d/hosts.toml", ""),
            ("config/examples/debian/preseed.cfg", ""),
            ("firmware/manifest.toml", ""),
        ]);
        sources.root = "/".into();
        sources
    }

    #[test]
    fn every_main_file_is_an_example_and_parts_and_templates_are_not() {
        let found = examples(&sources());
        assert_eq!(
            found,
            ["config/config.toml", "config/examples/debian/config.toml"].map(PathBuf::from)
        );
    }

    #[test]
    fn an_example_that_the_product_refuses_is_found() {
        assert_eq!(judge(&sources(), Path::new("/bin/true")).unwrap(), []);
        let findings = judge(&sources(), Path::new("/bin/false")).unwrap();
        assert_eq!(findings[0].to_string(), "error: config/config.toml: exit status: 1\n");
        assert_eq!(findings.len(), 2);
    }
}
