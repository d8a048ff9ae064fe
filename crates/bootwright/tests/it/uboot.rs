//! U-Boot against the real daemon: what `dhcp`, `pxe get` and `pxe boot` ask for, one after the other.

use std::net::Ipv4Addr;

use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::front::fetch;
use crate::install::{OURS, command, segment};
use crate::netns::Netns;
use crate::segment::{captured, discover, with_arch, with_card};

const HOST: &str = "52:54:00:00:00:16";

const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]

[dhcp.arch]
arm64-uboot = "board/boot.scr.uimg"

[profiles.lab]
kernel = "/images/lab/vmlinuz"
initrds = ["/images/lab/initrd.img", { source = "{{ run.url }}/preseed.cfg", target = "/preseed.cfg" }]
args = ["quiet", "bootwright.url={{ run.url }}"]

[profiles.lab.files]
"preseed.cfg" = "d-i run {{ run.number }}"

[profiles.dollar]
kernel = "/images/lab/vmlinuz"
args = ["root=$bootdev"]

[profiles.console]
kernel = "/images/lab/vmlinuz"
confirm = "console"

[profiles.rack]
kind = "menu"
entries = [{ title = "Own disk", local = true }]
"#;

fn site(inside: &Netns) -> Daemon<'_> {
    let daemon = Daemon::start(inside, CONFIG);
    let images = daemon.data_dir().join("images/lab");
    std::fs::create_dir_all(images.join("dtbs")).expect("a directory");
    for (name, content) in [
        ("vmlinuz", "kernel"),
        ("initrd.img", "ramdisk"),
        ("dtbs/soc-board.dtb", "tree"),
    ] {
        std::fs::write(images.join(name), content).expect("a file");
    }
    daemon
}

/// U-Boot's DHCP request: a class of its own, and an architecture that stands for it.
fn request() -> Vec<u8> {
    let card = [0x52, 0x54, 0, 0, 0, 0x16];
    let mut packet = with_card(with_arch(captured("uefi-firmware-discover"), 0x16), card);
    let class = packet
        .windows(9)
        .position(|word| word == b"PXEClient")
        .expect("a class");
    let length = usize::from(packet[class - 1]);
    packet.splice(class - 1..class + length, b"\x0cU-Boot.armv8".iter().copied());
    packet
}

/// What a board does after it was switched on.
#[derive(Debug, PartialEq, Eq)]
enum Did {
    /// It started a kernel.
    Started {
        kernel: Vec<u8>,
        ramdisk: Option<Vec<u8>>,
        tree: Vec<u8>,
        arguments: String,
    },
    /// It ran its `localcmd`, or left for its next boot target.
    StartedItsDisk,
    /// It found nothing to start, and left for its next boot target.
    WentOn,
}

/// Switches a board on.
fn switch_on(machine: &Netns) -> Did {
    let offer = discover(machine, "eth0", &request(), PATIENCE)
        .expect("an offer")
        .answer;
    assert_eq!(
        (offer.siaddr, offer.file.as_slice()),
        (OURS, b"board/boot.scr.uimg".as_slice())
    );
    // Files are looked for beside its boot file, in this order; the first that is there counts.
    let address = format!("{:08X}", u32::from(Ipv4Addr::new(10, 77, 0, 50)));
    let mut names = vec![
        "00112233-4455-6677-8899-aabbccddeeff".to_owned(),
        format!("01-{}", HOST.replace(':', "-")),
    ];
    names.extend((1..=8).rev().map(|digits| address[..digits].to_owned()));
    names.extend(["default-arm-soc-board", "default-arm-soc", "default-arm", "default"].map(str::to_owned));
    let config = names.iter().find_map(|name| {
        let fetched = fetch(machine, &format!("board/pxelinux.cfg/{name}"));
        fetched.inspect_err(|code| assert_eq!(*code, 1, "{name}")).ok()
    });
    boot(
        machine,
        &String::from_utf8(config.expect("one of the names")).expect("text"),
    )
}

/// Does what a configuration says: the label that `DEFAULT` names, one line after the other.
fn boot(machine: &Netns, config: &str) -> Did {
    let beside = |name: &str| fetch(machine, &format!("board/{name}"));
    let value = |word: &str| {
        config
            .lines()
            .find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
    };
    if value("LABEL").is_none() {
        return Did::WentOn;
    }
    assert_eq!(value("LABEL"), value("DEFAULT"), "{config}");
    if value("LOCALBOOT").is_some() {
        return Did::StartedItsDisk;
    }
    let ramdisk = value("INITRD").map(|name| beside(name).expect("a ramdisk"));
    let tree = format!("{}/soc-board.dtb", value("FDTDIR").expect("device trees"));
    let bootif = value("IPAPPEND").map_or(String::new(), |_| format!(" BOOTIF=01-{}", HOST.replace(':', "-")));
    Did::Started {
        kernel: beside(value("LINUX").expect("a kernel")).expect("a kernel"),
        ramdisk,
        tree: beside(&tree).expect("a device tree"),
        arguments: format!("{}{bootif}", value("APPEND").unwrap_or_default()),
    }
}

