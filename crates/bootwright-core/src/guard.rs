//! The disk guard: may this run overwrite this disk?

use crate::{Grant, Wipe};

/// What the guard tells an installer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardVerdict {
    /// The disk may be overwritten.
    Go,
    /// It may not, for this reason.
    Stop(String),
}

/// A disk as an installer describes it before its first write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk<'a> {
    /// Its serial number, empty if it has none.
    pub serial: &'a str,
    /// What was found on it: nothing if it is empty.
    pub content: Option<&'a str>,
}

/// Whether a run under this grant may overwrite this disk.
///
/// A disk that the guard once let pass is in the grant, so that a further attempt may go on with what the first began.
/// One without a serial number cannot be told from the next and is never in it.
#[must_use]
pub fn guard(wipe: Wipe, grant: &Grant, disk: Disk<'_>) -> GuardVerdict {
    let named = !disk.serial.is_empty() && grant.wipe.contains(disk.serial);
    match (wipe, disk.content) {
        (Wipe::Always, _) | (Wipe::EmptyOnly, None) => GuardVerdict::Go,
        (Wipe::EmptyOnly, Some(_)) if named => GuardVerdict::Go,
        (Wipe::EmptyOnly, Some(content)) => {
            let serial = if disk.serial.is_empty() {
                "without a serial number"
            } else {
                disk.serial
            };
            GuardVerdict::Stop(format!("disk {serial} is not empty ({content})"))
        }
    }
}
