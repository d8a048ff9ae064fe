//! The small Linux that looks at machines and wipes disks: Debian's kernel with the drivers of hardware, busybox, and a first process
//! that runs the script of its run. Nothing of it is committed; whoever needs it makes it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::lab::initrd::small_linux;
use crate::lab::kernel::{Flavour, Kernel};
use crate::{package, tree};

/// Options of `cargo xtask live`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to put `vmlinuz` and `initrd.img`; `bootwright image add live DIRECTORY` takes them from there.
    directory: PathBuf,
}

/// What else is needed on this machine.
const NEEDED: [(&str, &str); 3] = [("depmod", "kmod"), ("xz", "xz-utils"), ("dpkg-deb", "dpkg")];

/// The drivers of disks and cards. Those that a kernel has built in, or does not have, are skipped. Cards whose driver wants a
/// file of firmware from elsewhere are found, and do not work.
const MODULES: [&str; 62] = [
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "virtio_net",
    "virtio_rng",
    "ahci",
    "ata_piix",
    "ata_generic",
    "nvme",
    "sd_mod",
    "usb_storage",
    "uas",
    "xhci_pci",
    "ehci_pci",
    "megaraid_sas",
    "mpt3sas",
    "mpi3mr",
    "mptsas",
    "mptspi",
    "aacraid",
    "hpsa",
    "smartpqi",
    "arcmsr",
    "isci",
    "vmw_pvscsi",
    "hv_storvsc",
    "xen-blkfront",
    "mmc_block",
    "sdhci_pci",
    "sdhci_acpi",
    "e1000",
    "e1000e",
    "igb",
    "igc",
    "ixgbe",
    "i40e",
    "ice",
    "bnx2",
    "bnx2x",
    "bnxt_en",
    "tg3",
    "r8169",
    "r8152",
    "8139too",
    "mlx4_en",
    "mlx5_core",
    "qede",
    "be2net",
    "cxgb4",
    "enic",
    "atlantic",
    "sfc",
    "alx",
    "atl1c",
    "sky2",
    "forcedeth",
    "ax88179_178a",
    "cdc_ether",
    "vmxnet3",
    "hv_netvsc",
    "xen-netfront",
    "efivarfs",
];

const INIT: &str = include_str!("../live/init.sh");
const LEASE: &str = include_str!("../live/udhcpc.sh");

/// Makes the kernel and the root file system.
pub(crate) fn run(args: &Args) -> Result<()> {
    package::need(&NEEDED)?;
    let cache = tree::target().join("live");
    fs::create_dir_all(&cache)?;
    let kernel = Kernel::find(Flavour::Generic, &cache)?;
    fs::create_dir_all(&args.directory).with_context(|| format!("{}", args.directory.display()))?;
    let (image, root) = (args.directory.join("vmlinuz"), args.directory.join("initrd.img"));
    fs::copy(&kernel.image, &image).with_context(|| format!("{}", image.display()))?;
    build(&kernel, &cache, &root)?;
    println!("{}\n{}", image.display(), root.display());
    println!("bootwright image add live {}", args.directory.display());
    Ok(())
}

/// Writes the root file system to `target`. What has to be downloaded stays in `cache`.
pub(crate) fn build(kernel: &Kernel, cache: &Path, target: &Path) -> Result<()> {
    small_linux(kernel, &MODULES, INIT, LEASE, cache, target)
}
