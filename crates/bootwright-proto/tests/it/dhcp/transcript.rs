//! What every golden packet is read as.

use bootwright_proto::dhcp::{Request, classify, parse, question};
use expect_test::{Expect, expect};

use super::golden::Golden;

/// One line for each packet whose name starts so: what it is, who sent it, what it asks of us.
fn check(prefix: &str, expected: Expect) {
    let mut transcript = String::new();
    for golden in Golden::all().filter(|golden| golden.name.starts_with(prefix)) {
        let request = parse(&golden.bytes).expect(golden.name);
        let client = classify(&request);
        let outcome = match question(&request, &client, golden.arrival()) {
            Ok(question) => format!("{question:?}"),
            Err(silence) => format!("{}: {silence}", silence.name()),
        };
        let message = request
            .message
            .map_or("bootp".to_owned(), |message| format!("{message:?}"));
        let archs: Vec<String> = client.archs.iter().map(ToString::to_string).collect();
        transcript += &format!(
            "{} {message} {} [{}] {} -> {outcome}\n",
            golden.name.strip_prefix(prefix).unwrap_or_default(),
            client.kind.name(),
            archs.join(", "),
            facts(&request),
        );
    }
    expected.assert_eq(&transcript);
}

/// The facts that tell machines and boot stages apart.
fn facts(request: &Request) -> String {
    let mut facts = vec![request.mac.to_string()];
    facts.extend(request.uuid.map(|uuid| uuid.to_string()));
    if request.broadcast {
        facts.push("broadcast".to_owned());
    }
    if !request.ciaddr.is_unspecified() {
        facts.push(format!("has {}", request.ciaddr));
    }
    facts.extend(request.server_id.map(|id| format!("to {id}")));
    facts.extend(request.boot_item.as_ref().map(|item| format!("item {item:02x?}")));
    facts.join(" ")
}

