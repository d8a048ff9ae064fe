//! A machine that comes back from its own disk, as an operator sees it, and the packet that shows that it has started.

use std::net::Ipv4Addr;

use crate::cli::{ask, json};
use crate::daemon::{Daemon, get};
use crate::netns::Netns;
use crate::segment::{Client, captured, segment, with_card};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n[hosts.oak-1]\nmac = \"52:54:00:00:00:01\"\n";
const QUERY: &str = "/ipxe?mac=52-54-00-00-00-01&platform=pcbios&manufacturer_hex=41434d45&product_hex=5261636b";

/// Whether the machine is sent to its disk, and by which method; it waits otherwise.
fn told(machine: &Netns) -> String {
    let script = get(machine, OURS, QUERY);
    let text = script.text();
    match text.split_once("starts its own disk (") {
        Some((_, rest)) => rest.split(')').next().unwrap_or_default().to_owned(),
        None if text.contains("its own disk does not start") => "waits".to_owned(),
        None => panic!("{text}"),
    }
}

#[test]
fn a_machine_that_comes_back_again_and_again_waits_and_everybody_is_told_why() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::start(&inside, CONFIG);
    let socket = daemon.socket();
    assert_eq!(ask(&socket, "host local oak-1").code, 0);
    let answers: Vec<String> = (0..4).map(|_| told(&machine)).collect();
    assert_eq!(answers, ["bios-disk", "exit", "bios-disk", "waits"]);
    let explained = ask(&socket, "explain oak-1").out;
    assert!(
        explained.contains("its own disk does not start: it came back 3 times in a row"),
        "{explained}"
    );
    let shown = ask(&socket, "host show oak-1").out;
    assert!(shown.contains("no method starts its disk, tried 3 times"), "{shown}");
    let events = ask(&socket, "events").out;
    assert!(
        events.contains("no method starts it, so that it waits from now on"),
        "{events}"
    );

    // It waits on when the daemon is started anew, until an operator says otherwise.
    daemon.kill();
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    assert_eq!(told(&machine), "waits");
    assert_eq!(ask(&socket, "host local oak-1").code, 0);
    assert_eq!(told(&machine), "bios-disk");
}

#[test]
fn a_system_that_asks_for_an_address_shows_that_the_disk_has_started_and_by_which_method() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let socket = daemon.socket();
    assert_eq!(ask(&socket, "host local oak-1").code, 0);
    assert_eq!(
        (told(&machine), told(&machine)),
        ("bios-disk".to_owned(), "exit".to_owned())
    );
    let system = with_card(captured("bios-installer-discover"), [0x52, 0x54, 0, 0, 0, 1]);
    for _ in 0..4 {
        machine.run(|| Client::on("eth0", 68).broadcast(&system, 67));
        crate::daemon::wait_until("the system was seen", || {
            json(&socket, "host show oak-1")["local_boot"]["whence"] == "host"
        });
        assert_eq!(told(&machine), "exit", "what worked stays");
    }
    machine.run(|| Client::on("eth0", 68).broadcast(&system, 67));
    crate::daemon::wait_until("the system was seen", || {
        json(&socket, "host show oak-1")["local_boot"]["whence"] == "host"
    });
    let shown = ask(&socket, "host show oak-1").out;
    assert!(shown.contains("exit, which worked for it before"), "{shown}");
    let explained = ask(&socket, "explain oak-1").out;
    assert!(
        explained.contains("by leaving it to its firmware, which worked for it before"),
        "{explained}"
    );
}
