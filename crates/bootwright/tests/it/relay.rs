//! Machines on another network, whose requests a relay brings: who is heard (`threat_37`), and where the answers go.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use bootwright_proto::dhcp::{Answer, MessageType, parse_answer};
use serde_json::Value;

use crate::cli;
use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::dnsmasq::Dnsmasq;
use crate::netns::{End, Netns, cable};
use crate::segment::{Client, captured, discover, with_card};

/// Our box, and the router's two sides.
const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const UPPER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const LOWER: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 1);
const MACHINE: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 50);

/// A daemon, a router beside it, and a machine behind the router.
struct Campus {
    daemon: Netns,
    router: Netns,
    machine: Netns,
}

impl Campus {
    fn build() -> Self {
        let (daemon, router, machine) = (Netns::new("daemon"), Netns::new("router"), Netns::new("machine"));
        cable(
            &End::new(&daemon, "lab0", "10.0.0.1/24"),
            &End::new(&router, "up0", "10.0.0.9/24"),
        );
        cable(
            &End::new(&router, "down0", "10.8.0.1/24"),
            &End::new(&machine, "eth0", "10.8.0.50/24"),
        );
        daemon.ip("route add 10.8.0.0/24 via 10.0.0.9");
        machine.ip("route add default via 10.8.0.1");
        let forwards = router.command("sysctl").args(["-qw", "net.ipv4.ip_forward=1"]).status();
        assert!(forwards.expect("sysctl runs").success());
        Self {
            daemon,
            router,
            machine,
        }
    }

    /// Sends a packet to us as the relay does, or somebody by that address, and gives the socket on which it listens.
    fn send(&self, packet: &[u8], sender: Ipv4Addr) -> UdpSocket {
        self.router.run(|| {
            let listening = shared(LOWER);
            let send = |socket: &UdpSocket| socket.send_to(packet, (OURS, 67)).expect("a route");
            if sender == LOWER {
                send(&listening);
            } else {
                send(&shared(sender));
            }
            listening
        })
    }

    /// What comes back to the relay.
    fn answer(&self, packet: &[u8], sender: Ipv4Addr) -> (SocketAddrV4, Answer) {
        let listening = self.send(packet, sender);
        listening.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut buffer = [0; 2048];
        // A wait with a limit ends early where the process is stopped and goes on (`signal(7)`).
        let (length, from) = loop {
            match listening.recv_from(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                heard => break heard.expect("an answer to the relay"),
            }
        };
        let SocketAddr::V4(from) = from else {
            panic!("an answer from {from}");
        };
        (from, parse_answer(&buffer[..length]).expect("a sound answer"))
    }

    /// Waits until the packet was counted as refused for this reason, and sees that nothing came back.
    fn refused(&self, daemon: &Daemon<'_>, packet: &[u8], sender: Ipv4Addr, reason: &str) {
        let before = counted(daemon, reason);
        let listening = self.send(packet, sender);
        wait_until(reason, || counted(daemon, reason) == before + 1);
        listening.set_nonblocking(true).expect("an option of every kernel");
        let heard = listening.recv_from(&mut [0; 2048]);
        assert!(heard.is_err(), "an answer although it was refused: {heard:?}");
    }
}

/// A socket on port 67 of one address.
fn shared(address: Ipv4Addr) -> UdpSocket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("the port is shared");
    socket
        .bind(&SocketAddrV4::new(address, 67).into())
        .expect("an address of the namespace");
    socket.into()
}

/// The packet as a relay passes it on: its address, one hop more, and its option at the end.
fn through(mut packet: Vec<u8>, giaddr: Ipv4Addr, info: &[u8]) -> Vec<u8> {
    packet[3] += 1;
    packet[24..28].copy_from_slice(&giaddr.octets());
    let end = packet.iter().rposition(|byte| *byte == 255).expect("an end");
    packet.truncate(end);
    packet.extend([82, u8::try_from(info.len()).expect("one option")]);
    packet.extend(info);
    packet.push(255);
    packet
}

fn config(relays: &[Ipv4Addr], more: &str) -> String {
    let relays: Vec<String> = relays.iter().map(Ipv4Addr::to_string).collect();
    format!("[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nrelays = {relays:?}\n{more}")
}

