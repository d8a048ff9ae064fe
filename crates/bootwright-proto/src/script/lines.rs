//! Configurations that are made of lines, one directive each.

use super::say::sentence;

/// What stands in front of words for people who read a file that its machine does not show.
pub(super) const COMMENT: &str = "#";

/// A configuration that grows by lines.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Adds a line, which holds no line end.
    pub(super) fn line(&mut self, line: impl AsRef<str>) -> &mut Self {
        self.0.push_str(line.as_ref().trim_end());
        self.0.push('\n');
        self
    }

    /// Adds sentences for people, each behind this word.
    pub(super) fn say(&mut self, word: &str, sentences: &[String]) {
        for text in sentences {
            self.line(format!("{word} {}", sentence(text)));
        }
    }

    /// The whole.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}
