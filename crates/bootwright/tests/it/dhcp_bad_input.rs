//! What a DHCP server must not be taken in by: options of wrong lengths, addresses that are not ours, a pool that is empty.
//! Each has its reason in a counter, and in `explain` or the events. Relays: `relay.rs`; what is wrong in the configuration
//! itself: the tests of `bootwright-config`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bootwright_proto::dhcp::{MessageType, parse, render_request};

use crate::cli;
use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::dhcp_server::{CONFIG, leases, segment};
use crate::netns::{End, Netns, cable};
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

/// A packet with an option in place of its own, or behind its others if it has none. Without a value it is taken out.
fn with_option(packet: &[u8], code: u8, value: Option<&[u8]>) -> Vec<u8> {
    let mut options: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut rest = &packet[240..];
    while let [number @ 1..=254, len, tail @ ..] = rest {
        let (content, tail) = tail.split_at(usize::from(*len));
        options.push((*number, content.to_vec()));
        rest = tail;
    }
    let place = options.iter().position(|(number, _)| *number == code);
    options.retain(|(number, _)| *number != code);
    if let Some(value) = value {
        options.insert(place.unwrap_or(options.len()), (code, value.to_vec()));
    }
    let mut changed = packet[..240].to_vec();
    for (number, content) in options {
        changed.extend([number, u8::try_from(content.len()).expect("a short option")]);
        changed.extend(content);
    }
    changed.push(255);
    changed
}

/// The value of an option of a packet.
fn option(packet: &[u8], code: u8) -> Option<Vec<u8>> {
    let mut rest = &packet[240..];
    while let [number @ 1..=254, len, tail @ ..] = rest {
        let (content, tail) = tail.split_at(usize::from(*len));
        if *number == code {
            return Some(content.to_vec());
        }
        rest = tail;
    }
    None
}

/// The options that are read of a request: those of the lease, of PXE, of iPXE and of relays.
const READ: [u8; 16] = [12, 43, 50, 53, 54, 55, 57, 60, 61, 77, 82, 93, 94, 97, 118, 175];

/// Lengths around those that are right for one of them.
const LENGTHS: [usize; 13] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 18, 255];

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is answered with an address and something to boot.
    Boots,
    /// It is answered with an address alone.
    Leases,
    /// It is told that it cannot have what it asks for.
    Refused,
    /// It is not answered, for this reason.
    Silence(&'static str),
}

/// The packet with one option cut or drawn out to this length; as it was if it is so long already.
fn resized(packet: &[u8], code: u8, len: usize) -> Vec<u8> {
    let mut value = option(packet, code).unwrap_or_default();
    value.resize(len, 0xa5);
    with_option(packet, code, Some(&value))
}

/// Sends a packet and returns what became of it.
fn fate(daemon: &Daemon<'_>, client: &Client, packet: &[u8]) -> Fate {
    let before = counters(daemon);
    client.broadcast(packet, 67);
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        // A reply is counted when it has left, and a silence when it is decided on.
        if let Some(heard) = client.reply_to(packet, std::time::Duration::from_millis(2)) {
            let answer = heard.answer;
            return match (answer.message, answer.yiaddr.is_unspecified(), answer.file.is_empty()) {
                (Some(MessageType::Nak), _, _) => Fate::Refused,
                (Some(MessageType::Offer | MessageType::Ack), false, false) => Fate::Boots,
                (Some(MessageType::Offer | MessageType::Ack), false, true) => Fate::Leases,
                other => panic!("no answer of a DHCP server: {other:?}"),
            };
        }
        let now = counters(daemon);
        let news: Vec<&String> = now
            .iter()
            .filter(|(name, count)| before.get(*name) != Some(count))
            .map(|(name, _)| name)
            .collect();
        match news.as_slice() {
            [] => assert!(std::time::Instant::now() < until, "it is neither answered nor counted"),
            [name] if ["answered", "nak-wrong-subnet"].contains(&name.as_str()) => {}
            [name] => return Fate::Silence(Box::leak((*name).clone().into_boxed_str())),
            more => panic!("one packet, one reason: {more:?}"),
        }
    }
}

/// The daemon and a machine in a network large enough for a machine to each case.
fn wide_segment() -> (Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&daemon, "lab0", "10.77.0.1/16"), &End::bare(&machine, "eth0"));
    (daemon, machine)
}

fn wide_config() -> String {
    CONFIG
        .replace("10.77.0.0/24", "10.77.0.0/16")
        .replace("10.77.0.100-10.77.0.199", "10.77.1.0-10.77.99.255")
}

