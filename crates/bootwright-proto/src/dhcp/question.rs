//! What a request asks of a boot server that assigns no addresses, or why it gets no answer whoever sent it.

use std::fmt;
use std::net::Ipv4Addr;

use super::client::{Client, ClientKind};
use super::pxe::BOOT_SERVER_TYPE;
use super::request::{MessageType, Request};
use super::{PXE_PORT, SERVER_PORT};

/// The port on which a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// 67, where clients without an address and relays send.
    Dhcp,
    /// 4011, where PXE clients send that have their address.
    Pxe,
}

impl Port {
    /// The number of the port.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Dhcp => SERVER_PORT,
            Self::Pxe => PXE_PORT,
        }
    }
}

/// Where a request arrived, as far as its meaning depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The port.
    pub port: Port,
    /// All addresses under which this server may have offered itself.
    pub ours: &'a [Ipv4Addr],
}

/// What a client wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Who can boot me? Answered with a proxy offer.
    Discover,
    /// Which file? Asked on port 4011 by a client that chose us, answered with an acknowledgement.
    BootFile,
    /// Which file, asked on port 67 for the entry of our boot menu. Only for clients that were shown the menu.
    MenuEntry,
}

/// Why a sound request gets no answer, where the packet alone tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The client did not present itself as a PXE or HTTP boot client.
    NotABootClient,
    /// No message type: plain BOOTP, which knows no offers.
    Bootp,
    /// On port 67, something other than a search for servers.
    NotADiscover {
        /// What it was.
        message: MessageType,
    },
    /// On port 4011, something other than the request for a boot file.
    NotABootRequest {
        /// What it was.
        message: MessageType,
    },
    /// The client chose another server, and says so.
    ForAnotherServer {
        /// That server's identifier.
        server: Ipv4Addr,
    },
    /// A boot server request for a type that our menu never has.
    ForeignMenuEntry,
    /// HTTP boot knows no port 4011.
    HttpOnPxePort,
    /// On port 67, what no client says to a server that leases addresses.
    NotALeaseMessage {
        /// What it was.
        message: MessageType,
    },
    /// A message about an address that does not name it.
    NoAddress {
        /// What it was.
        message: MessageType,
    },
}

impl Silence {
    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotABootClient => "not-a-boot-client",
            Self::Bootp => "bootp",
            Self::NotADiscover { .. } => "not-a-discover",
            Self::NotABootRequest { .. } => "not-a-boot-request",
            Self::ForAnotherServer { .. } => "for-another-server",
            Self::ForeignMenuEntry => "foreign-menu-entry",
            Self::HttpOnPxePort => "http-on-pxe-port",
            Self::NotALeaseMessage { .. } => "not-a-lease-message",
            Self::NoAddress { .. } => "names-no-address",
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotABootClient => f.write_str("not a boot client"),
            Self::Bootp => f.write_str("plain BOOTP"),
            Self::NotADiscover { message } => write!(f, "{message:?} on port 67 is for the DHCP server"),
            Self::NotABootRequest { message } => write!(f, "{message:?} on port 4011 asks for nothing"),
            Self::ForAnotherServer { server } => write!(f, "meant for the server {server}"),
            Self::ForeignMenuEntry => f.write_str("asks for an entry that our boot menu does not have"),
            Self::HttpOnPxePort => f.write_str("an HTTP boot client on port 4011"),
            Self::NotALeaseMessage { message } => {
                write!(f, "{message:?} is nothing that a client says to a DHCP server")
            }
            Self::NoAddress { message } => write!(f, "{message:?} names no address"),
        }
    }
}

/// What the client asks of a server in proxy mode.
///
/// # Errors
/// The reason for silence. The order of the tests is fixed, since the reasons are counted.
pub fn question(request: &Request, client: &Client, arrival: Arrival<'_>) -> Result<Question, Silence> {
    match client.kind {
        ClientKind::Plain => return Err(Silence::NotABootClient),
        ClientKind::UefiHttp if arrival.port == Port::Pxe => return Err(Silence::HttpOnPxePort),
        ClientKind::UefiHttp
        | ClientKind::UBoot
        | ClientKind::Ipxe(_)
        | ClientKind::RaspberryPi
        | ClientKind::UefiPxe
        | ClientKind::BiosPxe
        | ClientKind::UnknownPxe => {}
    }
    let message = request.message.ok_or(Silence::Bootp)?;
    let question = match (arrival.port, message) {
        (Port::Dhcp, MessageType::Discover) => Question::Discover,
        (Port::Dhcp, MessageType::Request) if asks_for_menu_entry(request) => Question::MenuEntry,
        (Port::Dhcp, message) => return Err(Silence::NotADiscover { message }),
        (Port::Pxe, MessageType::Request | MessageType::Inform) => Question::BootFile,
        (Port::Pxe, message) => return Err(Silence::NotABootRequest { message }),
    };
    if let Some(server) = request.server_id
        && !arrival.ours.contains(&server)
    {
        return Err(Silence::ForAnotherServer { server });
    }
    let foreign = request
        .boot_item
        .as_deref()
        .is_some_and(|item| !item.starts_with(&BOOT_SERVER_TYPE));
    if question == Question::MenuEntry && foreign {
        return Err(Silence::ForeignMenuEntry);
    }
    Ok(question)
}

/// PXE boot server discovery: a request from a client that has its address and names a boot item (PXE 2.1, 2.2.4).
pub(super) fn asks_for_menu_entry(request: &Request) -> bool {
    request.boot_item.is_some() && !request.ciaddr.is_unspecified()
}
