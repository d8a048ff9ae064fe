//! The tiers of the gate.

use std::io::{BufRead as _, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Error, Result, anyhow};

use super::caches::Caches;
use super::count::Count;
use crate::{package, process, tree};

/// One tier: a list of commands that must all succeed.
pub(crate) struct Tier {
    pub(crate) name: &'static str,
    /// What its success shows, in a few words.
    pub(crate) proves: &'static str,
    /// Whether `--fast` leaves it out.
    pub(crate) slow: bool,
    /// Where it writes below cargo's target directory, and what it adds there where nothing was built before, in megabytes,
    /// rounded up.
    pub(super) room: (&'static str, u64),
    /// Whether it makes network namespaces and opens privileged ports.
    root: bool,
    /// Tools and the Debian packages that bring them.
    tools: &'static [(&'static str, &'static str)],
    steps: &'static [Step],
}

/// One command of a tier.
enum Step {
    /// `cargo …`: one check, unless its output reports counts.
    Cargo(&'static [&'static str]),
    /// `cargo xtask …`, which is this very program.
    Task(&'static [&'static str]),
}

/// What the pure tiers need: a C compiler for the bundled SQLite.
const COMPILER: &[(&str, &str)] = &[("cc", "gcc"), ("/usr/include/stdlib.h", "libc6-dev")];

