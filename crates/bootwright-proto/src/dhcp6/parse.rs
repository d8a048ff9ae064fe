//! From bytes to a [`Request`].

use std::net::Ipv6Addr;

use bootwright_core::Arch;

use super::discard::Discard;
use super::duid::Duid;
use super::options::{
    CLIENT_ARCH, CLIENT_ID, IA_ADDR, IA_NA, INTERFACE, OPTION_REQUEST, Pieces, SERVER_ID, USER_CLASS, VENDOR_CLASS,
    counted,
};
use super::request::{Association, Request, VendorClass, message_from_code};

/// How many associations, and addresses in each, are read; boot clients have one of each. What comes after them is as if
/// it had not been sent.
const ASSOCIATIONS_MAX: usize = 4;
const ADDRESSES_MAX: usize = 4;

/// Reads a client's message as it came from the wire, or out of what a relay wrapped it in ([`unwrap`](super::unwrap)).
///
/// # Errors
/// The first reason for which nobody could answer it.
pub fn parse(bytes: &[u8]) -> Result<Request, Discard> {
    let Some(([kind, a, b, c], options)) = bytes.split_first_chunk::<4>() else {
        return Err(Discard::TooShort { len: bytes.len() });
    };
    let message = message_from_code(*kind).ok_or(Discard::NotFromClient { kind: *kind })?;
    let mut request = Request {
        message,
        transaction: [*a, *b, *c],
        client_id: None,
        server_id: None,
        associations: Vec::new(),
        wishes: Vec::new(),
        user_class: Vec::new(),
        vendor_class: None,
        archs: Vec::new(),
        interface: None,
    };
    for piece in Pieces::of(options) {
        let (code, value) = piece?;
        read(&mut request, code, value)?;
    }
    Ok(request)
}

/// An option that stands there twice counts once, by its first copy, unless it may.
fn read(request: &mut Request, code: u16, value: &[u8]) -> Result<(), Discard> {
    let bad = Discard::BadOption { code, len: value.len() };
    match code {
        CLIENT_ID if request.client_id.is_none() => request.client_id = Some(Duid::new(value).ok_or(bad)?),
        SERVER_ID if request.server_id.is_none() => request.server_id = Some(Duid::new(value).ok_or(bad)?),
        IA_NA if request.associations.len() < ASSOCIATIONS_MAX => request.associations.push(association(value)?),
        OPTION_REQUEST if request.wishes.is_empty() => request.wishes = numbers(code, value)?,
        USER_CLASS if request.user_class.is_empty() => {
            request.user_class = counted(code, value)?.into_iter().map(<[u8]>::to_vec).collect();
        }
        VENDOR_CLASS if request.vendor_class.is_none() => {
            let (enterprise, words) = value.split_first_chunk::<4>().ok_or(bad)?;
            let words = counted(code, words)?;
            request.vendor_class = Some(VendorClass {
                enterprise: u32::from_be_bytes(*enterprise),
                words: words.first().map(|words| words.to_vec()).unwrap_or_default(),
            });
        }
        CLIENT_ARCH if request.archs.is_empty() => {
            request.archs = numbers(code, value)?.into_iter().map(Arch::new).collect();
        }
        INTERFACE if request.interface.is_none() => request.interface = Some(value.try_into().map_err(|_| bad)?),
        _ => {}
    }
    Ok(())
}

fn numbers(code: u16, value: &[u8]) -> Result<Vec<u16>, Discard> {
    match value.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect()),
        _ => Err(Discard::BadOption { code, len: value.len() }),
    }
}

/// The times that a client would like are not read: it gets those of the site.
fn association(value: &[u8]) -> Result<Association, Discard> {
    let bad = Discard::BadOption {
        code: IA_NA,
        len: value.len(),
    };
    let (head, options) = value.split_first_chunk::<12>().ok_or(bad)?;
    let [a, b, c, d, ..] = *head;
    let mut addresses = Vec::new();
    for piece in Pieces::of(options) {
        let (code, value) = piece?;
        if code == IA_ADDR && addresses.len() < ADDRESSES_MAX {
            let bad = Discard::BadOption { code, len: value.len() };
            let (address, times) = value.split_first_chunk::<16>().ok_or(bad)?;
            if times.len() < 8 {
                return Err(bad);
            }
            addresses.push(Ipv6Addr::from(*address));
        }
    }
    Ok(Association {
        id: u32::from_be_bytes([a, b, c, d]),
        addresses,
    })
}
