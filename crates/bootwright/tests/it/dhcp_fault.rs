//! What can go wrong with addresses: other servers, power cuts, silent helpers, tagged frames.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bootwright_proto::dhcp::{MessageType, parse, render_request};

use crate::census::{RANGE, status};
use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::dhcp_server::{CONFIG, leases, segment};
use crate::dnsmasq::Dnsmasq;
use crate::netns::{End, Netns, cable};
use crate::process::Random;
use crate::segment::{Client, Heard, captured, discover, with_card};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const SILENCE: Duration = Duration::from_millis(700);

/// An installer's search for an address, from this card.
fn search(card: [u8; 6]) -> Vec<u8> {
    let mut packet = with_card(captured("bios-installer-discover"), card);
    packet[10] = 0x80;
    packet
}

/// The request that takes up an offer.
fn request(search: &[u8], offer: &Heard) -> Vec<u8> {
    let mut request = parse(search).expect("a sound packet");
    request.message = Some(MessageType::Request);
    request.server_id = offer.answer.server_id;
    request.requested = Some(offer.answer.yiaddr);
    render_request(&request)
}

#[test]
fn threat_36_beside_another_dhcp_server_the_pool_stays_closed_says_what_to_do_and_opens_when_that_is_gone() {
    let (daemon, other) = (Netns::new("daemon"), Netns::new("other"));
    cable(
        &End::new(&daemon, "lab0", "10.77.0.1/24"),
        &End::new(&other, "eth0", "10.77.0.254/24"),
    );
    let main = Dnsmasq::start(&other, "eth0", "/dev/null", &[RANGE]);
    let config = CONFIG.replace("force = true", "census = \"10s\"");
    let running = Daemon::start(&daemon, &config);
    let packet = search([0x52, 0x54, 0, 0, 0, 0x36]);
    assert!(
        discover(&other, "eth0", &packet, SILENCE).is_none_or(|heard| *heard.from.ip() != OURS),
        "nothing before it was looked who is there"
    );
    running.wait_for_log("there is a server on lab0: 10.77.0.254");
    let told = || status(&running).warnings.join("\n");
    wait_until("it is said what to do", || told().contains("set `dhcp.force = true`"));
    assert!(
        told().contains("no addresses are leased on lab0: the DHCP server 10.77.0.254"),
        "{}",
        told()
    );
    assert!(discover(&other, "eth0", &packet, SILENCE).is_none_or(|heard| *heard.from.ip() != OURS));
    assert_eq!(leases(&running), []);
    drop(main);
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let offer = discover(&other, "eth0", &packet, SILENCE);
        if offer.is_some_and(|heard| *heard.from.ip() == OURS && heard.answer.yiaddr != Ipv4Addr::UNSPECIFIED) {
            break;
        }
        assert!(Instant::now() < until, "it never opened:\n{}", told());
    }
    assert!(running.log().contains("server 10.77.0.254 on lab0 is gone"));
}

/// Who says `force` knows of the other server, or thinks that he does: we lend, and say all the same that it is there.
#[test]
fn threat_36_a_pool_that_is_forced_open_lends_beside_another_dhcp_server_and_the_status_says_so() {
    let (daemon, other) = (Netns::new("daemon"), Netns::new("other"));
    cable(
        &End::new(&daemon, "lab0", "10.77.0.1/24"),
        &End::new(&other, "eth0", "10.77.0.254/24"),
    );
    let _main = Dnsmasq::start(&other, "eth0", "/dev/null", &[RANGE]);
    let running = Daemon::start(
        &daemon,
        &CONFIG.replace("force = true", "force = true\ncensus = \"10s\""),
    );
    running.wait_for_log("there is a server on lab0: 10.77.0.254");
    let told = || status(&running).warnings.join("\n");
    wait_until("it is said that there are two", || {
        told().contains("other DHCP servers answer on lab0 beside us: 10.77.0.254")
    });
    assert!(!told().contains("no addresses are leased"), "{}", told());
    let search = search([0x52, 0x54, 0, 0, 0, 0x37]);
    let granted = other.run(|| {
        let client = Client::on("eth0", 68);
        // Both servers answer; the machine of this test takes ours.
        let ours = |packet: &[u8]| {
            let until = Instant::now() + PATIENCE;
            while Instant::now() < until {
                client.broadcast(packet, 67);
                let mut left = 4;
                while let Some(heard) = client.reply_to(packet, Duration::from_millis(500)) {
                    left -= 1;
                    if heard.answer.server_id == Some(OURS) || left == 0 {
                        return Some(heard);
                    }
                }
            }
            None
        };
        let offer = ours(&search).expect("an offer of ours");
        ours(&request(&search, &offer)).expect("an answer of ours").answer
    });
    assert_eq!(granted.message, Some(MessageType::Ack));
    assert_eq!(granted.server_id, Some(OURS));
    let recorded: Vec<Ipv4Addr> = leases(&running).iter().map(|row| row.address).collect();
    assert_eq!(recorded, [granted.yiaddr]);
}

