//! An answer in words, before it becomes bytes.

use std::net::Ipv6Addr;

use super::duid::Duid;

/// How an answer is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An advertisement, which promises nothing.
    Advertise,
    /// What holds.
    Reply,
}

/// How what the client wanted went (RFC 8415 section 21.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Success,
    /// There is no address for this association.
    NoAddress,
    /// The addresses do not belong to this link.
    NotOnLink,
}

impl Status {
    /// The number of the status.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Success => 0,
            Self::NoAddress => 2,
            Self::NotOnLink => 4,
        }
    }
}

/// What the client is told of one of its associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The association's number with the client.
    pub association: u32,
    /// The address that it has; without one it is told that there is none.
    pub address: Option<Ipv6Addr>,
    /// For how long, in seconds; a client renews after half of it.
    pub secs: u32,
    /// Other addresses that it holds and may use no more.
    pub withdrawn: Vec<Ipv6Addr>,
}

/// What a client is told to boot, in the form that its kind understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// A PXE client or iPXE: the URL alone. A vendor class beside it would send EDK2 to port 4011.
    Url(String),
    /// UEFI HTTP boot, which takes nothing without the vendor class.
    Http(String),
}

impl Boot {
    /// The URL, with a literal address in it: names need a name server.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Url(url) | Self::Http(url) => url,
        }
    }
}

/// An answer to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it is meant.
    pub reply: Reply,
    /// How we call ourselves.
    pub server: Duid,
    /// Of each association.
    pub held: Vec<Held>,
    /// How it went, where that is the answer.
    pub status: Option<Status>,
    /// What to boot.
    pub boot: Option<Boot>,
    /// Name servers.
    pub dns: Vec<Ipv6Addr>,
}
