//! A site's own keys for Secure Boot: made here, known to a firmware's variables beside Microsoft's, and what is signed
//! with them. They protect nothing and never leave `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::debian::Suite;
use crate::process;

/// Under whose name the key stands in the firmware: any number will do.
const OWNER: &str = "1ab01ab0-0000-4000-8000-000000000001";

/// OVMF's variables with Microsoft's keys, to which ours is added.
const MICROSOFT: &str = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";

/// Where Debian 13's package has the module that writes OVMF's variables.
const MODULES: &str = "usr/lib/python3/dist-packages";

/// The key and its certificate.
pub(super) struct OwnKeys {
    key: PathBuf,
    certificate: PathBuf,
}

/// The variables of a firmware that knows the site's key.
pub(super) fn variables(home: &Path) -> PathBuf {
    home.join("own-keys/variables.fd")
}

impl OwnKeys {
    /// Makes what an earlier run has not made.
    pub(super) fn prepare(home: &Path) -> Result<Self> {
        let directory = home.join("own-keys");
        fs::create_dir_all(&directory)?;
        let keys = OwnKeys {
            key: directory.join("site.key"),
            certificate: directory.join("site.crt"),
        };
        if !keys.certificate.exists() {
            let mut openssl = Command::new("openssl");
            openssl
                .args("req -new -x509 -newkey rsa:2048 -sha256 -nodes -days 3650 -subj /CN=Lab-Secure-Boot".split(' '));
            process::output(openssl.arg("-keyout").arg(&keys.key).arg("-out").arg(&keys.certificate))?;
        }
        let variables = variables(home);
        if !variables.exists() {
            keys.enrol(&directory, &variables)
                .context("cannot add a key to the variables of OVMF")?;
        }
        Ok(keys)
    }

    fn enrol(&self, directory: &Path, variables: &Path) -> Result<()> {
        let root = directory.join("virt-firmware");
        if !root.join(MODULES).exists() {
            fs::create_dir_all(&root)?;
            let deb = Suite::open("trixie")?.download("python3-virt-firmware", None, &root)?;
            process::output(Command::new("dpkg-deb").arg("-x").args([&deb, &root]))?;
        }
        // Whole or not at all: what is there is taken for good the next time.
        let part = directory.join("variables.part");
        process::output(
            Command::new("/usr/bin/python3")
                .env("PYTHONPATH", root.join(MODULES))
                .args(["-m", "virt.firmware.vars", "--input", MICROSOFT, "--output"])
                .arg(&part)
                .args(["--add-db", OWNER])
                .arg(&self.certificate),
        )?;
        Ok(fs::rename(&part, variables)?)
    }

    /// Signs a program of UEFI, or a kernel, which is one; signatures that it has stay.
    pub(super) fn sign(&self, from: &Path, to: &Path) -> Result<()> {
        let mut sbsign = Command::new("sbsign");
        sbsign.arg("--key").arg(&self.key).arg("--cert").arg(&self.certificate);
        process::output(sbsign.arg("--output").args([to, from]))
            .with_context(|| format!("cannot sign `{}`", from.display()))
            .map(drop)
    }
}
