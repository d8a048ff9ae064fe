//! `firmware/manifest.toml`: which packages, which files in them, and the hash of each.

use std::path::{Component, Path};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The whole manifest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The packages, the preferred version of each name first.
    #[serde(rename = "package", default)]
    pub(crate) packages: Vec<Package>,
}

/// One version of a Debian binary package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) suite: String,
    pub(crate) architecture: String,
    pub(crate) sha256: String,
    pub(crate) licence: String,
    pub(crate) source: String,
    /// Nothing is wrong without it: only a site that names its files needs them.
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(rename = "file", default)]
    pub(crate) files: Vec<File>,
}

/// One file of a package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The name it is served under.
    pub(crate) name: String,
    /// Where the package holds it.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// The architectures that can run it, in the words of the configuration.
    pub(crate) arch: Vec<String>,
}

impl Manifest {
    /// Reads and checks a manifest. Every mistake is told in one go.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        let mut mistakes = Vec::new();
        for package in &manifest.packages {
            package.check(&mut mistakes);
        }
        if manifest.packages.is_empty() {
            mistakes.push("no `[[package]]` at all".to_owned());
        }
        if !mistakes.is_empty() {
            bail!("{}", mistakes.join("\n"));
        }
        Ok(manifest)
    }

    /// The manifest at this path.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the manifest `{}`", path.display()))?;
        Self::parse(&text).with_context(|| format!("`{}` is not right", path.display()))
    }

    /// The packages to install: of each name the first, or the one with this version.
    pub(crate) fn chosen(&self, version: Option<&str>) -> Result<Vec<&Package>> {
        let mut chosen: Vec<&Package> = Vec::new();
        for package in &self.packages {
            let wanted = version.is_none_or(|version| package.version == version);
            if wanted && chosen.iter().all(|other| other.name != package.name) {
                chosen.push(package);
            }
        }
        ensure!(
            !chosen.is_empty(),
            "the manifest lists no version `{}`",
            version.unwrap_or_default()
        );
        Ok(chosen)
    }

    /// The listed package and file that this content is, under this name.
    pub(crate) fn recognise(&self, name: &str, content: &[u8]) -> Option<(&Package, &File)> {
        let hash = sha256(content);
        self.packages.iter().find_map(|package| {
            let file = package
                .files
                .iter()
                .find(|file| file.name == name && file.sha256 == hash)?;
            Some((package, file))
        })
    }
}

impl Package {
    fn check(&self, mistakes: &mut Vec<String>) {
        let label = format!("package `{}` {}", self.name, self.version);
        for (key, value) in [
            ("name", &self.name),
            ("version", &self.version),
            ("suite", &self.suite),
            ("architecture", &self.architecture),
            ("licence", &self.licence),
            ("source", &self.source),
        ] {
            if value.trim().is_empty() {
                mistakes.push(format!("{label}: `{key}` is empty"));
            }
        }
        if !is_sha256(&self.sha256) {
            mistakes.push(format!("{label}: `sha256` is not 64 lower-case hex digits"));
        }
        for (index, file) in self.files.iter().enumerate() {
            file.check(&label, mistakes);
            if self.files.iter().take(index).any(|other| other.name == file.name) {
                mistakes.push(format!("{label}: the name `{}` stands twice", file.name));
            }
        }
        if self.files.is_empty() {
            mistakes.push(format!("{label}: no `[[package.file]]`"));
        }
    }
}

impl File {
    fn check(&self, label: &str, mistakes: &mut Vec<String>) {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(plain) {
            mistakes.push(format!(
                "{label}: `{}` is not a name that a file can be served under",
                self.name
            ));
        }
        if !Path::new(&self.path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
            || self.path.is_empty()
        {
            mistakes.push(format!("{label}: the path `{}` is not one inside a package", self.path));
        }
        if !is_sha256(&self.sha256) {
            mistakes.push(format!(
                "{label}: `sha256` of `{}` is not 64 lower-case hex digits",
                self.name
            ));
        }
        if self.bytes == 0 {
            mistakes.push(format!("{label}: `{}` has 0 bytes", self.name));
        }
        if self.arch.iter().any(|arch| arch.trim().is_empty()) {
            mistakes.push(format!("{label}: `arch` of `{}` has an empty word", self.name));
        }
    }
}

/// The SHA-256 of some bytes in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn text(version: &str, name: &str, path: &str, hash: &str) -> String {
        format!(
            "[[package]]\nname = \"ipxe\"\nversion = \"{version}\"\nsuite = \"trixie\"\narchitecture = \"all\"\n\
             sha256 = \"{EMPTY}\"\nlicence = \"GPL-2.0-only\"\nsource = \"upstream\"\n\
             [[package.file]]\nname = \"{name}\"\npath = \"{path}\"\nbytes = 3\nsha256 = \"{hash}\"\narch = []\n"
        )
    }

    #[test]
    fn a_manifest_with_several_versions_prefers_the_first_and_knows_the_bytes_of_both() {
        let (new, old) = (sha256(b"new"), sha256(b"old"));
        let both = text("2", "a.efi", "usr/a.efi", &new) + &text("1", "a.efi", "usr/a.efi", &old);
        let manifest = Manifest::parse(&both).unwrap();
        assert_eq!(manifest.chosen(None).unwrap()[0].version, "2");
        assert_eq!(manifest.chosen(Some("1")).unwrap()[0].version, "1");
        assert!(manifest.chosen(Some("3")).is_err());
        assert_eq!(manifest.recognise("a.efi", b"old").unwrap().0.version, "1");
        assert!(manifest.recognise("a.efi", b"foreign").is_none());
        assert!(manifest.recognise("b.efi", b"old").is_none());
    }

    #[test]
    fn every_mistake_is_named() {
        let error = Manifest::parse(&text("", "../a", "/etc/passwd", "ABC"))
            .unwrap_err()
            .to_string();
        for part in [
            "`version` is empty",
            "`../a` is not a name",
            "`/etc/passwd` is not one",
            "64 lower-case hex digits",
        ] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
        assert!(
            Manifest::parse("")
                .unwrap_err()
                .to_string()
                .contains("no `[[package]]`")
        );
        assert!(
            Manifest::parse("[[package]]\nnmae = \"x\"\n")
                .unwrap_err()
                .to_string()
                .contains("unknown field")
        );
    }

    #[test]
    fn hashes_are_those_of_sha256() {
        assert_eq!(sha256(b""), EMPTY);
    }
}
