//! A Raspberry Pi against the real daemon: its DHCP request, and the files that it asks for in the order in which it does.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::front::fetch;
use crate::install::{OURS, command, segment};
use crate::netns::Netns;
use crate::segment::{captured, discover};

const HOST: &str = "dc:a6:32:01:02:03";
const SERIAL: &str = "a1b2c3d4";

const PROFILES: &str = r#"
[profiles.lab]
kernel = "/images/lab/vmlinuz"
initrds = ["/images/lab/initrd.img", { source = "{{ run.url }}/preseed.cfg", target = "/preseed.cfg" }]
args = ["quiet", "bootwright.url={{ run.url }}"]

[profiles.lab.files]
"preseed.cfg" = "d-i run {{ run.number }} of {{ host.name }}"

[profiles.away]
kernel = "http://mirror.example/vmlinuz"

[profiles.asks]
kernel = "/images/lab/vmlinuz"
confirm = "console"

[profiles.diskless]
kernel = "/images/lab/vmlinuz"
args = ["root=/dev/nfs"]

[hosts.pi-1]
serial = "10000000a1b2c3d4"
mac = "dc:a6:32:01:02:03"
directory = "lab"
"#;

/// A daemon with firmware for Pis, and one Pi on the same wire.
fn site<'a>(inside: &'a Netns, machine: &Netns) -> Daemon<'a> {
    machine.ip(&format!("link set eth0 address {HOST}"));
    let mut daemon = Daemon::prepare(inside, "");
    let root = daemon.directory().join("pi");
    for (name, content) in [
        ("start4.elf", "firmware"),
        ("fixup4.dat", "fixup"),
        ("bcm2711-rpi-4-b.dtb", "tree"),
        ("kernel8.img", "never this one"),
        ("config.txt", "arm_64bit=0"),
        ("lab/config.txt", "arm_64bit=1\nkernel=kernel8.img"),
    ] {
        put(&root.join(name), content);
    }
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).expect("it can be read");
    put(&daemon.data_dir().join("images/lab/vmlinuz"), "kernel");
    put(&daemon.data_dir().join("images/lab/initrd.img"), "ramdisk");
    let config = format!(
        "[server]\ninterfaces = [\"lab0\"]\n[tftp]\nraspberry_pi = \"{}\"\n{PROFILES}",
        root.display()
    );
    daemon.write_config(&config);
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

fn put(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    std::fs::write(path, content).expect("a file");
}

/// What a Pi has after it was switched on.
#[derive(Debug, PartialEq, Eq)]
struct Started {
    config: String,
    kernel: Vec<u8>,
    ramdisk: Option<Vec<u8>>,
    arguments: String,
}

/// Switches a Pi 4 on: it asks by DHCP, and then for its files as its EEPROM and its firmware do. Without firmware it goes on
/// to its next way to boot.
fn switch_on(machine: &Netns) -> Option<Started> {
    let heard = discover(machine, "eth0", &captured("table-pi4-discover"), PATIENCE).expect("an offer");
    assert_eq!((heard.answer.siaddr, heard.answer.server_id), (OURS, Some(OURS)));
    assert_eq!(heard.answer.vendor_class, b"PXEClient");
    assert!(heard.answer.yiaddr.is_unspecified() && heard.answer.file.is_empty());
    let words = b"\x06\x01\x03\x0a\x04\x00PXE\x09\x14\x00\x00\x11Raspberry Pi Boot\xff".as_slice();
    assert_eq!(heard.answer.vendor_options.as_deref(), Some(words));

    let below = |name: &str| fetch(machine, &format!("{SERIAL}/{name}"));
    if below("start4.elf").is_err() {
        // There is no such directory: it looks at the root.
        for name in ["start4.elf", "config.txt", "kernel8.img"] {
            assert_eq!(fetch(machine, name), Err(1), "{name}");
        }
        return None;
    }
    let config = String::from_utf8(below("config.txt").expect("a configuration")).expect("text");
    for missing in ["recovery.elf", "dt-blob.bin", "bootcfg.txt", "overlays/overlay_map.dtb"] {
        assert_eq!(below(missing), Err(1), "{missing}: nothing unusual");
    }
    assert_eq!(below("start4.elf"), Ok(b"firmware".to_vec()));
    assert_eq!(below("fixup4.dat"), Ok(b"fixup".to_vec()));
    for _ in 0..5 {
        assert_eq!(
            below("config.txt"),
            Ok(config.clone().into_bytes()),
            "all in one attempt"
        );
    }
    assert_eq!(below("bcm2711-rpi-4-b.dtb"), Ok(b"tree".to_vec()));
    // The last line wins.
    let setting = |key: &str| config.lines().rev().find_map(|line| line.strip_prefix(key));
    let arguments = below(setting("cmdline=").unwrap_or("cmdline.txt")).expect("arguments");
    let kernel = below(setting("kernel=").unwrap_or("kernel8.img")).expect("a kernel");
    let ramdisk = setting("initramfs ").map(|line| {
        let name = line.split(' ').next().expect("a name");
        below(name).expect("a ramdisk")
    });
    Some(Started {
        config,
        kernel,
        ramdisk,
        arguments: String::from_utf8(arguments).expect("text"),
    })
}

