//! DHCPv6 packets: read, told apart, asked what they want, and answered.

#[path = "../../bootwright-proto/tests/it/dhcp6/digest.rs"]
mod packet;

/// Takes a packet through everything that we do with one.
pub fn digest(bytes: &[u8]) {
    // The reason for which it is given up was looked at inside.
    let _ = packet::digest(bytes);
}

/// Packets of real firmware.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    macro_rules! captured {
        ($($name:literal)*) => {
            [$(include_str!(concat!("../../bootwright-proto/test_data/dhcp6/", $name, ".hex"))),*]
        };
    }
    let texts = captured!(
        "firmware-solicit"
        "http-solicit"
        "ipxe-request"
        "ipxe-solicit"
        "pxe-release"
        "pxe-request"
        "pxe-solicit"
    );
    texts.iter().map(|text| crate::unhex(text)).collect()
}
