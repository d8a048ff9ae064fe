//! The bytes of a file, held in memory or read piece by piece.
//!
//! Files are read and not mapped: a mapped file that someone truncates kills the process with SIGBUS. What the page cache
//! holds is read at once, in small pieces; the rest on another thread, a chunk ahead of what is being sent, so that a slow
//! disk delays its own transfer only.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::SystemTime;

use bootwright_net::cached;
use bytes::Bytes;
use tokio::task::spawn_blocking;

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

    /// All of it at once. It waits for the disk.
    ///
    /// # Errors
    /// When the file cannot be read or was changed.
    pub fn whole(&self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(file) => {
                let mut bytes = vec![0; usize::try_from(file.size).map_err(io::Error::other)?];
                file.file.read_exact_at(&mut bytes, 0)?;
                file.check()?;
                Ok(bytes.into())
            }
        }
    }

    /// The content as text mode sends it (RFC 764): LF as CR LF, CR as CR NUL. Nothing if it is too large for that.
    pub(super) async fn into_text(self) -> io::Result<Option<Self>> {
        if self.size() > TEXT_BYTES_MAX {
            return Ok(None);
        }
        let bytes = match self {
            Self::Memory(bytes) => bytes,
            Self::File(file) => {
                let len = file.size as usize;
                let reading = spawn_blocking(move || file.read(0, len, Vec::new()));
                Bytes::from(reading.await.map_err(io::Error::other)??)
            }
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
    /// What was read ahead, and where it begins.
    ahead: Option<(u64, Vec<u8>)>,
    /// A chunk of before, whose memory the next one gets: fresh memory would cost more than reading into it.
    spare: Vec<u8>,
    /// Whether something is being read beside.
    is_reading: bool,
    /// Whether the last chunk was not in the page cache. The next one will hardly be either.
    from_disk: bool,
}

/// Whether bytes can be had.
#[derive(Debug)]
pub(super) enum Stock {
    /// They are here.
    Here,
    /// They have to be read first, which may take a while.
    Wanted(Job),
    /// Something is being read already; ask again behind that.
    Awaited,
}

/// A part of a file to be read where waiting does no harm.
#[derive(Debug)]
pub(super) struct Job {
    file: OpenFile,
    at: u64,
    len: usize,
    spare: Vec<u8>,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub(super) struct Done {
    at: u64,
    read: io::Result<Vec<u8>>,
}

impl Job {
    pub(super) fn run(self) -> Done {
        Done {
            at: self.at,
            read: self.file.read(self.at, self.len, self.spare),
        }
    }
}

impl Done {
    /// What came of a job that nobody did.
    pub(super) fn never() -> Self {
        let read = Err(io::Error::other("nobody reads files any more"));
        Self { at: 0, read }
    }
}

impl Reader {
    /// A reader for blocks of that many bytes.
    pub(super) fn new(content: Content, block: u16) -> Self {
        Self {
            content,
            block: usize::from(block.max(1)),
            chunk: Vec::new(),
            chunk_at: 0,
            ahead: None,
            spare: Vec::new(),
            is_reading: false,
            from_disk: false,
        }
    }

    /// Whether the block at `offset`, which is not behind the end, can be had. What is wanted, the caller has to do, and to
    /// give back by [`Reader::take`].
    ///
    /// # Errors
    /// When the file cannot be read, is shorter than it was or was changed.
    pub(super) fn stock(&mut self, offset: u64) -> io::Result<Stock> {
        let Content::File(file) = &self.content else {
            return Ok(Stock::Here);
        };
        let end = self.chunk_at + self.chunk.len() as u64;
        if (self.chunk_at..end).contains(&offset) || offset >= file.size {
            return Ok(Stock::Here);
        }
        if self.is_reading {
            return Ok(Stock::Awaited);
        }
        if let Some((at, read)) = self.ahead.take() {
            if at == offset {
                self.spare = std::mem::replace(&mut self.chunk, read);
                self.chunk_at = at;
                return Ok(Stock::Here);
            }
            self.spare = read;
        }
        if self.load_cached(offset)? {
            return Ok(Stock::Here);
        }
        self.from_disk = true;
        let bytes = if offset == 0 { FIRST_CHUNK_BYTES } else { CHUNK_BYTES };
        Ok(self.job(offset, bytes).map_or(Stock::Here, Stock::Wanted))
    }

    /// Bytes from `offset` on, at most `want`, of what is in stock: as many blocks as there are together.
    pub(super) fn bytes(&self, offset: u64, want: usize) -> &[u8] {
        let (held, at) = match &self.content {
            Content::Memory(bytes) => (&bytes[..], 0),
            Content::File(_) => (&self.chunk[..], self.chunk_at),
        };
        let start = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
        let start = start.min(held.len());
        &held[start..start.saturating_add(want).min(held.len())]
    }

    /// What is worth reading now that everything before `offset` was used: what follows the chunk, if that comes from a
    /// disk and is half used.
    pub(super) fn look_ahead(&mut self, offset: u64) -> Option<Job> {
        let half = self.chunk_at + self.chunk.len() as u64 / 2;
        if !self.from_disk || self.is_reading || self.ahead.is_some() || offset <= half {
            return None;
        }
        self.job(self.chunk_at + self.chunk.len() as u64, CHUNK_BYTES)
    }

    /// Takes what came of a job.
    ///
    /// # Errors
    /// As [`Reader::stock`].
    pub(super) fn take(&mut self, done: Done) -> io::Result<()> {
        self.is_reading = false;
        self.ahead = Some((done.at, done.read?));
        Ok(())
    }

    fn job(&mut self, at: u64, bytes: usize) -> Option<Job> {
        let Content::File(file) = &self.content else {
            return None;
        };
        let len = self.chunk_len(bytes, file.size.saturating_sub(at));
        (len > 0).then(|| {
            self.is_reading = true;
            Job {
                file: file.clone(),
                at,
                len,
                spare: std::mem::take(&mut self.spare),
            }
        })
    }

    fn load_cached(&mut self, offset: u64) -> io::Result<bool> {
        let Content::File(file) = &self.content else {
            return Ok(true);
        };
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

#[cfg(test)]
mod tests;
