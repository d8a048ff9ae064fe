//! A program that the lab takes for Bootwright: it does what it is told by way of the container.
//!
//! The lab starts it in Bootwright's network namespace, with the options of the real one. `serve` starts dockerd there,
//! whose containers on the host's network then are on the lab's segment, and brings the compose file up. Any other
//! command is handed to the program in the container.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::composer::{self, Composer, PROJECT};
use super::docker::{self, Docker, Images};
use crate::{process, tree};

/// Tells the stand-in that it has already moved to the lab's mounts.
const MOVED: &str = "BOOTWRIGHT_STAND_IN_MOVED";

/// Writes the script that the lab starts; the lab wants one file.
pub(super) fn write(composer: Composer) -> Result<PathBuf> {
    let path = tree::target().join(format!("lab/compose/bootwright-{}", composer.name()));
    let program = std::env::current_exe().context("this program has no path")?;
    let script = format!(
        "#!/bin/sh\nexec '{}' lab-compose stand-in {} -- \"$@\"\n",
        program.display(),
        composer.name()
    );
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Does what the real program would.
pub(super) fn be(composer: Composer, arguments: &[String]) -> Result<()> {
    let order = Order::read(arguments)?;
    let place = order.socket.with_extension("docker");
    if order.command.first().map(String::as_str) == Some("serve") {
        if std::env::var_os(MOVED).is_none() {
            return move_to_the_labs_mounts(composer, arguments);
        }
        return serve(composer, &order, &place);
    }
    let socket = docker::socket(&place);
    let Some(id) = composer::container(&socket)? else {
        bail!("the container does not run")
    };
    let mut command = docker::client(&socket, &["exec", &id, "/usr/bin/bootwright"]);
    // It takes this process's place: the lab reads its output and its status.
    Err(command.args(&order.command).exec()).context("cannot start the client of Docker")
}

/// `ip netns exec` shows a process a `/sys` without control groups, which dockerd needs. The first process of the lab
/// still has them; the network stays the one that we were started in.
fn move_to_the_labs_mounts(composer: Composer, arguments: &[String]) -> Result<()> {
    let mut command = Command::new("nsenter");
    command
        .args(["--target", "1", "--mount", "--"])
        .arg(std::env::current_exe().context("this program has no path")?)
        .args(["lab-compose", "stand-in", composer.name(), "--"])
        .args(arguments)
        .env(MOVED, "1");
    Err(command.exec()).context("cannot start `nsenter`")
}

fn serve(composer: Composer, order: &Order, place: &Path) -> Result<()> {
    // Beside the socket that the lab asked for: in the lab's own `/run`, which ends with it.
    fs::create_dir_all(place)?;
    let docker = Docker::start(place, Images::Run)?;
    docker.load_image()?;
    let project = order.data.with_file_name("project");
    composer::lay_out(&project)?;
    fs::create_dir_all(project.join("config"))?;
    fs::copy(&order.config, project.join("config/config.toml"))?;
    let compose = |arguments: &[&str]| composer.command(docker.socket(), &project, arguments);
    // The volume is as the image has it once a container was made with it. By itself, since Compose v1 never ends if it shall
    // create services without starting them and one waits for another's end.
    process::output(&mut compose(&[
        "up",
        "--no-start",
        "--no-build",
        "--no-deps",
        "bootwright",
    ]))?;
    let volume = format!("{PROJECT}_data");
    let place = process::output(&mut docker.client(&["volume", "inspect", "--format={{.Mountpoint}}", &volume]))?;
    process::output(
        Command::new("cp")
            .arg("-r")
            .arg(order.data.join("images"))
            .arg(place.trim()),
    )?;
    // In front, as people start it; what the containers say is what the daemon says.
    let mut up = compose(&["up", "--no-build", "--no-color"]);
    let status = up.stdin(Stdio::null()).stdout(std::io::stderr()).status()?;
    bail!("`{}` ended ({status})", process::line(&up))
}

/// What the lab asks for.
#[derive(Debug)]
struct Order {
    socket: PathBuf,
    config: PathBuf,
    data: PathBuf,
    /// The command and its own options.
    command: Vec<String>,
}

impl Order {
    /// Reads `--socket FILE COMMAND …`, and of `serve` the options that have another meaning in the container.
    fn read(arguments: &[String]) -> Result<Self> {
        let [option, socket, command @ ..] = arguments else {
            bail!("too few arguments: {arguments:?}")
        };
        if option != "--socket" {
            bail!("the lab no longer says `--socket` first: {arguments:?}");
        }
        let value = |name: &str| {
            let place = command.iter().position(|word| word == name);
            PathBuf::from(
                place
                    .and_then(|place| command.get(place + 1))
                    .map_or("", String::as_str),
            )
        };
        let (config, data) = (value("--config"), value("--data-dir"));
        Ok(Self {
            socket: PathBuf::from(socket),
            config,
            data,
            command: command.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(line: &str) -> Result<Order> {
        Order::read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_the_lab_says_is_understood() {
        let serve = order("--socket /run/lab/boot1.sock serve --config /l/config.toml --data-dir /l/data").unwrap();
        assert_eq!((serve.config, serve.data), ("/l/config.toml".into(), "/l/data".into()));
        let events = order("--socket /run/lab/boot1.sock events --json --follow").unwrap();
        assert_eq!(
            (events.command.join(" "), events.socket),
            ("events --json --follow".to_owned(), "/run/lab/boot1.sock".into())
        );
        assert!(order("events --json").is_err());
    }
}
