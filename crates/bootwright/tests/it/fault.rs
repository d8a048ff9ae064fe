//! Faults that the whole daemon has to live with, one test or more for each row of the fault table.

use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::install::{CONFIG, OURS, command, question, run_url, segment};
use crate::netns::{End, Netns, cable};
use crate::process::cpu_time;
use crate::segment::{captured, discover, with_card};

const ARM: &str = r#"{"command":"arm","profiles":["lab"]}"#;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("the API speaks JSON")
}

fn hosts(daemon: &Daemon<'_>) -> Vec<serde_json::Value> {
    let list = json(daemon.api("GET", "/api/v1/hosts?limit=1000", "").text());
    list["hosts"].as_array().expect("a list").clone()
}

/// The first block of the firmware by TFTP.
fn first_block(machine: &Netns) -> Option<usize> {
    machine.run(|| {
        let socket = UdpSocket::bind("10.77.0.50:0").expect("a free port");
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .expect("a time limit");
        socket
            .send_to(b"\0\x01snponly.efi\0octet\0", (OURS, 69))
            .expect("a route");
        let (length, from) = socket.recv_from(&mut [0; 600]).ok()?;
        socket.send_to(b"\0\x05\0\0\0", from).expect("a route");
        Some(length)
    })
}

#[test]
fn fault_06_without_descriptors_for_connections_dhcp_and_tftp_go_on_and_it_recovers() {
    let (inside, machine) = segment();
    for host in 1..=5 {
        machine.ip(&format!("addr add 10.77.0.{}/24 dev eth0", 100 + host));
    }
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    daemon.run_under(&["prlimit".to_owned(), "--nofile=160:160".to_owned()]);
    daemon.wait_for_log("ready ");
    let crowd: Vec<TcpStream> = machine.run(|| {
        let from = |number: u8| Ipv4Addr::new(10, 77, 0, 101 + number % 5);
        (0..250).map(|number| connect(from(number))).collect()
    });
    let (begun, used) = (Instant::now(), cpu_time(daemon.pid()));
    for number in 1..=5 {
        let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 6, number]);
        discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
        assert_eq!(first_block(&machine), Some(516), "{}", daemon.log());
    }
    // It waits for descriptors and does not ask for them again and again.
    let spent = cpu_time(daemon.pid()).saturating_sub(used);
    assert!(
        spent < begun.elapsed() / 2 + Duration::from_secs(1),
        "{spent:?} of processor time"
    );
    drop(crowd);
    assert_eq!(get(&machine, OURS, "/boot.ipxe").status, 200);
    assert!(daemon.is_running());
}

/// Descriptors that run out although nobody planned it: the limit falls while the daemon runs.
#[test]
fn fault_06_a_limit_that_falls_while_it_runs_ends_nothing() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::start(&inside, CONFIG);
    let pid = daemon.pid();
    let limit = |limit: usize| {
        let prlimit = std::process::Command::new("prlimit")
            .arg(format!("--pid={pid}"))
            .arg(format!("--nofile={limit}:"))
            .status();
        assert!(prlimit.expect("prlimit runs").success());
    };
    limit(crate::process::descriptors(pid));
    let waiting = machine.run(|| connect(Ipv4Addr::new(10, 77, 0, 50)));
    daemon.wait_for_log("cannot accept a connection");
    let (begun, used) = (Instant::now(), cpu_time(pid));
    for number in 1..=3 {
        let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 6, 6, number]);
        discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
    }
    let spent = cpu_time(pid).saturating_sub(used);
    assert!(
        spent < begun.elapsed() / 2 + Duration::from_secs(1),
        "{spent:?} of processor time"
    );
    limit(4096);
    assert_eq!(get(&machine, OURS, "/boot.ipxe").status, 200);
    assert_eq!(first_block(&machine), Some(516));
    drop(waiting);
    assert!(daemon.is_running());
}

/// A connection from one of the machine's addresses; to be called inside.
fn connect(from: Ipv4Addr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddrV4::new(from, 0).into())
        .expect("the address is there");
    socket
        .connect(&SocketAddrV4::new(OURS, 8080).into())
        .expect("the kernel takes it");
    socket.into()
}

