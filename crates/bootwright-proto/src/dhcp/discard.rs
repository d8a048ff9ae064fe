//! Why a packet is no request that we could read.

use std::fmt;

/// The reason for which [`parse`](super::parse) or [`parse_answer`](super::parse_answer) gave a packet up, with the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Fewer bytes than the fixed part and the cookie have, which are 240.
    TooShort {
        /// The length of the packet.
        len: usize,
    },
    /// Not a request: a server's reply (2), our own ones included, or nonsense.
    NotBootRequest {
        /// The first byte.
        op: u8,
    },
    /// Not a reply: a client's request (1), or nonsense.
    NotBootReply {
        /// The first byte.
        op: u8,
    },
    /// A link layer whose hardware addresses are not those of Ethernet.
    HardwareType {
        /// The second byte, an ARP hardware type.
        htype: u8,
    },
    /// A length of the hardware address other than six.
    HardwareLen {
        /// The third byte.
        hlen: u8,
    },
    /// The four bytes before the options are not those of RFC 1497: a BOOTP client of another age, or no DHCP at all.
    BadCookie {
        /// What stood there.
        cookie: [u8; 4],
    },
    /// More relays on the way than RFC 1542 allows.
    TooManyHops {
        /// The fourth byte.
        hops: u8,
    },
    /// A hardware address that no card may have: all zero, or a group address.
    BadHardwareAddress {
        /// The address.
        address: [u8; 6],
    },
    /// The packet ends inside an option on which the answer would depend.
    TruncatedOption {
        /// The option's number.
        code: u8,
        /// The length that the option claims; none if the packet ends before its length byte.
        declared: Option<u8>,
        /// How many of these bytes are there.
        left: usize,
    },
}

impl Discard {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too-short",
            Self::NotBootRequest { .. } => "not-boot-request",
            Self::NotBootReply { .. } => "not-boot-reply",
            Self::HardwareType { .. } => "hardware-type",
            Self::HardwareLen { .. } => "hardware-len",
            Self::BadCookie { .. } => "bad-cookie",
            Self::TooManyHops { .. } => "too-many-hops",
            Self::BadHardwareAddress { .. } => "bad-hardware-address",
            Self::TruncatedOption { .. } => "truncated-option",
        }
    }
}

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { len } => write!(f, "{len} bytes are too few for DHCP"),
            Self::NotBootRequest { op } => write!(f, "not a request: op is {op}"),
            Self::NotBootReply { op } => write!(f, "not a reply: op is {op}"),
            Self::HardwareType { htype } => write!(f, "hardware type {htype} is not Ethernet"),
            Self::HardwareLen { hlen } => write!(f, "hardware address length {hlen} is not 6"),
            Self::BadCookie { cookie: [a, b, c, d] } => write!(f, "no DHCP cookie: {a:02x}{b:02x}{c:02x}{d:02x}"),
            Self::TooManyHops { hops } => write!(f, "{hops} relays on the way"),
            Self::BadHardwareAddress {
                address: [a, b, c, d, e, g],
            } => {
                write!(
                    f,
                    "no card has the hardware address {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"
                )
            }
            Self::TruncatedOption {
                code,
                declared: Some(declared),
                left,
            } => write!(f, "option {code} claims {declared} bytes, {left} are there"),
            Self::TruncatedOption {
                code, declared: None, ..
            } => {
                write!(f, "the packet ends after the number of option {code}")
            }
        }
    }
}

impl std::error::Error for Discard {}
