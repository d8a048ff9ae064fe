//! Bridges: whoever is plugged into one is answered by the bridge, with its address, and once (`fault_20`).

use std::net::Ipv4Addr;

use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::netns::{End, Netns, cable};
use crate::segment::{Client, captured, with_card};

/// A box with two bridges, `br0` (10.77.0.1) with two ports and `br1` (10.77.1.1) with one, and a machine at each port.
struct Bridges {
    inside: Netns,
    machines: Vec<(Netns, Ipv4Addr)>,
}

impl Bridges {
    fn build() -> Self {
        let inside = Netns::new("daemon");
        for bridge in 0..2 {
            inside.ip(&format!("link add br{bridge} type bridge stp_state 0 forward_delay 0"));
            inside.ip(&format!("addr add 10.77.{bridge}.1/24 broadcast + dev br{bridge}"));
            inside.ip(&format!("link set br{bridge} up"));
        }
        let mut machines = Vec::new();
        for (port, bridge) in [0, 0, 1].into_iter().enumerate() {
            let machine = Netns::new(&format!("machine{port}"));
            let name = format!("port{port}");
            cable(&End::bare(&inside, &name), &End::bare(&machine, "eth0"));
            inside.ip(&format!("link set {name} master br{bridge}"));
            machines.push((machine, Ipv4Addr::new(10, 77, bridge, 1)));
        }
        Self { inside, machines }
    }
}

fn answered(daemon: &Daemon<'_>) -> u64 {
    let status = daemon.api("GET", "/api/v1/status", "");
    let status: serde_json::Value = serde_json::from_str(status.text()).expect("JSON");
    status["counters"]["dhcp.answered"].as_u64().unwrap_or(0)
}

fn each_bridge_answers_its_own_machines_once(more: &str) {
    let site = Bridges::build();
    // Whoever names the ports too does not get two answers.
    let config = format!("[server]\ninterfaces = [\"br*\", \"port*\"]\n[dhcp]\nsockets = \"{more}\"\n");
    let daemon = Daemon::start(&site.inside, &config);
    daemon.wait_for_log("it is a port of `br1`, name that one");
    for (number, (machine, ours)) in site.machines.iter().enumerate() {
        let card = [0x52, 0x54, 0, 0, 0x20, u8::try_from(number).expect("few machines")];
        let packet = with_card(captured("rom-ipxe-discover"), card);
        let before = answered(&daemon);
        let client = machine.run(|| Client::on("eth0", 68));
        client.broadcast(&packet, 67);
        let heard = client.reply_to(&packet, PATIENCE).expect("an offer");
        assert_eq!(heard.from.ip(), ours);
        assert_eq!((heard.answer.siaddr, heard.answer.server_id), (*ours, Some(*ours)));
        assert_eq!(heard.answer.file, format!("http://{ours}:8080/boot.ipxe").as_bytes());
        // A second request of another machine is answered after all that the first one caused.
        let mark = with_card(packet.clone(), [0x52, 0x54, 0, 0, 0x21, card[5]]);
        client.broadcast(&mark, 67);
        client.reply_to(&mark, PATIENCE).expect("an offer");
        wait_until("both are counted", || answered(&daemon) >= before + 2);
        assert_eq!(answered(&daemon), before + 2, "one answer each");
    }
}

#[test]
fn fault_20_each_bridge_answers_its_own_machines_once() {
    each_bridge_answers_its_own_machines_once("kernel");
}

#[test]
fn fault_20_each_bridge_answers_its_own_machines_once_where_packets_are_captured() {
    each_bridge_answers_its_own_machines_once("packet");
}

#[test]
fn fault_20_a_card_that_becomes_a_port_is_served_by_its_bridge_from_then_on() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&inside, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    let daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"lab0\", \"br0\"]\n");
    inside.ip("link add br0 type bridge stp_state 0 forward_delay 0");
    inside.ip("addr del 10.77.0.1/24 dev lab0");
    inside.ip("link set lab0 master br0");
    inside.ip("addr add 10.77.0.7/24 broadcast + dev br0");
    inside.ip("link set br0 up");
    daemon.wait_for_log("it is a port of `br0`, name that one");
    daemon.wait_for_log("served at [10.77.0.7]");
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 0x22, 1]);
    let heard = crate::segment::discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    assert_eq!(*heard.from.ip(), Ipv4Addr::new(10, 77, 0, 7));
}
