//! Putting a backup in the place of a data directory: all of it or nothing, also if the power fails meanwhile.
//!
//! Everything is put together beside what is there, and looked through. Then one rename decides: before it nothing has
//! changed, and behind it the rest is only carried out, by us or by whoever starts next.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use bootwright_console::access::{FileShelf, forget_keys};
use bootwright_images::LOCK;
use bootwright_store::{Hold, Report, StoreError, examine_backup};

use super::{Image, Manifest, RECORD, Unfit, read};
use crate::console::LOGINS;

/// Where the files are put together.
const STAGING: &str = "restore.new";

/// The name of the same directory once it is decided.
const DECIDED: &str = "restore.decided";

/// What was there before goes here, and a number.
const BEFORE: &str = "before-restore";

/// The record's file, and what SQLite keeps beside it, which must never meet another record.
const DATABASE: &str = "bootwright.db";
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What is to be restored, and where.
pub(crate) struct Order<'a> {
    /// The archive.
    pub(crate) file: &'a Path,
    /// The data directory.
    pub(crate) data_dir: &'a Path,
    /// The directory of the configuration, if that is to be restored as well.
    pub(crate) config: Option<&'a Path>,
    /// Where a configuration (that of the archive, or else the one in force) has the data that programs write.
    pub(crate) matchbox: &'a dyn Fn(Option<&Path>) -> Option<PathBuf>,
}

/// What was restored.
pub(crate) struct Restored {
    pub(crate) manifest: Manifest,
    pub(crate) report: Report,
    /// Where that is which was there before.
    pub(crate) kept: Option<PathBuf>,
    /// Files that were put outside the data directory.
    pub(crate) outside: Vec<PathBuf>,
    /// Whether the archive holds a configuration that was not asked for, and data of programs that have no place.
    pub(crate) left: Vec<&'static str>,
    /// Images that are not here as they were.
    pub(crate) missing: Vec<Image>,
}

/// Why nothing was restored.
pub(crate) enum NotRestored {
    /// The archive or the place does not do.
    Unfit(Unfit),
    /// A process holds the data directory.
    Held(StoreError),
}

