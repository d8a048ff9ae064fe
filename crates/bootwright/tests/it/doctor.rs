//! `bootwright doctor` on a box whose faults are planted one after the other: each is found by its check, and what the check
//! prints repairs it.
//!
//! Where that is a command, a shell on the box runs it as it was printed. Where it is a change of the configuration or something
//! that only a person does (plug in a cable, buy a disk, ask a vendor), the test does that, and the row says what.

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

use Mend::{Command as ByCommand, Hand};

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

/// Something that holds a port until it is killed: another program, as the doctor sees it.
fn hold(cell: &Cell, kind: &str, port: u16) {
    let listen = if kind == "STREAM" { "s.listen();" } else { "" };
    let program = format!(
        "import socket,time;s=socket.socket(socket.AF_INET,socket.SOCK_{kind});s.bind(('0.0.0.0',{port}));{listen}\
         print('held',flush=True);time.sleep(600)"
    );
    // The shell is gone at once, and the program belongs to nobody who would have to wait for it.
    cell.sh(&format!(
        "setsid python3 -c \"{program}\" > {0}/held 2>&1 & until grep -q held {0}/held; do sleep 0.05; done",
        cell.directory.display()
    ));
}

fn image_config(cell: &Cell) {
    with(
        cell,
        &format!(
            "[images.live]\nsource = \"{}/live\"\n[profiles.live]\nkernel = \"/images/live/linux\"\ndone = \"manual\"\n",
            cell.directory.display()
        ),
    );
}

const DAMAGED_FIRMWARE: &str = "tmpfs-of-the-test";

/// Boot programs as Debian's package has them, on a mount of the box' own.
fn packaged(cell: &Cell) {
    cell.sh(&format!(
        "mkdir -p /usr/lib/ipxe && mount -t tmpfs {DAMAGED_FIRMWARE} /usr/lib/ipxe && cp {}/snponly.efi /usr/lib/ipxe/",
        cell.shipped().display()
    ));
}

const NETWORK: &[Fault] = &[
    Fault {
        id: "N01",
        name: "the interface is switched off",
        plant: |cell| drop(cell.sh("ip link set lab0 down")),
        verdict: "error",
        says: "lab0: it is down",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "N02",
        name: "the cable is pulled out",
        plant: |cell| drop(cell.far.ip("link set eth0 down")),
        verdict: "error",
        says: "lab0 has no carrier",
        // Somebody plugs it in.
        mend: Hand(|cell| drop(cell.far.ip("link set eth0 up"))),
        tidy: |cell| drop(cell.far.ip("addr replace 10.77.0.254/24 broadcast + dev eth0")),
    },
    Fault {
        id: "N03",
        name: "the interface has no address",
        plant: |cell| drop(cell.sh("ip -4 address flush dev lab0")),
        verdict: "error",
        says: "lab0 has no IPv4 address",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("ip -4 address flush dev lab0 && ip address add 10.77.0.1/24 broadcast + dev lab0")),
    },
    Fault {
        id: "N03",
        name: "the interface gave itself an address",
        plant: |cell| drop(cell.sh("ip -4 address flush dev lab0 && ip address add 169.254.7.7/16 dev lab0")),
        verdict: "error",
        says: "an address that it gave itself",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("ip -4 address flush dev lab0 && ip address add 10.77.0.1/24 broadcast + dev lab0")),
    },
    Fault {
        id: "N04",
        name: "the default router is in no network of ours",
        plant: |cell| drop(cell.sh("ip route add default via 203.0.113.1 dev lab0 onlink")),
        verdict: "warning",
        says: "203.0.113.1",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "N06",
        name: "the kernel is Docker Desktop's",
        plant: |cell| {
            cell.sh(&format!(
                "echo 6.12.5-linuxkit > {0}/osrelease && mount --bind {0}/osrelease /proc/sys/kernel/osrelease",
                cell.directory.display()
            ));
        },
        verdict: "error",
        says: "Docker Desktop",
        // It is run on a Linux box, whose kernel says something else.
        mend: Hand(|cell| drop(cell.sh("umount /proc/sys/kernel/osrelease"))),
        tidy: nothing,
    },
    Fault {
        id: "N07",
        name: "the configuration names an interface that is not there",
        plant: |cell| cell.config("[server]\ninterfaces = [\"lab0\", \"lab9\"]\n"),
        verdict: "warning",
        says: "`lab9` is not there; there are lab0",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "N07",
        name: "the configuration names a port of a bridge",
        plant: |cell| {
            cell.sh(
                "ip link add br7 type bridge && ip link add port7 type veth peer name peer7 && ip link set port7 master br7",
            );
            cell.config("[server]\ninterfaces = [\"lab0\", \"port7\"]\n");
        },
        verdict: "error",
        says: "port7 is a port of br7",
        mend: Hand(|cell| cell.config("[server]\ninterfaces = [\"lab0\", \"br7\"]\n")),
        tidy: |cell| {
            cell.sh("ip link del port7 && ip link del br7");
            plain_config(cell);
        },
    },
    Fault {
        id: "N08",
        name: "a bridge waits for its spanning tree",
        plant: |cell| {
            cell.sh(
                "ip link add br8 type bridge stp_state 1 && ip address add 10.88.8.1/24 dev br8 && ip link set br8 up",
            );
            cell.config("[server]\ninterfaces = [\"lab0\", \"br8\"]\n");
        },
        verdict: "warning",
        says: "on br8 the spanning tree protocol keeps a port closed for 30 s",
        mend: ByCommand,
        tidy: |cell| {
            cell.sh("ip link del br8");
            plain_config(cell);
        },
    },
];

