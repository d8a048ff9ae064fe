//! The doctor beside a daemon that runs, and what takes more than a table's row: other servers, containers, rights, a disk that
//! does not sync.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Stdio};

use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::cli::json;
use crate::daemon::{PATIENCE, wait_until};
use crate::dnsmasq::Dnsmasq;
use crate::doctor::{CONFIG, Cell, Found};
use crate::netns::{End, Netns, cable};
use crate::segment::{captured, discover, with_card};

const RANGE: &str = "--dhcp-range=10.77.0.100,10.77.0.200,5m";

/// A daemon on a cell's box. It is ended with the test.
struct Serving<'a> {
    cell: &'a Cell,
    child: Child,
}

impl<'a> Serving<'a> {
    fn start(cell: &'a Cell) -> Self {
        let log = fs::File::create(cell.directory.join("log")).expect("a file for the log");
        let mut command = cell.command(env!("CARGO_BIN_EXE_bootwright"));
        let child = command
            .args(cell.options())
            .args(["serve", "--firmware-dir"])
            .arg(cell.shipped())
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let serving = Self { cell, child };
        wait_until("the daemon is ready", || serving.log().contains(" ready "));
        serving
    }

    fn log(&self) -> String {
        fs::read_to_string(self.cell.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is(found: &Found, verdict: &str, says: &str) {
    assert!(
        found.verdict == verdict && found.evidence.contains(says),
        "{verdict}: {says}: {found:?}"
    );
}

/// Runs what was printed, as it was printed.
fn mend(cell: &Cell, found: &Found) {
    cell.sh(found.repair.as_ref().unwrap_or_else(|| panic!("a command: {found:?}")));
}

/// What a daemon has recorded: its hosts, and the place of the last entry.
fn record(cell: &Cell) -> (String, String) {
    let status = json(&cell.socket(), "status");
    (status["hosts"].to_string(), status["store"]["seq"].to_string())
}

#[test]
fn a_machine_is_booted_through_the_daemon_and_leaves_nothing_and_the_stage_that_fails_is_named() {
    let cell = Cell::new("boot");
    cell.sh("nft 'table inet stage { chain input { type filter hook input priority 0; iifname lab0 udp dport 67 drop; }; }'");
    cell.config("[server]\ninterfaces = [\"lab0\", \"lab9\"]\n");
    let serving = Serving::start(&cell);
    // The quick part of the doctor runs at the start of the daemon.
    wait_until("what the start found stands in the log", || {
        serving
            .log()
            .lines()
            .any(|line| line.contains("lab9") && line.ends_with("[N07]"))
    });
    wait_until("it says how long it took", || serving.log().contains("doctor  "));
    is(&cell.doctor("B03"), "error", "the boot ended at DHCP (DISCOVER");
    mend(&cell, &cell.doctor("P07"));
    let before = record(&cell);
    let booted = cell.doctor("B03");
    is(
        &booted,
        "ok",
        "BIOS on lab0: DISCOVER, OFFER → TFTP undionly.kpxe → iPXE's DISCOVER, OFFER → HTTP /boot.ipxe → HTTP /ipxe → held",
    );
    is(
        &booted,
        "ok",
        "UEFI on lab0: DISCOVER, OFFER → 4011 → TFTP snponly.efi → iPXE's DISCOVER, OFFER → HTTP ",
    );
    assert_eq!(record(&cell), before, "no host, no entry");
    cell.sh("nft delete table inet stage");
    for (rule, id, says) in [
        ("udp dport 4011 drop", "B03", "the boot ended at port 4011"),
        ("udp dport 69 drop", "B03", "the boot ended at TFTP of `undionly.kpxe`"),
        ("udp dport 69 drop", "B02", "snponly.efi from 10.77.0.1: no answer"),
        (
            "tcp dport 8080 reject",
            "B03",
            "the boot ended at HTTP (http://10.77.0.1:8080/boot.ipxe)",
        ),
        ("tcp dport 8080 reject", "B01", "http://10.77.0.1:8080: "),
    ] {
        is(&cell.doctor(id), "ok", "");
        cell.sh(&format!(
            "nft 'table inet stage {{ chain input {{ type filter hook input priority 0; {rule}; }}; }}'"
        ));
        is(&cell.doctor(id), "error", says);
        // Packets of this box to itself come by `lo`, which the rules that let machines in do not name.
        cell.sh("nft delete table inet stage");
        is(&cell.doctor(id), "ok", "");
    }
    for id in ["P01", "P02", "P03", "P04", "P05"] {
        is(&cell.doctor(id), "ok", "is held by the daemon");
    }
    is(&cell.doctor("P08"), "ok", "the daemon (pid ");
    // Somebody puts another boot program there, and has to start the daemon anew.
    fs::write(cell.data().join("firmware/snponly.efi"), "a build of the site's own").expect("a file");
    is(
        &cell.doctor("B02"),
        "error",
        "snponly.efi from 10.77.0.1: it is not the file that lies on the disk",
    );
    drop(serving);
    cell.config("[server]\ninterfaces = [\"lab0\"]\nbase_url = \"http://10.77.0.1:9\"\n");
    let serving = Serving::start(&cell);
    is(&cell.doctor("B02"), "ok", "snponly.efi from 10.77.0.1: 25 bytes");
    is(&cell.doctor("B01"), "error", "http://10.77.0.1:9: ");
    drop(serving);
    // The URL is corrected, and this box leases addresses now.
    cell.config(
        "[server]\ninterfaces = [\"lab0\"]\nbase_url = \"http://10.77.0.1:8080\"\n[dhcp]\nmode = \"server\"\nforce = true\n\
         [[dhcp.pools]]\nsubnet = \"10.77.0.0/24\"\nrange = \"10.77.0.100-10.77.0.200\"\n",
    );
    let serving = Serving::start(&cell);
    is(
        &cell.doctor("B01"),
        "ok",
        "http://10.77.0.1:8080: answers with a script",
    );
    let before = record(&cell);
    is(&cell.doctor("B03"), "ok", "UEFI on lab0: DISCOVER, OFFER");
    assert_eq!(record(&cell), before, "no host, no entry");
    assert_eq!(json(&cell.socket(), "lease list")["leases"], serde_json::json!([]));
    drop(serving);
    // Nobody is answered whom the site ignores: that is no fault.
    cell.config(&format!("{CONFIG}[safety]\nunknown = \"ignore\"\n"));
    let serving = Serving::start(&cell);
    is(&cell.doctor("B03"), "skipped", "unknown");
    drop(serving);
}

#[test]
fn offers_that_nobody_follows_and_a_captured_port_are_told_beside_a_daemon() {
    let cell = Cell::new("beside");
    local_dnsmasq(&cell, RANGE);
    let serving = Serving::start(&cell);
    // Another server has port 67, and packets are captured beside it.
    is(&cell.doctor("P01"), "ok", "packets are captured beside it");
    is(&cell.doctor("B03"), "ok", "BIOS on lab0: TFTP undionly.kpxe");
    is(&cell.doctor("N09"), "ok", "10.77.0.1 on lab0 (`dnsmasq` (pid ");
    drop(serving);
    cell.sh("kill $(ss -ulpnH 'sport = :67' | sed 's/.*pid=\\([0-9]*\\),.*/\\1/')");
    let _serving = Serving::start(&cell);
    is(&cell.doctor("N11"), "ok", "no machine has asked yet");
    // Machines that ask for an offer and never go on from it.
    for number in 1..=6 {
        let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 9, number]);
        discover(&cell.far, "eth0", &packet, PATIENCE).expect("an offer");
    }
    is(&cell.doctor("N11"), "warning", "no machine has fetched anything");
    // Somebody lets offers through on the switch, and a machine goes on.
    cell.far.ip("addr add 10.77.0.50/24 dev eth0");
    assert!(crate::front::fetch(&cell.far, "snponly.efi").is_ok());
    is(&cell.doctor("N11"), "ok", "machines go on from them");
}

/// dnsmasq on the box itself, beside which the daemon is to live.
fn local_dnsmasq(cell: &Cell, options: &str) {
    cell.sh(&format!(
        "dnsmasq --conf-file=/dev/null --port=0 --pid-file= --user=root --interface=lab0 --bind-interfaces --no-ping \
         --dhcp-leasefile=/dev/null {options}"
    ));
}

#[test]
fn other_servers_are_found_without_a_daemon_and_those_of_this_box_are_ended_by_what_is_printed() {
    let cell = Cell::new("servers");
    let nobody = cell.doctor("N09");
    is(&nobody, "warning", "nobody leases addresses");
    assert!(
        nobody
            .advice
            .is_some_and(|advice| advice.contains("start the DHCP server"))
    );
    let far = Dnsmasq::start(&cell.far, "eth0", "/dev/null", &[RANGE]);
    is(&cell.doctor("N09"), "ok", "addresses come from 10.77.0.254 on lab0");
    local_dnsmasq(&cell, "--dhcp-range=10.77.0.10,10.77.0.20,5m");
    let crowd = cell.doctor("N09");
    is(
        &crowd,
        "warning",
        "several servers lease addresses: 10.77.0.1 on lab0 (`dnsmasq` (pid ",
    );
    mend(&cell, &crowd);
    is(&cell.doctor("N09"), "ok", "addresses come from 10.77.0.254");
    is(&cell.doctor("N10"), "ok", "no other server");
    local_dnsmasq(
        &cell,
        "--dhcp-range=10.77.0.0,proxy,255.255.255.0 --pxe-service=X86-64_EFI,boot,other.efi",
    );
    let other = cell.doctor("N10");
    is(&other, "warning", "another server tells machines where to boot");
    mend(&cell, &other);
    is(&cell.doctor("N10"), "ok", "no other server");
    drop(far);
    let far = Dnsmasq::start(&cell.far, "eth0", "/dev/null", &[RANGE, "--dhcp-boot=pxelinux.0"]);
    is(&cell.doctor("N09"), "warning", "boot options of its own");
    // Its administrator takes the option out.
    drop(far);
    let _far = Dnsmasq::start(&cell.far, "eth0", "/dev/null", &[RANGE]);
    is(&cell.doctor("N09"), "ok", "addresses come from 10.77.0.254");
}

#[test]
fn a_container_on_the_engines_own_network_is_told_what_network_it_needs() {
    let (cell, elsewhere) = (Cell::new("bridged"), Netns::new("elsewhere"));
    cell.inside.ip("link del lab0");
    // As on a box, the index that the container's link has is taken outside.
    cable(&End::bare(&cell.far, "card"), &End::bare(&elsewhere, "wire"));
    cable(
        &End::new(&cell.inside, "eth0", "172.18.0.2/16"),
        &End::bare(&cell.far, "veth0"),
    );
    cell.config("");
    fs::write(cell.directory.join("cgroup"), "0::/docker/4f1c\n").expect("a file");
    let inside = |script: &str| {
        let mut command = cell.command("unshare");
        command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script]);
        Found::read(&crate::cli::finish(&mut command))
    };
    // The first process of a container bears the engine's mark.
    let marked = format!(
        "mount --bind {0}/cgroup /proc/1/cgroup; bootwright --json --config {0}/config.toml --data-dir {0}/data --socket {0}/s \
         doctor --only N05; exit $?",
        cell.directory.display()
    );
    let found = inside(&marked);
    is(
        &found,
        "error",
        "`eth0` (172.18.0.2) is on a container engine's own network",
    );
    assert!(found.advice.is_some_and(|advice| advice.contains("network_mode: host")));
    // Somebody starts it with the box' network, where it sees the box' own bridges and cards.
    cell.inside.ip("link add br0 type bridge");
    cell.inside.ip("addr add 10.77.0.1/24 dev br0");
    cell.inside.ip("link set br0 up");
    is(&inside(&marked), "ok", "no container engine's own network");
}

