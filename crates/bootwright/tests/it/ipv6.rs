//! Machines that boot over IPv6, with the packets of real firmware and with other people's clients.

use std::net::Ipv6Addr;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::dnsmasq::Dnsmasq;
use crate::ipv6_client::{CARD, Client, OURS, captured, segment, turned_into, without};
use crate::netns::Netns;

const SERVER: &str = "[server]\ninterfaces = [\"lab0\"]\n[ipv6]\nmode = \"server\"\nprefixes = \"fd00:77::/64\"\n";
const PROXY: &str = "[server]\ninterfaces = [\"lab0\"]\n[ipv6]\nmode = \"proxy\"\n";
/// Longer than any answer takes on a machine under load, and still bearable for a test that waits for nothing.
const SILENCE: Duration = Duration::from_millis(700);

fn is_lent(address: Ipv6Addr) {
    assert_eq!(address.segments()[..4], [0xfd00, 0x77, 0, 0], "{address}");
    assert!(
        address.octets()[8] & 0x80 != 0,
        "{address} could be one that people choose"
    );
}

#[test]
fn nobody_listens_to_machines_over_ipv6_until_it_is_switched_on() {
    let (inside, machine) = segment();
    // People may come by either family.
    let people = "[control]\nlisten = \"off\"\n";
    let _daemon = Daemon::start(&inside, &format!("[server]\ninterfaces = [\"lab0\"]\n{people}"));
    let bound = |table: &str| {
        let output = inside.command("cat").arg(format!("/proc/net/{table}")).output();
        String::from_utf8(output.expect("cat runs").stdout).expect("a text")
    };
    let lines = format!("{}{}", bound("udp6"), bound("tcp6"));
    assert!(!lines.contains("00000000:"), "a socket of IPv6:\n{lines}");
    machine.run(|| assert_eq!(Client::new().ask(&captured("pxe-solicit"), SILENCE), None));
}

#[test]
fn firmware_and_ipxe_of_one_machine_get_one_address_and_each_its_boot_file() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::start(&inside, SERVER);
    let ask = |packet: &[u8]| machine.run(|| Client::new().ask(packet, PATIENCE).expect("an answer"));
    let plain = ask(&captured("firmware-solicit"));
    assert_eq!(plain.kind, 2);
    assert_eq!(plain.url(), None, "it did not say that it boots");
    let address = plain.address().expect("an address");
    is_lent(address);

    let offered = ask(&captured("pxe-solicit"));
    assert_eq!((offered.kind, offered.address()), (2, Some(address)));
    assert_eq!(offered.url(), Some("tftp://[fd00:77::1]/snponly.efi"));
    assert_eq!(offered.option(16), None, "EDK2 would go to port 4011");
    let server = offered.option(2).expect("a server").to_vec();
    let request = turned_into(&captured("pxe-solicit"), 3, &[(2, &server)]);
    let granted = ask(&request);
    assert_eq!((granted.kind, granted.address()), (7, Some(address)));
    assert_eq!(granted.url(), offered.url());

    let ipxe = ask(&captured("ipxe-solicit"));
    assert_eq!((ipxe.kind, ipxe.address()), (2, Some(address)));
    assert_eq!(ipxe.url(), Some("http://[fd00:77::1]:8080/boot.ipxe"));

    let http = ask(&captured("http-solicit"));
    assert_eq!((http.kind, http.address()), (2, Some(address)));
    assert_eq!(http.url(), Some("http://[fd00:77::1]:8080/firmware/snponly.efi"));
    let class = [&[0, 0, 1, 0x57, 0, 10][..], b"HTTPClient"].concat();
    assert_eq!(http.option(16), Some(&class[..]));

    let hosts = daemon.api("GET", "/api/v1/hosts", "");
    assert!(hosts.text().contains(CARD), "{}", hosts.text());
    // What was granted is granted again after the power failed.
    daemon.kill();
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    let renewed = ask(&turned_into(&request, 5, &[]));
    assert_eq!((renewed.kind, renewed.address()), (7, Some(address)));
    let released = ask(&turned_into(&request, 8, &[]));
    assert_eq!(released.option(13).map(|status| &status[..2]), Some(&[0, 0][..]));
}

#[test]
fn an_address_that_somebody_uses_is_declined_and_another_given() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, SERVER);
    machine.run(|| {
        let client = Client::new();
        let solicit = captured("firmware-solicit");
        let first = client.ask(&solicit, PATIENCE).expect("an answer");
        let address = first.address().expect("an address");
        let server = first.option(2).expect("a server");
        let mut used = [&first.option(3).expect("an association")[..4], &[0; 8], &[0, 5, 0, 24]].concat();
        used.extend_from_slice(&address.octets());
        used.extend_from_slice(&[0; 8]);
        let decline = turned_into(&without(&solicit, 3), 9, &[(2, server), (3, &used)]);
        let noted = client.ask(&decline, PATIENCE).expect("an answer");
        assert_eq!(noted.kind, 7);
        let second = client.ask(&solicit, PATIENCE).expect("an answer");
        assert_ne!(second.address().expect("an address"), address);
    });
}

