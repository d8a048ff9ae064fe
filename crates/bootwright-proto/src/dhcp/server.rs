//! What a request asks of a server that leases addresses.

use std::net::Ipv4Addr;

use bootwright_core::lease::LeaseMessage;

use super::client::{Client, ClientKind};
use super::question::{Arrival, Port, Question, Silence, asks_for_menu_entry, question};
use super::request::{MessageType, Request};

/// What a client wants of a server that leases addresses and knows what to boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerQuestion {
    /// Something about its address. A boot client is told what to boot in the same reply.
    Lease(LeaseMessage),
    /// Its boot file: on port 4011, or for the entry of our boot menu. It has its address.
    Boot(Question),
}

/// What the client asks of a server in server mode, in which every client is answered. `to_us` says whether the request was
/// sent to one of our addresses and not to everybody: so a client renews its lease.
///
/// # Errors
/// The reason for silence, where the packet alone tells.
pub fn server_question(
    request: &Request,
    client: &Client,
    arrival: Arrival<'_>,
    to_us: bool,
) -> Result<ServerQuestion, Silence> {
    // EDK2's request for its boot file has the very form of a renewal; only the port tells the two apart.
    if arrival.port == Port::Pxe {
        return question(request, client, arrival).map(ServerQuestion::Boot);
    }
    let message = request.message.ok_or(Silence::Bootp)?;
    let other = request
        .server_id
        .filter(|id| !arrival.ours.contains(id) && request.server_id_override != Some(*id));
    if client.kind != ClientKind::Plain && message == MessageType::Request && asks_for_menu_entry(request) {
        return question(request, client, arrival).map(ServerQuestion::Boot);
    }
    let named = |address: Option<Ipv4Addr>| {
        address
            .filter(|address| !address.is_unspecified())
            .ok_or(Silence::NoAddress { message })
    };
    let to_other = other.map_or(Ok(()), |server| Err(Silence::ForAnotherServer { server }));
    let lease = match message {
        MessageType::Discover => LeaseMessage::Discover {
            wish: named(request.requested).ok(),
        },
        MessageType::Request => match (other, request.server_id) {
            (Some(server), _) => LeaseMessage::ChoseAnother { server },
            (None, server) => requested(request, server.is_some(), to_us).ok_or(Silence::NoAddress { message })?,
        },
        MessageType::Decline => {
            to_other?;
            LeaseMessage::Decline {
                address: named(request.requested)?,
            }
        }
        MessageType::Release => {
            to_other?;
            LeaseMessage::Release {
                address: named(Some(request.ciaddr))?,
            }
        }
        MessageType::Inform => LeaseMessage::Inform {
            address: named(Some(request.ciaddr))?,
        },
        MessageType::Offer | MessageType::Ack | MessageType::Nak | MessageType::Other(_) => {
            return Err(Silence::NotALeaseMessage { message });
        }
    };
    Ok(ServerQuestion::Lease(lease))
}

/// The four states in which a client sends a REQUEST, by the fields that it fills (RFC 2131, table 4). Some clients name
/// the server in a renewal as well, which must not turn it into the choice of an offer.
fn requested(request: &Request, chose_us: bool, to_us: bool) -> Option<LeaseMessage> {
    let ciaddr = Some(request.ciaddr).filter(|address| !address.is_unspecified());
    let wish = request.requested.filter(|address| !address.is_unspecified());
    match (wish, ciaddr) {
        (Some(address), _) if chose_us => Some(LeaseMessage::Select { address }),
        (_, Some(address)) if to_us => Some(LeaseMessage::Renew { address }),
        (_, Some(address)) => Some(LeaseMessage::Rebind { address }),
        (Some(address), None) => Some(LeaseMessage::Reboot { address }),
        (None, None) => None,
    }
}
