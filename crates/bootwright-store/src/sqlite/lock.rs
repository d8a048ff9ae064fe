//! One process a store: a locked file beside it, which the system unlocks whatever becomes of the process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::StoreError;

/// The lock, held until it is dropped.
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of this store and leaves our process number in it.
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = store.with_extension("lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let mut file = file.map_err(|error| StoreError::io("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Held {
                    path: store.to_owned(),
                    pid: pid(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path, &error)),
        }
        // The lock holds without the number, which only helps people: a full disk must not stop a start.
        if let Err(error) = leave_pid(&mut file) {
            tracing::warn!(file = %path.display(), status = %error, "cannot leave the process number in the lock file");
        }
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that was forked and has not yet executed its program has it
        // open as well. That unlocking fails is settled by the end of both.
        let _ = self.file.unlock();
    }
}

fn leave_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
