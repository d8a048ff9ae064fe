//! Machines whose requests over IPv6 a relay brings, with packets of real firmware.

use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::Duration;

use crate::cli;
use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::dnsmasq::Dnsmasq;
use crate::ipv6_client::{CARD, Client, Heard, OURS, captured, turned_into};
use crate::netns::{End, Netns, cable};

/// The relay's addresses: on our side, and on the machine's.
const UPPER: &str = "fd00:77::9";
const LOWER: &str = "fd00:88::1";
/// What the machine sends from.
const MACHINE: &str = "fe80::5054:ff:fe1a:b032";
const SILENCE: Duration = Duration::from_millis(700);

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

/// A daemon, a router beside it, and a machine behind the router.
struct Campus {
    daemon: Netns,
    router: Netns,
    machine: Netns,
}

impl Campus {
    fn build() -> Self {
        let (daemon, router, machine) = (Netns::new("daemon"), Netns::new("router"), Netns::new("machine"));
        cable(&End::bare(&daemon, "lab0"), &End::bare(&router, "up0"));
        cable(&End::bare(&router, "down0"), &End::bare(&machine, "eth0"));
        machine.ip("link set eth0 down");
        machine.ip(&format!("link set eth0 address {CARD}"));
        machine.ip("link set eth0 up");
        for (inside, device, address) in [
            (&daemon, "lab0", OURS),
            (&daemon, "lab0", "fe80::1"),
            (&router, "up0", UPPER),
            (&router, "up0", "fe80::9"),
            (&router, "down0", LOWER),
            (&router, "down0", "fe80::9"),
            (&machine, "eth0", MACHINE),
        ] {
            inside.ip(&format!("addr add {address}/64 dev {device} nodad"));
        }
        daemon.ip(&format!("-6 route add fd00:88::/64 via {UPPER}"));
        Self {
            daemon,
            router,
            machine,
        }
    }

    /// Sends a packet to us as the relay does, and gives what comes back to it in time.
    fn through(&self, packet: &[u8], patience: Duration) -> Option<Vec<u8>> {
        self.router.run(|| {
            let relay = UdpSocket::bind(SocketAddrV6::new(address(UPPER), 547, 0, 0)).expect("the port is free");
            let to = SocketAddrV6::new(address(OURS), 547, 0, 0);
            relay.send_to(packet, to).expect("a route");
            relay.set_read_timeout(Some(patience)).expect("a time limit");
            let mut buffer = [0; 2048];
            let (length, from) = relay.recv_from(&mut buffer).ok()?;
            assert_eq!(from.to_string(), format!("[{OURS}]:547"));
            Some(buffer[..length].to_vec())
        })
    }
}

/// What a relay makes of a machine's message (RFC 8415 section 9): its type, the hops, the link's address, the machine's, its own
/// name for the interface, and the message.
fn relayed(link: &str, message: &[u8]) -> Vec<u8> {
    let mut packet = [&[12, 0][..], &address(link).octets(), &address(MACHINE).octets()].concat();
    packet.extend_from_slice(&[0, 18, 0, 5]);
    packet.extend_from_slice(b"down0");
    packet.extend_from_slice(&[0, 9]);
    packet.extend_from_slice(&u16::try_from(message.len()).expect("short").to_be_bytes());
    packet.extend_from_slice(message);
    packet
}

/// The answer in what leads it back through the relay, all of which is compared.
fn unwrapped(link: &str, back: &[u8]) -> Heard {
    let head = [&[13, 0][..], &address(link).octets(), &address(MACHINE).octets()].concat();
    assert_eq!(&back[..34], head);
    assert_eq!(&back[34..45], b"\x00\x12\x00\x05down0\x00\x09");
    let (length, message) = back[45..].split_at(2);
    assert_eq!(usize::from(u16::from_be_bytes([length[0], length[1]])), message.len());
    Heard::read(message)
}

fn config(mode: &str, relays: &str) -> String {
    let prefixes = match mode {
        "server" => "prefixes = [\"fd00:77::/64\", \"fd00:88::/64\"]\n",
        _ => "",
    };
    format!("[server]\ninterfaces = [\"lab0\"]\n[ipv6]\nmode = \"{mode}\"\n{prefixes}relays = [{relays}]\n")
}

fn counted(daemon: &Daemon<'_>, reason: &str) -> bool {
    let status = daemon.api("GET", "/api/v1/status", "");
    status.text().contains(&format!("\"dhcp6.{reason}\":"))
}

