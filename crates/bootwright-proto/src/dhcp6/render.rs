//! From an [`Answer`] to bytes.

use std::fmt;

use super::options::{BOOT_FILE_URL, CLIENT_ID, DNS, IA_ADDR, IA_NA, SERVER_ID, STATUS, VENDOR_CLASS};
use super::reply::{Answer, Boot, Held, Reply, Status};
use super::request::Request;

/// What fits an Ethernet frame, without the IP and UDP headers. Boot clients put no fragments together.
const LEN_MAX: usize = 1452;

/// Whose words our vendor class is, where the client's does not say: Intel, as the PXE specification has it.
const INTEL: u32 = 343;

/// Why an answer cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrenderable {
    /// It is longer than what one frame carries.
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}

impl Unrenderable {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "reply-too-long",
        }
    }
}

impl fmt::Display for Unrenderable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "the answer would have {len} bytes, and {LEN_MAX} fit"),
        }
    }
}

/// Writes the answer to a request.
///
/// # Errors
/// When it does not fit a frame.
pub fn render(request: &Request, answer: &Answer) -> Result<Vec<u8>, Unrenderable> {
    let kind = match answer.reply {
        Reply::Advertise => 2,
        Reply::Reply => 7,
    };
    let [a, b, c] = request.transaction;
    let mut out = vec![kind, a, b, c];
    if let Some(client) = &request.client_id {
        option(&mut out, CLIENT_ID, client.bytes());
    }
    option(&mut out, SERVER_ID, answer.server.bytes());
    for held in &answer.held {
        option(&mut out, IA_NA, &association(held));
    }
    if let Some(outcome) = answer.status {
        status(&mut out, outcome);
    }
    if !answer.dns.is_empty() {
        let servers: Vec<u8> = answer.dns.iter().flat_map(|server| server.octets()).collect();
        option(&mut out, DNS, &servers);
    }
    if let Some(boot) = &answer.boot {
        option(&mut out, BOOT_FILE_URL, boot.url().as_bytes());
        if matches!(boot, Boot::Http(_)) {
            let class = request.vendor_class.as_ref();
            let enterprise = class.map_or(INTEL, |class| class.enterprise);
            let mut value = enterprise.to_be_bytes().to_vec();
            option_body(&mut value, b"HTTPClient");
            option(&mut out, VENDOR_CLASS, &value);
        }
    }
    if out.len() > LEN_MAX {
        return Err(Unrenderable::TooLong { len: out.len() });
    }
    Ok(out)
}

fn association(held: &Held) -> Vec<u8> {
    let mut value = held.association.to_be_bytes().to_vec();
    // Renew after half of the time, ask others after four fifths (RFC 8415 section 14.2).
    let (renew, rebind) = match held.address {
        Some(_) => (held.secs / 2, held.secs.saturating_sub(held.secs / 5)),
        None => (0, 0),
    };
    value.extend_from_slice(&renew.to_be_bytes());
    value.extend_from_slice(&rebind.to_be_bytes());
    let kept = held.address.iter().map(|address| (address, held.secs));
    for (address, secs) in kept.chain(held.withdrawn.iter().map(|address| (address, 0))) {
        let secs = secs.to_be_bytes();
        option(&mut value, IA_ADDR, &[&address.octets()[..], &secs, &secs].concat());
    }
    if held.address.is_none() {
        status(&mut value, Status::NoAddress);
    }
    value
}

fn status(out: &mut Vec<u8>, status: Status) {
    option(out, STATUS, &status.code().to_be_bytes());
}

/// What is longer than an option can be makes the whole longer than a frame.
fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_be_bytes());
    option_body(out, value);
}

fn option_body(out: &mut Vec<u8>, value: &[u8]) {
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value);
}
