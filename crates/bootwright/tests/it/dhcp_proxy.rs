//! The daemon as a proxy beside whatever leases the addresses.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_proto::dhcp::MessageType;

use crate::cli;
use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::netns::{End, Netns, cable};
use crate::segment::{Client, captured, discover, segment, with_arch, with_card};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Longer than any answer takes on a machine under load, and still bearable for a test that waits for nothing.
const SILENCE: Duration = Duration::from_millis(700);

const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";

#[test]
fn uefi_firmware_gets_an_offer_that_names_snponly_and_no_address() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    let packet = captured("uefi-firmware-discover");
    let heard = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    assert_eq!(heard.from, SocketAddrV4::new(OURS, 67));
    assert_eq!(heard.answer.message, Some(MessageType::Offer));
    assert_eq!(heard.answer.yiaddr, Ipv4Addr::UNSPECIFIED);
    assert_eq!((heard.answer.siaddr, heard.answer.server_id), (OURS, Some(OURS)));
    assert_eq!(heard.answer.file, b"snponly.efi");
    assert_eq!(heard.answer.vendor_class, b"PXEClient");
    assert_eq!(
        heard.answer.vendor_options.as_deref(),
        Some(b"\x06\x01\x08\xff".as_slice())
    );
    assert!(heard.bytes.len() >= 300);
}

#[test]
fn a_bios_rom_gets_undionly_and_then_ipxe_gets_the_script_of_this_very_address() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let rom = discover(&machine, "eth0", &captured("bios-firmware-discover"), PATIENCE).expect("an offer for the ROM");
    assert_eq!(rom.answer.file, b"undionly.kpxe");
    let ipxe = discover(&machine, "eth0", &captured("bios-ipxe-discover"), PATIENCE).expect("an offer for iPXE");
    assert_eq!(ipxe.answer.file, b"http://10.77.0.1:8080/boot.ipxe");
    let script = get(&machine, OURS, "/boot.ipxe");
    assert_eq!(script.status, 200);
    assert!(script.text().starts_with("#!ipxe\n"), "{}", script.text());
    drop(daemon);
}

/// The bytes of the first packet that the log shows with this word.
fn dumped(log: &str, word: &str) -> Vec<u8> {
    let mut lines = log.lines().skip_while(|line| !line.contains(word));
    lines.next();
    let rows = lines.take_while(|line| line.get(4..6) == Some("  "));
    let bytes = rows.flat_map(|row| row[4..53].split_whitespace().collect::<Vec<_>>());
    bytes
        .map(|byte| u8::from_str_radix(byte, 16).expect("a byte"))
        .collect()
}

#[test]
fn a_log_at_trace_shows_every_byte_that_came_and_went_and_no_other_does() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    daemon.log_level = "bootwright::dhcp=trace,info";
    daemon.run();
    daemon.wait_for_log("ready ");
    let packet = captured("uefi-firmware-discover");
    let heard = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    // The log is written by a thread of its own, which no offer waits for.
    let is_whole = |word: &str, bytes: &[u8]| dumped(&daemon.log(), word).len() >= bytes.len();
    wait_until("both packets are in the log", || {
        is_whole("event=\"received\"", &packet) && is_whole("event=\"sent\"", &heard.bytes)
    });
    assert_eq!(dumped(&daemon.log(), "event=\"received\""), packet);
    assert_eq!(dumped(&daemon.log(), "event=\"sent\""), heard.bytes);

    daemon.stop();
    daemon.clear_log();
    daemon.log_level = "debug";
    daemon.run();
    daemon.wait_for_log("ready ");
    discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    assert!(!daemon.log().contains("0000  "), "{}", daemon.log());
}

#[test]
fn port_4011_answers_to_the_port_that_asked() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    let packet = captured("uefi-firmware-boot-request");
    for port in [4011, 68] {
        let heard = machine
            .run(|| {
                let client = Client::on("eth0", port);
                client.send(&packet, SocketAddrV4::new(OURS, 4011));
                client.reply_to(&packet, PATIENCE)
            })
            .unwrap_or_else(|| panic!("no acknowledgement to port {port}"));
        assert_eq!(heard.from, SocketAddrV4::new(OURS, 4011));
        assert_eq!(heard.answer.message, Some(MessageType::Ack));
        assert_eq!(heard.answer.file, b"snponly.efi");
    }
}

