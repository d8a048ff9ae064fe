//! Who adds an image says how far that is, so that others can show it.
//!
//! One small file for each addition that is under way, in the directory `.progress` of the shelf. Whoever writes it holds a
//! lock on it; without one it was left behind by a process that ended, and counts for nothing.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Progress;
use crate::name::ImageName;
use crate::shelf::Shelf;

/// How often bytes are written down at most.
const EVERY: Duration = Duration::from_millis(250);

/// The longest such file that is read.
const BYTES_MAX: u64 = 16 << 10;

/// The most additions that are told of.
const WORKS_MAX: usize = 32;

/// An image that is being added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Its name.
    pub image: String,
    /// What is being done, in words.
    pub step: String,
    /// The file that is being fetched.
    pub file: Option<String>,
    /// How many bytes of it are here.
    pub bytes: Option<u64>,
    /// How many it has, if that is known.
    pub bytes_total: Option<u64>,
}

/// What is told of one addition. It is taken away when this is dropped.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    state: RefCell<(File, Work, Option<Instant>)>,
}

impl Ledger {
    /// The ledger of an addition that begins now. Nothing where it cannot be written: an image is worth more than a bar.
    #[must_use]
    pub fn open(shelf: &Shelf, image: &ImageName) -> Option<Self> {
        let directory = directory(shelf.root());
        fs::create_dir_all(&directory).ok()?;
        let path = directory.join(format!("{}-{}", image.as_str(), std::process::id()));
        let file = File::create(&path).ok()?;
        file.try_lock().ok()?;
        let work = Work {
            image: image.as_str().to_owned(),
            step: "begins".to_owned(),
            ..Work::default()
        };
        let ledger = Self {
            path,
            state: RefCell::new((file, work, None)),
        };
        ledger.write();
        Some(ledger)
    }

    /// Writes down how far it is.
    pub fn tell(&self, progress: &Progress) {
        {
            let mut state = self.state.borrow_mut();
            let (_, work, written) = &mut *state;
            match progress {
                Progress::Step(words) => {
                    *work = Work {
                        image: std::mem::take(&mut work.image),
                        step: words.clone(),
                        ..Work::default()
                    };
                }
                Progress::Bytes { name, done, total } => {
                    let same = work.file.as_ref() == Some(name);
                    work.file = Some(name.clone());
                    work.bytes = Some(*done);
                    work.bytes_total = *total;
                    let ended = total.is_some_and(|total| *done >= total);
                    if same && !ended && written.is_some_and(|written| written.elapsed() < EVERY) {
                        return;
                    }
                }
            }
        }
        self.write();
    }

    fn write(&self) {
        let mut state = self.state.borrow_mut();
        let (file, work, written) = &mut *state;
        *written = Some(Instant::now());
        if let Ok(text) = serde_json::to_vec(work) {
            // Whoever reads in between sees no whole document, and looks again.
            let _ = file
                .rewind()
                .and_then(|()| file.set_len(0))
                .and_then(|()| file.write_all(&text));
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // It counts for nothing in any case, once the lock is gone.
        let _ = fs::remove_file(&self.path);
    }
}

fn directory(root: &Path) -> PathBuf {
    root.join(".progress")
}

/// The additions that are under way in the directory of images, in the order of their names.
#[must_use]
pub fn under_way(root: &Path) -> Vec<Work> {
    let entries = fs::read_dir(directory(root)).into_iter().flatten().flatten();
    let mut found: Vec<Work> = entries
        .take(WORKS_MAX)
        .filter_map(|entry| read(&entry.path()))
        .collect();
    found.sort_by(|one, other| one.image.cmp(&other.image));
    found
}

fn read(path: &Path) -> Option<Work> {
    let file = File::open(path).ok()?;
    if file.try_lock_shared().is_ok() {
        // Nobody holds it: it was left behind.
        return None;
    }
    if file.metadata().ok()?.len() > BYTES_MAX {
        return None;
    }
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_told_while_it_is_and_no_longer() {
        let root = std::env::temp_dir().join(format!("bootwright-ledger-{}", std::process::id()));
        let shelf = Shelf::open(&root).unwrap();
        assert_eq!(under_way(&root), []);
        let ledger = Ledger::open(&shelf, &"debian".parse().unwrap()).unwrap();
        ledger.tell(&Progress::Step("fetching".to_owned()));
        ledger.tell(&Progress::Bytes {
            name: "linux".to_owned(),
            done: 7,
            total: Some(10),
        });
        let work = Work {
            image: "debian".to_owned(),
            step: "fetching".to_owned(),
            file: Some("linux".to_owned()),
            bytes: Some(7),
            bytes_total: Some(10),
        };
        assert_eq!(under_way(&root), [work]);
        let left_behind = directory(&root).join("left-1");
        fs::write(&left_behind, r#"{"image":"left","step":"begins"}"#).unwrap();
        assert_eq!(under_way(&root).len(), 1);
        drop(ledger);
        assert_eq!(under_way(&root), []);
        fs::remove_dir_all(root).unwrap();
    }
}
