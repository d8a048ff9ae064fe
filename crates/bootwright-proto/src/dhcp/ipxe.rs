//! Option 175, in which iPXE encapsulates what it is and what it can.

use std::fmt;

use super::options::Pieces;

/// What iPXE tells of itself. All is unknown where only the user class names it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Ipxe {
    /// One bit for each feature number that is present and not zero.
    features: u64,
    /// The card, as its bus describes it (sub-option 177).
    pub bus: Option<Bus>,
    /// The version that the build claims (sub-option 235). Some builds claim 1.0.0 whatever they are.
    pub version: Option<[u8; 3]>,
}

/// Where a network card sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bus {
    /// The kind of bus; 1 is PCI.
    pub kind: u8,
    /// The vendor's number on that bus.
    pub vendor: u16,
    /// The device's number with that vendor.
    pub device: u16,
}

/// A feature by its number in option 175 (iPXE, `src/include/ipxe/features.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Feature {
    /// PXE extensions.
    PxeExt = 0x10,
    /// iSCSI disks.
    Iscsi = 0x11,
    /// ATA over Ethernet disks.
    Aoe = 0x12,
    /// Downloads by HTTP.
    Http = 0x13,
    /// Downloads by HTTPS.
    Https = 0x14,
    /// Downloads by TFTP.
    Tftp = 0x15,
    /// Downloads by FTP.
    Ftp = 0x16,
    /// Name resolution.
    Dns = 0x17,
    /// Linux kernels with the x86 boot protocol.
    Bzimage = 0x18,
    /// Multiboot kernels.
    Multiboot = 0x19,
    /// PXE network bootstrap programs.
    Pxe = 0x21,
    /// ELF images.
    Elf = 0x22,
    /// SYSLINUX modules.
    Comboot = 0x23,
    /// EFI images.
    Efi = 0x24,
    /// Fibre channel over Ethernet.
    Fcoe = 0x25,
    /// VLAN interfaces.
    Vlan = 0x26,
    /// Menus in scripts.
    Menu = 0x27,
    /// Windows SDI images.
    Sdi = 0x28,
    /// Downloads by NFS.
    Nfs = 0x29,
}

impl Feature {
    /// Every feature that has a name, in the order of the numbers.
    pub const ALL: [Self; 19] = [
        Self::PxeExt,
        Self::Iscsi,
        Self::Aoe,
        Self::Http,
        Self::Https,
        Self::Tftp,
        Self::Ftp,
        Self::Dns,
        Self::Bzimage,
        Self::Multiboot,
        Self::Pxe,
        Self::Elf,
        Self::Comboot,
        Self::Efi,
        Self::Fcoe,
        Self::Vlan,
        Self::Menu,
        Self::Sdi,
        Self::Nfs,
    ];
}

const BUS_ID: u8 = 0xb1;
const VERSION: u8 = 0xeb;

impl Ipxe {
    /// Reads the value of option 175. What is cut off at its end is as if it were absent.
    #[must_use]
    pub fn from_option(value: &[u8]) -> Self {
        let mut ipxe = Self::default();
        for (code, data) in Pieces::padded(value).map_while(Result::ok) {
            match (code, data) {
                (0x10..=0x29, _) if data.iter().any(|byte| *byte != 0) => ipxe.features |= bit(code),
                (BUS_ID, [kind, v0, v1, d0, d1, ..]) => {
                    ipxe.bus = Some(Bus {
                        kind: *kind,
                        vendor: u16::from_be_bytes([*v0, *v1]),
                        device: u16::from_be_bytes([*d0, *d1]),
                    });
                }
                (VERSION, [major, minor, patch, ..]) => ipxe.version = Some([*major, *minor, *patch]),
                _ => {}
            }
        }
        ipxe
    }

    /// The features that the build has and that have a name.
    pub fn features(&self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(|feature| self.has(*feature))
    }

    /// The value of option 175 that says the same.
    #[must_use]
    pub fn to_option(&self) -> Vec<u8> {
        let mut value = Vec::new();
        if let Some(Bus { kind, vendor, device }) = self.bus {
            value.extend([BUS_ID, 5, kind]);
            value.extend(vendor.to_be_bytes());
            value.extend(device.to_be_bytes());
        }
        if let Some(version) = self.version {
            value.extend([VERSION, 3]);
            value.extend(version);
        }
        for code in (0x10..=0x29).filter(|code| self.features & bit(*code) != 0) {
            value.extend([code, 1, 1]);
        }
        value
    }

    /// The same build with one more feature.
    #[must_use]
    pub const fn with(mut self, feature: Feature) -> Self {
        self.features |= bit(feature as u8);
        self
    }

    /// Whether the build names no features at all.
    #[must_use]
    pub const fn has_none(&self) -> bool {
        self.features == 0
    }

    /// Whether the build has this feature.
    #[must_use]
    pub const fn has(&self, feature: Feature) -> bool {
        self.features & bit(feature as u8) != 0
    }
}

impl fmt::Debug for Ipxe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features: Vec<Feature> = self.features().collect();
        f.debug_struct("Ipxe")
            .field("features", &features)
            .field("bus", &self.bus)
            .field("version", &self.version)
            .finish()
    }
}

/// The place of a feature in the set; all known numbers lie below 64.
const fn bit(code: u8) -> u64 {
    1_u64.wrapping_shl(code as u32)
}
