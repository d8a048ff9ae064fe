//! What the clients of other systems ask, and what they read: each system's forms in one place.
//!
//! Nothing here decides. The shell asks the engine as for any other boot loader, and says the answer in these words.
//! `docs/dialects.md` has the forms by their numbers, and says what of each system is knowingly not copied.

pub mod bootcfg;
pub mod dynamic_ignition;
pub mod go;
pub mod kiwispray;
pub mod matchbox;
pub mod pixiecore;

use crate::http::path_segments;
use crate::http::{PathFault, Query, RelativePath};

/// The longest target that is read.
const TARGET_BYTES_MAX: usize = 8192;

/// A target as the servers of the systems that we replace read it: a path in segments, and a query.
pub(crate) fn split(target: &[u8]) -> Option<(Vec<String>, Query)> {
    if target.len() > TARGET_BYTES_MAX {
        return None;
    }
    let mut halves = target.splitn(2, |byte| *byte == b'?');
    let path = halves.next().unwrap_or_default();
    let query = Query::new(halves.next().unwrap_or_default());
    let segments: Result<Vec<String>, PathFault> = path_segments(path);
    Some((segments.ok()?, query))
}

/// The name of a file below a directory.
pub(crate) fn file(segments: &[String]) -> Option<RelativePath> {
    RelativePath::of(segments)
}

/// A word of a script as the systems that we replace print it: as it is. What is no printable text of one line would be
/// another command, and none of them ever meant that.
///
/// # Errors
/// The word, with what is wrong.
pub(crate) fn printable(word: &str) -> Result<&str, String> {
    match word.chars().find(|c| *c != ' ' && !c.is_ascii_graphic()) {
        Some(c) => Err(format!(
            "`{}` holds {c:?}, which no boot script can hold",
            word.escape_debug()
        )),
        None => Ok(word),
    }
}