#[test]
fn fault_14_a_run_keeps_the_profile_that_it_began_with_whatever_is_reloaded_meanwhile() {
    let (inside, machine) = segment();
    // One card plays ten machines.
    let config = format!("[safety]\ndocument_binding = \"address\"\n{CONFIG}");
    let daemon = Daemon::start(&inside, &config);
    let cards: Vec<String> = (1..=10).map(|number| format!("52-54-00-00-14-{number:02}")).collect();
    let mut runs = Vec::new();
    for card in &cards {
        get(&machine, OURS, &question(card));
        assert_eq!(command(&daemon, &card.replace('-', ":"), ARM).status, 200);
        let script = get(&machine, OURS, &question(card));
        runs.push(run_url(script.text()).expect("an install script"));
    }
    let changed = config
        .replace("echo run", "echo another run")
        .replace("/images/lab/vmlinuz", "/images/lab/other");
    daemon.write_config(&changed);
    let reloaded = daemon.api("POST", "/api/v1/reload", "");
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    for (card, run) in cards.iter().zip(&runs) {
        let document = get(&machine, OURS, &format!("{run}/post-install.sh"));
        assert!(document.text().starts_with("echo run 1 of"), "{}", document.text());
        let again = get(&machine, OURS, &question(card));
        assert_eq!(
            run_url(again.text()).as_ref(),
            Some(run),
            "the second attempt is of the same run"
        );
        assert!(again.text().contains("/images/lab/vmlinuz"), "{}", again.text());
        assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
    }
    // The next run is of the profile as it is now.
    assert_eq!(command(&daemon, &cards[0].replace('-', ":"), ARM).status, 200);
    let script = get(&machine, OURS, &question(&cards[0]));
    assert!(script.text().contains("/images/lab/other"), "{}", script.text());
}

#[test]
fn fault_21_a_machine_that_is_seen_on_two_interfaces_is_one_host_and_no_news_each_time() {
    let inside = Netns::new("daemon");
    let sides = [Netns::new("left"), Netns::new("right")];
    for (number, side) in sides.iter().enumerate() {
        let (ours, theirs) = (format!("10.77.{number}.1/24"), format!("10.77.{number}.50/24"));
        cable(
            &End::new(&inside, &format!("lab{number}"), &ours),
            &End::new(side, "eth0", &theirs),
        );
    }
    let daemon = Daemon::start(&inside, &CONFIG.replace("\"lab0\"", "\"lab*\""));
    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 0, 0x21]);
    let boot = |heard_on: &[usize]| {
        for number in heard_on {
            let heard = discover(&sides[*number], "eth0", &packet, PATIENCE).expect("an offer");
            let ours = Ipv4Addr::new(10, 77, *number as u8, 1);
            assert_eq!(heard.answer.siaddr, ours, "each side is answered with its own address");
        }
        let script = get(&sides[0], OURS, &question("52-54-00-00-00-21"));
        assert!(script.text().contains("This machine is waiting"), "{}", script.text());
    };
    let verbs = || {
        let page = json(daemon.api("GET", "/api/v1/events?limit=1000", "").text());
        let events = page["events"].as_array().expect("a list");
        let verb = |event: &serde_json::Value| event["verb"].as_str().expect("a verb").to_owned();
        events.iter().map(verb).collect::<Vec<String>>()
    };
    // Each boot is one line of news, however often and where it is heard.
    let boots = |count: usize| verbs().iter().filter(|verb| *verb == "seen").count() == count;
    for count in 1..=5 {
        boot(&[0]);
        wait_until("a boot on one side is told", || boots(count));
    }
    for count in 6..=10 {
        boot(&[0, 1]);
        wait_until("a boot on both sides is told", || boots(count));
    }
    assert_eq!(hosts(&daemon).len(), 1, "{:#?}", hosts(&daemon));
    let others: Vec<String> = verbs().into_iter().filter(|verb| verb != "seen").collect();
    assert_eq!(others, ["reload", "new", "hold"], "a second interface is no news");
}