const PORTS: &[Fault] = &[
    Fault {
        id: "P01",
        name: "another program holds port 67",
        plant: |cell| {
            with(cell, "[dhcp]\nsockets = \"kernel\"\n");
            hold(cell, "DGRAM", 67);
        },
        verdict: "error",
        says: "port 67/udp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: plain_config,
    },
    Fault {
        id: "P02",
        name: "another program holds port 4011",
        plant: |cell| hold(cell, "DGRAM", 4011),
        verdict: "error",
        says: "port 4011/udp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "P03",
        name: "another program holds port 69",
        plant: |cell| hold(cell, "DGRAM", 69),
        verdict: "error",
        says: "port 69/udp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "P04",
        name: "another program holds port 8080",
        plant: |cell| hold(cell, "STREAM", 8080),
        verdict: "error",
        says: "port 8080/tcp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "P05",
        name: "another program holds port 8443",
        plant: |cell| hold(cell, "STREAM", 8443),
        verdict: "error",
        says: "port 8443/tcp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "P07",
        name: "a table of nftables lets in what is known and nothing else",
        plant: |cell| {
            cell.sh(
                "nft 'table inet guard { set lan { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }; \
                 chain input { type filter hook input priority 0; policy drop; ct state vmap { established : accept, \
                 related : accept, invalid : drop }; iifname lo accept; ip protocol icmp accept; ip saddr @lan tcp dport { 22, \
                 8443 } accept; udp dport 60-66 accept; counter jump more; }; chain more { udp dport 68 accept; tcp dport 8081 accept; }; }'",
            );
        },
        verdict: "error",
        says: "port 67/udp (DHCP) on lab0 (the policy of chain guard input), port 4011/udp (PXE) on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("nft delete table inet guard")),
    },
    Fault {
        id: "P07",
        name: "a rule of nftables drops TFTP's acknowledgements and what leaves",
        plant: |cell| {
            cell.sh(
                "nft 'table ip strict { chain input { type filter hook input priority 10; udp dport { 67, 69, 4011 } accept; \
                 tcp dport 8080 accept; udp dport 1024-65535 counter drop; }; \
                 chain output { type filter hook output priority 0; policy drop; udp sport { 67, 4011 } accept; tcp sport 8080 \
                 accept; }; }'",
            );
        },
        verdict: "error",
        says: "TFTP blocks that leave on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("nft delete table ip strict")),
    },
    Fault {
        id: "P07",
        name: "iptables drops in a chain of its own",
        plant: |cell| {
            cell.sh(
                "iptables -N guard && iptables -A INPUT -m comment --comment 'a b' -j guard && \
                 iptables -A guard -i lab0 -p udp -m multiport --dports 69,4011 -j DROP && \
                 iptables -A guard -p tcp -m tcp --dport 8000:8100 -j REJECT",
            );
        },
        verdict: "error",
        says: "port 69/udp (TFTP) on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("nft flush ruleset")),
    },
    Fault {
        id: "P07",
        name: "the older iptables has a policy that drops",
        plant: |cell| drop(cell.sh("iptables-legacy -P INPUT DROP && iptables-legacy -A INPUT -i lo -j ACCEPT")),
        verdict: "error",
        says: "port 8080/tcp (HTTP) on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("iptables-legacy -P INPUT ACCEPT && iptables-legacy -F")),
    },
    Fault {
        id: "P09",
        name: "an image belongs to another user",
        plant: |cell| {
            cell.sh(&format!(
                "mkdir -p {0}/images/x && touch {0}/images/x/linux && chown 65534:65534 {0}/images/x/linux",
                cell.data().display()
            ));
        },
        verdict: "warning",
        says: "images/x/linux",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("rm -r {}/images", cell.data().display()))),
    },
];

