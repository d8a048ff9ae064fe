//! DHCPv6: what firmware really sent, what it is answered, and everything that could go wrong.

mod answer;
mod captured;
mod census;
mod digest;
mod hostile;
mod relay;

use bootwright_core::MacAddr;
use bootwright_proto::dhcp6::Duid;

/// How the server of the tests calls itself.
fn server() -> Duid {
    Duid::of_card(MacAddr::new([2, 0, 0, 0, 0, 1]))
}

/// The machine of the captures.
const CARD: MacAddr = MacAddr::new([0x52, 0x54, 0x00, 0x1a, 0xb0, 0x32]);

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../test_data/dhcp6/", $name, ".hex")))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "firmware-request"
    "firmware-solicit"
    "http-solicit"
    "ipxe-request"
    "ipxe-solicit"
    "pxe-release"
    "pxe-request"
    "pxe-solicit"
];

/// The bytes of a captured packet.
fn captured(name: &str) -> Vec<u8> {
    let (_, text) = FILES
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a file of that name");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: String = lines.collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// A message with these options.
fn message(kind: u8, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![kind, 0xa, 0xb, 0xc];
    for (code, value) in options {
        bytes.extend_from_slice(&code.to_be_bytes());
        bytes.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// DUID-LL of a card, as RFC 8415 section 11.4 has it.
const CLIENT: &[u8] = &[0, 3, 0, 1, 0x52, 0x54, 0, 0xab, 0xcd, 0xef];
