//! The systems whose clients are answered, and whose data becomes profiles and rules.

/// A system whose clients we answer and whose data we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// bootcfg of December 2015 and January 2016, which became matchbox.
    Bootcfg,
    /// dynamic-ignition-coreos.
    DynamicIgnition,
    /// The Flatcar container.
    Flatcar,
    /// KIWIspray.
    Kiwispray,
    /// matchbox.
    Matchbox,
    /// The API that Pixiecore asks.
    Pixiecore,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Bootcfg,
        Self::DynamicIgnition,
        Self::Flatcar,
        Self::Kiwispray,
        Self::Matchbox,
        Self::Pixiecore,
    ];

    /// Its name in the configuration and in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bootcfg => "bootcfg",
            Self::DynamicIgnition => "dynamic-ignition",
            Self::Flatcar => "flatcar",
            Self::Kiwispray => "kiwispray",
            Self::Matchbox => "matchbox",
            Self::Pixiecore => "pixiecore",
        }
    }

    /// The dialect of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}
