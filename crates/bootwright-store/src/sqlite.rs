//! The store in one SQLite file: write-ahead log, synced at every commit.

mod append;
mod copy;
mod fold;
mod history;
mod lease;
mod load;
mod lock;
mod open;
mod read;
mod reserve;
mod revision;
mod schema;
mod table;
#[cfg(test)]
mod tests;
mod trouble;
mod verify;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::{Batch, ClockMark, Loaded, Reader, Seq, Space, Store, StoreError};

pub use self::copy::examine_backup;
pub use self::read::SqliteReader;
pub use self::reserve::disk_room;

use self::lease::LeaseSums;
use self::lock::Lock;
use self::reserve::Reserve;
use self::table::Head;
use self::trouble::Trouble;

/// How much of everything is kept and how often it is put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most events that are kept; older ones are folded into the base and dropped.
    pub events_max: u64,
    /// After how many events the write-ahead log is folded into the file. About three pages of 4 KiB go into the log for
    /// each, so that 500 keep it at some megabytes.
    pub checkpoint_events: u64,
    /// How many bytes are set aside for a full disk: some hundred transitions, enough for all runs under way to end.
    pub reserve_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events_max: 1_000_000,
            checkpoint_events: 500,
            reserve_bytes: 1 << 20,
        }
    }
}

/// The store in a file. While it lives, no other process can open it; readers can.
pub struct SqliteStore {
    path: PathBuf,
    limits: Limits,
    reserve: Reserve,
    /// Nothing after a failure, until the store is opened anew.
    open: Option<Open>,
    /// Released last.
    _lock: Lock,
}

/// A store that no process has open while this lives, whether there is one or not.
pub struct Hold {
    _lock: Lock,
}

impl Hold {
    /// Takes hold of what is, or will be, at `path`, whose directory is made if it is not there.
    ///
    /// # Errors
    /// When another process holds it, or nothing can be made there.
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        open::prepare_directory(path)?;
        Ok(Self {
            _lock: Lock::take(path)?,
        })
    }
}

/// What is there while the store can be written.
struct Open {
    connection: Connection,
    head: Head,
    leases: LeaseSums,
    /// The first event that is kept.
    first: Seq,
    /// How many events the write-ahead log holds.
    logged: u64,
}

impl SqliteStore {
    /// Takes hold of the store at `path`, making it and its directory if they are not there.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be made. What is in it is looked at by `load`.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, StoreError> {
        open::prepare_directory(path)?;
        let lock = Lock::take(path)?;
        open::create_if_missing(path)?;
        let mut reserve = Reserve::beside(path, limits.reserve_bytes);
        reserve.refill();
        Ok(Self {
            path: path.to_owned(),
            limits,
            reserve,
            open: None,
            _lock: lock,
        })
    }

    /// Runs `work` on the open store, which is closed if it fails. A full disk gets a second try with the reserve: then
    /// nothing was written, so that trying again hides nothing.
    fn with_open<T>(
        &mut self,
        action: &'static str,
        work: impl Fn(&mut Open) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        let open = self.open.as_mut().ok_or(StoreError::Closed)?;
        let mut work = || work(open).map_err(|trouble| trouble.at(action, &self.path));
        let mut result = work();
        if matches!(result, Err(StoreError::Full)) && self.reserve.release() {
            result = work();
        }
        if result.is_err() {
            self.open = None;
        }
        result
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        // What is left of a connection that failed has to be gone before the file is looked at.
        self.open = None;
        let load = || load::load(&self.path).map_err(|trouble| trouble.at("open", &self.path));
        let mut result = load();
        if matches!(result, Err(StoreError::Full)) && self.reserve.release() {
            result = load();
        }
        let (open, loaded) = result?;
        self.open = Some(open);
        Ok(loaded)
    }

    fn commit(&mut self, batch: Batch<'_>, wall_ms: u64, clock: &ClockMark) -> Result<Seq, StoreError> {
        self.with_open("write", |open| append::append(open, batch, wall_ms, *clock))
    }

    fn maintain(&mut self) -> Result<(), StoreError> {
        let limits = self.limits;
        self.with_open("write", |open| history::maintain(open, limits))?;
        self.reserve.refill();
        Ok(())
    }

    fn space(&self) -> Space {
        if self.reserve.is_there() {
            Space::Plenty
        } else {
            Space::Reserve
        }
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(SqliteReader::open(&self.path)?))
    }
}
