//! The packets that firmware sends.

use std::net::Ipv4Addr;

use bootwright_core::{Arch, MacAddr, Uuid};
use bootwright_proto::dhcp::{Feature, Ipxe, MessageType, Request, render_request};

use super::Firmware;
use crate::ipxe::Generation;

/// What is asked.
pub(super) enum Question {
    /// Who can help?
    Discover,
    /// May I have this address of yours?
    Request {
        /// Whose it is.
        server: Ipv4Addr,
        /// The address.
        address: Ipv4Addr,
    },
    /// Which file?
    BootServer {
        /// The machine's address.
        address: Ipv4Addr,
        /// Who is asked, where the firmware says so.
        proxy: Option<Ipv4Addr>,
        /// The item of the menu, where there was one.
        item: Option<Vec<u8>>,
    },
}

/// The options that EDK2 asks for, 128 to 135 among them, which mean nothing.
const UEFI_PARAMETERS: &[u8] = &[
    1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129,
    130, 131, 132, 133, 134, 135,
];

/// The options that iPXE asks for.
const IPXE_PARAMETERS: &[u8] = &[
    1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203,
];

/// Writes a packet as this firmware writes it.
pub(super) fn render(
    firmware: Firmware,
    mac: MacAddr,
    uuid: Option<Uuid>,
    xid: u32,
    secs: u16,
    question: Question,
) -> Vec<u8> {
    let mut request = base(firmware, mac, uuid, xid);
    request.secs = secs;
    match question {
        Question::Discover => {}
        Question::Request { server, address } => {
            request.message = Some(MessageType::Request);
            request.server_id = Some(server);
            request.requested = Some(address);
            if matches!(firmware, Firmware::Uefi { .. } | Firmware::UefiHttp) {
                request.max_message = Some(0xff00);
            }
        }
        Question::BootServer { address, proxy, item } => {
            request.message = Some(MessageType::Request);
            request.ciaddr = address;
            request.boot_item = item;
            match firmware {
                Firmware::Ipxe { .. } => {
                    request.server_id = proxy;
                    request.broadcast = true;
                }
                Firmware::Bios | Firmware::Uefi { .. } | Firmware::UefiHttp => request.broadcast = false,
            }
        }
    }
    render_request(&request)
}

/// A DISCOVER of this firmware.
fn base(firmware: Firmware, mac: MacAddr, uuid: Option<Uuid>, xid: u32) -> Request {
    let mut chaddr = [0; 16];
    for (to, from) in chaddr.iter_mut().zip(mac.octets()) {
        *to = from;
    }
    let (arch, interface) = arch(firmware);
    let machine_id = uuid.map(|uuid| [&[0], uuid.to_wire().as_slice()].concat());
    let mut request = Request {
        htype: 1,
        hops: 0,
        xid,
        secs: 0,
        broadcast: true,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        giaddr: Ipv4Addr::UNSPECIFIED,
        mac,
        chaddr,
        message: Some(MessageType::Discover),
        host_name: None,
        requested: None,
        server_id: None,
        parameters: UEFI_PARAMETERS.to_vec(),
        max_message: Some(1472),
        vendor_class: class(firmware, arch, interface),
        client_id: None,
        user_class: Vec::new(),
        archs: vec![arch],
        interface: Some(interface),
        uuid,
        machine_id,
        boot_item: None,
        ipxe: None,
        relay_info: None,
        link_selection: None,
        server_id_override: None,
        subnet_selection: None,
    };
    if let Firmware::Ipxe { arch, .. } = firmware {
        let loads = if arch.is_uefi() {
            [Feature::Efi, Feature::Menu]
        } else {
            [Feature::Pxe, Feature::Bzimage]
        };
        let can = [Feature::Http, Feature::Tftp, Feature::Dns];
        let features = can.into_iter().chain(loads);
        request.ipxe = Some(features.fold(Ipxe::default(), Ipxe::with));
        request.user_class = vec![b"iPXE".to_vec()];
        request.client_id = Some([&[1], mac.octets().as_slice()].concat());
        request.parameters = IPXE_PARAMETERS.to_vec();
        request.broadcast = false;
    }
    request
}

/// The architecture, and the version of the network interface.
fn arch(firmware: Firmware) -> (Arch, [u8; 3]) {
    match firmware {
        Firmware::Bios => (Arch::BIOS, [1, 2, 1]),
        Firmware::Uefi { arch } => (arch, [1, 3, 0]),
        Firmware::UefiHttp => (Arch::EFI64_HTTP, [1, 3, 0]),
        Firmware::Ipxe { arch, .. } if arch.is_uefi() => (arch, [1, 3, 10]),
        Firmware::Ipxe { arch, .. } => (arch, [1, 2, 1]),
    }
}

/// Option 60. A chained iPXE of later builds repeats the class of the offer that led to it.
fn class(firmware: Firmware, arch: Arch, [_, major, minor]: [u8; 3]) -> Vec<u8> {
    let word = match firmware {
        Firmware::Ipxe {
            chained: true,
            generation: Generation::Of2025 | Generation::Of2026,
            ..
        } => return b"PXEClient".to_vec(),
        Firmware::UefiHttp => "HTTPClient",
        Firmware::Bios | Firmware::Uefi { .. } | Firmware::Ipxe { .. } => "PXEClient",
    };
    format!("{word}:Arch:{:05}:UNDI:{major:03}{minor:03}", arch.code()).into_bytes()
}