#[test]
fn a_program_without_its_rights_is_given_them_by_what_is_printed() {
    let cell = Cell::new("rights");
    let copy = cell.directory.join("bootwright");
    fs::copy(env!("CARGO_BIN_EXE_bootwright"), &copy).expect("room for a copy");
    cell.sh(&format!(
        "chmod 755 {0} {0}/bootwright && chmod 644 {0}/config.toml",
        cell.directory.display()
    ));
    let as_nobody = || {
        let mut command = cell.command("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&copy)
            .args(["--json"])
            .args(cell.options())
            .args(["doctor", "--only", "P08"]);
        Found::read(&crate::cli::finish(&mut command))
    };
    let found = as_nobody();
    is(&found, "error", "this process lacks NET_BIND_SERVICE and NET_RAW");
    mend(&cell, &found);
    is(&as_nobody(), "ok", "has NET_BIND_SERVICE and NET_RAW");
}

/// A filter under which nothing that is written can be made durable: as on a disk that fails.
fn failing_disk() -> BpfProgram {
    let always = Vec::new();
    let filter = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_fsync, always.clone()), (libc::SYS_fdatasync, always)]),
        SeccompAction::Allow,
        SeccompAction::Errno(u32::try_from(libc::EIO).expect("a small number")),
        std::env::consts::ARCH.try_into().expect("a processor with a filter"),
    );
    filter.expect("a filter").try_into().expect("it compiles")
}

#[test]
fn a_disk_that_does_not_sync_is_found() {
    let cell = Cell::new("sync");
    let program = failing_disk();
    let found = std::thread::scope(|scope| {
        let failing = scope.spawn(|| {
            seccompiler::apply_filter(&program).expect("the kernel takes it");
            cell.doctor("S07")
        });
        failing.join().expect("it runs")
    });
    is(&found, "error", "does not reach the disk: Input/output error");
    assert!(found.advice.is_some_and(|advice| advice.contains("dmesg")));
    // Somebody puts another disk in.
    is(&cell.doctor("S07"), "ok", "a write is durable within ");
}
