//! Debian's cloud-init for the tests: unpacked below cargo's target directory and not installed, since its services would take hold
//! of this machine at its next start.

use anyhow::Result;

use crate::lab::unpacked::unpack;
use crate::{package, tree};

/// What it needs of Python.
const LIBRARIES: &[(&str, &str)] = &[
    ("/usr/bin/python3", "python3"),
    ("/usr/lib/python3/dist-packages/configobj", "python3-configobj"),
    ("/usr/lib/python3/dist-packages/jinja2", "python3-jinja2"),
    ("/usr/lib/python3/dist-packages/jsonpatch.py", "python3-jsonpatch"),
    ("/usr/lib/python3/dist-packages/jsonschema", "python3-jsonschema"),
    ("/usr/lib/python3/dist-packages/oauthlib", "python3-oauthlib"),
    ("/usr/lib/python3/dist-packages/requests", "python3-requests"),
    ("/usr/lib/python3/dist-packages/serial", "python3-serial"),
    ("/usr/lib/python3/dist-packages/yaml", "python3-yaml"),
    ("unshare", "util-linux"),
];

/// Unpacks it, unless it is there.
pub(crate) fn run() -> Result<()> {
    package::need(LIBRARIES)?;
    let root = tree::target().join("cloud-init");
    if root.join("usr/lib/python3/dist-packages/cloudinit").is_dir() {
        return Ok(());
    }
    unpack("cloud-init", &root)
}