fn card(number: u8) -> [u8; 6] {
    [0x52, 0x54, 0, 0, 0x37, number]
}

/// How often a reason was counted.
fn counted(daemon: &Daemon<'_>, reason: &str) -> u64 {
    let status: Value = serde_json::from_str(daemon.api("GET", "/api/v1/status", "").text()).expect("JSON");
    status["counters"][format!("dhcp.{reason}")].as_u64().unwrap_or(0)
}

fn relayed_discover_is_answered(more: &str) {
    let campus = Campus::build();
    let daemon = Daemon::start(&campus.daemon, &config(&[LOWER, UPPER], more));
    let info = b"\x01\x04\x00\x0a\x01\x02\x02\x06\x00\x11\x22\x33\x44\x55";
    let packet = through(with_card(captured("bios-firmware-discover"), card(1)), LOWER, info);
    assert_eq!(packet[10..12], [0, 0], "the ROM asks for no broadcast");
    for sender in [UPPER, LOWER] {
        let (from, answer) = campus.answer(&packet, sender);
        assert_eq!(from, SocketAddrV4::new(OURS, 67));
        assert_eq!(answer.message, Some(MessageType::Offer));
        assert_eq!((answer.giaddr, answer.yiaddr), (LOWER, Ipv4Addr::UNSPECIFIED));
        assert!(answer.broadcast, "there is no address to send it to but all");
        assert_eq!(answer.relay_info.as_deref(), Some(info.as_slice()), "as it came");
        assert_eq!((answer.siaddr, answer.server_id), (OURS, Some(OURS)));
        assert_eq!(answer.file, b"undionly.kpxe");
    }
    daemon.wait_for_log("through relay 10.8.0.1");
}

#[test]
fn a_relayed_discover_is_answered_to_the_relay_with_all_that_it_added() {
    relayed_discover_is_answered("");
}

#[test]
fn a_relayed_discover_is_answered_alike_where_packets_are_captured() {
    relayed_discover_is_answered("sockets = \"packet\"\n");
}

#[test]
fn threat_37_a_relay_that_nobody_listed_is_not_answered_and_is_told_of_in_events_and_counters() {
    let campus = Campus::build();
    let daemon = Daemon::start(&campus.daemon, &config(&[], ""));
    let packet = through(
        with_card(captured("uefi-firmware-discover"), card(2)),
        LOWER,
        b"\x01\x01\x07",
    );
    for _ in 0..3 {
        campus.refused(&daemon, &packet, UPPER, "relay-not-listed");
    }
    assert_eq!(counted(&daemon, "relay-not-listed"), 3);
    let told = "52:54:00:00:37:02 is not answered: relay 10.8.0.1 is not in `dhcp.relays`";
    let events = || cli::ask(&daemon.socket(), "events").out;
    wait_until(told, || events().contains(told));
    assert_eq!(events().matches(told).count(), 1, "once is enough:\n{}", events());
    let hosts = daemon.api("GET", "/api/v1/hosts", "");
    assert!(
        !hosts.text().contains("52:54:00:00:37:02"),
        "it is nobody here: {}",
        hosts.text()
    );
}

#[test]
fn threat_37_forged_relays_are_not_answered_and_explain_says_why() {
    let campus = Campus::build();
    let hosts = "[hosts.victim]\nmac = \"52:54:00:00:37:03\"\n";
    let daemon = Daemon::start(&campus.daemon, &config(&[LOWER, OURS], hosts));
    let discover = with_card(captured("uefi-firmware-discover"), card(3));
    // The host is known from an honest request.
    campus.answer(&through(discover.clone(), LOWER, b"\x01\x01\x07"), LOWER);
    let forgeries = [
        // A neighbour of the relay that uses its name.
        (
            LOWER,
            UPPER,
            "relay-sender-not-listed",
            "10.0.0.9 sent it, which is not",
        ),
        // Our own address, although somebody has listed it.
        (OURS, UPPER, "relay-is-us", "which is this box"),
        (
            Ipv4Addr::BROADCAST,
            UPPER,
            "relay-not-listed",
            "relay 255.255.255.255 is not",
        ),
        (
            Ipv4Addr::LOCALHOST,
            UPPER,
            "relay-is-us",
            "names 127.0.0.1 as its relay",
        ),
    ];
    for (giaddr, sender, reason, words) in forgeries {
        let forged = through(discover.clone(), giaddr, b"\x05\x04\x0a\x00\x00\x00");
        campus.refused(&daemon, &forged, sender, reason);
        let explained = cli::ask(&daemon.socket(), "explain victim").out;
        assert!(explained.contains(words), "{giaddr}: {explained}");
        wait_until(words, || cli::ask(&daemon.socket(), "events").out.contains(words));
    }
    assert_eq!(daemon.api("GET", "/api/v1/status", "").status, 200, "it goes on");
}