/// What a DISCOVER of UEFI's PXE client comes to with an option of this length.
fn of_discover(code: u8, len: usize) -> Fate {
    match (code, len) {
        // Without its type it is a message of BOOTP, which leases for ever and which nobody speaks any more.
        (53, 0) => Fate::Silence("bootp"),
        // Too short for `PXEClient`: the class of a machine that does not boot.
        (60, 0..9) => Fate::Leases,
        // What else is wrong is as if it were not there. Who has no architecture says it in its class.
        _ => Fate::Boots,
    }
}

/// What a REQUEST comes to that takes up an offer.
fn of_request(code: u8, len: usize) -> Fate {
    match (code, len) {
        // Nobody may guess which address is meant.
        (50, len) if !len.is_multiple_of(4) || len == 0 => Fate::Silence("names-no-address"),
        (53, 0) => Fate::Silence("bootp"),
        // Without a server's name it is the request of a machine that has started anew with an address of which there is no
        // record (RFC 2131 section 4.3.2).
        (54, len) if !len.is_multiple_of(4) || len == 0 => Fate::Silence("no-lease-record"),
        (60, 0..9) => Fate::Leases,
        _ => Fate::Boots,
    }
}

#[test]
fn a_discover_with_an_option_of_any_wrong_length_is_unharmed_or_counted_by_its_reason() {
    let (inside, machine) = wide_segment();
    let daemon = Daemon::start(&inside, &wide_config());
    let mut wrong = Vec::new();
    let client = machine.run(|| Client::on("eth0", 68));
    for code in READ {
        for (number, len) in LENGTHS.into_iter().enumerate() {
            let card = [0x52, 0x54, 1, 0, code, u8::try_from(number).expect("few")];
            let packet = resized(&with_card(captured("uefi-firmware-discover"), card), code, len);
            let (expected, came) = (of_discover(code, len), fate(&daemon, &client, &packet));
            if came != expected {
                wrong.push(format!("option {code} of {len} bytes: {came:?}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(counted(&daemon, "panicked"), 0);
    assert_eq!(leases(&daemon), [], "an offer is not recorded");
}

#[test]
fn a_request_with_an_option_of_any_wrong_length_takes_its_lease_or_is_counted_by_its_reason() {
    let (inside, machine) = wide_segment();
    let daemon = Daemon::start(&inside, &wide_config());
    let mut wrong = Vec::new();
    let mut granted = 0;
    let client = machine.run(|| Client::on("eth0", 68));
    for code in READ {
        for (number, len) in LENGTHS.into_iter().enumerate() {
            let card = [0x52, 0x54, 2, 0, code, u8::try_from(number).expect("few")];
            let discover = with_card(captured("uefi-firmware-discover"), card);
            client.broadcast(&discover, 67);
            let offer = client.reply_to(&discover, PATIENCE).expect("an offer").answer;
            let server = offer.server_id.expect("a server").octets();
            let request = with_card(captured("uefi-firmware-request"), card);
            let request = with_option(&request, 54, Some(&server));
            let request = with_option(&request, 50, Some(&offer.yiaddr.octets()));
            let packet = resized(&request, code, len);
            let (expected, came) = (of_request(code, len), fate(&daemon, &client, &packet));
            granted += usize::from(matches!(came, Fate::Boots | Fate::Leases));
            if came != expected {
                wrong.push(format!("option {code} of {len} bytes: {came:?}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(counted(&daemon, "panicked"), 0);
    assert_eq!(
        leases(&daemon).len(),
        granted,
        "what was granted is recorded, and nothing else"
    );
}

#[test]
fn an_option_that_claims_more_than_is_there_is_counted_if_the_answer_hangs_on_it_and_else_left_out() {
    let (inside, machine) = wide_segment();
    let daemon = Daemon::start(&inside, &wide_config());
    let client = machine.run(|| Client::on("eth0", 68));
    for code in READ {
        let card = [0x52, 0x54, 3, 0, code, 0];
        let mut packet = with_option(&with_card(captured("uefi-firmware-discover"), card), code, None);
        packet.truncate(packet.len() - 1);
        packet.extend([code, 200, 1]);
        let expected = match code {
            12 | 50 | 55 | 57 | 61 | 94 => Fate::Boots,
            _ => Fate::Silence("truncated-option"),
        };
        assert_eq!(fate(&daemon, &client, &packet), expected, "option {code}");
    }
    // Whoever is sound is served as before.
    let sound = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 3, 0, 0, 1]);
    assert_eq!(fate(&daemon, &client, &sound), Fate::Boots);
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
    wait_until("it is an event", || {
        let events = cli::ask(&daemon.socket(), "events").out;
        events.contains("a configuration was refused") && events.contains("overlaps")
    });
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
