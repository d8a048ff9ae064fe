//! The files of an installation: those that were named, and those below directories that were named.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use bootwright_config::{Content, FILES_MAX, Given, System};
use bootwright_net::beneath::Root;

use crate::cli::failure::{Failure, plain};

/// The largest file that is read, in bytes: ten thousand machines in one file.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The most that is read altogether, in bytes.
const BYTES_MAX: usize = 256 << 20;

/// Deeper than any of the systems goes.
const DEPTH_MAX: usize = 6;

/// Reads what was named. Of a directory, nothing that lies outside of it.
pub(super) fn files(system: System, paths: &[PathBuf]) -> Result<Vec<Given>, Failure> {
    let mut gathered = Gathered {
        system,
        files: Vec::new(),
        bytes: 0,
    };
    for path in paths {
        let failed = |cause: &io::Error| Failure::File {
            message: format!("cannot read `{}`: {}", path.display(), plain(cause)),
            hint: format!("name files and directories of {}", system.name()),
        };
        let about = path.metadata().map_err(|cause| failed(&cause))?;
        if about.is_dir() {
            // Messages and the configuration name it so that it is found from anywhere.
            let whole = path.canonicalize().map_err(|cause| failed(&cause))?;
            let root = Root::open_dir(&whole).map_err(|cause| failed(&cause))?;
            gathered.below(&root, &whole, "", 0)?;
        } else if about.is_file() {
            let content = content(File::open(path).map_err(|cause| failed(&cause))?);
            gathered.add(path.display().to_string(), None, content)?;
        } else {
            return Err(failed(&io::Error::new(
                ErrorKind::InvalidInput,
                "it is neither a file nor a directory",
            )));
        }
    }
    Ok(gathered.files)
}

struct Gathered {
    system: System,
    files: Vec<Given>,
    bytes: usize,
}

impl Gathered {
    fn below(&mut self, root: &Root, whole: &Path, directory: &str, depth: usize) -> Result<(), Failure> {
        let here = if directory.is_empty() { "." } else { directory };
        let names = root.list(here).map_err(|cause| Failure::File {
            message: format!("cannot read `{}`: {}", whole.join(directory).display(), plain(&cause)),
            hint: "make it readable, or name another directory".to_owned(),
        })?;
        for name in names {
            let Some(name) = name
                .to_str()
                .filter(|name| !name.starts_with(['.', '#']) && !name.ends_with('~'))
            else {
                continue;
            };
            let path = if directory.is_empty() {
                name.to_owned()
            } else {
                format!("{directory}/{name}")
            };
            let shown = whole.join(&path);
            let content = match root.open(&path) {
                Ok(_) if !self.system.reads(&path) => continue,
                Ok(file) => content(file),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    if depth + 1 < DEPTH_MAX && root.list(&path).is_ok() {
                        self.below(root, whole, &path, depth + 1)?;
                        continue;
                    }
                    if !self.system.reads(&path) {
                        continue;
                    }
                    Content::Unusable("it is no file, or leads out of the directory".to_owned())
                }
                Err(error) => Content::Unusable(plain(&error)),
            };
            self.add(shown.display().to_string(), Some(whole.display().to_string()), content)?;
        }
        Ok(())
    }

    fn add(&mut self, path: String, directory: Option<String>, content: Content) -> Result<(), Failure> {
        if let Content::Text(text) = &content {
            self.bytes += text.len();
        }
        if self.files.len() >= FILES_MAX || self.bytes > BYTES_MAX {
            return Err(Failure::File {
                message: format!("there are more than {FILES_MAX} files or {} MiB", BYTES_MAX >> 20),
                hint: "name the directory of the installation alone".to_owned(),
            });
        }
        self.files.push(Given {
            path,
            directory,
            content,
        });
        Ok(())
    }
}

fn content(file: File) -> Content {
    let mut bytes = Vec::new();
    match file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes) {
        Err(error) => Content::Unusable(plain(&error)),
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
            Content::Unusable(format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20))
        }
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => Content::Text(text.into()),
            Err(_) => Content::Unusable("it is no UTF-8 text".to_owned()),
        },
    }
}
