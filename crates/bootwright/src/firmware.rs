//! The firmware catalogue: what machines' own ROMs fetch first, verified at start and served from memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bootwright_core::policy::default_first_files;
use bootwright_core::{Arch, Policy};
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
    /// What an operator should know of it whatever the policy is: files that are not what the manifest says.
    pub troubles: Vec<String>,
    /// The directory of the shipped files.
    shipped: PathBuf,
    /// What the manifest lists and nobody has put there, in the order of the names.
    missing: Vec<String>,
}

/// `manifest.toml`, as far as the daemon reads it; `firmware/README.md` has the whole format.
#[derive(Debug, Deserialize)]
struct Manifest {
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    #[serde(default, rename = "file")]
    files: Vec<Pinned>,
}

#[derive(Debug, Deserialize)]
struct Pinned {
    name: String,
    sha256: String,
}

/// The architectures whose built-in boot program every site is taken to need. That of another is missed where the operator
/// names it.
const COMMON: [Arch; 3] = [Arch::BIOS, Arch::EFI64, Arch::ARM64];

/// The largest file that is taken for firmware, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

impl Catalogue {
    /// Reads the shipped firmware with its manifest, then the site's own builds, which go first.
    #[must_use]
    pub fn load(shipped: &Path, own: &Path) -> Self {
        let mut catalogue = Self {
            shipped: shipped.to_owned(),
            ..Self::default()
        };
        let mut missing = catalogue.load_shipped(shipped);
        catalogue.load_own(own);
        missing.retain(|name| !catalogue.files.contains_key(name));
        catalogue.missing = missing;
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
                .flat_map(|package| package.files)
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
                Err(_) if !path.exists() => missing.push(name.to_owned()),
                Err(why) => self
                    .troubles
                    .push(format!("firmware `{}` is not served: {why}", path.display())),
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

    /// Whether a file of this name is there, here or in the operator's directory.
    #[must_use]
    pub fn has(&self, root: Option<&str>, name: &str) -> bool {
        self.files.contains_key(name) || root.is_some_and(|root| Path::new(root).join(name).is_file())
    }

    /// Takes out of the policy what it could try and what is not there: neither here nor in the operator's directory.
    pub fn fit(&self, root: Option<&str>, policy: &mut Policy) {
        for files in policy.other_files.values_mut() {
            files.retain(|file| self.has(root, file));
        }
    }

    /// The shipped files that are not there and that machines would be told to fetch: named for an architecture or a host,
    /// or built in for a common architecture. What lies in the operator's directory is there.
    #[must_use]
    pub fn missed(&self, root: Option<&str>, policy: &Policy) -> Vec<&str> {
        let built_in = default_first_files();
        let of_archs = policy
            .first_files
            .iter()
            .filter(|(arch, file)| COMMON.contains(arch) || built_in.get(arch) != Some(file))
            .map(|(_, file)| file);
        let of_hosts = policy.hosts.values().filter_map(|host| host.first_file.as_ref());
        let used: BTreeSet<&String> = of_archs.chain(of_hosts).collect();
        let missing = self.missing.iter().filter(|name| used.contains(name));
        missing
            .map(String::as_str)
            .filter(|name| !self.has(root, name))
            .collect()
    }

    /// What to say of files that are missed; nothing if none is.
    #[must_use]
    pub fn missed_words(&self, missed: &[&str]) -> Option<String> {
        (!missed.is_empty()).then(|| {
            format!(
                "firmware is missing in `{}`: {}; `cargo xtask firmware` fetches it",
                self.shipped.display(),
                missed.join(", ")
            )
        })
    }

    /// Says in the log what is wrong with the firmware, and what is merely not there.
    pub fn tell(&self, root: Option<&str>, policy: &Policy) {
        let missed = self.missed(root, policy);
        for trouble in self.troubles.iter().cloned().chain(self.missed_words(&missed)) {
            tracing::error!("{trouble}");
        }
        let missing = self.missing.iter().map(String::as_str);
        let unused: Vec<&str> = missing.filter(|name| !missed.contains(name)).collect();
        if !unused.is_empty() {
            tracing::info!(
                "firmware that this configuration does not use is not there: {}",
                unused.join(", ")
            );
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
    fn what_is_not_as_the_manifest_has_it_or_cannot_be_read_is_not_served_and_told() {
        let home = std::env::temp_dir().join(format!("bootwright-tampered-{}", std::process::id()));
        fs::create_dir_all(home.join("snponly.efi")).unwrap();
        // The SHA-256 of no bytes at all (FIPS 180-4).
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let pin = |name| format!("[[package.file]]\nname = \"{name}\"\nsha256 = \"{of_nothing}\"\n");
        let pins = ["ipxe-amd64.efi", "undionly.kpxe", "snponly.efi"].map(pin);
        fs::write(home.join("manifest.toml"), format!("[[package]]\n{}", pins.concat())).unwrap();
        fs::write(home.join("ipxe-amd64.efi"), "").unwrap();
        fs::write(home.join("undionly.kpxe"), "one byte too many").unwrap();
        let catalogue = Catalogue::load(&home, &home.join("no builds of our own"));
        assert_eq!(catalogue.names().collect::<Vec<_>>(), ["ipxe-amd64.efi"]);
        let [unreadable, tampered] = catalogue.troubles.as_slice() else {
            panic!("{:?}", catalogue.troubles)
        };
        assert!(
            unreadable.contains("snponly.efi` is not served: Is a directory"),
            "{unreadable}"
        );
        assert!(
            tampered.contains("undionly.kpxe` is not served: its SHA-256 is"),
            "{tampered}"
        );
        assert_eq!(
            catalogue.missed(None, &Policy::default()),
            Vec::<&str>::new(),
            "both are there"
        );
        fs::remove_dir_all(&home).unwrap();
    }

    #[test]
    fn only_what_machines_would_fetch_is_missed() {
        let home = std::env::temp_dir().join(format!("bootwright-catalogue-{}", std::process::id()));
        let (shipped, own) = (home.join("shipped"), home.join("own"));
        fs::create_dir_all(&shipped).unwrap();
        fs::create_dir_all(&own).unwrap();
        let names = [
            "undionly.kpxe",
            "snponly.efi",
            "ipxe-riscv64.efi",
            "pxelinux.0",
            "ipxe.copyright",
        ];
        let pins = names.map(|name| format!("[[package.file]]\nname = \"{name}\"\nsha256 = \"00\"\n"));
        fs::write(shipped.join("manifest.toml"), format!("[[package]]\n{}", pins.concat())).unwrap();
        fs::write(own.join("snponly.efi"), "ours").unwrap();
        let catalogue = Catalogue::load(&shipped, &own);
        let mut policy = Policy::default();
        assert!(catalogue.get("snponly.efi").is_some());
        assert_eq!(catalogue.troubles, Vec::<String>::new());
        assert_eq!(catalogue.missed(None, &policy), ["undionly.kpxe"]);
        assert_eq!(catalogue.missed_words(&[]), None);
        let words = catalogue.missed_words(&["undionly.kpxe"]).unwrap();
        assert!(
            words.ends_with(": undionly.kpxe; `cargo xtask firmware` fetches it"),
            "{words}"
        );
        fs::write(home.join("undionly.kpxe"), "the operator's").unwrap();
        policy.first_files.insert(Arch::EFI64, "pxelinux.0".to_owned());
        let root = home.to_str();
        assert_eq!(catalogue.missed(root, &policy), ["pxelinux.0"], "an operator names it");
        fs::remove_dir_all(&home).unwrap();
    }
}
