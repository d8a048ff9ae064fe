//! The names by which a Raspberry Pi's firmware asks for its files.
//!
//! It asks below a directory that is named for it: the last eight digits of its serial number, or its card, by a setting
//! in its EEPROM. Where that directory is not there, and for the first file of a Pi 3, it asks without one.

use std::fmt;

use bootwright_core::MacAddr;

use super::{Who, sound};

/// The last eight digits of a serial number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PiSerial(u32);

/// What a Raspberry Pi asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PiAsking {
    /// Who it is, as far as the path says.
    pub who: Who,
    /// The file.
    pub file: PiFile,
}

/// A file of a Raspberry Pi.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PiFile {
    /// `config.txt`, which says what it starts.
    Config,
    /// What our configuration calls the kernel.
    Kernel,
    /// What it calls the initial ramdisk: all of them in one.
    Ramdisk,
    /// What it calls the kernel's arguments.
    Arguments,
    /// Any other file, which comes from the operator's directory.
    Other(String),
}

impl PiAsking {
    /// Reads a path: the file that a Raspberry Pi wants, if it is one that it could ask for.
    #[must_use]
    pub fn read(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let at = segments.iter().position(|segment| *segment == "bootwright");
        match at {
            Some(at) => ours(segments.get(..at)?, segments.get(at.checked_add(1)?..)?),
            None => theirs(&segments),
        }
    }
}

impl PiSerial {
    /// Reads eight hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u32::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for PiSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for PiSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PiSerial({self})")
    }
}

/// The directory in which our configuration says that our files are.
pub(crate) const OURS: &str = "bootwright/pi";

/// A file of ours: what stands before `bootwright`, and behind it.
fn ours(before: &[&str], behind: &[&str]) -> Option<PiAsking> {
    let ["pi", file] = behind else { return None };
    let file = match *file {
        "kernel" => PiFile::Kernel,
        "ramdisk" => PiFile::Ramdisk,
        "cmdline.txt" => PiFile::Arguments,
        _ => return None,
    };
    let who = match before {
        [] => Who::Anyone,
        [directory, ..] => of_directory(directory)?,
    };
    Some(PiAsking { who, file })
}

/// A file of the operator's, or the configuration.
fn theirs(segments: &[&str]) -> Option<PiAsking> {
    let (first, rest) = segments.split_first()?;
    let named = of_directory(first).filter(|_| !rest.is_empty());
    let (who, rest) = match named {
        Some(who) => (who, rest),
        None if is_firmware(first) => (Who::Anyone, segments),
        None => return None,
    };
    let file = match rest {
        ["config.txt"] => PiFile::Config,
        rest => PiFile::Other(rest.join("/")),
    };
    Some(PiAsking { who, file })
}

/// The machine that a directory is named for.
fn of_directory(name: &str) -> Option<Who> {
    let of_card = || {
        let mac: MacAddr = name.parse().ok()?;
        let mac = sound(mac)?;
        (name.len() == 17).then_some(Who::Card { mac, uuid: None })
    };
    PiSerial::parse(name).map(Who::Serial).or_else(of_card)
}

/// Whether a name is one that nothing but a Pi's firmware asks for at the root.
fn is_firmware(name: &str) -> bool {
    let between = |begin: &str, end: &str| name.starts_with(begin) && name.ends_with(end);
    let known = [
        "config.txt",
        "cmdline.txt",
        "autoboot.txt",
        "bootcfg.txt",
        "bootcode.bin",
        "bootsig.bin",
        "boot.img",
        "boot.sig",
        "dt-blob.bin",
        "recovery.elf",
        "overlays",
    ];
    known.contains(&name)
        || between("start", ".elf")
        || between("fixup", ".dat")
        || between("kernel", ".img")
        || between("bcm2", ".dtb")
        || between("armstub", ".bin")
        || name.starts_with("initramfs")
}
