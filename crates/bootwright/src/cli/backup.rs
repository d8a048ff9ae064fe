//! `bootwright backup` and `restore`: a copy of the record, and the way back.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};

use bootwright_store::{Limits, Reader as _, SqliteReader, SqliteStore, StoreError};
use serde::Serialize;

use super::Exit;
use super::argument::Common;
use super::failure::{Failure, plain};
use super::place;
use super::print::Printer;
use crate::api::DATABASE;

/// What a store may consist of, by what is added to its name.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

/// What `backup --json` prints.
#[derive(Serialize)]
struct BackedUp {
    store: String,
    backup: String,
}

/// What `restore --json` prints.
#[derive(Serialize)]
struct Restored {
    store: String,
    backup: String,
    hosts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// Writes a consistent copy. The daemon may run meanwhile.
pub(super) fn back_up(printer: Printer, common: &Common, to: &Path) -> Result<Exit, Failure> {
    let store = place::existing_store(common)?;
    SqliteReader::open(&store)
        .and_then(|mut reader| reader.backup(to))
        .map_err(|error| refused(&error, "name a file that does not exist yet, on a disk with room"))?;
    let document = BackedUp {
        store: store.display().to_string(),
        backup: to.display().to_string(),
    };
    printer.document(&document, |document| {
        format!("wrote `{}`, a copy of `{}`\n", document.backup, document.store)
    })?;
    Ok(Exit::Good)
}

/// Puts a copy in the record's place. No daemon may hold it; what was there is kept beside it.
pub(super) fn restore(printer: Printer, common: &Common, from: &Path) -> Result<Exit, Failure> {
    let report = SqliteReader::open(from)
        .and_then(|mut reader| reader.verify())
        .map_err(|error| refused(&error, "name a file that `bootwright backup` wrote"))?;
    if let Some(problem) = report.problems.first() {
        return Err(Failure::File {
            message: format!("`{}` is damaged: {problem}", from.display()),
            hint: "restore an older backup".to_owned(),
        });
    }
    let store = place::data_dir(common).join(DATABASE);
    // A store that is damaged, and perhaps the reason for all this, cannot be opened; one that is held must not be.
    if let Err(error @ StoreError::Held { .. }) = SqliteStore::open(&store, Limits::default()) {
        return Err(Failure::Held(error.to_string()));
    }
    let replaced = set_aside(&store).and_then(|before| copy(from, &store).map(|()| before));
    let before = replaced.map_err(|cause| Failure::File {
        message: format!(
            "cannot put `{}` in place of `{}`: {}",
            from.display(),
            store.display(),
            plain(&cause)
        ),
        hint: "run it as the daemon's user or as root, on a disk with room".to_owned(),
    })?;
    let document = Restored {
        store: store.display().to_string(),
        backup: from.display().to_string(),
        hosts: report.hosts,
        before: before.map(|before| before.display().to_string()),
    };
    printer.document(&document, restored_words)?;
    Ok(Exit::Good)
}

fn restored_words(document: &Restored) -> String {
    let before = match &document.before {
        Some(before) => format!("the store as it was is `{before}`\n"),
        None => String::new(),
    };
    format!(
        "`{}` is `{}` again, with {} hosts\n{before}at the next start every arming is withdrawn, every run is cancelled, and \
         installs are paused: look through the hosts, then `bootwright resume`\n",
        document.store, document.backup, document.hosts
    )
}

fn refused(error: &StoreError, hint: &str) -> Failure {
    Failure::File {
        message: error.to_string(),
        hint: hint.to_owned(),
    }
}

/// Renames the store to a name that is free.
fn set_aside(store: &Path) -> io::Result<Option<PathBuf>> {
    if !store.exists() {
        return Ok(None);
    }
    let named = |number: u32| PathBuf::from(format!("{}.before-restore-{number}", store.display()));
    let free = (1..1000).map(named).find(|name| !name.exists());
    let aside = free.ok_or_else(|| io::Error::other("a thousand stores were set aside already"))?;
    for part in PARTS {
        let of = |path: &Path| PathBuf::from(format!("{}{part}", path.display()));
        match fs::rename(of(store), of(&aside)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !part.is_empty() => {}
            renamed => renamed?,
        }
    }
    Ok(Some(aside))
}

/// Copies the file, whole or not at all, for the owner of the directory.
fn copy(from: &Path, store: &Path) -> io::Result<()> {
    let directory = store.parent().unwrap_or(Path::new("."));
    let part = PathBuf::from(format!("{}.part", store.display()));
    let mut source = File::open(from)?;
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()?;
    let owner = fs::metadata(directory)?;
    if target.metadata()?.uid() != owner.uid() {
        chown(&part, Some(owner.uid()), Some(owner.gid()))?;
    }
    fs::rename(&part, store)?;
    File::open(directory)?.sync_all()
}