const DISK: &[Fault] = &[
    Fault {
        id: "S01",
        name: "there is no data directory",
        plant: |cell| drop(cell.sh(&format!("mv {0} {0}.away", cell.data().display()))),
        verdict: "error",
        says: "there is no data directory",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("rmdir {0} && mv {0}.away {0}", cell.data().display()))),
    },
    Fault {
        id: "S01",
        name: "the disk is mounted for reading only",
        plant: |cell| drop(cell.sh(&format!("mount -t tmpfs -o ro none {}", cell.data().display()))),
        verdict: "error",
        says: "mounted for reading only",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("umount {}", cell.data().display()))),
    },
    Fault {
        id: "S02",
        name: "the data directory is in memory",
        plant: |cell| drop(cell.sh(&format!("mount -t tmpfs none {}", cell.data().display()))),
        verdict: "warning",
        says: "a file system of type tmpfs",
        // It is moved to a disk.
        mend: Hand(|cell| drop(cell.sh(&format!("umount {}", cell.data().display())))),
        tidy: nothing,
    },
    Fault {
        id: "S03",
        name: "the record is no record",
        plant: |cell| {
            fs::write(cell.data().join("bootwright.db"), "not a database, and never was one").expect("a file");
        },
        verdict: "error",
        says: "the record cannot be read",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("rm {}/bootwright.db.damaged", cell.data().display()))),
    },
    Fault {
        id: "S05",
        name: "an image that nobody boots fills the disk",
        plant: |cell| {
            let (data, directory) = (cell.data().display().to_string(), cell.directory.display().to_string());
            cell.sh(&format!(
                "mount -t tmpfs -o size=200m none {data} && mkdir -p {directory}/big && \
                 head -c 160000000 /dev/zero > {directory}/big/disk"
            ));
            let said = cell.bootwright(&["image", "add", "big", &format!("{directory}/big")]);
            assert_eq!(said.code, 0, "{said:?}");
            fs::remove_file(cell.directory.join("big/disk")).expect("it was there");
        },
        verdict: "error",
        says: "is full: ",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("umount {}", cell.data().display()))),
    },
    Fault {
        id: "S06",
        name: "small files have used up the inodes",
        plant: |cell| {
            cell.sh(&format!(
                "mount -t tmpfs -o nr_inodes=400 none {0} && cd {0} && mkdir many && i=0 && \
                 while [ $i -lt 350 ]; do : > many/$i; i=$((i+1)); done",
                cell.data().display()
            ));
        },
        verdict: "error",
        says: "takes no more files",
        // Somebody removes what he can do without.
        mend: Hand(|cell| drop(cell.sh(&format!("rm -r {}/many", cell.data().display())))),
        tidy: |cell| drop(cell.sh(&format!("umount {}", cell.data().display()))),
    },
    Fault {
        id: "S04",
        name: "the record is a month ahead of the clock",
        plant: |cell| drop(cell.sh(&format!("touch -d '+30 days' {}/bootwright.db", cell.data().display()))),
        verdict: "error",
        says: "days behind the time at which the record was last written",
        // The printed command would set the clock of the machine on which the tests run. What it comes to is that the record
        // is not ahead any more.
        mend: Hand(|cell| drop(cell.sh(&format!("touch {}/bootwright.db", cell.data().display())))),
        tidy: |cell| drop(cell.sh(&format!("rm {}/bootwright.db", cell.data().display()))),
    },
];

