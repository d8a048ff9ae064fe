//! Interfaces come, go, and change their names and addresses while the daemon runs (`fault_15` to `fault_20`).

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, PATIENCE};
use crate::netns::{End, Netns, cable};
use crate::segment::{Heard, captured, discover, with_card};

const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";
const PACKET: &str = "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nsockets = \"packet\"\n";

/// Asks until there is an offer from this address. How long that took after whatever was changed is printed; that the change
/// was not merely stumbled upon is for [`told_by_the_kernel`].
fn offered_by(machine: &Netns, ours: Ipv4Addr) -> Heard {
    let start = Instant::now();
    let mut card = 0_u8;
    loop {
        card = card.wrapping_add(1);
        let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 1, card]);
        if let Some(heard) = discover(machine, "eth0", &packet, Duration::from_millis(300))
            && heard.answer.siaddr == ours
        {
            eprintln!("an offer from {ours} after {} ms", start.elapsed().as_millis());
            return heard;
        }
        assert!(start.elapsed() < PATIENCE, "never an offer from {ours}");
    }
}

/// Asserts that every change was followed because the kernel told of it: whoever finds it by looking is seconds late.
fn told_by_the_kernel(daemon: &Daemon<'_>) {
    let log = daemon.log();
    let changes = || log.lines().filter(|line| line.contains("the interfaces have changed"));
    assert!(changes().count() > 0, "no change was followed:\n{log}");
    let late: Vec<&str> = changes().filter(|line| !line.contains("the kernel told")).collect();
    assert_eq!(late, Vec::<&str>::new());
}

#[test]
fn fault_15_an_interface_that_is_absent_at_start_is_served_when_it_appears() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    let daemon = Daemon::start(&inside, CONFIG);
    daemon.wait_for_log("not there yet");
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    told_by_the_kernel(&daemon);
}

#[test]
fn fault_16_a_link_that_flaps_is_served_again_without_a_storm_of_errors() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let daemon = Daemon::start(&inside, CONFIG);
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    for _ in 0..5 {
        machine.ip("link set eth0 down");
        machine.ip("link set eth0 up");
    }
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    let errors = daemon.log().lines().filter(|line| line.contains("Z error ")).count();
    assert!(errors <= 1, "{}", daemon.log());
}

#[test]
fn fault_17_an_interface_that_is_made_again_under_its_name_is_served_again() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let daemon = Daemon::start(&inside, CONFIG);
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    inside.ip("link del lab0");
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    told_by_the_kernel(&daemon);
}

#[test]
fn fault_18_an_interface_that_gets_the_configured_name_is_served() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&inside, "other0", "10.77.0.1/24"),
        &End::bare(&machine, "eth0"),
    );
    let daemon = Daemon::start(&inside, CONFIG);
    inside.ip("link set other0 down");
    inside.ip("link set other0 name lab0");
    inside.ip("link set lab0 up");
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    inside.ip("link set lab0 down");
    inside.ip("link set lab0 name gone0");
    inside.ip("link set gone0 up");
    daemon.wait_for_log("no longer served");
    told_by_the_kernel(&daemon);
}

#[test]
fn fault_19_an_interface_with_another_address_answers_from_that() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let daemon = Daemon::start(&inside, CONFIG);
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    inside.ip("addr del 10.77.0.1/24 dev lab0");
    inside.ip("addr add 10.78.0.7/24 broadcast + dev lab0");
    offered_by(&machine, Ipv4Addr::new(10, 78, 0, 7));
    told_by_the_kernel(&daemon);
}

/// Packets are captured by the number of a device, and frames leave by its number and its hardware address: each of these
/// changes makes a listener deaf or dumb that is not made anew.
#[test]
fn a_captured_interface_that_appears_is_renamed_readdressed_made_again_and_vanishes_is_followed() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    let daemon = Daemon::start(&inside, PACKET);
    daemon.wait_for_log("not there yet");
    let plug = |device| cable(&End::new(&inside, device, "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let ours = Ipv4Addr::new(10, 77, 0, 1);
    plug("other0");
    inside.ip("link set other0 down");
    inside.ip("link set other0 name lab0");
    inside.ip("link set lab0 up");
    let heard = offered_by(&machine, ours);
    assert_eq!(*heard.from.ip(), ours);
    assert!(
        daemon.log().contains("DHCP by packet capture"),
        "it was not captured:\n{}",
        daemon.log()
    );

    inside.ip("addr del 10.77.0.1/24 dev lab0");
    inside.ip("addr add 10.78.0.7/24 broadcast + dev lab0");
    let moved = Ipv4Addr::new(10, 78, 0, 7);
    assert_eq!(*offered_by(&machine, moved).from.ip(), moved);

    inside.ip("link set lab0 down");
    inside.ip("link set lab0 address 52:54:00:aa:bb:cc");
    inside.ip("link set lab0 up");
    offered_by(&machine, moved);

    // Another device under the old name has another number.
    let index = |device: &str| {
        let shown = inside.ip(&format!("-o link show {device}"));
        shown.split(':').next().unwrap_or_default().to_owned()
    };
    let before = index("lab0");
    inside.ip("link del lab0");
    plug("lab0");
    assert_ne!(index("lab0"), before);
    offered_by(&machine, ours);

    daemon.clear_log();
    inside.ip("link set lab0 down");
    inside.ip("link set lab0 name gone0");
    inside.ip("link set gone0 up");
    daemon.wait_for_log("no longer served");
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 3, 3]);
    let heard = discover(&machine, "eth0", &packet, Duration::from_millis(500));
    assert!(heard.is_none(), "it is not served any more: {heard:?}");

    inside.ip("link set gone0 down");
    inside.ip("link set gone0 name lab0");
    inside.ip("link set lab0 up");
    offered_by(&machine, ours);
    daemon.clear_log();
    inside.ip("link del lab0");
    daemon.wait_for_log("no longer served");
    plug("lab0");
    offered_by(&machine, ours);
    told_by_the_kernel(&daemon);
    let log = daemon.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn fault_20_of_a_bridge_and_its_ports_only_the_bridge_answers_and_once() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::bare(&inside, "port0"), &End::bare(&machine, "eth0"));
    inside.ip("link add lab0 type bridge");
    inside.ip("link set port0 master lab0");
    inside.ip("addr add 10.77.0.1/24 broadcast + dev lab0");
    inside.ip("link set lab0 up");
    let _daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"lab0\", \"port0\"]\n");
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 2, 2]);
    let answers = machine.run(|| {
        let client = crate::segment::Client::on("eth0", 68);
        client.broadcast(&packet, 67);
        let first = client.reply_to(&packet, PATIENCE);
        (first, client.reply_to(&packet, Duration::from_millis(500)))
    });
    assert!(answers.0.is_some());
    assert!(answers.1.is_none(), "a second answer: {:?}", answers.1);
}
