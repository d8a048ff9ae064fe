//! Other DHCP and boot servers beside the daemon: found, told of, and missed when they go.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use bootwright_core::census::Deed;
use bootwright_proto::http::api::{LinkView, ServerView, Status};

use crate::daemon::{Daemon, wait_until};
use crate::dnsmasq::Dnsmasq;
use crate::netns::{End, Netns, cable, mac};
use crate::segment::{Client, captured, with_card};

const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\ncensus = \"10s\"\n";

/// A segment with a switch in the middle: the daemon's box, a box with other servers, and a machine without an address.
pub(crate) struct Lan {
    pub(crate) daemon: Netns,
    pub(crate) other: Netns,
    pub(crate) machine: Netns,
    _switch: Netns,
}

impl Lan {
    pub(crate) fn new() -> Self {
        let lan = Self {
            daemon: Netns::new("daemon"),
            other: Netns::new("other"),
            machine: Netns::new("machine"),
            _switch: Netns::new("switch"),
        };
        lan._switch.ip("link add br0 type bridge");
        lan._switch.ip("link set br0 addrgenmode none");
        lan._switch.ip("link set br0 up");
        for (place, device, address, port) in [
            (&lan.daemon, "lab0", Some("10.77.0.1/24"), "p0"),
            (&lan.other, "eth0", Some("10.77.0.254/24"), "p1"),
            (&lan.machine, "eth0", None, "p2"),
        ] {
            let end = End {
                inside: place,
                device,
                address,
            };
            cable(&end, &End::bare(&lan._switch, port));
            lan._switch.ip(&format!("link set {port} master br0"));
        }
        lan
    }
}

pub(crate) const RANGE: &str = "--dhcp-range=10.77.0.100,10.77.0.200,5m";

pub(crate) fn status(daemon: &Daemon<'_>) -> Status {
    serde_json::from_slice(&daemon.api("GET", "/api/v1/status", "").body).expect("a status")
}

fn link(daemon: &Daemon<'_>) -> LinkView {
    let links = status(daemon).links;
    let lab0 = links.into_iter().find(|link| link.link == "lab0");
    lab0.expect("the link is listed")
}

/// Waits until the first round of searches has been listened to.
fn searched(daemon: &Daemon<'_>) -> LinkView {
    wait_until("the link was searched", || link(daemon).searched);
    link(daemon)
}

fn does(server: &ServerView, deed: Deed) -> bool {
    server.deeds.iter().any(|name| name == deed.name())
}

/// Says something on port 68 as a server would, to everybody.
fn proclaim(inside: &Netns, device: &str, packet: &[u8]) {
    inside.run(|| Client::on(device, 67).broadcast(packet, 68));
}

/// An offer of a server that calls itself so, to some machine.
fn offer(server: Ipv4Addr, more: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 240];
    packet[..4].copy_from_slice(&[2, 1, 6, 0]);
    packet[16..20].copy_from_slice(&[10, 77, 0, 150]);
    packet[28..34].copy_from_slice(&[0x52, 0x54, 0, 0, 0, 0x42]);
    packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
    packet.extend([53, 1, 2, 54, 4]);
    packet.extend(server.octets());
    packet.extend(more);
    packet.push(255);
    packet.resize(300, 0);
    packet
}

#[test]
fn threat_05_a_rogue_server_is_found_within_two_seconds_of_its_first_packet() {
    let lan = Lan::new();
    let daemon = Daemon::start(&lan.daemon, CONFIG);
    assert!(searched(&daemon).dhcp_servers.is_empty());
    let rogue = Ipv4Addr::new(10, 77, 0, 66);
    let spoken = Instant::now();
    proclaim(&lan.machine, "eth0", &offer(rogue, &[]));
    let line = daemon.wait_for_log("a server has appeared on lab0: 10.77.0.66");
    assert!(spoken.elapsed() < Duration::from_secs(2), "{:?}", spoken.elapsed());
    assert!(line.contains("Z warn ") && line.contains("leases addresses"), "{line}");
    assert!(
        line.contains(&mac(&lan.machine, "eth0")),
        "its station is named: {line}"
    );
    // One that would lead machines elsewhere.
    let mut boots = vec![60, 9];
    boots.extend(b"PXEClient");
    boots.extend([43, 4, 6, 1, 8, 255]);
    let mut packet = offer(Ipv4Addr::new(10, 77, 0, 67), &boots);
    packet[16..20].fill(0);
    let spoken = Instant::now();
    proclaim(&lan.machine, "eth0", &packet);
    daemon.wait_for_log("a server has appeared on lab0: 10.77.0.67");
    assert!(spoken.elapsed() < Duration::from_secs(2), "{:?}", spoken.elapsed());
    let warnings = status(&daemon).warnings;
    let told = |text: &str| warnings.iter().any(|warning| warning.contains(text));
    assert!(
        told("10.77.0.67 on lab0 tells machines where to boot as well"),
        "{warnings:?}"
    );
}

