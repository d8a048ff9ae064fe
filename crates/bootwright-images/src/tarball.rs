//! Archives of tar, as they are or compressed with gzip, xz or Zstandard.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use ruzstd::decoding::StreamingDecoder;
use tar::EntryType;

use crate::error::{Error, Result};
use crate::path::EntryPath;
use crate::stage::Stage;

/// What a file is by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An archive of tar, perhaps compressed.
    Tar,
    /// A file system of a compact disc.
    Iso,
    /// Anything else.
    Other,
}

/// Looks at a file's content; its name says nothing.
pub(crate) fn kind(path: &Path) -> Result<Kind> {
    let unreadable = |error: io::Error| Error::io("cannot read", path, &error);
    if crate::iso::is_iso(path).map_err(unreadable)? {
        return Ok(Kind::Iso);
    }
    let mut head = Vec::new();
    // What is no tar inside may be anything, such as a compressed kernel.
    let found = match open(path) {
        Ok(reader) => reader.take(512).read_to_end(&mut head).is_ok(),
        Err(_) => false,
    };
    let is_tar = found && head.get(257..262) == Some(b"ustar".as_slice());
    Ok(if is_tar { Kind::Tar } else { Kind::Other })
}

/// Unpacks an archive. Files and directories are taken, links are followed inside the image, everything else is refused.
pub(crate) fn unpack(path: &Path, stage: &mut Stage) -> Result<()> {
    let failed = |error: io::Error| Error::new(format!("`{}` is damaged: {error}", path.display()));
    let mut archive = tar::Archive::new(open(path).map_err(|error| Error::io("cannot read", path, &error))?);
    for entry in archive.entries().map_err(&failed)? {
        let mut entry = entry.map_err(&failed)?;
        let text = |bytes: &[u8]| {
            std::str::from_utf8(bytes)
                .map(str::to_owned)
                .map_err(|_| Error::new("the archive holds a file whose name is no text"))
        };
        let name = text(&entry.path_bytes())?;
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            continue;
        }
        let Some(place) = EntryPath::read(&name)? else {
            // The archive's top directory.
            continue;
        };
        let target = match entry.link_name_bytes() {
            Some(bytes) => text(&bytes)?,
            None => String::new(),
        };
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => stage.add(&place, &mut entry)?,
            EntryType::Directory => {}
            EntryType::Symlink => stage.link(&place, target)?,
            EntryType::Link => stage.alias(&place, &EntryPath::file(&target)?)?,
            other => {
                return Err(Error::new(format!(
                    "`{place}` is no file but a {}",
                    match other {
                        EntryType::Block | EntryType::Char => "device",
                        EntryType::Fifo => "pipe",
                        _ => "thing of a kind that is not known",
                    }
                ))
                .hint("nothing was put in place; do not use this archive"));
            }
        }
    }
    // The checksum of the compression stands behind the archive's end.
    let mut rest = archive.into_inner().take(stage.limits().bytes_max);
    io::copy(&mut rest, &mut io::sink()).map_err(failed)?;
    Ok(())
}

/// The bytes of a file without its compression.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::with_capacity(256 << 10, File::open(path)?);
    let head = file.fill_buf()?;
    Ok(if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(file))
    } else if head.starts_with(b"\xfd7zXZ\0") {
        // The file's own dictionary may want memory, up to 512 MiB; more is no archive of a vendor.
        let stream = liblzma::stream::Stream::new_stream_decoder(512 << 20, liblzma::stream::CONCATENATED)?;
        Box::new(liblzma::bufread::XzDecoder::new_stream(file, stream))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(Zstandard {
            source: Some(file),
            frame: None,
        })
    } else {
        Box::new(file)
    })
}

/// All frames of a Zstandard file, one after the other.
struct Zstandard<R: BufRead> {
    source: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: BufRead> Read for Zstandard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                self.source = self.frame.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut source) = self.source.take() else {
                return Ok(0);
            };
            if source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let frame = StreamingDecoder::new(source).map_err(|error| io::Error::other(error.to_string()))?;
            self.frame = Some(frame);
        }
    }
}
