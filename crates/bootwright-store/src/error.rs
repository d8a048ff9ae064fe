//! What can go wrong with a store, in words for the operator.

use std::io;
use std::path::{Path, PathBuf};

use crate::row::RowError;

/// Why a store cannot be used. Each message says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the store.
    #[error(
        "the store `{}` is held by {}; stop that process first, or give this one another data directory",
        path.display(),
        holder(*pid)
    )]
    Held {
        /// The store.
        path: PathBuf,
        /// The process, if it has left its number.
        pid: Option<u32>,
    },
    /// A newer Bootwright wrote the store.
    #[error(
        "the store has format {found}, and this version of bootwright reads up to format {known}; start the newer \
         version again, or restore a backup that this version wrote"
    )]
    Newer {
        /// The store's format.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// The file is a database, but not a store of Bootwright's.
    #[error("`{}` is not a store of bootwright; move it away or give another data directory", .0.display())]
    Foreign(PathBuf),
    /// It is a store, and not one that was copied as a backup.
    #[error("`{}` is no copy that `bootwright backup` made", .0.display())]
    NotABackup(PathBuf),
    /// The store says what it cannot have been told.
    #[error(
        "the store is damaged: {what}; nothing was changed; stop bootwright and put a backup in its place \
         (`bootwright restore`), or keep a copy and ask `bootwright check --store` what is left"
    )]
    Damaged {
        /// What was found.
        what: String,
    },
    /// No room is left, and the reserve is used up.
    #[error("the disk that holds the store is full; free some space, new installs wait until then")]
    Full,
    /// The system refused to read or write.
    #[error("cannot {action} `{}`: {cause}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// A write failed before; what was written since the last acknowledgement is open until the store is read again.
    #[error("the store is read-only since a write failed; it has to be opened again")]
    Closed,
    /// A fault that a test asked for.
    #[error("injected: {0}")]
    Injected(&'static str),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl StoreError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    pub(crate) fn io(action: &'static str, path: &Path, cause: &io::Error) -> Self {
        if matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::Full;
        }
        Self::Io {
            action,
            path: path.to_owned(),
            cause: cause.to_string(),
        }
    }

    /// What SQLite's answer means for the store at `path`.
    pub(crate) fn sqlite(action: &'static str, path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(error.to_string()),
            Some(ErrorCode::DiskFull) => Self::Full,
            // The index of the log could not be made to its size: room is all that it needs.
            Some(_) if extended_code(error) == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => Self::Full,
            // A missing table or column, or a value of another type: somebody changed the file.
            Some(ErrorCode::Unknown | ErrorCode::TypeMismatch | ErrorCode::ConstraintViolation) => {
                Self::damaged(error.to_string())
            }
            None => Self::damaged(error.to_string()),
            Some(_) => Self::Io {
                action,
                path: path.to_owned(),
                cause: format!("{error} (SQLite code {})", extended_code(error)),
            },
        }
    }
}

/// SQLite's full answer, which says on which call the system refused.
fn extended_code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

impl From<RowError> for StoreError {
    fn from(error: RowError) -> Self {
        Self::damaged(error.to_string())
    }
}
