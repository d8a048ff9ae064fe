//! What a message asks, or why nobody answers it whoever sent it.

use std::fmt;
use std::net::Ipv6Addr;

use super::duid::Duid;
use super::request::{Message, Request};

/// Why a message gets no answer, where the packet alone tells (RFC 8415 section 16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It was not sent to the group of all servers, as every client has to.
    Unicast,
    /// It comes from an address that no client of this link sends from.
    NotOfThisLink {
        /// The address.
        sender: Ipv6Addr,
    },
    /// The client does not say who it is.
    NoClientId,
    /// It speaks to no server, in a message for one.
    NoServerId,
    /// It speaks to one server, in a message for all.
    NamesServer,
    /// The client has chosen another server, and says so.
    ForAnotherServer,
    /// It asks for addresses and for none in the same breath.
    StatefulInformation,
}

impl Silence {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::NotOfThisLink { .. } => "not-of-this-link",
            Self::NoClientId => "no-client-id",
            Self::NoServerId => "no-server-id",
            Self::NamesServer => "names-server",
            Self::ForAnotherServer => "for-another-server",
            Self::StatefulInformation => "stateful-information",
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unicast => f.write_str("it was sent to one server and not to all of the link"),
            Self::NotOfThisLink { sender } => {
                write!(f, "it comes from {sender}, and clients send from link-local addresses")
            }
            Self::NoClientId => f.write_str("the client does not say who it is"),
            Self::NoServerId => f.write_str("it names no server, in a message for one"),
            Self::NamesServer => f.write_str("it names a server, in a message for all"),
            Self::ForAnotherServer => f.write_str("meant for another server"),
            Self::StatefulInformation => f.write_str("it asks for information only, and for addresses"),
        }
    }
}

/// The addresses of a message that no relay has passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Who sent it.
    pub sender: Ipv6Addr,
    /// Where to.
    pub destination: Ipv6Addr,
}

/// What the client asks of the server that calls itself `ours`. A relay, of which there are no `ends`, has seen to it that the
/// message comes from its client's link.
///
/// # Errors
/// The reason for silence. The order of the tests is fixed, since the reasons are counted.
pub fn question(request: &Request, ours: &Duid, ends: Option<Ends>) -> Result<Message, Silence> {
    if let Some(Ends { sender, destination }) = ends {
        if !destination.is_multicast() {
            return Err(Silence::Unicast);
        }
        if !sender.is_unicast_link_local() {
            return Err(Silence::NotOfThisLink { sender });
        }
    }
    let message = request.message;
    if request.client_id.is_none() && message != Message::Information {
        return Err(Silence::NoClientId);
    }
    match (message, &request.server_id) {
        (Message::Solicit | Message::Confirm | Message::Rebind, Some(_)) => {
            return Err(Silence::NamesServer);
        }
        (Message::Solicit | Message::Confirm | Message::Rebind | Message::Information, None) => {}
        (Message::Request | Message::Renew | Message::Release | Message::Decline, None) => {
            return Err(Silence::NoServerId);
        }
        (_, Some(server)) if server != ours => return Err(Silence::ForAnotherServer),
        (_, Some(_)) => {}
    }
    if message == Message::Information && !request.associations.is_empty() {
        return Err(Silence::StatefulInformation);
    }
    Ok(message)
}
