//! The name of a boot file, as both places in a reply can carry it.

use std::fmt;

/// The fixed part of a DHCP message has 128 bytes for the name and its final NUL.
const BYTES_MAX: usize = 127;

/// A file name or URL that every boot client can read: 1 to 127 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootFile(String);

impl BootFile {
    /// Checks a name: relative without a leading slash for TFTP, or an absolute URL.
    ///
    /// # Errors
    /// A name that would have to be cut or mangled to be sent.
    pub fn new(name: &str) -> Result<Self, NotBootFile> {
        Self::check(name)?;
        Ok(Self(name.to_owned()))
    }

    fn check(name: &str) -> Result<(), NotBootFile> {
        if name.is_empty() {
            return Err(NotBootFile::Empty);
        }
        if let Some(at) = name.bytes().position(|byte| !matches!(byte, b' '..=b'~')) {
            return Err(NotBootFile::NotPrintable { at });
        }
        if name.len() > BYTES_MAX {
            return Err(NotBootFile::TooLong { len: name.len() });
        }
        Ok(())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BootFile {
    type Error = NotBootFile;

    /// As [`BootFile::new`].
    fn try_from(name: String) -> Result<Self, NotBootFile> {
        Self::check(&name)?;
        Ok(Self(name))
    }
}

impl fmt::Display for BootFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text cannot be sent as the name of a boot file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBootFile {
    /// There is nothing.
    Empty,
    /// More than 127 bytes.
    TooLong {
        /// Its length.
        len: usize,
    },
    /// A control character, or one outside ASCII.
    NotPrintable {
        /// The place of its first byte, from 0.
        at: usize,
    },
}

impl fmt::Display for NotBootFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the boot file has no name"),
            Self::TooLong { len } => write!(
                f,
                "the boot file's name has {len} bytes, and DHCP carries 127: give it a shorter name or URL"
            ),
            Self::NotPrintable { at } => write!(
                f,
                "byte {at} of the boot file's name is not printable ASCII, which firmware cannot read"
            ),
        }
    }
}

impl std::error::Error for NotBootFile {}
