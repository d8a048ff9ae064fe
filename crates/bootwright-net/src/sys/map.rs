//! A file's bytes as an address range, `mmap(2)`.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file for reading. The bytes must not be read: see the comment inside.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the mapping itself is valid as long as the value lives. What cannot be promised is that nobody changes
    // the file meanwhile: its bytes would change under a reader, and a read past a new, nearer end is a SIGBUS. The one
    // user, `sendfile::FileMap`, therefore treats the bytes as names of places in the file: `SendfileIo` recognises
    // them by address and has the kernel send the file's, and no page of the mapping is ever touched.
    unsafe { Mmap::map(file) }
}
