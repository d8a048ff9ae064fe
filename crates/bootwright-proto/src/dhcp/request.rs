//! A request as we keep it: owned, with every option that matters read out.

use std::net::Ipv4Addr;

use bootwright_core::{Arch, MacAddr, Uuid};

use super::ipxe::Ipxe;
use super::options::Pieces;

/// Sub-option 1 of option 82: the circuit.
const RELAY_CIRCUIT: u8 = 1;

/// The DHCP message type, option 53 (RFC 2132 section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageType {
    /// 1: a client looks for servers.
    Discover,
    /// 2: a server's answer to it.
    Offer,
    /// 3: a client takes an offer, renews its lease, or asks a PXE boot server.
    Request,
    /// 4: the offered address is in use by somebody else.
    Decline,
    /// 5: a server grants what was requested.
    Ack,
    /// 6: a server refuses it.
    Nak,
    /// 7: a client gives its address back.
    Release,
    /// 8: a client that has its address asks for everything else.
    Inform,
    /// Any other number.
    Other(u8),
}

impl MessageType {
    /// The type with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Discover,
            2 => Self::Offer,
            3 => Self::Request,
            4 => Self::Decline,
            5 => Self::Ack,
            6 => Self::Nak,
            7 => Self::Release,
            8 => Self::Inform,
            other => Self::Other(other),
        }
    }

    /// The number of the type.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Discover => 1,
            Self::Offer => 2,
            Self::Request => 3,
            Self::Decline => 4,
            Self::Ack => 5,
            Self::Nak => 6,
            Self::Release => 7,
            Self::Inform => 8,
            Self::Other(code) => code,
        }
    }
}

/// What a client sent, once [`parse`](super::parse) found it sound.
///
/// An option of the wrong length counts as absent, unless its field says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The hardware type, 1 (Ethernet) or 6 (IEEE 802), which the reply repeats.
    pub htype: u8,
    /// How many relays the packet passed.
    pub hops: u8,
    /// The transaction id. Not unique: some ROMs send the same one on every boot, some send zero.
    pub xid: u32,
    /// Seconds since the client began. For display only: some firmware sends its bytes swapped.
    pub secs: u16,
    /// Whether the client asks for broadcast replies.
    pub broadcast: bool,
    /// The address that the client already has, else 0.0.0.0.
    pub ciaddr: Ipv4Addr,
    /// The relay that passed the packet on, else 0.0.0.0.
    pub giaddr: Ipv4Addr,
    /// The hardware address.
    pub mac: MacAddr,
    /// The whole hardware address field, padding included, which the reply repeats.
    pub chaddr: [u8; 16],
    /// Option 53. None is plain BOOTP.
    pub message: Option<MessageType>,
    /// Option 12, with what is not printable UTF-8 replaced, cut to 64 bytes.
    pub host_name: Option<String>,
    /// Option 50: the address that the client would like.
    pub requested: Option<Ipv4Addr>,
    /// Option 54: the server that the client has chosen.
    pub server_id: Option<Ipv4Addr>,
    /// Option 55: the options that the client would like.
    pub parameters: Vec<u8>,
    /// Option 57: the largest message, IP and UDP headers included, that the client takes.
    pub max_message: Option<u16>,
    /// Option 60, empty if absent.
    pub vendor_class: Vec<u8>,
    /// Option 61.
    pub client_id: Option<Vec<u8>>,
    /// Option 77: the classes of RFC 3004, or the whole value as one class where a client does not follow it.
    pub user_class: Vec<Vec<u8>>,
    /// Option 93, every architecture in the client's order; a trailing odd byte is left out.
    pub archs: Vec<Arch>,
    /// Option 94: the type, major and minor version of the network interface that the firmware provides.
    pub interface: Option<[u8; 3]>,
    /// The UUID of option 97; none if the option is absent, too short or of an unknown type.
    pub uuid: Option<Uuid>,
    /// Option 97 as it came, which the reply repeats.
    pub machine_id: Option<Vec<u8>>,
    /// Sub-option 71 of option 43 as it came: the item of our boot menu that the client asks for.
    pub boot_item: Option<Vec<u8>>,
    /// Present if the client is iPXE: option 175, or a user class that names it.
    pub ipxe: Option<Ipxe>,
    /// Option 82 as it came, which the reply repeats.
    pub relay_info: Option<Vec<u8>>,
    /// Sub-option 5 of option 82: the subnet for which the relay wants an address (RFC 3527); none without a relay.
    pub link_selection: Option<Ipv4Addr>,
    /// Sub-option 11 of option 82: the address that the relay wants to see as server identifier (RFC 5107); none without a
    /// relay.
    pub server_id_override: Option<Ipv4Addr>,
    /// Option 118: the subnet for which the client wants an address (RFC 3011).
    pub subnet_selection: Option<Ipv4Addr>,
}

impl Request {
    /// Whether a relay passed the packet on, so that the reply goes through it.
    #[must_use]
    pub fn is_relayed(&self) -> bool {
        !self.giaddr.is_unspecified()
    }

    /// The port or line from which the relay has the request, sub-option 1 of option 82 (RFC 3046 section 3.1); empty if
    /// it tells none.
    #[must_use]
    pub fn circuit(&self) -> &[u8] {
        let mut pieces = Pieces::plain(self.relay_info.as_deref().unwrap_or_default()).map_while(Result::ok);
        let circuit = pieces.find(|(code, _)| *code == RELAY_CIRCUIT);
        circuit.map_or(&[], |(_, value)| value)
    }

    /// The longest reply in bytes, without IP and UDP headers: what the client announced, but at least what every host
    /// must take (RFC 2131 section 2) and at most what fits an Ethernet frame. What a relay added comes on top of what the
    /// client takes, since the relay takes it out again (RFC 3046 section 2.1).
    #[must_use]
    pub fn reply_len_max(&self) -> usize {
        let announced = usize::from(self.max_message.unwrap_or(576).clamp(576, 1500));
        let added = self.relay_info.as_ref().map_or(0, |info| {
            let pieces = info.len().div_ceil(255).max(1);
            info.len().saturating_add(pieces.saturating_mul(2))
        });
        announced.saturating_add(added).min(1500).saturating_sub(28)
    }
}
