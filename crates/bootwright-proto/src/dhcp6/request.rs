//! A client's message as we keep it.

use bootwright_core::Arch;
pub use bootwright_core::ipv6::{Association, Message};

use super::duid::Duid;

/// What a client says by the number of its message's type (RFC 8415 section 7.3); nothing if no client sends it.
pub(super) const fn message_from_code(code: u8) -> Option<Message> {
    Some(match code {
        1 => Message::Solicit,
        3 => Message::Request,
        4 => Message::Confirm,
        5 => Message::Renew,
        6 => Message::Rebind,
        8 => Message::Release,
        9 => Message::Decline,
        11 => Message::Information,
        _ => return None,
    })
}

/// What a client sent, once [`parse`](super::parse) found it sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it says.
    pub message: Message,
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