/// What the daemon is tried against: real clients and servers in namespaces.
const NETWORK: &[(&str, &str)] = &[
    ("cc", "gcc"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("iptables-legacy", "iptables"),
    ("setcap", "libcap2-bin"),
    ("dnsmasq", "dnsmasq-base"),
    ("ignition-validate", "ignition"),
    ("dhclient", "isc-dhcp-client"),
    ("dhcpcd", "dhcpcd-base"),
    ("busybox", "busybox"),
    ("perfdhcp", "kea-admin"),
    ("tftp", "tftp-hpa"),
    ("atftp", "atftp"),
    ("curl", "curl"),
    ("sqlite3", "sqlite3"),
    ("strace", "strace"),
    // Other people's archives, discs and signatures.
    ("gpg", "gpg"),
    ("gpgconf", "gpgconf"),
    ("gpg-agent", "gpg-agent"),
    ("xorriso", "xorriso"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
    ("/usr/bin/python3", "python3"),
    ("/usr/lib/python3/dist-packages/jsonschema", "python3-jsonschema"),
    ("/usr/lib/python3/dist-packages/grpc", "python3-grpcio"),
    ("openssl", "openssl"),
    // The numbers and the alert rules, as Prometheus reads them.
    ("promtool", "prometheus"),
    ("logger", "bsdutils"),
    // The dashboard as people see it, and its judge of accessibility.
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("npm", "npm"),
];

/// All tiers, the quick ones first.
pub(crate) const TIERS: &[Tier] = &[
    Tier {
        name: "format",
        proves: "the sources are as rustfmt writes them",
        slow: false,
        room: ("debug", 0),
        root: false,
        tools: &[],
        steps: &[Step::Cargo(&["fmt", "--all", "--check"])],
    },
    Tier {
        name: "lints",
        proves: "clippy has nothing to say",
        slow: false,
        room: ("debug", 900),
        root: false,
        tools: COMPILER,
        steps: &[Step::Cargo(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ])],
    },
    Tier {
        name: "tidy",
        proves: "arrows, dependencies, lengths, paths in documents, firmware hashes, example configurations",
        slow: false,
        room: ("debug", 500),
        root: false,
        tools: &[("git", "git")],
        steps: &[Step::Task(&["tidy"])],
    },
    Tier {
        name: "unit",
        proves: "stories, golden files, parsers and the seeded forms of the fuzz targets",
        slow: false,
        room: ("debug", 1300),
        root: false,
        tools: COMPILER,
        steps: &[
            Step::Cargo(&["test", "--locked", "--workspace", "--lib", "--bins", "--no-fail-fast"]),
            Step::Cargo(&["test", "--locked", "--workspace", "--doc", "--no-fail-fast"]),
        ],
    },
    Tier {
        name: "simulation",
        proves: "the pure crates from outside; machines, wire and store with faults, in virtual time",
        slow: false,
        room: ("debug", 300),
        root: false,
        tools: COMPILER,
        steps: &[Step::Cargo(&[
            "test",
            "--locked",
            "--workspace",
            "--exclude=bootwright",
            "--exclude=bootwright-images",
            "--exclude=bootwright-console",
            "--exclude=bootwright-net",
            "--exclude=bootwright-store",
            "--no-fail-fast",
            "--test=*",
        ])],
    },
    Tier {
        name: "shell",
        proves: "the real process with real sockets and files, in network namespaces",
        slow: false,
        room: ("debug", 500),
        root: true,
        tools: NETWORK,
        steps: &[
            Step::Task(&["cloud-init"]),
            Step::Task(&["prove", "firmware"]),
            Step::Task(&["kickstart"]),
            Step::Task(&["schemathesis"]),
            Step::Cargo(&[
                "test",
                "--locked",
                "--package=bootwright",
                "--package=bootwright-images",
                "--package=bootwright-console",
                "--package=bootwright-net",
                "--package=bootwright-store",
                "--no-fail-fast",
                "--test=*",
            ]),
        ],
    },
    Tier {
        name: "lab",
        proves: "real firmware in virtual machines installs once",
        slow: true,
        room: ("lab", 800),
        root: true,
        tools: &[],
        steps: &[Step::Task(&["lab"]), Step::Task(&["prove", "keep"])],
    },
    Tier {
        name: "compose",
        proves: "the container, started by Compose v1 and v2, installs a virtual machine",
        slow: true,
        room: ("lab/compose", 4500),
        root: true,
        tools: &[],
        steps: &[Step::Task(&["lab", "--compose"])],
    },
];

impl Tier {
    /// Runs all steps, even after a failed one. A tier that cannot run has failed.
    pub(super) fn run(&self, caches: Caches) -> (Count, Option<Error>) {
        self.run_when(self.ready(), caches)
    }

    fn run_when(&self, ready: Result<()>, caches: Caches) -> (Count, Option<Error>) {
        if let Err(error) = ready {
            return (
                Count { passed: 0, failed: 1 },
                Some(error.context("this tier cannot run here")),
            );
        }
        let mut count = Count::default();
        let mut trouble = None;
        for step in self.steps {
            let (part, error) = step.run(caches);
            count.add(part);
            trouble = trouble.or(error);
        }
        (count, trouble)
    }

    /// One that does next to nothing and takes so much room.
    #[cfg(test)]
    pub(super) fn of_room(mb: u64) -> Self {
        Tier {
            name: "none",
            proves: "nothing",
            slow: false,
            room: ("nowhere", mb),
            root: false,
            tools: &[],
            steps: &[Step::Cargo(&["--version"])],
        }
    }

    fn ready(&self) -> Result<()> {
        if self.root && !package::is_root() {
            return Err(anyhow!(
                "it makes network namespaces and opens ports below 1024: run the gate as root (sudo -E cargo xtask test)"
            ));
        }
        package::need(self.tools)
    }
}

impl Step {
    fn run(&self, caches: Caches) -> (Count, Option<Error>) {
        let mut command = match self {
            Self::Cargo(arguments) => {
                let mut command = tree::cargo();
                command.args(*arguments);
                command
            }
            Self::Task(arguments) => match std::env::current_exe() {
                Ok(program) => {
                    let mut command = Command::new(program);
                    command.current_dir(tree::root()).args(*arguments);
                    command
                }
                Err(error) => return (Count { passed: 0, failed: 1 }, Some(error.into())),
            },
        };
        caches.tell(&mut command);
        match watch(&mut command, &mut std::io::stdout()) {
            Ok(count) => judge(count, None),
            Err((count, error)) => judge(count, Some(error)),
        }
    }
}

/// A command that reports no counts is one check itself; one that fails without a failed check adds one.
fn judge(mut count: Count, error: Option<Error>) -> (Count, Option<Error>) {
    match &error {
        Some(_) if count.failed == 0 => count.failed = 1,
        None if count == Count::default() => count.passed = 1,
        Some(_) | None => {}
    }
    (count, error)
}

/// Runs a command, passing its output on and adding up the counts in it.
fn watch(command: &mut Command, onward: &mut dyn Write) -> Result<Count, (Count, Error)> {
    let mut count = Count::default();
    match watch_into(command, onward, &mut count) {
        Ok(()) => Ok(count),
        Err(error) => Err((count, error)),
    }
}

fn watch_into(command: &mut Command, onward: &mut dyn Write, count: &mut Count) -> Result<()> {
    let line = process::line(command);
    writeln!(onward, "--- {line}")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let output = child.stdout.take().context("no output to read")?;
    let mut reader = BufReader::new(output);
    let mut buffer = Vec::new();
    while reader.read_until(b'\n', &mut buffer)? > 0 {
        onward.write_all(&buffer)?;
        if let Some(part) = Count::from_line(&String::from_utf8_lossy(&buffer)) {
            count.add(part);
        }
        buffer.clear();
    }
    let status = child.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(anyhow!("`{line}` failed ({status})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Count, Option<Error>) {
        // Kept from this test's own output, where a real gate would count it.
        match watch(Command::new("sh").args(["-c", script]), &mut std::io::sink()) {
            Ok(count) => judge(count, None),
            Err((count, error)) => judge(count, Some(error)),
        }
    }

    #[test]
    fn counts_of_several_test_binaries_add_up() {
        let script = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'; echo noise; echo '3 passed, 0 failed'";
        let (count, error) = shell(script);
        assert_eq!((count.passed, count.failed, error.is_none()), (5, 0, true));
    }

    #[test]
    fn a_command_without_counts_is_one_check() {
        assert_eq!(shell("true").0, Count { passed: 1, failed: 0 });
        let (count, error) = shell("exit 7");
        assert_eq!(count, Count { passed: 0, failed: 1 });
        assert!(error.unwrap().to_string().contains("exit status: 7"));
    }

    #[test]
    fn a_command_that_dies_after_good_counts_has_failed() {
        let (count, error) = shell("echo '9 passed, 0 failed'; exit 1");
        assert_eq!((count, error.is_some()), (Count { passed: 9, failed: 1 }, true));
    }

    #[test]
    fn a_tier_that_cannot_run_has_failed_with_the_reason() {
        let tier = Tier::of_room(0);
        let (count, error) = tier.run_when(Err(anyhow!("missing here: `swtpm`")), Caches::AsUsual);
        assert_eq!(count, Count { passed: 0, failed: 1 });
        assert_eq!(
            format!("{:#}", error.unwrap()),
            "this tier cannot run here: missing here: `swtpm`"
        );
    }
}
