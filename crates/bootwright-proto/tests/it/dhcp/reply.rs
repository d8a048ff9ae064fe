//! Our replies to the golden packets: every byte as a file, every field read again by a decoder that is not ours.

use std::net::Ipv4Addr;

use bootwright_proto::dhcp::{
    Boot, BootFile, Client, ClientKind, Destination, Question, Reply, Strategy, classify, destination, parse, question,
    render,
};
use dhcproto::v4::{DhcpOption, OptionCode};
use expect_test::{Expect, expect, expect_file};

use super::golden::{Golden, unhex};
use super::reading::{decode, order};

/// What a site would have each kind of client boot.
fn boot(client: &Client, server: Ipv4Addr) -> Boot {
    let file = |name: &str| BootFile::new(name).expect(name);
    match client.kind {
        ClientKind::Ipxe(_) => Boot::Ipxe {
            script: file(&format!("http://{server}:8080/boot.ipxe")),
        },
        ClientKind::UefiHttp => Boot::Http {
            url: file(&format!("http://{server}:8080/firmware/snponly.efi")),
        },
        ClientKind::UefiPxe => Boot::Pxe {
            file: file("snponly.efi"),
            strategy: Strategy::Direct,
        },
        ClientKind::BiosPxe => Boot::Pxe {
            file: file("undionly.kpxe"),
            strategy: Strategy::Direct,
        },
        ClientKind::RaspberryPi => Boot::RaspberryPi,
        ClientKind::Plain | ClientKind::UBoot | ClientKind::UnknownPxe => {
            panic!("no golden packet is of this kind")
        }
    }
}

