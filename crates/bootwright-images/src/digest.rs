//! Hashes: of files while they are written, and as others give them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha512};

/// A hash that a file must have, of either kind; which one, its length says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// SHA-256, 64 lower-case hexadecimal digits.
    Sha256(String),
    /// SHA-512, 128 of them.
    Sha512(String),
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHash;

impl fmt::Display for NoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no hash: 64 hexadecimal digits for SHA-256, 128 for SHA-512")
    }
}

impl std::error::Error for NoHash {}

impl FromStr for Expected {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let digits = text.to_ascii_lowercase();
        match digits.len() {
            _ if !digits.bytes().all(|b| b.is_ascii_hexdigit()) => Err(NoHash),
            64 => Ok(Self::Sha256(digits)),
            128 => Ok(Self::Sha512(digits)),
            _ => Err(NoHash),
        }
    }
}

impl Expected {
    /// Its name and digits, for people.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Sha256(digits) => format!("SHA-256 {digits}"),
            Self::Sha512(digits) => format!("SHA-512 {digits}"),
        }
    }

    /// Whether a file has it; else what it has.
    pub(crate) fn compare(&self, found: &Hashes) -> Result<(), String> {
        let (wanted, found) = match self {
            Self::Sha256(digits) => (digits, Some(&found.sha256)),
            Self::Sha512(digits) => (digits, found.sha512.as_ref()),
        };
        match found {
            Some(found) if found == wanted => Ok(()),
            Some(found) => Err(found.clone()),
            None => Err("unknown".to_owned()),
        }
    }
}

/// What was found of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// Only where it was asked for: it takes as long again.
    pub(crate) sha512: Option<String>,
}

/// Hashes while bytes pass.
#[derive(Clone)]
pub(crate) struct Hashing {
    bytes: u64,
    sha256: Sha256,
    sha512: Option<Sha512>,
}

impl Hashing {
    /// The one that is expected is worked out, and SHA-256 always.
    pub(crate) fn new(expected: Option<&Expected>) -> Self {
        Self {
            bytes: 0,
            sha256: Sha256::new(),
            sha512: matches!(expected, Some(Expected::Sha512(_))).then(Sha512::new),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        if let Some(hash) = &mut self.sha512 {
            hash.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Hashes {
        Hashes {
            bytes: self.bytes,
            sha256: hex(&self.sha256.finalize()),
            sha512: self.sha512.map(|hash| hex(&hash.finalize())),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn hash_reader(reader: &mut dyn Read, expected: Option<&Expected>) -> io::Result<Hashes> {
    let mut hashing = Hashing::new(expected);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hashing.finish()),
            Ok(count) => hashing.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 of a file in hexadecimal digits, and its length in bytes.
///
/// # Errors
/// When it cannot be read.
pub fn hash_file(path: &Path) -> io::Result<(String, u64)> {
    let hashes = hash_reader(&mut File::open(path)?, None)?;
    Ok((hashes.sha256, hashes.bytes))
}
