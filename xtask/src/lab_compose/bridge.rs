//! A day on which somebody takes the host's network away from the compose file.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::composer::{Composer, container, lay_out};
use super::docker::Docker;
use super::fresh::{down, inspect};
use crate::process;

/// How long Docker may take to call the daemon unhealthy: a start, and three checks of ten seconds each.
const UNHEALTHY: Duration = Duration::from_secs(120);
/// What makes it a container on Docker's own network when it is gone.
const HOST_NETWORK: &str = "    network_mode: host\n";
/// What the daemon must say, of what is wrong and of what to change.
const WORDS: [&str; 2] = [
    "is on a container engine's own network, where no machine's broadcast can arrive",
    "run the container with `network_mode: host`",
];

/// The container runs, says in its log and to its health check what is wrong, and is not started again and again.
pub(super) fn day(composer: Composer, docker: &Docker, project: &Path) -> Result<()> {
    lay_out(project)?;
    let file = project.join("docker-compose.yml");
    let text = fs::read_to_string(&file)?;
    ensure!(
        text.matches(HOST_NETWORK).count() == 1,
        "the compose file has no line `network_mode: host`, or several"
    );
    fs::write(&file, text.replace(HOST_NETWORK, ""))?;
    // Where Compose would wait for health, it would wait for an error.
    let words = ["up", "--detach", "--no-build"];
    process::output(&mut composer.command(docker.socket(), project, &words))?;
    let outcome = is_told(docker);
    let ended = down(composer, docker, project);
    outcome.and(ended)
}

fn is_told(docker: &Docker) -> Result<()> {
    let deadline = Instant::now() + UNHEALTHY;
    let (id, state) = loop {
        let id = container(docker.socket())?.context("the container on a bridge network does not run")?;
        let facts = inspect(docker, &id)?;
        let state = facts["State"].clone();
        if state["Health"]["Status"] == "unhealthy" {
            ensure!(
                facts["RestartCount"] == 0,
                "it was started {} times again",
                facts["RestartCount"]
            );
            break (id, state);
        }
        ensure!(
            Instant::now() < deadline,
            "Docker does not call the container unhealthy: {state}\n{}",
            said(docker, &id)?
        );
        thread::sleep(Duration::from_millis(500));
    };
    let log = said(docker, &id)?;
    let checks = state["Health"]["Log"].to_string();
    for words in WORDS {
        ensure!(log.contains(words), "`docker logs` does not say `{words}`:\n{log}");
        ensure!(
            checks.contains(words),
            "the health check does not say `{words}`:\n{checks}"
        );
    }
    ensure!(state["Running"] == true, "it does not run: {state}");
    Ok(())
}

/// What `docker logs` shows, of both streams.
fn said(docker: &Docker, id: &str) -> Result<String> {
    let mut command: Command = docker.client(&["logs", id]);
    let output = command.output().context("the client of Docker does not start")?;
    let bytes = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
