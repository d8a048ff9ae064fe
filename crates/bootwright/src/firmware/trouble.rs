//! What is wrong with the firmware, in words for whoever asks.

use std::fmt;

/// What is wrong with the firmware, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The names under which nothing is served because of it; none if it is about other files or all of them.
    pub files: Vec<String>,
    /// What is wrong.
    pub words: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.words, self.hint)
    }
}