#[test]
fn threat_37_a_machine_on_our_own_link_that_plays_a_relay_is_not_answered() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.0.0.1/24"), &End::bare(&machine, "eth0"));
    let daemon = Daemon::start(&inside, &config(&[LOWER], ""));
    // It has no address, and names a relay that is listed.
    let forged = through(
        with_card(captured("uefi-firmware-discover"), card(4)),
        LOWER,
        b"\x01\x01\x07",
    );
    machine.run(|| Client::on("eth0", 68).broadcast(&forged, 67));
    daemon.wait_for_log("but 0.0.0.0 sent it");
    assert_eq!(counted(&daemon, "answered"), 0);
    // The same machine is answered as what it is.
    let honest = with_card(captured("uefi-firmware-discover"), card(4));
    assert!(discover(&machine, "eth0", &honest, PATIENCE).is_some());
}

#[test]
fn threat_37_what_a_forged_relay_tells_of_addresses_is_not_believed() {
    let campus = Campus::build();
    let hosts = "[hosts.victim]\nmac = \"52:54:00:00:37:05\"\n";
    let daemon = Daemon::start(&campus.daemon, &config(&[LOWER, UPPER], hosts));
    let known = with_card(captured("uefi-firmware-discover"), card(5));
    campus.answer(&through(known, LOWER, b"\x01\x01\x07"), UPPER);
    let believed = || {
        let host = daemon.api("GET", "/api/v1/hosts/victim", "");
        host.text().contains("10.99.0.140")
    };
    // A REQUEST to another server says which address the host takes: 10.99.0.140, in this capture.
    let request = with_card(captured("uefi-firmware-request"), card(5));
    let forged = through(request.clone(), Ipv4Addr::new(10, 66, 0, 1), b"\x01\x01\x07");
    campus.refused(&daemon, &forged, UPPER, "not-a-discover");
    assert!(!believed(), "a stranger's word counted");
    let honest = through(request, LOWER, b"\x01\x01\x07");
    campus.refused(&daemon, &honest, UPPER, "not-a-discover");
    assert!(believed(), "the listed relay's word does not count");
}

#[test]
fn a_machine_behind_a_relay_asks_port_4011_by_its_own_address_and_is_answered_where_relays_are_listed() {
    let campus = Campus::build();
    let request = |address: Ipv4Addr| {
        let mut packet = with_card(captured("uefi-firmware-boot-request"), card(6));
        packet[12..16].copy_from_slice(&address.octets());
        packet
    };
    let ask = |packet: &[u8]| {
        let client = campus.machine.run(|| Client::on("eth0", 4011));
        client.send(packet, SocketAddrV4::new(OURS, 4011));
        client
    };
    let listed = Daemon::start(&campus.daemon, &config(&[LOWER, UPPER], ""));
    let honest = request(MACHINE);
    let heard = ask(&honest).reply_to(&honest, PATIENCE).expect("an acknowledgement");
    assert_eq!(heard.from, SocketAddrV4::new(OURS, 4011));
    assert_eq!(heard.answer.file, b"snponly.efi");
    // One that does not say that the address is its own may be anybody.
    ask(&request(Ipv4Addr::new(10, 8, 0, 51)));
    wait_until("it is refused", || counted(&listed, "not-on-link") == 1);
    drop(listed);
    let closed = Daemon::start(&campus.daemon, &config(&[], ""));
    ask(&honest);
    wait_until("it is refused", || counted(&closed, "not-on-link") == 1);
    let told = "it came from 10.8.0.50, in none of our networks";
    wait_until(told, || cli::ask(&closed.socket(), "events").out.contains(told));
}

