//! The directory `images/`: what is there, and how it is put there and taken away.
//!
//! Beside the images it holds directories that begin with a point and are not served: `.store` with every file once, by its
//! hash, which the images share by hard links; `.staging` with images that are being put together; `.partial` with
//! downloads that are not complete.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::digest::hash_file;
use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::name::ImageName;
use crate::stage::{Limits, Stage};

/// The directory of all images.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
}

/// An image as `list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The directory's name.
    pub name: String,
    /// What it consists of; nothing where it was put there by hand.
    pub lock: Option<Lock>,
    /// Why its list cannot be read.
    pub trouble: Option<String>,
}

impl Shelf {
    /// The directory of images in a data directory, which is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let shelf = Self { root: root.into() };
        for directory in [shelf.root.clone(), shelf.store(), shelf.staging(), shelf.partial()] {
            fs::create_dir_all(&directory).map_err(|error| Error::io("cannot make", &directory, &error))?;
        }
        Ok(shelf)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of an image.
    #[must_use]
    pub fn directory(&self, name: &ImageName) -> PathBuf {
        self.root.join(name.as_str())
    }

    fn store(&self) -> PathBuf {
        self.root.join(".store")
    }

    fn staging(&self) -> PathBuf {
        self.root.join(".staging")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.root.join(".partial")
    }

    /// All images in the order of their names.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(root: &Path) -> Result<Vec<Listed>> {
        let unreadable = |error: &io::Error| Error::io("cannot read", root, error);
        let entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(&error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || !entry.path().is_dir() {
                continue;
            }
            let (lock, trouble) = match Lock::of_directory(&entry.path()) {
                Ok(lock) => (lock, None),
                Err(error) => (None, Some(error.to_string())),
            };
            found.push(Listed { name, lock, trouble });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// A place where an image can be put together.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn stage(&self, limits: Limits) -> Result<Stage> {
        self.sweep()?;
        Stage::new(self.clone(), &self.staging(), limits)
    }

    /// Holds off those who take files of the store away, while it lives.
    pub(crate) fn sharing(&self) -> Result<File> {
        let (file, path) = self.latch()?;
        file.lock_shared()
            .map_err(|error| Error::io("cannot lock", &path, &error))?;
        Ok(file)
    }

    /// Holds off everybody else who changes the shelf.
    pub(crate) fn alone(&self) -> Result<File> {
        let (file, path) = self.latch()?;
        file.lock().map_err(|error| Error::io("cannot lock", &path, &error))?;
        Ok(file)
    }

    fn latch(&self) -> Result<(File, PathBuf)> {
        let path = self.store().join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| Error::io("cannot open", &path, &error))?;
        Ok((file, path))
    }

    /// Makes a file of a stage one with the store's of the same content, or puts it there first.
    pub(crate) fn share(&self, file: &Path, sha256: &str) -> Result<()> {
        let _latch = self.sharing()?;
        let directory = self.store().join(&sha256[..2]);
        let shared = directory.join(&sha256[2..]);
        let failed = |error: &io::Error| Error::io("cannot store", &shared, error);
        fs::create_dir_all(&directory).map_err(|error| failed(&error))?;
        // What lies there may have been damaged since; then the new one takes its place.
        let is_good = shared.is_file() && hash_file(&shared).is_ok_and(|(found, _)| found == sha256);
        if is_good {
            let twin = with_suffix(file, ".twin");
            match fs::hard_link(&shared, &twin) {
                Ok(()) => return fs::rename(&twin, file).map_err(|error| failed(&error)),
                // Too many names, or a file system without links: the image keeps its own copy.
                Err(_) => return Ok(()),
            }
        }
        let new = with_suffix(&shared, &format!(".{}", std::process::id()));
        let _ = fs::remove_file(&new);
        match fs::hard_link(file, &new) {
            Ok(()) => fs::rename(&new, &shared).map_err(|error| failed(&error)),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(failed(&error)),
            Err(_) => Ok(()),
        }
    }

    /// Puts a directory in an image's place at once: whoever looks finds the old image or the new one. The old one, if
    /// there was one, lies where the new one was.
    pub(crate) fn put(&self, directory: &Path, name: &ImageName) -> Result<()> {
        let place = self.directory(name);
        let _latch = self.alone()?;
        let failed = |error: nix::errno::Errno| Error::io("cannot put in place", &place, &error.into());
        if place.symlink_metadata().is_ok() {
            self.demand_ours(name)?;
            renameat2(AT_FDCWD, directory, AT_FDCWD, &place, RenameFlags::RENAME_EXCHANGE).map_err(failed)?;
        } else {
            renameat2(AT_FDCWD, directory, AT_FDCWD, &place, RenameFlags::RENAME_NOREPLACE).map_err(failed)?;
        }
        sync(&self.root)
    }

    /// A directory that somebody made by hand is not ours to replace or remove.
    fn demand_ours(&self, name: &ImageName) -> Result<()> {
        let place = self.directory(name);
        if place.is_dir() && (Lock::of_directory(&place)?.is_some()) {
            return Ok(());
        }
        Err(Error::new(format!("`{}` was put there by hand", place.display()))
            .hint("move it away, or choose another name"))
    }

    /// Refuses early what [`Shelf::put`] would refuse late.
    pub(crate) fn demand_free(&self, name: &ImageName) -> Result<()> {
        if self.directory(name).symlink_metadata().is_ok() {
            self.demand_ours(name)
        } else {
            Ok(())
        }
    }

    /// Takes an image away.
    ///
    /// # Errors
    /// When there is none of this name, or it was put there by hand.
    pub fn remove(&self, name: &ImageName) -> Result<()> {
        let place = self.directory(name);
        if place.symlink_metadata().is_err() {
            return Err(Error::new(format!("there is no image `{name}`")).hint("`bootwright image list` shows all"));
        }
        {
            let _latch = self.alone()?;
            self.demand_ours(name)?;
            // Gone at once for everybody; what is left after a crash in the middle is swept by the next command.
            let away = self.staging().join(format!("{name}.{}.removed", std::process::id()));
            fs::rename(&place, &away).map_err(|error| Error::io("cannot remove", &place, &error))?;
            sync(&self.root)?;
        }
        self.sweep()
    }

    /// Takes away what nobody needs: stages whose makers have ended, and files of the store that no image has.
    ///
    /// # Errors
    /// When the directories cannot be read.
    pub fn sweep(&self) -> Result<()> {
        let _latch = self.alone()?;
        let staging = self.staging();
        for path in entries(&staging)? {
            if path.is_dir() && Stage::is_dead(&path) {
                fs::remove_dir_all(&path).map_err(|error| Error::io("cannot remove", &path, &error))?;
            }
        }
        for directory in entries(&self.store())?.into_iter().filter(|path| path.is_dir()) {
            for file in entries(&directory)? {
                if file.symlink_metadata().is_ok_and(|about| about.nlink() == 1) {
                    fs::remove_file(&file).map_err(|error| Error::io("cannot remove", &file, &error))?;
                }
            }
        }
        Ok(())
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error: &io::Error| Error::io("cannot read", directory, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| unreadable(&error))? {
        found.push(entry.map_err(|error| unreadable(&error))?.path());
    }
    Ok(found)
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Lets a directory's entries last.
pub(crate) fn sync(directory: &Path) -> Result<()> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::io("cannot sync", directory, &error))
}
