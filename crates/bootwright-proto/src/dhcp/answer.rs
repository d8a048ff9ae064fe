//! What a server answered, for what plays a client or listens to other servers.

use std::net::Ipv4Addr;

use bootwright_core::MacAddr;
use dhcproto::v4::{OptionCode, borrowed};

use super::discard::Discard;
use super::options::{IPXE_ENCAPSULATED, Options, Pieces};
use super::parse::{Header, REPLY, address, check, message_type};
use super::request::MessageType;

/// A server's packet. An option of the wrong length counts as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The transaction that it answers.
    pub xid: u32,
    /// The client's hardware address.
    pub mac: MacAddr,
    /// Whether the server asks a relay to broadcast it.
    pub broadcast: bool,
    /// The address that the client already had.
    pub ciaddr: Ipv4Addr,
    /// The address that it gets; 0.0.0.0 from a proxy.
    pub yiaddr: Ipv4Addr,
    /// The server of the boot file.
    pub siaddr: Ipv4Addr,
    /// The relay.
    pub giaddr: Ipv4Addr,
    /// The name in the fixed part, up to its NUL.
    pub server_name: Vec<u8>,
    /// The boot file in the fixed part, up to its NUL.
    pub file: Vec<u8>,
    /// Option 53. None is plain BOOTP.
    pub message: Option<MessageType>,
    /// Option 54: who answers.
    pub server_id: Option<Ipv4Addr>,
    /// Option 1.
    pub mask: Option<Ipv4Addr>,
    /// Option 3.
    pub routers: Vec<Ipv4Addr>,
    /// Option 6.
    pub dns: Vec<Ipv4Addr>,
    /// Option 51, in seconds.
    pub lease_secs: Option<u32>,
    /// Option 60, empty if absent.
    pub vendor_class: Vec<u8>,
    /// Option 43.
    pub vendor_options: Option<Vec<u8>>,
    /// Option 66.
    pub tftp_server: Option<Vec<u8>>,
    /// Option 67, its final NUL included where the server sends one.
    pub boot_file: Option<Vec<u8>>,
    /// Option 97.
    pub machine_id: Option<Vec<u8>>,
    /// Option 175.
    pub ipxe_options: Option<Vec<u8>>,
    /// Option 82.
    pub relay_info: Option<Vec<u8>>,
}

impl Answer {
    /// The discovery control bits of PXE, sub-option 6 of option 43.
    #[must_use]
    pub fn discovery_control(&self) -> Option<u8> {
        match encapsulated(self.vendor_options.as_deref(), 6)? {
            [control] => Some(*control),
            _ => None,
        }
    }

    /// What iPXE is told under this number of option 175.
    #[must_use]
    pub fn ipxe_option(&self, code: u8) -> Option<&[u8]> {
        encapsulated(self.ipxe_options.as_deref(), code)
    }
}

fn encapsulated(area: Option<&[u8]>, wanted: u8) -> Option<&[u8]> {
    Pieces::padded(area?)
        .map_while(Result::ok)
        .find(|(code, _)| *code == wanted)
        .map(|(_, value)| value)
}

/// Reads a server's packet as it came from the wire, whatever it is.
///
/// # Errors
/// The same as of [`parse`](super::parse), for the other direction.
pub fn parse_answer(bytes: &[u8]) -> Result<Answer, Discard> {
    let Header { mac, .. } = check(bytes, REPLY)?;
    let header = borrowed::Message::new(bytes).map_err(|_| Discard::TooShort { len: bytes.len() })?;
    let options = Options::collect(bytes)?;
    let owned = |code| options.get(code).map(<[u8]>::to_vec);
    let overload = options.overload;
    let unless = |overloaded: bool, text: &[u8]| if overloaded { Vec::new() } else { text.to_vec() };
    Ok(Answer {
        xid: header.xid(),
        mac,
        broadcast: header.flags().broadcast(),
        ciaddr: header.ciaddr(),
        yiaddr: header.yiaddr(),
        siaddr: header.siaddr(),
        giaddr: header.giaddr(),
        server_name: unless(overload.server_name, header.sname()),
        file: unless(overload.file, header.fname()),
        message: options.get(OptionCode::MessageType).and_then(message_type),
        server_id: options.get(OptionCode::ServerIdentifier).and_then(address),
        mask: options.get(OptionCode::SubnetMask).and_then(address),
        routers: addresses(options.get(OptionCode::Router).unwrap_or_default()),
        dns: addresses(options.get(OptionCode::DomainNameServer).unwrap_or_default()),
        lease_secs: options.get(OptionCode::AddressLeaseTime).and_then(seconds),
        vendor_class: owned(OptionCode::ClassIdentifier).unwrap_or_default(),
        vendor_options: owned(OptionCode::VendorExtensions),
        tftp_server: owned(OptionCode::TFTPServerName),
        boot_file: owned(OptionCode::BootfileName),
        machine_id: owned(OptionCode::ClientMachineIdentifier),
        ipxe_options: owned(IPXE_ENCAPSULATED),
        relay_info: owned(OptionCode::RelayAgentInformation),
    })
}

fn addresses(value: &[u8]) -> Vec<Ipv4Addr> {
    let (addresses, _rest) = value.as_chunks::<4>();
    addresses.iter().copied().map(Ipv4Addr::from).collect()
}

fn seconds(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}
