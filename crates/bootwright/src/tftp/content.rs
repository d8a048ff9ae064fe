//! The bytes of a file, held in memory or read piece by piece.
//!
//! Files are read and not mapped: a mapped file that someone truncates kills the process with SIGBUS. What the page cache
//! holds is read at once, in small pieces; the rest beside the runtime, a chunk ahead of what is being sent, so that a slow
//! disk delays its own transfer only.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::SystemTime;

use bootwright_net::cached;
use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

/// The first bytes read for a client that may never answer.
const FIRST_CHUNK_BYTES: usize = 16 << 10;
/// What is read at a time from the page cache; it should fit the processor's.
const CACHED_CHUNK_BYTES: usize = 32 << 10;
/// What is read at a time from a disk.
const CHUNK_BYTES: usize = 128 << 10;
/// The largest file that is converted to text mode, which happens in memory.
const TEXT_BYTES_MAX: u64 = 512 << 10;

/// The bytes that a name stands for.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory, shared by all transfers.
    Memory(Bytes),
    /// In an open file, of which a transfer sees the state at the opening or none. Made by [`Content::file`].
    File(OpenFile),
}

/// An open file and what it was like when it was opened.
#[derive(Clone, Debug)]
pub struct OpenFile {
    file: Arc<File>,
    size: u64,
    modified: Option<SystemTime>,
}

impl Content {
    /// Takes an open regular file. A file that is put in its place later does not matter; one that is changed in place
    /// ends the transfers that are reading it.
    ///
    /// # Errors
    /// The kernel's, or `InvalidInput` for what is not a regular file.
    pub fn file(file: File) -> io::Result<Self> {
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self::File(OpenFile {
            file: Arc::new(file),
            size: about.len(),
            modified: about.modified().ok(),
        }))
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.size,
        }
    }

    /// The content as text mode sends it (RFC 764): LF as CR LF, CR as CR NUL. Nothing if it is too large for that.
    pub(super) async fn into_text(self) -> io::Result<Option<Self>> {
        if self.size() > TEXT_BYTES_MAX {
            return Ok(None);
        }
        let bytes = match self {
            Self::Memory(bytes) => bytes,
            Self::File(file) => Bytes::from(read_aside(file.clone(), 0, file.size as usize, Vec::new()).await?),
        };
        let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        for byte in bytes {
            match byte {
                b'\n' => text.extend_from_slice(b"\r\n"),
                b'\r' => text.extend_from_slice(b"\r\0"),
                other => text.push(other),
            }
        }
        Ok(Some(Self::Memory(text.into())))
    }
}

impl OpenFile {
    /// Reads into a buffer that was used before, or an empty one.
    fn read(&self, at: u64, len: usize, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        bytes.resize(len, 0);
        self.file.read_exact_at(&mut bytes, at)?;
        self.check()?;
        Ok(bytes)
    }

    /// Reads into a buffer if nothing needs to be waited for, and says whether it did.
    fn read_cached(&self, at: u64, len: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        bytes.resize(len, 0);
        let read = cached::read(&self.file, bytes, at)?;
        if read {
            self.check()?;
        }
        Ok(read)
    }

    fn check(&self) -> io::Result<()> {
        let about = self.file.metadata()?;
        if about.len() != self.size || about.modified().ok() != self.modified {
            return Err(io::Error::other("the file was changed while it was sent"));
        }
        Ok(())
    }
}

/// Hands out the content from front to back, at times a little way back again.
#[derive(Debug)]
pub(super) struct Reader {
    content: Content,
    block: usize,
    chunk: Vec<u8>,
    chunk_at: u64,
    /// The chunk before, whose memory the next one gets: fresh memory would cost more than reading into it.
    spare: Vec<u8>,
    ahead: Option<(u64, JoinHandle<io::Result<Vec<u8>>>)>,
    /// Whether the last chunk was not in the page cache. The next one will hardly be either.
    from_disk: bool,
}

impl Reader {
    /// A reader for blocks of that many bytes.
    pub(super) fn new(content: Content, block: u16) -> Self {
        Self {
            content,
            block: usize::from(block.max(1)),
            chunk: Vec::new(),
            chunk_at: 0,
            spare: Vec::new(),
            ahead: None,
            from_disk: false,
        }
    }

    /// Bytes from `offset` on, at most `want`: as many blocks as there are together, at least one unless the file ends.
    ///
    /// # Errors
    /// When the file cannot be read, is shorter than it was or was changed.
    pub(super) async fn blocks(&mut self, offset: u64, want: usize) -> io::Result<&[u8]> {
        let Content::File(file) = &self.content else {
            return Ok(self.held(offset, want));
        };
        if want == 0 {
            return Ok(&[]);
        }
        let end = self.chunk_at + self.chunk.len() as u64;
        if !(self.chunk_at..end).contains(&offset) {
            let file = file.clone();
            self.load(&file, offset).await?;
        }
        let start = (offset - self.chunk_at) as usize;
        let stop = start.saturating_add(want).min(self.chunk.len());
        if self.from_disk && stop > self.chunk.len() / 2 && self.ahead.is_none() {
            self.look_ahead();
        }
        Ok(&self.chunk[start..stop])
    }

    /// Begins to read what follows the chunk.
    fn look_ahead(&mut self) {
        let Content::File(file) = &self.content else { return };
        let next = self.chunk_at + self.chunk.len() as u64;
        let len = self.chunk_len(CHUNK_BYTES, file.size - next);
        if len > 0 {
            let (file, spare) = (file.clone(), std::mem::take(&mut self.spare));
            self.ahead = Some((next, spawn_blocking(move || file.read(next, len, spare))));
        }
    }

    fn held(&self, offset: u64, want: usize) -> &[u8] {
        let Content::Memory(bytes) = &self.content else {
            return &[];
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        &bytes[start..start.saturating_add(want).min(bytes.len())]
    }

    async fn load(&mut self, file: &OpenFile, offset: u64) -> io::Result<()> {
        let ahead = self.ahead.take().filter(|(at, _)| *at == offset);
        let chunk = match ahead {
            Some((_, reading)) => reading.await.map_err(io::Error::other)??,
            None if self.load_cached(file, offset)? => return Ok(()),
            None => {
                self.from_disk = true;
                let bytes = if offset == 0 { FIRST_CHUNK_BYTES } else { CHUNK_BYTES };
                let len = self.chunk_len(bytes, file.size - offset);
                read_aside(file.clone(), offset, len, std::mem::take(&mut self.spare)).await?
            }
        };
        self.spare = std::mem::replace(&mut self.chunk, chunk);
        self.chunk_at = offset;
        Ok(())
    }

    fn load_cached(&mut self, file: &OpenFile, offset: u64) -> io::Result<bool> {
        let len = self.chunk_len(CACHED_CHUNK_BYTES, file.size - offset);
        // A chunk that cannot be had at once leaves nothing behind that would look like one.
        let at_hand = file
            .read_cached(offset, len, &mut self.chunk)
            .inspect_err(|_| self.chunk.clear())?;
        if at_hand {
            (self.chunk_at, self.from_disk) = (offset, false);
        } else {
            self.chunk.clear();
        }
        Ok(at_hand)
    }

    /// Whole blocks, or what is left of the file.
    fn chunk_len(&self, bytes: usize, left: u64) -> usize {
        let whole = (bytes / self.block).max(1) * self.block;
        usize::try_from(left).unwrap_or(usize::MAX).min(whole)
    }
}

async fn read_aside(file: OpenFile, at: u64, len: usize, spare: Vec<u8>) -> io::Result<Vec<u8>> {
    spawn_blocking(move || file.read(at, len, spare))
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
