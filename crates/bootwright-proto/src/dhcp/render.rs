//! From a [`Reply`] to bytes.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, MAGIC, OptionCode};

use super::answer::Answer;
use super::dotted::Dotted;
use super::options::IPXE_ENCAPSULATED;
use super::pxe::boot_item_echo;
use super::reply::{Boot, Reply};
use super::request::Request;
use super::writer::Writer;

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
    render_over(Vec::new(), request, server, reply)
}

/// As [`render`], in the place of what is in a buffer that nobody needs any more.
///
/// # Errors
/// As [`render`].
pub fn render_over(
    buffer: Vec<u8>,
    request: &Request,
    server: Ipv4Addr,
    reply: &Reply,
) -> Result<Vec<u8>, Unrenderable> {
    let written = write(buffer, request, server, reply);
    let write = |reply: &Reply| write(Vec::new(), request, server, reply);
    match (written, reply) {
        // Better a machine without a search list than one without an address.
        (Err(Unrenderable::TooLong { .. }), Reply::LeaseOffer(lease, boot)) => {
            write(&Reply::LeaseOffer(lease.bare(), boot.clone()))
        }
        (Err(Unrenderable::TooLong { .. }), Reply::LeaseAck(lease, boot)) => {
            write(&Reply::LeaseAck(lease.bare(), boot.clone()))
        }
        (written, _) => written,
    }
}

fn write(buffer: Vec<u8>, request: &Request, server: Ipv4Addr, reply: &Reply) -> Result<Vec<u8>, Unrenderable> {
    let name = Dotted::new(server);
    let name = name.as_str();
    let mut out = Writer::over(buffer);
    header(&mut out, request, server, reply);
    match reply {
        Reply::Nak => out.field("", 64),
        _ => out.field(name, 64),
    }
    out.field(file(reply).unwrap_or_default(), 128);
    out.bytes(&MAGIC);
    options(&mut out, request, (server, name), reply)?;
    let mut bytes = out.end();
    let max = request.reply_len_max();
    if bytes.len() > max {
        return Err(Unrenderable::TooLong { len: bytes.len(), max });
    }
    if bytes.len() < LEN_MIN {
        bytes.resize(LEN_MIN, 0);
    }
    Ok(bytes)
}

/// The fixed part up to the server's name.
fn header(out: &mut Writer, request: &Request, server: Ipv4Addr, reply: &Reply) {
    let nobody = Ipv4Addr::UNSPECIFIED;
    let ciaddr = match reply {
        Reply::BootAck(_) | Reply::LeaseAck(..) => request.ciaddr,
        Reply::ProxyOffer(_) | Reply::MergedOffer(..) | Reply::LeaseOffer(..) | Reply::Nak => nobody,
    };
    let siaddr = match reply {
        Reply::Nak => nobody,
        _ => server,
    };
    out.bytes(&[2, request.htype, 6, 0]);
    out.bytes(&request.xid.to_be_bytes());
    out.bytes(&[0, 0]);
    out.bytes(&flags(request, reply).to_be_bytes());
    out.bytes(&ciaddr.octets());
    let yiaddr = match reply {
        Reply::MergedOffer(main, _) => main.yiaddr,
        _ => reply.lease().map_or(nobody, |lease| lease.address),
    };
    out.bytes(&yiaddr.octets());
    out.bytes(&siaddr.octets());
    out.bytes(&request.giaddr.octets());
    out.bytes(&request.chaddr);
}

/// A proxy's offer has no address to be delivered to, so a relay must broadcast it as we do; a refusal likewise, since
/// the client's address is in doubt (RFC 2131 section 4.3.2).
fn flags(request: &Request, reply: &Reply) -> u16 {
    let broadcast = match reply {
        Reply::ProxyOffer(_) | Reply::MergedOffer(..) => true,
        Reply::Nak => request.broadcast || request.is_relayed(),
        Reply::BootAck(_) | Reply::LeaseOffer(..) | Reply::LeaseAck(..) => request.broadcast,
    };
    if broadcast { BROADCAST } else { 0 }
}

/// The boot file's name, unless the client is to ask for it.
fn file(reply: &Reply) -> Option<&str> {
    let boot = reply.boot()?;
    let hidden = !matches!(reply, Reply::BootAck(_)) && boot.hides_file_in_offer();
    boot.file().filter(|_| !hidden).map(super::BootFile::as_str)
}

fn options(
    out: &mut Writer,
    request: &Request,
    (server, name): (Ipv4Addr, &str),
    reply: &Reply,
) -> Result<(), Unrenderable> {
    let leases = reply.lease().is_some() || matches!(reply, Reply::Nak);
    let server_id = request.server_id_override.filter(|_| leases).unwrap_or(server);
    out.raw(OptionCode::MessageType, &[reply.message().code()])?;
    if let Reply::MergedOffer(main, _) = reply {
        repeat(out, main)?;
    } else {
        out.raw(OptionCode::ServerIdentifier, &server_id.octets())?;
    }
    if let Some(lease) = reply.lease() {
        lease.write(out, &request.parameters)?;
    }
    if let Some(boot) = reply.boot() {
        let vendor = match reply {
            Reply::BootAck(_) => request.boot_item.as_deref().and_then(boot_item_echo).map(Cow::Owned),
            _ => boot.vendor_options(server),
        };
        out.raw(OptionCode::ClassIdentifier, boot.class())?;
        out.raw_if_any(OptionCode::ClientMachineIdentifier, request.machine_id.as_deref())?;
        out.raw_if_any(OptionCode::VendorExtensions, vendor.as_deref())?;
        out.raw(OptionCode::TFTPServerName, name.as_bytes())?;
        if let Some(file) = file(reply) {
            // Old EDK2 copies the option without ending it: the NUL must be inside.
            out.text(OptionCode::BootfileName, file)?;
        }
        out.raw_if_any(IPXE_ENCAPSULATED, ipxe_options(reply, boot))?;
    }
    if let Some(info) = &request.relay_info {
        out.raw_pieces(OptionCode::RelayAgentInformation, info);
    }
    Ok(())
}

/// What a merged offer repeats of the DHCP server's: who it is, and what belongs to the address.
fn repeat(out: &mut Writer, main: &Answer) -> Result<(), Unrenderable> {
    out.option(&DhcpOption::ServerIdentifier(
        main.server_id.unwrap_or(Ipv4Addr::UNSPECIFIED),
    ))?;
    if let Some(secs) = main.lease_secs {
        out.option(&DhcpOption::AddressLeaseTime(secs))?;
    }
    if let Some(mask) = main.mask {
        out.option(&DhcpOption::SubnetMask(mask))?;
    }
    if !main.routers.is_empty() {
        out.option(&DhcpOption::Router(main.routers.clone()))?;
    }
    if !main.dns.is_empty() {
        out.option(&DhcpOption::DomainNameServer(main.dns.clone()))?;
    }
    Ok(())
}

/// What iPXE is told about who else may answer it.
fn ipxe_options(reply: &Reply, boot: &Boot) -> Option<&'static [u8]> {
    match (boot, reply) {
        (Boot::Ipxe { .. }, Reply::ProxyOffer(_)) => Some(IPXE_PRIORITY),
        (Boot::Ipxe { .. }, Reply::LeaseOffer(..) | Reply::LeaseAck(..)) => Some(IPXE_NO_PROXY),
        _ => None,
    }
}
