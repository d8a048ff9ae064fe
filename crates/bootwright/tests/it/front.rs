//! Boot loaders other than iPXE against the real daemon, by TFTP and by HTTP.

use std::net::{SocketAddrV4, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::install::{OURS, command, segment};
use crate::netns::Netns;

pub(crate) const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]

[profiles.lab]
kernel = "/images/lab/vmlinuz"
initrds = ["/images/lab/initrd.img", { source = "{{ run.url }}/preseed.cfg", target = "/preseed.cfg" }]
args = ["quiet", "bootwright.url={{ run.url }}"]

[profiles.lab.files]
"preseed.cfg" = "d-i run {{ run.number }} of {{ host.name }}"

[profiles.served]
kernel = "/images/lab/vmlinuz"
initrds = ["{{ run.url }}/config.cpio"]
done = { config-served = "config.cpio" }

[profiles.served.files]
"config.cpio" = "{{ run.number }}"

[profiles.memtest]
kernel = "/images/memtest/memtest.efi"
done = "manual"

[profiles.console]
kernel = "/images/lab/vmlinuz"
args = ["bootwright.url={{ run.url }}"]
confirm = "console"

[profiles.rack]
kind = "menu"
title = "Rack 1"
timeout = "30s"
entries = [
    { title = "Own disk", local = true, default = true },
    { title = "Memory test", live = "memtest" },
    { title = "Install", install = "console" },
    { title = "Install at once", install = "lab" },
]
"#;

const HOST: &str = "52:54:00:00:00:01";
pub(crate) const PXELINUX: &str = "pxelinux.cfg/01-52-54-00-00-00-01";

/// An answer by TFTP: the content, or the number of the error.
pub(crate) type Fetched = Result<Vec<u8>, u16>;

/// Fetches a file as PXELINUX does (`tsize`, blocks of 1408 bytes), from a port of its own.
pub(crate) fn fetch(machine: &Netns, name: &str) -> Fetched {
    machine.run(|| {
        let socket = UdpSocket::bind("10.77.0.50:0").expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        request(&socket, name);
        receive(&socket)
    })
}

fn request(socket: &UdpSocket, name: &str) {
    let words = [name, "octet", "tsize", "0", "blksize", "1408"];
    let request = [b"\0\x01".to_vec(), (words.join("\0") + "\0").into_bytes()].concat();
    socket.send_to(&request, SocketAddrV4::new(OURS, 69)).expect("a route");
}

fn receive(socket: &UdpSocket) -> Fetched {
    let (mut content, mut packet) = (Vec::new(), [0; 2048]);
    loop {
        let (length, from) = socket.recv_from(&mut packet).expect("an answer in time");
        match packet[..length] {
            [0, 6, ..] => {
                socket.send_to(&[0, 4, 0, 0], from).expect("a route");
            }
            [0, 3, high, low, ref block @ ..] => {
                content.extend_from_slice(block);
                socket.send_to(&[0, 4, high, low], from).expect("a route");
                if block.len() < 1408 {
                    return Ok(content);
                }
            }
            [0, 5, high, low, ..] => return Err(u16::from_be_bytes([high, low])),
            ref other => panic!("no answer of a TFTP server: {other:?}"),
        }
    }
}

pub(crate) fn text(fetched: Fetched) -> String {
    String::from_utf8(fetched.expect("the file is there")).expect("a script is text")
}

