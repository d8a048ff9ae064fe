//! What goes wrong on the way of a machine, as its operator hears of it.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use crate::cli::ask;
use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::netns::Netns;
use crate::segment::segment;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]
[profiles.rack]
kernel = "/images/linux"
args = ["rack={{ metadata.rack }}", "{{ run.url }}"]
[profiles.seed]
kernel = "/images/linux"
args = ["url={{ run.url }}/seed"]
[profiles.seed.files]
seed = "{{ metadata.rack }}"
"#;

const ASKS: &str = "/ipxe?mac=52-54-00-00-00-01&platform=pcbios";

fn events(daemon: &Daemon<'_>) -> String {
    ask(&daemon.socket(), "events").out
}

#[test]
fn a_first_file_that_is_not_there_is_news_and_what_is_no_request_is_counted() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    get(&machine, OURS, ASKS);
    machine.run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut answer = [0; 600];
        for request in [b"\0".as_slice(), b"\0\x01ipxe-i386.efi\0octet\0"] {
            socket.send_to(request, SocketAddrV4::new(OURS, 69)).expect("it leaves");
        }
        let (length, _) = socket.recv_from(&mut answer).expect("an answer");
        assert_eq!(answer.get(..4), Some(b"\0\x05\0\x01".as_slice()), "{length} bytes");
    });
    wait_until("the event is recorded", || {
        events(&daemon).contains("did not get ipxe-i386.efi: there is no such firmware")
    });
    let status = daemon.api("GET", "/api/v1/status", "");
    for counter in ["\"tftp.too-short\":1", "\"tftp.refused\":1"] {
        let compact: String = status.text().chars().filter(|c| !c.is_whitespace()).collect();
        assert!(compact.contains(counter), "{}", status.text());
    }
}

#[test]
fn what_the_start_recorded_is_told_before_the_daemon_is_ready() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, "");
    daemon.wait_for_log("Z ready ");
    let log = daemon.log();
    let (recorded, ready) = (log.find("Z reload "), log.find("Z ready "));
    assert!(recorded.is_some() && recorded < ready, "{log}");
}

#[test]
fn a_daemon_that_serves_no_interface_says_so() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"nowhere0\"]\n");
    daemon.wait_for_log("no interface is served, so that no machine is heard");
}

#[test]
fn what_could_stop_a_rule_that_arms_by_itself_stands_in_the_explanation() {
    let inside = Netns::new("daemon");
    let rule = "[[rules]]\nname = \"any\"\nprofile = \"rack\"\nauto_arm = true\nlimit = 4\n";
    let daemon = Daemon::start(&inside, &format!("{CONFIG}{rule}"));
    let said = ask(&daemon.socket(), "explain 52:54:00:00:00:09").out;
    for words in [
        "rule `any` has granted 0 of 4 installs",
        "more than 5 armings by one rule within a minute would pause all installs",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("younger"), "{said}");
}

#[test]
fn a_first_file_below_the_tftp_root_is_no_silence() {
    let inside = Netns::new("daemon");
    let mut daemon = Daemon::prepare(&inside, "");
    let root = daemon.directory().join("tftp");
    std::fs::create_dir_all(&root).expect("a directory");
    let root = root.display();
    daemon.write_config(&format!(
        "[dhcp.arch]\nbios = \"own.kpxe\"\n[tftp]\nroot = \"{root}\"\n"
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    let explain = || ask(&daemon.socket(), "explain 52:54:00:00:00:09").out;
    assert!(
        explain().contains("`own.kpxe` is not in the firmware catalogue"),
        "{}",
        explain()
    );
    std::fs::write(daemon.directory().join("tftp/own.kpxe"), "a boot program").expect("a file");
    assert!(explain().contains("`own.kpxe` is below `tftp.root`"), "{}", explain());
}

#[test]
fn the_configuration_is_read_again_on_a_signal_and_when_it_changes_and_a_bad_one_leaves_the_last_good_one() {
    let (inside, _machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    ask(&daemon.socket(), "host set 52:54:00:00:00:01 metadata.rack=7");
    assert_eq!(ask(&daemon.socket(), "host arm 52:54:00:00:00:01 rack").code, 0);
    daemon.clear_log();
    daemon.signal(nix::libc::SIGHUP);
    daemon.wait_for_log("configuration in force: 2 profiles");

    let more = format!("{CONFIG}[profiles.more]\nkernel = \"/images/linux\"\ndone = \"manual\"\n");
    daemon.write_config(&more);
    daemon.wait_for_log("configuration in force: 3 profiles");
    daemon.clear_log();
    daemon.write_config(&more.replace("[server]", "[sever]"));
    daemon.wait_for_log("the configuration stays as it was");
    let status = ask(&daemon.socket(), "status");
    assert!(status.out.contains("the last good one is in force"), "{}", status.out);
    let armed = ask(&daemon.socket(), "host arm 52:54:00:00:00:02 more");
    assert_eq!(armed.code, 0, "{}", armed.err);
    assert_eq!(
        ask(&daemon.socket(), "host list --state armed").out.lines().count(),
        3,
        "two hosts and the heading"
    );

    daemon.write_config(CONFIG);
    daemon.wait_for_log("configuration in force: 2 profiles");
    assert_eq!(
        ask(&daemon.socket(), "host list --state armed").out.lines().count(),
        3,
        "a reload changes no host"
    );
}

/// The start says it in the log, which nobody may read. Whoever asks is told as well, and what helps.
#[test]
fn firmware_that_is_not_what_the_manifest_lists_is_told_by_status_explain_and_check() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    let shipped = daemon.directory().join("no-shipped-firmware");
    std::fs::create_dir_all(&shipped).expect("a directory");
    // The SHA-256 of no bytes at all (FIPS 180-4).
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let manifest = format!("[[package]]\n[[package.file]]\nname = \"undionly.kpxe\"\nsha256 = \"{of_nothing}\"\n");
    std::fs::write(shipped.join("manifest.toml"), manifest).expect("a file");
    std::fs::write(shipped.join("undionly.kpxe"), "not what was listed").expect("a file");
    let own = daemon.data_dir().join("firmware/undionly.kpxe");
    std::fs::remove_file(&own).expect("it was there");
    daemon.run();
    daemon.wait_for_log("ready ");
    let helps = format!(
        "a build of your own goes into `{}`",
        daemon.data_dir().join("firmware").display()
    );
    let check = format!(
        "check --config {} --data-dir {} --firmware-dir {}",
        daemon.config().display(),
        daemon.data_dir().display(),
        shipped.display()
    );
    for words in ["status", "explain 52:54:00:00:00:09", &check] {
        let told = ask(&daemon.socket(), words).out;
        assert!(
            told.contains("undionly.kpxe` is not served: its SHA-256 is "),
            "{words}:\n{told}"
        );
        assert!(told.contains(&helps), "{words}:\n{told}");
        assert!(told.contains("docker compose build"), "{words}:\n{told}");
    }
    assert_eq!(crate::front::fetch(&machine, "undionly.kpxe"), Err(1));
    // What helps does help.
    std::fs::write(&own, "ours").expect("a file");
    assert_eq!(daemon.stop().code(), Some(0));
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    for words in ["status", "explain 52:54:00:00:00:09", &check] {
        let told = ask(&daemon.socket(), words).out;
        assert!(!told.contains("is not served"), "{words}:\n{told}");
    }
    assert_eq!(crate::front::fetch(&machine, "undionly.kpxe"), Ok(b"ours".to_vec()));
}
