//! Packages of a Debian suite other than the machine's own, taken from the mirror that the machine already uses.
//!
//! Everything happens in a temporary directory with its own sources, lists and cache: the machine's own package
//! state is neither read (beyond the name of the mirror) nor changed. The archive's signature is checked with the
//! keyring that is installed here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::scratch::Scratch;

/// The keyring of Debian's archive, by its name in Debian 12 and before, and since.
const KEYRINGS: &[&str] = &[
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// A suite whose package lists have been fetched.
pub(crate) struct Suite {
    name: String,
    /// The architecture whose packages are wanted, if not this machine's.
    architecture: Option<String>,
    directory: Scratch,
}

impl Suite {
    /// Fetches the package lists of a suite, such as `trixie`.
    pub(crate) fn open(name: &str) -> Result<Self> {
        Self::open_as(name, None)
    }

    /// Fetches the package lists of a suite for machines of another architecture than this one, perhaps.
    pub(crate) fn open_for(name: &str, architecture: &str) -> Result<Self> {
        Self::open_as(name, Some(architecture.to_owned()))
    }

    fn open_as(name: &str, architecture: Option<String>) -> Result<Self> {
        let suite = Self {
            name: name.to_owned(),
            architecture,
            directory: Scratch::new("apt")?,
        };
        let top = suite.directory.path();
        for directory in ["lists/partial", "cache/archives/partial", "state", "preferences.d"] {
            std::fs::create_dir_all(top.join(directory))?;
        }
        std::fs::write(top.join("status"), "")?;
        std::fs::write(top.join("sources.list"), source_line(name)? + "\n")?;
        process::output(&mut suite.apt("apt-get", &["update"]))
            .with_context(|| format!("cannot fetch the package lists of Debian's suite `{name}`"))?;
        Ok(suite)
    }

    /// Downloads one package, in this version if one is given, and returns where it was put.
    pub(crate) fn download(&self, package: &str, version: Option<&str>, directory: &Path) -> Result<PathBuf> {
        let before = debs(directory)?;
        let wanted = version.map_or_else(|| package.to_owned(), |version| format!("{package}={version}"));
        process::output(self.apt("apt-get", &["download", &wanted]).current_dir(directory)).with_context(|| {
            format!(
                "cannot download the package `{wanted}` from Debian's suite `{}`",
                self.name
            )
        })?;
        let new: Vec<_> = debs(directory)?
            .into_iter()
            .filter(|deb| !before.contains(deb))
            .collect();
        match <[PathBuf; 1]>::try_from(new) {
            Ok([deb]) => Ok(deb),
            Err(found) => bail!("`apt-get download {wanted}` left {} packages, not one", found.len()),
        }
    }

    fn apt(&self, tool: &str, arguments: &[&str]) -> Command {
        let top = self.directory.path();
        let mut command = Command::new(tool);
        for (key, value) in [
            ("Dir::Etc::sourcelist", top.join("sources.list").into_os_string()),
            ("Dir::Etc::sourceparts", OsString::from("-")),
            ("Dir::Etc::preferences", OsString::from("-")),
            ("Dir::Etc::preferencesparts", top.join("preferences.d").into_os_string()),
            ("Dir::State", top.join("state").into_os_string()),
            ("Dir::State::lists", top.join("lists").into_os_string()),
            ("Dir::State::status", top.join("status").into_os_string()),
            ("Dir::Cache", top.join("cache").into_os_string()),
            // The user that apt would change to cannot enter our directory. What arrives is verified by signature.
            ("APT::Sandbox::User", OsString::from("root")),
            ("APT::Update::Error-Mode", OsString::from("any")),
            ("Acquire::Retries", OsString::from("3")),
            ("Acquire::Languages", OsString::from("none")),
            (
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
                OsString::from("false"),
            ),
            (
                "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled",
                OsString::from("false"),
            ),
        ] {
            let mut option = OsString::from(key);
            option.push("=");
            option.push(value);
            command.arg("-o").arg(option);
        }
        if let Some(architecture) = &self.architecture {
            command.arg("-o").arg(format!("APT::Architecture={architecture}"));
            command.arg("-o").arg(format!("APT::Architectures={architecture}"));
        }
        command.env("LC_ALL", "C").args(arguments);
        command
    }
}

/// The line of a sources list for a suite on this machine's mirror.
pub(crate) fn source_line(suite: &str) -> Result<String> {
    Ok(format!("deb [signed-by={}] {} {suite} main", keyring()?, mirror()?))
}

/// The keyring that Debian's archive is signed with.
pub(crate) fn keyring() -> Result<&'static str> {
    KEYRINGS
        .iter()
        .copied()
        .find(|path| Path::new(path).exists())
        .with_context(|| "no keyring of Debian's archive here; install the package `debian-archive-keyring`".to_owned())
}

/// The mirror that this machine takes its own Debian packages from.
pub(crate) fn mirror() -> Result<String> {
    let release = std::fs::read_to_string("/etc/os-release").context("cannot read `/etc/os-release`")?;
    let codename = codename(&release).context("`/etc/os-release` names no VERSION_CODENAME; is this Debian?")?;
    // What an update would fetch: this works before the first update too, and for everybody.
    let uris = process::output(Command::new("apt-get").args(["update", "--print-uris"]))?;
    choose_mirror(&uris, codename).with_context(|| {
        format!("apt's sources on this machine name no mirror with `{codename} main`; see /etc/apt/sources.list.d")
    })
}

fn codename(os_release: &str) -> Option<&str> {
    os_release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"'))
}

/// The site that has the main component of the suite which the machine runs (or calls by its role). Others publish
/// packages under the same names of suite and component; Debian's mirrors are called `…/debian`.
fn choose_mirror(uris: &str, codename: &str) -> Option<String> {
    let mut sites = Vec::new();
    for uri in uris
        .lines()
        .filter_map(|line| line.strip_prefix('\'')?.split('\'').next())
    {
        for suite in [codename, "stable", "oldstable", "testing"] {
            if let Some((site, _)) = uri.split_once(&format!("/dists/{suite}/main/binary-")) {
                sites.push(site);
            }
        }
    }
    let debian = sites.iter().find(|site| site.ends_with("/debian"));
    debian.or(sites.first()).map(|site| (*site).to_owned())
}

fn debs(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_with_the_machines_own_suite() {
        let uris = "'http://security.example/debian-security/dists/bookworm-security/main/binary-amd64/Packages.xz' a 0\n\
                    'http://vendor.example/linux/debian/dists/bookworm/stable/binary-amd64/Packages.xz' b 0\n\
                    'http://vendor.example/prod/dists/bookworm/main/binary-amd64/Packages.xz' c 0\n\
                    'http://mirror.example/debian/dists/bookworm/InRelease' d 0\n\
                    'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' e 0\n";
        assert_eq!(
            choose_mirror(uris, "bookworm").as_deref(),
            Some("http://mirror.example/debian")
        );
        assert_eq!(choose_mirror(uris, "trixie"), None);
        let only_copy = "'http://box.example/archive/dists/stable/main/binary-amd64/Packages.xz' a 0\n";
        assert_eq!(
            choose_mirror(only_copy, "bookworm").as_deref(),
            Some("http://box.example/archive")
        );
    }

    #[test]
    fn the_codename_is_read_with_and_without_quotes() {
        assert_eq!(codename("ID=debian\nVERSION_CODENAME=bookworm\n"), Some("bookworm"));
        assert_eq!(codename("VERSION_CODENAME=\"trixie\"\n"), Some("trixie"));
        assert_eq!(codename("ID=arch\n"), None);
    }
}
