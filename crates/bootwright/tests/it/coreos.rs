//! A site of plain PXELINUX clients that installs whatever is new, as a small provisioner for Fedora CoreOS does, over
//! sockets from the first DISCOVER to the machine's own disk.

use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::front::{fetch, text};
use crate::install::{OURS, segment};
use crate::netns::Netns;
use crate::segment::{captured, discover, with_card};

const CARD: [u8; 6] = [0x52, 0x54, 0, 0, 0, 1];
const HOST: &str = "52:54:00:00:00:01";

const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]
[dhcp.arch]
bios = "pxelinux.0"
[safety]
unknown = { install = "coreos" }
i_understand_this_wipes = true
[profiles.coreos]
kernel = "/images/coreos/kernel"
initrds = ["/images/coreos/initramfs.img"]
args = [
    "ip=dhcp", "rd.neednet=1", "coreos.inst=yes", "coreos.inst.install_dev=vda",
    "coreos.inst.image_url={{ server.url }}/images/coreos/metal.raw.gz",
    "coreos.inst.ignition_url={{ run.url }}/config.ign",
]
done = DONE
[profiles.coreos.files]
"config.ign" = '{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/done","contents":{"source":"data:,{{ run.url }}/done"}}]}}'
"#;

/// What the machine's images and PXELINUX hold, by the paths below the data directory.
const FILES: [(&str, &str); 6] = [
    ("firmware/pxelinux.0", "the boot loader"),
    ("firmware/ldlinux.c32", "its core"),
    ("firmware/chain.c32", "what starts disks"),
    ("images/coreos/kernel", "a kernel"),
    ("images/coreos/initramfs.img", "a ramdisk"),
    ("images/coreos/metal.raw.gz", "a disk"),
];

fn site<'a>(inside: &'a Netns, done: &str) -> Daemon<'a> {
    let mut daemon = Daemon::prepare(inside, &CONFIG.replace("DONE", done));
    make_files(&daemon.data_dir());
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

/// The files that machines fetch, below a data directory.
pub(crate) fn make_files(data_dir: &std::path::Path) {
    for (path, content) in FILES {
        let path = data_dir.join(path);
        std::fs::create_dir_all(path.parent().expect("it is below")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }
}

/// Switches the machine on: its ROM asks, PXELINUX comes by TFTP and asks for its configuration, first by the UUID.
pub(crate) fn switch_on(machine: &Netns) -> String {
    let packet = with_card(captured("bios-firmware-discover"), CARD);
    let offer = discover(machine, "eth0", &packet, PATIENCE).expect("an offer").answer;
    assert_eq!((offer.siaddr, offer.file.as_slice()), (OURS, b"pxelinux.0".as_slice()));
    assert_eq!(fetch(machine, "pxelinux.0"), Ok(b"the boot loader".to_vec()));
    assert_eq!(fetch(machine, "ldlinux.c32"), Ok(b"its core".to_vec()));
    let uuid = "pxelinux.cfg/00112233-4455-6677-8899-aabbccddeeff";
    assert_eq!(fetch(machine, uuid), Err(1));
    text(fetch(machine, "pxelinux.cfg/01-52-54-00-00-00-01"))
}

/// Starts what the configuration says, and fetches by HTTP what its installer would. Gives the URL of its run.
fn install(machine: &Netns, told: &str) -> String {
    assert!(
        told.contains("  LINUX images/coreos/kernel\n  INITRD images/coreos/initramfs.img\n"),
        "{told}"
    );
    assert_eq!(fetch(machine, "images/coreos/kernel"), Ok(b"a kernel".to_vec()));
    assert_eq!(fetch(machine, "images/coreos/initramfs.img"), Ok(b"a ramdisk".to_vec()));
    let line = told.lines().find_map(|line| line.strip_prefix("  APPEND "));
    let line: Vec<&str> = line.expect("arguments").split(' ').collect();
    assert_eq!(
        line[..5],
        [
            "BOOTIF=01-52-54-00-00-00-01",
            "ip=dhcp",
            "rd.neednet=1",
            "coreos.inst=yes",
            "coreos.inst.install_dev=vda"
        ],
        "{told}"
    );
    let url = |name: &str| {
        let word = line.iter().find_map(|word| word.strip_prefix(name)).expect("a URL");
        word.strip_prefix("http://10.77.0.1:8080").expect("ours").to_owned()
    };
    assert_eq!(get(machine, OURS, &url("coreos.inst.image_url=")).text(), "a disk");
    let config = url("coreos.inst.ignition_url=");
    let run = config.strip_suffix("/config.ign").expect("a document of its run");
    let ignition = get(machine, OURS, &config);
    assert_eq!(ignition.status, 200, "{}", ignition.text());
    assert!(
        ignition
            .text()
            .contains(&format!("data:,http://10.77.0.1:8080{run}/done")),
        "{}",
        ignition.text()
    );
    run.to_owned()
}

pub(crate) fn state(daemon: &Daemon<'_>) -> String {
    let answer = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    let host: serde_json::Value = serde_json::from_str(answer.text()).expect("JSON");
    host["state"].as_str().unwrap_or_default().to_owned()
}

/// Switched on again, it is told to start its disk, by what comes by TFTP too.
pub(crate) fn starts_its_disk(machine: &Netns) {
    let told = switch_on(machine);
    assert!(
        told.contains("LABEL local\n  COM32 chain.c32\n  APPEND hd0\n"),
        "{told}"
    );
    assert!(!told.contains("LINUX"), "{told}");
    assert_eq!(fetch(machine, "chain.c32"), Ok(b"what starts disks".to_vec()));
}

#[test]
fn a_new_machine_goes_from_its_rom_by_pxelinux_to_its_installer_reports_and_starts_its_disk() {
    let (inside, machine) = segment();
    let daemon = site(&inside, "\"callback\"");
    let first = install(&machine, &switch_on(&machine));
    // The power fails before it has reported: the configuration alone was no end, and the installer comes once more.
    assert_eq!(state(&daemon), "installing");
    wait_until("the kernel counts as fetched", || {
        daemon.log().contains("fetched /images/coreos/kernel")
    });
    let again = install(&machine, &switch_on(&machine));
    assert_eq!(first, again, "one run");
    let done = get(&machine, OURS, &format!("{again}/done"));
    assert_eq!((done.status, done.text()), (200, "ok\n"));
    assert_eq!(state(&daemon), "installed");
    starts_its_disk(&machine);
    assert_eq!(state(&daemon), "installed");
}

#[test]
fn a_new_machine_is_done_with_its_configuration_where_the_profile_says_so() {
    let (inside, machine) = segment();
    let daemon = site(&inside, "{ config-served = \"config.ign\" }");
    install(&machine, &switch_on(&machine));
    wait_until("the run is over", || state(&daemon) == "installed");
    starts_its_disk(&machine);
}
