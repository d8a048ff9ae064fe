//! Names of images.

use std::fmt;
use std::str::FromStr;

/// The name of an image, which is its directory below `images/`: up to 64 of `a-z 0-9 . _ -`, beginning with a letter or a
/// digit, so that it can stand in any URL, path and configuration as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageName(String);

/// The longest name, in bytes.
const BYTES_MAX: usize = 64;

impl ImageName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no image's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoName;

impl fmt::Display for NoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no name of an image: up to 64 of `a-z`, `0-9`, `.`, `_` and `-`, beginning with a letter or a digit",
        )
    }
}

impl std::error::Error for NoName {}

impl FromStr for ImageName {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = text.len() <= BYTES_MAX
            && text.starts_with(plain)
            && text.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'));
        fits.then(|| Self(text.to_owned())).ok_or(NoName)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
