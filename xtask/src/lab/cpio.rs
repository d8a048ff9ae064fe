//! The `newc` archive that the Linux kernel unpacks as its first root file system.
//!
//! Format: `Documentation/driver-api/early-userspace/buffer-format.rst` of the kernel.

/// An archive under construction. Parents must be added before what lies in them.
pub(crate) struct Archive {
    bytes: Vec<u8>,
    inode: u32,
}

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;

impl Archive {
    pub(crate) fn new() -> Self {
        Archive {
            bytes: Vec::new(),
            inode: 0,
        }
    }

    pub(crate) fn directory(&mut self, path: &str) {
        self.entry(path, DIRECTORY | 0o755, (0, 0), &[]);
    }

    pub(crate) fn file(&mut self, path: &str, permissions: u32, content: &[u8]) {
        self.entry(path, REGULAR | permissions, (0, 0), content);
    }

    pub(crate) fn symlink(&mut self, path: &str, target: &str) {
        self.entry(path, SYMLINK | 0o777, (0, 0), target.as_bytes());
    }

    /// A character device. The kernel opens `/dev/console` for the first process before anything is mounted.
    pub(crate) fn character_device(&mut self, path: &str, major: u32, minor: u32) {
        self.entry(path, CHARACTER | 0o600, (major, minor), &[]);
    }

    /// The archive with its trailer.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.inode += 1;
        let links = if mode & DIRECTORY == DIRECTORY { 2 } else { 1 };
        let fields = [
            self.inode,
            mode,
            0, // uid
            0, // gid
            links,
            0, // modification time: none, so that equal content gives an equal archive
            content.len() as u32,
            0, // device of the archive itself, major and minor
            0,
            device.0,
            device.1,
            path.len() as u32 + 1,
            0, // checksum, unused in this variant
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// Busybox's reader is the independent judge where it is installed, and says so where it is not.
    #[test]
    fn another_reader_lists_what_was_put_in() {
        let mut archive = Archive::new();
        archive.directory("dev");
        archive.character_device("dev/console", 5, 1);
        archive.file("init", 0o755, b"#!/bin/sh\n");
        archive.symlink("bin", "dev");
        let bytes = archive.finish();
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(bytes.len() % 4, 0);

        let Ok(mut reader) = Command::new("busybox")
            .args(["cpio", "-t"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
        else {
            eprintln!("busybox is not installed: only the header was checked");
            return;
        };
        reader
            .stdin
            .take()
            .expect("a pipe")
            .write_all(&bytes)
            .expect("the reader takes it");
        let listing = reader.wait_with_output().expect("the reader ends");
        assert_eq!(
            String::from_utf8_lossy(&listing.stdout),
            "dev\ndev/console\ninit\nbin\n"
        );
    }
}
