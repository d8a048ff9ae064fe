//! From a [`Request`] to bytes, for what plays a client.

use dhcproto::v4::{MAGIC, OptionCode};

use super::options::IPXE_ENCAPSULATED;
use super::parse::REQUEST;
use super::pxe::boot_item_echo;
use super::request::Request;
use super::writer::Writer;

/// BOOTP's size, to which ROMs pad (RFC 951, RFC 1542 section 2.1).
const LEN_MIN: usize = 300;

/// Writes a request as a client sends it: [`parse`](super::parse) reads the same request in it, if it is one that a
/// client could send.
#[must_use]
pub fn render_request(request: &Request) -> Vec<u8> {
    let mut out = Writer::new();
    out.bytes(&[REQUEST, request.htype, 6, request.hops]);
    out.bytes(&request.xid.to_be_bytes());
    out.bytes(&request.secs.to_be_bytes());
    out.bytes(if request.broadcast { &[0x80, 0] } else { &[0, 0] });
    out.bytes(&request.ciaddr.octets());
    out.bytes(&[0; 8]);
    out.bytes(&request.giaddr.octets());
    out.bytes(&request.chaddr);
    out.field("", 64);
    out.field("", 128);
    out.bytes(&MAGIC);
    options(&mut out, request);
    let mut bytes = out.end();
    if bytes.len() < LEN_MIN {
        bytes.resize(LEN_MIN, 0);
    }
    bytes
}

/// In the order in which iPXE writes them, which every server has met.
fn options(out: &mut Writer, request: &Request) {
    let archs: Vec<u8> = request
        .archs
        .iter()
        .flat_map(|arch| arch.code().to_be_bytes())
        .collect();
    option(
        out,
        OptionCode::MessageType,
        request.message.map(|message| [message.code()]),
    );
    option(
        out,
        OptionCode::MaxMessageSize,
        request.max_message.map(u16::to_be_bytes),
    );
    option(out, OptionCode::ClientSystemArchitecture, some(&archs));
    option(out, OptionCode::ClientNetworkInterface, request.interface);
    option(out, OptionCode::ClassIdentifier, some(&request.vendor_class));
    option(out, OptionCode::UserClass, user_class(&request.user_class));
    option(out, OptionCode::ParameterRequestList, some(&request.parameters));
    option(out, IPXE_ENCAPSULATED, request.ipxe.map(|ipxe| ipxe.to_option()));
    option(out, OptionCode::ClientIdentifier, request.client_id.as_deref());
    option(out, OptionCode::ClientMachineIdentifier, request.machine_id.as_deref());
    option(
        out,
        OptionCode::ServerIdentifier,
        request.server_id.map(|id| id.octets()),
    );
    option(
        out,
        OptionCode::RequestedIpAddress,
        request.requested.map(|address| address.octets()),
    );
    option(out, OptionCode::Hostname, request.host_name.as_deref());
    option(
        out,
        OptionCode::SubnetSelection,
        request.subnet_selection.map(|subnet| subnet.octets()),
    );
    option(
        out,
        OptionCode::VendorExtensions,
        request.boot_item.as_deref().and_then(boot_item_echo),
    );
    option(out, OptionCode::RelayAgentInformation, request.relay_info.as_deref());
}

fn option(out: &mut Writer, code: OptionCode, value: Option<impl AsRef<[u8]>>) {
    if let Some(value) = value {
        out.raw_pieces(code, value.as_ref());
    }
}

/// A list whose being empty means that it is absent.
fn some(list: &[u8]) -> Option<&[u8]> {
    (!list.is_empty()).then_some(list)
}

/// One class as it is, as iPXE does, if it cannot be taken for a list; else by RFC 3004.
fn user_class(classes: &[Vec<u8>]) -> Option<Vec<u8>> {
    match classes {
        [] => None,
        [class] if super::parse::user_classes(class) == classes => Some(class.clone()),
        classes => Some(classes.iter().flat_map(|class| counted(class)).collect()),
    }
}

fn counted(class: &[u8]) -> Vec<u8> {
    let class = class.get(..255).unwrap_or(class);
    let len = u8::try_from(class.len()).unwrap_or(u8::MAX);
    [&[len], class].concat()
}