#[test]
fn what_a_listed_relay_brings_is_answered_through_it_with_an_address_of_the_machines_own_link() {
    let campus = Campus::build();
    let daemon = Daemon::start(&campus.daemon, &config("server", &format!("\"{UPPER}\"")));
    let ask = |link: &str, message: &[u8]| {
        let back = campus.through(&relayed(link, message), PATIENCE);
        unwrapped(link, &back.expect("an answer"))
    };
    let solicit = captured("pxe-solicit");
    let offered = ask(LOWER, &solicit);
    let lent = offered.address().expect("an address");
    assert_eq!(
        (offered.kind, lent.segments()[..4].to_vec()),
        (2, vec![0xfd00, 0x88, 0, 0])
    );
    assert_eq!(offered.url(), Some("tftp://[fd00:77::1]/snponly.efi"));
    let server = offered.option(2).expect("a server").to_vec();
    let granted = ask(LOWER, &turned_into(&solicit, 3, &[(2, &server)]));
    assert_eq!((granted.kind, granted.address()), (7, Some(lent)));
    // iPXE of the same machine has the same address, and HTTP boot its class.
    let ipxe = ask(LOWER, &captured("ipxe-solicit"));
    assert_eq!(
        (ipxe.address(), ipxe.url()),
        (Some(lent), Some("http://[fd00:77::1]:8080/boot.ipxe"))
    );
    let http = ask(LOWER, &captured("http-solicit"));
    assert_eq!(http.option(16).map(|class| &class[6..]), Some(&b"HTTPClient"[..]));
    // A link for which nobody configured addresses, and one that no relay knows.
    for link in ["fd00:99::1", "::"] {
        assert_eq!(campus.through(&relayed(link, &solicit), SILENCE), None, "{link}");
    }
    assert!(counted(&daemon, "no-prefix-here"));
    let hosts = daemon.api("GET", "/api/v1/hosts", "");
    assert!(hosts.text().contains(CARD), "{}", hosts.text());
}

#[test]
fn threat_37_over_ipv6_a_relay_that_nobody_listed_is_not_answered_counted_and_told_of_the_machine() {
    let campus = Campus::build();
    // Another one is listed, and the packet names it where anybody can write what he likes.
    let daemon = Daemon::start(&campus.daemon, &config("server", "\"fd00:88::1\""));
    let solicit = captured("pxe-solicit");
    assert_eq!(campus.through(&relayed(LOWER, &solicit), SILENCE), None);
    wait_until("it is counted", || counted(&daemon, "relay-not-listed"));
    daemon.wait_for_log("relay fd00:77::9 is not in `ipv6.relays`");
    let hosts = daemon.api("GET", "/api/v1/hosts", "");
    assert!(!hosts.text().contains(CARD), "it is nobody here: {}", hosts.text());
    // Of a machine that is known, `explain` tells it.
    daemon.write_config(&format!(
        "{}[hosts.oak]\nmac = \"{CARD}\"\n",
        config("server", "\"fd00:88::1\"")
    ));
    wait_until("it is known", || cli::ask(&daemon.socket(), "explain oak").code == 0);
    assert_eq!(campus.through(&relayed(LOWER, &solicit), SILENCE), None);
    let told = || cli::ask(&daemon.socket(), "explain oak").out;
    wait_until("explain tells it", || {
        told().contains("relay fd00:77::9 is not in `ipv6.relays`")
    });
    // Listed, it is heard from then on; and what it wraps must be sound all the same.
    daemon.write_config(&config("server", &format!("\"{UPPER}\"")));
    wait_until("it is heard", || {
        campus.through(&relayed(LOWER, &solicit), SILENCE).is_some()
    });
    for (packet, reason) in [
        (relayed(LOWER, &solicit[..20]), "truncated-option"),
        (relayed(LOWER, &[13, 0, 0, 0]), "not-from-client"),
        (relayed(LOWER, &solicit)[..45].to_vec(), "truncated-option"),
        (relayed(LOWER, &solicit)[..43].to_vec(), "empty-relay"),
        (relayed(LOWER, &solicit)[..20].to_vec(), "too-short"),
        (
            (0..10).fold(solicit.clone(), |inner, _| relayed(LOWER, &inner)),
            "too-many-relays",
        ),
    ] {
        assert_eq!(campus.through(&packet, SILENCE), None, "{reason}");
        wait_until(reason, || counted(&daemon, reason));
    }
}

#[test]
fn beside_another_server_what_a_relay_brings_is_told_where_to_boot_and_no_address() {
    let campus = Campus::build();
    let _daemon = Daemon::start(&campus.daemon, &config("proxy", &format!("\"{UPPER}\"")));
    let back = campus.through(&relayed(LOWER, &captured("http-solicit")), PATIENCE);
    let told = unwrapped(LOWER, &back.expect("an answer"));
    assert_eq!((told.kind, told.option(3)), (2, None), "{told:?}");
    assert_eq!(told.url(), Some("http://[fd00:77::1]:8080/firmware/snponly.efi"));
    let plain = campus.through(&relayed(LOWER, &captured("firmware-solicit")), SILENCE);
    assert_eq!(plain, None, "it does not boot");
}

#[test]
fn a_relay_of_other_hands_carries_firmwares_request_over_ipv6_and_our_answer() {
    let campus = Campus::build();
    let _daemon = Daemon::start(&campus.daemon, &config("server", &format!("\"{UPPER}\"")));
    let relay = format!("--dhcp-relay={LOWER},{OURS}");
    let _relay = Dnsmasq::listening(&campus.router, 547, &["--user=root", &relay]);
    let offered = campus
        .machine
        .run(|| Client::new().ask(&captured("pxe-solicit"), PATIENCE).expect("an offer"));
    let lent = offered.address().expect("an address");
    assert_eq!(lent.segments()[..4], [0xfd00, 0x88, 0, 0], "{lent}");
    assert_eq!(offered.url(), Some("tftp://[fd00:77::1]/snponly.efi"));
}
