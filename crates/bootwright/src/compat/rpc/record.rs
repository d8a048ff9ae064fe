//! Where matchbox's API keeps what it is given: the data directory itself, each file whole and durable before the answer.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use bootwright_config::FILE_BYTES_MAX;

/// The longest name of a file that file systems take, with room for what is put behind it.
const NAME_BYTES_MAX: usize = 200;

/// The kinds of things, by their directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Group,
    Profile,
    Ignition,
    Generic,
}

impl Kind {
    const fn directory(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::Profile => "profiles",
            Self::Ignition => "ignition",
            Self::Generic => "generic",
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Group | Self::Profile => ".json",
            Self::Ignition | Self::Generic => "",
        }
    }
}

/// The data directory.
#[derive(Clone, Debug)]
pub(super) struct Record(PathBuf);

impl Record {
    pub(super) fn new(data_dir: &str) -> Self {
        Self(PathBuf::from(data_dir))
    }

    pub(super) fn put(&self, kind: Kind, name: &str, content: &[u8]) -> io::Result<()> {
        if content.len() as u64 > FILE_BYTES_MAX {
            return Err(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes")));
        }
        let path = self.path(kind, name)?;
        let directory = self.0.join(kind.directory());
        fs::create_dir_all(&directory)?;
        // Whoever reads the directory passes over names that begin with a point.
        let part = directory.join(format!(".{name}.part"));
        let mut file = File::create(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(&directory)?.sync_all()
    }

    pub(super) fn get(&self, kind: Kind, name: &str) -> io::Result<Vec<u8>> {
        let path = self.path(kind, name)?;
        // A link that leads elsewhere is none of our files.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        fs::read(path)
    }

    pub(super) fn delete(&self, kind: Kind, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(kind, name)?)?;
        File::open(self.0.join(kind.directory()))?.sync_all()
    }

    /// The names of all of a kind, in order.
    pub(super) fn names(&self, kind: Kind) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.0.join(kind.directory())) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(kind.ending()));
            names.extend(stem.filter(|stem| is_name(stem)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    fn path(&self, kind: Kind, name: &str) -> io::Result<PathBuf> {
        if !is_name(name) {
            let why = format!("`{}` is no name of a file here", name.escape_debug());
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        Ok(Path::new(&self.0)
            .join(kind.directory())
            .join(format!("{name}{}", kind.ending())))
    }
}

/// A name that leads nowhere else.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '+' | ' ');
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && !name.ends_with('~')
        && name.chars().all(fits)
}