#[test]
fn an_operating_system_that_wants_an_address_hears_nothing_and_the_reason_is_counted() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    for name in ["bios-installer-discover", "uefi-firmware-request"] {
        assert!(discover(&machine, "eth0", &captured(name), SILENCE).is_none(), "{name}");
    }
    daemon.wait_for_log("not a boot client");
    daemon.wait_for_log("Request on port 67 is for the DHCP server");
}

#[test]
fn each_interface_is_answered_with_its_own_address() {
    let inside = Netns::new("daemon");
    let machines = [Netns::new("left"), Netns::new("right")];
    for (number, machine) in machines.iter().enumerate() {
        let ours = format!("10.77.{number}.1/24");
        cable(
            &End::new(&inside, &format!("lab{number}"), &ours),
            &End::bare(machine, "eth0"),
        );
    }
    let _daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"lab*\"]\n");
    for (number, machine) in machines.iter().enumerate() {
        let card = [0x52, 0x54, 0, 0, 0, number as u8];
        let packet = with_card(captured("rom-ipxe-discover"), card);
        let heard = discover(machine, "eth0", &packet, PATIENCE).expect("an offer");
        let ours = Ipv4Addr::new(10, 77, number as u8, 1);
        assert_eq!(*heard.from.ip(), ours);
        assert_eq!((heard.answer.siaddr, heard.answer.server_id), (ours, Some(ours)));
        assert_eq!(heard.answer.file, format!("http://{ours}:8080/boot.ipxe").as_bytes());
    }
}

#[test]
fn beside_a_dhcp_server_on_the_same_box_packets_are_captured_and_both_answer() {
    let (inside, machine) = segment();
    let mut dnsmasq = inside
        .command("dnsmasq")
        .args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--interface=lab0",
            "--bind-interfaces",
        ])
        .args([
            "--dhcp-range=10.77.0.100,10.77.0.200,5m",
            "--dhcp-leasefile=/dev/null",
            "--no-ping",
            "--pid-file=",
        ])
        .spawn()
        .expect("dnsmasq runs; install it with `apt-get install dnsmasq-base`");
    crate::daemon::wait_until("dnsmasq listens", || {
        let shown = inside.command("ss").args(["-ulpn"]).output().expect("ss runs");
        String::from_utf8_lossy(&shown.stdout).contains(":67 ")
    });
    let daemon = Daemon::start(&inside, CONFIG);
    daemon.wait_for_log("DHCP by packet capture");
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 0, 9]);
    let offers = machine.run(|| {
        let client = Client::on("eth0", 68);
        client.broadcast(&packet, 67);
        [client.reply_to(&packet, PATIENCE), client.reply_to(&packet, PATIENCE)]
    });
    let mut kinds: Vec<bool> = offers
        .iter()
        .flatten()
        .map(|heard| heard.answer.yiaddr == Ipv4Addr::UNSPECIFIED)
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [false, true],
        "one offer with an address and one without: {offers:?}"
    );
    // The kernel must not say that nobody is on port 4011.
    let request = captured("uefi-firmware-boot-request");
    let heard = machine.run(|| {
        let client = Client::on("eth0", 4011);
        client.send(&request, SocketAddrV4::new(OURS, 4011));
        client.reply_to(&request, PATIENCE)
    });
    assert_eq!(heard.expect("an acknowledgement").from, SocketAddrV4::new(OURS, 4011));
    dnsmasq.kill().expect("dnsmasq ends");
    dnsmasq.wait().expect("dnsmasq has ended");
}

