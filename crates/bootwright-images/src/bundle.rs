//! Everything that a box without a network needs, as one archive: images, boot firmware and the configuration.
//!
//! A plain tar, so that anybody can look into it: `bundle.toml`, then `images/NAME/…`, `firmware/…`, `config/…`. Each image
//! brings its list of files, by which it is verified when it is read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::hash_file;
use crate::error::{Error, Result};
use crate::lock::{LOCK, Lock};
use crate::name::ImageName;
use crate::path::EntryPath;
use crate::shelf::{Shelf, with_suffix};
use crate::stage::{Limits, Stage};
use crate::verify::walk;

/// The name of the first entry.
const HEAD: &str = "bundle.toml";

/// The largest list that is read into memory.
const LIST_BYTES_MAX: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: u32,
    /// Files beside the images, with their hashes.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// What a bundle held, and where it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The images.
    pub images: Vec<String>,
    /// Files of firmware.
    pub firmware: Vec<String>,
    /// Files of the configuration.
    pub config: Vec<String>,
}

/// What goes in beside the images: files by their paths in the archive (`firmware/…`, `config/…`).
pub type Beside = BTreeMap<String, PathBuf>;

/// All files below a directory, under a name in the archive. Nothing where there is no such directory.
///
/// # Errors
/// When it cannot be read.
pub fn gather(directory: &Path, under: &str) -> Result<Beside> {
    let mut found = Vec::new();
    if directory.is_dir() {
        walk(directory, "", &mut found)?;
    }
    let files = found.into_iter().filter(|path| directory.join(path).is_file());
    Ok(files
        .map(|path| (format!("{under}/{path}"), directory.join(&path)))
        .collect())
}

/// Writes images, each verified while it is written, and other files. The archive appears whole or not at all.
///
/// # Errors
/// When an image is not what its list says, or something cannot be read or written.
pub fn write(to: &Path, root: &Path, names: &[ImageName], beside: &Beside) -> Result<Contents> {
    let part = with_suffix(to, ".part");
    let result = write_into(&part, root, names, beside).and_then(|contents| {
        fs::rename(&part, to).map_err(|error| Error::io("cannot write", to, &error))?;
        Ok(contents)
    });
    if result.is_err() {
        // What is left of it is of no use; the error says more than another about this would.
        let _ = fs::remove_file(&part);
    }
    result
}

fn write_into(part: &Path, root: &Path, names: &[ImageName], beside: &Beside) -> Result<Contents> {
    let failed = |error: std::io::Error| Error::io("cannot write", part, &error);
    let mut contents = Contents::default();
    let mut archive = tar::Builder::new(BufWriter::with_capacity(1 << 20, File::create(part).map_err(failed)?));
    let mut head = Head {
        format: 1,
        files: BTreeMap::new(),
    };
    for (name, path) in beside {
        EntryPath::file(name)?;
        let (sha256, _) = hash_file(path).map_err(|error| Error::io("cannot read", path, &error))?;
        head.files.insert(name.clone(), sha256);
    }
    let text = toml::to_string(&head).unwrap_or_default();
    append(&mut archive, HEAD, text.len() as u64, &mut text.as_bytes()).map_err(failed)?;
    for (name, path) in beside {
        let mut file = File::open(path).map_err(|error| Error::io("cannot read", path, &error))?;
        let bytes = file
            .metadata()
            .map_err(|error| Error::io("cannot read", path, &error))?
            .len();
        append(&mut archive, name, bytes, &mut file).map_err(failed)?;
        let list = if name.starts_with("firmware/") {
            &mut contents.firmware
        } else {
            &mut contents.config
        };
        list.push(name.clone());
    }
    for name in names {
        let directory = root.join(name.as_str());
        let lock = Lock::of_directory(&directory)?.ok_or_else(|| {
            Error::new(format!("image `{name}` has no list of files")).hint("add it with `bootwright image add` first")
        })?;
        if let Some(fault) = lock.verify(&directory)?.first() {
            return Err(Error::new(format!("image `{name}`: {fault}")).hint("add it again"));
        }
        // The list goes first, so that the reader knows what must come.
        let text = lock.text();
        append(
            &mut archive,
            &format!("images/{name}/{LOCK}"),
            text.len() as u64,
            &mut text.as_bytes(),
        )
        .map_err(failed)?;
        for file in &lock.files {
            let path = directory.join(&file.path);
            let mut open = File::open(&path).map_err(|error| Error::io("cannot read", &path, &error))?;
            append(
                &mut archive,
                &format!("images/{name}/{}", file.path),
                file.bytes,
                &mut open,
            )
            .map_err(failed)?;
        }
        contents.images.push(name.to_string());
    }
    let mut file = archive.into_inner().map_err(failed)?;
    file.flush().map_err(failed)?;
    file.get_ref().sync_all().map_err(failed)?;
    Ok(contents)
}

fn append(
    archive: &mut tar::Builder<BufWriter<File>>,
    path: &str,
    bytes: u64,
    from: &mut dyn Read,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o644);
    // Nothing of this machine or this moment: the same content is the same bundle.
    header.set_mtime(0);
    archive.append_data(&mut header, path, from.take(bytes))
}

