//! Debian's kernel for the installer: the one that is installed, else the package's content without installing it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::unpacked::unpack;
use crate::process;

/// A kernel and the directory of its modules.
pub(crate) struct Kernel {
    pub(crate) image: PathBuf,
    modules: PathBuf,
}

/// One module as `insmod` takes it.
pub(crate) struct Module {
    pub(crate) file_name: String,
    pub(crate) content: Vec<u8>,
}

/// One of Debian's kernels for PCs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// With the drivers of virtual machines alone.
    Cloud,
    /// With the drivers of hardware.
    Generic,
}

impl Flavour {
    /// The package that depends on the newest.
    const fn meta_package(self) -> &'static str {
        match self {
            Self::Cloud => "linux-image-cloud-amd64",
            Self::Generic => "linux-image-amd64",
        }
    }

    /// Whether a version such as `6.1.0-37-cloud-amd64` is of this flavour.
    fn fits(self, version: &str) -> bool {
        let words: Vec<&str> = version
            .split('-')
            .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
            .collect();
        match self {
            Self::Cloud => words.ends_with(&["cloud", "amd64"]),
            Self::Generic => words == ["amd64"],
        }
    }
}

impl Kernel {
    /// Finds the newest kernel in `/boot`, else takes it from its package into `cache`.
    pub(crate) fn find(flavour: Flavour, cache: &Path) -> Result<Self> {
        if let Some(kernel) = newest(
            flavour,
            Path::new("/boot"),
            &[Path::new("/lib/modules"), Path::new("/usr/lib/modules")],
        ) {
            return Ok(kernel);
        }
        let root = cache.join("kernel");
        let modules = [root.join("lib/modules"), root.join("usr/lib/modules")];
        let look = || newest(flavour, &root.join("boot"), &[&modules[0], &modules[1]]);
        if let Some(kernel) = look() {
            return Ok(kernel);
        }
        let package = concrete_package(flavour)?;
        unpack(&package, &root)?;
        look().with_context(|| format!("`{package}` holds no kernel with modules"))
    }

    /// The named modules and everything they need, in the order in which they must be loaded.
    pub(crate) fn modules(&self, names: &[&str]) -> Result<Vec<Module>> {
        let table = self.modules.join("modules.dep");
        let needs = match fs::read_to_string(&table) {
            Ok(text) => parse_dependencies(&text),
            // A package that was only unpacked has no table yet: `depmod` writes it.
            Err(_) => self.generate_dependencies()?,
        };
        let mut order: Vec<String> = Vec::new();
        for name in names {
            let Some((path, first)) = needs.iter().find(|(path, _)| module_name(path) == *name) else {
                continue; // Built in.
            };
            // The table names a module's needs with the deepest last.
            for needed in first.iter().rev().chain([path]) {
                if !order.contains(needed) {
                    order.push(needed.clone());
                }
            }
        }
        order.iter().map(|path| self.read(path)).collect()
    }

    fn generate_dependencies(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let version = self
            .modules
            .file_name()
            .context("a module directory has a name")?
            .to_string_lossy();
        let root = self
            .modules
            .ancestors()
            .nth(3)
            .context("modules lie below lib/modules")?;
        let text = process::output(Command::new("depmod").args(["-n", "-b"]).arg(root).arg(&*version))
            .context("the unpacked kernel has no `modules.dep`; `depmod` comes with Debian's package `kmod`")?;
        let end = text.find("\nalias ").unwrap_or(text.len());
        Ok(parse_dependencies(&text[..end]))
    }

    fn read(&self, path: &str) -> Result<Module> {
        let file = self.modules.join(path);
        let content = if path.ends_with(".xz") {
            // Busybox's `insmod` takes plain modules only.
            process::output_bytes(Command::new("xz").arg("-dc").arg(&file))?
        } else {
            fs::read(&file).with_context(|| format!("{}", file.display()))?
        };
        Ok(Module {
            file_name: format!("{}.ko", module_name(path)),
            content,
        })
    }
}

fn concrete_package(flavour: Flavour) -> Result<String> {
    let meta = flavour.meta_package();
    let text = process::output(Command::new("apt-cache").args(["depends", meta]))?;
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("linux-image-"))
        .map(str::to_owned)
        .with_context(|| format!("`apt-cache depends {meta}` names no kernel; run `apt-get update`"))
}

/// The newest kernel of a flavour in `boot` that has its modules below one of `module_roots`.
fn newest(flavour: Flavour, boot: &Path, module_roots: &[&Path]) -> Option<Kernel> {
    let mut versions: Vec<String> = fs::read_dir(boot)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_prefix("vmlinuz-").map(str::to_owned))
        .filter(|version| flavour.fits(version))
        .collect();
    versions.sort_by_key(|version| numbers(version));
    versions.iter().rev().find_map(|version| {
        let modules = module_roots
            .iter()
            .map(|root| root.join(version))
            .find(|path| path.join("kernel").is_dir())?;
        Some(Kernel {
            image: boot.join(format!("vmlinuz-{version}")),
            modules,
        })
    })
}

fn numbers(version: &str) -> Vec<u64> {
    version
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

fn parse_dependencies(text: &str) -> BTreeMap<String, Vec<String>> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(path, needs)| (path.to_owned(), needs.split_whitespace().map(str::to_owned).collect()))
        .collect()
}

/// `kernel/drivers/net/virtio_net.ko.xz` is `virtio_net`.
fn module_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}
