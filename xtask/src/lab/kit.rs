//! What the lab is made of: programs, the installer, the disk image, firmware and the product's binary.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::debian_installer;
use super::image;
use super::initrd;
use super::kernel::{Flavour, Kernel};
use super::own_keys::OwnKeys;
use crate::{firmware, live, package, process, tree};

/// Every program or file that the lab needs, with the Debian package that brings it. QEMU depends on the packages of its
/// BIOS and its network ROMs.
const NEEDED: [(&str, &str); 23] = [
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
    ("ethtool", "ethtool"),
    ("dnsmasq", "dnsmasq-base"),
    ("dhcrelay", "isc-dhcp-relay"),
    ("radvd", "radvd"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("/usr/share/OVMF", "ovmf"),
    ("qemu-system-aarch64", "qemu-system-arm"),
    ("/usr/share/AAVMF", "qemu-efi-aarch64"),
    ("mkfs.vfat", "dosfstools"),
    ("mcopy", "mtools"),
    ("grub-mkimage", "grub-common"),
    ("/usr/lib/grub/x86_64-efi/normal.mod", "grub-efi-amd64-bin"),
    ("depmod", "kmod"),
    ("xz", "xz-utils"),
    ("cc", "gcc"),
    ("/usr/include/stdlib.h", "libc6-dev"),
    ("openssl", "openssl"),
    ("sbsign", "sbsigntool"),
    ("/usr/lib/python3/dist-packages/cryptography", "python3-cryptography"),
    ("/usr/lib/python3/dist-packages/pefile.py", "python3-pefile"),
    (
        "/usr/lib/python3/dist-packages/importlib_resources",
        "python3-importlib-resources",
    ),
];

/// iPXE with the site's own signature, beside the other parts.
const SIGNED_IPXE: &str = "snponly.signed.efi";
const RESTLESS: &str = "restless.img";
/// The system that looks at machines and wipes disks.
const LIVE: &str = "live.img";
const ROOMY: &str = "roomy.img";

/// The prepared parts, below `target/lab`.
pub(crate) struct Kit {
    /// The product's binary.
    pub(crate) bootwright: PathBuf,
    /// The directory of the boot firmware.
    pub(crate) firmware: PathBuf,
    /// Where a run of the lab leaves its logs, captures and disks.
    pub(crate) runs: PathBuf,
    /// iPXE, signed with the site's own key.
    pub(crate) signed_ipxe: PathBuf,
    parts: PathBuf,
    /// The sector of the disk image that an install writes its nonce to.
    pub(crate) nonce_sector: u32,
}

impl Kit {
    /// Installs, builds and fetches what is missing.
    pub(super) fn prepare(bootwright: Option<&Path>) -> Result<Self> {
        package::need(&NEEDED)?;
        firmware::ensure_present()?;
        if bootwright.is_none() {
            process::run(tree::cargo().args(["build", "--quiet", "--locked", "--package", "bootwright"]))?;
        }
        let (home, parts) = places();
        fs::create_dir_all(&parts)?;
        let kernel = Kernel::find(Flavour::Cloud, &home)?;
        let keys = OwnKeys::prepare(&home)?;
        keys.sign(&kernel.image, &parts.join("vmlinuz"))?;
        keys.sign(&tree::root().join("firmware/snponly.efi"), &parts.join(SIGNED_IPXE))?;
        initrd::build(&kernel, &home, &parts.join("initrd.img")).context("the installer's root file system")?;
        debian_installer::prepare(&home, &parts).context("Debian's installer")?;
        live::build(&kernel, &home, &parts.join(LIVE)).context("the system that looks at machines")?;
        let sector = image::build(&home.join("image"), &keys, &parts.join("disk.img")).context("the disk image")?;
        fs::write(home.join("nonce-sector"), sector.to_string())?;
        image::build_restless(&home.join("restless"), &keys, &parts.join(RESTLESS)).context("the image that resets")?;
        image::build_roomy(&parts.join("disk.img"), sector, &parts.join(ROOMY)).context("the image that needs room")?;
        Self::open(bootwright)
    }

    /// The parts as an earlier `prepare` left them.
    pub(super) fn open(bootwright: Option<&Path>) -> Result<Self> {
        let (home, parts) = places();
        let nonce_sector = fs::read_to_string(home.join("nonce-sector"))
            .context("the lab was not prepared")?
            .parse()?;
        let bootwright = match bootwright {
            Some(path) => path.canonicalize().with_context(|| format!("{}", path.display()))?,
            None => tree::target().join("debug/bootwright"),
        };
        Ok(Kit {
            bootwright,
            firmware: tree::root().join("firmware"),
            runs: home.join("runs"),
            signed_ipxe: parts.join(SIGNED_IPXE),
            parts,
            nonce_sector,
        })
    }

    /// An image that resets the machine as soon as it starts.
    pub(crate) fn restless_image(&self) -> PathBuf {
        self.parts.join(RESTLESS)
    }

    /// An image that starts where no boot loader has taken much memory.
    pub(crate) fn roomy_image(&self) -> PathBuf {
        self.parts.join(ROOMY)
    }

    /// Puts kernels, root file systems and disk image where Bootwright serves images from.
    pub(super) fn furnish(&self, images: &Path) -> Result<()> {
        let debian = debian_installer::FILES.map(|(_, name)| (name, format!("lab/{name}")));
        let own = [
            ("vmlinuz", "lab/vmlinuz"),
            ("initrd.img", "lab/initrd.img"),
            ("disk.img", "lab/disk.img"),
            ("vmlinuz", "live/vmlinuz"),
            (LIVE, "live/initrd.img"),
        ];
        for (part, image) in own
            .map(|(part, image)| (part, image.to_owned()))
            .into_iter()
            .chain(debian)
        {
            // The same file under a second name, not a copy; another file system gets a copy.
            let (from, to) = (self.parts.join(part), images.join(image));
            fs::create_dir_all(to.parent().unwrap_or(images))?;
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop))?;
        }
        Ok(())
    }
}

fn places() -> (PathBuf, PathBuf) {
    let home = tree::target().join("lab");
    let parts = home.join("parts");
    (home, parts)
}
