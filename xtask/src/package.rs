//! Tools that come from Debian packages: looked for, installed as root, otherwise asked for.

use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use crate::process;

/// Where tools lie that an ordinary user's `PATH` does not name.
const SYSTEM_DIRECTORIES: &[&str] = &["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Makes sure that each tool (a name to be found in `PATH`, or an absolute path) is there; the second word is the
/// Debian package that brings it.
///
/// As root, what is missing is installed. Otherwise the error is the command to run.
pub(crate) fn need(wanted: &[(&str, &str)]) -> Result<()> {
    let missing = missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || find("apt-get").is_none() {
        bail!(request(&missing));
    }
    install(&packages(&missing))?;
    let still: Vec<_> = missing.into_iter().filter(|(tool, _)| !present(tool)).collect();
    if !still.is_empty() {
        let list: Vec<_> = still
            .iter()
            .map(|(tool, package)| format!("`{tool}` from `{package}`"))
            .collect();
        bail!("the packages are installed, but still missing: {}", list.join(", "));
    }
    Ok(())
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    // The owner of a process's directory in /proc is its effective user.
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Where a tool lies, searched for in `PATH` and then in the system's own directories.
pub(crate) fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
        .map(|directory| directory.join(tool))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn present(tool: &str) -> bool {
    if tool.starts_with('/') {
        Path::new(tool).exists()
    } else {
        find(tool).is_some()
    }
}

fn missing<'a>(wanted: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    wanted.iter().copied().filter(|(tool, _)| !present(tool)).collect()
}

fn packages<'a>(missing: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn request(missing: &[(&str, &str)]) -> String {
    let tools: Vec<_> = missing.iter().map(|(tool, _)| format!("`{tool}`")).collect();
    let mut text = format!("missing here: {}\n", tools.join(", "));
    let _ = write!(
        text,
        "run this, then try again:\n    sudo apt-get update && sudo apt-get install --yes --no-install-recommends {}",
        packages(missing).join(" ")
    );
    text
}

fn install(packages: &[&str]) -> Result<()> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    eprintln!("installing from Debian packages: {}", packages.join(" "));
    if UPDATED.get().is_none() {
        process::output(&mut apt_get(&["update"])).context("cannot refresh the package lists")?;
        let _ = UPDATED.set(());
    }
    let _quiet = NoServices::declare()?;
    process::output(apt_get(&["install", "--yes", "--no-install-recommends"]).args(packages))
        .context("cannot install what is missing")?;
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // Another apt may be at work on a machine that has just been switched on.
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(arguments);
    command
}

/// While it lives, packages with a daemon do not start it: we want dnsmasq's program, not a DNS server on this box.
/// (`/usr/sbin/policy-rc.d` is what Debian's maintainer scripts ask.)
struct NoServices {
    policy: Option<&'static Path>,
}

impl NoServices {
    fn declare() -> Result<Self> {
        let policy = Path::new("/usr/sbin/policy-rc.d");
        if policy.exists() {
            return Ok(Self { policy: None });
        }
        std::fs::write(policy, "#!/bin/sh\nexit 101\n")
            .and_then(|()| std::fs::set_permissions(policy, std::fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("cannot write `{}`", policy.display()))?;
        Ok(Self { policy: Some(policy) })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(policy) = self.policy
            && let Err(error) = std::fs::remove_file(policy)
        {
            eprintln!(
                "warning: cannot remove `{}`: {error}; remove it by hand",
                policy.display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_asked_for() {
        need(&[("sh", "dash"), ("/proc/self", "no-such-package")]).unwrap();
    }

    #[test]
    fn the_request_is_one_command_with_each_package_once() {
        let wanted = [
            ("no-such-tool", "b-tools"),
            ("sh", "dash"),
            ("/no/such/file", "a-data"),
            ("other-tool", "b-tools"),
        ];
        assert_eq!(
            request(&missing(&wanted)),
            "missing here: `no-such-tool`, `/no/such/file`, `other-tool`\nrun this, then try again:\n    \
             sudo apt-get update && sudo apt-get install --yes --no-install-recommends a-data b-tools"
        );
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_tool() {
        assert!(!is_executable(Path::new("/etc/passwd")) && !is_executable(Path::new("/etc")));
        assert!(find("sh").is_some_and(|path| is_executable(&path)));
    }
}
