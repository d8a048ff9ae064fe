//! Reading an archive: everything in it is compared with its list, and nothing that is not on it is taken.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use bootwright_images::EntryPath;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{FORMAT, Listed, MANIFEST, MANIFEST_BYTES_MAX, Manifest, RECORD, Unfit, hex};

/// What a path in the archive may begin with.
const ROOTS: &[&str] = &["data/", "config/", "matchbox/", "images/"];

/// What every form says of itself.
#[derive(Deserialize)]
struct Form {
    format: u32,
    version: Option<String>,
}

/// Reads an archive to its end. With a directory its files are put there as well, each for its owner alone.
///
/// # Errors
/// When it is no backup, is damaged or cut short, or was made by a newer version.
pub(crate) fn read(from: &Path, into: Option<&Path>) -> Result<Manifest, Unfit> {
    let file = File::open(from).map_err(|error| Unfit::io("read", from, &error))?;
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, file));
    let foreign = |why: &str| {
        Unfit::new(
            format!("`{}` is no backup of bootwright: {why}", from.display()),
            "nothing was changed; `bootwright backup FILE` makes one",
        )
    };
    let mut entries = archive.entries().map_err(|error| foreign(&error.to_string()))?;
    let mut first = match entries.next() {
        Some(Ok(first)) => first,
        Some(Err(_)) => return Err(foreign("it is no tar archive")),
        None => return Err(foreign("it is empty")),
    };
    match &*first.path_bytes() {
        name if name == MANIFEST.as_bytes() => {}
        b"bundle.toml" => return Err(foreign("it is a bundle, which `bootwright bundle read` takes")),
        _ => return Err(foreign(&format!("it does not begin with `{MANIFEST}`"))),
    }
    let manifest = manifest(from, &mut first)?;
    for listed in &manifest.files {
        let mut entry = match entries.next() {
            Some(Ok(entry)) => entry,
            Some(Err(error)) => return Err(damaged(from, &error.to_string())),
            None => return Err(damaged(from, &format!("it ends before `{}`", listed.path))),
        };
        if *entry.path_bytes() != *listed.path.as_bytes() || !entry.header().entry_type().is_file() {
            return Err(damaged(from, &format!("`{}` is not where its list says", listed.path)));
        }
        take(from, listed, &mut entry, into)?;
    }
    match entries.next() {
        None => Ok(manifest),
        Some(_) => Err(damaged(from, "something follows that is not on its list")),
    }
}

fn damaged(from: &Path, why: &str) -> Unfit {
    Unfit::new(
        format!("the backup `{}` is damaged: {why}", from.display()),
        "nothing was changed; take another copy of it, or another backup",
    )
}

fn manifest(from: &Path, entry: &mut dyn Read) -> Result<Manifest, Unfit> {
    let mut text = Vec::new();
    let read = entry.take(MANIFEST_BYTES_MAX).read_to_end(&mut text);
    read.map_err(|error| damaged(from, &error.to_string()))?;
    let unreadable = |error: serde_json::Error| damaged(from, &format!("its list cannot be read: {error}"));
    let form: Form = serde_json::from_slice(&text).map_err(unreadable)?;
    if form.format != FORMAT {
        let version = form.version.unwrap_or_else(|| "another version".to_owned());
        return Err(Unfit::new(
            format!(
                "the backup `{}` has format {}, and this version of bootwright reads format {FORMAT}",
                from.display(),
                form.format
            ),
            format!("nothing was changed; bootwright {version} made it, and reads it"),
        ));
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(unreadable)?;
    let mut seen = BTreeSet::new();
    for listed in &manifest.files {
        let path = &listed.path;
        let known = ROOTS.iter().any(|root| path.starts_with(root));
        if !known || EntryPath::file(path).is_err() || !seen.insert(path) {
            return Err(damaged(from, &format!("its list names `{}`", path.escape_debug())));
        }
    }
    if seen.contains(&RECORD.to_owned()) {
        Ok(manifest)
    } else {
        Err(damaged(from, "there is no record in it"))
    }
}

/// Reads one file, and puts it below the directory if there is one.
fn take(from: &Path, listed: &Listed, entry: &mut dyn Read, into: Option<&Path>) -> Result<(), Unfit> {
    let mut sink: Box<dyn Write> = match into {
        None => Box::new(io::sink()),
        Some(directory) => {
            let place = directory.join(&listed.path);
            Box::new(create(&place).map_err(|error| Unfit::io("write", &place, &error))?)
        }
    };
    let mut hash = Sha256::new();
    let (mut buffer, mut bytes) = (vec![0; 1 << 16], 0_u64);
    loop {
        let read = entry
            .read(&mut buffer)
            .map_err(|error| damaged(from, &error.to_string()))?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            break;
        };
        bytes += read as u64;
        hash.update(piece);
        let written = sink.write_all(piece);
        written.map_err(|error| Unfit::io("write", into.unwrap_or(from), &error))?;
    }
    sink.flush()
        .map_err(|error| Unfit::io("write", into.unwrap_or(from), &error))?;
    if bytes < listed.bytes {
        return Err(damaged(from, &format!("it ends within `{}`", listed.path)));
    }
    if bytes != listed.bytes || hex(&hash.finalize()) != listed.sha256 {
        return Err(damaged(from, &format!("`{}` is not what its list says", listed.path)));
    }
    Ok(())
}

/// A file for its owner alone, with the directories above it.
fn create(place: &Path) -> io::Result<Synced> {
    if let Some(parent) = place.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(place)?;
    Ok(Synced(file))
}

/// A file that is on the disk once it is flushed.
struct Synced(File);

impl Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}