impl From<Unfit> for NotRestored {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

/// Restores an archive.
///
/// # Errors
/// When it cannot be; then nothing has changed.
pub(crate) fn restore(order: &Order<'_>) -> Result<Restored, NotRestored> {
    let manifest = read(order.file, None)?;
    let fresh = !order.data_dir.exists();
    let hold = Hold::take(&order.data_dir.join(DATABASE)).map_err(|error| match error {
        held @ StoreError::Held { .. } => NotRestored::Held(held),
        other => Unfit::new(other.to_string(), "nothing was changed").into(),
    })?;
    let staging = order.data_dir.join(STAGING);
    let done = earlier(order.data_dir, &staging).and_then(|()| restore_held(order, manifest, &staging));
    if done.is_err() {
        // What is left of it is of no use, and the error says more than another about this would.
        let _ = fs::remove_dir_all(&staging);
        if fresh {
            let _ = fs::remove_file(order.data_dir.join("bootwright.lock"));
            let _ = fs::remove_dir(order.data_dir);
        }
    }
    drop(hold);
    Ok(done?)
}

/// Ends what was decided before, and clears away what was not.
fn earlier(data_dir: &Path, staging: &Path) -> Result<(), Unfit> {
    carry_out(data_dir).map_err(|error| Unfit::io("write", data_dir, &error))?;
    match fs::remove_dir_all(staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Unfit::io("remove", staging, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn restore_held(order: &Order<'_>, manifest: Manifest, staging: &Path) -> Result<Restored, Unfit> {
    read(order.file, Some(staging))?;
    let record = staging.join(RECORD);
    let unusable = |why: String| {
        Unfit::new(
            format!(
                "the record in the backup `{}` cannot be used: {why}",
                order.file.display()
            ),
            "nothing was changed; take another backup",
        )
    };
    let report = examine_backup(&record).map_err(|error| unusable(error.to_string()))?;
    if let Some(problem) = report.problems.first() {
        return Err(unusable(problem.clone()));
    }
    let written = |error: io::Error| Unfit::io("write", staging, &error);
    let logins = staging.join("data").join(LOGINS);
    if logins.exists() {
        forget_keys(&FileShelf::new(logins)).map_err(|error| {
            Unfit::new(
                format!(
                    "the logins in the backup `{}` cannot be used: {error}",
                    order.file.display()
                ),
                "nothing was changed; take another backup, or the version of bootwright that made it",
            )
        })?;
    }
    File::open(&record).and_then(|file| file.sync_all()).map_err(written)?;
    let (outside, left) = placed(order, &manifest, staging);
    demand_free(&outside)?;
    let missing = missing_images(order.data_dir, &manifest, staging);
    let of_the_data = names_below(&staging.join("data")).map_err(written)?;
    given_to_owner_of(order.data_dir, &staging.join("data"), &of_the_data).map_err(written)?;
    let mut made = Vec::new();
    if let Err(error) = put_outside(&outside, &mut made) {
        for path in &made {
            // They were not there before.
            let _ = fs::remove_file(path);
        }
        return Err(error);
    }
    sync_directories(staging).map_err(written)?;
    let decide = || -> io::Result<Option<PathBuf>> {
        fs::rename(staging, order.data_dir.join(DECIDED))?;
        File::open(order.data_dir)?.sync_all()?;
        carry_out(order.data_dir)
    };
    let kept = decide().map_err(|error| Unfit {
        hint: "give the command again, or start the daemon: either goes on from here".to_owned(),
        ..Unfit::io("write", order.data_dir, &error)
    })?;
    Ok(Restored {
        manifest,
        report,
        kept,
        outside: outside.into_iter().map(|(_, target)| target).collect(),
        left,
        missing,
    })
}

/// Files that belong outside the data directory, with their targets, and what has none.
fn placed(order: &Order<'_>, manifest: &Manifest, staging: &Path) -> (Vec<(PathBuf, PathBuf)>, Vec<&'static str>) {
    let has = |root: &str| manifest.files.iter().any(|file| file.path.starts_with(root));
    let main = staging.join("config/config.toml");
    let of_the_archive = order.config.is_some() && main.is_file();
    let matchbox = has("matchbox/").then(|| (order.matchbox)(of_the_archive.then_some(main.as_path())));
    let matchbox = matchbox.flatten();
    let (mut found, mut left) = (Vec::new(), Vec::new());
    for (root, target) in [("config/", order.config), ("matchbox/", matchbox.as_deref())] {
        match target {
            Some(target) => found.extend(manifest.files.iter().filter_map(|file| {
                let name = file.path.strip_prefix(root)?;
                Some((staging.join(&file.path), target.join(name)))
            })),
            None if has(root) => left.push(root.trim_end_matches('/')),
            None => {}
        }
    }
    (found, left)
}

/// Nothing is written over that says something else.
fn demand_free(files: &[(PathBuf, PathBuf)]) -> Result<(), Unfit> {
    for (from, target) in files {
        if target.symlink_metadata().is_ok() && !is_same(from, target) {
            return Err(Unfit::new(
                format!("`{}` is there already, with other content", target.display()),
                "nothing was changed; move it away, or leave `--with-config` out",
            ));
        }
    }
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::read(one), fs::read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn put_outside(files: &[(PathBuf, PathBuf)], made: &mut Vec<PathBuf>) -> Result<(), Unfit> {
    for (from, target) in files.iter().filter(|(_, target)| !target.exists()) {
        let put = || -> io::Result<()> {
            let parent = target.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(parent)?;
            let mut part = target.clone().into_os_string();
            part.push(".part");
            let part = PathBuf::from(part);
            fs::copy(from, &part)?;
            let owner = parent.metadata()?;
            // Only root can give files away, and only to root's files does it matter.
            let _ = chown(&part, Some(owner.uid()), Some(owner.gid()));
            File::open(&part)?.sync_all()?;
            fs::rename(&part, target)?;
            File::open(parent)?.sync_all()
        };
        put().map_err(|error| Unfit::io("write", target, &error))?;
        made.push(target.clone());
    }
    Ok(())
}

/// The images whose lists are not here as they are in the archive.
fn missing_images(data_dir: &Path, manifest: &Manifest, staging: &Path) -> Vec<Image> {
    let is_here = |image: &&Image| {
        let name = format!("images/{}/{LOCK}", image.name);
        is_same(&staging.join(&name), &data_dir.join(&name))
    };
    let images = manifest.images.iter();
    images.filter(|image| !is_here(image)).cloned().collect()
}

/// The daemon is rarely root: what is restored belongs to whom the directory belongs.
fn given_to_owner_of(data_dir: &Path, below: &Path, names: &[String]) -> io::Result<()> {
    let owner = data_dir.metadata()?;
    if owner.uid() == below.metadata()?.uid() {
        return Ok(());
    }
    for name in names {
        chown(below.join(name), Some(owner.uid()), Some(owner.gid()))?;
        if let Some(parent) = Path::new(name).parent() {
            for directory in parent.ancestors().filter(|path| !path.as_os_str().is_empty()) {
                chown(below.join(directory), Some(owner.uid()), Some(owner.gid()))?;
            }
        }
    }
    Ok(())
}

/// Ends a restoration that was decided and then cut short. To be called before the store is opened.
///
/// # Errors
/// When another process holds the data directory, or a file cannot be moved.
pub(crate) fn finish(data_dir: &Path) -> anyhow::Result<()> {
    if !data_dir.join(DECIDED).is_dir() {
        return Ok(());
    }
    let _hold = Hold::take(&data_dir.join(DATABASE))?;
    tracing::warn!("a restoration was cut short; it is ended first");
    carry_out(data_dir)?;
    Ok(())
}

/// Moves what was decided into its place, and what was there out of it. Done twice is done once. Returns where that is which
/// was there before.
fn carry_out(data_dir: &Path) -> io::Result<Option<PathBuf>> {
    let decided = data_dir.join(DECIDED);
    if !decided.is_dir() {
        return Ok(None);
    }
    let (new, old) = (decided.join("data"), decided.join("old"));
    for name in names_below(&new)? {
        if name == DATABASE {
            for suffix in BESIDE {
                move_aside(data_dir, &old, &format!("{DATABASE}{suffix}"))?;
            }
        }
        move_aside(data_dir, &old, &name)?;
        let target = data_dir.join(&name);
        make_parents(data_dir, &target)?;
        fs::rename(new.join(&name), &target)?;
    }
    sync_directories(data_dir.join("firmware").as_path())?;
    File::open(data_dir)?.sync_all()?;
    let kept = if old.is_dir() {
        let free = (1_u32..).map(|number| data_dir.join(format!("{BEFORE}-{number}")));
        let free = free.into_iter().find(|path| path.symlink_metadata().is_err());
        if let Some(free) = &free {
            fs::rename(&old, free)?;
        }
        free
    } else {
        None
    };
    fs::remove_dir_all(&decided)?;
    File::open(data_dir)?.sync_all()?;
    Ok(kept)
}

fn move_aside(data_dir: &Path, old: &Path, name: &str) -> io::Result<()> {
    let present = data_dir.join(name);
    if present.symlink_metadata().is_err() {
        return Ok(());
    }
    let place = old.join(name);
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(present, place)
}

/// Directories for a file, of the owner of the one above them.
fn make_parents(data_dir: &Path, target: &Path) -> io::Result<()> {
    let Some(parent) = target.parent().filter(|parent| !parent.is_dir()) else {
        return Ok(());
    };
    fs::create_dir_all(parent)?;
    let owner = data_dir.metadata()?;
    // As above: it matters to root alone.
    let _ = chown(parent, Some(owner.uid()), Some(owner.gid()));
    Ok(())
}

/// The files below a directory by their paths relative to it, in order; none where there is no directory.
fn names_below(directory: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(below) = waiting.pop() {
        let entries = match fs::read_dir(directory.join(&below)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            if entry.file_type()?.is_dir() {
                waiting.push(name);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What was written into a directory and those below it stays there when the power fails.
fn sync_directories(top: &Path) -> io::Result<()> {
    if !top.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(top)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_directories(&entry.path())?;
        }
    }
    File::open(top)?.sync_all()
}
