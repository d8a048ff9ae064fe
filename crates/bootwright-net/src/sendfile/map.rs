//! Files registered by the address range that stands for them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use memmap2::Mmap;

use super::body::FileBody;
use crate::sys;

/// The mappings that are alive, by their first address. Global as addresses are: a range belongs to one mapping of the
/// process, so a body and a connection need not know each other.
static MAPPINGS: RwLock<BTreeMap<usize, Mapped>> = RwLock::new(BTreeMap::new());

#[derive(Clone)]
struct Mapped {
    len: usize,
    file: Arc<File>,
}

/// A file ready to be served, of the length it had when it was opened. Clones are cheap and share everything.
#[derive(Clone, Debug)]
pub struct FileMap {
    file: Arc<File>,
    len: u64,
    /// None if the file could not be mapped; its bodies then read it.
    bytes: Option<Bytes>,
}

impl FileMap {
    /// Takes a file that is open for reading, and its length as it is now.
    ///
    /// # Errors
    /// When the kernel does not tell the length.
    pub fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let file = Arc::new(file);
        let bytes = Registered::new(&file).ok().map(Bytes::from_owner);
        // The file may have grown or shrunk between the two looks. The shorter view is right about both.
        let len = bytes.as_ref().map_or(len, |bytes| len.min(bytes.len() as u64));
        Ok(Self { file, len, bytes })
    }

    /// As [`FileMap::new`], but the file is read and not mapped: for connections that are no [`super::SendfileIo`], such
    /// as encrypted ones. Reading blocks the thread that polls the body while the disk works.
    ///
    /// # Errors
    /// When the kernel does not tell the length.
    pub fn unmapped(file: File) -> io::Result<Self> {
        Ok(Self {
            len: file.metadata()?.len(),
            file: Arc::new(file),
            bytes: None,
        })
    }

    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A body of the bytes in `range`; what lies beyond the end is left out.
    ///
    /// Unless the map is an [unmapped](FileMap::unmapped) one, the connection that sends the body must be a
    /// [`super::SendfileIo`]: anything else would read the mapping, which costs copies and memory, and ends the process
    /// with SIGBUS if the file has been cut short.
    #[must_use]
    pub fn body(&self, range: Range<u64>) -> FileBody {
        let end = range.end.min(self.len);
        FileBody::new(self.clone(), range.start.min(end)..end)
    }

    /// The mapped bytes of a range within the file.
    pub(super) fn slice(&self, range: Range<u64>) -> Option<Bytes> {
        let bytes = self.bytes.as_ref()?;
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        Some(bytes.slice(start..end))
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// The file that `slice` is a part of, and where in it the slice begins.
///
/// A slice keeps its mapping alive, so whoever holds one finds the right entry however others come and go.
pub(super) fn find(slice: &[u8]) -> Option<(Arc<File>, u64)> {
    let address = slice.as_ptr().addr();
    let mappings = MAPPINGS.read().unwrap_or_else(PoisonError::into_inner);
    let (start, mapped) = mappings.range(..=address).next_back()?;
    let offset = address - start;
    (offset + slice.len() <= mapped.len).then(|| (Arc::clone(&mapped.file), offset as u64))
}

/// A mapping that is in [`MAPPINGS`] as long as it lives.
struct Registered(Mmap);

impl Registered {
    fn new(file: &Arc<File>) -> io::Result<Self> {
        let map = sys::map::map(file)?;
        let mapped = Mapped {
            len: map.len(),
            file: Arc::clone(file),
        };
        let mut mappings = MAPPINGS.write().unwrap_or_else(PoisonError::into_inner);
        let before = mappings.insert(map.as_ptr().addr(), mapped);
        assert!(before.is_none(), "two live mappings at one address");
        Ok(Self(map))
    }
}

impl AsRef<[u8]> for Registered {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // The entry goes before the mapping does: its addresses may be another's right after.
        MAPPINGS
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0.as_ptr().addr());
    }
}