fn arm(daemon: &Daemon<'_>, profile: &str) {
    let body = format!(r#"{{"command":"arm","profiles":["{profile}"]}}"#);
    let answer = command(daemon, HOST, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn state(daemon: &Daemon<'_>) -> String {
    let answer = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    let host: serde_json::Value = serde_json::from_str(answer.text()).expect("JSON");
    host["state"].as_str().unwrap_or_default().to_owned()
}

/// The path of the run in what a boot loader was told.
pub(crate) fn run(script: &str) -> String {
    let word = script
        .split([' ', '\'', '\n'])
        .find_map(|word| word.strip_prefix("bootwright.url="));
    let url = word.expect("the installer is told its run").trim();
    url.strip_prefix("http://10.77.0.1:8080").expect("our URL").to_owned()
}

/// Where the boot loader is told to go on under a label.
fn link(config: &str, label: &str) -> String {
    let (_, behind) = config
        .split_once(&format!("LABEL {label}\n"))
        .expect("the label is there");
    let link = behind.lines().find_map(|line| line.trim().strip_prefix("CONFIG "));
    link.expect("a link").to_owned()
}

#[test]
fn a_machine_is_held_armed_and_installed_by_pxelinux_and_starts_its_disk_from_then_on() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let images = daemon.data_dir().join("images/lab");
    std::fs::create_dir_all(&images).expect("a directory");
    std::fs::write(images.join("vmlinuz"), "kernel").expect("a file");
    std::fs::write(images.join("initrd.img"), "ramdisk").expect("a file");
    // What it knows of the machine is asked first, and its networks last: nothing is there, and that is no news.
    let uuid = "pxelinux.cfg/00112233-4455-6677-8899-aabbccddeeff";
    assert_eq!(fetch(&machine, uuid), Err(1));
    assert_eq!(fetch(&machine, "pxelinux.cfg/0A4D003"), Err(1));
    let held = text(fetch(&machine, PXELINUX));
    assert!(held.contains("SAY This machine is waiting."), "{held}");
    assert!(held.contains("mac 52:54:00:00:00:01"), "{held}");

    arm(&daemon, "lab");
    // It asks again by itself, within what its configuration says.
    let config = text(fetch(&machine, &link(&held, "again")));
    let run = run(&config);
    assert!(config.contains("  LINUX images/lab/vmlinuz\n"), "{config}");
    let (_, initrds) = config.split_once("INITRD ").expect("initial ramdisks");
    let initrds: Vec<&str> = initrds.lines().next().expect("a line").split(',').collect();
    assert_eq!(fetch(&machine, "images/lab/vmlinuz"), Ok(b"kernel".to_vec()));
    // Wherever it believes our root to be.
    assert_eq!(fetch(&machine, "boot/images/lab/vmlinuz"), Ok(b"kernel".to_vec()));
    assert_eq!(fetch(&machine, initrds[0]), Ok(b"ramdisk".to_vec()));
    let archive = String::from_utf8_lossy(&fetch(&machine, initrds[1]).expect("it is made")).into_owned();
    assert!(
        archive.starts_with("070701") && archive.contains("preseed.cfg\0"),
        "{archive}"
    );
    assert!(archive.contains("d-i run 1 of "), "{archive}");
    // The file is made under its token alone, and dies with the run.
    let token = run.strip_prefix("/r/").expect("a run");
    let other = format!("bootwright/part/{}/1", "0".repeat(32));
    assert_eq!(fetch(&machine, &other), Err(1));

    let done = get(&machine, OURS, &format!("{run}/done"));
    assert_eq!((done.status, done.text()), (200, "ok\n"));
    assert_eq!(fetch(&machine, initrds[1]), Err(1));
    let local = text(fetch(&machine, PXELINUX));
    assert!(local.contains("COM32 chain.c32"), "{local}");
    assert_eq!(state(&daemon), "installed");
    // What `explain` says is what it was just told.
    let explained = daemon.api("GET", &format!("/api/v1/hosts/{HOST}/explain"), "");
    let explained: serde_json::Value = serde_json::from_str(explained.text()).expect("JSON");
    let answers = explained["answers"].as_array().expect("answers");
    let said = answers.iter().find(|answer| answer["channel"] == "pxelinux");
    let said = said.expect("the channel by which it asks")["text"].as_str();
    assert!(
        said.is_some_and(|said| said.contains("COM32 chain.c32") || said.contains("LOCALBOOT -1")),
        "{explained}"
    );
    let log = daemon.log();
    assert!(!log.contains(token), "the run's token stands in the log");
}

#[test]
fn grub_finds_its_configuration_by_http_and_tftp_wherever_it_looks() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let first = text(fetch(&machine, "/grub/grub.cfg"));
    assert!(first.contains("set bw_from='(tftp,10.77.0.1)'"), "{first}");
    for path in [
        "/grub.cfg",
        "/firmware/grub/grub.cfg",
        "/debian-installer/amd64/grub/grub.cfg",
    ] {
        assert_eq!(get(&machine, OURS, path).text(), first, "{path}");
    }
    let speaks = get(&machine, OURS, "/bootwright/grub/http");
    assert_eq!(speaks.text(), "set bw_from='(http,10.77.0.1:8080)'\n");
    arm(&daemon, "lab");
    let asked = "/bootwright/grub/ask/52:54:00:00:00:01/00112233-4455-6677-8899-aabbccddeeff";
    let script = get(&machine, OURS, asked);
    assert!(
        script
            .text()
            .contains("if linux \"$bw_from\"'/images/lab/vmlinuz' 'BOOTIF=01-52-54-00-00-00-01' 'quiet'"),
        "{}",
        script.text()
    );
    let link = script
        .text()
        .split('\'')
        .find(|word| word.starts_with("/bootwright/part/"));
    let archive = get(&machine, OURS, link.expect("an archive"));
    assert!(archive.body.starts_with(b"070701"));
    let run = run(script.text());
    get(&machine, OURS, &format!("{run}/done"));
    let local = get(&machine, OURS, "/bootwright/grub/ask/52:54:00:00:00:01/");
    assert!(local.text().contains("chainloader"), "{}", local.text());
    // What the firmware's tables say of it was remembered.
    let known = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    assert!(
        known.text().contains("00112233-4455-6677-8899-aabbccddeeff"),
        "{}",
        known.text()
    );
}

#[test]
fn a_file_that_is_fetched_twice_is_one_attempt_and_a_new_start_is_another() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    arm(&daemon, "lab");
    let first = text(fetch(&machine, PXELINUX));
    assert!(first.contains("attempt 1 of 2"), "{first}");
    // A loader that looks whether it is there and then reads it, one that asks for the size alone, and one whose request
    // was sent twice.
    assert_eq!(text(fetch(&machine, PXELINUX)), first);
    machine.run(|| {
        let socket = UdpSocket::bind("10.77.0.50:0").expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        request(&socket, PXELINUX);
        let mut packet = [0; 2048];
        let (_, from) = socket.recv_from(&mut packet).expect("the size");
        socket.send_to(b"\0\x05\0\x08no more\0", from).expect("a route");
        let socket = UdpSocket::bind("10.77.0.50:0").expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        request(&socket, PXELINUX);
        request(&socket, PXELINUX);
        assert_eq!(text(receive(&socket)), first);
    });
    // It starts anew: its boot program is fetched.
    fetch(&machine, "undionly.kpxe").expect("the boot program");
    daemon.wait_for_log("fetched undionly.kpxe");
    assert!(text(fetch(&machine, PXELINUX)).contains("attempt 2 of 2"));
    fetch(&machine, "undionly.kpxe").expect("the boot program");
    wait_until("the boot program counts as fetched", || {
        daemon.log().matches("fetched undionly.kpxe").count() >= 2
    });
    assert!(text(fetch(&machine, PXELINUX)).contains("starts its own disk"));
    assert_eq!(state(&daemon), "failed");
}

