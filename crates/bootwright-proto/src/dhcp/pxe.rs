//! What goes into option 43 for PXE (PXE 2.1, table 2-1).

use std::net::Ipv4Addr;

/// How an offer tells a PXE ROM to go on, from the plain way to the ways that stubborn firmware needs.
///
/// The boot file of the offer is left out where the ROM is to ask again on port 4011 for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// "Download the file of this offer now": discovery control with bit 3. EDK2 asks port 4011 without it.
    Direct,
    /// The same with a menu prompt that waits for nobody, for ROMs that take bit 3 only beside a prompt.
    DirectWithMenu,
    /// No vendor options and no file: the ROM asks port 4011, for firmware that does not keep a proxy's offer.
    NoVendorOptions,
    /// A menu of one entry that is taken at once and leads to a boot server request, for old ROMs.
    OneEntryMenu,
}

impl Strategy {
    /// All strategies, in the order in which they are tried.
    pub const LADDER: [Self; 4] = [
        Self::Direct,
        Self::DirectWithMenu,
        Self::NoVendorOptions,
        Self::OneEntryMenu,
    ];

    /// The one to try when this one got no reaction; none after the last.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Direct => Some(Self::DirectWithMenu),
            Self::DirectWithMenu => Some(Self::NoVendorOptions),
            Self::NoVendorOptions => Some(Self::OneEntryMenu),
            Self::OneEntryMenu => None,
        }
    }

    /// The name under which what worked for a host is remembered.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::DirectWithMenu => "direct-with-menu",
            Self::NoVendorOptions => "no-vendor-options",
            Self::OneEntryMenu => "one-entry-menu",
        }
    }

    /// The strategy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::LADDER.into_iter().find(|strategy| strategy.name() == name)
    }

    /// Whether the offer itself carries the boot file.
    pub(super) const fn names_file_in_offer(self) -> bool {
        matches!(self, Self::Direct | Self::DirectWithMenu)
    }

    /// The value of option 43 in the offer of this server.
    pub(super) fn vendor_options(self, server: Ipv4Addr) -> Option<Vec<u8>> {
        match self {
            Self::Direct => Some(DIRECT.to_vec()),
            Self::DirectWithMenu => Some(DIRECT_WITH_MENU.to_vec()),
            Self::NoVendorOptions => None,
            Self::OneEntryMenu => Some(one_entry_menu(server)),
        }
    }
}

/// The boot server type of our one menu entry; the range from 0x8000 on is the vendors' own.
pub(super) const BOOT_SERVER_TYPE: [u8; 2] = [0x80, 0x00];

/// Discovery control (6) with bit 3: no discovery at all.
const DIRECT: &[u8] = b"\x06\x01\x08\xff";

/// The same and a prompt (10) with a timeout of zero. (tianocore/edk2 issue 8149)
const DIRECT_WITH_MENU: &[u8] = b"\x06\x01\x08\x0a\x04\x00PXE\xff";

/// What the Raspberry Pi boot ROM looks for: a menu whose item 0 has this very text (raspberrypi/firmware issue 871).
pub(super) const RASPBERRY_PI: &[u8] = b"\x06\x01\x03\x0a\x04\x00PXE\x09\x14\x00\x00\x11Raspberry Pi Boot\xff";

/// Only the servers listed (6, value 7), which is one (8), one menu item (9), a prompt that takes it at once (10).
fn one_entry_menu(server: Ipv4Addr) -> Vec<u8> {
    let [t0, t1] = BOOT_SERVER_TYPE;
    let [a, b, c, d] = server.octets();
    let mut value = vec![0x06, 1, 0x07];
    value.extend([0x08, 7, t0, t1, 1, a, b, c, d]);
    value.extend([0x09, 15, t0, t1, 12]);
    value.extend(b"Network boot");
    value.extend(b"\x0a\x04\x00PXE\xff");
    value
}

/// The boot item (71) that the client asked for, repeated: strict ROMs compare it.
pub(super) fn boot_item_echo(item: &[u8]) -> Option<Vec<u8>> {
    let len = u8::try_from(item.len()).ok()?;
    let mut value = vec![71, len];
    value.extend(item);
    value.push(0xff);
    Some(value)
}
