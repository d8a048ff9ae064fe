//! Why a packet is no message of a client that we could read.

use std::fmt;

/// The reason for which [`parse`](super::parse) gave a packet up, with the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Fewer than the four bytes of type and transaction, or than the head of a relay's message.
    TooShort {
        /// The length of the packet.
        len: usize,
    },
    /// What servers and relays send, or a type that nobody knows.
    NotFromClient {
        /// The first byte.
        kind: u8,
    },
    /// It came through more relays in a row than there may be.
    TooManyRelays,
    /// A relay sent it, and it wraps no message.
    EmptyRelay,
    /// The packet ends inside an option.
    TruncatedOption {
        /// The option's number.
        code: u16,
        /// The length that the option claims; none if the packet ends before that.
        declared: Option<u16>,
        /// How many of these bytes are there.
        left: usize,
    },
    /// An option on which the answer depends has a length that it cannot have.
    BadOption {
        /// The option's number.
        code: u16,
        /// The length of its value.
        len: usize,
    },
}

impl Discard {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too-short",
            Self::NotFromClient { .. } => "not-from-client",
            Self::TooManyRelays => "too-many-relays",
            Self::EmptyRelay => "empty-relay",
            Self::TruncatedOption { .. } => "truncated-option",
            Self::BadOption { .. } => "bad-option",
        }
    }
}

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { len } => write!(f, "{len} bytes are too few for DHCPv6"),
            Self::NotFromClient { kind } => write!(f, "message type {kind} is none of a client"),
            Self::TooManyRelays => f.write_str("more relays passed it on than there may be in a row"),
            Self::EmptyRelay => f.write_str("a relay sent it without a message of a machine in it"),
            Self::TruncatedOption {
                code,
                declared: Some(declared),
                left,
            } => write!(f, "option {code} claims {declared} bytes, {left} are there"),
            Self::TruncatedOption {
                code, declared: None, ..
            } => write!(f, "the packet ends within the head of option {code}"),
            Self::BadOption { code, len } => write!(f, "option {code} cannot be {len} bytes long"),
        }
    }
}

impl std::error::Error for Discard {}
