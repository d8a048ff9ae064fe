//! The firmware catalogue: what machines' own ROMs fetch first, verified at start and served from memory.

mod own;
mod trouble;

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

pub use trouble::Trouble;

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
    pub troubles: Vec<Trouble>,
    /// The directory of the shipped files.
    shipped: PathBuf,
    /// The directory of the site's own files.
    own_directory: PathBuf,
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
            own_directory: own.to_owned(),
            ..Self::default()
        };
        let mut missing = catalogue.load_shipped(shipped);
        // What is wrong with a shipped file is no trouble where the site's own is taken in its place.
        let mut troubles = std::mem::take(&mut catalogue.troubles);
        catalogue.load_own(own);
        let claimed = |name: &String| {
            catalogue
                .own
                .iter()
                .any(|own| own.listed && own.names().any(|of| of == name))
        };
        let settled = |name: &String| catalogue.files.contains_key(name) || claimed(name);
        missing.retain(|name| !settled(name));
        troubles.retain(|trouble| trouble.files.is_empty() || !trouble.files.iter().all(settled));
        troubles.append(&mut catalogue.troubles);
        catalogue.troubles = troubles;
        catalogue.missing = missing;
        catalogue
    }

    /// What helps where a shipped file is missing or is another one, by how this Bootwright came here.
    fn remedy(&self) -> String {
        let own = self.own_directory.display();
        if self.shipped.join("../xtask/Cargo.toml").is_file() {
            format!("`cargo xtask firmware` fetches the listed one; a build of your own goes into `{own}`")
        } else {
            format!(
                "make the container's image anew (`docker compose build --no-cache`) or install the package again; a build of \
                 your own goes into `{own}`"
            )
        }
    }

    fn trouble<'a>(&mut self, files: impl IntoIterator<Item = &'a str>, words: String, hint: impl Into<String>) {
        self.troubles.push(Trouble {
            files: files.into_iter().map(str::to_owned).collect(),
            words,
            hint: hint.into(),
        });
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
                let words = format!("cannot read the firmware manifest `{}`: {why}", manifest.display());
                self.trouble([], words, "`--firmware-dir` names where firmware is");
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
                Ok(file) => {
                    let words = format!(
                        "firmware `{}` is not served: its SHA-256 is {}, which the manifest does not list",
                        path.display(),
                        file.sha256
                    );
                    let remedy = self.remedy();
                    self.trouble([name], words, remedy);
                }
                Err(_) if !path.exists() => missing.push(name.to_owned()),
                Err(why) => {
                    let words = format!("firmware `{}` is not served: {why}", path.display());
                    let remedy = self.remedy();
                    self.trouble([name], words, remedy);
                }
            }
        }
        missing
    }

    /// Takes the site's own files: those that their manifest lists, or all where there is none.
    fn load_own(&mut self, directory: &Path) {
        let manifest = directory.join(own::MANIFEST);
        let unusable = format!(
            "no boot program in `{}` is served before it is mended",
            directory.display()
        );
        match fs::read_to_string(&manifest) {
            Ok(text) => match own::parse(&text) {
                Ok(files) => self.load_listed(directory, &manifest, &files),
                Err(mistakes) => {
                    for mistake in mistakes {
                        let words = format!("{}:{}: {}", manifest.display(), mistake.line, mistake.words);
                        self.trouble([], words, unusable.as_str());
                    }
                }
            },
            Err(error) if error.kind() == ErrorKind::NotFound => self.load_loose(directory),
            Err(error) => self.trouble([], format!("cannot read `{}`: {error}", manifest.display()), unusable),
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
            let names = listed.names().map(String::as_str);
            match found {
                Ok(file) if served => {
                    tracing::info!(event = "img", file = %shown, "a firmware build of the site's own, SHA-256 {} as listed", file.sha256);
                    let file = Arc::new(file);
                    let names = listed.names().cloned();
                    self.files.extend(names.map(|name| (name, Arc::clone(&file))));
                }
                Ok(file) => self.trouble(
                    names,
                    format!(
                        "firmware `{shown}` is not served: its SHA-256 is {}, and {manifest}:{line} lists another",
                        file.sha256
                    ),
                    "put the listed file there, or list the one that is there once you know where it comes from",
                ),
                Err(_) if !path.exists() => self.trouble(
                    names,
                    format!("firmware `{shown}` is not there, and {manifest}:{line} lists it"),
                    "put it there, or take it out of the list",
                ),
                Err(why) => self.trouble(
                    names,
                    format!("firmware `{shown}` is not served: {why}"),
                    "put another file in its place, or take it out of the list",
                ),
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
                let words = format!(
                    "firmware `{}` is not served: {manifest} does not list it",
                    path.display()
                );
                self.trouble([], words, "list it, or take it away");
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
                    tracing::info!(event = "img", file = %path.display(), "a firmware build of the site's own, SHA-256 {}", file.sha256);
                    (own.sha256, own.served) = (Some(file.sha256.clone()), true);
                    self.files.insert(own.name.clone(), Arc::new(file));
                }
                Err(why) => {
                    let words = format!("firmware `{}` is not served: {why}", path.display());
                    self.trouble(
                        [own.name.as_str()],
                        words,
                        "put another file in its place, or take it away",
                    );
                }
            }
            self.own.push(own);
        }
    }

    /// Why there is no file of this name, if that is known: it is another one than the manifest lists, or nobody has put it
    /// there.
    #[must_use]
    pub fn why_not(&self, name: &str) -> Option<Trouble> {
        let of_file = |trouble: &&Trouble| trouble.files.iter().any(|file| file == name);
        let trouble = self.troubles.iter().find(of_file).cloned();
        trouble.or_else(|| self.missed_words(&[self.missing.iter().find(|missing| *missing == name)?]))
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
    pub fn missed_words(&self, missed: &[&str]) -> Option<Trouble> {
        let words = format!(
            "firmware is missing in `{}`: {}",
            self.shipped.display(),
            missed.join(", ")
        );
        (!missed.is_empty()).then(|| Trouble {
            files: missed.iter().map(|name| (*name).to_owned()).collect(),
            words,
            hint: self.remedy(),
        })
    }

    /// Says in the log what is wrong with the firmware, and what is merely not there.
    pub fn tell(&self, root: Option<&str>, policy: &Policy) {
        let missed = self.missed(root, policy);
        for trouble in self.troubles.iter().cloned().chain(self.missed_words(&missed)) {
            tracing::error!(event = "img", code = "E207", "{trouble}");
        }
        let missing = self.missing.iter().map(String::as_str);
        let unused: Vec<&str> = missing.filter(|name| !missed.contains(name)).collect();
        if !unused.is_empty() {
            tracing::info!(
                event = "img",
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
    /// All names under which it is served.
    pub fn names(&self) -> impl Iterator<Item = &String> {
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
mod tests;
