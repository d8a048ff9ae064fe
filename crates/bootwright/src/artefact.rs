//! Whether the files of images that a profile boots are there and are what was added: what is missing or was changed is
//! installed on no machine.
//!
//! A question is answered from what is known: one look at a file's size and times. Whether its bytes are still those of the
//! image's list is found out beside it, when the daemon starts, whenever a file looks other than before, and once a day.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bootwright_config::{Compat, Dialect};
use bootwright_content::{BootPlan, Context, made_up, render_boot};
use bootwright_core::{Policy, Profile};
use bootwright_images::{LOCK, Lock, hash_file};

use crate::core::Core;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often their bytes are read although nothing seems to have changed.
const READ_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// The files of images, and what is known of them.
#[derive(Debug)]
pub struct Artefacts {
    data_dir: PathBuf,
    /// Where the images of other systems are; what became of those is for them to know.
    elsewhere: BTreeMap<Dialect, PathBuf>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Each image's list, with what it looked like when it was read.
    locks: BTreeMap<String, (Option<Stamp>, Option<Arc<Lock>>)>,
    /// Files whose bytes were read: what they looked like, whether they were as the list says, and when.
    read: BTreeMap<String, (Stamp, bool, Instant)>,
}

/// What changes with a file. The time of a change of its node cannot be set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self {
            inode: about.ino(),
            bytes: about.size(),
            changed: (about.mtime(), about.mtime_nsec()),
        })
    }
}

impl Artefacts {
    /// The files below this data directory, and those of other systems.
    #[must_use]
    pub fn new(data_dir: &Path, dialects: &[Compat]) -> Self {
        let directories = dialects
            .iter()
            .filter_map(|compat| Some((compat.dialect, PathBuf::from(compat.files_dir.as_ref()?))));
        Self {
            data_dir: data_dir.to_owned(),
            elsewhere: directories.collect(),
            known: Mutex::default(),
        }
    }

    /// Why a profile cannot be installed as it is rendered in this context, if that is so.
    #[must_use]
    pub fn trouble(&self, profile: &Profile, context: &Context) -> Option<String> {
        let plan = render_boot(profile, context).ok()?;
        paths(&plan, &context.server.url)
            .iter()
            .find_map(|named| match profile.source {
                Some(dialect) => self.of_another(dialect, profile, named),
                None => self.of_file(named),
            })
    }

    /// Where a file lies that a profile boots; nothing if its system serves no files.
    #[must_use]
    pub fn place(&self, profile: &Profile, path: &str) -> Option<PathBuf> {
        match profile.source {
            Some(dialect) => {
                let prefixes = ["/images/", "/assets/"];
                let inside = prefixes.iter().find_map(|prefix| path.strip_prefix(prefix))?;
                Some(self.elsewhere.get(&dialect)?.join(inside))
            }
            None => Some(self.data_dir.join(path.trim_start_matches('/'))),
        }
    }

    fn of_another(&self, dialect: Dialect, profile: &Profile, named: &Named) -> Option<String> {
        let (place, path, name) = (self.place(profile, &named.path)?, &named.path, dialect.name());
        (!named.is_at(&place)).then(|| format!("the images of {name} lack `{path}`: there is no `{}`", place.display()))
    }

