//! Firmware: the manifest is well formed, and what is installed here is what it pins.

use anyhow::Result;

use super::{Finding, Sources};
use crate::firmware::manifest::Manifest;

const MANIFEST: &str = "firmware/manifest.toml";

/// The manifest and the files beside it. Files that have not been fetched are no fault of the tree.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    let Some(text) = sources.text(MANIFEST) else {
        return Ok(vec![Finding::grave(MANIFEST, "is missing")]);
    };
    let manifest = match Manifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => return Ok(vec![Finding::grave(MANIFEST, format!("{error:#}"))]),
    };
    let mut findings = Vec::new();
    let mut names: Vec<_> = manifest
        .packages
        .iter()
        .flat_map(|package| &package.files)
        .map(|file| &file.name)
        .collect();
    names.sort();
    names.dedup();
    for name in names {
        let Ok(content) = std::fs::read(sources.root.join("firmware").join(name)) else {
            continue;
        };
        if manifest.recognise(name, &content).is_none() {
            findings.push(Finding::grave(
                format!("firmware/{name}"),
                "is none of the listed files of that name; `cargo xtask firmware` fetches the right one",
            ));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::manifest::sha256;
    use crate::scratch::Scratch;

    fn manifest(hash: &str) -> String {
        format!(
            "[[package]]\nname = \"ipxe\"\nversion = \"1\"\nsuite = \"trixie\"\narchitecture = \"all\"\n\
             sha256 = \"{0}\"\nlicence = \"GPL-2.0-only\"\nsource = \"upstream\"\n\
             [[package.file]]\nname = \"a.efi\"\npath = \"a.efi\"\nbytes = 3\nsha256 = \"{hash}\"\narch = []\n",
            sha256(b"")
        )
    }

    #[test]
    fn a_malformed_or_missing_manifest_is_found() {
        assert_eq!(check(&Sources::made_of(&[])).unwrap().len(), 1);
        let findings = check(&Sources::made_of(&[(MANIFEST, &manifest("short"))])).unwrap();
        assert!(
            findings[0].to_string().contains("64 lower-case hex digits"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_file_with_other_bytes_is_found_and_one_that_is_not_there_is_not() {
        let home = Scratch::new("test").unwrap();
        let mut sources = Sources::made_of(&[(MANIFEST, &manifest(&sha256(b"abc")))]);
        sources.root = home.path().to_owned();
        assert_eq!(check(&sources).unwrap(), []);
        std::fs::create_dir(home.path().join("firmware")).unwrap();
        std::fs::write(home.path().join("firmware/a.efi"), "abc").unwrap();
        assert_eq!(check(&sources).unwrap(), []);
        std::fs::write(home.path().join("firmware/a.efi"), "abd").unwrap();
        assert!(
            check(&sources).unwrap()[0]
                .to_string()
                .starts_with("error: firmware/a.efi: is none of")
        );
    }
}
