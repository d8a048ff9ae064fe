//! Reading what the page cache already holds, without ever waiting for the disk.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use crate::sys;

/// Fills `buffer` with the bytes of `file` at `offset`, if all of them are in memory. Says whether it did; where it did
/// not, the caller reads them where waiting does no harm, and finds out there what else may be wrong.
///
/// Needs a file system that knows RWF_NOWAIT (`preadv2(2)`); on others the answer is always no.
///
/// # Errors
/// The kernel's, other than for bytes that are not at hand.
pub fn read(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    match sys::cached::read(file.as_fd(), buffer, offset) {
        Ok(len) => Ok(len == buffer.len()),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL) => Ok(false),
            Some(_) | None => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_just_written_is_at_hand_and_what_lies_behind_the_end_is_not() {
        let path = std::env::temp_dir().join(format!("bootwright-cached-{}", std::process::id()));
        std::fs::write(&path, b"0123456789").expect("the temporary directory is writable");
        let file = File::open(&path).expect("it was written");
        let mut buffer = [0; 4];
        // Some file systems never answer at once; where one does, the bytes are right.
        if read(&file, &mut buffer, 3).expect("nothing is wrong with it") {
            assert_eq!(&buffer, b"3456");
        }
        assert!(
            !read(&file, &mut buffer, 8).expect("nothing is wrong with it"),
            "the file ends there"
        );
        let unreadable = File::options().write(true).open(&path).expect("it is ours");
        assert!(read(&unreadable, &mut buffer, 0).is_err());
        std::fs::remove_file(&path).expect("it was there");
    }
}