fn arm(daemon: &Daemon<'_>, profile: &str) {
    tell(daemon, &format!(r#"{{"command":"arm","profiles":["{profile}"]}}"#));
}

fn tell(daemon: &Daemon<'_>, body: &str) {
    let answer = command(daemon, HOST, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn host(daemon: &Daemon<'_>) -> serde_json::Value {
    let answer = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    serde_json::from_str(answer.text()).expect("JSON")
}

/// What is recorded of the host, as people read it.
fn events(daemon: &Daemon<'_>) -> String {
    daemon.api("GET", "/api/v1/events", "").text().to_owned()
}

/// The path of the run in the arguments of the kernel.
fn run(arguments: &str) -> &str {
    let url = arguments
        .split_whitespace()
        .find_map(|word| word.strip_prefix("bootwright.url="));
    url.and_then(|url| url.strip_prefix("http://10.77.0.1:8080"))
        .expect("its run")
}

#[test]
fn a_pi_is_held_armed_and_installed_once_and_goes_on_to_its_own_disk_from_then_on() {
    let (inside, machine) = segment();
    let daemon = site(&inside, &machine);
    // Nobody has decided: it gets no file, and asks again when it starts anew.
    assert_eq!(switch_on(&machine), None);
    let held = host(&daemon);
    assert_eq!(held["state"], "new", "{held}");
    assert_eq!(held["host"], "pi-1", "{held}");
    wait_until("the hold is recorded", || {
        events(&daemon).contains("waiting: nobody has armed it")
    });

    arm(&daemon, "lab");
    let started = switch_on(&machine).expect("it starts something");
    assert!(
        started.config.starts_with("arm_64bit=1\nkernel=kernel8.img\n"),
        "{}",
        started.config
    );
    assert!(started.config.contains("attempt 1 of 2"), "{}", started.config);
    assert_eq!(started.kernel, b"kernel");
    assert!(
        started.arguments.contains(" quiet bootwright.url="),
        "{}",
        started.arguments
    );
    let ramdisk = started.ramdisk.expect("a ramdisk");
    assert!(
        ramdisk.starts_with(b"ramdisk\x00070701"),
        "the second begins at a multiple of four"
    );
    let archive = String::from_utf8_lossy(&ramdisk);
    assert!(
        archive.contains("preseed.cfg\0") && archive.contains("d-i run 1 of pi-1"),
        "{archive}"
    );
    assert_eq!(host(&daemon)["state"], "installing");

    let path = run(&started.arguments);
    let done = get(&machine, OURS, &format!("{path}/done"));
    assert_eq!((done.status, done.text()), (200, "ok\n"));
    assert_eq!(fetch(&machine, &format!("{SERIAL}/bootwright/pi/ramdisk")), Err(1));
    assert_eq!(switch_on(&machine), None);
    assert_eq!(host(&daemon)["state"], "installed");
    let explained = daemon.api("GET", &format!("/api/v1/hosts/{HOST}/explain"), "");
    assert!(
        explained.text().contains("goes on to its next way to boot"),
        "{}",
        explained.text()
    );
    assert!(explained.text().contains("dhcp raspberry-pi"), "{}", explained.text());
}

#[test]
fn each_start_of_a_pi_is_one_attempt_and_there_are_no_more_than_allowed() {
    let (inside, machine) = segment();
    let daemon = site(&inside, &machine);
    assert_eq!(switch_on(&machine), None);
    arm(&daemon, "lab");
    for (attempt, times) in [("attempt 1 of 2", 1), ("attempt 2 of 2", 2)] {
        let started = switch_on(&machine).expect("it starts something");
        assert!(started.config.contains(attempt), "{}", started.config);
        // No Pi is as fast as this one: what it fetched counts before it starts anew.
        wait_until("the ramdisk counts as fetched", || {
            daemon.log().matches("fetched /images/lab/initrd.img").count() >= times
        });
    }
    assert_eq!(switch_on(&machine), None);
    assert_eq!(host(&daemon)["state"], "failed");
}

#[test]
fn a_pi_boots_what_it_boots_every_time_without_a_run() {
    let (inside, machine) = segment();
    let daemon = site(&inside, &machine);
    assert_eq!(switch_on(&machine), None);
    tell(&daemon, r#"{"command":"live","profile":"diskless"}"#);
    for _ in 0..3 {
        let started = switch_on(&machine).expect("it starts something");
        assert_eq!(
            (started.kernel.as_slice(), started.ramdisk),
            (b"kernel".as_slice(), None)
        );
        assert_eq!(started.arguments, "BOOTIF=01-dc-a6-32-01-02-03 root=/dev/nfs\n");
    }
}

#[test]
fn a_profile_that_a_pi_cannot_be_told_costs_no_attempt_and_is_told_in_the_record() {
    let (inside, machine) = segment();
    let daemon = site(&inside, &machine);
    assert_eq!(switch_on(&machine), None);
    for (profile, why) in [
        ("away", "put the file into an image"),
        ("asks", "nobody can agree at the console of a Raspberry Pi"),
    ] {
        arm(&daemon, profile);
        assert_eq!(switch_on(&machine), None);
        assert_eq!(host(&daemon)["state"], "armed", "{profile}");
        wait_until(&format!("the record says that {why}"), || events(&daemon).contains(why));
    }
}

#[test]
fn a_pi_is_not_answered_where_nobody_keeps_its_firmware() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"lab0\"]\n");
    machine.run(|| {
        let client = crate::segment::Client::on("eth0", 68);
        client.broadcast(&captured("table-pi3-discover"), 67);
    });
    let counted = || {
        daemon
            .api("GET", "/api/v1/status", "")
            .text()
            .contains("dhcp.raspberry-pi-not-served")
    };
    wait_until("the request is counted", counted);
}

#[test]
fn what_others_keep_under_the_same_names_is_theirs() {
    let (inside, machine) = segment();
    let daemon = site(&inside, &machine);
    // The card of a telephone, which asks for its own `config.txt`.
    machine.ip("link set eth0 address 00:04:f2:01:02:03");
    assert_eq!(fetch(&machine, "config.txt"), Err(1));
    assert_eq!(fetch(&machine, "a1b2c3d4/phone.cfg"), Err(1));
    assert_eq!(fetch(&machine, &format!("{SERIAL}/start4.elf")), Err(1));
    let hosts = daemon.api("GET", "/api/v1/hosts", "");
    let hosts: serde_json::Value = serde_json::from_str(hosts.text()).expect("JSON");
    assert_eq!(hosts["hosts"].as_array().map(Vec::len), Some(0), "{hosts}");
}
