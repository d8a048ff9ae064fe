//! Programs of others in Python, fetched below cargo's target directory and installed nowhere.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{process, tree};

/// Fetches what a list in pip's form names into a directory of this name, unless what is there came by the same list.
///
/// # Errors
/// When it cannot be fetched; `what` says what it is needed for.
pub(crate) fn fetch(name: &str, list: &str, option: &str, what: &str) -> Result<()> {
    let root = tree::target().join(name);
    if fs::read_to_string(root.join("requirements.txt")).is_ok_and(|text| text == list) {
        return Ok(());
    }
    let loose = tree::target().join(format!("{name}.part"));
    for stale in [&loose, &root] {
        let _ = fs::remove_dir_all(stale);
    }
    fs::create_dir_all(&loose)?;
    let file = loose.join("requirements.txt");
    fs::write(&file, list)?;
    let mut pip = Command::new("/usr/bin/python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", option, "--target"]);
    pip.arg(&loose).arg("-r").arg(&file);
    process::output(&mut pip).with_context(|| format!("cannot fetch {what}"))?;
    fs::rename(&loose, &root)?;
    Ok(())
}
