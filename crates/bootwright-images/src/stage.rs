//! An image that is being put together. Until it is put in place nobody sees it; dropped before, it leaves nothing behind.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::digest::{Hashing, hash_file};
use crate::error::{Error, Result};
use crate::lock::{LOCK, Lock, Locked};
use crate::name::ImageName;
use crate::path::EntryPath;
use crate::shelf::{Shelf, sync};

/// How large an image may become: what an archive says of itself is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most files and directories.
    pub entries_max: usize,
    /// The most bytes of all files together, unpacked.
    pub bytes_max: u64,
}

impl Default for Limits {
    /// A hundred thousand files, which is more than any installation tree has, and 64 GiB.
    fn default() -> Self {
        Self {
            entries_max: 100_000,
            bytes_max: 64 << 30,
        }
    }
}

/// An image that is being put together.
#[derive(Debug)]
pub(crate) struct Stage {
    shelf: Shelf,
    directory: PathBuf,
    /// Locked while this lives, so that others see that it does.
    _alive: File,
    limits: Limits,
    entries: usize,
    bytes: u64,
    files: BTreeMap<EntryPath, Locked>,
    links: BTreeMap<EntryPath, String>,
}

impl Stage {
    pub(crate) fn new(shelf: Shelf, staging: &Path, limits: Limits) -> Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| Error::new(format!("no random numbers: {error}")))?;
        let directory = staging.join(crate::digest::hex(&random));
        let failed = |error: &io::Error| Error::io("cannot make", &directory, error);
        // Nobody sweeps between the making and the locking.
        let latch = shelf.sharing()?;
        fs::create_dir(&directory).map_err(|error| failed(&error))?;
        let alive = File::create(directory.join("alive")).map_err(|error| failed(&error))?;
        alive.lock().map_err(|error| failed(&error))?;
        drop(latch);
        fs::create_dir(directory.join("tree")).map_err(|error| failed(&error))?;
        Ok(Self {
            shelf,
            directory,
            _alive: alive,
            limits,
            entries: 0,
            bytes: 0,
            files: BTreeMap::new(),
            links: BTreeMap::new(),
        })
    }

    /// Whether whoever made this stage has ended.
    pub(crate) fn is_dead(directory: &Path) -> bool {
        match File::open(directory.join("alive")) {
            Ok(file) => file.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    fn tree(&self) -> PathBuf {
        self.directory.join("tree")
    }

    fn place(&self, path: &EntryPath) -> PathBuf {
        self.tree().join(path.as_str())
    }

    fn count(&mut self) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limits.entries_max {
            return Err(Error::new(format!(
                "there are more than {} files in it",
                self.limits.entries_max
            )));
        }
        Ok(())
    }

    /// Makes the directories above a file.
    fn make_room(&mut self, path: &EntryPath) -> Result<PathBuf> {
        self.count()?;
        if self.files.contains_key(path) || self.links.contains_key(path) {
            return Err(Error::new(format!("`{path}` is in it twice")));
        }
        let place = self.place(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(|error| Error::io("cannot make", parent, &error))?;
        }
        Ok(place)
    }

    /// Adds a file, whose bytes are read to their end.
    pub(crate) fn add(&mut self, path: &EntryPath, from: &mut dyn Read) -> Result<()> {
        let place = self.make_room(path)?;
        let failed = |error: &io::Error| Error::io("cannot write", &place, error);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&place)
            .map_err(|error| failed(&error))?;
        let mut hashing = Hashing::new(None);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::new(format!("`{path}` cannot be read: {error}"))),
            };
            self.bytes += count as u64;
            if self.bytes > self.limits.bytes_max {
                return Err(Error::new(format!("it is larger than {} bytes", self.limits.bytes_max)));
            }
            hashing.update(&buffer[..count]);
            file.write_all(&buffer[..count]).map_err(|error| failed(&error))?;
        }
        drop(file);
        let hashes = hashing.finish();
        self.placed(path, &place, hashes.sha256, hashes.bytes)
    }

    /// Adds a file that lies on the shelf's file system already, such as a finished download: by a link where that can be.
    pub(crate) fn adopt(&mut self, path: &EntryPath, from: &Path) -> Result<()> {
        let place = self.make_room(path)?;
        if fs::hard_link(from, &place).is_err() {
            fs::copy(from, &place).map_err(|error| Error::io("cannot copy", from, &error))?;
        }
        let (sha256, bytes) = hash_file(&place).map_err(|error| Error::io("cannot read", &place, &error))?;
        self.bytes += bytes;
        if self.bytes > self.limits.bytes_max {
            return Err(Error::new(format!("it is larger than {} bytes", self.limits.bytes_max)));
        }
        self.placed(path, &place, sha256, bytes)
    }

    fn placed(&mut self, path: &EntryPath, place: &Path, sha256: String, bytes: u64) -> Result<()> {
        // Read by everybody, written by nobody: a link may lie in several images.
        fs::set_permissions(place, fs::Permissions::from_mode(0o444))
            .map_err(|error| Error::io("cannot protect", place, &error))?;
        self.shelf.share(place, &sha256)?;
        let locked = Locked {
            path: path.as_str().to_owned(),
            bytes,
            sha256,
        };
        self.files.insert(path.clone(), locked);
        Ok(())
    }

    /// Notes a symbolic link; it becomes the file that it leads to once all files are there.
    pub(crate) fn link(&mut self, path: &EntryPath, target: String) -> Result<()> {
        self.count()?;
        if self.files.contains_key(path) || self.links.insert(path.clone(), target).is_some() {
            return Err(Error::new(format!("`{path}` is in it twice")));
        }
        Ok(())
    }

    /// A further name of a file that is there.
    pub(crate) fn alias(&mut self, path: &EntryPath, of: &EntryPath) -> Result<()> {
        let locked = self
            .files
            .get(of)
            .cloned()
            .ok_or_else(|| Error::new(format!("`{path}` is a link to `{of}`, which is not there")))?;
        let place = self.make_room(path)?;
        let from = self.place(of);
        if fs::hard_link(&from, &place).is_err() {
            fs::copy(&from, &place).map_err(|error| Error::io("cannot copy", &from, &error))?;
        }
        let locked = Locked {
            path: path.as_str().to_owned(),
            ..locked
        };
        self.files.insert(path.clone(), locked);
        Ok(())
    }

    /// The paths of all files so far.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &EntryPath> {
        self.files.keys()
    }

    pub(crate) const fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.keys().any(|known| known.as_str() == path)
    }

    /// Where a file lies now.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.tree().join(path)
    }

    /// Turns links into the files that they lead to. Links to directories are left out: the machine plane serves files, and
    /// such links are loops more often than not. A link out of the image is an error.
    pub(crate) fn settle_links(&mut self) -> Result<()> {
        const HOPS_MAX: usize = 8;
        let links = std::mem::take(&mut self.links);
        for (path, first) in &links {
            let (mut at, mut link) = (path.clone(), Some(first));
            for _ in 0..HOPS_MAX {
                let Some(text) = link else { break };
                match at.target(text)? {
                    Some(next) => {
                        link = links.get(&next);
                        at = next;
                    }
                    // The image's own directory.
                    None => break,
                }
            }
            if link.is_none() && self.files.contains_key(&at) {
                self.alias(path, &at)?;
            }
        }
        Ok(())
    }

    /// Writes the list, and puts the image in its place.
    pub(crate) fn commit(
        mut self,
        name: &ImageName,
        source: String,
        version: Option<String>,
        proof: String,
    ) -> Result<Lock> {
        self.settle_links()?;
        if self.files.is_empty() {
            return Err(Error::new("there is no file in it"));
        }
        let lock = Lock::new(source, version, proof, self.files.values().cloned().collect());
        let (tree, list) = (self.tree(), self.tree().join(LOCK));
        fs::write(&list, lock.text()).map_err(|error| Error::io("cannot write", &list, &error))?;
        // Everything is on the disk before it is in place: one call for many files.
        let synced = File::open(&tree).and_then(|file| Ok(nix::unistd::syncfs(file)?));
        synced.map_err(|error| Error::io("cannot sync", &tree, &error))?;
        sync(&tree)?;
        self.shelf.put(&tree, name)?;
        let shelf = self.shelf.clone();
        drop(self);
        shelf.sweep()?;
        Ok(lock)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next command.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