const RULES: &str = "[profiles.a]\nkernel = \"http://x/a\"\ndone = \"manual\"\n[profiles.b]\nkernel = \"http://x/b\"\ndone = \"manual\"\n";

fn rules(cell: &Cell, first: &str, second: &str) {
    with(
        cell,
        &format!(
            "{RULES}[[rules]]\nname = \"one\"\nprofile = \"a\"\nwhen = {{ serial = \"{first}\" }}\n[[rules]]\nname = \"two\"\n\
             profile = \"b\"\nwhen = {{ serial = \"{second}\" }}\n"
        ),
    );
}

fn secret(cell: &Cell) {
    let file = cell.directory.join("luks");
    fs::write(&file, "hunter2\n").expect("a file");
    with(
        cell,
        &format!("[secrets]\nluks = {{ file = \"{}\" }}\n", file.display()),
    );
}

/// A key that ends so many days from now on, beside the configuration that names it.
fn key(cell: &Cell, ends: &str, begins: &str) {
    cell.sh(&format!(
        "rm -rf {0}/gpg && mkdir -m 700 {0}/gpg && export GNUPGHOME={0}/gpg && \
         gpg --batch --quiet --passphrase '' {begins} --quick-generate-key vendor@example.net ed25519 sign {ends} && \
         gpg --batch --quiet --export --armor > {0}/vendor.asc; gpgconf --kill all",
        cell.directory.display()
    ));
    with(
        cell,
        "[images.live]\nsource = \"https://example.net/live.tar\"\nkeys = \"vendor.asc\"\n",
    );
}

