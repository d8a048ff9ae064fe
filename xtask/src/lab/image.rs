//! The disk image that an install writes: it boots by BIOS and by UEFI, and either way prints what the install wrote.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::bootsector::{self, End};
use super::own_keys::OwnKeys;
use crate::{package, process, tree};

/// First sector of the only partition; 1 MiB, as every partitioning tool aligns.
const PARTITION_LBA: u32 = 2048;
const PARTITION_KIB: u32 = 7168;
const IMAGE_BYTES: usize = 16 << 20;
/// Partition type of an EFI system partition in a partition table of the old kind.
const EFI_SYSTEM: u8 = 0xef;
const SECTOR: usize = 512;
/// A BIOS leaves 639 KiB, an iPXE that was started by PXE some 560.
const ROOM_KIB: u16 = 620;

/// What the BIOS code prints in front of the nonce.
pub(super) const BIOS_BANNER: &str = "lab-disk: bios ";
/// What GRUB prints in front of the nonce (`xtask/lab/grub.cfg`).
pub(super) const EFI_BANNER: &str = "lab-disk: efi ";

const GRUB: &str = include_str!("../../lab/grub.cfg");
const GRUB_EARLY: &str = include_str!("../../lab/grub-early.cfg");
const GRUB_MODULES: [&str; 12] = [
    "part_msdos",
    "fat",
    "normal",
    "configfile",
    "echo",
    "sleep",
    "serial",
    "terminal",
    "search",
    "search_fs_file",
    "minicmd",
    "reboot",
];

/// Boot loaders that firmware with Secure Boot starts, and where an installed Debian has them.
const SIGNED: [&str; 2] = ["shimx64.efi", "grubx64.efi"];

/// What the restless image says on the serial line before it resets the machine.
pub(super) const RESTLESS_BANNER: &str = "lab-disk: starts and resets";

/// Writes an image to `target` that starts by BIOS and by UEFI, and resets the machine at once.
pub(super) fn build_restless(scratch: &Path, keys: &OwnKeys, target: &Path) -> Result<()> {
    fs::create_dir_all(scratch)?;
    let early = format!("serial --unit=0 --speed=115200\nterminal_output serial\necho \"{RESTLESS_BANNER}\"\nreboot\n");
    let partition = efi_partition(scratch, keys, &early)?;
    let banner = format!("{RESTLESS_BANNER}\n");
    fs::write(
        target,
        disk(&bootsector::assemble(&banner, PARTITION_LBA, End::Reset), &partition),
    )?;
    Ok(())
}

/// Writes an image to `target` that starts by BIOS as the given one does, but only where no boot loader has taken much of the
/// memory below 640 KiB; else it resets the machine.
pub(super) fn build_roomy(image: &Path, text_lba: u32, target: &Path) -> Result<()> {
    let mut image = fs::read(image)?;
    let sector = bootsector::assemble(BIOS_BANNER, text_lba, End::WaitAbove { kib: ROOM_KIB });
    // The table of partitions stays.
    image[..440].copy_from_slice(&sector[..440]);
    fs::write(target, image)?;
    Ok(())
}

/// Writes the image to `target`, and says which of its sectors the install has to write the nonce to. Its default boot
/// loader is signed with the site's own key.
pub(super) fn build(scratch: &Path, keys: &OwnKeys, target: &Path) -> Result<u32> {
    fs::create_dir_all(scratch)?;
    let partition = efi_partition(scratch, keys, GRUB_EARLY)?;
    let text_lba = PARTITION_LBA + sector_of(&partition, unwritten().as_bytes())?;

    let image = disk(&bootsector::assemble(BIOS_BANNER, text_lba, End::Wait), &partition);
    fs::write(target, image).with_context(|| format!("{}", target.display()))?;
    Ok(text_lba)
}

fn disk(boot_sector: &[u8; SECTOR], partition: &[u8]) -> Vec<u8> {
    let mut image = vec![0; IMAGE_BYTES];
    image[..SECTOR].copy_from_slice(boot_sector);
    image[446..462].copy_from_slice(&partition_entry());
    let start = PARTITION_LBA as usize * SECTOR;
    image[start..start + partition.len()].copy_from_slice(partition);
    image
}

