//! The command line as an operator types it, and what it says.

#![allow(dead_code, reason = "each file of tests uses its own part of it")]

use std::path::Path;
use std::process::{Command, Stdio};

use crate::daemon::Daemon;

/// A site with profiles, a named host and rules, on which no machine is.
pub(crate) const SITE: &str = r#"
[server]
interfaces = ["lab0"]

[profiles.debian]
kernel = "/images/debian/linux"
initrds = ["/images/debian/initrd.gz"]
args = ["url={{ run.url }}/preseed.cfg"]
[profiles.debian.files]
"preseed.cfg" = { text = "d-i preseed/late_command string wget {{ run.url }}/done" }

[profiles.rescue]
kernel = "/images/rescue/linux"
done = "manual"

[hosts.oak-1]
mac = "52:54:00:00:00:01"
profile = "debian"
labels = { rack = "a" }

[hosts.oak-2]
mac = "52:54:00:00:00:02"

[[rules]]
name = "rack-b"
when = { "label.rack" = "b" }
profile = "rescue"
"#;

/// What a command did.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A command with nothing of this process's own settings.
pub(crate) fn bootwright() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootwright"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BOOTWRIGHT_")) {
        command.env_remove(name);
    }
    command.env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// Runs a command; the words of `arguments` are separated by white space.
pub(crate) fn run(arguments: &str) -> Said {
    finish(bootwright().args(arguments.split_whitespace()))
}

/// Runs a command of the daemon behind this socket.
pub(crate) fn ask(socket: &Path, arguments: &str) -> Said {
    finish(
        bootwright()
            .arg("--socket")
            .arg(socket)
            .args(arguments.split_whitespace()),
    )
}

pub(crate) fn finish(command: &mut Command) -> Said {
    let output = command.output().expect("the command runs");
    Said {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).expect("it prints text"),
        err: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// The document that a command prints.
pub(crate) fn json(socket: &Path, arguments: &str) -> serde_json::Value {
    let said = ask(socket, &format!("--json {arguments}"));
    serde_json::from_str(&said.out)
        .unwrap_or_else(|error| panic!("`{arguments}` printed no document: {error}\n{said:?}"))
}

/// Several commands one after the other, as a terminal shows them.
pub(crate) fn transcript(daemon: &Daemon<'_>, commands: &[&str]) -> String {
    let mut text = String::new();
    for command in commands {
        let said = ask(&daemon.socket(), command);
        text.push_str(&format!("$ bootwright {command}\n{}{}", said.out, said.err));
        if said.code != 0 {
            text.push_str(&format!("[exit {}]\n", said.code));
        }
    }
    settled(&text)
}

/// The text without what differs from run to run: how many seconds ago something was, and how soon it will be.
pub(crate) fn settled(text: &str) -> String {
    let mut text = text.to_owned();
    for seconds in (1..60).rev() {
        text = text.replace(&format!(" {seconds} s ago"), " now");
    }
    text.replace(" in 23 h", " in 1 d").replace(" in 5 h", " in 6 h")
}
