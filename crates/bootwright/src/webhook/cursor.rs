//! How far a webhook was told, in a file below the data directory.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The place of the last event that was taken.
pub(super) struct Cursor {
    path: PathBuf,
    at: u64,
}

impl Cursor {
    /// The place that was noted; for somebody new `last`, since what happened before is no news.
    pub(super) async fn open(directory: &Path, name: &str, last: u64) -> Self {
        let path = directory.join(name);
        let noted = tokio::fs::read_to_string(&path).await;
        let noted = noted.ok().and_then(|text| text.trim().parse().ok());
        let mut cursor = Self {
            path,
            at: noted.unwrap_or(last),
        };
        if noted.is_none() {
            cursor.advance(last).await;
        }
        cursor
    }

    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// Goes on without a note: what was not sent may be passed over again.
    pub(super) const fn pass(&mut self, seq: u64) {
        self.at = seq;
    }

    /// Goes on and notes it.
    pub(super) async fn advance(&mut self, seq: u64) {
        self.at = seq;
        let path = self.path.clone();
        let noted = tokio::task::spawn_blocking(move || note(&path, seq)).await;
        if let Ok(Err(error)) = noted {
            // Told on; after a restart some of it comes twice.
            tracing::warn!(file = %self.path.display(), why = %error, "cannot note how far a webhook was told");
        }
    }
}

/// Whole or not at all, also when the power goes.
fn note(path: &Path, seq: u64) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let part = path.with_extension("part");
    let mut file = std::fs::File::create(&part)?;
    writeln!(file, "{seq}")?;
    file.sync_data()?;
    std::fs::rename(part, path)
}

/// Forgets how far those were told who are no longer there.
pub(super) fn forget_others(directory: &Path, stays: impl Fn(&str) -> bool) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !stays(name.trim_end_matches(".part")) {
            // It may be gone already.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
