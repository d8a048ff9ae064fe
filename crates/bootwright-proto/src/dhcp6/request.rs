//! A client's message as we keep it.

use bootwright_core::Arch;
pub use bootwright_core::ipv6::Association;

use super::duid::Duid;

/// What a client says (RFC 8415 section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageType {
    /// 1: it looks for servers.
    Solicit,
    /// 3: it takes what a server has advertised.
    Request,
    /// 4: it asks whether its addresses still belong to its link.
    Confirm,
    /// 5: it asks the server of its lease for more time.
    Renew,
    /// 6: it asks any server for more time.
    Rebind,
    /// 8: it gives its addresses back.
    Release,
    /// 9: somebody else uses what it was given.
    Decline,
    /// 11: it has its addresses and asks for everything else.
    InformationRequest,
}

impl MessageType {
    /// The type with this number, if it is one of a client.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Solicit,
            3 => Self::Request,
            4 => Self::Confirm,
            5 => Self::Renew,
            6 => Self::Rebind,
            8 => Self::Release,
            9 => Self::Decline,
            11 => Self::InformationRequest,
            _ => return None,
        })
    }
}

/// What a client sent, once [`parse`](super::parse) found it sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it says.
    pub message: MessageType,
    /// The transaction, three bytes that the answer repeats.
    pub transaction: [u8; 3],
    /// Option 1: how the client calls itself.
    pub client_id: Option<Duid>,
    /// Option 2: the server that it speaks to.
    pub server_id: Option<Duid>,
    /// Options 3: what it wants addresses for, at most four.
    pub associations: Vec<Association>,
    /// Option 6: what it would like to know.
    pub wishes: Vec<u16>,
    /// Option 15.
    pub user_class: Vec<Vec<u8>>,
    /// Option 16.
    pub vendor_class: Option<VendorClass>,
    /// Option 61: every architecture that it can run, in its order.
    pub archs: Vec<Arch>,
    /// Option 62: the type, major and minor version of the network interface that the firmware provides.
    pub interface: Option<[u8; 3]>,
}

/// How a client presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorClass {
    /// Whose words these are, by IANA's list; 343 is Intel, as the PXE specification has it.
    pub enterprise: u32,
    /// The first of the words.
    pub words: Vec<u8>,
}
