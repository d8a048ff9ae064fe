//! The file name that a request means.

use std::fmt;

/// The longest name, after normalisation.
pub const NAME_BYTES_MAX: usize = 255;

/// A relative path of plain segments with `/` between them: never empty, no `.`, no `..`, no control byte, no `\`, at
/// most [`NAME_BYTES_MAX`] bytes. It is bytes, not text: firmware sends what it likes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// Nothing is left of it.
    Empty,
    /// Longer than [`NAME_BYTES_MAX`].
    TooLong {
        /// Its length.
        len: usize,
    },
    /// It climbs with `..`.
    Climbs,
    /// It holds a control byte; which.
    Control {
        /// The byte.
        byte: u8,
    },
}

impl Name {
    /// Reads a name as firmware sends it.
    ///
    /// - Bytes 0xff, spaces and line ends behind it are cut: EDK2 before 2019 copied DHCP option 67 without its end and
    ///   ran into the end mark (seen on Kontron, Lenovo and Gigabyte boards as `snponly.efi\xff`).
    /// - Backslashes become slashes; a `tftp://host/` in front and a drive letter are cut; leading slashes, `.` and empty
    ///   segments vanish.
    /// - Nothing is decoded: clients decode percent signs before they ask, so one that is left is part of the name.
    ///
    /// # Errors
    /// [`BadName`]; the answer to the client is error 2 in every case.
    pub fn normalise(raw: &[u8]) -> Result<Self, BadName> {
        let end = raw
            .iter()
            .rposition(|byte| !matches!(byte, 0xff | b' ' | b'\r' | b'\n'));
        let raw = end.and_then(|last| raw.get(..=last)).unwrap_or_default();
        if let Some(byte) = raw.iter().copied().find(u8::is_ascii_control) {
            return Err(BadName::Control { byte });
        }
        let slashed: Vec<u8> = raw
            .iter()
            .map(|byte| if *byte == b'\\' { b'/' } else { *byte })
            .collect();
        let path = without_drive(without_host(&slashed));
        let mut name = Vec::with_capacity(path.len());
        for segment in path.split(|byte| *byte == b'/') {
            match segment {
                b"" | b"." => continue,
                b".." => return Err(BadName::Climbs),
                _ => {}
            }
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(segment);
        }
        match name.len() {
            0 => Err(BadName::Empty),
            len if len > NAME_BYTES_MAX => Err(BadName::TooLong { len }),
            _ => Ok(Self(name.into_boxed_slice())),
        }
    }

    /// The bytes of the path.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as text, if it is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The segments of the path in order; at least one.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/')
    }
}

/// The path behind `tftp://host`, which some loaders leave in front of it.
fn without_host(path: &[u8]) -> &[u8] {
    const SCHEME: &[u8] = b"tftp://";
    match path.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => {
            let slash = rest.iter().position(|byte| *byte == b'/');
            slash.and_then(|at| rest.get(at..)).unwrap_or_default()
        }
        _ => path,
    }
}

/// The path behind a drive letter such as `C:`.
fn without_drive(path: &[u8]) -> &[u8] {
    match path {
        [letter, b':', rest @ ..] if letter.is_ascii_alphabetic() => rest,
        _ => path,
    }
}

impl fmt::Display for Name {
    /// The path with everything but printable ASCII escaped, fit for logs and terminals. A segment that could be the token
    /// of a run is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.segments().enumerate() {
            if place > 0 {
                f.write_str("/")?;
            }
            let is_token = segment.len() == 32 && segment.iter().all(u8::is_ascii_hexdigit);
            if is_token {
                f.write_str("\u{2026}")?;
            } else {
                fmt::Display::fmt(&segment.escape_ascii(), f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the name is empty"),
            Self::TooLong { len } => write!(f, "the name has {len} bytes, {NAME_BYTES_MAX} are allowed"),
            Self::Climbs => write!(f, "the name climbs with `..`"),
            Self::Control { byte } => write!(f, "the name holds the control byte 0x{byte:02x}"),
        }
    }
}

impl std::error::Error for BadName {}

#[cfg(test)]
mod tests;