#[test]
fn fault_01_no_acknowledged_lease_is_lost_over_40_kills() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    let mut random = Random(20_260_301);
    let mut granted: BTreeMap<String, Ipv4Addr> = BTreeMap::new();
    for _ in 0..40 {
        daemon.clear_log();
        daemon.run();
        daemon.wait_for_log("ready ");
        let recorded = leases(&daemon);
        for (card, address) in &granted {
            let row = recorded.iter().find(|row| row.address == *address);
            let row = row.unwrap_or_else(|| panic!("{address} of {card} is lost"));
            assert_eq!((&row.holder, row.state.as_str()), (card, "bound"));
        }
        let pid = daemon.pid();
        let delay = Duration::from_micros(random.below(60_000) as u64);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(delay);
                let killed = std::process::Command::new("kill")
                    .args(["-9", &pid.to_string()])
                    .status();
                assert!(killed.expect("kill runs").success());
            });
            machine.run(|| {
                let client = Client::on("eth0", 68);
                loop {
                    let card = [0x52, 0x54, 0, 0, 1, random.below(60) as u8];
                    let search = search(card);
                    client.broadcast(&search, 67);
                    let Some(offer) = client.reply_to(&search, Duration::from_millis(250)) else {
                        return;
                    };
                    let request = request(&search, &offer);
                    client.broadcast(&request, 67);
                    let Some(answer) = client.reply_to(&request, Duration::from_millis(250)) else {
                        return;
                    };
                    if answer.answer.message == Some(MessageType::Ack) {
                        let name: Vec<String> = card.iter().map(|byte| format!("{byte:02x}")).collect();
                        let before = granted.insert(name.join(":"), answer.answer.yiaddr);
                        assert!(before.is_none_or(|before| before == answer.answer.yiaddr), "it moved");
                    }
                }
            });
        });
        daemon.reap();
    }
    assert!(granted.len() > 30, "{} machines got an address", granted.len());
    let mut addresses: Vec<Ipv4Addr> = granted.values().copied().collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), granted.len(), "no address was given twice");
}

#[test]
fn threat_13_a_starved_pool_still_has_an_address_for_a_machine_that_the_operator_knows() {
    let (inside, machine) = segment();
    let known = "\n[hosts.known]\nmac = \"52:54:00:00:00:13\"\n";
    let pool = "10.77.0.100-10.77.0.119";
    let config = CONFIG.replace("10.77.0.100-10.77.0.199", pool) + "keep_for_known = 20\n" + known;
    let daemon = Daemon::start(&inside, &config);
    machine.run(|| {
        let client = Client::on("eth0", 68);
        for number in 0..400_u16 {
            let [high, low] = number.to_be_bytes();
            let search = search([0x02, 0x13, high, low, high ^ low, 1]);
            client.broadcast(&search, 67);
            let Some(offer) = client.reply_to(&search, Duration::from_millis(20)) else {
                continue;
            };
            let request = request(&search, &offer);
            client.broadcast(&request, 67);
            let _granted = client.reply_to(&request, Duration::from_millis(200));
        }
    });
    let taken = leases(&daemon).len();
    assert!((10..=16).contains(&taken), "{taken} of 20 addresses went to strangers");
    let search = search([0x52, 0x54, 0, 0, 0, 0x13]);
    let asked = Instant::now();
    let offer = discover(&machine, "eth0", &search, PATIENCE).expect("an offer for a machine that is known");
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let request = request(&search, &offer);
    let granted = discover(&machine, "eth0", &request, PATIENCE).expect("a grant");
    assert_eq!(granted.answer.message, Some(MessageType::Ack));
    assert_eq!(granted.answer.yiaddr, offer.answer.yiaddr);
}

