//! The first day: an empty directory, the compose file, one command.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::bridge;
use super::composer::{Composer, container, lay_out};
use super::docker::{Docker, Images, client};
use crate::{process, tree};

/// How long the container may take to be called healthy: several intervals of the health check, and a start.
const HEALTHY: Duration = Duration::from_secs(60);
/// Our address on the segment.
const OWN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// NET_BIND_SERVICE (bit 10) and NET_RAW (bit 13), and no other.
const RIGHTS: &str = "0000000000002400";

/// Starts it in an empty directory and looks at what runs; then again, with a configuration that somebody wrote.
pub(super) fn prove(composer: Composer, place: &Path) -> Result<()> {
    segment()?;
    let docker = Docker::start(place, Images::Run)?;
    docker.load_image()?;
    let project = place.join("box");
    lay_out(&project)?;
    let outcome = first_day(composer, &docker, &project)
        .and_then(|()| second_day(composer, &docker, &project))
        .and_then(|()| read_only_day(composer, &docker, &project))
        .and_then(|()| bridge::day(composer, &docker, &place.join("bridged")));
    if outcome.is_err() {
        // Whoever reads the failure wants to know what the daemon said.
        let _ = process::run_apart(&mut composer.command(docker.socket(), &project, &["logs", "--no-color"]));
    }
    let ended = down(composer, &docker, &project);
    outcome.and(ended)
}

fn first_day(composer: Composer, docker: &Docker, project: &Path) -> Result<()> {
    up(composer, docker, project)?;
    let id = healthy(docker)?;
    let written = fs::read_to_string(project.join("config/config.toml"))?;
    let wanted = fs::read_to_string(tree::root().join("config/config.toml"))?;
    ensure!(
        written == wanted,
        "the empty `./config` did not get the commented configuration"
    );
    contained(docker, &id)?;
    images_get_in(composer, docker, project)
}

/// The README's way for images to get into the volume, which works with both Composes and without a shell in the container.
fn images_get_in(composer: Composer, docker: &Docker, project: &Path) -> Result<()> {
    let images = project.join("debian");
    fs::create_dir_all(&images)?;
    fs::write(images.join("linux"), "a kernel")?;
    let id = process::output(&mut composer.command(docker.socket(), project, &["ps", "-q", "bootwright"]))?;
    let into = format!("{}:/var/lib/bootwright/images/", id.trim());
    process::output(docker.client(&["cp"]).arg(&images).arg(into))?;
    let mut stream = TcpStream::connect((OWN, 8080))?;
    stream.set_read_timeout(Some(HEALTHY))?;
    stream.write_all(b"GET /images/debian/linux HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\na kernel"),
        "what was copied into the volume is not served: {answer}"
    );
    Ok(())
}

/// What somebody wrote stays, and the store is the one of yesterday.
fn second_day(composer: Composer, docker: &Docker, project: &Path) -> Result<()> {
    process::output(&mut composer.command(docker.socket(), project, &["stop"]))?;
    let config = project.join("config/config.toml");
    fs::write(&config, "# mine\n[safety]\nmax_attempts = 1\n")?;
    up(composer, docker, project)?;
    healthy(docker)?;
    ensure!(
        fs::read_to_string(&config)?.starts_with("# mine\n"),
        "a configuration that was there was overwritten"
    );
    Ok(())
}

/// A directory that nobody can write to, root included, is no reason not to start.
fn read_only_day(composer: Composer, docker: &Docker, project: &Path) -> Result<()> {
    down(composer, docker, project)?;
    let config = project.join("config");
    process::output(
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", "ro", "none"])
            .arg(&config),
    )?;
    up(composer, docker, project)?;
    healthy(docker)?;
    ensure!(
        fs::read_dir(&config)?.next().is_none(),
        "something was written to a read-only directory"
    );
    Ok(())
}

/// A card on a segment with nobody else, for the daemon to serve on.
fn segment() -> Result<()> {
    let address = format!("address add {OWN}/24 dev eth0");
    for arguments in [
        "link set lo up",
        "link add eth0 type veth peer name far",
        address.as_str(),
        "link set eth0 up",
        "link set far up",
    ] {
        process::output(Command::new("ip").args(arguments.split(' ')))?;
    }
    Ok(())
}

pub(super) fn up(composer: Composer, docker: &Docker, project: &Path) -> Result<()> {
    let said = process::output(&mut composer.command(docker.socket(), project, composer.up()));
    said.map(drop)
}

pub(super) fn down(composer: Composer, docker: &Docker, project: &Path) -> Result<()> {
    let mut command = composer.command(docker.socket(), project, &["down", "--volumes", "--timeout", "20"]);
    process::output(&mut command).map(drop)
}

/// Waits until Docker calls the daemon healthy.
fn healthy(docker: &Docker) -> Result<String> {
    let deadline = Instant::now() + HEALTHY;
    loop {
        let mut last = "the container does not run".to_owned();
        if let Some(id) = container(docker.socket())? {
            let state = inspect(docker, &id)?["State"].clone();
            if state["Health"]["Status"] == "healthy" {
                return Ok(id);
            }
            last = state.to_string();
        }
        if Instant::now() > deadline {
            bail!("the container was not healthy within {} s: {last}", HEALTHY.as_secs());
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// It runs with as little as it needs.
fn contained(docker: &Docker, id: &str) -> Result<()> {
    let facts = inspect(docker, id)?;
    let host = &facts["HostConfig"];
    ensure!(
        facts["Config"]["User"] == "10001:10001",
        "it runs as {}",
        facts["Config"]["User"]
    );
    ensure!(host["ReadonlyRootfs"] == true, "its root is not read-only");
    ensure!(host["Privileged"] == false, "it is privileged");
    ensure!(host["NetworkMode"] == "host", "its network is {}", host["NetworkMode"]);
    ensure!(
        host["CapDrop"] == serde_json::json!(["ALL"]),
        "it drops only {}",
        host["CapDrop"]
    );
    let pid = facts["State"]["Pid"].to_string();
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let rights: Vec<&str> = status.lines().filter(|line| line.starts_with("Cap")).collect();
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        let wanted = format!("{set}:\t{RIGHTS}");
        ensure!(
            rights.contains(&wanted.as_str()),
            "`{wanted}` is not in\n{}",
            rights.join("\n")
        );
    }
    // Its own tools work inside, for whoever types `docker compose exec`.
    process::output(&mut client(docker.socket(), &["exec", id, "bootwright", "version"])).map(drop)
}

pub(super) fn inspect(docker: &Docker, id: &str) -> Result<Value> {
    let text = process::output(&mut docker.client(&["inspect", id]))?;
    let all: Value = serde_json::from_str(&text)?;
    Ok(all[0].clone())
}
