//! What relays wrap around the messages of clients (RFC 8415 section 9), and around the answers.

use std::net::Ipv6Addr;

use bootwright_core::MacAddr;

use super::client::sender_card;
use super::discard::Discard;
use super::options::{CLIENT_LINK_LAYER, INTERFACE_ID, Pieces, RELAY_MESSAGE};

/// The types of what a relay sends to servers, and of what servers send to it (RFC 8415 section 7.3).
const FORWARD: u8 = 12;
const REPLY: u8 = 13;

/// The most relays in a row: the first counts 0, and one that would count more than 8 passes nothing on (RFC 8415 section 7.6).
const RELAYS_MAX: usize = 9;

/// A client's message and the way that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed<'a> {
    /// What the client sent.
    pub message: &'a [u8],
    /// The address that it sent it from.
    pub peer: Ipv6Addr,
    /// The card that it sent it from, where the relay next to it says so (RFC 6939) or its address shows it.
    pub card: Option<MacAddr>,
    /// An address of the link that it is on; none where no relay knows one.
    pub link: Option<Ipv6Addr>,
    /// The relays; the one that sent us the packet first.
    relays: Vec<Relay>,
}

/// What a relay says, and hears again in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Relay {
    hops: u8,
    link: Ipv6Addr,
    peer: Ipv6Addr,
    /// Its own name for the interface that the message came by.
    interface: Option<Vec<u8>>,
}

/// Takes off what relays have put around a client's message; nothing if none has.
///
/// # Errors
/// The first reason for which the message cannot be got at.
pub fn unwrap(bytes: &[u8]) -> Result<Option<Relayed<'_>>, Discard> {
    let mut relays: Vec<Relay> = Vec::new();
    let mut message = bytes;
    let mut told = None;
    while let [FORWARD, body @ ..] = message {
        if relays.len() == RELAYS_MAX {
            return Err(Discard::TooManyRelays);
        }
        let (relay, card, inner) = read(body, message.len())?;
        relays.push(relay);
        told = card;
        message = inner;
    }
    let Some(nearest) = relays.last() else { return Ok(None) };
    let peer = nearest.peer;
    // A relay without an address on the client's link leaves the field empty, and the next one knows better (RFC 6221).
    let link = relays.iter().rev().map(|relay| relay.link).find(leads_beyond_its_link);
    Ok(Some(Relayed {
        message,
        peer,
        card: told.or_else(|| sender_card(peer)),
        link,
        relays,
    }))
}

impl Relayed<'_> {
    /// Puts around an answer what leads it back to the client.
    #[must_use]
    pub fn wrap(&self, answer: Vec<u8>) -> Vec<u8> {
        self.relays.iter().rev().fold(answer, |inner, relay| {
            let mut out = vec![REPLY, relay.hops];
            out.extend_from_slice(&relay.link.octets());
            out.extend_from_slice(&relay.peer.octets());
            if let Some(interface) = &relay.interface {
                option(&mut out, INTERFACE_ID, interface);
            }
            option(&mut out, RELAY_MESSAGE, &inner);
            out
        })
    }
}

/// One relay's message, behind its type: what the relay says, the card of its client if it tells that, and what it wraps.
fn read(body: &[u8], len: usize) -> Result<(Relay, Option<MacAddr>, &[u8]), Discard> {
    let (head, options) = body.split_first_chunk::<33>().ok_or(Discard::TooShort { len })?;
    let [hops, addresses @ ..] = head;
    let (link, peer) = addresses.split_at(16);
    let address = |bytes: &[u8]| {
        bytes
            .first_chunk::<16>()
            .map_or(Ipv6Addr::UNSPECIFIED, |all| (*all).into())
    };
    let mut relay = Relay {
        hops: *hops,
        link: address(link),
        peer: address(peer),
        interface: None,
    };
    let (mut card, mut message) = (None, None);
    for piece in Pieces::of(options) {
        match piece? {
            (INTERFACE_ID, value) => relay.interface = relay.interface.or_else(|| Some(value.to_vec())),
            (RELAY_MESSAGE, value) => message = message.or(Some(value)),
            // The type of the hardware, which is Ethernet.
            (CLIENT_LINK_LAYER, [0, 1, a, b, c, d, e, f]) => {
                let told = MacAddr::new([*a, *b, *c, *d, *e, *f]);
                card = card.or((!told.is_zero() && !told.is_multicast()).then_some(told));
            }
            _ => {}
        }
    }
    Ok((relay, card, message.ok_or(Discard::EmptyRelay)?))
}

fn leads_beyond_its_link(address: &Ipv6Addr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && !address.is_loopback() && !address.is_unicast_link_local()
}

/// What is longer than an option can be does not come from a packet, and is longer than a frame.
fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(value);
}