/// The reply to a golden packet and where it goes; none where silence is the answer.
fn answer(golden: &Golden) -> Option<(Vec<u8>, Destination)> {
    let request = parse(&golden.bytes).expect(golden.name);
    let client = classify(&request);
    let boot = |client| boot(client, golden.server());
    let reply = match question(&request, &client, golden.arrival()).ok()? {
        Question::Discover => Reply::ProxyOffer(boot(&client)),
        Question::BootFile | Question::MenuEntry => Reply::BootAck(boot(&client)),
    };
    let bytes = render(&request, golden.server(), &reply).expect(golden.name);
    let destination = destination(&request, golden.port(), golden.from, &reply);
    Some((bytes, destination))
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn replies_are_the_golden_ones_byte_for_byte() {
    for golden in Golden::all() {
        let Some((bytes, _)) = answer(&golden) else { continue };
        let mut hex = format!("# reply to: {}\n", golden.name);
        for row in bytes.chunks(32) {
            hex.extend(row.iter().map(|byte| format!("{byte:02x}")));
            hex.push('\n');
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/test_data/dhcp/reply/");
        expect_file![format!("{path}{}.hex", golden.name)].assert_eq(&hex);
    }
}

#[test]
fn a_decoder_of_other_hands_reads_every_field_that_we_meant() {
    let mut answered = 0;
    for golden in Golden::all() {
        let Some((bytes, _)) = answer(&golden) else { continue };
        answered += 1;
        let name = golden.name;
        let asked = &golden.bytes;
        let server = golden.server();
        let reply = decode(&bytes);
        let offer = golden.to.port() == 67;
        assert_eq!(
            bytes[..4],
            [2, asked[1], 6, 0],
            "{name}: reply, hardware type, length, hops"
        );
        assert_eq!(bytes[4..8], asked[4..8], "{name}: transaction");
        assert_eq!(bytes[8..10], [0, 0], "{name}: seconds");
        let flags = if offer { [0x80, 0] } else { [asked[10], asked[11]] };
        assert_eq!(bytes[10..12], flags, "{name}: flags");
        let ciaddr = if offer {
            [0; 4]
        } else {
            asked[12..16].try_into().expect("four")
        };
        assert_eq!(reply.ciaddr().octets(), ciaddr, "{name}: the client's address");
        assert!(reply.yiaddr().is_unspecified(), "{name}: a proxy assigns no address");
        assert_eq!(reply.siaddr(), server, "{name}: next server");
        assert_eq!(bytes[24..28], asked[24..28], "{name}: relay");
        assert_eq!(bytes[28..44], asked[28..44], "{name}: hardware address");
        let padded = format!("{server}\0");
        assert_eq!(reply.sname(), Some(padded.as_bytes()), "{name}: server name");

        let options = reply.opts();
        assert_eq!(
            options.get(OptionCode::ServerIdentifier),
            Some(&DhcpOption::ServerIdentifier(server)),
            "{name}"
        );
        assert_eq!(
            options.get(OptionCode::TFTPServerName),
            Some(&DhcpOption::TFTPServerName(server.to_string().into_bytes())),
            "{name}"
        );
        if name.contains("-pi") {
            assert_eq!(
                options.get(OptionCode::BootfileName),
                None,
                "{name}: it knows its names itself"
            );
            assert_eq!(asked_file(&bytes), [0; 128], "{name}");
        } else {
            let Some(DhcpOption::BootfileName(file)) = options.get(OptionCode::BootfileName) else {
                panic!("{name}: no option 67")
            };
            assert_eq!(file.last(), Some(&0), "{name}: option 67 ends with a NUL");
            assert_eq!(
                reply.fname(),
                Some(file.as_slice()),
                "{name}: both places name the same file"
            );
        }
        let machine = decode(asked).opts().get(OptionCode::ClientMachineIdentifier).cloned();
        assert_eq!(
            options.get(OptionCode::ClientMachineIdentifier),
            machine.as_ref(),
            "{name}: the machine id comes back as it was"
        );
        for code in [1, 3, 6, 51, 52, 58, 59] {
            assert!(
                !options.contains(OptionCode::from(code)),
                "{name}: option {code} is not a proxy's"
            );
        }
        assert_eq!(order(&bytes)[..3], [53, 54, 60], "{name}: order");
        assert!((300..=548).contains(&bytes.len()), "{name}: {} bytes", bytes.len());
    }
    assert_eq!(answered, 28, "packets that get an answer");
}

/// The field of the boot file's name.
fn asked_file(bytes: &[u8]) -> [u8; 128] {
    bytes[108..236].try_into().expect("a field")
}

/// One line for each answered packet whose name starts so.
fn check(prefix: &str, expected: Expect) {
    let mut transcript = String::new();
    for golden in Golden::all().filter(|golden| golden.name.starts_with(prefix)) {
        let Some((bytes, destination)) = answer(&golden) else {
            continue;
        };
        let reply = decode(&bytes);
        let options = reply.opts();
        let mut line = format!(
            "{} -> {:?} {}",
            golden.name.strip_prefix(prefix).unwrap_or_default(),
            options.msg_type().expect("a message type"),
            text(reply.fname().unwrap_or_default()),
        );
        if let Some(DhcpOption::ClassIdentifier(class)) = options.get(OptionCode::ClassIdentifier) {
            line += &format!(" class {}", text(class));
        }
        if let Some(DhcpOption::VendorExtensions(vendor)) = options.get(OptionCode::VendorExtensions) {
            line += &format!(" 43 {vendor:02x?}");
        }
        if let Some(DhcpOption::Unknown(ipxe)) = options.get(OptionCode::Unknown(175)) {
            line += &format!(" 175 {:02x?}", ipxe.data());
        }
        transcript += &format!("{line} to {destination:?}\n");
    }
    expected.assert_eq(&transcript);
}

#[test]
fn uefi_is_offered_the_file_at_once_and_answered_on_port_4011_as_well() {
    check(
        "uefi-",
        expect![[r#"
        firmware-boot-request -> Ack snponly.efi\x00 class PXEClient to Unicast { addr: 10.99.0.140, port: 4011 }
        firmware-discover -> Offer snponly.efi\x00 class PXEClient 43 [06, 01, 08, ff] to BroadcastLocal { port: 68 }
        ipxe-boot-request -> Ack http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient to Unicast { addr: 10.99.0.140, port: 68 }
        ipxe-discover -> Offer http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient 175 [01, 01, 7f] to BroadcastLocal { port: 68 }
    "#]],
    );
}

#[test]
fn a_bios_gets_its_boot_item_back() {
    check(
        "bios-",
        expect![[r#"
        firmware-boot-request -> Ack undionly.kpxe\x00 class PXEClient 43 [47, 04, 80, 00, 00, 00, ff] to Unicast { addr: 10.99.0.165, port: 68 }
        firmware-discover -> Offer undionly.kpxe\x00 class PXEClient 43 [06, 01, 08, ff] to BroadcastLocal { port: 68 }
        ipxe-boot-request -> Ack http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient 43 [47, 04, 80, 04, 00, 00, ff] to Unicast { addr: 10.99.0.165, port: 68 }
        ipxe-discover -> Offer http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient 175 [01, 01, 7f] to BroadcastLocal { port: 68 }
    "#]],
    );
}

#[test]
fn a_rom_that_is_ipxe_gets_the_script() {
    check(
        "rom-",
        expect![[r#"
        ipxe-boot-request -> Ack http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient 43 [47, 04, 80, 04, 00, 00, ff] to Unicast { addr: 10.99.0.188, port: 68 }
        ipxe-discover -> Offer http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient 175 [01, 01, 7f] to BroadcastLocal { port: 68 }
    "#]],
    );
}

#[test]
fn http_boot_gets_a_url_and_its_own_class() {
    check(
        "http-",
        expect![[r#"
        firmware-discover -> Offer http://10.99.0.2:8080/firmware/snponly.efi\x00 class HTTPClient to BroadcastLocal { port: 68 }
        ipxe-boot-request -> Ack http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient to Unicast { addr: 10.99.0.192, port: 68 }
        ipxe-discover -> Offer http://10.99.0.2:8080/boot.ipxe\x00 class PXEClient 175 [01, 01, 7f] to BroadcastLocal { port: 68 }
    "#]],
    );
}

#[test]
fn the_packets_written_out_by_hand_are_answered_alike() {
    check(
        "table-",
        expect![[r#"
            http-discover -> Offer http://10.77.0.1:8080/firmware/snponly.efi\x00 class HTTPClient to BroadcastLocal { port: 68 }
            legacy-boot-request -> Ack undionly.kpxe\x00 class PXEClient to Unicast { addr: 10.77.0.50, port: 68 }
            legacy-discover -> Offer undionly.kpxe\x00 class PXEClient 43 [06, 01, 08, ff] to BroadcastLocal { port: 68 }
            pi3-discover -> Offer  class PXEClient 43 [06, 01, 03, 0a, 04, 00, 50, 58, 45, 09, 14, 00, 00, 11, 52, 61, 73, 70, 62, 65, 72, 72, 79, 20, 50, 69, 20, 42, 6f, 6f, 74, ff] to BroadcastLocal { port: 68 }
            pi4-discover -> Offer  class PXEClient 43 [06, 01, 03, 0a, 04, 00, 50, 58, 45, 09, 14, 00, 00, 11, 52, 61, 73, 70, 62, 65, 72, 72, 79, 20, 50, 69, 20, 42, 6f, 6f, 74, ff] to BroadcastLocal { port: 68 }
            rom-discover -> Offer http://10.77.0.1:8080/boot.ipxe\x00 class PXEClient 175 [01, 01, 7f] to BroadcastLocal { port: 68 }
            uefi-boot-request -> Ack snponly.efi\x00 class PXEClient to Unicast { addr: 10.77.0.50, port: 4011 }
            uefi-discover -> Offer snponly.efi\x00 class PXEClient 43 [06, 01, 08, ff] to BroadcastLocal { port: 68 }
        "#]],
    );
}

/// Compares a reply with bytes that a person wrote down from the protocol, field by field.
fn check_bytes(name: &str, expected: &[&str]) {
    let (bytes, _) = answer(&Golden::named(name)).expect(name);
    let mut expected = unhex(&expected.concat());
    expected.resize(expected.len().max(300), 0);
    assert_eq!(
        bootwright_proto::hexdump::Hexdump(&bytes).to_string(),
        bootwright_proto::hexdump::Hexdump(&expected).to_string()
    );
}

const TEN_ZEROS: &str = "00000000000000000000";

fn hex(text: &str, len: usize) -> String {
    let mut hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    hex += &"00".repeat(len - text.len());
    hex
}

#[test]
fn the_offer_to_uefi_is_what_the_protocol_says() {
    check_bytes(
        "table-uefi-discover",
        &[
            "02 01 06 00 80a071d9 0000 8000 00000000 00000000 0a4d0001 00000000 525400123456",
            TEN_ZEROS,
            &hex("10.77.0.1", 64),
            &hex("snponly.efi", 128),
            "63825363 35 01 02 36 04 0a4d0001 3c 09 505845436c69656e74",
            "61 11 00 33221100554477668899aabbccddeeff 2b 04 06 01 08 ff",
            "42 09 31302e37372e302e31 43 0c 736e706f6e6c792e656669 00 ff",
        ],
    );
}

#[test]
fn the_acknowledgement_on_port_4011_is_what_the_protocol_says() {
    check_bytes(
        "table-uefi-boot-request",
        &[
            "02 01 06 00 34f0b311 0000 0000 0a4d0032 00000000 0a4d0001 00000000 525400123456",
            TEN_ZEROS,
            &hex("10.77.0.1", 64),
            &hex("snponly.efi", 128),
            "63825363 35 01 05 36 04 0a4d0001 3c 09 505845436c69656e74",
            "61 11 00 33221100554477668899aabbccddeeff",
            "42 09 31302e37372e302e31 43 0c 736e706f6e6c792e656669 00 ff",
        ],
    );
}

#[test]
fn the_offer_to_ipxe_is_what_the_protocol_says() {
    check_bytes(
        "table-rom-discover",
        &[
            "02 01 06 00 f1fc820f 0000 8000 00000000 00000000 0a4d0001 00000000 525400123456",
            TEN_ZEROS,
            &hex("10.77.0.1", 64),
            &hex("http://10.77.0.1:8080/boot.ipxe", 128),
            "63825363 35 01 02 36 04 0a4d0001 3c 09 505845436c69656e74",
            "61 11 00 33221100554477668899aabbccddeeff",
            "42 09 31302e37372e302e31 43 20",
            &hex("http://10.77.0.1:8080/boot.ipxe", 32),
            "af 03 01 01 7f ff",
        ],
    );
}

#[test]
fn the_offer_to_http_boot_is_what_the_protocol_says() {
    let url = "http://10.77.0.1:8080/firmware/snponly.efi";
    check_bytes(
        "table-http-discover",
        &[
            "02 01 06 00 5b1cc0de 0000 8000 00000000 00000000 0a4d0001 00000000 525400123456",
            TEN_ZEROS,
            &hex("10.77.0.1", 64),
            &hex(url, 128),
            "63825363 35 01 02 36 04 0a4d0001 3c 0a 48545450436c69656e74",
            "61 11 00 33221100554477668899aabbccddeeff 42 09 31302e37372e302e31 43 2b",
            &hex(url, 43),
            "ff",
        ],
    );
}