#[test]
fn a_relay_of_other_hands_carries_our_offer_to_the_machine() {
    let campus = Campus::build();
    let _daemon = Daemon::start(&campus.daemon, &config(&[LOWER], ""));
    let _relay = relay(&campus.router);
    let packet = with_card(captured("bios-firmware-discover"), card(7));
    let heard = discover(&campus.machine, "eth0", &packet, PATIENCE).expect("an offer");
    assert_eq!(heard.answer.file, b"undionly.kpxe");
    assert_eq!((heard.answer.siaddr, heard.answer.giaddr), (OURS, LOWER));
    assert!(heard.answer.broadcast);
}

/// Server mode with a pool for the network behind the router and one for a network that only a relay's option names.
fn lending(relays: &[Ipv4Addr]) -> String {
    let pool = |network: u8| {
        format!(
            "[[dhcp.pools]]\nsubnet = \"10.{network}.0.0/24\"\nrange = \"10.{network}.0.100-10.{network}.0.199\"\n\
             router = \"10.{network}.0.1\"\nprobe = false\n"
        )
    };
    config(relays, &format!("mode = \"server\"\n{}{}", pool(8), pool(9)))
}

#[test]
fn in_server_mode_the_relays_address_or_the_link_that_it_names_chooses_the_subnet() {
    let campus = Campus::build();
    let _daemon = Daemon::start(&campus.daemon, &lending(&[LOWER, UPPER]));
    let cases: [(&[u8], u8, Ipv4Addr); 3] = [
        (b"\x01\x01\x07", 8, OURS),
        // RFC 3527: another link than the one that the relay's address is on.
        (b"\x01\x01\x07\x05\x04\x0a\x09\x00\x00", 9, OURS),
        // RFC 5107: the relay wants to be taken for the server.
        (b"\x0b\x04\x0a\x08\x00\x01", 8, LOWER),
    ];
    for (number, (info, network, server)) in cases.into_iter().enumerate() {
        let machine = card(0x10 + u8::try_from(number).expect("few cases"));
        let packet = through(with_card(captured("bios-firmware-discover"), machine), LOWER, info);
        let (from, answer) = campus.answer(&packet, UPPER);
        assert_eq!(from, SocketAddrV4::new(OURS, 67));
        assert_eq!(answer.message, Some(MessageType::Offer));
        assert_eq!(answer.yiaddr.octets()[..3], [10, network, 0], "{info:?}");
        assert_eq!(answer.routers, [Ipv4Addr::new(10, network, 0, 1)]);
        assert_eq!(answer.server_id, Some(server), "{info:?}");
        assert_eq!(answer.giaddr, LOWER);
        assert_eq!(answer.relay_info.as_deref(), Some(info));
        assert_eq!(
            (answer.siaddr, answer.file.as_slice()),
            (OURS, b"undionly.kpxe".as_slice())
        );
    }
}

#[test]
fn threat_37_in_server_mode_no_address_is_lent_through_a_relay_that_is_not_listed_or_forged() {
    let campus = Campus::build();
    let daemon = Daemon::start(&campus.daemon, &lending(&[LOWER]));
    let discover = with_card(captured("bios-installer-discover"), card(0x20));
    let info = b"\x01\x01\x07";
    campus.refused(
        &daemon,
        &through(discover.clone(), LOWER, info),
        UPPER,
        "relay-sender-not-listed",
    );
    campus.refused(&daemon, &through(discover.clone(), OURS, info), LOWER, "relay-is-us");
    let stranger = Ipv4Addr::new(10, 9, 0, 1);
    campus.refused(
        &daemon,
        &through(discover.clone(), stranger, info),
        LOWER,
        "relay-not-listed",
    );
    // A link that no pool is for, named by a relay that is listed.
    let nowhere = b"\x05\x04\x0a\x63\x00\x00";
    campus.refused(&daemon, &through(discover.clone(), LOWER, nowhere), LOWER, "no-subnet");
    let told = "asks for an address behind relay 10.8.0.1 and gets none: no `[[dhcp.pools]]` serves the place";
    wait_until(told, || cli::ask(&daemon.socket(), "events").out.contains(told));
    let (_, answer) = campus.answer(&through(discover, LOWER, info), LOWER);
    assert_eq!(
        answer.yiaddr.octets()[..3],
        [10, 8, 0],
        "the honest one is lent an address"
    );
}

