//! File systems of compact discs, read without mounting them: ISO 9660 (ECMA-119) with Rock Ridge's names and links, else
//! Joliet's names, else the short ones.
//!
//! Every number in the file is held against the file's length and against bounds of our own, since anybody may have made it.

mod record;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};
use crate::path::EntryPath;
use crate::stage::Stage;
use record::{Content, Extent, Names, Record};

/// The length of a sector, in bytes. Everything is counted in them.
pub(crate) const SECTOR: u64 = 2048;

/// Where the volume's descriptors begin, in sectors.
const DESCRIPTORS: u64 = 16;

/// The most descriptors that are looked at.
const DESCRIPTORS_MAX: u64 = 64;

/// The largest directory, in bytes.
const DIRECTORY_BYTES_MAX: u64 = 16 << 20;

/// How deep directories may lie.
const DEPTH_MAX: usize = 32;

/// Whether a file begins like a disc.
pub(crate) fn is_iso(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut head = [0; 6];
    file.seek(SeekFrom::Start(DESCRIPTORS * SECTOR))?;
    match file.read_exact(&mut head) {
        Ok(()) => Ok(&head[1..] == b"CD001"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Unpacks a disc.
pub(crate) fn unpack(path: &Path, stage: &mut Stage) -> Result<()> {
    let mut disc = Disc::open(path)?;
    let (root, names) = disc.root()?;
    let mut seen = BTreeSet::new();
    disc.directory(&root, "", names, 0, &mut seen, stage)
}

struct Disc {
    file: File,
    bytes: u64,
    /// What its errors begin with.
    name: String,
}

impl Disc {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("cannot read", path, &error))?;
        let about = file
            .metadata()
            .map_err(|error| Error::io("cannot read", path, &error))?;
        Ok(Self {
            file,
            bytes: about.len(),
            name: path.display().to_string(),
        })
    }

    fn damaged(&self, why: &str) -> Error {
        Error::new(format!("`{}` is damaged: {why}", self.name)).hint("compare its hash with the vendor's")
    }

    fn bytes_at(&mut self, at: u64, length: u64) -> Result<Vec<u8>> {
        if at.checked_add(length).is_none_or(|end| end > self.bytes) {
            return Err(self.damaged("it ends before its end"));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let done = self
            .file
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.file.read_exact(&mut bytes));
        done.map_err(|error| self.damaged(&error.to_string()))?;
        Ok(bytes)
    }

    /// The top directory, and by which names its files go.
    fn root(&mut self) -> Result<(Extent, Names)> {
        let (mut plain, mut joliet) = (None, None);
        for sector in DESCRIPTORS..DESCRIPTORS + DESCRIPTORS_MAX {
            let descriptor = self.bytes_at(sector * SECTOR, SECTOR)?;
            if &descriptor[1..6] != b"CD001" {
                return Err(self.damaged("it has a strange descriptor"));
            }
            let root = Record::extent(&descriptor[156..190]);
            match descriptor[0] {
                1 if plain.is_none() => plain = root,
                // UCS-2 of any level (Joliet, "escape sequences").
                2 if matches!(&descriptor[88..91], b"%/@" | b"%/C" | b"%/E") => joliet = root,
                255 => break,
                _ => {}
            }
        }
        let plain = plain.ok_or_else(|| self.damaged("it has no primary volume"))?;
        // Rock Ridge says so in the first record of the top directory (SUSP 5.3).
        let first = self.bytes_at(plain.at(), SECTOR.min(plain.bytes))?;
        let skip = Record::parse(&first, Names::Short).and_then(|record| record.susp_skip());
        match (skip, joliet) {
            (Some(skip), _) => Ok((plain, Names::RockRidge { skip })),
            (None, Some(joliet)) => Ok((joliet, Names::Joliet)),
            (None, None) => Ok((plain, Names::Short)),
        }
    }

    fn directory(
        &mut self,
        extent: &Extent,
        prefix: &str,
        names: Names,
        depth: usize,
        seen: &mut BTreeSet<u32>,
        stage: &mut Stage,
    ) -> Result<()> {
        if depth > DEPTH_MAX || extent.bytes > DIRECTORY_BYTES_MAX {
            return Err(self.damaged("a directory is too deep or too large"));
        }
        if !seen.insert(extent.sector) {
            return Err(self.damaged("a directory lies inside itself"));
        }
        let bytes = self.bytes_at(extent.at(), extent.bytes)?;
        let mut parts: Vec<Extent> = Vec::new();
        for sector in bytes.chunks(usize::try_from(SECTOR).unwrap_or(2048)) {
            let mut rest = sector;
            // Records do not cross sectors; a zero fills what is left of one.
            while rest.first().is_some_and(|length| *length > 0) {
                let record =
                    Record::parse(rest, names).ok_or_else(|| self.damaged("a record of a directory is none"))?;
                rest = &rest[record.length..];
                if record.is_itself_or_parent() {
                    continue;
                }
                let record = self.continued(record, names)?;
                if record.is_moved() {
                    continue;
                }
                let name = record.name().ok_or_else(|| self.damaged("a name is no text"))?;
                let path = if prefix.is_empty() {
                    name
                } else {
                    format!("{prefix}/{name}")
                };
                match record.content() {
                    Content::Directory => {
                        let place = record.relocated().unwrap_or(record.extent);
                        let place = self.true_length(place)?;
                        self.directory(&place, &path, names, depth + 1, seen, stage)?;
                    }
                    Content::Link(target) => stage.link(&EntryPath::file(&path)?, target)?,
                    Content::File => {
                        parts.push(record.extent);
                        // A file of 4 GiB and more has several extents, each but the last one marked.
                        if !record.goes_on {
                            let mut reader = self.reader(std::mem::take(&mut parts))?;
                            stage.add(&EntryPath::file(&path)?, &mut reader)?;
                        }
                    }
                    Content::Other => {
                        return Err(Error::new(format!("`{path}` is no file but a device or a pipe"))
                            .hint("nothing was put in place; do not use this disc"));
                    }
                }
            }
        }
        Ok(())
    }

    /// A moved directory's record knows where it lies, and only its own first record how long it is.
    fn true_length(&mut self, place: Extent) -> Result<Extent> {
        if place.bytes > 0 {
            return Ok(place);
        }
        let first = self.bytes_at(place.at(), SECTOR)?;
        Record::extent(&first).ok_or_else(|| self.damaged("a directory has no records"))
    }

    /// Adds what stands elsewhere of a record's Rock Ridge part (SUSP 5.1).
    fn continued(&mut self, mut record: Record, names: Names) -> Result<Record> {
        const AREAS_MAX: usize = 8;
        for _ in 0..AREAS_MAX {
            let Some((sector, offset, length)) = record.continuation(names) else {
                return Ok(record);
            };
            let at = u64::from(sector) * SECTOR + u64::from(offset);
            let more = self.bytes_at(at, u64::from(length).min(SECTOR * 4))?;
            record.add_area(&more);
        }
        Err(self.damaged("a name goes on for ever"))
    }

    fn reader(&self, parts: Vec<Extent>) -> Result<Parts> {
        for part in &parts {
            if part.at().checked_add(part.bytes).is_none_or(|end| end > self.bytes) {
                return Err(self.damaged("it ends before its end"));
            }
        }
        let file = self
            .file
            .try_clone()
            .map_err(|error| self.damaged(&error.to_string()))?;
        Ok(Parts {
            file,
            parts: parts.into_iter().filter(|part| part.bytes > 0).rev().collect(),
            done: 0,
        })
    }
}

/// The bytes of a file: those of its extents.
struct Parts {
    file: File,
    /// What is left, the next one last.
    parts: Vec<Extent>,
    /// How much of it was read.
    done: u64,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(part) = self.parts.last() else { return Ok(0) };
        let wanted = usize::try_from(part.bytes - self.done)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        self.file.seek(SeekFrom::Start(part.at() + self.done))?;
        let count = self.file.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.done += count as u64;
        if self.done == part.bytes {
            self.parts.pop();
            self.done = 0;
        }
        Ok(count)
    }
}
