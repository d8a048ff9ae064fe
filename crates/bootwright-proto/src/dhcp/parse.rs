//! From bytes to a [`Request`].

use std::net::Ipv4Addr;

use bootwright_core::{Arch, MacAddr, Uuid};
use dhcproto::v4::{MAGIC, OptionCode, borrowed};

use super::discard::Discard;
use super::ipxe::Ipxe;
use super::options::{IPXE_ENCAPSULATED, Options, Pieces};
use super::request::{MessageType, Request};

/// RFC 1542 section 4.1.1: a packet that passed more relays is in a loop.
const HOPS_MAX: u8 = 16;

/// Longer host names are cut: they are shown and never used to decide.
const HOST_NAME_BYTES_MAX: usize = 64;

/// Sub-option 71 of option 43: the boot item (PXE 2.1, table 2-1).
const PXE_BOOT_ITEM: u8 = 71;

/// Sub-options of option 82: link selection (RFC 3527) and server identifier override (RFC 5107).
const RELAY_LINK_SELECTION: u8 = 5;
const RELAY_SERVER_ID_OVERRIDE: u8 = 11;

/// Reads a request as it came from the wire, whatever it is.
///
/// # Errors
/// The first reason, in the order of the fields, for which the packet cannot be answered by anybody.
pub fn parse(bytes: &[u8]) -> Result<Request, Discard> {
    let Header { htype, mac, chaddr } = check(bytes, REQUEST)?;
    // Only such fields are asked of dhcproto as it reads at fixed offsets: its hardware address and its printed form
    // follow the length byte of the packet, and panic.
    let header = borrowed::Message::new(bytes).map_err(|_| Discard::TooShort { len: bytes.len() })?;
    let options = Options::collect(bytes)?;
    let relay_info = options.get(OptionCode::RelayAgentInformation);
    // A switch on the way adds the option too, and a client may; but only a relay has these two to say.
    let relayed = relay_info.filter(|_| !header.giaddr().is_unspecified());
    let machine_id = options.get(OptionCode::ClientMachineIdentifier);
    let user_class = options.get(OptionCode::UserClass).unwrap_or_default();
    Ok(Request {
        htype,
        hops: header.hops(),
        xid: header.xid(),
        secs: header.secs(),
        broadcast: header.flags().broadcast(),
        ciaddr: header.ciaddr(),
        giaddr: header.giaddr(),
        mac,
        chaddr,
        message: options.get(OptionCode::MessageType).and_then(message_type),
        host_name: options.get(OptionCode::Hostname).and_then(host_name),
        requested: options.get(OptionCode::RequestedIpAddress).and_then(address),
        server_id: options.get(OptionCode::ServerIdentifier).and_then(address),
        parameters: options
            .get(OptionCode::ParameterRequestList)
            .unwrap_or_default()
            .to_vec(),
        max_message: options.get(OptionCode::MaxMessageSize).and_then(number),
        vendor_class: options.get(OptionCode::ClassIdentifier).unwrap_or_default().to_vec(),
        client_id: options.get(OptionCode::ClientIdentifier).map(<[u8]>::to_vec),
        user_class: user_classes(user_class),
        archs: archs(options.get(OptionCode::ClientSystemArchitecture).unwrap_or_default()),
        interface: options
            .get(OptionCode::ClientNetworkInterface)
            .and_then(|value| value.try_into().ok()),
        uuid: machine_id.and_then(uuid),
        machine_id: machine_id.map(<[u8]>::to_vec),
        boot_item: options.get(OptionCode::VendorExtensions).and_then(boot_item),
        ipxe: ipxe(options.get(IPXE_ENCAPSULATED), user_class),
        relay_info: relay_info.map(<[u8]>::to_vec),
        link_selection: relayed.and_then(|info| relay_address(info, RELAY_LINK_SELECTION)),
        server_id_override: relayed.and_then(|info| relay_address(info, RELAY_SERVER_ID_OVERRIDE)),
        subnet_selection: options.get(OptionCode::SubnetSelection).and_then(address),
    })
}

/// The card that sent a packet, if so much of it is sound: to tell of what becomes of packets that are not answered.
#[must_use]
pub fn sender(bytes: &[u8]) -> Option<MacAddr> {
    check(bytes, REQUEST).ok().map(|header| header.mac)
}

/// The first byte of a client's packet, and of a server's.
pub(super) const REQUEST: u8 = 1;
pub(super) const REPLY: u8 = 2;

/// The fields that were checked before anybody else read the packet.
pub(super) struct Header {
    pub(super) htype: u8,
    pub(super) mac: MacAddr,
    pub(super) chaddr: [u8; 16],
}