const CONFIGURATION: &[Fault] = &[
    Fault {
        id: "C01",
        name: "a key is misspelled",
        plant: |cell| cell.config("[server]\ninterface = [\"lab0\"]\n"),
        verdict: "error",
        says: "config.toml:2:1: ",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "C02",
        name: "a host is meant for a profile that is not there",
        plant: |cell| with(cell, "[hosts.oak]\nmac = \"52:54:00:00:00:01\"\nprofile = \"debain\"\n"),
        verdict: "error",
        says: "there is no profile `debain`",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "C02",
        name: "a directory for TFTP is not there",
        plant: |cell| with(cell, "[tftp]\nroot = \"/srv/nowhere-at-all\"\n"),
        verdict: "warning",
        says: "`tftp.root` names `/srv/nowhere-at-all`",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "C03",
        name: "two rules pull at one host",
        plant: |cell| rules(cell, "R1*", "*7"),
        verdict: "warning",
        says: "rules `one` and `two` can match the same host",
        mend: Hand(|cell| rules(cell, "R1*", "R2*7")),
        tidy: plain_config,
    },
    Fault {
        id: "C04",
        name: "a rule stands behind one that takes everything",
        plant: |cell| rules(cell, "*", "R1*"),
        verdict: "warning",
        says: "rule `two` behind rule `one`",
        mend: Hand(|cell| rules(cell, "R1*", "R2*")),
        tidy: plain_config,
    },
    Fault {
        id: "C05",
        name: "everybody may read a secret",
        plant: |cell| {
            secret(cell);
            cell.sh(&format!("chmod 644 {}/luks", cell.directory.display()));
        },
        verdict: "warning",
        says: "everybody on this box may read",
        mend: ByCommand,
        tidy: plain_config,
    },
    Fault {
        id: "C05",
        name: "everybody may change the configuration",
        plant: |cell| drop(cell.sh(&format!("chmod 666 {}/config.toml", cell.directory.display()))),
        verdict: "warning",
        says: "everybody on this box may change",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "C05",
        name: "a secret is not there",
        plant: |cell| {
            secret(cell);
            fs::remove_file(cell.directory.join("luks")).expect("it was there");
        },
        verdict: "warning",
        says: "the secret `luks` cannot be had",
        // Somebody who knows it puts it there.
        mend: Hand(|cell| drop(cell.sh(&format!("umask 077; echo hunter3 > {}/luks", cell.directory.display())))),
        tidy: plain_config,
    },
    Fault {
        id: "I01",
        name: "a boot program is missing, and a package has it",
        plant: |cell| {
            packaged(cell);
            fs::remove_file(cell.shipped().join("snponly.efi")).expect("it was there");
        },
        verdict: "error",
        says: "snponly.efi",
        mend: ByCommand,
        tidy: |cell| {
            cell.sh(&format!(
                "mv {}/firmware/snponly.efi {} && umount /usr/lib/ipxe",
                cell.data().display(),
                cell.shipped().display()
            ));
        },
    },
    Fault {
        id: "I01",
        name: "a boot program was changed",
        plant: |cell| drop(cell.sh(&format!("echo more >> {}/undionly.kpxe", cell.shipped().display()))),
        verdict: "error",
        says: "undionly.kpxe` is not served: its SHA-256 is ",
        // Where no package has it, it is fetched again.
        mend: Hand(|cell| drop(cell.sh(&format!("truncate -s 70000 {}/undionly.kpxe", cell.shipped().display())))),
        tidy: nothing,
    },
    Fault {
        id: "I02",
        name: "an image was not added yet",
        plant: |cell| {
            cell.sh(&format!(
                "mkdir -p {0}/live && echo kernel > {0}/live/linux",
                cell.directory.display()
            ));
            image_config(cell);
        },
        verdict: "warning",
        says: "image `live` is missing",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "I02",
        name: "a file of an image was changed in place",
        plant: |cell| {
            image_config(cell);
            // Of the same length, so that only its bytes tell; and not in the store from which images share files.
            cell.sh(&format!(
                "cd {}/images/live && rm linux && echo KERNEL > linux",
                cell.data().display()
            ));
        },
        verdict: "warning",
        says: "image `live` was changed",
        mend: ByCommand,
        tidy: |cell| {
            cell.sh(&format!("rm -r {}/images", cell.data().display()));
            plain_config(cell);
        },
    },
    Fault {
        id: "I03",
        name: "kernel and ramdisk are of two versions",
        plant: |cell| {
            with(
                cell,
                "[profiles.odd]\nkernel = \"http://x/vmlinuz-6.1.0-18-amd64\"\ninitrds = \
                 [\"http://x/initrd.img-6.1.0-13-amd64\"]\ndone = \"manual\"\n",
            );
        },
        verdict: "warning",
        says: "profile `odd` boots kernel 6.1.0-18-amd64 with the ramdisk of 6.1.0-13-amd64",
        mend: Hand(|cell| {
            with(
                cell,
                "[profiles.odd]\nkernel = \"http://x/vmlinuz-6.1.0-18-amd64\"\ninitrds = \
                 [\"http://x/initrd.img-6.1.0-18-amd64\"]\ndone = \"manual\"\n",
            );
        }),
        tidy: plain_config,
    },
    Fault {
        id: "I04",
        name: "a BIOS is led to an `https:` URL",
        plant: |cell| {
            with(
                cell,
                "[profiles.web]\nkernel = \"https://example.net/linux\"\ndone = \"manual\"\n",
            )
        },
        verdict: "warning",
        says: "profile `web` leads to `https://example.net/linux`, and `undionly.kpxe`",
        mend: Hand(|cell| {
            with(
                cell,
                "[profiles.web]\nkernel = \"/images/web/linux\"\ndone = \"manual\"\n",
            )
        }),
        tidy: plain_config,
    },
    Fault {
        id: "I05",
        name: "a vendor's key has ended",
        plant: |cell| key(cell, "1y", "--faked-system-time 20200101T000000"),
        verdict: "error",
        says: "vendor@example.net) has ended",
        // The vendor is asked for its present key.
        mend: Hand(|cell| key(cell, "never", "")),
        tidy: plain_config,
    },
    Fault {
        id: "I05",
        name: "a vendor's key is about to end",
        plant: |cell| key(cell, "10d", ""),
        verdict: "warning",
        says: "vendor@example.net) ends in ",
        mend: Hand(|cell| key(cell, "2y", "")),
        tidy: plain_config,
    },
];

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
    live_through(&Cell::new("network"), NETWORK);
}

#[test]
fn faults_of_ports_and_filters_are_found_and_what_is_printed_repairs_them() {
    live_through(&Cell::new("ports"), PORTS);
}

#[test]
fn faults_of_the_disk_are_found_and_what_is_printed_repairs_them() {
    live_through(&Cell::new("disk"), DISK);
}

#[test]
fn faults_of_the_configuration_and_images_are_found_and_what_is_printed_repairs_them() {
    live_through(&Cell::new("config"), CONFIGURATION);
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
