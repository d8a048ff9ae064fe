//! pykickstart, which has the validator of Anaconda's kickstart files, for the tests: below cargo's target directory, since Debian
//! has no package of it.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{package, process, tree};

/// The release, and the digest of its source as the Python package index has it.
const RELEASE: &str =
    "pykickstart==3.78 --hash=sha256:f9752920e48408a21588cf734a49cab6f4bdf7ab80c3262099a775bc9abb1895\n";

const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/python3", "python3"),
    ("/usr/lib/python3/dist-packages/pip", "python3-pip"),
    ("/usr/lib/python3/dist-packages/requests", "python3-requests"),
];

/// Fetches it, unless it is there.
pub(crate) fn run() -> Result<()> {
    package::need(NEEDED)?;
    let root = tree::target().join("kickstart");
    if root.join("pykickstart").is_dir() {
        return Ok(());
    }
    let loose = tree::target().join("kickstart.part");
    let _ = fs::remove_dir_all(&loose);
    fs::create_dir_all(&loose)?;
    let list = loose.join("requirements.txt");
    fs::write(&list, RELEASE)?;
    let options = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--target",
    ];
    let mut pip = Command::new("/usr/bin/python3");
    pip.args(options).arg(&loose).arg("-r").arg(&list);
    process::output(&mut pip).context("cannot fetch pykickstart, which judges kickstart files")?;
    fs::rename(&loose, &root)?;
    Ok(())
}
