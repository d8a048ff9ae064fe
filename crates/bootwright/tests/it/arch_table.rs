//! Every architecture that has a row of its own is offered its own build, in the form that its firmware wants.

use std::net::Ipv4Addr;

use crate::daemon::{Daemon, PATIENCE};
use crate::netns::{End, Netns, cable};
use crate::segment::{captured, discover, with_arch, with_card};

#[test]
fn processors_other_than_x86_are_offered_their_own_builds_by_tftp_and_by_url() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let _daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"lab0\"]\n");
    // IANA's list of processor architecture types; 0x10 is x64, and 0x13 is ARM.
    let rows = [
        (0x0b, 0x13, "ipxe-arm64.efi"),
        (0x1b, 0x1c, "ipxe-riscv64.efi"),
        (0x27, 0x28, "ipxe-loong64.efi"),
        (0x07, 0x10, "snponly.efi"),
    ];
    for (number, (pxe, http, file)) in rows.into_iter().enumerate() {
        let card = |kind: u8| [0x52, 0x54, 0, 0, 0x60 + kind, u8::try_from(number).expect("few rows")];
        let offered = |packet: &str, arch, kind| {
            let packet = with_card(with_arch(captured(packet), arch), card(kind));
            discover(&machine, "eth0", &packet, PATIENCE).expect("an offer").answer
        };
        let tftp = offered("uefi-firmware-discover", pxe, 0);
        assert_eq!(tftp.file, file.as_bytes(), "{pxe:#x}");
        assert_eq!(tftp.vendor_class, b"PXEClient", "{pxe:#x}");
        assert_eq!(tftp.siaddr, Ipv4Addr::new(10, 77, 0, 1), "{pxe:#x}");
        let url = offered("http-firmware-discover", http, 1);
        let expected = format!("http://10.77.0.1:8080/firmware/{file}");
        assert_eq!(url.file, expected.as_bytes(), "{http:#x}");
        assert_eq!(url.vendor_class, b"HTTPClient", "{http:#x}");
    }
}
