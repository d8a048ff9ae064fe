//! The firmware catalogue: what machines' own ROMs fetch first, verified at start and served from memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bootwright_core::Policy;
use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One file of the catalogue.
#[derive(Clone, Debug)]
pub struct FirmwareFile {
    /// Its content.
    pub content: Bytes,
    /// The SHA-256 of its content, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The first half of that as numbers, which tells versions apart.
    pub etag: [u64; 2],
}

/// All files, by the names under which they are served.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    files: BTreeMap<String, Arc<FirmwareFile>>,
    /// What an operator should know of it: missing files, files that are not what the manifest says.
    pub troubles: Vec<String>,
}

/// `manifest.toml`, as far as the daemon reads it; `firmware/README.md` has the whole format.
#[derive(Debug, Deserialize)]
struct Manifest {
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    /// Only some sites need it.
    #[serde(default)]
    optional: bool,
    #[serde(default, rename = "file")]
    files: Vec<Pinned>,
}

#[derive(Debug, Deserialize)]
struct Pinned {
    name: String,
    sha256: String,
    #[serde(skip)]
    optional: bool,
}

/// The largest file that is taken for firmware, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

impl Catalogue {
    /// Reads the shipped firmware with its manifest, then the site's own builds, which go first.
    #[must_use]
    pub fn load(shipped: &Path, own: &Path) -> Self {
        let mut catalogue = Self::default();
        let mut missing = catalogue.load_shipped(shipped);
        catalogue.load_own(own);
        missing.retain(|name| !catalogue.files.contains_key(name));
        if !missing.is_empty() {
            catalogue.troubles.push(format!(
                "firmware is missing in `{}`: {}; `cargo xtask firmware` fetches it",
                shipped.display(),
                missing.join(", ")
            ));
        }
        catalogue
    }

    /// Takes what the manifest lists, and returns the names of what is not there.
    fn load_shipped(&mut self, directory: &Path) -> Vec<String> {
        let manifest = directory.join("manifest.toml");
        let pinned = match fs::read_to_string(&manifest)
            .map_err(|error| error.to_string())
            .and_then(|text| toml::from_str::<Manifest>(&text).map_err(|error| error.message().to_owned()))
        {
            Ok(manifest) => manifest
                .packages
                .into_iter()
                .flat_map(|package| {
                    let optional = package.optional;
                    package.files.into_iter().map(move |file| Pinned { optional, ..file })
                })
                .collect::<Vec<_>>(),
            Err(why) => {
                self.troubles.push(format!(
                    "cannot read the firmware manifest `{}`: {why}",
                    manifest.display()
                ));
                return Vec::new();
            }
        };
        let mut names: Vec<&str> = pinned.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut missing = Vec::new();
        for name in names {
            let path = directory.join(name);
            match read(&path) {
                Ok(file) if pinned.iter().any(|pin| pin.name == name && pin.sha256 == file.sha256) => {
                    self.files.insert(name.to_owned(), Arc::new(file));
                }
                Ok(file) => self.troubles.push(format!(
                    "firmware `{}` is not served: its SHA-256 is {}, which the manifest does not list; \
                     `cargo xtask firmware` fetches the listed one",
                    path.display(),
                    file.sha256
                )),
                Err(why) => {
                    tracing::debug!(file = %path.display(), %why, "no firmware");
                    if pinned.iter().any(|pin| pin.name == name && !pin.optional) {
                        missing.push(name.to_owned());
                    }
                }
            }
        }
        missing
    }

    fn load_own(&mut self, directory: &Path) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        let paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect();
        for path in paths {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            match read(&path) {
                Ok(file) => {
                    tracing::info!(file = %path.display(), "a firmware build of the site's own, SHA-256 {}", file.sha256);
                    self.files.insert(name.to_owned(), Arc::new(file));
                }
                Err(why) => self
                    .troubles
                    .push(format!("firmware `{}` is not served: {why}", path.display())),
            }
        }
    }

    /// The file of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<FirmwareFile>> {
        self.files.get(name)
    }

    /// Takes out of the policy what it could try and what is not there: neither here nor in the operator's directory.
    pub fn fit(&self, root: Option<&str>, policy: &mut Policy) {
        let below_root = |file: &str| root.is_some_and(|root| Path::new(root).join(file).is_file());
        for files in policy.other_files.values_mut() {
            files.retain(|file| self.files.contains_key(file) || below_root(file));
        }
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}

fn read(path: &Path) -> Result<FirmwareFile, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it has {size} bytes, which is more than any firmware"));
    }
    let content = fs::read(path).map_err(|error| error.to_string())?;
    let digest = Sha256::digest(&content);
    let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let word = |from: usize| {
        digest
            .iter()
            .skip(from)
            .take(8)
            .fold(0, |word, &byte| (word << 8) | u64::from(byte))
    };
    Ok(FirmwareFile {
        content: content.into(),
        sha256,
        etag: [word(0), word(8)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_tried() {
        let mut catalogue = Catalogue::default();
        let file = FirmwareFile {
            content: Bytes::new(),
            sha256: String::new(),
            etag: [0, 0],
        };
        catalogue.files.insert("ipxe-amd64.efi".to_owned(), Arc::new(file));
        let mut policy = Policy::default();
        catalogue.fit(None, &mut policy);
        let files = |arch| policy.boot_files(arch).collect::<Vec<_>>();
        assert_eq!(files(bootwright_core::Arch::EFI64), ["snponly.efi", "ipxe-amd64.efi"]);
        assert_eq!(files(bootwright_core::Arch::BIOS), ["undionly.kpxe"]);
    }

    #[test]
    fn what_the_site_has_of_its_own_is_not_missing() {
        let home = std::env::temp_dir().join(format!("bootwright-catalogue-{}", std::process::id()));
        let (shipped, own) = (home.join("shipped"), home.join("own"));
        fs::create_dir_all(&shipped).unwrap();
        fs::create_dir_all(&own).unwrap();
        let pins = ["a.efi", "b.efi"].map(|name| format!("[[package.file]]\nname = \"{name}\"\nsha256 = \"00\"\n"));
        fs::write(shipped.join("manifest.toml"), format!("[[package]]\n{}", pins.concat())).unwrap();
        fs::write(own.join("a.efi"), "ours").unwrap();
        let catalogue = Catalogue::load(&shipped, &own);
        fs::remove_dir_all(&home).unwrap();
        assert!(catalogue.get("a.efi").is_some());
        let [trouble] = &catalogue.troubles[..] else {
            panic!("{:?}", catalogue.troubles)
        };
        assert!(
            trouble.contains(": b.efi; `cargo xtask firmware` fetches it"),
            "{trouble}"
        );
    }
}