#[test]
fn an_install_by_pxelinux_ends_with_its_configuration_if_the_profile_says_so() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    arm(&daemon, "served");
    let config = text(fetch(&machine, PXELINUX));
    let (_, path) = config.split_once("INITRD ").expect("an initial ramdisk");
    let path = path.lines().next().expect("a line");
    assert_eq!(fetch(&machine, path), Ok(b"1".to_vec()));
    wait_until("the run is over", || state(&daemon) == "installed");
}

/// What each language cannot say: a quotation mark for GRUB, a comma in a ramdisk's name for PXELINUX.
#[test]
fn a_profile_that_a_boot_loader_cannot_be_told_costs_no_attempt_and_its_console_and_the_record_say_why() {
    let (inside, machine) = segment();
    let config = format!(
        "{CONFIG}\n[profiles.quotes]\nkernel = \"/images/lab/vmlinuz\"\nargs = ['name=\"lab\"']\n\
         [profiles.comma]\nkernel = \"/images/lab/vmlinuz\"\ninitrds = [\"/images/lab/a,b\"]\n"
    );
    let daemon = Daemon::start(&inside, &config);
    let by_grub = || {
        let asked = "/bootwright/grub/ask/52:54:00:00:00:01/";
        get(&machine, OURS, asked).text().to_owned()
    };
    let by_pxelinux = || text(fetch(&machine, PXELINUX));
    for (profile, why, cannot, can) in [
        (
            "quotes",
            "GRUB puts a backslash before quotation marks",
            &by_grub as &dyn Fn() -> String,
            &by_pxelinux as &dyn Fn() -> String,
        ),
        (
            "comma",
            "a comma separates the names of initial ramdisks",
            &by_pxelinux,
            &by_grub,
        ),
    ] {
        arm(&daemon, profile);
        for _ in 0..3 {
            let told = cannot();
            let told = told
                .replace("SAY ", "")
                .replace("echo '", "")
                .replace("'\n", "\n")
                .replace('\n', " ");
            assert!(
                told.contains(&format!("profile `{profile}` cannot be rendered for it")),
                "{told}"
            );
            assert!(told.contains(why), "{told}");
        }
        assert_eq!(state(&daemon), "armed", "{profile}");
        let told = || daemon.api("GET", "/api/v1/events", "").text().contains(why);
        wait_until(&format!("the record says that {why}"), told);
        // Whoever can be told is.
        assert!(can().contains("attempt 1 of 2"), "{profile}");
        let hold = command(&daemon, HOST, r#"{"command":"hold"}"#);
        assert_eq!(hold.status, 200, "{}", hold.text());
    }
}

#[test]
fn a_menu_is_shown_in_every_language_and_only_a_grant_lets_it_install() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let ipxe = "/ipxe?mac=52-54-00-00-00-01&platform=pcbios";
    let live = r#"{"command":"live","profile":"rack"}"#;
    let answer = command(&daemon, HOST, live);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let menu = text(fetch(&machine, PXELINUX));
    assert!(menu.contains("UI menu.c32") && menu.contains("TIMEOUT 300"), "{menu}");
    let grub = get(&machine, OURS, "/bootwright/grub/ask/52:54:00:00:00:01/");
    assert!(grub.text().contains("menuentry 'Memory test' {"), "{}", grub.text());
    let script = get(&machine, OURS, ipxe);
    assert!(
        script.text().contains("choose --default 0 --timeout 30000 chosen"),
        "{}",
        script.text()
    );

    let chosen = |entry: u16| get(&machine, OURS, &format!("{ipxe}&chosen={entry}")).text().to_owned();
    assert!(chosen(0).contains("sanboot"));
    assert!(chosen(1).contains("memtest.efi"));
    assert!(chosen(2).contains("nobody has armed it"));
    let waits = text(fetch(&machine, &link(&menu, "entry-2")));
    assert!(waits.contains("SAY It waits because nobody has armed it."), "{waits}");

    arm(&daemon, "rack");
    assert!(chosen(3).contains("was chosen at its console"), "{}", chosen(3));
    // It goes on asking for what was chosen at its console, which is granted now.
    let installs = text(fetch(&machine, &link(&waits, "again")));
    assert!(installs.contains("installing console on "), "{installs}");
    let run = run(&installs);
    get(&machine, OURS, &format!("{run}/done"));
    assert_eq!(state(&daemon), "installed");
    assert!(chosen(2).contains("sanboot"), "an installed host sees no menu");
}

