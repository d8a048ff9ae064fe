//! How a client or a server calls itself (RFC 8415 section 11).

use bootwright_core::MacAddr;

/// The longest that RFC 8415 allows: two bytes of type and 128 of identifier.
const LEN_MAX: usize = 130;

const LINK_LAYER_TIME: u16 = 1;
const LINK_LAYER: u16 = 3;
const UUID: u16 = 4;
const ETHERNET: u16 = 1;

/// A name that a machine keeps: opaque, except that some kinds show what they were made from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duid(Vec<u8>);

impl Duid {
    /// The name with these bytes, unless it is too short to have a type or longer than any may be.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (3..=LEN_MAX).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// The name that a card gives to a machine without any memory (section 11.4).
    #[must_use]
    pub fn of_card(mac: MacAddr) -> Self {
        let mut bytes = Vec::with_capacity(10);
        bytes.extend_from_slice(&LINK_LAYER.to_be_bytes());
        bytes.extend_from_slice(&ETHERNET.to_be_bytes());
        bytes.extend_from_slice(&mac.octets());
        Self(bytes)
    }

    /// The bytes as they stand in options 1 and 2.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The card that the name was made from, if it was. It need not be the one that asks: a machine has one name for all.
    #[must_use]
    pub fn card(&self) -> Option<MacAddr> {
        let (kind, rest) = self.split()?;
        let rest = match kind {
            LINK_LAYER_TIME => rest.get(..2).zip(rest.get(6..)),
            LINK_LAYER => rest.split_at_checked(2),
            _ => None,
        };
        let (hardware, address) = rest?;
        let octets: [u8; 6] = address.try_into().ok()?;
        let mac = MacAddr::new(octets);
        (hardware == ETHERNET.to_be_bytes() && !mac.is_zero() && !mac.is_multicast()).then_some(mac)
    }

    /// The sixteen bytes of a name that was made from a UUID (RFC 6355), in whichever order the client keeps them.
    #[must_use]
    pub fn uuid(&self) -> Option<[u8; 16]> {
        let (kind, rest) = self.split()?;
        (kind == UUID).then(|| rest.try_into().ok()).flatten()
    }

    fn split(&self) -> Option<(u16, &[u8])> {
        let (kind, rest) = self.0.split_first_chunk::<2>()?;
        Some((u16::from_be_bytes(*kind), rest))
    }
}
