//! pykickstart, which has the validator of Anaconda's kickstart files, for the tests: below cargo's target directory, since Debian
//! has no package of it.

use anyhow::Result;

use crate::{package, python};

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
    python::fetch(
        "kickstart",
        RELEASE,
        "--require-hashes",
        "pykickstart, which judges kickstart files",
    )
}
