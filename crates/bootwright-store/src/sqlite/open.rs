//! Files and connections: who may read them, and how SQLite is set.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema;
use super::trouble::Result;
use crate::StoreError;

/// How long somebody with `sqlite3` may hold the file before our commit counts as failed.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// The directory of the store, made for its owner alone if it is not there.
pub(super) fn prepare_directory(store: &Path) -> std::result::Result<(), StoreError> {
    let directory = directory(store);
    if directory.is_dir() {
        return Ok(());
    }
    let failed = |error| StoreError::io("create", &directory, &error);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(failed)?;
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).map_err(failed)
}

/// Makes the store if it is not there: under another name first, so that a half-made one is never taken for whole.
pub(super) fn create_if_missing(path: &Path) -> std::result::Result<(), StoreError> {
    match fs::metadata(path) {
        Ok(file) if file.len() == 0 => {
            return Err(StoreError::damaged(format!("`{}` is empty", path.display())));
        }
        Ok(_) => return restrict(path),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::io("read", path, &error)),
    }
    let log = beside(path, "-wal");
    if log.exists() {
        let what = format!("`{}` is gone, but `{}` is there", path.display(), log.display());
        return Err(StoreError::damaged(what));
    }
    let fresh = beside(path, ".new");
    for rest in ["", "-wal", "-shm", "-journal"] {
        remove_if_there(&beside(&fresh, rest))?;
    }
    create_private(&fresh)?;
    fill(&fresh).map_err(|trouble| trouble.at("create", &fresh))?;
    fs::rename(&fresh, path).map_err(|error| StoreError::io("rename", &fresh, &error))?;
    sync_directory(path)
}

/// Makes a store of an empty file, all of it in the file itself.
fn fill(path: &Path) -> Result<()> {
    let mut connection = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;")?;
    schema::create(&mut connection, path)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// A connection that writes to a store of the present format; one of an older format is brought to it.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(32);
    // First of all, so that a file that is not ours stays as it is.
    schema::upgrade(&mut connection, path)?;
    // The log is folded into the file by `history::maintain`, where an error is seen: SQLite itself would keep it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 16777216;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;",
    )?;
    schema::check(&connection, path)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_ONLY))?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.execute_batch(
        "PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;",
    )?;
    schema::check(&connection, path)?;
    Ok(connection)
}

/// Paths are paths: no `file:` URIs, which would let a name in the configuration change how the file is opened.
fn flags(access: OpenFlags) -> OpenFlags {
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// An empty file for its owner alone, whatever the umask. SQLite gives its log the same mode.
pub(super) fn create_private(path: &Path) -> std::result::Result<File, StoreError> {
    let failed = |error| StoreError::io("create", path, &error);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(file)
}

/// Takes rights from a store that others could read: it holds the tokens of runs.
fn restrict(path: &Path) -> std::result::Result<(), StoreError> {
    let failed = |error| StoreError::io("restrict access to", path, &error);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(file = %path.display(), "others could read the store; taking that right from them");
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)
}

pub(super) fn sync_directory(path: &Path) -> std::result::Result<(), StoreError> {
    let directory = directory(path);
    File::open(&directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::io("sync", &directory, &error))
}

fn remove_if_there(path: &Path) -> std::result::Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("remove", path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// The name with something appended, as SQLite names its log.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
