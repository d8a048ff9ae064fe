//! A proof of `cargo xtask serve`, by that very command: it fetches, builds, starts, and answers machines.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::firmware::manifest::sha256;
use crate::scratch::Scratch;
use crate::{package, process, tree};

/// How long fetching, building and starting may take, on a machine with much else to do.
const START: Duration = Duration::from_secs(1800);
/// The network that it serves: a cable to nobody, with the address of a box.
const ADDRESS: &str = "192.0.2.1";
/// What a BIOS machine begins with.
const PROGRAM: &str = "undionly.kpxe";

/// What was started, ended whatever happens. With the first process inside the kernel ends all others.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Starts it with an empty `/run` and a network of its own, and asks what an operator and what a machine would.
pub(crate) fn prove() -> Result<()> {
    if !package::is_root() {
        bail!("the proof makes a network namespace, which only root may\nrun it again with `sudo`");
    }
    package::need(&[
        ("unshare", "util-linux"),
        ("setpriv", "util-linux"),
        ("nsenter", "util-linux"),
        ("ip", "iproute2"),
        ("curl", "curl"),
    ])?;
    // What can be fetched is fetched first: inside there is no way out.
    crate::firmware::ensure_present()?;
    let place = Scratch::new("serve")?;
    let script = format!(
        "mount -t tmpfs serve /run && ip link set lo up && ip link add eth0 type veth peer name machine0 && \
         ip link set machine0 up && ip address add {ADDRESS}/24 dev eth0 && ip link set eth0 up && \
         exec \"$@\""
    );
    // When we die, however we die, `unshare` is killed, and takes all that runs inside with it.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "unshare"])
        .args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
        ])
        .args([&script, "sh"])
        .arg(std::env::current_exe()?)
        .args(["serve", "--data-dir"])
        .arg(place.path())
        .stdin(Stdio::null());
    let mut served = Served(command.spawn()?);
    let program = tree::target().join("release/bootwright");
    let deadline = Instant::now() + START;
    let status = loop {
        if let Some(ended) = served.0.try_wait()? {
            bail!("`cargo xtask serve` ended ({ended})");
        }
        // Ready with status 0: the interface is served, the store can be written.
        let ask = |mut ask: Command| process::output(ask.arg(&program).arg("status"));
        if let Ok(status) = inside(&served.0).and_then(ask) {
            break status;
        }
        ensure!(
            Instant::now() < deadline,
            "`cargo xtask serve` is not ready after {} s",
            START.as_secs()
        );
        thread::sleep(Duration::from_millis(500));
    };
    ensure!(
        status.contains(&format!("eth0 {ADDRESS}: served")),
        "it does not serve eth0:\n{status}"
    );
    for url in [
        format!("http://{ADDRESS}:8080/firmware/{PROGRAM}"),
        format!("tftp://{ADDRESS}/{PROGRAM}"),
    ] {
        let got =
            process::output_bytes(inside(&served.0)?.args(["curl", "--silent", "--fail", "--max-time", "60", &url]))?;
        let pinned = fs::read(tree::root().join("firmware").join(PROGRAM))?;
        ensure!(
            sha256(&got) == sha256(&pinned),
            "{url} has other bytes than `firmware/{PROGRAM}`"
        );
    }
    println!("{status}");
    println!("`cargo xtask serve` serves a machine's network and `{PROGRAM}` by HTTP and TFTP");
    println!("1 passed, 0 failed");
    Ok(())
}

/// A command in the mounts and the network of what was started.
fn inside(unshare: &Child) -> Result<Command> {
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", unshare.id()))?;
    let first = children.split_whitespace().next().context("nothing runs inside yet")?;
    let mut command = Command::new("nsenter");
    command.args(["--target", first, "--mount", "--net", "--pid", "--"]);
    Ok(command)
}
