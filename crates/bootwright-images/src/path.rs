//! Names of files inside an image, as archives and lists give them: never the path of anything outside.

use std::fmt;

use crate::error::{Error, Result};
use crate::lock::LOCK;

/// The longest path, in bytes: what the machine plane serves.
const BYTES_MAX: usize = 1024;

/// The longest segment, which is what file systems allow.
const SEGMENT_BYTES_MAX: usize = 255;

/// The deepest path, as the machine plane serves it.
const SEGMENTS_MAX: usize = 15;

/// The path of a file inside an image: segments joined by single slashes, none of them empty, `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryPath(String);

impl EntryPath {
    /// Reads a path of an archive. `None` is the archive's top directory.
    ///
    /// # Errors
    /// A path that leads out, is absolute, or cannot be served.
    pub fn read(text: &str) -> Result<Option<Self>> {
        let refuse = |why: &str| {
            let shown: String = text.chars().take(200).collect();
            Err(Error::new(format!("`{}` {why}", shown.escape_debug()))
                .hint("nothing was put in place; do not use this archive"))
        };
        if text.starts_with('/') {
            return refuse("is an absolute path");
        }
        let mut segments = Vec::new();
        for segment in text.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
            if segment == ".." {
                return refuse("leads out of the image");
            }
            if segment.len() > SEGMENT_BYTES_MAX {
                return refuse("has a name of more than 255 bytes");
            }
            segments.push(segment);
        }
        if text.chars().any(|c| c.is_control() || c == '\\') {
            return refuse("has a control character or a backslash in it");
        }
        if segments.len() > SEGMENTS_MAX || text.len() > BYTES_MAX {
            return refuse("is too deep or too long a path");
        }
        if segments == [LOCK] {
            return refuse("is the name that the list of an image's files has");
        }
        Ok((!segments.is_empty()).then(|| Self(segments.join("/"))))
    }

    /// A path that cannot be wrong, or its error.
    ///
    /// # Errors
    /// As [`EntryPath::read`], and for the top directory.
    pub fn file(text: &str) -> Result<Self> {
        Self::read(text)?.ok_or_else(|| Error::new("a file without a name"))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path that a symbolic link at this path leads to, resolved by its text alone. `None` is the top directory.
    pub(crate) fn target(&self, link: &str) -> Result<Option<Self>> {
        let out = || {
            Error::new(format!(
                "`{}` is a link to `{}`, which leads out of the image",
                self.0,
                link.escape_debug()
            ))
            .hint("nothing was put in place; do not use this archive")
        };
        if link.starts_with('/') {
            return Err(out());
        }
        let mut segments: Vec<&str> = self.0.split('/').collect();
        segments.pop();
        for segment in link.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
            if segment == ".." {
                segments.pop().ok_or_else(out)?;
            } else {
                segments.push(segment);
            }
        }
        Self::read(&segments.join("/"))
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        EntryPath::read(text)
            .ok()
            .map(|path| path.map_or(String::new(), |path| path.0))
    }

    #[test]
    fn paths_that_lead_out_or_cannot_be_served_are_refused() {
        for bad in [
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/..",
            "a\\..\\b",
            "a\nb",
            LOCK,
            "./image.lock.toml",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&"a/".repeat(16)), None);
        assert_eq!(read(&"a".repeat(256)), None);
        assert_eq!(read("./a//b/./c").as_deref(), Some("a/b/c"));
        assert_eq!(read("./").as_deref(), Some(""));
        assert_eq!(read(".treeinfo").as_deref(), Some(".treeinfo"));
    }

    #[test]
    fn links_are_followed_by_their_text_and_never_out() {
        let at = EntryPath::file("a/b/link").unwrap();
        let target = |link| {
            at.target(link)
                .ok()
                .map(|path| path.map_or(String::new(), |path| path.0))
        };
        assert_eq!(target("x").as_deref(), Some("a/b/x"));
        assert_eq!(target("../../x/./y").as_deref(), Some("x/y"));
        assert_eq!(target("../..").as_deref(), Some(""));
        assert_eq!(target("../../../x"), None);
        assert_eq!(target("/x"), None);
    }
}
