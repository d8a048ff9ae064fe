//! Files of this machine: a directory, an archive, a disc, or one file.

use std::path::Path;

use crate::add::{Work, copy_tree};
use crate::error::{Error, Result};
use crate::sums;

pub(crate) fn add(work: &mut Work<'_>, path: &Path) -> Result<()> {
    let about = path
        .metadata()
        .map_err(|error| Error::io("cannot read", path, &error))?;
    if about.is_dir() {
        if work.has_keys() || work.request.expected.is_some() {
            return Err(Error::new("a directory has neither a hash nor a signature")
                .hint("add the archive that it was unpacked from"));
        }
        copy_tree(&mut work.stage, path)?;
        work.proved("a directory of this machine".to_owned());
        return Ok(());
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    if let Some(expected) = work.request.expected.clone() {
        work.compare(path, &expected)?;
        work.proved(format!("{} as given", expected.words()));
    } else if let Some(place) = work.request.sums.clone() {
        let expected = sums::find(&work.sums(&place)?, &name)?;
        work.compare(path, &expected)?;
    } else if work.has_keys() {
        let signature = work.signature_beside(path)?;
        work.verify_file(path, &name, &signature)?;
    } else {
        work.proved("a file of this machine".to_owned());
    }
    work.unpack_or_keep(path, &name)
}