#[test]
fn fault_49_a_server_that_answers_a_machine_by_unicast_is_found_when_the_machine_chooses_it() {
    let lan = Lan::new();
    let daemon = Daemon::start(&lan.daemon, CONFIG);
    assert!(searched(&daemon).dhcp_servers.is_empty());
    let _rogue = Dnsmasq::start(&lan.other, "eth0", "/dev/null", &[RANGE]);
    // The machine does not ask for broadcast answers, so that its switch port alone sees the offer.
    let mut discover = with_card(captured("bios-installer-discover"), [0x52, 0x54, 0, 0, 0, 0x42]);
    discover[10] = 0;
    let spoken = Instant::now();
    lan.machine.run(|| Client::on("eth0", 68).broadcast(&discover, 67));
    let mut request = offer(Ipv4Addr::new(10, 77, 0, 254), &[50, 4, 10, 77, 0, 150]);
    request[0] = 1;
    request[16..20].fill(0);
    request[242] = 3;
    lan.machine.run(|| Client::on("eth0", 68).broadcast(&request, 67));
    daemon.wait_for_log("a server has appeared on lab0: 10.77.0.254");
    assert!(spoken.elapsed() < Duration::from_secs(2), "{:?}", spoken.elapsed());
    // It is searched for at once, and then its station is known too.
    let station = mac(&lan.other, "eth0");
    wait_until("its station is known", || {
        link(&daemon)
            .servers
            .iter()
            .any(|server| server.station.as_ref() == Some(&station))
    });
}

#[test]
fn a_dhcp_server_is_listed_with_what_it_does_and_struck_out_when_it_is_gone() {
    let lan = Lan::new();
    let leases = std::env::temp_dir().join(format!("bootwright-census-{}", std::process::id()));
    let main = Dnsmasq::start(
        &lan.other,
        "eth0",
        &leases.display().to_string(),
        &[RANGE, "--dhcp-boot=pxelinux.0"],
    );
    let daemon = Daemon::start(&lan.daemon, CONFIG);
    let link = searched(&daemon);
    let [server] = link.servers.as_slice() else {
        panic!("one server: {link:?}")
    };
    assert_eq!(server.address, "10.77.0.254");
    assert_eq!(server.station.as_deref(), Some(mac(&lan.other, "eth0").as_str()));
    assert!(
        does(server, Deed::Leases) && does(server, Deed::NamesFile),
        "{server:?}"
    );
    let first = daemon.wait_for_log("there is a server on lab0: 10.77.0.254");
    assert!(first.contains(" seen "), "a proxy needs one: {first}");
    let granted = std::fs::read_to_string(&leases).expect("the leases of dnsmasq");
    assert_eq!(granted, "", "a search makes no lease");
    drop(main);
    let until = Instant::now() + Duration::from_secs(60);
    while !daemon.log().contains("server 10.77.0.254 on lab0 is gone") {
        assert!(Instant::now() < until, "it is never missed");
        std::thread::sleep(Duration::from_millis(100));
    }
    let warnings = status(&daemon).warnings;
    let told = warnings
        .iter()
        .any(|warning| warning.contains("no DHCP server answers on lab0"));
    assert!(told, "{warnings:?}");
    // It may be there still if the test failed before.
    let _ = std::fs::remove_file(&leases);
}

#[test]
fn a_dhcp_server_on_the_same_box_is_found_and_named() {
    let lan = Lan::new();
    let _here = Dnsmasq::start(&lan.daemon, "lab0", "/dev/null", &[RANGE]);
    let daemon = Daemon::start(&lan.daemon, CONFIG);
    let link = searched(&daemon);
    let [server] = link.servers.as_slice() else {
        panic!("one server: {link:?}")
    };
    assert_eq!(server.address, "10.77.0.1");
    let process = server.process.as_deref().expect("its process");
    assert!(process.starts_with("`dnsmasq` (pid "), "{process}");
    assert!(does(server, Deed::Leases) && !does(server, Deed::Boots), "{server:?}");
}

