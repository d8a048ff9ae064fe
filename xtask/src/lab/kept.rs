//! A proof of `cargo xtask lab --keep`, by that very command: it stays up, what it says to type works, and an interrupt takes
//! all of it down.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process;

/// The shortest story.
const SCENARIO: &str = "bios-rom";
/// How long everything may take to end.
const END: Duration = Duration::from_secs(20);

/// A lab that is ended whatever happens.
struct Lab(Child);

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Plays one story, looks around as the lab says how to, and interrupts it.
pub(crate) fn prove() -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["lab", "--keep", SCENARIO])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut lab = Lab(command.spawn()?);
    let said = lab.0.stdout.take().context("a pipe was asked for")?;
    let mut hints = Vec::new();
    let mut stays = false;
    for line in BufReader::new(said).lines() {
        let line = line?;
        println!("{line}");
        stays |= line.contains("stays up until Ctrl-C");
        if let Some(hint) = line.strip_prefix("    ").filter(|_| stays) {
            hints.push(hint.to_owned());
        }
        // The last thing that it says.
        if line.contains("tcpdump") {
            break;
        }
    }
    let [enter, list, events, capture] = hints.as_slice() else {
        bail!("the lab does not say how to look around: {hints:?}")
    };
    ensure!(lab.0.try_wait()?.is_none(), "the lab has ended although it shall stay");

    let hosts = inside(enter, list)?;
    let is_installed = hosts
        .lines()
        .any(|line| line.contains(SCENARIO) && line.contains("installed"));
    ensure!(is_installed, "`{list}` shows no installed machine:\n{hosts}");
    let told = inside(enter, events)?;
    ensure!(told.contains("done"), "`{events}` does not tell of the end:\n{told}");
    // The capture itself needs a program that not everybody has; its namespace is there.
    let namespace = capture.split(" tcpdump").next().unwrap_or_default();
    let links = inside(enter, &format!("{namespace} ip -brief address show eth0"))?;
    ensure!(links.contains("eth0"), "`{namespace}` has no eth0:\n{links}");

    let entrance = enter.split_whitespace().nth(2).context("`--target PID`")?;
    let processes = namespace_of(entrance)?;
    let within = processes_in(&processes)?;
    ensure!(
        within.len() >= 3,
        "a daemon and a DHCP server run inside, not only {within:?}"
    );
    process::output(Command::new("kill").args(["-INT", &lab.0.id().to_string()]))?;
    let deadline = Instant::now() + END;
    let status = loop {
        if let Some(status) = lab.0.try_wait()? {
            break status;
        }
        ensure!(Instant::now() < deadline, "the lab does not end when it is interrupted");
        thread::sleep(Duration::from_millis(50));
    };
    ensure!(
        status.signal() == Some(2),
        "it ended otherwise than by the interrupt: {status}"
    );
    loop {
        let left = processes_in(&processes)?;
        if left.is_empty() {
            break;
        }
        ensure!(Instant::now() < deadline, "processes of the lab are left: {left:?}");
        thread::sleep(Duration::from_millis(50));
    }
    ensure!(
        !Path::new(super::capsule::SOCKETS).exists(),
        "the lab's sockets are left on this machine"
    );
    println!(
        "the lab stayed, was looked at, and is gone with its {} processes",
        within.len()
    );
    println!("1 passed, 0 failed");
    Ok(())
}

/// Runs what the lab says to type, inside.
fn inside(enter: &str, line: &str) -> Result<String> {
    process::output(Command::new("sh").args(["-c", &format!("{enter} {line}")]))
}

/// The process namespace of a process, as the kernel names it.
fn namespace_of(process: &str) -> Result<String> {
    let link = fs::read_link(format!("/proc/{process}/ns/pid"))?;
    Ok(link.display().to_string())
}

/// The processes in a process namespace. One that ends meanwhile is in none.
fn processes_in(namespace: &str) -> Result<Vec<String>> {
    let names = fs::read_dir("/proc")?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let numbers = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    Ok(numbers
        .filter(|number| namespace_of(number).is_ok_and(|found| found == namespace))
        .collect())
}