#[test]
fn a_machine_that_nobody_knows_is_remembered_from_its_first_packet_and_held() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let packet = with_card(captured("rom-ipxe-discover"), [0x52, 0x54, 0, 0xaa, 0xbb, 0xcc]);
    discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    daemon.wait_for_log("52:54:00:aa:bb:cc");
    let script = get(&machine, OURS, "/ipxe?mac=52-54-00-aa-bb-cc&platform=pcbios");
    assert_eq!(script.status, 200);
    assert!(
        script.text().contains("Nothing on its disks has been touched"),
        "{}",
        script.text()
    );
    daemon.wait_for_log("waiting: nobody has armed it");
}

#[test]
fn the_first_file_is_that_of_the_architecture_unless_the_configuration_names_another_for_it_or_for_the_host() {
    let (inside, machine) = segment();
    let config = "
        [server]
        interfaces = [\"lab0\"]
        [dhcp.arch]
        arm64 = \"own-arm64.efi\"
        0x1b = \"off\"
        [hosts.special]
        mac = \"52:54:00:00:00:77\"
        firmware = \"special.efi\"
    ";
    let daemon = Daemon::start(&inside, config);
    let uefi = captured("uefi-firmware-discover");
    let file = |packet: &[u8]| {
        let heard = discover(&machine, "eth0", packet, PATIENCE).expect("an offer");
        String::from_utf8(heard.answer.file).expect("a name")
    };
    assert_eq!(file(&uefi), "snponly.efi");
    assert_eq!(file(&with_arch(uefi.clone(), 6)), "ipxe-i386.efi", "32-bit UEFI");
    assert_eq!(file(&captured("arm64-firmware-discover")), "own-arm64.efi");
    // It has the UUID of the machine above, as boards of careless makers do: its card alone tells which one it is.
    let special = with_card(uefi.clone(), [0x52, 0x54, 0, 0, 0, 0x77]);
    assert_eq!(file(&special), "special.efi");
    let riscv = with_arch(uefi, 0x1b);
    assert!(discover(&machine, "eth0", &riscv, SILENCE).is_none());
    daemon.wait_for_log("no boot file is configured for");
}

#[test]
fn an_ipxe_that_speaks_no_http_is_handed_ours_and_one_that_does_never_is() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    let packet = captured("bios-ipxe-discover");
    let http = packet
        .windows(3)
        .position(|option| option == [0x13, 1, 1])
        .expect("the feature");
    let mut without = packet.clone();
    without[http + 2] = 0;
    for _ in 0..2 {
        let heard = discover(&machine, "eth0", &without, PATIENCE).expect("an offer");
        assert_eq!(heard.answer.file, b"undionly.kpxe");
        let heard = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
        assert_eq!(heard.answer.file, b"http://10.77.0.1:8080/boot.ipxe");
    }
}

#[test]
fn a_fetch_of_a_machine_whose_address_nobody_told_is_put_to_its_card() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let card: bootwright_core::MacAddr = crate::netns::mac(&machine, "eth0").parse().expect("a card");
    // A card that a kernel made up for a cable is nobody's papers, so the configuration names it.
    daemon.write_config(&format!("{CONFIG}\n[hosts.web1]\nmac = \"{card}\"\n"));
    daemon.wait_for_log("configuration in force: 0 profiles, 1 host");
    let packet = with_card(captured("bios-firmware-discover"), card.octets());
    discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    let fetched = machine
        .command("curl")
        .args([
            "--silent",
            "--fail",
            "--output",
            "/dev/null",
            "tftp://10.77.0.1/undionly.kpxe",
        ])
        .status()
        .expect("curl runs; install it with `apt-get install curl`");
    assert!(fetched.success());
    let line = daemon.wait_for_log("fetched undionly.kpxe");
    assert!(line.contains("web1"), "{line}");
}

