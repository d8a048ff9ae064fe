//! Why something was not done, in words for the operator.

use std::fmt;
use std::io;
use std::path::Path;

/// Why something was not done, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What happened: lower case, no final period.
    pub message: String,
    /// What to do, where that is known.
    pub hint: Option<String>,
    /// Whether the disk is full.
    pub(crate) full: bool,
}

/// What comes of anything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            full: false,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An operation on a file failed: `what` as in "cannot read".
    pub(crate) fn io(what: &str, path: &Path, cause: &io::Error) -> Self {
        let full = matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let mut error = Self::new(format!("{what} `{}`: {}", path.display(), plain(cause)));
        if full {
            error.hint = Some("free some space; what was there before is as it was".to_owned());
        }
        error.full = full;
        error
    }

    /// The same with words in front that say what it was about.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// An error of the system without its number.
pub(crate) fn plain(cause: &io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error ").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
