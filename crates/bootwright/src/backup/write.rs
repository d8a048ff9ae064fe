//! Making a backup beside the running daemon.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use bootwright_store::{EventQuery, Page, Reader};
use sha2::{Digest as _, Sha256};

use super::{FORMAT, Gathered, Listed, MANIFEST, Manifest, RECORD, hex};

/// The copy of the record while it is sent. It has no name by then: nothing of it is left, however the daemon ends.
const COPY: &str = "bootwright.backup";

/// Whether a backup is being made: each takes room for another copy of the record.
static UNDER_WAY: AtomicBool = AtomicBool::new(false);

/// Why there is no backup.
#[derive(Debug)]
pub(crate) enum NotMade {
    /// Another one is being made.
    Busy,
    /// It cannot be made.
    Failed(anyhow::Error),
}

impl fmt::Display for NotMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another backup is being made"),
            Self::Failed(error) => write!(f, "{error:#}"),
        }
    }
}

impl From<anyhow::Error> for NotMade {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// The turn of the one who makes a backup.
struct Turn;

impl Turn {
    fn take() -> Result<Self, NotMade> {
        match UNDER_WAY.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(Self),
            Err(_) => Err(NotMade::Busy),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        UNDER_WAY.store(false, Ordering::Release);
    }
}

/// A backup of which all is known, and which only has to be written.
pub(crate) struct Prepared {
    manifest: Manifest,
    record: File,
    files: BTreeMap<String, PathBuf>,
    _turn: Turn,
}

impl Prepared {
    /// Copies the record as it is now, and takes the hashes of everything.
    ///
    /// # Errors
    /// When another backup is being made, or something cannot be read or written.
    pub(crate) fn new(data_dir: &Path, reader: &mut dyn Reader, gathered: Gathered) -> Result<Self, NotMade> {
        let turn = Turn::take()?;
        let mut record = copied(data_dir, reader)?;
        let last = EventQuery {
            page: Page::Last,
            host: None,
            limit: 1,
        };
        let events = reader.events(&last).context("cannot read the record")?;
        let mut files = vec![listed(RECORD, &mut record).context("cannot read the copy of the record")?];
        for (path, place) in &gathered.files {
            let failed = || format!("cannot read `{}`", place.display());
            let mut file = File::open(place).with_context(failed)?;
            files.push(listed(path, &mut file).with_context(failed)?);
        }
        let manifest = Manifest {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            seq: events.last().map_or(0, |event| event.seq.get()),
            files,
            images: gathered.images,
        };
        Ok(Self {
            manifest,
            record,
            files: gathered.files,
            _turn: turn,
        })
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// When it cannot be written, or a file is not what it was when its hash was taken.
    pub(crate) fn write(mut self, to: &mut dyn Write) -> anyhow::Result<()> {
        let mut archive = tar::Builder::new(to);
        let text = serde_json::to_vec_pretty(&self.manifest)?;
        append(&mut archive, MANIFEST, text.len() as u64, &mut text.as_slice())?;
        for one in &self.manifest.files {
            let mut opened = match self.files.get(&one.path) {
                Some(place) => Some(File::open(place).with_context(|| format!("cannot read `{}`", place.display()))?),
                None => None,
            };
            let from = opened.as_mut().unwrap_or(&mut self.record);
            from.rewind()?;
            let mut hashed = Hashed::of(from);
            append(&mut archive, &one.path, one.bytes, &mut hashed)?;
            if hashed.digest() != one.sha256 {
                anyhow::bail!("`{}` changed while it was being written; try again", one.path);
            }
        }
        archive.into_inner()?.flush()?;
        Ok(())
    }
}

/// A copy of the record, without a name.
fn copied(data_dir: &Path, reader: &mut dyn Reader) -> anyhow::Result<File> {
    let place = data_dir.join(COPY);
    // What is left of a backup during which the daemon was killed.
    for name in [place.clone(), data_dir.join(format!("{COPY}.part"))] {
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove `{}`", name.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    reader.backup(&place).context("cannot copy the record")?;
    let file = File::open(&place).with_context(|| format!("cannot read `{}`", place.display()))?;
    fs::remove_file(&place).with_context(|| format!("cannot remove `{}`", place.display()))?;
    Ok(file)
}

fn listed(path: &str, file: &mut File) -> io::Result<Listed> {
    let mut hashed = Hashed::of(file);
    let bytes = io::copy(&mut hashed, &mut io::sink())?;
    Ok(Listed {
        path: path.to_owned(),
        bytes,
        sha256: hashed.digest(),
    })
}

fn append(archive: &mut tar::Builder<&mut dyn Write>, path: &str, bytes: u64, from: &mut dyn Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    archive.append_data(&mut header, path, from.take(bytes))
}

/// A reader that hashes what passes.
struct Hashed<'a> {
    from: &'a mut File,
    hash: Sha256,
}

impl<'a> Hashed<'a> {
    fn of(from: &'a mut File) -> Self {
        Self {
            from,
            hash: Sha256::new(),
        }
    }

    fn digest(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