/// A machine that has its address from elsewhere asks what belongs to it: the packet of a DISCOVER as INFORM.
fn inform(number: u8, address: Ipv4Addr) -> Vec<u8> {
    let mut packet = with_card(captured("bios-installer-discover"), card(number));
    packet[12..16].copy_from_slice(&address.octets());
    let at = packet.windows(3).position(|option| option == [53, 1, 1]);
    packet[at.expect("the message's type") + 2] = 8;
    packet
}

#[test]
fn an_inform_is_answered_for_the_subnet_that_it_comes_from_and_for_no_other_pool() {
    let campus = Campus::build();
    let config = lending(&[LOWER, UPPER]).replace("mode = \"server\"", "mode = \"server\"\nforce = true");
    let daemon = Daemon::start(&campus.daemon, &config);
    let info = b"\x01\x01\x07";
    // The answer goes straight to the machine (RFC 2131 section 4.3.5), with no address and no time in it.
    let client = campus.machine.run(|| Client::on("eth0", 68));
    let packet = inform(0x40, MACHINE);
    drop(campus.send(&through(packet.clone(), LOWER, info), UPPER));
    let told = client.reply_to(&packet, PATIENCE).expect("an acknowledgement").answer;
    assert_eq!(told.message, Some(MessageType::Ack));
    assert_eq!(
        (told.yiaddr, told.routers.as_slice()),
        (Ipv4Addr::UNSPECIFIED, &[LOWER][..])
    );
    // The same machine asks us alone.
    client.send(&packet, SocketAddrV4::new(OURS, 67));
    let told = client.reply_to(&packet, PATIENCE).expect("an acknowledgement").answer;
    assert_eq!(told.routers, [LOWER]);
    // A pool of ours, and not the one of the place that it asks from: through the relay, and on our own link.
    let elsewhere = inform(0x41, Ipv4Addr::new(10, 9, 0, 50));
    campus.refused(
        &daemon,
        &through(elsewhere.clone(), LOWER, info),
        UPPER,
        "foreign-address",
    );
    campus.refused(&daemon, &inform(0x42, MACHINE), UPPER, "foreign-address");
}

/// Behind a relay nobody hears ARP: whoever uses an address there answers an echo request.
#[test]
fn in_server_mode_an_address_behind_a_relay_that_answers_an_echo_is_offered_to_nobody() {
    let campus = Campus::build();
    campus.machine.ip("addr add 10.8.0.51/24 dev eth0");
    let config = lending(&[LOWER])
        .replace("10.8.0.100-10.8.0.199", "10.8.0.50-10.8.0.52")
        .replace("probe = false", "keep_for_known = 0");
    let daemon = Daemon::start(&campus.daemon, &config);
    let search = |number| {
        let packet = with_card(captured("bios-installer-discover"), card(number));
        through(packet, LOWER, b"\x01\x01\x07")
    };
    let (_, answer) = campus.answer(&search(0x30), LOWER);
    assert_eq!(
        answer.yiaddr,
        Ipv4Addr::new(10, 8, 0, 52),
        "the only one that nobody uses"
    );
    // Another machine finds none: what was not looked at for the first one is for this one.
    let events = || cli::ask(&daemon.socket(), "events").out;
    for address in [MACHINE, Ipv4Addr::new(10, 8, 0, 51)] {
        let told = format!("uses {address}, which is not leased to it");
        wait_until(&told, || {
            let _listening = campus.send(&search(0x31), LOWER);
            events().contains(&told)
        });
    }
}

/// dnsmasq as a relay.
fn relay(inside: &Netns) -> Dnsmasq {
    let options = ["--user=root", "--dhcp-relay=10.8.0.1,10.0.0.1"];
    Dnsmasq::listening(inside, 67, &options)
}