/// The machine behind the address is told by the kernel's table of neighbours.
#[test]
fn a_machine_whose_boot_loader_says_nothing_is_known_by_its_address() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let own = machine.ip("-o link show eth0");
    let (_, mac) = own.split_once("link/ether ").expect("a card");
    let mac = mac.split(' ').next().expect("an address");
    let held = text(fetch(&machine, "pxelinux.cfg/default"));
    assert!(held.contains(&format!("mac {mac}")), "{mac}: {held}");
    assert!(link(&held, "again").ends_with("/anyone"), "{held}");
    drop(daemon);
}

#[test]
fn what_the_operator_keeps_for_tftp_is_served_below_ours() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, "");
    let root = daemon.directory().join("tftp");
    std::fs::create_dir_all(root.join("pxelinux.cfg")).expect("a directory");
    std::fs::create_dir_all(root.join("images")).expect("a directory");
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).expect("it can be read");
    std::fs::write(root.join("pxelinux.cfg/default"), "theirs").expect("a file");
    std::fs::write(root.join("images/own"), "theirs").expect("a file");
    let config = format!(
        "[server]\ninterfaces = [\"lab0\"]\n[tftp]\nroot = \"{}\"\n[safety]\nunknown = \"ignore\"\n",
        root.display()
    );
    daemon.write_config(&config);
    daemon.run();
    daemon.wait_for_log("ready ");
    // A machine that is not answered falls through to them, one that is known does not.
    assert_eq!(fetch(&machine, "pxelinux.cfg/default"), Ok(b"theirs".to_vec()));
    assert_eq!(fetch(&machine, "images/own"), Ok(b"theirs".to_vec()));
    let answer = command(&daemon, HOST, r#"{"command":"hold"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(text(fetch(&machine, PXELINUX)).contains("SAY This machine is waiting."));
}

#[test]
fn names_that_others_make_up_are_answered_at_once_and_change_nothing() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    for name in [
        "pxelinux.cfg/../bootwright.db",
        "bootwright/pxelinux/chose-9999/anyone",
        "bootwright/grub/first/01-zz-54-00-00-00-01",
        "bootwright/part/abababababababababababababababab/0",
        "images",
        "images/",
        "images/../bootwright.db",
        "grub.cfg-01-00-00-00-00-00-00",
    ] {
        let started = std::time::Instant::now();
        assert!(matches!(fetch(&machine, name), Err(1 | 2)), "{name}");
        assert!(started.elapsed() < Duration::from_secs(5), "{name}");
    }
    let hosts = daemon.api("GET", "/api/v1/hosts", "");
    let hosts: serde_json::Value = serde_json::from_str(hosts.text()).expect("JSON");
    assert_eq!(hosts["hosts"].as_array().map(Vec::len), Some(0), "{hosts}");
}
