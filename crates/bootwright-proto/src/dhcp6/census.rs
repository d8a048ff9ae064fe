//! The search for other servers: what is sent, and what an answer shows of its sender.

use bootwright_core::MacAddr;

use super::duid::Duid;
use super::options::{
    BOOT_FILE_URL, CLIENT_ID, DNS, ELAPSED_TIME, IA_ADDR, IA_NA, OPTION_REQUEST, Pieces, SERVER_ID, USER_CLASS,
    VENDOR_CLASS,
};

/// The user class of our searches, by which another box of ours knows that no machine wants to boot.
const CENSUS: &[u8] = b"bootwright-census";

/// A minute, in hundredths of a second: servers that wait for others to answer first see that nobody does.
const WAITED: u16 = 6000;

/// A SOLICIT of a card of ours. No server commits an address for it: that would take a REQUEST (RFC 8415 section 18.2.1).
#[must_use]
pub fn search(card: MacAddr, transaction: [u8; 3]) -> Vec<u8> {
    let [_, _, c, d, e, f] = card.octets();
    let [a, b, g] = transaction;
    let mut packet = vec![SOLICIT, a, b, g];
    let mut option = |code: u16, parts: &[&[u8]]| {
        let value = parts.concat();
        packet.extend_from_slice(&code.to_be_bytes());
        packet.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        packet.extend_from_slice(&value);
    };
    option(CLIENT_ID, &[Duid::of_card(card).bytes()]);
    option(ELAPSED_TIME, &[&WAITED.to_be_bytes()]);
    // An association of the card, with no times that we would like.
    option(IA_NA, &[&[c, d, e, f], &[0; 8]]);
    let wishes = [DNS, BOOT_FILE_URL, VENDOR_CLASS].map(u16::to_be_bytes);
    option(OPTION_REQUEST, &[wishes.as_flattened()]);
    let length = u16::try_from(CENSUS.len()).unwrap_or(0).to_be_bytes();
    option(USER_CLASS, &[&length, CENSUS]);
    packet
}

const SOLICIT: u8 = 1;
const ADVERTISE: u8 = 2;

/// A server's answer to a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The transaction of the search.
    pub transaction: [u8; 3],
    /// How the server calls itself.
    pub server: Duid,
    /// Whether it would lend the card an address.
    pub leases: bool,
    /// The URL that it names to boot from, which may be one of ours.
    pub url: Option<String>,
}

/// Reads what a server answers to a search; nothing if it is no sound ADVERTISE.
#[must_use]
pub fn parse_found(bytes: &[u8]) -> Option<Found> {
    let ([ADVERTISE, a, b, c], options) = bytes.split_first_chunk::<4>()? else {
        return None;
    };
    let (mut server, mut leases, mut url) = (None, false, None);
    for piece in Pieces::of(options) {
        let (code, value) = piece.ok()?;
        match code {
            SERVER_ID => server = server.or(Duid::new(value)),
            BOOT_FILE_URL => url = Some(String::from_utf8_lossy(value).into_owned()),
            // Behind the association's number and times; an error has a status there, and no address.
            IA_NA => leases |= has_address(value.get(12..)?)?,
            _ => {}
        }
    }
    Some(Found {
        transaction: [*a, *b, *c],
        server: server?,
        leases,
        url,
    })
}

fn has_address(association: &[u8]) -> Option<bool> {
    let mut found = false;
    for piece in Pieces::of(association) {
        found |= piece.ok()?.0 == IA_ADDR;
    }
    Some(found)
}
