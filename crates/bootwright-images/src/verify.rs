//! Whether an image is what its list says.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use crate::digest::hash_file;
use crate::error::{Error, Result, plain};
use crate::lock::{LOCK, Lock};

/// What is wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A file of the list is not there.
    Missing(String),
    /// A file has other bytes than the list says.
    Changed(String),
    /// A file that the list does not name.
    Extra(String),
    /// A file cannot be read.
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "`{path}` is missing"),
            Self::Changed(path) => write!(f, "`{path}` was changed"),
            Self::Extra(path) => write!(f, "`{path}` does not belong to it"),
            Self::Unreadable { path, why } => write!(f, "`{path}` cannot be read: {why}"),
        }
    }
}

impl Lock {
    /// Compares a directory with this list: all bytes are read.
    ///
    /// # Errors
    /// When the directory itself cannot be read.
    pub fn verify(&self, directory: &Path) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        for file in &self.files {
            let path = || file.path.clone();
            match hash_file(&directory.join(&file.path)) {
                Ok((sha256, bytes)) if sha256 == file.sha256 && bytes == file.bytes => {}
                Ok(_) => faults.push(Fault::Changed(path())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => faults.push(Fault::Missing(path())),
                Err(error) => faults.push(Fault::Unreadable {
                    path: path(),
                    why: plain(&error),
                }),
            }
        }
        let known: BTreeSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let mut found = Vec::new();
        walk(directory, "", &mut found)?;
        let extra = found
            .into_iter()
            .filter(|path| path != LOCK && !known.contains(path.as_str()));
        faults.extend(extra.map(Fault::Extra));
        Ok(faults)
    }
}

/// The paths of everything below a directory that is no directory.
pub(crate) fn walk(directory: &Path, prefix: &str, found: &mut Vec<String>) -> Result<()> {
    let unreadable = |error: &std::io::Error| Error::io("cannot read", directory, error);
    for entry in fs::read_dir(directory).map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        let kind = entry.file_type().map_err(|error| unreadable(&error))?;
        if kind.is_dir() {
            walk(&entry.path(), &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
