//! The packets of `test_data/dhcp`: what real firmware sent, and a few written out by hand.

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_proto::dhcp::{Arrival, Port};

/// A packet with the way it took.
pub(crate) struct Golden {
    /// The file's name without its ending.
    pub(crate) name: &'static str,
    /// The UDP payload.
    pub(crate) bytes: Vec<u8>,
    /// Where it came from.
    pub(crate) from: SocketAddrV4,
    /// Where it was sent.
    pub(crate) to: SocketAddrV4,
}

/// The boot server of the captures and the one of the packets written out by hand.
pub(crate) const SERVERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 99, 0, 2), Ipv4Addr::new(10, 77, 0, 1)];

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../test_data/dhcp/", $name, ".hex")))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "arm64-firmware-boot-request"
    "arm64-firmware-discover"
    "arm64-firmware-request"
    "arm64-ipxe-boot-request"
    "arm64-ipxe-discover"
    "arm64-ipxe-request"
    "bios-firmware-boot-request"
    "bios-firmware-discover"
    "bios-firmware-request"
    "bios-installer-discover"
    "bios-installer-request"
    "bios-ipxe-boot-request"
    "bios-ipxe-discover"
    "bios-ipxe-request"
    "http-firmware-discover"
    "http-firmware-request"
    "http-installer-discover"
    "http-installer-request"
    "http-ipxe-boot-request"
    "http-ipxe-discover"
    "http-ipxe-request"
    "relayed-firmware-discover"
    "relayed-firmware-request"
    "relayed-installer-discover"
    "relayed-installer-request"
    "relayed-ipxe-discover"
    "relayed-ipxe-request"
    "rom-installer-discover"
    "rom-installer-request"
    "rom-ipxe-boot-request"
    "rom-ipxe-discover"
    "rom-ipxe-request"
    "secureboot-firmware-discover"
    "secureboot-firmware-request"
    "secureboot-installer-discover"
    "secureboot-installer-request"
    "table-http-discover"
    "table-legacy-boot-request"
    "table-legacy-discover"
    "table-pi3-discover"
    "table-pi4-discover"
    "table-rom-discover"
    "table-uefi-boot-request"
    "table-uefi-discover"
    "table-uefi-request"
    "uefi-firmware-boot-request"
    "uefi-firmware-discover"
    "uefi-firmware-request"
    "uefi-installer-discover"
    "uefi-installer-request"
    "uefi-ipxe-boot-request"
    "uefi-ipxe-discover"
    "uefi-ipxe-request"
];

impl Golden {
    /// All packets, in the order of their names.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        FILES.iter().map(|(name, text)| Self::read(name, text))
    }

    /// The packet of this name.
    pub(crate) fn named(wanted: &str) -> Self {
        Self::all().find(|golden| golden.name == wanted).expect(wanted)
    }

    /// The port on which it arrived.
    pub(crate) fn port(&self) -> Port {
        match self.to.port() {
            67 => Port::Dhcp,
            4011 => Port::Pxe,
            other => panic!("{}: nobody listens on port {other}", self.name),
        }
    }

    /// Its arrival at the boot server of the captures.
    pub(crate) fn arrival(&self) -> Arrival<'static> {
        Arrival {
            port: self.port(),
            ours: &SERVERS,
        }
    }

    /// The address of the server that answers it.
    pub(crate) fn server(&self) -> Ipv4Addr {
        let [captures, written] = SERVERS;
        if self.name.starts_with("table-") {
            written
        } else {
            captures
        }
    }

    fn read(name: &'static str, text: &str) -> Self {
        let header = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("# {key}: ")));
            line.unwrap_or_else(|| panic!("{name}: no `{key}`"))
        };
        assert!(!header("firmware").is_empty() && !header("capture").is_empty());
        Self {
            name,
            bytes: text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .flat_map(unhex)
                .collect(),
            from: header("from").parse().expect(name),
            to: header("to").parse().expect(name),
        }
    }
}

/// Bytes from pairs of hexadecimal digits; blanks between pairs are skipped.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16).expect(text)).expect("one digit"))
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn every_packet_in_the_directory_is_tested() {
    let mut found: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/dhcp"))
        .expect("the directory of golden packets")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".hex").map(str::to_owned))
        .collect();
    found.sort();
    let listed: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, listed);
}