/// Somebody else holds the store's lock, so that no grant is recorded. So many wait for that; for the others nothing is
/// granted, and they ask again.
#[test]
fn at_most_1024_grants_wait_for_a_record_that_cannot_be_written_and_offers_go_on_meanwhile() {
    let (inside, machine) = segment();
    let config = CONFIG
        .replace("10.77.0.100-10.77.0.199", "10.77.100.0-10.77.119.255")
        .replace("10.77.0.0/24", "10.77.0.0/16");
    let daemon = Daemon::start(&inside, &config);
    let counted = |reason: &str| {
        let status = daemon.api("GET", "/api/v1/status", "");
        let status: serde_json::Value = serde_json::from_str(status.text()).expect("JSON");
        status["counters"][format!("dhcp.{reason}")].as_u64().unwrap_or(0)
    };
    let asking = 1_100_u16;
    machine.run(|| {
        let client = Client::on("eth0", 68);
        let requests: Vec<Vec<u8>> = (0..asking)
            .map(|number| {
                let [high, low] = number.to_be_bytes();
                let search = search([0x52, 0x54, 0, 1, high, low]);
                client.broadcast(&search, 67);
                let offer = client.reply_to(&search, PATIENCE).expect("an offer");
                request(&search, &offer)
            })
            .collect();
        let lock = Lock::take(&daemon);
        for request in &requests {
            client.broadcast(request, 67);
        }
        wait_until("the last ones are turned away", || {
            counted("too-many-waiting") == u64::from(asking) - 1024
        });
        // An offer promises nothing, and waits for nobody.
        let another = search([0x52, 0x54, 0, 2, 0, 0]);
        client.broadcast(&another, 67);
        assert!(client.reply_to(&another, PATIENCE).is_some());
        assert_eq!(leases(&daemon), []);
        drop(lock);
        wait_until("those who waited have their leases", || leases(&daemon).len() == 1024);
        let mut turned_away = requests.iter().rev();
        let last = turned_away.next().expect("the last");
        client.broadcast(last, 67);
        let granted = client.reply_to(last, PATIENCE).expect("now it is granted");
        assert_eq!(granted.answer.message, Some(MessageType::Ack));
    });
}

/// Another program that writes to the store, until this is dropped.
struct Lock(std::process::Child);

impl Lock {
    fn take(daemon: &Daemon<'_>) -> Self {
        use std::io::{BufRead as _, Write as _};
        let mut child = std::process::Command::new("sqlite3")
            .arg(daemon.data_dir().join("bootwright.db"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("sqlite3 runs; install it with `apt-get install sqlite3`");
        let words = b".timeout 4000\nBEGIN IMMEDIATE;\nSELECT 'held';\n";
        let stdin = child.stdin.as_mut().expect("a pipe");
        stdin.write_all(words).expect("it reads");
        let mut said = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        std::io::BufReader::new(stdout).read_line(&mut said).expect("text");
        assert_eq!(said.trim(), "held");
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn perfdhcp_gets_a_grant_for_every_request_and_no_address_twice() {
    let (inside, machine) = segment();
    machine.ip("addr add 10.77.0.50/24 dev eth0");
    // perfdhcp behaves as a relay.
    let config = CONFIG
        .replace("10.77.0.100-10.77.0.199", "10.77.100.0-10.77.119.255")
        .replace("10.77.0.0/24", "10.77.0.0/16")
        .replace("force = true", "force = true\nrelays = [\"10.77.0.50\"]");
    let daemon = Daemon::start(&inside, &config);
    let said = machine
        .command("perfdhcp")
        .args([
            "-4",
            "-l",
            "eth0",
            "-r",
            "300",
            "-R",
            "4000",
            "-p",
            "8",
            "-W",
            "1000000",
            "10.77.0.1",
        ])
        .output()
        .expect("perfdhcp runs; install it with `apt-get install kea-admin`");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    let counted = |exchange: &str| {
        let part = text
            .split(exchange)
            .nth(1)
            .unwrap_or_else(|| panic!("no statistics:\n{text}"));
        let number = |name: &str| -> u64 {
            let rest = part.split(name).nth(1).expect("a number").trim_start();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().expect("a number")
        };
        (number("sent packets:"), number("received packets:"))
    };
    let (requests, grants) = counted("REQUEST-ACK");
    assert!(requests > 1000, "{text}");
    assert_eq!(requests, grants, "{text}");
    assert_eq!(text.matches("non unique addresses: 0").count(), 2, "{text}");
    // Some of its 4,000 clients come more than once.
    let recorded = leases(&daemon);
    let bound = recorded.iter().filter(|row| row.state == "bound").count() as u64;
    assert!(bound > 1000 && bound <= grants, "{bound} recorded: {text}");
}

#[test]
fn fault_23_our_offer_does_not_wait_for_a_dhcp_server_that_is_silent_and_it_is_said_that_none_answers() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"lab0\"]\n");
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 0, 0x23]);
    let asked = Instant::now();
    let offer = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(offer.answer.yiaddr, Ipv4Addr::UNSPECIFIED);
    wait_until("it is said who is missing", || {
        let warnings = status(&daemon).warnings;
        warnings
            .iter()
            .any(|warning| warning.contains("no DHCP server answers on lab0"))
    });
    let explained = daemon.api("GET", "/api/v1/hosts/52:54:00:00:00:23/explain", "");
    let words = explained.text();
    assert!(words.contains("on lab0, no other DHCP server answers"), "{words}");
}