#[test]
fn fault_11_two_daemons_on_one_segment_warn_of_each_other_and_take_each_other_for_no_machine() {
    let lan = Lan::new();
    let left = Daemon::start(&lan.daemon, CONFIG);
    let right = Daemon::start(
        &lan.other,
        "[server]\ninterfaces = [\"eth0\"]\n[dhcp]\ncensus = \"10s\"\n",
    );
    for (daemon, device, other) in [(&left, "lab0", "10.77.0.254"), (&right, "eth0", "10.77.0.1")] {
        let wanted = format!("{other} on {device} tells machines where to boot as well");
        wait_until("the other is warned of", || {
            status(daemon).warnings.iter().any(|warning| warning.contains(&wanted))
        });
        let hosts = status(daemon).hosts;
        assert!(hosts.values().all(|count| *count == 0), "{hosts:?}");
    }
}

#[test]
fn switched_off_the_search_sends_nothing_and_others_are_overheard_all_the_same() {
    let lan = Lan::new();
    let hearing = lan.machine.run(|| Client::on("eth0", 67));
    let quiet = CONFIG.replace("\"10s\"", "\"off\"");
    let daemon = Daemon::start(&lan.daemon, &quiet);
    proclaim(&lan.other, "eth0", &offer(Ipv4Addr::new(10, 77, 0, 254), &[]));
    daemon.wait_for_log("there is a server on lab0: 10.77.0.254");
    wait_until("the first round is over", || link(&daemon).searched);
    assert!(!hearing.hears_anything(), "nothing was sent to port 67");
}

#[test]
fn a_link_whose_cable_is_plugged_in_late_is_searched_then() {
    let (inside, other) = (Netns::new("daemon"), Netns::new("other"));
    cable(
        &End::new(&inside, "lab0", "10.77.0.1/24"),
        &End::new(&other, "eth0", "10.77.0.254/24"),
    );
    other.ip("link set eth0 down");
    let daemon = Daemon::start(&inside, CONFIG);
    assert!(!link(&daemon).searched);
    other.ip("link set eth0 up");
    let _main = Dnsmasq::start(&other, "eth0", "/dev/null", &[RANGE]);
    daemon.wait_for_log("there is a server on lab0: 10.77.0.254");
    // And `explain` tells what is beside a machine.
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 0, 7]);
    other.run(|| Client::on("eth0", 68).send(&packet, SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 67)));
    daemon.wait_for_log("52:54:00:00:00:07");
    let explained = daemon.api("GET", "/api/v1/hosts/52:54:00:00:00:07/explain", "");
    assert!(
        explained.text().contains("on lab0, 10.77.0.254"),
        "{}",
        explained.text()
    );
}

#[test]
fn observing_answers_nobody_and_records_once_what_each_machine_would_be_answered() {
    let lan = Lan::new();
    let quiet = CONFIG.replace("census = \"10s\"", "mode = \"observe\"\ncensus = \"off\"");
    let daemon = Daemon::start(&lan.daemon, &quiet);
    let hearing = lan.machine.run(|| Client::on("eth0", 68));
    let firmware = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 0, 0x0b]);
    let ipxe = with_card(captured("uefi-ipxe-discover"), [0x52, 0x54, 0, 0, 0, 0x0b]);
    for packet in [&firmware, &ipxe, &firmware, &ipxe] {
        hearing.broadcast(packet, 67);
    }
    daemon.wait_for_log("else it would fetch `snponly.efi`");
    daemon.wait_for_log("else it would fetch the script");
    wait_until("all four were heard", || daemon.log().matches("no answer").count() >= 4);
    // The record is written a moment after the log. What is asked of the daemon now is recorded behind all of them.
    let noted = daemon.api("POST", "/api/v1/pause", "{}");
    assert_eq!(noted.status, 200, "{}", noted.text());
    let events = daemon.api("GET", "/api/v1/events?last=1", "").text().to_owned();
    let told = |what: &str| events.matches(what).count();
    assert_eq!(told("else it would fetch `snponly.efi`"), 1, "{events}");
    assert_eq!(told("else it would fetch the script"), 1, "{events}");
    assert!(!hearing.hears_anything(), "nobody was answered");
    let explained = daemon.api("GET", "/api/v1/hosts/52:54:00:00:00:0b/explain", "");
    assert!(explained.text().contains("else it would fetch"), "{}", explained.text());
}
