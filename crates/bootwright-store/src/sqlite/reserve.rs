//! Room that is set aside, so that what is under way can end when the disk is full.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::sample::Sample;

/// The reserve is only made where this many times its size is free; it must not be what fills the disk.
const FREE_FACTOR: u64 = 4;

/// A file that is good for nothing but being deleted.
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    is_there: bool,
}

/// How many bytes of the disk below a directory are free for us, and how many it has; nothing if it cannot be asked.
#[must_use]
pub fn disk_room(directory: &Path) -> Option<(u64, u64)> {
    let disk = statvfs(directory).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
    Some((bytes(disk.blocks_available()), bytes(disk.blocks())))
}

impl Reserve {
    /// The reserve of this store, which may be there or not.
    pub(super) fn beside(store: &Path, bytes: u64) -> Self {
        let path = store.with_extension("reserve");
        let is_there = path.metadata().is_ok_and(|file| file.len() >= bytes);
        Self { path, bytes, is_there }
    }

    pub(super) const fn is_there(&self) -> bool {
        self.is_there
    }

    /// Gives the room back to the disk. Says whether there was any.
    pub(super) fn release(&mut self) -> bool {
        if !self.is_there {
            return false;
        }
        self.is_there = false;
        match std::fs::remove_file(&self.path) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(file = %self.path.display(), status = %error, "cannot release the reserve");
                false
            }
        }
    }

    /// Sets the room aside again if there is enough of it.
    pub(super) fn refill(&mut self) {
        if self.is_there || !self.disk_has_room() {
            return;
        }
        match self.write() {
            Ok(()) => self.is_there = true,
            Err(error) => {
                tracing::debug!(file = %self.path.display(), status = %error, "no room for the reserve yet");
                // Part of it may be there, and is of no use.
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }

    fn disk_has_room(&self) -> bool {
        let directory = self.path.parent().filter(|path| !path.as_os_str().is_empty());
        let room = disk_room(directory.unwrap_or(Path::new(".")));
        room.is_some_and(|(free, _)| free >= self.bytes.saturating_mul(FREE_FACTOR))
    }

    /// Fills the file with noise: file systems that compress would set nothing aside for zeros.
    fn write(&self) -> std::io::Result<()> {
        let mut noise = Sample::new(self.bytes);
        let block: Vec<u8> = (0..512).flat_map(|_| noise.number().to_le_bytes()).collect();
        let mut options = OpenOptions::new();
        let mut file: File = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        for _ in 0..self.bytes.div_ceil(block.len() as u64) {
            file.write_all(&block)?;
        }
        file.sync_all()
    }
}
