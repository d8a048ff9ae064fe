//! Example configurations, judged by the product itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Finding, Sources};
use crate::scratch::Scratch;
use crate::{process, tree};

/// The configuration that everybody starts from.
const COMMENTED: &str = "config/config.toml";

/// Builds the binary and lets it check every example, and the commented configuration without its comment signs.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    process::run(tree::cargo().args(["build", "--quiet", "--locked", "--package", "bootwright"]))?;
    let binary = tree::target().join("debug/bootwright");
    let mut findings = judge(sources, &binary)?;
    findings.extend(judge_commented(sources, &binary)?);
    Ok(findings)
}

fn judge(sources: &Sources, binary: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for example in examples(sources) {
        if let Some(complaint) = complaint(binary, &sources.root.join(&example))? {
            findings.push(Finding::grave(example.display(), complaint));
        }
    }
    Ok(findings)
}

/// Whoever removes a comment sign gets something that works: every key and every example at once.
fn judge_commented(sources: &Sources, binary: &Path) -> Result<Vec<Finding>> {
    let Some(text) = sources.text(COMMENTED) else {
        return Ok(vec![Finding::grave(COMMENTED, "is missing")]);
    };
    let place = Scratch::new("config")?;
    let file = place.path().join("config.toml");
    std::fs::write(&file, uncommented(text))?;
    // The file that the example names.
    let preseed = "d-i preseed/late_command string wget -O- {{ run.url }}/done\n";
    std::fs::write(place.path().join("preseed.cfg"), preseed)?;
    let complaint = complaint(binary, &file)?.map(|complaint| format!("without its comment signs: {complaint}"));
    Ok(complaint
        .map(|complaint| Finding::grave(COMMENTED, complaint))
        .into_iter()
        .collect())
}

/// The text with its keys (`#key = …`, `#[table]`) and its examples (indented after the sign) in force. Prose stays.
fn uncommented(text: &str) -> String {
    let mut plain = String::new();
    for line in text.lines() {
        let inside = line.strip_prefix('#').unwrap_or(line);
        let key = inside.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
        let example = inside.starts_with("     ") && !inside.trim_start().starts_with("bootwright ");
        plain += if key || example { inside } else { line };
        plain.push('\n');
    }
    plain
}

/// What `bootwright check` says against a configuration.
fn complaint(binary: &Path, config: &Path) -> Result<Option<String>> {
    let mut command = Command::new(binary);
    command.arg("check").arg("--config").arg(config);
    let done = command
        .output()
        .with_context(|| format!("cannot start `{}`", process::line(&command)))?;
    if done.status.success() {
        return Ok(None);
    }
    let said = [done.stdout, done.stderr].concat();
    Ok(Some(format!(
        "{}\n{}",
        done.status,
        String::from_utf8_lossy(&said).trim_end()
    )))
}

/// The main file of each configuration under `config/`; what lies in a `conf.d` is read with the file beside it.
fn examples(sources: &Sources) -> Vec<PathBuf> {
    sources
        .with_extension("toml")
        .map(|(path, _)| path.to_owned())
        // What else ends in `.toml` is a part of a configuration, or a document that one of them hands out.
        .filter(|path| path.starts_with("config") && path.ends_with("config.toml"))
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
            ("config/examples/proxmox/answer.toml", ""),
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
        let commented = judge_commented(&sources(), Path::new("/bin/false")).unwrap();
        assert_eq!(
            commented[0].to_string(),
            "error: config/config.toml: without its comment signs: exit status: 1\n"
        );
    }

    #[test]
    fn keys_and_examples_come_into_force_and_prose_does_not() {
        let text =
            "# Prose.\n[dhcp]\n#mode = \"proxy\"\n#[dhcp.arch]\n#\n#     [hosts.a]\n#     bootwright check  reads\n";
        let plain =
            "# Prose.\n[dhcp]\nmode = \"proxy\"\n[dhcp.arch]\n#\n     [hosts.a]\n#     bootwright check  reads\n";
        assert_eq!(uncommented(text), plain);
        let shipped = std::fs::read_to_string(tree::root().join(COMMENTED)).unwrap();
        toml::from_str::<toml::Table>(&uncommented(&shipped)).unwrap();
    }
}