fn tell(daemon: &Daemon<'_>, body: &str) {
    let answer = command(daemon, HOST, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn arm(daemon: &Daemon<'_>, profile: &str) {
    tell(daemon, &format!(r#"{{"command":"arm","profiles":["{profile}"]}}"#));
}

fn state(daemon: &Daemon<'_>) -> String {
    let answer = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    let host: serde_json::Value = serde_json::from_str(answer.text()).expect("JSON");
    host["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_board_with_u_boot_is_held_armed_installed_once_and_starts_its_disk_from_then_on() {
    let (inside, machine) = segment();
    machine.ip(&format!("link set eth0 address {HOST}"));
    let daemon = site(&inside);
    assert_eq!(switch_on(&machine), Did::WentOn);
    arm(&daemon, "lab");
    let Did::Started {
        kernel,
        ramdisk,
        tree,
        arguments,
    } = switch_on(&machine)
    else {
        panic!("it starts an installer")
    };
    assert_eq!(
        (kernel.as_slice(), tree.as_slice()),
        (b"kernel".as_slice(), b"tree".as_slice())
    );
    let ramdisk = ramdisk.expect("a ramdisk");
    assert!(ramdisk.starts_with(b"ramdisk\x00070701"), "both, in one");
    assert!(String::from_utf8_lossy(&ramdisk).contains("d-i run 1"));
    assert!(
        arguments.starts_with("BOOTIF=01-52-54-00-00-00-16 quiet "),
        "{arguments}"
    );
    assert_eq!(state(&daemon), "installing");
    let url = arguments
        .split(' ')
        .find_map(|word| word.strip_prefix("bootwright.url="));
    let path = url
        .and_then(|url| url.strip_prefix("http://10.77.0.1:8080"))
        .expect("its run");
    assert_eq!(get(&machine, OURS, &format!("{path}/done")).status, 200);
    assert_eq!(switch_on(&machine), Did::StartedItsDisk);
    assert_eq!(state(&daemon), "installed");
}

#[test]
fn each_start_of_a_board_is_one_attempt() {
    let (inside, machine) = segment();
    machine.ip(&format!("link set eth0 address {HOST}"));
    let daemon = site(&inside);
    assert_eq!(switch_on(&machine), Did::WentOn);
    arm(&daemon, "lab");
    for times in 1..=2 {
        assert!(matches!(switch_on(&machine), Did::Started { .. }));
        wait_until("the kernel counts as fetched", || {
            daemon.log().matches("fetched /images/lab/vmlinuz").count() >= times
        });
    }
    assert_eq!(switch_on(&machine), Did::StartedItsDisk);
    assert_eq!(state(&daemon), "failed");
}

#[test]
fn what_u_boot_cannot_be_told_costs_no_attempt_and_is_told_in_the_record() {
    let (inside, machine) = segment();
    let daemon = site(&inside);
    assert_eq!(switch_on(&machine), Did::WentOn);
    for (profile, why) in [
        ("dollar", "U-Boot puts something else in place"),
        ("console", "nobody can agree at the console of U-Boot"),
    ] {
        arm(&daemon, profile);
        assert_eq!(switch_on(&machine), Did::WentOn);
        assert_eq!(state(&daemon), "armed", "{profile}");
        let told = || daemon.api("GET", "/api/v1/events", "").text().contains(why);
        wait_until(&format!("the record says that {why}"), told);
    }
}

#[test]
fn a_menu_that_u_boot_cannot_show_is_told_in_the_record_and_by_explain() {
    let (inside, machine) = segment();
    let daemon = site(&inside);
    assert_eq!(switch_on(&machine), Did::WentOn);
    tell(&daemon, r#"{"command":"live","profile":"rack"}"#);
    assert_eq!(switch_on(&machine), Did::WentOn);
    let why = "profile `rack` cannot be rendered for it: U-Boot cannot ask again with what was chosen from a menu";
    let events = || daemon.api("GET", "/api/v1/events", "").text().to_owned();
    wait_until("the record says so", || events().contains(why));
    assert!(!events().contains("the menu rack is shown"), "{}", events());
    let explained = daemon.api("GET", &format!("/api/v1/hosts/{HOST}/explain"), "");
    assert!(explained.text().contains(why), "{}", explained.text());
}
