//! Copies of the store, which know that they are copies.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema;
use super::table::Head;
use super::trouble::Result;
use super::verify::verify;
use crate::{Report, StoreError};

/// Copies the store into an empty file and marks it as a copy.
pub(super) fn copy(connection: &Connection, to: &Path) -> Result<()> {
    let name = to.to_str().ok_or(StoreError::Io {
        action: "write",
        path: to.to_owned(),
        cause: "the name is not UTF-8".to_owned(),
    })?;
    connection.execute("VACUUM INTO ?1", [name])?;
    let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    copy.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;")?;
    let mut head = Head::read(&copy)?;
    head.site.backup = true;
    head.update(&copy)?;
    copy.close().map_err(|(_, error)| error)?;
    let file = fs::File::open(to).and_then(|file| file.sync_all());
    file.map_err(|error| StoreError::io("sync", to, &error))?;
    Ok(())
}

/// Looks through a copy that a backup made, which is brought to the present format.
///
/// # Errors
/// When it is no such copy, was written by a newer version, or cannot be read. Damage in it is part of the report.
pub fn examine_backup(path: &Path) -> std::result::Result<Report, StoreError> {
    let examine = || -> Result<Report> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch(
            "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;
             PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
        )?;
        schema::upgrade(&mut connection, path)?;
        if !Head::read(&connection)?.site.backup {
            return Err(StoreError::NotABackup(path.to_owned()).into());
        }
        let report = verify(&mut connection, path)?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(report)
    };
    examine().map_err(|trouble| trouble.at("read", path))
}
