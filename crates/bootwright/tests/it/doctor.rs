//! `bootwright doctor` on a box whose faults are planted one after the other: each is found by its check, and what the check
//! prints repairs it.
//!
//! Where that is a command, a shell on the box runs it as it was printed. Where it is a change of the configuration or something
//! that only a person does (plug in a cable, buy a disk, ask a vendor), the test does that, and the row says what.

mod config;
mod disk;
mod network;
mod port;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bootwright::doctor::CHECKS;
use expect_test::expect_file;
use serde_json::Value;

use crate::cli::Said;
use crate::daemon::wait_until;
use crate::netns::{End, Netns, cable};

/// A box: a network with a machine's place at the other end, mounts of its own, and directories for all that the daemon has.
pub(crate) struct Cell {
    pub(crate) inside: Netns,
    pub(crate) far: Netns,
    holder: Child,
    pub(crate) directory: PathBuf,
}

/// The configuration of a box without faults.
pub(crate) const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";

impl Cell {
    pub(crate) fn new(name: &str) -> Self {
        let (inside, far) = (Netns::new("box"), Netns::new("far"));
        cable(
            &End::new(&inside, "lab0", "10.77.0.1/24"),
            &End::new(&far, "eth0", "10.77.0.254/24"),
        );
        // `ip netns exec` gives it mounts of its own; whoever enters them sees what is mounted there.
        let mut command = inside.command("sleep");
        let holder = command
            .arg("infinity")
            .stdin(Stdio::null())
            .spawn()
            .expect("sleep runs");
        let directory = std::env::temp_dir().join(format!("bootwright-doctor-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        let cell = Self {
            inside,
            far,
            holder,
            directory,
        };
        fs::create_dir_all(cell.data().join("firmware")).expect("a directory");
        fs::create_dir_all(cell.shipped()).expect("a directory");
        cell.config(CONFIG);
        // The listed digests are made by another program than the one that compares them.
        cell.sh(&format!(
            "cd {} && for name in undionly.kpxe snponly.efi ipxe-arm64.efi; do head -c 70000 /dev/urandom > $name; \
             printf '[[package]]\\n[[package.file]]\\nname = \"%s\"\\nsha256 = \"%s\"\\n' $name \
             $(sha256sum $name | cut -d' ' -f1) >> manifest.toml; done",
            cell.shipped().display()
        ));
        wait_until("the box has mounts of its own", || {
            let of = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
            of(cell.holder.id()) != of(std::process::id())
        });
        cell
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn shipped(&self) -> PathBuf {
        self.directory.join("shipped")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("control.sock")
    }

    pub(crate) fn config(&self, text: &str) {
        fs::write(self.directory.join("config.toml"), text).expect("a configuration");
    }

    /// A command inside.
    pub(crate) fn command(&self, program: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_bootwright"));
        let path = format!(
            "{}:{}",
            binary.parent().expect("a directory").display(),
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        );
        let mut command = Command::new("nsenter");
        command
            .args([
                "--target",
                &self.holder.id().to_string(),
                "--mount",
                "--net",
                "--",
                program,
            ])
            .env("PATH", path)
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Runs a line of a shell inside.
    pub(crate) fn sh(&self, line: &str) -> String {
        let said = crate::cli::finish(self.command("sh").args(["-c", line]));
        assert_eq!(said.code, 0, "`{line}` failed: {}{}", said.out, said.err);
        said.out
    }

    pub(crate) fn options(&self) -> Vec<String> {
        let words = [
            ("--config", self.directory.join("config.toml")),
            ("--data-dir", self.data()),
            ("--socket", self.socket()),
        ];
        words
            .into_iter()
            .flat_map(|(name, path)| [name.to_owned(), path.display().to_string()])
            .collect()
    }

    /// The program with this box' directories.
    pub(crate) fn bootwright(&self, words: &[&str]) -> Said {
        let mut command = self.command(env!("CARGO_BIN_EXE_bootwright"));
        crate::cli::finish(command.args(self.options()).args(words))
    }

    /// The words of the doctor.
    pub(crate) fn doctor_words(&self, words: &[&str]) -> Said {
        let shipped = self.shipped().display().to_string();
        self.bootwright(&[&["doctor", "--firmware-dir", &shipped], words].concat())
    }

    /// What one check finds.
    pub(crate) fn doctor(&self, id: &str) -> Found {
        let shipped = self.shipped().display().to_string();
        let said = self.bootwright(&["--json", "doctor", "--firmware-dir", &shipped, "--only", id]);
        Found::read(&said)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// What a check found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) verdict: String,
    pub(crate) evidence: String,
    pub(crate) repair: Option<String>,
    pub(crate) advice: Option<String>,
    pub(crate) code: i32,
}

impl Found {
    pub(crate) fn read(said: &Said) -> Self {
        let report: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("no document: {error}: {said:?}"));
        let check = &report["checks"][0];
        let text = |key: &str| check[key].as_str().map(str::to_owned);
        Self {
            verdict: text("verdict").unwrap_or_else(|| panic!("a verdict: {report}")),
            evidence: text("evidence").expect("evidence"),
            repair: text("repair"),
            advice: text("advice"),
            code: said.code,
        }
    }
}

/// How a fault is mended.
enum Mend {
    /// By the command that is printed.
    Command,
    /// By hand, as the advice says.
    Hand(fn(&Cell)),
}

/// A fault, what finds it, and what ends it.
struct Fault {
    id: &'static str,
    /// What it is.
    name: &'static str,
    plant: fn(&Cell),
    verdict: &'static str,
    /// What the evidence names.
    says: &'static str,
    mend: Mend,
    /// What the test takes back afterwards, which is no part of the repair.
    tidy: fn(&Cell),
}

fn nothing(_: &Cell) {}

fn plain_config(cell: &Cell) {
    cell.config(CONFIG);
}

fn with(cell: &Cell, more: &str) {
    cell.config(&format!("{CONFIG}{more}"));
}

/// Plants each fault, and wants it found by its check and ended by what the check prints.
fn live_through(cell: &Cell, faults: &[Fault]) {
    for fault in faults {
        let Fault { id, name, .. } = fault;
        let before = cell.doctor(id);
        assert_eq!(
            (before.verdict.as_str(), before.code),
            ("ok", 0),
            "before `{name}`: {before:?}"
        );
        (fault.plant)(cell);
        let found = cell.doctor(id);
        assert_eq!(found.verdict, fault.verdict, "{id}, {name}: {found:?}");
        let code = if fault.verdict == "error" { 2 } else { 1 };
        assert_eq!(found.code, code, "{id}, {name}: {found:?}");
        assert!(found.evidence.contains(fault.says), "{id}, {name}: {found:?}");
        match fault.mend {
            Mend::Command => {
                let command = found
                    .repair
                    .as_ref()
                    .unwrap_or_else(|| panic!("{id}, {name}: a command: {found:?}"));
                cell.sh(command);
            }
            Mend::Hand(mend) => {
                assert!(found.advice.is_some(), "{id}, {name}: words for a person: {found:?}");
                mend(cell);
            }
        }
        // What was told to end has ended a moment later.
        wait_until("what was printed has repaired it", || {
            let after = cell.doctor(id);
            let is_good = after.verdict == "ok";
            if !is_good {
                eprintln!("{id}, {name}, after {:?}: {after:?}", found.repair);
            }
            is_good
        });
        (fault.tidy)(cell);
    }
}

#[test]
fn faults_of_the_network_are_found_and_what_is_printed_repairs_them() {
    live_through(&Cell::new("network"), network::NETWORK);
}

#[test]
fn faults_of_ports_and_filters_are_found_and_what_is_printed_repairs_them() {
    live_through(&Cell::new("ports"), port::PORTS);
}

#[test]
fn faults_of_the_disk_are_found_and_what_is_printed_repairs_them() {
    live_through(&Cell::new("disk"), disk::DISK);
}

#[test]
fn faults_of_the_configuration_and_images_are_found_and_what_is_printed_repairs_them() {
    live_through(&Cell::new("config"), config::CONFIGURATION);
}

#[test]
fn the_guide_to_the_doctor_has_every_check_as_the_program_has_it() {
    let mut table =
        String::from("| Id | What is found | Why it matters | What to do | How to look |\n|---|---|---|---|---|\n");
    for check in CHECKS {
        let check = &check.code;
        table.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            check.id, check.what, check.why, check.act, check.check
        ));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/doctor.md");
    let guide = fs::read_to_string(path).expect("the guide is there");
    let (before, rest) = guide.split_once("| Id |").expect("a table");
    let (_, after) = rest.split_once("\n\n").expect("text behind it");
    expect_file![path].assert_eq(&format!("{before}{table}\n{after}"));
}

#[test]
fn a_check_that_is_not_there_is_named_and_the_words_say_what_is_good_and_what_is_not() {
    let cell = Cell::new("words");
    let said = cell.doctor_words(&["--only", "N99"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("there is no check `N99`") && said.err.contains("N01, N02"),
        "{said:?}"
    );
    let said = cell.doctor_words(&["--only", "s01", "B03", "--only", "C01"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.contains("ok       S01  the data directory takes files: "),
        "{said:?}"
    );
    assert!(
        said.out.contains("skipped  B03  a whole boot: no daemon answers"),
        "{said:?}"
    );
    assert!(
        said.out
            .ends_with("no daemon runs: 2 good, 0 warnings, 0 errors, 1 skipped\n"),
        "{said:?}"
    );
    cell.sh("ip link set lab0 down");
    let said = cell.doctor_words(&["--only", "N01"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.out.contains("error    N01") && said.out.contains("repair: ip link set lab0 up\n"),
        "{said:?}"
    );
}
