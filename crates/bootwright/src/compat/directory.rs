//! Data directories of other systems: read as a whole, and looked at for changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bootwright_config::{Compat, Content, Dialect, FILE_BYTES_MAX, FILES_MAX};
use bootwright_net::beneath::Root;

/// Deeper than any of the systems goes.
const DEPTH_MAX: usize = 5;

/// Directories at the top with files for machines, which are no data.
const LARGE: &[&str] = &["assets", "images"];

/// What changes whenever a file does: renamed over, written, removed, or behind another link.
pub(crate) type Stamp = (PathBuf, u64, u64, i64, i64);

/// The stamp of a file, if it is there.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let about = fs::metadata(path).ok()?;
    Some((
        path.to_owned(),
        about.ino(),
        about.size(),
        about.mtime(),
        about.mtime_nsec(),
    ))
}

/// The directories that the last reading led to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directories(Arc<Mutex<BTreeSet<(PathBuf, Wanted)>>>);

impl Directories {
    /// Forgets the directories: a reading begins that tells them anew.
    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The files of a dialect's directory, none of which lies elsewhere.
    pub(crate) fn walk(&self, compat: &Compat) -> Result<BTreeMap<String, Content>, String> {
        let path = PathBuf::from(compat.data_dir.as_deref().unwrap_or_default());
        let wanted = match compat.dialect {
            Dialect::Kiwispray => Wanted::Templates,
            Dialect::Bootcfg | Dialect::DynamicIgnition | Dialect::Flatcar | Dialect::Matchbox | Dialect::Pixiecore => {
                Wanted::All
            }
        };
        let root = Root::open_dir(&path).map_err(|error| error.to_string());
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((path, wanted));
        let mut files = BTreeMap::new();
        read_below(&root?, wanted, "", 0, &mut files)?;
        Ok(files)
    }

    /// The stamps of everything in them.
    pub(crate) fn stamps(&self) -> Vec<Stamp> {
        let directories = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut stamps = Vec::new();
        for (directory, wanted) in directories {
            stamp_below(&directory, wanted, 0, &mut stamps);
        }
        stamps.sort();
        stamps
    }
}

/// What of a directory is data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    /// All but the directories with files for machines.
    All,
    /// Templates alone: KIWIspray keeps them among the files for machines.
    Templates,
}

impl Wanted {
    /// Whether a name is passed over: hidden, an editor's copy, or large.
    fn passes_over(self, name: &str, depth: usize) -> bool {
        let large = self == Self::All && depth == 0 && LARGE.contains(&name);
        name.starts_with('.') || name.ends_with('~') || large
    }

    /// Whether a file of this name is data.
    fn takes(self, name: &str) -> bool {
        self == Self::All || name.ends_with(".tmpl")
    }
}

fn read_below(
    root: &Root,
    wanted: Wanted,
    directory: &str,
    depth: usize,
    files: &mut BTreeMap<String, Content>,
) -> Result<(), String> {
    let here = if directory.is_empty() { "." } else { directory };
    let names = root.list(here).map_err(|error| error.to_string())?;
    for name in names {
        let Some(name) = name.to_str().filter(|name| !wanted.passes_over(name, depth)) else {
            continue;
        };
        let path = if directory.is_empty() {
            name.to_owned()
        } else {
            format!("{directory}/{name}")
        };
        if files.len() >= FILES_MAX {
            return Err(format!("it has more than {FILES_MAX} files"));
        }
        let content = match root.open(&path) {
            Ok(_) if !wanted.takes(name) => continue,
            Ok(file) => content(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if depth + 1 < DEPTH_MAX && read_below(root, wanted, &path, depth + 1, files).is_ok() {
                    continue;
                }
                if !wanted.takes(name) {
                    continue;
                }
                Content::Unusable("it is no file, or leads out of the directory".to_owned())
            }
            Err(error) => Content::Unusable(error.to_string()),
        };
        files.insert(path, content);
    }
    Ok(())
}

fn content(file: fs::File) -> Content {
    let mut bytes = Vec::new();
    match file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes) {
        Err(error) => Content::Unusable(error.to_string()),
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => Content::Unusable("it is larger than 1 MiB".to_owned()),
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => Content::Text(text.into()),
            Err(_) => Content::Unusable("it is no UTF-8 text".to_owned()),
        },
    }
}

fn stamp_below(directory: &Path, wanted: Wanted, depth: usize, stamps: &mut Vec<Stamp>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().is_none_or(|name| wanted.passes_over(name, depth)) || stamps.len() > FILES_MAX {
            continue;
        }
        let path = entry.path();
        if depth + 1 < DEPTH_MAX && path.is_dir() {
            stamp_below(&path, wanted, depth + 1, stamps);
        } else if wanted.takes(&name.to_string_lossy()) {
            stamps.extend(stamp(&path));
        }
    }
}