#[test]
fn fault_24_a_resolver_that_never_answers_has_no_effect_on_the_way_of_a_boot() {
    let (inside, machine) = segment();
    machine.ip("addr add 10.77.0.50/24 dev eth0");
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    let resolver = daemon.directory().join("resolv.conf");
    std::fs::write(&resolver, "nameserver 10.77.0.250\n").expect("a file");
    let rules = "table ip dns { chain out { type filter hook output priority 0; udp dport 53 counter drop; \
                 tcp dport 53 counter drop; }; }";
    assert!(inside.command("nft").arg(rules).status().expect("nft runs").success());
    let bound = format!(
        "mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"",
        resolver.display()
    );
    daemon.run_under(&["sh".to_owned(), "-c".to_owned(), bound]);
    daemon.wait_for_log("ready ");
    let begun = Instant::now();
    let packet = with_card(captured("bios-ipxe-discover"), [0x52, 0x54, 0, 0, 0, 0x24]);
    let offer = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    assert_eq!(offer.answer.file, b"http://10.77.0.1:8080/boot.ipxe");
    for target in [
        "/boot.ipxe",
        "/ipxe?mac=52-54-00-00-00-24&platform=pcbios",
        "/firmware/undionly.kpxe",
    ] {
        assert_eq!(get(&machine, OURS, target).status, 200, "{target}");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let counted = inside
        .command("nft")
        .args(["list", "table", "ip", "dns"])
        .output()
        .expect("nft runs");
    let counted = String::from_utf8_lossy(&counted.stdout).into_owned();
    assert_eq!(
        counted.matches("packets 0 ").count(),
        2,
        "no name was looked up:\n{counted}"
    );
}

/// Puts a broadcast to port 67 on the wire as a whole frame, with these 802.1Q tags.
fn send_tagged(machine: &Netns, packet: &[u8], tags: &[[u8; 4]]) {
    let mut frame = vec![0xff; 6];
    frame.extend(&packet[28..34]);
    frame.extend(tags.concat());
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(u16::try_from(28 + packet.len()).expect("short").to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17]);
    let header_at = frame.len() - 10;
    frame.extend([0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    let sum: u32 = frame[header_at..]
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    frame[header_at + 10..header_at + 12].copy_from_slice(&sum.to_be_bytes());
    frame.extend([0, 68, 0, 67]);
    frame.extend(u16::try_from(8 + packet.len()).expect("short").to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(packet);
    machine.run(|| {
        let interfaces = pnet_datalink::interfaces();
        let eth0 = interfaces
            .iter()
            .find(|interface| interface.name == "eth0")
            .expect("the device");
        let channel = pnet_datalink::channel(eth0, pnet_datalink::Config::default()).expect("a packet socket");
        let pnet_datalink::Channel::Ethernet(mut sender, _) = channel else {
            panic!("not an Ethernet channel")
        };
        sender.send_to(&frame, None).expect("room").expect("the wire takes it");
    });
}

#[test]
fn fault_50_a_priority_tag_is_answered_and_what_is_tagged_for_a_vlan_is_never_answered_elsewhere() {
    for sockets in ["kernel", "packet"] {
        let (inside, machine) = segment();
        let config = CONFIG.replace("force = true", &format!("force = true\nsockets = \"{sockets}\""));
        let daemon = Daemon::start(&inside, &config);
        let reply = |packet: &[u8], tags: &[[u8; 4]]| {
            let client = machine.run(|| Client::on("eth0", 68));
            send_tagged(&machine, packet, tags);
            client.reply_to(
                packet,
                if tags.len() == 1 && tags[0][3] == 0 {
                    PATIENCE
                } else {
                    SILENCE
                },
            )
        };
        let priority = search([0x52, 0x54, 0, 0, 0x50, 1]);
        let offer = reply(&priority, &[[0x81, 0, 0xa0, 0]]).unwrap_or_else(|| panic!("an offer by {sockets}"));
        assert_eq!(offer.answer.server_id, Some(OURS));
        for (number, tags) in [
            vec![[0x81, 0, 0, 7]],
            vec![[0x81, 0, 0, 7], [0x81, 0, 0, 8]],
            vec![[0x88, 0xa8, 0, 7], [0x81, 0, 0, 8]],
            vec![[0x81, 0, 0, 0], [0x81, 0, 0, 8]],
        ]
        .into_iter()
        .enumerate()
        {
            let packet = search([0x52, 0x54, 0, 0, 0x50, 10 + number as u8]);
            assert!(reply(&packet, &tags).is_none(), "{tags:x?} by {sockets}");
        }
        assert!(leases(&daemon).is_empty(), "nothing was granted");
        // Kernel sockets never see any of them, and captures only what is IP behind one tag.
        let status = daemon.api("GET", "/api/v1/status", "");
        assert_eq!(
            status.text().contains(r#""dhcp.other-vlan":1"#),
            sockets == "packet",
            "{}",
            status.text()
        );
    }
}
