//! What one request of a machine shows of it.

use std::net::IpAddr;

use crate::{Arch, Facts, MacAddr};

/// What is seen of a machine in one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The facts that it sends.
    pub facts: Facts,
    /// The card that it boots from.
    pub boot_mac: Option<MacAddr>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The interface of ours on which it came.
    pub link: Option<String>,
    /// What firmware it has, where the request tells.
    pub firmware: Option<Firmware>,
    /// The architecture that its DHCP request names.
    pub arch: Option<Arch>,
    /// Whether a person at its console agreed to an install.
    pub confirmed: bool,
    /// Which entry of a boot menu a person at its console chose; the first is 0.
    pub chosen: Option<u16>,
    /// Whether a person at its console opened the menu that waiting machines may open.
    pub menu: bool,
}

/// The two kinds of firmware that differ in how the local disk is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Firmware {
    /// A PC BIOS.
    Bios,
    /// UEFI of any architecture.
    Uefi,
}

impl Firmware {
    /// The firmware that iPXE's `${platform}` names.
    #[must_use]
    pub fn from_platform(platform: &str) -> Option<Self> {
        match platform {
            "pcbios" => Some(Self::Bios),
            "efi" => Some(Self::Uefi),
            _ => None,
        }
    }

    /// The firmware of an architecture.
    #[must_use]
    pub fn of(arch: Arch) -> Self {
        if arch.is_uefi() { Self::Uefi } else { Self::Bios }
    }
}
