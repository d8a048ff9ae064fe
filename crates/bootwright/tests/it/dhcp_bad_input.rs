//! What a DHCP server must not be taken in by: options of wrong lengths, addresses that are not ours, a pool that is empty.
//! Each has its reason in a counter, and in `explain` or the events. Relays: `relay.rs`; what is wrong in the configuration
//! itself: the tests of `bootwright-config`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bootwright_proto::dhcp::{MessageType, parse, render_request};

use crate::cli;
use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::dhcp_server::{CONFIG, leases, segment};
use crate::netns::Netns;
use crate::segment::{Client, Heard, captured, discover, with_card};

fn search(card: [u8; 6]) -> Vec<u8> {
    let mut packet = with_card(captured("bios-installer-discover"), card);
    packet[10] = 0x80;
    packet
}

/// All counters of DHCP.
fn counters(daemon: &Daemon<'_>) -> BTreeMap<String, u64> {
    let status: serde_json::Value = serde_json::from_str(daemon.api("GET", "/api/v1/status", "").text()).expect("JSON");
    let all = status["counters"].as_object().expect("counters").iter();
    let own = all.filter_map(|(name, count)| Some((name.strip_prefix("dhcp.")?.to_owned(), count.as_u64()?)));
    own.collect()
}

fn counted(daemon: &Daemon<'_>, reason: &str) -> u64 {
    counters(daemon).get(reason).copied().unwrap_or(0)
}

/// The REQUEST that takes up an offer.
fn take(machine: &Netns, search: &[u8], offer: &Heard) -> Heard {
    let mut request = parse(search).expect("a sound packet");
    request.message = Some(MessageType::Request);
    request.server_id = offer.answer.server_id;
    request.requested = Some(offer.answer.yiaddr);
    discover(machine, "eth0", &render_request(&request), PATIENCE).expect("an answer")
}

#[test]
fn options_of_every_wrong_length_are_each_answered_or_counted_by_their_reason() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(
        &inside,
        &CONFIG.replace("10.77.0.100-10.77.0.199", "10.77.0.2-10.77.0.250"),
    );
    let before: u64 = counters(&daemon).values().sum();
    let mut sent = 0_u64;
    machine.run(|| {
        let client = Client::on("eth0", 68);
        // Those that a server reads: the name, the wish, the message, the server, the parameters, the class, the client's
        // id, the user class, the relay's option, the architectures, the interface, the UUID, the subnet.
        for code in [12, 50, 53, 54, 55, 60, 61, 77, 82, 93, 94, 97, 118] {
            for len in [0_u8, 1, 2, 3, 5, 7, 17, 18] {
                let mut packet = search([0x52, 0x54, 0, code, len, 0]);
                let end = packet.iter().rposition(|byte| *byte == 255).expect("an end");
                packet.truncate(end);
                packet.extend([code, len]);
                packet.extend(std::iter::repeat_n(0xa5, usize::from(len)));
                packet.push(255);
                client.broadcast(&packet, 67);
                sent += 1;
            }
            // Longer than the packet is.
            let mut packet = search([0x52, 0x54, 0, code, 255, 0]);
            let end = packet.iter().rposition(|byte| *byte == 255).expect("an end");
            packet.truncate(end);
            packet.extend([code, 200, 1]);
            client.broadcast(&packet, 67);
            sent += 1;
        }
    });
    wait_until("each has its counter", || {
        counters(&daemon).values().sum::<u64>() >= before + sent
    });
    let all = counters(&daemon);
    assert_eq!(all.values().sum::<u64>(), before + sent, "one reason each: {all:?}");
    assert_eq!(all.get("panic"), None, "{all:?}");
    assert_eq!(leases(&daemon), []);
    // Whoever is sound is served as before.
    let search = search([0x52, 0x54, 0, 0, 0, 0x77]);
    let offer = discover(&machine, "eth0", &search, PATIENCE).expect("an offer");
    assert_eq!(take(&machine, &search, &offer).answer.message, Some(MessageType::Ack));
}

#[test]
fn a_packet_that_ends_within_an_option_is_counted_and_explain_tells_it_of_the_host() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(
        &inside,
        &format!("{CONFIG}\n[hosts.oak]\nmac = \"52:54:00:00:00:06\"\n"),
    );
    let mut packet = search([0x52, 0x54, 0, 0, 0, 6]);
    let end = packet.iter().rposition(|byte| *byte == 255).expect("an end");
    packet.truncate(end);
    packet.extend([97, 200, 1]);
    machine.run(|| Client::on("eth0", 68).broadcast(&packet, 67));
    wait_until("it is counted", || counted(&daemon, "truncated-option") == 1);
    let explained = cli::ask(&daemon.socket(), "explain oak").out;
    assert!(
        explained.contains("option 97 claims 200 bytes, 1 are there"),
        "{explained}"
    );
}

