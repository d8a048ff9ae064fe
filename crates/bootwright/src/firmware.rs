//! The firmware catalogue: what machines' own ROMs fetch first, verified at start and served from memory.

mod own;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bootwright_core::policy::{default_first_files, default_other_files};
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
    /// The site's own files, served or not, in the order of their manifest or of their names.
    pub own: Vec<Own>,
}

/// A boot program of the site's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its name in the site's directory, under which it is served.
    pub name: String,
    /// The SHA-256 of what is there, in lower-case hexadecimal digits; nothing if it cannot be read.
    pub sha256: Option<String>,
    /// Whether the site's manifest lists it.
    pub listed: bool,
    /// Whether machines get it: it is readable, and what the manifest lists, where there is one.
    pub served: bool,
    /// Whose first boot file it is, unless the configuration names another one.
    pub archs: Vec<Arch>,
    /// Other names under which it is served.
    pub replaces: Vec<String>,
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
        let claimed = |name: &String| {
            catalogue
                .own
                .iter()
                .any(|own| own.listed && own.names().any(|of| of == name))
        };
        missing.retain(|name| !catalogue.files.contains_key(name) && !claimed(name));
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

    /// Takes the site's own files: those that their manifest lists, or all where there is none.
    fn load_own(&mut self, directory: &Path) {
        let manifest = directory.join(own::MANIFEST);
        let unusable = format!("no boot program in `{}` is served", directory.display());
        match fs::read_to_string(&manifest) {
            Ok(text) => {
                match own::parse(&text) {
                    Ok(files) => self.load_listed(directory, &manifest, &files),
                    Err(mistakes) => self.troubles.extend(mistakes.into_iter().map(|mistake| {
                        format!("{}:{}: {}; {unusable}", manifest.display(), mistake.line, mistake.words)
                    })),
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => self.load_loose(directory),
            Err(error) => self
                .troubles
                .push(format!("cannot read `{}`: {error}; {unusable}", manifest.display())),
        }
    }

    /// Takes what the site's manifest lists. What it claims is never served from elsewhere: where a signed program is not what
    /// the site has signed, the shipped one of that name is not what it wants either.
    fn load_listed(&mut self, directory: &Path, manifest: &Path, files: &[own::Listed]) {
        let manifest = manifest.display();
        for listed in files {
            let path = directory.join(&listed.name);
            let shown = path.display();
            let (line, name) = (listed.line, listed.name.clone());
            for name in listed.names() {
                self.files.remove(name);
            }
            let found = read(&path);
            let sha256 = found.as_ref().ok().map(|file| file.sha256.clone());
            let served = sha256.as_ref() == Some(&listed.sha256);
            match found {
                Ok(file) if served => {
                    tracing::info!(file = %shown, "a firmware build of the site's own, SHA-256 {} as listed", file.sha256);
                    let file = Arc::new(file);
                    let names = listed.names().cloned();
                    self.files.extend(names.map(|name| (name, Arc::clone(&file))));
                }
                Ok(file) => self.troubles.push(format!(
                    "firmware `{shown}` is not served: its SHA-256 is {}, and {manifest}:{line} lists another",
                    file.sha256
                )),
                Err(_) if !path.exists() => self.troubles.push(format!(
                    "firmware `{shown}` is not there, and {manifest}:{line} lists it"
                )),
                Err(why) => self.troubles.push(format!("firmware `{shown}` is not served: {why}")),
            }
            self.own.push(Own {
                name,
                sha256,
                listed: true,
                served,
                archs: listed.archs.clone(),
                replaces: listed.replaces.clone(),
            });
        }
        for (name, path) in files_in(directory) {
            if name != own::MANIFEST && !files.iter().any(|listed| listed.name == name) {
                self.troubles.push(format!(
                    "firmware `{}` is not served: {manifest} does not list it",
                    path.display()
                ));
            }
        }
    }

    fn load_loose(&mut self, directory: &Path) {
        for (name, path) in files_in(directory) {
            let mut own = Own {
                name,
                sha256: None,
                listed: false,
                served: false,
                archs: Vec::new(),
                replaces: Vec::new(),
            };
            match read(&path) {
                Ok(file) => {
                    tracing::info!(file = %path.display(), "a firmware build of the site's own, SHA-256 {}", file.sha256);
                    (own.sha256, own.served) = (Some(file.sha256.clone()), true);
                    self.files.insert(own.name.clone(), Arc::new(file));
                }
                Err(why) => self
                    .troubles
                    .push(format!("firmware `{}` is not served: {why}", path.display())),
            }
            self.own.push(own);
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

    /// Makes a policy fit to what is here: the site's own files go first for their architectures where the configuration names
    /// none, and what could be tried and is not there, neither here nor in the operator's directory, is taken out.
    pub fn fit(&self, root: Option<&str>, policy: &mut Policy) {
        let (first, others) = (default_first_files(), default_other_files());
        for own in &self.own {
            for arch in own.archs.iter().flat_map(|arch| with_http(*arch)) {
                if policy.first_files.get(&arch) == first.get(&arch) {
                    policy.first_files.insert(arch, own.name.clone());
                    // Nobody has signed what is shipped.
                    if policy.other_files.get(&arch) == others.get(&arch) {
                        policy.other_files.remove(&arch);
                    }
                }
            }
        }
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

impl Own {
    fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.name).chain(&self.replaces)
    }
}

/// The files of a directory by name, without its directories.
fn files_in(directory: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
        .collect()
}

/// An architecture, and the number under which the same machine boots by HTTP.
fn with_http(arch: Arch) -> impl Iterator<Item = Arch> {
    let http = arch.name().and_then(|name| Arch::from_name(&format!("{name}-http")));
    std::iter::once(arch).chain(http)
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
    fn what_the_site_has_signed_takes_the_place_of_what_is_shipped_and_never_the_other_way_round() {
        let home = std::env::temp_dir().join(format!("bootwright-signed-{}", std::process::id()));
        let (shipped, own) = (home.join("shipped"), home.join("own"));
        fs::create_dir_all(&shipped).unwrap();
        fs::create_dir_all(&own).unwrap();
        // The SHA-256 of no bytes at all (FIPS 180-4).
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let names = ["snponly.efi", "ipxe-amd64.efi", "undionly.kpxe"];
        let pins = names.map(|name| format!("[[package.file]]\nname = \"{name}\"\nsha256 = \"{of_nothing}\"\n"));
        fs::write(shipped.join("manifest.toml"), format!("[[package]]\n{}", pins.concat())).unwrap();
        for name in names {
            fs::write(shipped.join(name), "").unwrap();
        }
        let list = |name: &str, more: &str| format!("[[file]]\nname = \"{name}\"\nsha256 = \"{of_nothing}\"\n{more}\n");
        let manifest = list("shim.efi", "arch = [\"efi64\"]") + &list("signed.efi", "replaces = [\"snponly.efi\"]");
        fs::write(own.join("manifest.toml"), manifest).unwrap();
        fs::write(own.join("shim.efi"), "").unwrap();
        fs::write(own.join("signed.efi"), "somebody else's").unwrap();
        fs::write(own.join("notes.txt"), "").unwrap();

        let catalogue = Catalogue::load(&shipped, &own);
        assert_eq!(
            catalogue.names().collect::<Vec<_>>(),
            ["ipxe-amd64.efi", "shim.efi", "undionly.kpxe"],
            "neither the one that differs, nor the shipped one whose place it has"
        );
        let troubles = catalogue.troubles.join("\n");
        assert!(troubles.contains("manifest.toml:5 lists another"), "{troubles}");
        assert!(troubles.contains("notes.txt` is not served"), "{troubles}");
        let mut policy = Policy::default();
        catalogue.fit(None, &mut policy);
        let files = |policy: &Policy, arch| policy.boot_files(arch).map(str::to_owned).collect::<Vec<_>>();
        for arch in [Arch::EFI64, Arch::EFI64_HTTP] {
            assert_eq!(files(&policy, arch), ["shim.efi"]);
        }
        assert_eq!(files(&policy, Arch::EBC), ["snponly.efi", "ipxe-amd64.efi"]);
        let mut chosen = Policy::default();
        chosen.first_files.insert(Arch::EFI64, "ipxe-amd64.efi".to_owned());
        catalogue.fit(None, &mut chosen);
        assert_eq!(
            files(&chosen, Arch::EFI64)[0],
            "ipxe-amd64.efi",
            "the configuration goes first"
        );

        fs::write(own.join("manifest.toml"), "[[file]]\nname = 1\n").unwrap();
        let catalogue = Catalogue::load(&shipped, &own);
        assert_eq!(catalogue.names().count(), 3, "what is shipped");
        assert!(
            catalogue.troubles[0].contains("manifest.toml:2: "),
            "{:?}",
            catalogue.troubles
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