    fn of_file(&self, named: &Named) -> Option<String> {
        let path = named.path.as_str();
        let (image, inside) = path.strip_prefix("/images/")?.split_once('/').or_else(|| {
            let image = path.strip_prefix("/images/").filter(|_| named.may_be_directory)?;
            Some((image, ""))
        })?;
        let place = self.data_dir.join(path.trim_start_matches('/'));
        if named.may_be_directory && place.is_dir() {
            return None;
        }
        let Some(stamp) = Stamp::of(&place) else {
            let whole = !inside.is_empty() && self.data_dir.join("images").join(image).is_dir();
            return Some(if whole {
                format!("image `{image}` has no file `{inside}`")
            } else {
                format!("image `{image}` is missing: `{path}` is not there")
            });
        };
        // An image that was put there by hand is what it is.
        let lock = self.lock(image)?;
        let changed = || {
            Some(format!(
                "image `{image}` was changed: `{inside}` is not the file that was added"
            ))
        };
        let Some(file) = lock.find(inside) else {
            return changed();
        };
        if file.bytes != stamp.bytes {
            return changed();
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.read.get(path) {
            Some((read, false, _)) if *read == stamp => changed(),
            _ => None,
        }
    }

    /// The list of an image, read again where it changed.
    fn lock(&self, image: &str) -> Option<Arc<Lock>> {
        let directory = self.data_dir.join("images").join(image);
        let stamp = Stamp::of(&directory.join(LOCK));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, lock)) = known.locks.get(image)
            && *read == stamp
        {
            return lock.clone();
        }
        let lock = Lock::of_directory(&directory).ok().flatten().map(Arc::new);
        known.locks.insert(image.to_owned(), (stamp, lock.clone()));
        lock
    }

    /// Reads the bytes of files that the profiles boot, as far as that is due. Blocks.
    pub(crate) fn read_due(&self, policy: &Policy) {
        let own = policy.profiles.values().filter(|profile| profile.source.is_none());
        let plans = own.filter_map(|profile| {
            let context = made_up(profile);
            Some((render_boot(profile, &context).ok()?, context.server.url))
        });
        let wanted: Vec<String> = plans
            .flat_map(|(plan, url)| paths(&plan, &url))
            .map(|named| named.path)
            .collect();
        for path in &wanted {
            let Some((image, inside)) = path.strip_prefix("/images/").and_then(|rest| rest.split_once('/')) else {
                continue;
            };
            let Some(lock) = self.lock(image) else { continue };
            let Some(file) = lock.find(inside) else { continue };
            let place = self.data_dir.join(path.trim_start_matches('/'));
            let Some(stamp) = Stamp::of(&place) else { continue };
            let is_known = {
                let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                let found = known.read.get(path.as_str());
                found.is_some_and(|(read, _, at)| *read == stamp && at.elapsed() < READ_EVERY)
            };
            if is_known {
                continue;
            }
            let Ok((sha256, _)) = hash_file(&place) else { continue };
            let good = sha256 == file.sha256;
            if !good {
                tracing::error!(
                    event = "img",
                    code = "E208",
                    file = path.as_str(),
                    "image `{image}` was changed; nothing that boots it is installed"
                );
            }
            // One that changed while it was read looks other by now, and is read again.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.read.insert(path.clone(), (stamp, good, Instant::now()));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.read.retain(|path, _| wanted.contains(path));
    }

    /// The same files, looked at from now on. To be called within a runtime.
    #[must_use]
    pub fn watched(data_dir: &Path, dialects: &[Compat], core: &Arc<Core>) -> Arc<Self> {
        let artefacts = Arc::new(Self::new(data_dir, dialects));
        tokio::spawn(Arc::clone(&artefacts).follow(Arc::clone(core)));
        artefacts
    }

    /// Looks at the files for ever.
    async fn follow(self: Arc<Self>, core: Arc<Core>) {
        loop {
            let (artefacts, policy) = (Arc::clone(&self), core.policy());
            // A file system that hangs holds up this look and nothing else.
            let _ = tokio::task::spawn_blocking(move || artefacts.read_due(&policy)).await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A file of ours that a plan names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its path on the machine plane.
    pub path: String,
    /// What an installer is told in the kernel's arguments can be where a whole tree begins; what firmware fetches cannot.
    pub may_be_directory: bool,
}

impl Named {
    /// Whether it is at this place.
    #[must_use]
    pub fn is_at(&self, place: &Path) -> bool {
        place.is_file() || (self.may_be_directory && place.is_dir())
    }
}

/// The files of ours that a plan boots, and those that its arguments tell the installer to fetch.
#[must_use]
pub fn paths(plan: &BootPlan, server_url: &str) -> Vec<Named> {
    let urls = std::iter::once(&plan.kernel).chain(plan.initrds.iter().map(|initrd| &initrd.url));
    let booted = urls
        .filter_map(|url| url.strip_prefix(server_url))
        .map(|path| (path, false));
    let told = plan
        .args
        .match_indices(server_url)
        .map(|(at, _)| &plan.args[at + server_url.len()..])
        .map(|rest| {
            rest.split([' ', ',', ';', '"', '\'', '|', '&', '?', '#'])
                .next()
                .unwrap_or_default()
        })
        .map(|path| (path.trim_end_matches('/'), true));
    booted
        .chain(told)
        .filter(|(path, _)| path.starts_with("/images/") || path.starts_with("/assets/"))
        .filter(|(path, _)| !path.contains("/../") && !path.ends_with("/.."))
        .map(|(path, may_be_directory)| Named {
            path: path.to_owned(),
            may_be_directory,
        })
        .collect()
}
