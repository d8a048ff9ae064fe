//! The data directory, its disk, and the record.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bootwright_config::Loaded;
use bootwright_images::Shelf;
use bootwright_store::{Reader as _, SqliteReader};
use nix::sys::statvfs::statvfs;

use super::super::facts::{Disk, Mount, Store};
use super::super::store::unreadable;
use crate::api::DATABASE;

/// How many entries of the data directory are looked at for their owners.
const ENTRIES_MAX: usize = 10_000;
/// How deep.
const DEPTH_MAX: usize = 3;

/// How much is written to see whether it lasts.
const PROBE_BYTES: usize = 4096;

pub(super) fn gather(data_dir: &Path, user: Option<u32>) -> Disk {
    let about = fs::metadata(data_dir).ok().filter(fs::Metadata::is_dir);
    let mut disk = Disk {
        exists: about.is_some(),
        owner: about.as_ref().map(MetadataExt::uid),
        group: about.as_ref().map(MetadataExt::gid),
        ..Disk::default()
    };
    // Of one that is not there yet, its parent tells.
    let place = data_dir.ancestors().find(|path| path.is_dir()).unwrap_or(data_dir);
    let real = fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
    disk.mount = mount(
        &fs::read_to_string("/proc/thread-self/mountinfo").unwrap_or_default(),
        &real,
    );
    if let Ok(about) = statvfs(place) {
        let bytes = |blocks: u64| blocks.saturating_mul(about.fragment_size());
        disk.bytes = Some((bytes(about.blocks_available()), bytes(about.blocks())));
        disk.inodes = Some((about.files_available(), about.files())).filter(|(_, all)| *all > 0);
    }
    if disk.exists {
        disk.unwritable = probe(data_dir).err().map(|error| error.to_string());
        if let Some(owner) = user.or(disk.owner) {
            walk(data_dir, owner, 0, &mut 0, &mut disk.foreign);
        }
    }
    disk
}

/// A file in the data directory that was made for a look, and is gone with this value.
struct Probe {
    path: PathBuf,
    file: File,
}

impl Drop for Probe {
    fn drop(&mut self) {
        // Nobody else makes a file of this name.
        let _ = fs::remove_file(&self.path);
    }
}

fn probe(data_dir: &Path) -> std::io::Result<Probe> {
    let path = data_dir.join(format!(".doctor-{}", std::process::id()));
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    Ok(Probe { path, file })
}

/// How many milliseconds it takes until what is written is on the disk; nothing if nothing can be written at all.
pub(super) fn sync(data_dir: &Path) -> Option<Result<u64, String>> {
    let mut probe = probe(data_dir).ok()?;
    let began = Instant::now();
    let done = probe
        .file
        .write_all(&[0x5a; PROBE_BYTES])
        .and_then(|()| probe.file.sync_all());
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Some(done.map(|()| ms).map_err(|error| error.to_string()))
}

/// Names what belongs to another user.
fn walk(directory: &Path, owner: u32, depth: usize, seen: &mut usize, foreign: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        *seen += 1;
        let Ok(about) = entry.metadata() else { continue };
        if *seen > ENTRIES_MAX {
            return;
        }
        if about.uid() != owner {
            foreign.push(entry.path());
        }
        if about.is_dir() && depth + 1 < DEPTH_MAX {
            walk(&entry.path(), owner, depth + 1, seen, foreign);
        }
    }
}

/// The mount that a path lies on: the last of those with the longest mount point.
fn mount(table: &str, path: &Path) -> Option<Mount> {
    let mounts = table.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(4);
        let point = fields.next()?.replace("\\040", " ");
        let of_mount = fields.next()?;
        let mut fields = after.split(' ');
        let (kind, of_disk) = (fields.next()?, fields.nth(1)?);
        let reads = |options: &str| options.split(',').any(|option| option == "ro");
        path.starts_with(&point).then(|| Mount {
            kind: kind.to_owned(),
            read_only: reads(of_mount) || reads(of_disk),
            point,
        })
    });
    // Of equal ones, the later lies above the earlier.
    mounts.max_by_key(|mount| Path::new(&mount.point).components().count())
}

/// Images that were added and that no profile names.
pub(super) fn unused_images(data_dir: &Path, loaded: &Loaded) -> Vec<String> {
    let listed = Shelf::list(&data_dir.join("images")).unwrap_or_default();
    let is_named = |name: &str| {
        let path = format!("/images/{name}/");
        loaded.policy.profiles.values().any(|profile| {
            let texts = [&profile.kernel].into_iter().chain(&profile.args);
            let initrds = profile.initrds.iter().map(|initrd| &initrd.source);
            let documents = profile.files.values().map(|document| &document.template);
            texts.chain(initrds).chain(documents).any(|text| text.contains(&path))
        })
    };
    let added = listed.into_iter().filter(|image| image.lock.is_some());
    added.map(|image| image.name).filter(|name| !is_named(name)).collect()
}

/// The record, and the clock beside it.
pub(super) fn store(data_dir: &Path) -> Store {
    let path = data_dir.join(DATABASE);
    let now = seconds(SystemTime::now());
    let about = fs::metadata(&path).ok();
    let mut store = Store {
        now,
        written: about.and_then(|about| Some(seconds(about.modified().ok()?))),
        ..Store::default()
    };
    if path.exists() {
        let verified = SqliteReader::open(&path).and_then(|mut reader| reader.verify());
        if let Ok(report) = &verified {
            store.last = report.last.get();
        }
        store.problems = Some(
            verified
                .map(|report| report.problems)
                .map_err(|error| unreadable(&error)),
        );
    }
    store
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_of_a_path_is_the_last_of_the_deepest() {
        let table = "22 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw\n\
                     40 22 0:30 / /var/lib/bootwright rw - nfs4 box:/x rw\n\
                     41 22 0:31 / /var/lib/bootwright ro,nosuid - tmpfs none rw\n\
                     42 22 0:32 / /srv/a\\040b rw - overlay none rw\n";
        let of = |path: &str| mount(table, Path::new(path)).unwrap();
        assert_eq!(of("/var/lib").kind, "ext4");
        let top = of("/var/lib/bootwright/images");
        assert_eq!((top.kind.as_str(), top.read_only), ("tmpfs", true));
        assert_eq!(of("/srv/a b/c").kind, "overlay");
    }
}
