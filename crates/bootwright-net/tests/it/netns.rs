//! Network namespaces for tests: private segments with no route outside, gone when the test ends.
//!
//! A [`Netns`] is made with `ip netns add`, so that daemons can be started in it ([`Netns::command`]), and a test's own
//! code runs inside on a thread of its own ([`Netns::run`]). The file stands alone: other crates' tests include it with
//! `#[path]`, and need only `nix` (features `sched` and `mount`) for it.

#![allow(
    dead_code,
    reason = "each test binary that includes this file uses its own part of it"
)]

use std::fs::File;
use std::panic::resume_unwind;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

/// One network namespace with its loopback device up. It and all its devices vanish on drop.
pub(crate) struct Netns {
    name: String,
}

impl Netns {
    /// A fresh namespace. `role` is part of its name, for whoever looks with `ip netns` while a test runs.
    ///
    /// # Panics
    /// When namespaces cannot be made here: it takes root and the `ip` command.
    pub(crate) fn new(role: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let namespace = Self {
            name: format!("bw-{}-{number}-{role}", std::process::id()),
        };
        run("ip", &["netns", "add", &namespace.name]);
        namespace.ip("link set lo up");
        namespace
    }

    /// The name, as `ip netns` shows it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` inside; the words of `arguments` are separated by white space.
    ///
    /// # Panics
    /// When it fails, with what it said.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        let mut words = vec!["-n", &self.name];
        words.extend(arguments.split_whitespace());
        run("ip", &words)
    }

    /// A command that runs inside, with a `/sys` that shows the namespace's own devices.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs `work` on a thread inside and returns what it returned. A panic goes on in the caller.
    ///
    /// Threads that `work` starts (a runtime's too) are inside as well. `/sys` shows the namespace's own devices there,
    /// as it does for a process started with `ip netns exec`.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter();
                work()
            });
            inside.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Moves the current thread inside, for good. Meant for threads of the test's own; see [`Netns::run`].
    ///
    /// # Panics
    /// When the kernel refuses.
    pub(crate) fn enter(&self) {
        let handle = File::open(format!("/run/netns/{}", self.name)).expect("the namespace has a handle");
        setns(handle, CloneFlags::CLONE_NEWNET).expect("entering a network namespace takes root");
        // What /sys/class/net shows is fixed when it is mounted: this thread gets a /sys of its own.
        unshare(CloneFlags::CLONE_NEWNS).expect("a thread's own mounts take root");
        let none: Option<&str> = None;
        mount(none, "/", none, MsFlags::MS_SLAVE | MsFlags::MS_REC, none).expect("mounts here stay here");
        // Already without a /sys is as good as freshly without.
        let _ = umount2("/sys", MntFlags::MNT_DETACH);
        mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).expect("a fresh /sys");
    }

    /// Drops about `percent` of the UDP packets that arrive on `device`, at random.
    ///
    /// Works on kernels without `sch_netem`: it is a rule of nftables on the device's way in. Calling it again
    /// changes the rate; 0 ends the loss.
    ///
    /// # Panics
    /// When `nft` is missing or refuses.
    pub(crate) fn drop_udp(&self, device: &str, percent: f64) {
        let table = format!("loss_{device}");
        let _ = self.command("nft").args(["delete", "table", "netdev", &table]).output();
        if percent <= 0.0 {
            return;
        }
        let chance = match (percent * 100.0).round() {
            share if share < 10_000.0 => format!("numgen random mod 10000 < {share}"),
            _ => String::new(),
        };
        let rules = format!(
            "table netdev {table} {{ chain arriving {{ type filter hook ingress device \"{device}\" priority 0; \
             ip protocol udp {chance} drop; }}; }}"
        );
        succeeded("nft", self.command("nft").arg(&rules).output());
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

/// One end of a cable: the namespace it is plugged into, the device's name there, and its address (`10.1.0.1/24`) if any.
pub(crate) struct End<'a> {
    pub(crate) inside: &'a Netns,
    pub(crate) device: &'a str,
    pub(crate) address: Option<&'a str>,
}

impl<'a> End<'a> {
    /// An end with an address.
    pub(crate) fn new(inside: &'a Netns, device: &'a str, address: &'a str) -> Self {
        let address = Some(address);
        Self {
            inside,
            device,
            address,
        }
    }

    /// An end without an address, such as a bridge port or a client that has none yet.
    pub(crate) fn bare(inside: &'a Netns, device: &'a str) -> Self {
        Self {
            inside,
            device,
            address: None,
        }
    }
}

/// Lays a cable (a veth pair) between two namespaces, gives both ends their addresses and switches them on.
///
/// # Panics
/// When `ip` refuses.
pub(crate) fn cable(one: &End<'_>, other: &End<'_>) {
    one.inside.ip(&format!(
        "link add {} type veth peer name {} netns {}",
        one.device,
        other.device,
        other.inside.name()
    ));
    for end in [one, other] {
        // Without duplicate address detection and router solicitations the wire is silent until a test speaks.
        end.inside.ip(&format!("link set {} addrgenmode none", end.device));
        if let Some(address) = end.address {
            end.inside
                .ip(&format!("addr add {address} broadcast + dev {}", end.device));
        }
        end.inside.ip(&format!("link set {} up", end.device));
    }
}

/// The hardware address of a device, as `ip` and the kernel spell it.
pub(crate) fn mac(inside: &Netns, device: &str) -> String {
    let shown = inside.ip(&format!("-o link show {device}"));
    let mut words = shown.split_whitespace().skip_while(|word| *word != "link/ether");
    words.nth(1).expect("an Ethernet device has an address").to_owned()
}

fn run(program: &str, arguments: &[&str]) -> String {
    succeeded(program, Command::new(program).args(arguments).output())
}

fn succeeded(program: &str, output: std::io::Result<Output>) -> String {
    let output = output.unwrap_or_else(|error| panic!("cannot run `{program}`: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "`{program}` failed, network namespaces take root: {said}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
