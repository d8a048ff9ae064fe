//! What goes wrong inside, before it is said on which file.

use std::path::Path;

use crate::StoreError;
use crate::row::RowError;

/// An error on the way out.
#[derive(Debug)]
pub(super) enum Trouble {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

pub(super) type Result<T> = std::result::Result<T, Trouble>;

impl Trouble {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Store(StoreError::damaged(what))
    }

    /// The error as the store's user sees it.
    pub(super) fn at(self, action: &'static str, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => StoreError::sqlite(action, path, &error),
            Self::Store(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RowError> for Trouble {
    fn from(error: RowError) -> Self {
        Self::Store(error.into())
    }
}