/// The text as it stands in the image. A disk that prints this was written, but not by an install of ours.
fn unwritten() -> String {
    format!("{:\n<SECTOR$}", "nonce=unwritten\n")
}

/// A FAT file system with GRUB as the default boot loader.
fn efi_partition(scratch: &Path, keys: &OwnKeys, early: &str) -> Result<Vec<u8>> {
    let file = |name: &str| scratch.join(name);
    let run = |tool: &str, arguments: &[&str]| {
        let tool = package::find(tool).with_context(|| format!("`{tool}` is missing"))?;
        process::output(Command::new(tool).args(arguments).current_dir(scratch))
    };
    fs::write(file("grub.cfg"), GRUB)?;
    fs::write(file("early.cfg"), early)?;
    fs::write(file("nonce.cfg"), unwritten())?;
    let mut grub = vec![
        "-O",
        "x86_64-efi",
        "-p",
        "/EFI/BOOT",
        "-c",
        "early.cfg",
        "-o",
        "unsigned.efi",
    ];
    grub.extend(GRUB_MODULES);
    run("grub-mkimage", &grub)?;
    keys.sign(&file("unsigned.efi"), &file("BOOTX64.EFI"))?;

    let image = file("esp.img");
    if image.exists() {
        fs::remove_file(&image)?;
    }
    // One sector a cluster: every file begins on a sector of its own, and a sector is all that the nonce takes.
    let size = PARTITION_KIB.to_string();
    run(
        "mkfs.vfat",
        &["-C", "-F", "16", "-s", "1", "-i", "1ab01ab0", "esp.img", &size],
    )?;
    run("mmd", &["-i", "esp.img", "::/EFI", "::/EFI/BOOT"])?;
    let files = ["-i", "esp.img", "nonce.cfg", "grub.cfg", "BOOTX64.EFI", "::/EFI/BOOT/"];
    run("mcopy", &files)?;
    let firmware = tree::root().join("firmware");
    if SIGNED.iter().all(|name| firmware.join(name).exists()) {
        // This GRUB is the one for the network, which knows disks as well, and looks for its configuration in `/grub`.
        run("mmd", &["-i", "esp.img", "::/EFI/debian", "::/grub"])?;
        for name in SIGNED {
            fs::copy(firmware.join(name), file(name))?;
            run("mcopy", &["-i", "esp.img", name, "::/EFI/debian/"])?;
        }
        fs::write(
            file("signed.cfg"),
            GRUB.replace("$prefix/nonce.cfg", "/EFI/BOOT/nonce.cfg"),
        )?;
        run("mcopy", &["-i", "esp.img", "signed.cfg", "::/grub/grub.cfg"])?;
    }
    Ok(fs::read(image)?)
}

fn partition_entry() -> [u8; 16] {
    let mut entry = [0; 16];
    entry[0] = 0x80; // Active: some BIOSes start no disk without an active partition.
    // Cylinder, head and sector cannot say where this is; all ones tells readers to use the fields below.
    entry[1..4].copy_from_slice(&[0xfe, 0xff, 0xff]);
    entry[4] = EFI_SYSTEM;
    entry[5..8].copy_from_slice(&[0xfe, 0xff, 0xff]);
    entry[8..12].copy_from_slice(&PARTITION_LBA.to_le_bytes());
    entry[12..16].copy_from_slice(&(PARTITION_KIB * 2).to_le_bytes());
    entry
}

/// The only sector of `partition` that holds exactly `content`.
fn sector_of(partition: &[u8], content: &[u8]) -> Result<u32> {
    let mut found = partition
        .chunks(SECTOR)
        .enumerate()
        .filter(|(_, sector)| *sector == content);
    let (Some((sector, _)), None) = (found.next(), found.next()) else {
        bail!("the file for the nonce is not in exactly one sector of the EFI partition");
    };
    Ok(u32::try_from(sector)?)
}
