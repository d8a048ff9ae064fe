//! One record of a directory (ECMA-119 9.1), and what Rock Ridge (SUSP and RRIP 1.12) says in it.

use super::SECTOR;

/// Where the bytes of something lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first sector.
    pub(super) sector: u32,
    /// How many bytes.
    pub(super) bytes: u64,
}

impl Extent {
    pub(super) fn at(&self) -> u64 {
        u64::from(self.sector) * SECTOR
    }
}

/// By which names files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of ISO 9660 itself: capital letters.
    Short,
    /// Joliet's: UCS-2.
    Joliet,
    /// Rock Ridge's; `skip` bytes of each record's end belong to somebody else.
    RockRidge { skip: u8 },
}

/// What a record stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    File,
    Directory,
    Link(String),
    Other,
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// How many bytes it takes.
    pub(super) length: usize,
    pub(super) extent: Extent,
    flags: u8,
    /// Whether the next record has more of the same file.
    pub(super) goes_on: bool,
    identifier: Vec<u8>,
    names: Names,
    /// What stands behind the name: Rock Ridge's entries.
    area: Vec<u8>,
    used: usize,
}

impl Record {
    /// The record at the beginning of these bytes; nothing where there is none.
    pub(super) fn parse(bytes: &[u8], names: Names) -> Option<Self> {
        let length = usize::from(*bytes.first()?);
        let record = bytes.get(..length).filter(|record| record.len() >= 34)?;
        let named = usize::from(record[32]);
        let identifier = record.get(33..33 + named)?.to_vec();
        // A byte fills up to an even number.
        let area = record
            .get(33 + named + usize::from(named % 2 == 0)..)
            .unwrap_or_default();
        let skip = match names {
            Names::RockRidge { skip } => usize::from(skip),
            Names::Short | Names::Joliet => 0,
        };
        Some(Self {
            length,
            extent: Self::extent(record)?,
            flags: record[25],
            goes_on: record[25] & 0x80 != 0,
            identifier,
            names,
            area: area.get(skip..).unwrap_or_default().to_vec(),
            used: 0,
        })
    }

    /// Where the thing of a record lies. Both numbers stand there twice, in either order of bytes; where the two differ, it
    /// is no record.
    pub(super) fn extent(record: &[u8]) -> Option<Extent> {
        let both = |at: usize| {
            let number = u32_at(record, at)?;
            (u32_at(record, at + 4)?.swap_bytes() == number).then_some(number)
        };
        Some(Extent {
            sector: both(2)?,
            bytes: u64::from(both(10)?),
        })
    }

    pub(super) fn is_itself_or_parent(&self) -> bool {
        matches!(self.identifier.as_slice(), [0] | [1])
    }

    /// Of the first record of the top directory: how many bytes to skip in all others, if Rock Ridge is in use.
    pub(super) fn susp_skip(&self) -> Option<u8> {
        let [b'S', b'P', 7, 1, 0xbe, 0xef, skip] = self.area.get(..7)? else {
            return None;
        };
        Some(*skip)
    }

    /// Rock Ridge's entries with this mark.
    fn entries(&self, mark: [u8; 2]) -> impl Iterator<Item = &[u8]> {
        let mut rest = match self.names {
            Names::RockRidge { .. } => self.area.as_slice(),
            Names::Short | Names::Joliet => &[],
        };
        std::iter::from_fn(move || {
            let length = usize::from(*rest.get(2)?);
            let entry = rest.get(..length).filter(|entry| entry.len() >= 4)?;
            rest = &rest[length..];
            Some(entry)
        })
        .filter(move |entry| entry[..2] == mark)
    }

    /// Where its entries go on: sector, offset, length. Each place is given once.
    pub(super) fn continuation(&mut self, names: Names) -> Option<(u32, u32, u32)> {
        if !matches!(names, Names::RockRidge { .. }) {
            return None;
        }
        let found: Vec<(u32, u32, u32)> = self
            .entries(*b"CE")
            .filter_map(|entry| Some((u32_at(entry, 4)?, u32_at(entry, 12)?, u32_at(entry, 20)?)))
            .collect();
        let place = found.get(self.used).copied()?;
        self.used += 1;
        Some(place)
    }

    pub(super) fn add_area(&mut self, more: &[u8]) {
        // What fills the last area's end would hide the next one.
        let mut end = 0;
        while let Some(&length) = self.area.get(end + 2).filter(|length| **length >= 4) {
            end += usize::from(length);
        }
        self.area.truncate(end);
        self.area.extend_from_slice(more);
    }

    /// Whether it is a directory's old place, which shows again where it was moved from (RRIP 4.1.5.3).
    pub(super) fn is_moved(&self) -> bool {
        self.entries(*b"RE").next().is_some()
    }

    /// Where a directory lies that was moved because it was too deep. Its length stands there.
    pub(super) fn relocated(&self) -> Option<Extent> {
        let entry = self.entries(*b"CL").next()?;
        Some(Extent {
            sector: u32_at(entry, 4)?,
            bytes: 0,
        })
    }

    pub(super) fn content(&self) -> Content {
        if self.relocated().is_some() {
            return Content::Directory;
        }
        let mode = self.entries(*b"PX").next().and_then(|entry| u32_at(entry, 4));
        match mode.map(|mode| mode & 0o170_000) {
            Some(0o120_000) => Content::Link(self.target()),
            Some(0o040_000) => Content::Directory,
            Some(0o100_000) => Content::File,
            Some(_) => Content::Other,
            None if self.flags & 2 != 0 => Content::Directory,
            None => Content::File,
        }
    }

    /// Its name, if it is text.
    pub(super) fn name(&self) -> Option<String> {
        let long: Vec<u8> = self
            .entries(*b"NM")
            .flat_map(|entry| entry.get(5..).unwrap_or_default().to_vec())
            .collect();
        if !long.is_empty() {
            return String::from_utf8(long).ok();
        }
        let name = match self.names {
            Names::Joliet => {
                let units: Vec<u16> = self
                    .identifier
                    .chunks_exact(2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                    .collect();
                String::from_utf16(&units).ok()?
            }
            Names::Short | Names::RockRidge { .. } => String::from_utf8(self.identifier.clone()).ok()?,
        };
        // The version, and the point of a name without an extension.
        let name = name.split(';').next().unwrap_or_default();
        let name = name.strip_suffix('.').unwrap_or(name);
        let name = match self.names {
            Names::Joliet => name.to_owned(),
            Names::Short | Names::RockRidge { .. } => name.to_ascii_lowercase(),
        };
        (!name.is_empty() && !name.contains('/')).then_some(name)
    }

    /// Where a symbolic link leads to (RRIP 4.1.3): components, each with flags.
    fn target(&self) -> String {
        let mut path = String::new();
        let mut joined = true;
        for entry in self.entries(*b"SL") {
            let mut rest = entry.get(5..).unwrap_or_default();
            while let [flags, length, tail @ ..] = rest {
                let (flags, length) = (*flags, usize::from(*length));
                if !joined {
                    path.push('/');
                }
                match flags & 0x0e {
                    2 => path.push('.'),
                    4 => path.push_str(".."),
                    // The root: an absolute path, which nobody follows.
                    8 => path.push('/'),
                    _ => path.push_str(&String::from_utf8_lossy(tail.get(..length).unwrap_or_default())),
                }
                joined = flags & 1 != 0;
                rest = tail.get(length..).unwrap_or_default();
            }
        }
        path
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}
