//! What kind of firmware asks: the processor architecture types of DHCP option 93.

use std::fmt;

/// A processor architecture type as option 93 carries it (RFC 4578 section 2.1, continued in the IANA list).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arch(u16);

/// How an architecture expects its first boot file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// PXE: a file name and a TFTP server.
    Tftp,
    /// UEFI HTTP boot: a URL.
    Http,
}

/// The number, the short name that config keys use, the words for people, and how the first file is fetched.
const TABLE: &[(u16, &str, &str, Transport)] = &[
    (0x00, "bios", "x86 BIOS", Transport::Tftp),
    (0x06, "efi32", "x86 UEFI, 32 bit", Transport::Tftp),
    (0x07, "efi64", "x64 UEFI", Transport::Tftp),
    (0x09, "ebc", "x64 UEFI (EBC)", Transport::Tftp),
    (0x0a, "arm32", "ARM UEFI, 32 bit", Transport::Tftp),
    (0x0b, "arm64", "ARM UEFI, 64 bit", Transport::Tftp),
    (0x0f, "efi32-http", "x86 UEFI, 32 bit, HTTP boot", Transport::Http),
    (0x10, "efi64-http", "x64 UEFI, HTTP boot", Transport::Http),
    (0x11, "ebc-http", "x64 UEFI (EBC), HTTP boot", Transport::Http),
    (0x12, "arm32-http", "ARM UEFI, 32 bit, HTTP boot", Transport::Http),
    (0x13, "arm64-http", "ARM UEFI, 64 bit, HTTP boot", Transport::Http),
    (0x14, "bios-http", "x86 BIOS, HTTP boot", Transport::Http),
    (0x15, "arm32-uboot", "ARM U-Boot, 32 bit", Transport::Tftp),
    (0x16, "arm64-uboot", "ARM U-Boot, 64 bit", Transport::Tftp),
    (
        0x17,
        "arm32-uboot-http",
        "ARM U-Boot, 32 bit, HTTP boot",
        Transport::Http,
    ),
    (
        0x18,
        "arm64-uboot-http",
        "ARM U-Boot, 64 bit, HTTP boot",
        Transport::Http,
    ),
    (0x19, "riscv32", "RISC-V UEFI, 32 bit", Transport::Tftp),
    (0x1a, "riscv32-http", "RISC-V UEFI, 32 bit, HTTP boot", Transport::Http),
    (0x1b, "riscv64", "RISC-V UEFI, 64 bit", Transport::Tftp),
    (0x1c, "riscv64-http", "RISC-V UEFI, 64 bit, HTTP boot", Transport::Http),
    (0x1d, "riscv128", "RISC-V UEFI, 128 bit", Transport::Tftp),
    (
        0x1e,
        "riscv128-http",
        "RISC-V UEFI, 128 bit, HTTP boot",
        Transport::Http,
    ),
    (0x25, "loong32", "LoongArch UEFI, 32 bit", Transport::Tftp),
    (
        0x26,
        "loong32-http",
        "LoongArch UEFI, 32 bit, HTTP boot",
        Transport::Http,
    ),
    (0x27, "loong64", "LoongArch UEFI, 64 bit", Transport::Tftp),
    (
        0x28,
        "loong64-http",
        "LoongArch UEFI, 64 bit, HTTP boot",
        Transport::Http,
    ),
    (0x29, "rpi", "Raspberry Pi boot ROM", Transport::Tftp),
];

impl Arch {
    /// x86 machines with a BIOS and a PXE ROM.
    pub const BIOS: Self = Self(0x00);
    /// 32 bit x86 UEFI.
    pub const EFI32: Self = Self(0x06);
    /// 64 bit x86 UEFI.
    pub const EFI64: Self = Self(0x07);
    /// "EBC", in practice 64 bit x86 UEFI: RFC 4578's text had 7 and 9 the other way round.
    pub const EBC: Self = Self(0x09);
    /// 64 bit ARM UEFI.
    pub const ARM64: Self = Self(0x0b);
    /// 64 bit x86 UEFI that boots by HTTP. Not ARM, a common mistake.
    pub const EFI64_HTTP: Self = Self(0x10);

    /// The architecture with this number in option 93.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number in option 93.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// The architecture that config keys call so, such as `efi64`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| Self(row.0))
    }

    /// The name that config keys use, if the architecture is in our table.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.1)
    }

    /// All architectures that have a name, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| Self(row.0))
    }

    /// How the first boot file is fetched; PXE for architectures that nobody has heard of.
    #[must_use]
    pub fn transport(self) -> Transport {
        self.row().map_or(Transport::Tftp, |row| row.3)
    }

    /// Whether the firmware is UEFI, which decides how the local disk is booted.
    #[must_use]
    pub fn is_uefi(self) -> bool {
        matches!(self.0, 0x06 | 0x07 | 0x09 | 0x0a | 0x0b | 0x0f..=0x13 | 0x19..=0x1e | 0x25..=0x28)
    }

    /// Whether it is U-Boot, which asks for boot data without presenting itself as a PXE client.
    #[must_use]
    pub const fn is_uboot(self) -> bool {
        matches!(self.0, 0x15..=0x18)
    }

    fn row(self) -> Option<&'static (u16, &'static str, &'static str, Transport)> {
        TABLE.iter().find(|row| row.0 == self.0)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row() {
            Some(row) => f.write_str(row.2),
            None => write!(f, "architecture 0x{:02x}", self.0),
        }
    }
}

impl fmt::Debug for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arch(0x{:02x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_is_x64_http_and_never_arm() {
        let arch = Arch::new(16);
        assert_eq!(arch.to_string(), "x64 UEFI, HTTP boot");
        assert_eq!(arch.transport(), Transport::Http);
        assert!(arch.is_uefi());
    }

    #[test]
    fn names_lead_back_to_their_architecture() {
        for arch in Arch::all() {
            assert_eq!(arch.name().and_then(Arch::from_name), Some(arch));
        }
        assert_eq!(Arch::from_name("itanium"), None);
        assert_eq!(Arch::new(2).to_string(), "architecture 0x02");
    }
}
