//! Names of files as machines ask for them: relative, normalised, and never the path of anything.

use std::fmt;

use super::percent::{Malformed, decode};

/// The longest name of a file, in bytes after decoding.
const PATH_BYTES_MAX: usize = 1024;

/// The longest segment, which is what file systems allow.
const SEGMENT_BYTES_MAX: usize = 255;

/// The deepest name; directories of images are shallow.
const SEGMENTS_MAX: usize = 16;

/// The name of a file below some root: at least one segment, joined by single slashes.
///
/// No segment is empty, `.` or `..`, and none holds a control character or a backslash. It is a key to look up, not a
/// path to open.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

/// Why a target's path names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// It does not begin with a slash.
    NotAbsolute,
    /// A `%` without two hexadecimal digits behind it.
    BadEscape,
    /// Its bytes are no UTF-8.
    NotText,
    /// A control character, NUL included.
    Control,
    /// A backslash, which some systems take for a slash.
    Backslash,
    /// A segment `..`.
    Parent,
    /// A segment, or the whole, is too long or too deep.
    TooLong,
}

impl RelativePath {
    /// The name, such as `debian/13/linux`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the path of a URL, which begins with a slash.
    #[must_use]
    pub fn read(path: &str) -> Option<Self> {
        segments(path.as_bytes()).ok().and_then(|segments| Self::of(&segments))
    }

    /// Its segments, in order.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The name made of these segments, which [`segments`] gave.
    pub(crate) fn of(segments: &[String]) -> Option<Self> {
        (!segments.is_empty()).then(|| Self(segments.join("/")))
    }
}

/// The segments of a target's path, decoded once. Empty ones and `.` are left out.
///
/// Escapes are undone before the path is split, so that an escaped slash separates like any other, and none hides.
pub(crate) fn segments(path: &[u8]) -> Result<Vec<String>, PathFault> {
    if !path.starts_with(b"/") {
        return Err(PathFault::NotAbsolute);
    }
    let bytes = decode(path, &Malformed::Refused).ok_or(PathFault::BadEscape)?;
    if bytes.len() > PATH_BYTES_MAX {
        return Err(PathFault::TooLong);
    }
    let text = String::from_utf8(bytes).map_err(|_| PathFault::NotText)?;
    if text.chars().any(char::is_control) {
        return Err(PathFault::Control);
    }
    if text.contains('\\') {
        return Err(PathFault::Backslash);
    }
    let mut segments = Vec::new();
    for segment in text.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            return Err(PathFault::Parent);
        }
        if segment.len() > SEGMENT_BYTES_MAX || segments.len() == SEGMENTS_MAX {
            return Err(PathFault::TooLong);
        }
        segments.push(segment.to_owned());
    }
    Ok(segments)
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "the path does not begin with a slash",
            Self::BadEscape => "a `%` stands before something other than two hexadecimal digits",
            Self::NotText => "the path is no UTF-8",
            Self::Control => "the path holds a control character",
            Self::Backslash => "the path holds a backslash",
            Self::Parent => "the path holds a segment `..`",
            Self::TooLong => "the path is too long or too deep",
        })
    }
}