/// Reads a bundle: images onto the shelf, each whole and as its list says or not at all; firmware and configuration into
/// directories, where files that are there already are left as they are unless they are the same.
///
/// # Errors
/// At the first thing that is not as the bundle says; images before it are in place by then.
pub fn read(from: &Path, shelf: &Shelf, firmware: &Path, config: &Path, limits: Limits) -> Result<Contents> {
    let damaged = |why: String| Error::new(format!("`{}` is no bundle, or damaged: {why}", from.display()));
    let file = File::open(from).map_err(|error| Error::io("cannot read", from, &error))?;
    let mut archive = tar::Archive::new(std::io::BufReader::with_capacity(1 << 20, file));
    let mut contents = Contents::default();
    let mut head: Option<Head> = None;
    let mut open: Option<(ImageName, Lock, Stage)> = None;
    for entry in archive.entries().map_err(|error| damaged(error.to_string()))? {
        let mut entry = entry.map_err(|error| damaged(error.to_string()))?;
        if !entry.header().entry_type().is_file() {
            return Err(damaged("it holds something that is no file".to_owned()));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(known) = &head else {
            if name != HEAD {
                return Err(damaged(format!("it does not begin with `{HEAD}`")));
            }
            let text = text(&mut entry).map_err(&damaged)?;
            let read: Head = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
            if read.format != 1 {
                return Err(damaged(format!("its format {} is of another version", read.format)));
            }
            head = Some(read);
            continue;
        };
        if let Some((image, rest)) = name.strip_prefix("images/").and_then(|rest| rest.split_once('/')) {
            let image: ImageName = image
                .parse()
                .map_err(|_| damaged(format!("`{name}` is no image's file")))?;
            if rest == LOCK {
                finish(&mut open, &mut contents)?;
                shelf.demand_free(&image)?;
                let lock = Lock::parse(&text(&mut entry).map_err(&damaged)?)?;
                open = Some((image, lock, shelf.stage(limits)?));
                continue;
            }
            let path = EntryPath::file(rest)?;
            let Some((_, lock, stage)) = open.as_mut().filter(|(name, ..)| *name == image) else {
                return Err(damaged(format!("`{name}` comes before its image's list")));
            };
            if lock.find(path.as_str()).is_none() {
                return Err(damaged(format!("`{name}` is not on its image's list")));
            }
            stage.add(&path, &mut entry)?;
            continue;
        }
        let (directory, list) = match name.split_once('/') {
            Some(("firmware", _)) => (firmware, &mut contents.firmware),
            Some(("config", _)) => (config, &mut contents.config),
            _ => return Err(damaged(format!("`{name}` has no place"))),
        };
        let path = EntryPath::file(name.split_once('/').map_or("", |(_, rest)| rest))?;
        let wanted = known
            .files
            .get(&name)
            .ok_or_else(|| damaged(format!("`{name}` is not on its list")))?;
        if put_beside(&mut entry, &directory.join(path.as_str()), wanted)? {
            list.push(name);
        }
    }
    if head.is_none() {
        return Err(damaged("it is empty".to_owned()));
    }
    finish(&mut open, &mut contents)?;
    Ok(contents)
}

fn text(entry: &mut impl Read) -> Result<String, String> {
    let mut text = String::new();
    entry
        .take(LIST_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

/// Puts an image in place whose files have all come, each with the hash of its list.
fn finish(open: &mut Option<(ImageName, Lock, Stage)>, contents: &mut Contents) -> Result<()> {
    let Some((name, lock, stage)) = open.take() else {
        return Ok(());
    };
    let faults = lock.verify(&stage.file(""))?;
    if let Some(fault) = faults.first() {
        return Err(Error::new(format!("image `{name}`: {fault}")).hint("the bundle is damaged: copy it again"));
    }
    stage.commit(&name, lock.source, lock.version, lock.proof)?;
    contents.images.push(name.to_string());
    Ok(())
}

/// Writes a file of the bundle. One with other content that is there already stays, which is told.
fn put_beside(from: &mut dyn Read, place: &Path, wanted: &str) -> Result<bool> {
    let failed = |error: std::io::Error| Error::io("cannot write", place, &error);
    if place.symlink_metadata().is_ok() {
        return match hash_file(place) {
            Ok((found, _)) if found == wanted => Ok(false),
            _ => Err(
                Error::new(format!("`{}` is there already, with other content", place.display()))
                    .hint("move it away, then read the bundle again"),
            ),
        };
    }
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let part = with_suffix(place, ".part");
    let done = File::create(&part).and_then(|mut file| {
        std::io::copy(from, &mut file)?;
        file.sync_all()
    });
    done.map_err(failed)?;
    let (found, _) = hash_file(&part).map_err(failed)?;
    if found != wanted {
        let _ = fs::remove_file(&part);
        return Err(Error::new(format!("`{}` is damaged in the bundle", place.display())));
    }
    fs::rename(&part, place).map_err(failed)?;
    Ok(true)
}
