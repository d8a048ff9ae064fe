//! Why a datagram got no answer.

use std::fmt;

use bootwright_engine::Ipv6Why;
use bootwright_proto::dhcp6::{Discard, Silence, Unrenderable};

/// The reason, with its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It was longer than any DHCP packet.
    Truncated,
    /// It is no sound message of a client.
    Discarded(Discard),
    /// It is none for us.
    Silent(Silence),
    /// The engine says so.
    Engine(Ipv6Why),
    /// It comes from our own card: this box's own DHCP client.
    OwnPacket,
    /// The link has no address that a machine could be told.
    NoAddress,
    /// The client asks more often than any firmware does.
    TooOften,
    /// The reply cannot be written.
    Unrenderable(Unrenderable),
}

impl Ignored {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Discarded(discard) => discard.name(),
            Self::Silent(silence) => silence.name(),
            Self::Engine(why) => why.name(),
            Self::OwnPacket => "own-packet",
            Self::NoAddress => "no-address",
            Self::TooOften => "rate-limited",
            Self::Unrenderable(why) => why.name(),
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("longer than any DHCP packet"),
            Self::Discarded(discard) => write!(f, "{discard}"),
            Self::Silent(silence) => write!(f, "{silence}"),
            Self::Engine(why) => write!(f, "{why}"),
            Self::OwnPacket => f.write_str("it comes from this box itself"),
            Self::NoAddress => f.write_str("the interface has no IPv6 address that leads beyond its link"),
            Self::TooOften => f.write_str("it asks more often than any firmware does"),
            Self::Unrenderable(why) => write!(f, "{why}"),
        }
    }
}
