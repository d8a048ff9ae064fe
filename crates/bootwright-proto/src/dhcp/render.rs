//! From a [`Reply`] to bytes.

use std::fmt;
use std::net::Ipv4Addr;

use dhcproto::encoder::{Encodable, Encoder};
use dhcproto::v4::{DhcpOption, MAGIC, MessageType as WireType, OptionCode};

use super::pxe::boot_item_echo;
use super::reply::{Boot, Reply};
use super::request::{MessageType, Request};

/// Shorter packets are dropped by some relays, switches and ROMs (RFC 1542 section 2.1).
const LEN_MIN: usize = 300;

/// The broadcast bit of the flags field (RFC 2131 section 2).
const BROADCAST: u16 = 0x8000;

/// The encapsulated option 1, priority, at 127: makes iPXE prefer our file to one that the main server names.
const IPXE_PRIORITY: &[u8] = &[0x01, 1, 0x7f];

/// The encapsulated option 176: do not wait for a proxy, which there is none of where we assign the address.
const IPXE_NO_PROXY: &[u8] = &[0xb0, 1, 1];

/// Why a reply could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrenderable {
    /// It would be longer than the client takes.
    TooLong {
        /// Its length.
        len: usize,
        /// What the client takes.
        max: usize,
    },
    /// An option has more bytes than one option carries.
    OptionTooLong {
        /// Its number.
        code: u8,
        /// Its length.
        len: usize,
    },
}

impl Unrenderable {
    /// The stable name under which this is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "reply-too-long",
            Self::OptionTooLong { .. } => "option-too-long",
        }
    }
}

impl fmt::Display for Unrenderable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len, max } => write!(f, "the reply has {len} bytes and the client takes {max}"),
            Self::OptionTooLong { code, len } => {
                write!(f, "option {code} would have {len} bytes, and one carries 255")
            }
        }
    }
}

impl std::error::Error for Unrenderable {}

/// Writes the reply of `server`, our address on the interface on which the request arrived.
///
/// The order of the options is ours: message type and server first for old ROMs, vendor options late, the relay's own
/// option last and untouched (RFC 3046 section 2.1).
///
/// # Errors
/// A reply that does not fit: the request asked for too much to be repeated, or the lease has too many options.
pub fn render(request: &Request, server: Ipv4Addr, reply: &Reply) -> Result<Vec<u8>, Unrenderable> {
    let mut bytes = Vec::with_capacity(512);
    header(&mut bytes, request, server, reply);
    options(&mut bytes, request, server, reply)?;
    bytes.push(255);
    let max = request.reply_len_max();
    if bytes.len() > max {
        return Err(Unrenderable::TooLong { len: bytes.len(), max });
    }
    if bytes.len() < LEN_MIN {
        bytes.resize(LEN_MIN, 0);
    }
    Ok(bytes)
}