#[test]
fn beside_another_server_only_boot_clients_are_told_and_no_address() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, PROXY);
    machine.run(|| {
        let client = Client::new();
        assert_eq!(client.ask(&captured("firmware-solicit"), SILENCE), None);
        daemon.wait_for_log("not a boot client");
        let offered = client.ask(&captured("http-solicit"), PATIENCE).expect("an answer");
        assert_eq!((offered.kind, offered.option(3)), (2, None), "{offered:?}");
        assert_eq!(offered.url(), Some("http://[fd00:77::1]:8080/firmware/snponly.efi"));
        assert_eq!(
            client.ask(&captured("pxe-solicit"), SILENCE),
            None,
            "it would wait for an address"
        );
        // iPXE has its address from a router and asks for the rest.
        let ipxe = without(&captured("ipxe-solicit"), 3);
        let told = client.ask(&turned_into(&ipxe, 11, &[]), PATIENCE).expect("an answer");
        assert_eq!((told.kind, told.option(3)), (7, None), "{told:?}");
        assert_eq!(told.url(), Some("http://[fd00:77::1]:8080/boot.ipxe"));
        assert_eq!(
            client.ask(&captured("ipxe-solicit"), SILENCE),
            None,
            "it could do nothing with it"
        );
        daemon.wait_for_log("another server gives those");
        assert_eq!(client.ask(&captured("pxe-request"), SILENCE), None);
        daemon.wait_for_log("meant for another server");
    });
}

#[test]
fn what_is_no_message_of_a_client_is_counted_by_its_reason() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, SERVER);
    let solicit = captured("firmware-solicit");
    let bad = [
        (vec![1, 2], "too few for DHCPv6"),
        (turned_into(&solicit, 2, &[]), "message type 2 is none of a client"),
        (vec![12, 0], "too few for DHCPv6"),
        (solicit[..solicit.len() - 1].to_vec(), "claims"),
        (without(&solicit, 1), "does not say who it is"),
        (turned_into(&solicit, 3, &[]), "names no server"),
        (without(&solicit, 3), "no address of the kind"),
        (vec![0xff; 2000], "message type 255"),
    ];
    machine.run(|| {
        let client = Client::new();
        for (packet, why) in &bad {
            client.send(packet);
            daemon.wait_for_log(why);
        }
        let heard = client.ask(&solicit, PATIENCE).expect("it still answers");
        is_lent(heard.address().expect("an address"));
    });
    let status = daemon.api("GET", "/api/v1/status", "");
    for reason in ["too-short", "not-from-client", "truncated-option", "no-association"] {
        assert!(status.text().contains(reason), "`{reason}` in {}", status.text());
    }
}

/// A DHCPv6 server of other hands.
fn other_server(inside: &Netns) -> Dnsmasq {
    let options = [
        "--bind-interfaces",
        "--interface=eth0",
        "--dhcp-leasefile=/dev/null",
        "--dhcp-range=fd00:77::100,fd00:77::1ff,64",
        "--user=root",
        "--dhcp-option=option6:59,tftp://[fd00:77::fe]/theirs.efi",
    ];
    Dnsmasq::listening(inside, 547, &options)
}

#[test]
fn other_dhcpv6_servers_are_found_and_told_of_in_status_events_and_explain() {
    let (inside, other) = segment();
    other.ip("addr add fd00:77::fe/64 dev eth0 nodad");
    let _server = other_server(&other);
    let daemon = Daemon::start(&inside, SERVER);
    let found = "fe80::5054:ff:fe1a:b032 (52:54:00:1a:b0:32) leases addresses, tells machines where to boot";
    daemon.wait_for_log(&format!("there is a server on lab0: {found}"));
    let status = || daemon.api("GET", "/api/v1/status", "").text().to_owned();
    wait_until("the status lists it", || status().contains(found));
    assert!(
        status().contains("other DHCPv6 servers answer on lab0 beside us: fe80::5054"),
        "{}",
        status()
    );
    assert!(
        status().contains("tells machines over IPv6 where to boot, and not from here"),
        "{}",
        status()
    );
    assert!(crate::cli::ask(&daemon.socket(), "events").out.contains(found));
    // A machine on the same link is told who else is there.
    other.run(|| {
        Client::new()
            .ask(&captured("pxe-solicit"), PATIENCE)
            .expect("an answer")
    });
    let told = crate::cli::ask(&daemon.socket(), &format!("explain {CARD}")).out;
    assert!(told.contains(&format!("on lab0, {found}")), "{told}");
}

#[test]
fn where_this_box_has_a_dhcpv6_client_of_its_own_the_search_for_others_says_that_it_hears_nothing() {
    let (inside, _machine) = segment();
    let _held = inside.run(|| {
        let socket = std::net::UdpSocket::bind("[::]:546").expect("the port is free");
        socket.set_nonblocking(true).expect("an option of every kernel");
        socket
    });
    let daemon = Daemon::start(&inside, PROXY);
    let told = "other DHCPv6 servers on lab0 cannot be searched for: ";
    wait_until(told, || daemon.api("GET", "/api/v1/status", "").text().contains(told));
}

