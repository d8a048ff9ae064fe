//! Every processor architecture type that has a number: what its firmware is taken for, and what it is offered.

use std::net::Ipv4Addr;

use bootwright_core::policy::default_first_files;
use bootwright_core::{Arch, Strategy, Transport};
use bootwright_proto::dhcp::{Boot, BootFile, Reply, classify, parse, render};
use dhcproto::v4::{DhcpOption, OptionCode};

use super::packet::Packet;
use super::reading::decode;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// IANA's list of processor architecture types: the number, what its firmware calls itself, the kind that it is taken for,
/// and our own boot program for it.
const TYPES: [(u16, &str, &str, Option<&str>); 42] = [
    (0x00, "PXEClient", "bios-pxe", Some("undionly.kpxe")),
    // NEC PC-98, Itanium, DEC Alpha, ARC x86, Intel Lean Client.
    (0x01, "PXEClient", "unknown-pxe", None),
    (0x02, "PXEClient", "unknown-pxe", None),
    (0x03, "PXEClient", "unknown-pxe", None),
    (0x04, "PXEClient", "unknown-pxe", None),
    (0x05, "PXEClient", "unknown-pxe", None),
    (0x06, "PXEClient", "uefi-pxe", Some("ipxe-i386.efi")),
    (0x07, "PXEClient", "uefi-pxe", Some("snponly.efi")),
    // Xscale.
    (0x08, "PXEClient", "unknown-pxe", None),
    // RFC 4578 had 7 and 9 the other way round.
    (0x09, "PXEClient", "uefi-pxe", Some("snponly.efi")),
    (0x0a, "PXEClient", "uefi-pxe", None),
    (0x0b, "PXEClient", "uefi-pxe", Some("ipxe-arm64.efi")),
    // PowerPC: Open Firmware, ePAPR, OPAL.
    (0x0c, "PXEClient", "unknown-pxe", None),
    (0x0d, "PXEClient", "unknown-pxe", None),
    (0x0e, "PXEClient", "unknown-pxe", None),
    (0x0f, "HTTPClient", "uefi-http", Some("ipxe-i386.efi")),
    // x64, and not ARM.
    (0x10, "HTTPClient", "uefi-http", Some("snponly.efi")),
    (0x11, "HTTPClient", "uefi-http", Some("snponly.efi")),
    (0x12, "HTTPClient", "uefi-http", None),
    (0x13, "HTTPClient", "uefi-http", Some("ipxe-arm64.efi")),
    (0x14, "HTTPClient", "uefi-http", None),
    (0x15, "U-Boot.armv7", "u-boot", None),
    (0x16, "U-Boot.armv8", "u-boot", None),
    (0x17, "U-Boot.armv7", "u-boot", None),
    (0x18, "U-Boot.armv8", "u-boot", None),
    (0x19, "PXEClient", "uefi-pxe", None),
    (0x1a, "HTTPClient", "uefi-http", None),
    (0x1b, "PXEClient", "uefi-pxe", Some("ipxe-riscv64.efi")),
    (0x1c, "HTTPClient", "uefi-http", Some("ipxe-riscv64.efi")),
    (0x1d, "PXEClient", "uefi-pxe", None),
    (0x1e, "HTTPClient", "uefi-http", None),
    // s390, MIPS, Sunway.
    (0x1f, "PXEClient", "unknown-pxe", None),
    (0x20, "PXEClient", "unknown-pxe", None),
    (0x21, "PXEClient", "unknown-pxe", None),
    (0x22, "PXEClient", "unknown-pxe", None),
    (0x23, "PXEClient", "unknown-pxe", None),
    (0x24, "PXEClient", "unknown-pxe", None),
    (0x25, "PXEClient", "uefi-pxe", None),
    (0x26, "HTTPClient", "uefi-http", None),
    (0x27, "PXEClient", "uefi-pxe", Some("ipxe-loong64.efi")),
    (0x28, "HTTPClient", "uefi-http", Some("ipxe-loong64.efi")),
    (0x29, "PXEClient", "raspberry-pi", None),
];

/// Its DISCOVER, as firmware words it.
fn discover(code: u16, class: &str) -> Vec<u8> {
    let class = match class {
        "PXEClient" | "HTTPClient" => format!("{class}:Arch:{code:05}:UNDI:003000"),
        other => other.to_owned(),
    };
    Packet::bare()
        .option(53, &[1])
        .option(93, &code.to_be_bytes())
        .option(60, class.as_bytes())
        .end()
}

#[test]
fn every_architecture_of_the_list_is_told_from_the_others() {
    for ((code, class, kind, _), expected) in TYPES.into_iter().zip(0_u16..) {
        assert_eq!(code, expected, "no number is left out");
        let request = parse(&discover(code, class)).expect("sound");
        let client = classify(&request);
        assert_eq!(
            (client.kind.name(), client.archs),
            (kind, vec![Arch::new(code)]),
            "{code:#x}"
        );
    }
}

#[test]
fn every_architecture_with_a_boot_program_of_ours_is_offered_it_in_its_own_way() {
    let files = default_first_files();
    for (code, class, kind, file) in TYPES {
        let arch = Arch::new(code);
        assert_eq!(files.get(&arch).map(String::as_str), file, "{code:#x}");
        let Some(file) = file else { continue };
        let request = parse(&discover(code, class)).expect("sound");
        let name = |text: &str| BootFile::new(text).expect("a name");
        let url = format!("http://{SERVER}:8080/firmware/{file}");
        let (boot, named) = match arch.transport() {
            Transport::Tftp => (
                Boot::Pxe {
                    file: name(file),
                    strategy: Strategy::Direct,
                },
                file,
            ),
            Transport::Http => (Boot::Http { url: name(&url) }, url.as_str()),
        };
        assert_eq!(arch.transport() == Transport::Http, kind == "uefi-http", "{code:#x}");
        let offer = render(&request, SERVER, &Reply::ProxyOffer(boot)).expect("an offer");
        let offer = decode(&offer);
        let terminated = format!("{named}\0").into_bytes();
        assert_eq!(offer.fname(), Some(terminated.as_slice()), "{code:#x}");
        let options = offer.opts();
        assert_eq!(
            options.get(OptionCode::BootfileName),
            Some(&DhcpOption::BootfileName(terminated)),
            "{code:#x}"
        );
        let expected = DhcpOption::ClassIdentifier(class.as_bytes().to_vec());
        assert_eq!(options.get(OptionCode::ClassIdentifier), Some(&expected), "{code:#x}");
    }
}