/// Checks the fixed part on the raw bytes, for a packet of the direction that is wanted.
pub(super) fn check(bytes: &[u8], wanted: u8) -> Result<Header, Discard> {
    let short = Discard::TooShort { len: bytes.len() };
    let Some([op, htype, hlen, hops]) = bytes.first_chunk::<4>().copied() else {
        return Err(short);
    };
    let cookie: [u8; 4] = array_at(bytes, 236).ok_or(short)?;
    let chaddr: [u8; 16] = array_at(bytes, 28).ok_or(short)?;
    if op != wanted {
        return Err(match wanted {
            REQUEST => Discard::NotBootRequest { op },
            _ => Discard::NotBootReply { op },
        });
    }
    // IEEE 802 networks use type 6 with the same addresses (RFC 1700, "hardware type").
    if !matches!(htype, 1 | 6) {
        return Err(Discard::HardwareType { htype });
    }
    if hlen != 6 {
        return Err(Discard::HardwareLen { hlen });
    }
    if cookie != MAGIC {
        return Err(Discard::BadCookie { cookie });
    }
    if hops > HOPS_MAX {
        return Err(Discard::TooManyHops { hops });
    }
    let [a, b, c, d, e, f, ..] = chaddr;
    let address = [a, b, c, d, e, f];
    let mac = MacAddr::new(address);
    if mac.is_zero() || mac.is_multicast() {
        return Err(Discard::BadHardwareAddress { address });
    }
    Ok(Header { htype, mac, chaddr })
}

/// The `N` bytes from an offset on, if they are all there.
fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk::<N>().copied()
}

/// An option that is one address. One that came twice was joined, and its first copy counts.
pub(super) fn address(value: &[u8]) -> Option<Ipv4Addr> {
    if !value.len().is_multiple_of(4) {
        return None;
    }
    value.first_chunk::<4>().copied().map(Ipv4Addr::from)
}

fn number(value: &[u8]) -> Option<u16> {
    if !value.len().is_multiple_of(2) {
        return None;
    }
    value.first_chunk::<2>().copied().map(u16::from_be_bytes)
}

pub(super) fn message_type(value: &[u8]) -> Option<MessageType> {
    value.first().copied().map(MessageType::from_code)
}

fn host_name(value: &[u8]) -> Option<String> {
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut name = String::new();
    for c in String::from_utf8_lossy(value).chars() {
        let c = if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        if name.len().saturating_add(c.len_utf8()) > HOST_NAME_BYTES_MAX {
            break;
        }
        name.push(c);
    }
    (!name.is_empty()).then_some(name)
}

/// Splits option 77 by RFC 3004 if every length fits exactly. iPXE sends its four letters without any length, so what
/// does not fit is one class.
pub(super) fn user_classes(value: &[u8]) -> Vec<Vec<u8>> {
    let mut classes = Vec::new();
    let mut rest = value;
    while let [len, tail @ ..] = rest {
        match tail.split_at_checked(usize::from(*len)) {
            Some((class, tail)) if !class.is_empty() => {
                classes.push(class.to_vec());
                rest = tail;
            }
            _ => return vec![value.to_vec()],
        }
    }
    classes
}

fn archs(value: &[u8]) -> Vec<Arch> {
    let (pairs, _odd_byte) = value.as_chunks::<2>();
    pairs.iter().map(|pair| Arch::new(u16::from_be_bytes(*pair))).collect()
}

/// RFC 4578 section 2.3: type 0 and then the sixteen bytes of the UUID.
fn uuid(value: &[u8]) -> Option<Uuid> {
    match value {
        [0, bytes @ ..] => bytes.first_chunk::<16>().copied().map(Uuid::from_wire),
        _ => None,
    }
}

fn boot_item(vendor_options: &[u8]) -> Option<Vec<u8>> {
    Pieces::padded(vendor_options)
        .map_while(Result::ok)
        .find(|(code, _)| *code == PXE_BOOT_ITEM)
        .map(|(_, item)| item.to_vec())
}

fn relay_address(info: &[u8], wanted: u8) -> Option<Ipv4Addr> {
    Pieces::plain(info)
        .map_while(Result::ok)
        .find(|(code, _)| *code == wanted)
        .and_then(|(_, value)| <[u8; 4]>::try_from(value).ok())
        .map(Ipv4Addr::from)
}

/// iPXE is known by its own option or by its user class, never by the vendor class: a chained iPXE repeats the class
/// that the previous offer carried.
fn ipxe(encapsulated: Option<&[u8]>, user_class: &[u8]) -> Option<Ipxe> {
    match encapsulated {
        Some(value) => Some(Ipxe::from_option(value)),
        None => user_class.windows(4).any(|four| four == b"iPXE").then(Ipxe::default),
    }
}
