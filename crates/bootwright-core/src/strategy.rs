//! How an offer tells a machine's firmware to go on.

use std::fmt;

/// The ways to word an offer, from the plain one to those that stubborn firmware needs.
///
/// They differ in DHCP option 43, in whether the offer names the boot file or leaves it to port 4011, and in whose offer
/// it looks like.
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
    /// The DHCP server's own offer, repeated with our boot data in it, for firmware that never puts two offers together.
    /// Only where the configuration allows it.
    Merged,
}

impl Strategy {
    /// All strategies, in the order in which they are tried.
    pub const LADDER: [Self; 5] = [
        Self::Direct,
        Self::DirectWithMenu,
        Self::NoVendorOptions,
        Self::OneEntryMenu,
        Self::Merged,
    ];

    /// The one to try when this one got no reaction; after the last comes the first again.
    #[must_use]
    pub const fn next(self, merged: bool) -> Self {
        match self {
            Self::Direct => Self::DirectWithMenu,
            Self::DirectWithMenu => Self::NoVendorOptions,
            Self::NoVendorOptions => Self::OneEntryMenu,
            Self::OneEntryMenu if merged => Self::Merged,
            Self::OneEntryMenu | Self::Merged => Self::Direct,
        }
    }

    /// The name that the configuration and the record use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::DirectWithMenu => "direct-with-menu",
            Self::NoVendorOptions => "no-vendor-options",
            Self::OneEntryMenu => "one-entry-menu",
            Self::Merged => "merged",
        }
    }

    /// The strategy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::LADDER.into_iter().find(|strategy| strategy.name() == name)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
