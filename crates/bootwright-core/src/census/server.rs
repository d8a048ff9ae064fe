//! One other server: who it is, what it does, and what one packet shows of it.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use crate::{MacAddr, Timestamp};

/// Another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The station that sends its packets, where they came directly.
    pub station: Option<MacAddr>,
    /// The process that it is, if it runs on this very box and can be seen.
    pub process: Option<String>,
    /// What it was seen to do.
    pub deeds: BTreeSet<Deed>,
    /// When it was first noticed.
    pub first: Timestamp,
    /// When it was last noticed.
    pub last: Timestamp,
    /// What it did since the present round began.
    pub(super) of_late: BTreeSet<Deed>,
    pub(super) answers: bool,
    pub(super) missed: u8,
}

/// What a server was seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// It leases addresses.
    Leases,
    /// It tells boot clients where to boot, as we do.
    Boots,
    /// It leases addresses and names a boot file with them.
    NamesFile,
    /// It leases addresses and says `PXEClient` without a menu, so that UEFI asks it for the boot file and nobody else.
    ClaimsPxe,
    /// It tells iPXE not to wait for boot servers such as us.
    HidesProxies,
}

/// What one packet shows of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign<A = Ipv4Addr> {
    /// The address by which it calls itself; over IPv6, where it calls itself otherwise, the one that it sends from.
    pub server: A,
    /// The station that sent the packet, if it is known.
    pub station: Option<MacAddr>,
    /// The process that it is, if it runs on this very box and can be seen.
    pub process: Option<String>,
    /// What it does in the packet.
    pub deeds: BTreeSet<Deed>,
    /// How we came by the packet.
    pub by: By,
}

/// How we came by a sign of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// It answered a search of ours.
    Search,
    /// It spoke, or was spoken to, in our hearing.
    Chance,
}

/// What became of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It was not there before.
    Appeared,
    /// It does what it was not seen to do before.
    DoesMore,
    /// Its packets come from another station than before.
    Moved,
    /// It is gone.
    Vanished,
}

impl Server {
    pub(super) fn new<A>(now: Timestamp, sign: &Sign<A>) -> Self {
        Self {
            station: sign.station,
            process: sign.process.clone(),
            deeds: sign.deeds.clone(),
            of_late: sign.deeds.clone(),
            first: now,
            last: now,
            answers: sign.by == By::Search,
            missed: 0,
        }
    }

    pub(super) fn hear<A>(&mut self, now: Timestamp, sign: &Sign<A>) -> Option<Happening> {
        self.last = now;
        self.missed = 0;
        self.answers |= sign.by == By::Search;
        if sign.process.is_some() {
            self.process.clone_from(&sign.process);
        }
        let moved = self.station.is_some() && sign.station.is_some() && self.station != sign.station;
        self.station = sign.station.or(self.station);
        let more = !sign.deeds.is_subset(&self.deeds);
        self.deeds.extend(&sign.deeds);
        if sign.by == By::Search {
            self.of_late.extend(&sign.deeds);
        }
        match (moved, more) {
            (true, _) => Some(Happening::Moved),
            (false, true) => Some(Happening::DoesMore),
            (false, false) => None,
        }
    }
}

impl Deed {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leases => "leases",
            Self::Boots => "boots",
            Self::NamesFile => "names-file",
            Self::ClaimsPxe => "claims-pxe",
            Self::HidesProxies => "hides-proxies",
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leases => "leases addresses",
            Self::Boots => "tells machines where to boot",
            Self::NamesFile => "names a boot file",
            Self::ClaimsPxe => "says `PXEClient`, so that UEFI machines ask it for the boot file",
            Self::HidesProxies => "tells iPXE not to wait for boot servers",
        })
    }
}

impl fmt::Display for Server {
    /// Who and what it is, without its address: `(52:54:00:00:00:fe) leases addresses`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.process, self.station) {
            (Some(process), _) => write!(f, "({process} on this box) ")?,
            (None, Some(station)) => write!(f, "({station}) ")?,
            (None, None) => {}
        }
        let deeds: Vec<String> = self.deeds.iter().map(ToString::to_string).collect();
        if deeds.is_empty() {
            f.write_str("answers")
        } else {
            f.write_str(&deeds.join(", "))
        }
    }
}
