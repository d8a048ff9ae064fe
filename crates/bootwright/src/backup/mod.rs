//! Backups: what must not be lost, in one file.
//!
//! A plain tar, so that anybody can look into it: `manifest.json`, then the files that it lists, in its order and with its
//! hashes. Paths begin with what they belong to: `data/` (the data directory), `config/`, `matchbox/` (what programs wrote by
//! its API) and `images/` (the list of each image's files; the files themselves are fetched again).

mod gather;
mod read;
mod restore;
mod write;

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(crate) use gather::{Configuration, Gathered, gather};
pub(crate) use read::read;
pub(crate) use restore::{NotRestored, Order, finish, restore};
pub(crate) use write::{NotMade, Prepared};

/// The name of the first entry.
const MANIFEST: &str = "manifest.json";

/// The only form so far. A program that reads a form reads all older ones.
const FORMAT: u32 = 1;

/// The record among the files.
const RECORD: &str = "data/bootwright.db";

/// The largest manifest, in bytes: some hundred thousand files.
const MANIFEST_BYTES_MAX: u64 = 32 << 20;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The form of this archive.
    pub(crate) format: u32,
    /// The version of Bootwright that made it.
    pub(crate) version: String,
    /// When it was made, by the wall clock.
    pub(crate) made: String,
    /// The last entry of the record.
    pub(crate) seq: u64,
    /// The files, in the order in which they follow.
    pub(crate) files: Vec<Listed>,
    /// The images of the box, whose files are not in it.
    pub(crate) images: Vec<Image>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Its path in the archive.
    pub(crate) path: String,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub(crate) sha256: String,
}

/// An image that was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Its name.
    pub(crate) name: String,
    /// Where it came from, as the operator said it.
    pub(crate) source: String,
}

/// Why an archive is not taken, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Unfit {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }

    fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::StorageFull => "free some space, then try again; nothing was changed",
            std::io::ErrorKind::PermissionDenied => "try again as root; nothing was changed",
            _ => "nothing was changed",
        };
        Self::new(format!("cannot {action} `{}`: {error}", path.display()), hint)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
