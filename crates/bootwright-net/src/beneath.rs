//! Files below a directory and nowhere else, however the name or the links in it try.
//!
//! The kernel itself refuses to leave the directory while it resolves a name (`openat2(2)`, RESOLVE_BENEATH): no check
//! of ours on the text of a name could be as good, since links may change between the check and the use.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2, readlinkat};
use nix::sys::stat::Mode;

/// How many directory entries a look-up that ignores case reads at most: such a directory is not made for it.
const ENTRIES_MAX: usize = 10_000;

/// What a name below the directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// Whether anybody may execute it.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: OsString,
    },
    /// A device, a pipe or a socket.
    Other,
}

/// A directory whose files may be handed out. It stays the same directory if its path is renamed or replaced.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    path: PathBuf,
}

impl Root {
    /// Opens the directory.
    ///
    /// # Errors
    /// When it is none, is not there or may not be read; and on kernels before 5.6, which lack the system call.
    pub fn open_dir(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = Self {
            directory: open(&path, flags, Mode::empty())?,
            path,
        };
        // Better to hear now than with the first request that this kernel, or a filter on it, cannot do it.
        root.resolve(Path::new("."), OFlag::O_PATH)?;
        Ok(root)
    }

    /// The path it was opened by, for people.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the regular file `name`, a relative path, for reading. Symbolic links are followed as long as they stay
    /// below the directory. Never waits, not even for a named pipe.
    ///
    /// # Errors
    /// `NotFound` for everything that is not there, is not a regular file or lies elsewhere, so that an answer built from
    /// it tells nobody which; `PermissionDenied` when the file is there and may not be read; else the kernel's.
    pub fn open(&self, name: impl AsRef<Path>) -> io::Result<File> {
        // Opening a device or a pipe may already do something to it. O_PATH opens nothing, and tells what it is.
        let found = File::from(self.resolve(name.as_ref(), OFlag::O_PATH)?);
        if !found.metadata()?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = File::from(self.resolve(name.as_ref(), flags)?);
        // Between the two it may have become something else.
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// The names in a directory below, sorted; `.` is the root. Files and directories alike.
    ///
    /// # Errors
    /// As [`Root::open`], of a directory.
    pub fn list(&self, directory: impl AsRef<Path>) -> io::Result<Vec<OsString>> {
        let mut names = self.entries(directory.as_ref(), usize::MAX)?;
        names.sort();
        Ok(names)
    }

    /// What `name` is; a symbolic link at its end is not followed.
    ///
    /// # Errors
    /// As [`Root::open`].
    pub fn kind(&self, name: impl AsRef<Path>) -> io::Result<Kind> {
        let found = self.resolve(name.as_ref(), OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        let about = File::from(found.try_clone()?).metadata()?;
        Ok(if about.is_file() {
            Kind::File {
                executable: about.mode() & 0o111 != 0,
            }
        } else if about.is_dir() {
            Kind::Directory
        } else if about.is_symlink() {
            Kind::Link {
                target: readlinkat(&found, "")?,
            }
        } else {
            Kind::Other
        })
    }

    /// The path whose components equal those of `name` but for the case of ASCII letters, as some firmware asks.
    ///
    /// A component that is there as written is taken; of the others, only one that exactly one entry matches.
    ///
    /// # Errors
    /// `NotFound` when there is none, or more than one that could be meant; else the kernel's.
    pub fn find_ignoring_case(&self, name: impl AsRef<Path>) -> io::Result<PathBuf> {
        let mut found = PathBuf::new();
        for component in name.as_ref() {
            let exact = found.join(component);
            if self.resolve(&exact, OFlag::O_PATH).is_ok() {
                found = exact;
                continue;
            }
            let directory = if found.as_os_str().is_empty() {
                Path::new(".")
            } else {
                &found
            };
            let mut alike = self.entries(directory, ENTRIES_MAX)?;
            alike.retain(|entry| entry.eq_ignore_ascii_case(component));
            match <[OsString; 1]>::try_from(alike) {
                Ok([only]) => found.push(only),
                Err(_) => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        Ok(found)
    }

    fn entries(&self, directory: &Path, limit: usize) -> io::Result<Vec<OsString>> {
        use std::os::unix::ffi::OsStrExt;
        let directory = Dir::from_fd(self.resolve(directory, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?)?;
        let mut names = Vec::new();
        for entry in directory {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() == limit {
                return Err(io::Error::other(format!("more than {limit} directory entries")));
            }
            names.push(OsStr::from_bytes(name).to_owned());
        }
        Ok(names)
    }

    fn resolve(&self, name: &Path, flags: OFlag) -> io::Result<OwnedFd> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        // EAGAIN: something was renamed in the middle of a resolution with `..`. Rare, and the next try is a new one.
        let mut tries = 0;
        loop {
            match openat2(&self.directory, name, how) {
                Err(Errno::EAGAIN) if tries < 8 => tries += 1,
                // Out of the directory (EXDEV), over a loop or a magic link (ELOOP), through a file (ENOTDIR), or a name
                // that cannot be one (a NUL in it, too long): nothing is there.
                Err(Errno::EXDEV | Errno::ELOOP | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::EINVAL) => {
                    return Err(io::ErrorKind::NotFound.into());
                }
                result => return Ok(result?),
            }
        }
    }
}