#[test]
fn fault_36_a_machine_that_comes_back_from_its_disk_is_sent_there_in_three_ways_and_then_waits() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let card = "52-54-00-00-00-36";
    get(&machine, OURS, &question(card));
    let told = command(&daemon, &card.replace('-', ":"), r#"{"command":"local"}"#);
    assert_eq!(told.status, 200, "{}", told.text());
    let packet = with_card(captured("bios-firmware-discover"), [0x52, 0x54, 0, 0, 0, 0x36]);
    let mut scripts = Vec::new();
    for _ in 0..3 {
        discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
        scripts.push(get(&machine, OURS, &question(card)).text().to_owned());
    }
    assert!(scripts.iter().all(|script| run_url(script).is_none()), "{scripts:#?}");
    for (script, way) in scripts
        .iter()
        .zip(["sanboot --no-describe --drive 0x80", "exit 1", "reboot"])
    {
        assert!(script.lines().any(|line| line.starts_with(way)), "{way}: {script}");
    }
    // Its firmware is to find nobody; it does not care.
    let silence = Duration::from_millis(700);
    assert!(discover(&machine, "eth0", &packet, silence).is_none());
    daemon.wait_for_log("it is to start its own disk");
    for _ in 0..5 {
        let waits = get(&machine, OURS, &question(card)).text().to_owned();
        assert!(waits.contains("its own disk does not start"), "{waits}");
        discover(&machine, "eth0", &packet, PATIENCE).expect("an offer, so that its console can tell why it waits");
    }
    daemon.wait_for_log("came back from its disk too early");
    daemon.wait_for_log("no method starts it, so that it waits from now on");
}

#[test]
fn fault_37_a_hundred_machines_with_one_uuid_are_a_hundred_hosts_and_one_is_installed() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    let ask = |number: u8| {
        let target = format!("/ipxe?mac=52-54-00-00-37-{number:02x}&uuid={uuid}&platform=efi");
        get(&machine, OURS, &target).text().to_owned()
    };
    let whole = captured("uefi-firmware-discover");
    for number in 0..100 {
        let mut packet = with_card(whole.clone(), [0x52, 0x54, 0, 0, 0x37, number]);
        // Option 97: a type of 0, then the UUID as SMBIOS has it.
        let at = packet
            .windows(3)
            .position(|window| window == [97, 17, 0])
            .expect("a UUID");
        packet[at + 3..at + 19].copy_from_slice(b"\x33\x22\x11\0\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff");
        discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
        let script = ask(number);
        assert!(run_url(&script).is_none(), "{script}");
    }
    assert_eq!(hosts(&daemon).len(), 100);
    let armed = command(&daemon, "52:54:00:00:37:2a", ARM);
    assert_eq!(armed.status, 200, "{}", armed.text());
    let installed: Vec<u8> = (0..100).filter(|number| run_url(&ask(*number)).is_some()).collect();
    assert_eq!(installed, [0x2a]);
}

#[test]
fn fault_43_a_log_that_nobody_reads_holds_up_no_machine_and_what_was_lost_is_counted() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    daemon.log_level = "debug";
    daemon.run();
    daemon.wait_for_log("ready ");
    let unread = daemon.leave_log_unread();
    let packet = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, a, b, c])
    };
    // Each of these is a line that says why it got no answer.
    let unwanted = captured("bios-installer-discover");
    let dropped = || {
        let status = json(daemon.api("GET", "/api/v1/status", "").text());
        let warnings = status["warnings"].as_array().expect("a list").clone();
        warnings
            .iter()
            .any(|warning| warning.to_string().contains("lines of the log were dropped"))
    };
    let mut asked = 0;
    let until = Instant::now() + 3 * PATIENCE;
    while !dropped() {
        assert!(
            Instant::now() < until,
            "the pipe never filled up, after {asked} machines: {}",
            daemon.api("GET", "/api/v1/status", "").text()
        );
        machine.run(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").expect("a free port");
            socket.set_broadcast(true).expect("broadcasts");
            for _ in 0..500 {
                asked += 1;
                socket
                    .send_to(&unwanted, (Ipv4Addr::new(10, 77, 0, 255), 67))
                    .expect("it leaves");
            }
        });
    }
    for number in 0xf0_0001..0xf0_000a {
        let begun = Instant::now();
        discover(&machine, "eth0", &packet(number), PATIENCE).expect("an offer");
        // Twice the time after which firmware asks again: one datagram may find the buffer full.
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }
    assert_eq!(get(&machine, OURS, "/boot.ipxe").status, 200);
    drop(unread);
    daemon.wait_for_log("lines of the log were dropped here");
}
