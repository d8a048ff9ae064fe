//! DHCP packets: read, told apart, asked what they want, answered in every way that we know; and the same as a client.

use std::net::Ipv4Addr;

use bootwright_proto::dhcp::Port;

#[path = "../../bootwright-proto/tests/it/dhcp/digest.rs"]
mod packet;

/// Our addresses in the captures.
const SERVERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 99, 0, 2), Ipv4Addr::new(10, 77, 0, 1)];

/// Takes a packet through everything that we do with one, on either port.
pub fn digest(bytes: &[u8]) {
    for port in [Port::Dhcp, Port::Pxe] {
        packet::digest_both_ways(bytes, port);
    }
}

/// Packets of real firmware.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    macro_rules! captured {
        ($($name:literal)*) => {
            [$(include_str!(concat!("../../bootwright-proto/test_data/dhcp/", $name, ".hex"))),*]
        };
    }
    let texts = captured!(
        "arm64-firmware-discover"
        "bios-firmware-discover"
        "bios-firmware-boot-request"
        "bios-installer-discover"
        "bios-ipxe-discover"
        "http-firmware-discover"
        "relayed-firmware-discover"
        "relayed-ipxe-request"
        "rom-ipxe-discover"
        "table-uefi-boot-request"
        "uefi-firmware-boot-request"
        "uefi-firmware-discover"
        "uefi-ipxe-discover"
    );
    texts.iter().map(|text| crate::unhex(text)).collect()
}
