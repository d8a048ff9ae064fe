//! The list of what an image consists of, which lies in its directory.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::path::EntryPath;

/// The name of the list in an image's directory.
pub const LOCK: &str = "image.lock.toml";

/// The only format so far.
const FORMAT: u32 = 1;

/// The largest list that is read, in bytes: some hundred thousand files.
const BYTES_MAX: u64 = 64 << 20;

/// What an image consists of, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The format of this list.
    pub format: u32,
    /// Where it came from, as the operator said it.
    pub source: String,
    /// The vendor's version, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// By what the files were known to be the right ones.
    pub proof: String,
    /// Its files, in the order of their paths.
    #[serde(rename = "file")]
    pub files: Vec<Locked>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its path in the image.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl Lock {
    pub(crate) fn new(source: String, version: Option<String>, proof: String, files: Vec<Locked>) -> Self {
        Self {
            format: FORMAT,
            source,
            version,
            proof,
            files,
        }
    }

    /// The list in an image's directory; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read or is no such list.
    pub fn of_directory(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(LOCK);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("cannot read", &path, &error)),
        };
        let mut text = String::new();
        file.take(BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| Error::io("cannot read", &path, &error))?;
        Self::parse(&text)
            .map(Some)
            .map_err(|error| error.about(path.display()))
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is none, of a later version, or names files outside of the image.
    pub fn parse(text: &str) -> Result<Self> {
        let lock: Self = toml::from_str(text).map_err(|error| {
            Error::new(format!("this is no list of an image's files: {}", error.message())).hint("add the image again")
        })?;
        if lock.format != FORMAT {
            return Err(Error::new(format!("its format {} is of another version", lock.format)));
        }
        for file in &lock.files {
            let same = EntryPath::file(&file.path)?.as_str() == file.path;
            let digits = file.sha256.len() == 64 && file.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if !same || !digits {
                return Err(Error::new(format!(
                    "its line on `{}` is damaged",
                    file.path.escape_debug()
                )));
            }
        }
        Ok(lock)
    }

    pub(crate) fn text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// The file of this path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Locked> {
        self.files.iter().find(|file| file.path == path)
    }

    /// How many bytes all files have together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
