//! The installer's root file system: busybox, the modules of a virtual machine, and our `init`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::cpio::Archive;
use super::kernel::Kernel;
use super::unpacked::unpack;

/// What the lab's machines are made of. A name that the kernel has built in is skipped.
const MODULES: [&str; 3] = ["virtio_pci", "virtio_blk", "virtio_net"];

const INIT: &str = include_str!("../../lab/init.sh");
const LEASE: &str = include_str!("../../lab/udhcpc.sh");

/// Writes the installer's archive to `target`. What has to be downloaded stays in `cache`.
pub(crate) fn build(kernel: &Kernel, cache: &Path, target: &Path) -> Result<()> {
    small_linux(kernel, &MODULES, INIT, LEASE, cache, target)
}

/// Writes a root file system to `target`: busybox, these modules in the order in which they load, the first process, and the
/// script that takes an address.
pub(crate) fn small_linux(
    kernel: &Kernel,
    modules: &[&str],
    init: &str,
    lease: &str,
    cache: &Path,
    target: &Path,
) -> Result<()> {
    let mut archive = Archive::new();
    for directory in ["bin", "dev", "proc", "sys", "tmp", "modules"] {
        archive.directory(directory);
    }
    // The kernel opens it for the first process before anything is mounted.
    archive.character_device("dev/console", 5, 1);
    archive.file("bin/busybox", 0o755, &busybox(cache)?);
    archive.symlink("bin/sh", "busybox");
    let mut order = String::new();
    for module in kernel.modules(modules)? {
        archive.file(&format!("modules/{}", module.file_name), 0o644, &module.content);
        order.push_str(&module.file_name);
        order.push('\n');
    }
    archive.file("modules/order", 0o644, order.as_bytes());
    archive.file("udhcpc.sh", 0o755, lease.as_bytes());
    archive.file("init", 0o755, init.as_bytes());
    fs::write(target, archive.finish()).with_context(|| format!("{}", target.display()))
}

/// A busybox that needs no libraries: the installed one if it is of that kind, else the package's.
fn busybox(cache: &Path) -> Result<Vec<u8>> {
    let root = cache.join("busybox");
    let look = || {
        [
            PathBuf::from("/usr/bin/busybox"),
            PathBuf::from("/bin/busybox"),
            root.join("usr/bin/busybox"),
            root.join("bin/busybox"),
        ]
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .find(|program| is_static(program))
    };
    if look().is_none() {
        unpack("busybox-static", &root)?;
    }
    look().context("Debian's package `busybox-static` holds no busybox")
}

/// A dynamic program names its loader near its start.
fn is_static(program: &[u8]) -> bool {
    let head = &program[..program.len().min(4096)];
    program.starts_with(b"\x7fELF") && !head.windows(8).any(|window| window == b"ld-linux")
}
