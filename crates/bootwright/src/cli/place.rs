//! Where the daemon's data are, for commands that read them without it.

use std::path::PathBuf;

use super::argument::Common;
use super::failure::Failure;
use crate::api::DATABASE;
use crate::reload::Files;

/// Where data lies unless somebody says otherwise.
const DATA_DIR: &str = "/var/lib/bootwright";

/// The data directory: the one that is named, else the configuration's, else the built-in one.
pub(super) fn data_dir(common: &Common) -> PathBuf {
    let from_config = || {
        let loaded = Files::new(common.config.clone()).load().ok()?;
        loaded.daemon.data_dir.map(PathBuf::from)
    };
    let named = common.data_dir.clone().or_else(from_config);
    named.unwrap_or_else(|| PathBuf::from(DATA_DIR))
}

/// The record's file, which must be there.
pub(super) fn existing_store(common: &Common) -> Result<PathBuf, Failure> {
    let path = data_dir(common).join(DATABASE);
    if path.exists() {
        return Ok(path);
    }
    Err(Failure::File {
        message: format!("there is no store `{}`", path.display()),
        hint: "name the daemon's data directory with `--data-dir`".to_owned(),
    })
}