/// The fixed part and the cookie, 240 bytes.
fn header(bytes: &mut Vec<u8>, request: &Request, server: Ipv4Addr, reply: &Reply) {
    let nobody = Ipv4Addr::UNSPECIFIED;
    let refusal = matches!(reply, Reply::Nak);
    let ciaddr = match reply {
        Reply::BootAck(_) | Reply::LeaseAck(..) => request.ciaddr,
        Reply::ProxyOffer(_) | Reply::LeaseOffer(..) | Reply::Nak => nobody,
    };
    bytes.extend([2, request.htype, 6, 0]);
    bytes.extend(request.xid.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(flags(request, reply).to_be_bytes());
    bytes.extend(ciaddr.octets());
    bytes.extend(reply.lease().map_or(nobody, |lease| lease.address).octets());
    bytes.extend(if refusal { nobody } else { server }.octets());
    bytes.extend(request.giaddr.octets());
    bytes.extend(request.chaddr);
    let name = if refusal { String::new() } else { server.to_string() };
    field(bytes, &name, 64);
    field(bytes, file(reply).unwrap_or_default(), 128);
    bytes.extend(MAGIC);
}

/// A proxy's offer has no address to be delivered to, so a relay must broadcast it as we do; a refusal likewise, since
/// the client's address is in doubt (RFC 2131 section 4.3.2).
fn flags(request: &Request, reply: &Reply) -> u16 {
    let broadcast = match reply {
        Reply::ProxyOffer(_) => true,
        Reply::Nak => request.broadcast || request.is_relayed(),
        Reply::BootAck(_) | Reply::LeaseOffer(..) | Reply::LeaseAck(..) => request.broadcast,
    };
    if broadcast { BROADCAST } else { 0 }
}

/// A text field of the fixed part, filled with zeros, the last of which every text keeps.
fn field(bytes: &mut Vec<u8>, text: &str, len: usize) {
    let end = bytes.len().saturating_add(len);
    bytes.extend(text.bytes().take(len.saturating_sub(1)));
    bytes.resize(end, 0);
}

/// The boot file's name, unless the client is to ask for it.
fn file(reply: &Reply) -> Option<&str> {
    let boot = reply.boot()?;
    let hidden = !matches!(reply, Reply::BootAck(_)) && boot.hides_file_in_offer();
    boot.file().filter(|_| !hidden).map(super::BootFile::as_str)
}

fn options(bytes: &mut Vec<u8>, request: &Request, server: Ipv4Addr, reply: &Reply) -> Result<(), Unrenderable> {
    let leases = reply.lease().is_some() || matches!(reply, Reply::Nak);
    let server_id = request.server_id_override.filter(|_| leases).unwrap_or(server);
    option(bytes, &DhcpOption::MessageType(message(reply)))?;
    option(bytes, &DhcpOption::ServerIdentifier(server_id))?;
    for each in reply
        .lease()
        .map(|lease| lease.options(&request.parameters))
        .unwrap_or_default()
    {
        option(bytes, &each)?;
    }
    if let Some(boot) = reply.boot() {
        boot_options(bytes, request, server, reply, boot)?;
    }
    if let Some(info) = &request.relay_info {
        raw_pieces(bytes, OptionCode::RelayAgentInformation, info);
    }
    Ok(())
}

fn boot_options(
    bytes: &mut Vec<u8>,
    request: &Request,
    server: Ipv4Addr,
    reply: &Reply,
    boot: &Boot,
) -> Result<(), Unrenderable> {
    option(bytes, &DhcpOption::ClassIdentifier(boot.class().to_vec()))?;
    if let Some(id) = &request.machine_id {
        raw(bytes, OptionCode::ClientMachineIdentifier, id)?;
    }
    let item = request.boot_item.as_deref();
    let vendor = match reply {
        Reply::BootAck(_) => item.and_then(boot_item_echo),
        _ => boot.vendor_options(server),
    };
    if let Some(vendor) = vendor {
        raw(bytes, OptionCode::VendorExtensions, &vendor)?;
    }
    option(bytes, &DhcpOption::TFTPServerName(server.to_string().into_bytes()))?;
    if let Some(file) = file(reply) {
        // Old EDK2 copies the option without ending it: the NUL must be inside.
        let mut value = file.as_bytes().to_vec();
        value.push(0);
        option(bytes, &DhcpOption::BootfileName(value))?;
    }
    if matches!(boot, Boot::Ipxe { .. }) {
        match reply {
            Reply::ProxyOffer(_) => raw(bytes, super::options::IPXE_ENCAPSULATED, IPXE_PRIORITY)?,
            Reply::LeaseOffer(..) | Reply::LeaseAck(..) => {
                raw(bytes, super::options::IPXE_ENCAPSULATED, IPXE_NO_PROXY)?
            }
            Reply::BootAck(_) | Reply::Nak => {}
        }
    }
    Ok(())
}

fn message(reply: &Reply) -> WireType {
    match reply.message() {
        MessageType::Offer => WireType::Offer,
        MessageType::Ack => WireType::Ack,
        _ => WireType::Nak,
    }
}

/// Appends an option that dhcproto encodes.
fn option(bytes: &mut Vec<u8>, option: &DhcpOption) -> Result<(), Unrenderable> {
    let code = u8::from(OptionCode::from(option));
    // An encoder writes from the start of its buffer, and splits what is longer than one option.
    let mut encoded = Vec::new();
    let outcome = option.encode(&mut Encoder::new(&mut encoded));
    let len = encoded.len().saturating_sub(2);
    if outcome.is_err() || len > usize::from(u8::MAX) {
        return Err(Unrenderable::OptionTooLong { code, len });
    }
    bytes.extend(encoded);
    Ok(())
}

/// Appends an option of which we have the bytes, also if there are none.
fn raw(bytes: &mut Vec<u8>, code: OptionCode, value: &[u8]) -> Result<(), Unrenderable> {
    let code = u8::from(code);
    let Ok(len) = u8::try_from(value.len()) else {
        return Err(Unrenderable::OptionTooLong { code, len: value.len() });
    };
    bytes.extend([code, len]);
    bytes.extend(value);
    Ok(())
}

/// Appends the relay's option, in pieces where it came in pieces (RFC 3396).
fn raw_pieces(bytes: &mut Vec<u8>, code: OptionCode, value: &[u8]) {
    for piece in value.chunks(usize::from(u8::MAX)) {
        bytes.push(u8::from(code));
        bytes.push(u8::try_from(piece.len()).unwrap_or(u8::MAX));
        bytes.extend(piece);
    }
}
