//! What installers send as their logs, kept in files beside the store and bounded for each run.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use bootwright_core::{HostId, RunNumber};

/// The most that is kept of one run, in bytes.
const RUN_BYTES_MAX: u64 = 16 << 20;

/// The directory of logs.
#[derive(Clone, Debug)]
pub struct Journal {
    directory: PathBuf,
}

impl Journal {
    /// Logs are kept below this directory, in `<host>/<run>.log`.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Keeps a piece of a run's log; what exceeds the bound is dropped.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn append(&self, host: &HostId, run: RunNumber, text: String) -> io::Result<()> {
        let directory = self.directory.join(host.as_str());
        let path = directory.join(format!("{run}.log"));
        let writing = tokio::task::spawn_blocking(move || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
            let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
            let room = RUN_BYTES_MAX.saturating_sub(file.metadata()?.len());
            let end = usize::try_from(room).unwrap_or(usize::MAX).min(text.len());
            file.write_all(text.as_bytes().get(..end).unwrap_or_default())
        });
        writing.await.map_err(io::Error::other)?
    }
}