#[test]
fn dhclient_gets_its_address_keeps_it_and_gives_it_back() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, SERVER);
    let directory = std::env::temp_dir().join(format!("bootwright-dhclient6-{}", std::process::id()));
    // It may be there from a run that was cut off.
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory for the client");
    let script = directory.join("script");
    let told = directory.join("told");
    let words = format!("#!/bin/sh\necho \"$reason $new_ip6_address\" >> {}\n", told.display());
    std::fs::write(&script, words).expect("a script");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).expect("it can be run");
    let dhclient = |how: &str| {
        let mut command = machine.command("dhclient");
        command.args(["-6", "-1", "-v", how, "-cf", "/dev/null", "-lf"]);
        command
            .arg(directory.join("leases"))
            .arg("-pf")
            .arg(directory.join("pid"));
        command.arg("-sf").arg(&script).arg("eth0");
        let output = command.stdin(Stdio::null()).output().expect("dhclient runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = dhclient("-nw");
    let read = || std::fs::read_to_string(&told).unwrap_or_default();
    wait_until(&format!("an address; it said {said}"), || {
        read().contains("BOUND6 fd00:77::")
    });
    let line = read();
    let bound = line
        .lines()
        .find_map(|line| line.strip_prefix("BOUND6 "))
        .expect("an address");
    is_lent(bound.parse().expect("an address"));
    let said = dhclient("-r");
    assert!(said.contains("Release"), "{said}");
    wait_until("the end of the lease", || read().contains("RELEASE6"));
    std::fs::remove_dir_all(&directory).expect("nothing is left");
}

fn curl(inside: &Netns, url: &str) -> Vec<u8> {
    let mut command: Command = inside.command("curl");
    let output = command
        .args(["-g", "-6", "-sS", "-m", "20", url])
        .output()
        .expect("curl runs");
    assert!(
        output.status.success(),
        "{url}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn boot_files_and_scripts_come_over_ipv6_with_urls_that_lead_back() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, PROXY);
    machine.ip("addr add fd00:77::50/64 dev eth0 nodad");
    let firmware: Vec<u8> = "snponly.efi".bytes().cycle().take(70_000).collect();
    assert!(
        curl(&machine, &format!("tftp://[{OURS}]/snponly.efi")) == firmware,
        "by TFTP"
    );
    assert!(
        curl(&machine, &format!("http://[{OURS}]:8080/firmware/snponly.efi")) == firmware,
        "by HTTP"
    );
    let base = format!("http://[{OURS}]:8080");
    let text = |url: &str| String::from_utf8(curl(&machine, url)).expect("a text");
    for script in ["/boot.ipxe", "/autoexec.ipxe"] {
        let script = text(&format!("{base}{script}"));
        assert!(script.contains(&base), "{script}");
        assert!(!script.contains("10.77.0.1"), "{script}");
    }
    assert!(text(&format!("tftp://[{OURS}]/autoexec.ipxe")).contains(&base));
    let held = text(&format!("{base}/ipxe?mac={CARD}&platform=efi&buildarch=x86_64"));
    assert!(held.contains(&format!("{base}/hold")), "{held}");
    // A name that nobody has is refused from the port that was asked, or the client waits.
    let mut command: Command = machine.command("curl");
    let missing = format!("tftp://[{OURS}]/nobody-has-this");
    let output = command
        .args(["-g", "-6", "-sS", "-m", "20", &missing])
        .output()
        .expect("curl runs");
    assert_eq!(
        output.status.code(),
        Some(68),
        "curl's number for a file that is not found"
    );
    daemon.wait_for_log("refused");
}

#[test]
fn an_interface_without_an_ipv4_address_is_served_over_ipv6() {
    let (inside, machine) = segment();
    inside.ip("addr flush dev lab0 scope global");
    inside.ip(&format!("addr add {OURS}/64 dev lab0 nodad"));
    let daemon = Daemon::start(&inside, PROXY);
    daemon.wait_for_log("served at [fd00:77::1]");
    let offered = machine.run(|| {
        Client::new()
            .ask(&captured("http-solicit"), PATIENCE)
            .expect("an answer")
    });
    assert_eq!(offered.url(), Some("http://[fd00:77::1]:8080/firmware/snponly.efi"));
}

#[test]
fn a_base_url_by_an_ipv4_address_is_not_told_over_ipv6() {
    let (inside, machine) = segment();
    let config = PROXY.replace("[ipv6]", "base_url = \"http://10.77.0.1:8080\"\n[ipv6]");
    let _daemon = Daemon::start(&inside, &config);
    let ipxe = turned_into(&without(&captured("ipxe-solicit"), 3), 11, &[]);
    let told = machine.run(|| Client::new().ask(&ipxe, PATIENCE).expect("an answer"));
    assert_eq!(told.url(), Some("http://[fd00:77::1]:8080/boot.ipxe"));
}
