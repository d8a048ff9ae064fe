//! Where the logins are kept, and where random bytes come from: all that can fail when a secret is read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// No file of logins is larger: a thousand of each kind take a tenth of it.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Where the logins are kept. Every failure is told, so that none of them is taken for an empty file.
pub trait Shelf: Send + Sync {
    /// What is kept; nothing where there never was anything.
    ///
    /// # Errors
    /// When it cannot be told what is kept.
    fn read(&self) -> io::Result<Option<Vec<u8>>>;

    /// Keeps this in place of what was kept: whole, or not at all. It is durable when this returns.
    ///
    /// # Errors
    /// When what was kept before still is.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;

    /// Fills this with bytes that nobody can guess.
    ///
    /// # Errors
    /// When there are none.
    fn random(&self, into: &mut [u8]) -> io::Result<()>;
}

/// A file that only its owner may read.
#[derive(Clone, Debug)]
pub struct FileShelf {
    path: PathBuf,
}

impl FileShelf {
    /// The file at this path.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Shelf for FileShelf {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        read_private(&self.path)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        write_private(&self.path, bytes)
    }

    fn random(&self, into: &mut [u8]) -> io::Result<()> {
        getrandom::fill(into).map_err(|error| io::Error::other(error.to_string()))
    }
}

/// Reads a file of secrets; nothing where there is none. Where others could read it too, they can no longer.
///
/// # Errors
/// When it is there and cannot be read, is no file, or is larger than any of ours.
pub(crate) fn read_private(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is no file, or larger than any of ours",
        ));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "others could read a file of secrets; now only its owner can");
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// When the file is as it was.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // Where the directory is made here, nobody else looks into it either.
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = directory.join(name);
    // One that a power cut left behind may have any mode.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(directory)?.sync_all()
}