#[test]
fn a_relay_is_heard_from_the_moment_the_configuration_lists_it() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let relay = Ipv4Addr::new(10, 77, 0, 50);
    let mut packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 0, 0x31]);
    packet[24..28].copy_from_slice(&relay.octets());
    let relayed = |patience| {
        machine.run(|| {
            let client = Client::on("eth0", 67);
            client.send(&packet, SocketAddrV4::new(OURS, 67));
            client.reply_to(&packet, patience)
        })
    };
    assert!(relayed(SILENCE).is_none());
    let status = daemon.api("GET", "/api/v1/status", "");
    assert!(status.text().contains("relay-not-listed"), "{}", status.text());
    let hosts = daemon.api("GET", "/api/v1/hosts", "");
    assert!(!hosts.text().contains("52:54:00:00:00:31"), "{}", hosts.text());
    daemon.write_config(&format!("{CONFIG}[dhcp]\nrelays = [\"{relay}\"]\n"));
    daemon.wait_for_log("configuration in force: 0 profiles");
    crate::daemon::wait_until("the relay is answered", || relayed(SILENCE).is_some());
}

#[test]
fn a_machine_that_asks_for_an_entry_of_a_menu_that_nobody_showed_it_hears_nothing() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    // PXE 2.1 section 2.2.4: a REQUEST to port 67 with the client's address, and the entry in sub-option 71.
    let mut packet = captured("uefi-firmware-boot-request");
    packet[12..16].copy_from_slice(&[10, 77, 0, 50]);
    let end = packet.iter().rposition(|byte| *byte == 255).expect("an end");
    packet.splice(end..end, [43, 6, 71, 4, 0x80, 0, 0, 0]);
    let heard = machine.run(|| {
        let client = Client::on("eth0", 68);
        client.send(&packet, SocketAddrV4::new(OURS, 67));
        client.reply_to(&packet, SILENCE)
    });
    assert!(heard.is_none(), "{heard:?}");
    let status = daemon.api("GET", "/api/v1/status", "");
    assert!(status.text().contains("no-menu"), "{}", status.text());
}

#[test]
fn who_only_observes_answers_nobody_and_tells_in_events_and_explain_what_each_would_have_heard() {
    let (inside, machine) = segment();
    let config = "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"observe\"\n\
                  [hosts.oak]\nmac = \"52:54:00:00:09:01\"\n[hosts.elm]\nmac = \"52:54:00:00:09:02\"\n";
    let daemon = Daemon::start(&inside, config);
    let asks = [
        ("uefi-firmware-discover", 1, "else it would fetch `snponly.efi`"),
        ("uefi-ipxe-discover", 1, "else it would fetch the script"),
        ("bios-firmware-discover", 2, "else it would fetch `undionly.kpxe`"),
    ];
    for (packet, number, words) in asks {
        let packet = with_card(captured(packet), [0x52, 0x54, 0, 0, 9, number]);
        let client = machine.run(|| Client::on("eth0", 68));
        for _ in 0..2 {
            client.broadcast(&packet, 67);
        }
        let events = || cli::ask(&daemon.socket(), "events").out;
        wait_until(words, || events().contains(words));
        let name = if number == 1 { "oak" } else { "elm" };
        let explained = cli::ask(&daemon.socket(), &format!("explain {name}")).out;
        assert!(explained.contains(words), "{explained}");
        assert!(!client.hears_anything(), "an answer");
    }
    wait_until("each was counted", || {
        let status = daemon.api("GET", "/api/v1/status", "");
        status.text().contains(r#""dhcp.observing":6"#)
    });
    let events = cli::ask(&daemon.socket(), "events").out;
    for (_, _, words) in asks {
        assert_eq!(events.matches(words).count(), 1, "once is enough:\n{events}");
    }
}

#[test]
fn an_address_of_ours_that_old_firmware_would_not_boot_from_is_warned_of() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&inside, "lab0", "10.77.0.0/15"),
        &End::new(&machine, "eth0", "10.77.0.50/15"),
    );
    let daemon = Daemon::start(&inside, CONFIG);
    let status = || cli::ask(&daemon.socket(), "status").out;
    let told = "the address of lab0 is 10.77.0.0: some UEFI firmware boots from no server";
    wait_until(told, || status().contains(told));
    inside.ip("addr del 10.77.0.0/15 dev lab0");
    inside.ip("addr add 10.77.0.1/15 dev lab0");
    wait_until("it is warned of no longer", || !status().contains(told));
}