#[test]
fn pools_that_overlap_are_refused_counted_and_in_the_events_and_the_old_ones_go_on() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    daemon.write_config(&format!(
        "{CONFIG}\n[[dhcp.pools]]\nsubnet = \"10.77.0.0/16\"\nrange = \"10.77.1.1-10.77.1.9\"\n"
    ));
    daemon.wait_for_log("the configuration stays as it was");
    wait_until("it is counted", || {
        daemon
            .api("GET", "/api/v1/status", "")
            .text()
            .contains(r#""config.refused":1"#)
    });
    let events = cli::ask(&daemon.socket(), "events").out;
    assert!(
        events.contains("a configuration was refused") && events.contains("overlaps"),
        "{events}"
    );
    let search = search([0x52, 0x54, 0, 0, 0, 0x78]);
    let offer = discover(&machine, "eth0", &search, PATIENCE).expect("an offer");
    assert_eq!(take(&machine, &search, &offer).answer.message, Some(MessageType::Ack));
}

#[test]
fn an_address_of_a_subnet_that_is_not_ours_is_refused_or_ignored_and_explain_says_why() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(
        &inside,
        &format!("{CONFIG}\n[hosts.oak]\nmac = \"52:54:00:00:00:05\"\n"),
    );
    let card = [0x52, 0x54, 0, 0, 0, 5];
    let mut request = parse(&search(card)).expect("a sound packet");
    request.message = Some(MessageType::Request);
    // It comes from another segment: started again there, it would be refused; here too.
    request.requested = Some(Ipv4Addr::new(192, 168, 5, 5));
    let answer = discover(&machine, "eth0", &render_request(&request), PATIENCE).expect("a refusal");
    assert_eq!(answer.answer.message, Some(MessageType::Nak));
    assert_eq!(counted(&daemon, "nak-wrong-subnet"), 1);
    let explained = cli::ask(&daemon.socket(), "explain oak").out;
    assert!(
        explained.contains("refused (DHCPNAK): 192.168.5.5 does not belong to this segment"),
        "{explained}"
    );
    // It renews what another server leased to it: we are not asked.
    request.requested = None;
    request.ciaddr = Ipv4Addr::new(192, 168, 5, 5);
    machine.run(|| Client::on("eth0", 68).broadcast(&render_request(&request), 67));
    wait_until("it is counted", || counted(&daemon, "foreign-address") == 1);
    let explained = cli::ask(&daemon.socket(), "explain oak").out;
    assert!(explained.contains("192.168.5.5"), "{explained}");
    assert_eq!(leases(&daemon), []);
}

#[test]
fn an_exhausted_pool_is_told_in_events_counters_and_to_whoever_asks_about_the_machine() {
    let (inside, machine) = segment();
    let config = CONFIG.replace("10.77.0.100-10.77.0.199", "10.77.0.100-10.77.0.101");
    let hosts = "keep_for_known = 0\n[hosts.late]\nmac = \"52:54:00:00:00:63\"\n\
                 [hosts.us]\nmac = \"52:54:00:00:00:64\"\naddress = \"10.77.0.1\"\n";
    let daemon = Daemon::start(&inside, &(config + hosts));
    for number in 1..=2 {
        let search = search([0x52, 0x54, 0, 0, 0, number]);
        let offer = discover(&machine, "eth0", &search, PATIENCE).expect("an offer");
        assert_eq!(take(&machine, &search, &offer).answer.message, Some(MessageType::Ack));
    }
    let late = search([0x52, 0x54, 0, 0, 0, 0x63]);
    machine.run(|| Client::on("eth0", 68).broadcast(&late, 67));
    wait_until("it is counted", || counted(&daemon, "pool-exhausted") == 1);
    let socket = daemon.socket();
    let ask = |words: &str| cli::ask(&socket, words).out;
    wait_until("it is an event", || ask("events").contains("10.77.0.0/24"));
    let explained = ask("explain late");
    assert!(explained.contains("no address is leased to it"), "{explained}");
    assert!(explained.contains("10.77.0.0/24"), "{explained}");
    // Who has them is a list, in words and as a document, in pages and by what is looked for.
    let listed = ask("lease list");
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..5], ["ADDRESS", "MAC", "HOST", "STATE", "UNTIL"], "{listed}");
    let addresses: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(addresses, ["10.77.0.100", "10.77.0.101"]);
    assert!(rows[1..].iter().all(|row| row[3] == "bound"), "{listed}");
    let page = daemon.api("GET", "/api/v1/leases?limit=1", "");
    let page: serde_json::Value = serde_json::from_str(page.text()).expect("JSON");
    assert_eq!(
        (&page["leases"][0]["address"], &page["next"]),
        (&"10.77.0.100".into(), &"10.77.0.100".into())
    );
    let rest = ask("lease list --json --text 10.77.0.101");
    let rest: serde_json::Value = serde_json::from_str(&rest).expect("JSON");
    assert_eq!(rest["leases"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next"], serde_json::Value::Null);
    assert_eq!(daemon.api("GET", "/api/v1/leases?after=oak", "").status, 400);
    // What the configuration keeps and cannot keep is said without anybody asking for it.
    let status = ask("status");
    assert!(
        status.contains("10.77.0.1, which the configuration keeps for us, is this box's own"),
        "{status}"
    );
    let first = rows[1][1];
    let explained = ask(&format!("explain {first}"));
    assert!(
        explained.contains("10.77.0.100 is leased to") || explained.contains("not known yet"),
        "{explained}"
    );
}
