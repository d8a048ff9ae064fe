//! The files that a configuration names, on this box: texts, and whole directories.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use bootwright_config::Reader;
use bootwright_content::butane::{Planted, TreeEntry, TreeKind};
use bootwright_net::beneath::{Kind, Root};

/// The most that a directory may hold; a machine reads all of it as one document.
const TREE_BYTES_MAX: u64 = 1 << 20;

/// The most files and links in one.
const TREE_ENTRIES_MAX: usize = 1000;

/// How deep it may go.
const TREE_DEPTH_MAX: usize = 16;

/// Reads files by their paths, and directories below that of the file that names them.
pub(crate) struct Beside<T>(pub(crate) T);

impl<T: Fn(&Path) -> std::io::Result<String>> Reader for Beside<T> {
    fn text(&self, path: &str) -> Result<String, String> {
        (self.0)(Path::new(path)).map_err(|error| error.to_string())
    }

    fn tree(&self, directory: &str, name: &str) -> Result<Vec<Planted>, String> {
        let root = Root::open_dir(directory).map_err(|error| error.to_string())?;
        let mut growing = Growing {
            root: &root,
            left: TREE_BYTES_MAX,
            found: Vec::new(),
        };
        growing.add(name, "", 0)?;
        let mut found = growing.found;
        found.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        Ok(found)
    }
}

/// A tree while it is read.
struct Growing<'a> {
    root: &'a Root,
    /// How many bytes it may still hold.
    left: u64,
    found: Vec<Planted>,
}

impl Growing<'_> {
    /// Adds everything in a directory of the tree `top`, by its path within that.
    fn add(&mut self, top: &str, within: &str, depth: usize) -> Result<(), String> {
        let place = |path: &str| match path {
            "" => top.to_owned(),
            path => format!("{top}/{path}"),
        };
        if depth > TREE_DEPTH_MAX {
            return Err(format!("it is more than {TREE_DEPTH_MAX} directories deep"));
        }
        let names = self.root.list(place(within)).map_err(|error| error.to_string())?;
        for name in names {
            let Some(name) = name.to_str().filter(|name| !name.contains(char::is_control)) else {
                return Err(format!(
                    "`{}` is no name for a file of a machine",
                    name.to_string_lossy().escape_debug()
                ));
            };
            let path = match within {
                "" => name.to_owned(),
                within => format!("{within}/{name}"),
            };
            let trouble = |error: std::io::Error| format!("`{path}`: {error}");
            if self.found.len() >= TREE_ENTRIES_MAX {
                return Err(format!("it holds more than {TREE_ENTRIES_MAX} files"));
            }
            let (kind, bytes) = match self.root.kind(place(&path)).map_err(trouble)? {
                Kind::Directory => {
                    self.add(top, &path, depth + 1)?;
                    continue;
                }
                Kind::Other => return Err(format!("`{path}` is neither a file nor a link")),
                Kind::Link { target } => {
                    let target = target.to_str().filter(|target| !target.contains(char::is_control));
                    let target = target.ok_or_else(|| format!("`{path}` leads to a name that is no text"))?;
                    let target = target.to_owned();
                    (TreeKind::Link { target }, Vec::new())
                }
                Kind::File { executable } => {
                    let file = self.root.open(place(&path)).map_err(trouble)?;
                    (TreeKind::File { executable }, self.read(file).map_err(trouble)?)
                }
            };
            self.found.push((TreeEntry { path, kind }, bytes));
        }
        Ok(())
    }

    fn read(&mut self, file: fs::File) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.take(self.left.saturating_add(1)).read_to_end(&mut bytes)?;
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(std::io::Error::other("the directory holds more than 1 MiB")),
        }
        Ok(bytes)
    }
}
