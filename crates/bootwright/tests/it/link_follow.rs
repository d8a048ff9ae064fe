//! Interfaces come, go, and change their names and addresses while the daemon runs (`fault_15` to `fault_20`).

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, PATIENCE};
use crate::netns::{End, Netns, cable};
use crate::segment::{Heard, captured, discover, with_card};

const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";

/// A change is followed within two seconds; the rest is for a machine under load.
const FOLLOWED: Duration = Duration::from_secs(6);

/// Asks until there is an offer from this address, which must come soon after whatever was changed.
fn offered_by(machine: &Netns, ours: Ipv4Addr) -> Heard {
    let until = Instant::now() + FOLLOWED;
    let mut card = 0_u8;
    loop {
        card = card.wrapping_add(1);
        let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 1, card]);
        if let Some(heard) = discover(machine, "eth0", &packet, Duration::from_millis(300))
            && heard.answer.siaddr == ours
        {
            return heard;
        }
        assert!(Instant::now() < until, "never an offer from {ours}");
    }
}

#[test]
fn fault_15_an_interface_that_is_absent_at_start_is_served_when_it_appears() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    let daemon = Daemon::start(&inside, CONFIG);
    daemon.wait_for_log("not there yet");
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
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
    let errors = daemon.log().lines().filter(|line| line.contains("ERROR")).count();
    assert!(errors <= 1, "{}", daemon.log());
}

#[test]
fn fault_17_an_interface_that_is_made_again_under_its_name_is_served_again() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let _daemon = Daemon::start(&inside, CONFIG);
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    inside.ip("link del lab0");
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
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
}

#[test]
fn fault_19_an_interface_with_another_address_answers_from_that() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let _daemon = Daemon::start(&inside, CONFIG);
    offered_by(&machine, Ipv4Addr::new(10, 77, 0, 1));
    inside.ip("addr del 10.77.0.1/24 dev lab0");
    inside.ip("addr add 10.78.0.7/24 broadcast + dev lab0");
    offered_by(&machine, Ipv4Addr::new(10, 78, 0, 7));
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
