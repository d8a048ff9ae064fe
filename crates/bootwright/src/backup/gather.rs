//! What belongs into a backup.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bootwright_config::{Compat, Dialect};
use bootwright_core::Policy;
use bootwright_images::{LOCK, Shelf, bundle};

use super::Image;

/// Directories of the data directory that are taken whole. Images come back by their lists, `assets/` is the operator's own,
/// and logs of installers are of no use to the next install. With `tls/` the dashboard keeps its fingerprint.
const DIRECTORIES: &[&str] = &["firmware", "tls"];

/// The record and what lies beside it: it is copied by itself.
const OF_THE_RECORD: &str = "bootwright.";

/// The configuration's files.
pub(crate) struct Configuration<'a> {
    /// The path of `config.toml`.
    pub(crate) main: &'a Path,
    /// What is in force, which names the documents beside it.
    pub(crate) policy: &'a Policy,
}

/// What goes into a backup beside the record.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Files by their paths in the archive.
    pub(super) files: BTreeMap<String, PathBuf>,
    pub(super) images: Vec<Image>,
}

/// Looks what there is.
///
/// # Errors
/// When a directory cannot be read.
pub(crate) fn gather(
    data_dir: &Path,
    compat: &[Compat],
    configuration: Option<Configuration<'_>>,
) -> anyhow::Result<Gathered> {
    let mut found = Gathered::default();
    let entries = fs::read_dir(data_dir).with_context(|| format!("cannot read `{}`", data_dir.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read `{}`", data_dir.display()))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if entry.file_type()?.is_file() && !name.starts_with(OF_THE_RECORD) && !name.starts_with('.') {
            found.files.insert(format!("data/{name}"), entry.path());
        }
    }
    for name in DIRECTORIES {
        let directory = data_dir.join(name);
        found
            .files
            .extend(bundle::gather(&directory, &format!("data/{name}")).map_err(told)?);
    }
    let written = compat
        .iter()
        .filter(|compat| compat.dialect == Dialect::Matchbox && compat.rpc.is_some());
    for directory in written.filter_map(|compat| compat.data_dir.as_deref()) {
        let files = bundle::gather(Path::new(directory), "matchbox").map_err(told)?;
        let of_the_api = files
            .into_iter()
            .filter(|(name, _)| !name.starts_with("matchbox/assets/"));
        found.files.extend(of_the_api);
    }
    let images = data_dir.join("images");
    for listed in Shelf::list(&images).map_err(told)? {
        if let Some(lock) = listed.lock {
            let place = images.join(&listed.name).join(LOCK);
            found.files.insert(format!("images/{}/{LOCK}", listed.name), place);
            found.images.push(Image {
                name: listed.name,
                source: lock.source,
            });
        }
    }
    if let Some(Configuration { main, policy }) = configuration {
        found.files.extend(config(main, policy)?);
    }
    Ok(found)
}

fn told(error: bootwright_images::Error) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

/// The configuration, its further files, and the documents beside them that its profiles name.
fn config(main: &Path, policy: &Policy) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let directory = main.parent().unwrap_or(Path::new("."));
    let mut found = bundle::gather(&directory.join("conf.d"), "config/conf.d").map_err(told)?;
    if main.is_file() {
        found.insert("config/config.toml".to_owned(), main.to_owned());
    }
    let documents = policy.profiles.values().flat_map(|profile| profile.files.values());
    for document in documents {
        let path = Path::new(&document.origin);
        if let Ok(name) = path.strip_prefix(directory)
            && path.is_file()
        {
            found.insert(format!("config/{}", name.display()), path.to_owned());
        }
    }
    Ok(found)
}
