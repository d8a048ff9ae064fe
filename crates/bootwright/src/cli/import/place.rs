//! Files that are put in place together: nothing of them is to be seen before all of them are on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Failure, plain};

/// Files that are on the disk under names that nobody reads.
pub(super) struct Staged {
    /// Where each is, and what it is to be called; the configuration itself last.
    files: Vec<(PathBuf, PathBuf)>,
    done: bool,
}

/// Writes the files beside their places.
pub(super) fn stage(files: &BTreeMap<PathBuf, String>) -> Result<Staged, Failure> {
    let mut staged = Staged {
        files: Vec::new(),
        done: false,
    };
    // Documents before what names them, so that a daemon that looks finds all or nothing.
    let mut order: Vec<(&PathBuf, &String)> = files.iter().collect();
    order.sort_by_key(|(path, _)| {
        (
            path.extension().is_some_and(|end| end == "toml"),
            path.as_os_str().len(),
        )
    });
    for (path, text) in order {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        staged.files.push((new.clone(), path.clone()));
        write(&new, text).map_err(|cause| Failure::File {
            message: format!("cannot write `{}`: {}", path.display(), plain(&cause)),
            hint: "nothing was changed; name another configuration with `--config`, or make its directory writable"
                .to_owned(),
        })?;
    }
    Ok(staged)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // What is there under this name is of an import that was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl Staged {
    /// Gives the files their names.
    pub(super) fn put(mut self) -> Result<(), Failure> {
        for (new, path) in &self.files {
            let done = fs::rename(new, path).and_then(|()| match path.parent() {
                Some(parent) => fs::File::open(parent)?.sync_all(),
                None => Ok(()),
            });
            done.map_err(|cause| Failure::File {
                message: format!("cannot write `{}`: {}", path.display(), plain(&cause)),
                hint: "say the same command again; machines that were made known stay so".to_owned(),
            })?;
        }
        self.done = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.done {
            for (new, _) in &self.files {
                // It may not be there yet, or no longer.
                let _ = fs::remove_file(new);
            }
        }
    }
}