#[test]
fn x64_uefi_boots_by_pxe() {
    check(
        "uefi-",
        expect![[r#"
        firmware-boot-request Request uefi-pxe [x64 UEFI] 52:54:00:61:b6:cb 7a12deb7-d555-4c06-9fc0-93422702ece5 has 10.99.0.140 -> BootFile
        firmware-discover Discover uefi-pxe [x64 UEFI] 52:54:00:61:b6:cb 7a12deb7-d555-4c06-9fc0-93422702ece5 broadcast -> Discover
        firmware-request Request uefi-pxe [x64 UEFI] 52:54:00:61:b6:cb 7a12deb7-d555-4c06-9fc0-93422702ece5 broadcast to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
        installer-discover Discover plain [] 52:54:00:61:b6:cb -> not-a-boot-client: not a boot client
        installer-request Request plain [] 52:54:00:61:b6:cb to 10.99.0.1 -> not-a-boot-client: not a boot client
        ipxe-boot-request Request ipxe [x64 UEFI] 52:54:00:61:b6:cb 7a12deb7-d555-4c06-9fc0-93422702ece5 broadcast has 10.99.0.140 to 10.99.0.2 -> BootFile
        ipxe-discover Discover ipxe [x64 UEFI] 52:54:00:61:b6:cb 7a12deb7-d555-4c06-9fc0-93422702ece5 broadcast -> Discover
        ipxe-request Request ipxe [x64 UEFI] 52:54:00:61:b6:cb 7a12deb7-d555-4c06-9fc0-93422702ece5 broadcast to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
    "#]],
    );
}

#[test]
fn x64_uefi_with_secure_boot_looks_the_same() {
    check(
        "secureboot-",
        expect![[r#"
        firmware-discover Discover uefi-pxe [x64 UEFI] 52:54:00:18:0a:70 9f60ef74-3035-4457-94c0-1f87ae81fafa broadcast -> Discover
        firmware-request Request uefi-pxe [x64 UEFI] 52:54:00:18:0a:70 9f60ef74-3035-4457-94c0-1f87ae81fafa broadcast to 10.99.0.2 -> not-a-discover: Request on port 67 is for the DHCP server
        installer-discover Discover plain [] 52:54:00:18:0a:70 -> not-a-boot-client: not a boot client
        installer-request Request plain [] 52:54:00:18:0a:70 to 10.99.0.2 -> not-a-boot-client: not a boot client
    "#]],
    );
}

#[test]
fn arm64_uefi_boots_by_pxe() {
    check(
        "arm64-",
        expect![[r#"
        firmware-boot-request Request uefi-pxe [ARM UEFI, 64 bit] 52:54:00:46:ac:a8 9784bb89-a140-497a-b45e-cadfe12763b0 has 10.99.0.180 -> BootFile
        firmware-discover Discover uefi-pxe [ARM UEFI, 64 bit] 52:54:00:46:ac:a8 9784bb89-a140-497a-b45e-cadfe12763b0 broadcast -> Discover
        firmware-request Request uefi-pxe [ARM UEFI, 64 bit] 52:54:00:46:ac:a8 9784bb89-a140-497a-b45e-cadfe12763b0 broadcast to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
        ipxe-boot-request Request ipxe [ARM UEFI, 64 bit] 52:54:00:46:ac:a8 9784bb89-a140-497a-b45e-cadfe12763b0 broadcast has 10.99.0.180 to 10.99.0.2 -> BootFile
        ipxe-discover Discover ipxe [ARM UEFI, 64 bit] 52:54:00:46:ac:a8 9784bb89-a140-497a-b45e-cadfe12763b0 broadcast -> Discover
        ipxe-request Request ipxe [ARM UEFI, 64 bit] 52:54:00:46:ac:a8 9784bb89-a140-497a-b45e-cadfe12763b0 broadcast to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
    "#]],
    );
}

#[test]
fn a_bios_chains_ipxe() {
    check(
        "bios-",
        expect![[r#"
        firmware-boot-request Request bios-pxe [x86 BIOS] 52:54:00:96:b2:3b 153dc161-363e-4a7d-8044-c88aaf7417f7 broadcast has 10.99.0.165 item [80, 00, 00, 00] -> BootFile
        firmware-discover Discover bios-pxe [x86 BIOS] 52:54:00:96:b2:3b 153dc161-363e-4a7d-8044-c88aaf7417f7 -> Discover
        firmware-request Request bios-pxe [x86 BIOS] 52:54:00:96:b2:3b 153dc161-363e-4a7d-8044-c88aaf7417f7 to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
        installer-discover Discover plain [] 52:54:00:96:b2:3b -> not-a-boot-client: not a boot client
        installer-request Request plain [] 52:54:00:96:b2:3b to 10.99.0.1 -> not-a-boot-client: not a boot client
        ipxe-boot-request Request ipxe [x86 BIOS] 52:54:00:96:b2:3b 153dc161-363e-4a7d-8044-c88aaf7417f7 broadcast has 10.99.0.165 item [80, 04, 00, 00] -> BootFile
        ipxe-discover Discover ipxe [x86 BIOS] 52:54:00:96:b2:3b 153dc161-363e-4a7d-8044-c88aaf7417f7 broadcast -> Discover
        ipxe-request Request ipxe [x86 BIOS] 52:54:00:96:b2:3b 153dc161-363e-4a7d-8044-c88aaf7417f7 broadcast to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
    "#]],
    );
}

#[test]
fn a_card_whose_rom_is_ipxe_says_so_at_once() {
    check(
        "rom-",
        expect![[r#"
        installer-discover Discover plain [] 52:54:00:eb:f3:de -> not-a-boot-client: not a boot client
        installer-request Request plain [] 52:54:00:eb:f3:de to 10.99.0.1 -> not-a-boot-client: not a boot client
        ipxe-boot-request Request ipxe [x86 BIOS] 52:54:00:eb:f3:de e9b96497-dc8e-4eb8-acbc-344b48e39996 broadcast has 10.99.0.188 item [80, 04, 00, 00] -> BootFile
        ipxe-discover Discover ipxe [x86 BIOS] 52:54:00:eb:f3:de e9b96497-dc8e-4eb8-acbc-344b48e39996 -> Discover
        ipxe-request Request ipxe [x86 BIOS] 52:54:00:eb:f3:de e9b96497-dc8e-4eb8-acbc-344b48e39996 to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
    "#]],
    );
}

#[test]
fn x64_uefi_boots_by_http() {
    check(
        "http-",
        expect![[r#"
        firmware-discover Discover uefi-http [x64 UEFI, HTTP boot] 52:54:00:0d:a5:9e 0689170f-7f78-44c6-9e81-13819a7340ab broadcast -> Discover
        firmware-request Request uefi-http [x64 UEFI, HTTP boot] 52:54:00:0d:a5:9e 0689170f-7f78-44c6-9e81-13819a7340ab broadcast to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
        installer-discover Discover plain [] 52:54:00:0d:a5:9e -> not-a-boot-client: not a boot client
        installer-request Request plain [] 52:54:00:0d:a5:9e to 10.99.0.1 -> not-a-boot-client: not a boot client
        ipxe-boot-request Request ipxe [x64 UEFI] 52:54:00:0d:a5:9e 0689170f-7f78-44c6-9e81-13819a7340ab broadcast has 10.99.0.192 to 10.99.0.2 -> BootFile
        ipxe-discover Discover ipxe [x64 UEFI] 52:54:00:0d:a5:9e 0689170f-7f78-44c6-9e81-13819a7340ab broadcast -> Discover
        ipxe-request Request ipxe [x64 UEFI] 52:54:00:0d:a5:9e 0689170f-7f78-44c6-9e81-13819a7340ab broadcast to 10.99.0.1 -> not-a-discover: Request on port 67 is for the DHCP server
    "#]],
    );
}

#[test]
fn a_bios_on_a_segment_behind_a_relay() {
    check(
        "relayed-",
        expect![[r#"
        firmware-discover Discover bios-pxe [x86 BIOS] 52:54:00:51:41:d9 cf61dea3-32bd-418b-9fe4-44c05b30adb8 -> Discover
        firmware-request Request bios-pxe [x86 BIOS] 52:54:00:51:41:d9 cf61dea3-32bd-418b-9fe4-44c05b30adb8 to 10.99.0.2 -> not-a-discover: Request on port 67 is for the DHCP server
        installer-discover Discover plain [] 52:54:00:51:41:d9 -> not-a-boot-client: not a boot client
        installer-request Request plain [] 52:54:00:51:41:d9 to 10.99.0.2 -> not-a-boot-client: not a boot client
        ipxe-discover Discover ipxe [x86 BIOS] 52:54:00:51:41:d9 cf61dea3-32bd-418b-9fe4-44c05b30adb8 broadcast -> Discover
        ipxe-request Request ipxe [x86 BIOS] 52:54:00:51:41:d9 cf61dea3-32bd-418b-9fe4-44c05b30adb8 broadcast to 10.99.0.2 -> not-a-discover: Request on port 67 is for the DHCP server
    "#]],
    );
}

#[test]
fn packets_written_out_by_hand() {
    check(
        "table-",
        expect![[r#"
            http-discover Discover uefi-http [x64 UEFI, HTTP boot] 52:54:00:12:34:56 00112233-4455-6677-8899-aabbccddeeff broadcast -> Discover
            legacy-boot-request Request bios-pxe [x86 BIOS] 52:54:00:12:34:56 00112233-4455-6677-8899-aabbccddeeff broadcast has 10.77.0.50 to 10.77.0.1 -> BootFile
            legacy-discover Discover bios-pxe [x86 BIOS] 52:54:00:12:34:56 00112233-4455-6677-8899-aabbccddeeff broadcast -> Discover
            pi3-discover Discover raspberry-pi [x86 BIOS] b8:27:eb:12:34:56 44444444-4444-4444-4444-444444444444 -> Discover
            pi4-discover Discover raspberry-pi [x86 BIOS] dc:a6:32:01:02:03 34695052-3114-00d0-3201-0203d4c3b2a1 -> Discover
            rom-discover Discover ipxe [x86 BIOS] 52:54:00:12:34:56 00112233-4455-6677-8899-aabbccddeeff -> Discover
            uefi-boot-request Request uefi-pxe [x64 UEFI] 52:54:00:12:34:56 00112233-4455-6677-8899-aabbccddeeff has 10.77.0.50 -> BootFile
            uefi-discover Discover uefi-pxe [x64 UEFI] 52:54:00:12:34:56 00112233-4455-6677-8899-aabbccddeeff broadcast -> Discover
            uefi-request Request uefi-pxe [x64 UEFI] 52:54:00:12:34:56 00112233-4455-6677-8899-aabbccddeeff broadcast to 10.77.0.254 -> not-a-discover: Request on port 67 is for the DHCP server
        "#]],
    );
}

/// Every field on a line of its own, numbers in hexadecimal.
macro_rules! fields {
    ($request:expr, $($field:ident)*) => {
        [$(format!("{}: {:02x?}\n", stringify!($field), $request.$field)),*].concat()
    };
}

fn check_fields(name: &str, expected: Expect) {
    let request = parse(&Golden::named(name).bytes).expect(name);
    expected.assert_eq(
        &fields!(request, htype hops xid secs broadcast ciaddr giaddr mac chaddr message host_name
        requested server_id parameters max_message vendor_class client_id user_class archs interface uuid machine_id
        boot_item ipxe relay_info link_selection server_id_override subnet_selection),
    );
}

#[test]
fn every_field_of_a_uefi_discover_is_read() {
    check_fields(
        "uefi-firmware-discover",
        expect![[r#"
        htype: 01
        hops: 00
        xid: 9f885455
        secs: 00
        broadcast: true
        ciaddr: 0.0.0.0
        giaddr: 0.0.0.0
        mac: 52:54:00:61:b6:cb
        chaddr: [52, 54, 00, 61, b6, cb, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00]
        message: Some(Discover)
        host_name: None
        requested: None
        server_id: None
        parameters: [01, 02, 03, 04, 05, 06, 0c, 0d, 0f, 11, 12, 16, 17, 1c, 28, 29, 2a, 2b, 32, 33, 36, 3a, 3b, 3c, 42, 43, 61, 80, 81, 82, 83, 84, 85, 86, 87]
        max_message: Some(5c0)
        vendor_class: [50, 58, 45, 43, 6c, 69, 65, 6e, 74, 3a, 41, 72, 63, 68, 3a, 30, 30, 30, 30, 37, 3a, 55, 4e, 44, 49, 3a, 30, 30, 33, 30, 30, 30]
        client_id: None
        user_class: []
        archs: [Arch(0x07)]
        interface: Some([01, 03, 00])
        uuid: Some(7a12deb7-d555-4c06-9fc0-93422702ece5)
        machine_id: Some([00, b7, de, 12, 7a, 55, d5, 06, 4c, 9f, c0, 93, 42, 27, 02, ec, e5])
        boot_item: None
        ipxe: None
        relay_info: None
        link_selection: None
        server_id_override: None
        subnet_selection: None
    "#]],
    );
}

#[test]
fn every_field_of_an_ipxe_boot_request_is_read() {
    check_fields(
        "bios-ipxe-boot-request",
        expect![[r#"
            htype: 01
            hops: 00
            xid: 00
            secs: 04
            broadcast: true
            ciaddr: 10.99.0.165
            giaddr: 0.0.0.0
            mac: 52:54:00:96:b2:3b
            chaddr: [52, 54, 00, 96, b2, 3b, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00]
            message: Some(Request)
            host_name: None
            requested: None
            server_id: None
            parameters: [01, 03, 06, 07, 0c, 0f, 11, 1a, 2a, 2b, 3c, 42, 43, 77, 80, 81, 82, 83, 84, 85, 86, 87, af, cb]
            max_message: Some(5c0)
            vendor_class: [50, 58, 45, 43, 6c, 69, 65, 6e, 74]
            client_id: Some([01, 52, 54, 00, 96, b2, 3b])
            user_class: [[69, 50, 58, 45]]
            archs: [Arch(0x00)]
            interface: Some([01, 02, 01])
            uuid: Some(153dc161-363e-4a7d-8044-c88aaf7417f7)
            machine_id: Some([00, 61, c1, 3d, 15, 3e, 36, 7d, 4a, 80, 44, c8, 8a, af, 74, 17, f7])
            boot_item: Some([80, 04, 00, 00])
            ipxe: Some(Ipxe { features: [PxeExt, Iscsi, Aoe, Http, Https, Tftp, Dns, Bzimage, Multiboot, Pxe, Elf, Vlan, Menu, Nfs], bus: Some(Bus { kind: 01, vendor: 1af4, device: 1000 }), version: Some([01, 00, 00]) })
            relay_info: None
            link_selection: None
            server_id_override: None
            subnet_selection: None
        "#]],
    );
}
