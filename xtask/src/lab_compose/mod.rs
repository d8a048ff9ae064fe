//! `cargo xtask lab --compose`: the container, from the Dockerfile to a machine that installed through it.
//!
//! A real dockerd, started by hand with directories of its own, builds the real Dockerfile. Then each Compose (the old
//! one in Python and the current one) brings up the real `docker-compose.yml`: first in an empty directory, as on the
//! day somebody copies that file to a new box, then inside the lab, where a virtual machine installs through it. There
//! the lab takes a stand-in for the binary: it starts dockerd in Bootwright's place on the segment, and hands every
//! command to the program in the container.
//!
//! Nothing is pulled: the base image is made from Debian packages, under the name that the Dockerfile asks for.

mod base;
mod bridge;
mod capsule;
mod composer;
mod docker;
mod fresh;
mod image;
mod standin;

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use self::composer::Composer;
use crate::{lab, package, process, tree};

/// A part of this that runs in namespaces of its own.
#[derive(clap::Args)]
pub(crate) struct Part {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(clap::Subcommand)]
enum Kind {
    /// Build the image.
    Image { place: PathBuf },
    /// Start in an empty directory and look at what runs.
    Fresh { composer: String, place: PathBuf },
    /// Be Bootwright, by way of the container.
    StandIn {
        composer: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Builds the image, and has each Compose start it and the lab install a machine through it.
pub(crate) fn run(_args: &lab::Args) -> Result<()> {
    if !package::is_root() {
        bail!(
            "the container's lab starts dockerd in namespaces of its own, which only root may\nrun it again with `sudo`"
        );
    }
    package::need(docker::needed()?)?;
    std::fs::create_dir_all(tree::target().join("lab/compose"))?;
    base::prepare()?;
    let composers = Composer::all()?;
    let (mut passed, mut failed) = (0, 0);
    let mut prove = |what: &str, outcome: Result<()>| {
        match &outcome {
            Ok(()) => println!("ok      {what}"),
            Err(error) => println!("FAILED  {what}\n{error:#}\n"),
        }
        *(if outcome.is_ok() { &mut passed } else { &mut failed }) += 1;
        outcome.is_ok()
    };
    let start = Instant::now();
    let built = prove(
        "the Dockerfile builds",
        capsule::run(capsule::Network::Host, &["image"]),
    );
    println!("        in {} s", start.elapsed().as_secs());
    for composer in composers.iter().filter(|_| built) {
        let name = composer.name();
        prove(
            &format!("Compose {name} starts it in an empty directory"),
            capsule::run(capsule::Network::Own, &["fresh", name]),
        );
        prove(
            &format!("a machine installs through the container of Compose {name}"),
            install(*composer),
        );
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("the container is not right");
    }
    Ok(())
}

/// Runs one part, inside.
pub(crate) fn run_part(part: &Part) -> Result<()> {
    match &part.kind {
        Kind::Image { place } => image::build(place),
        Kind::Fresh { composer, place } => fresh::prove(Composer::named(composer)?, place),
        Kind::StandIn { composer, arguments } => standin::be(Composer::named(composer)?, arguments),
    }
}

/// One boot of the lab, with the container in the binary's place.
fn install(composer: Composer) -> Result<()> {
    let binary = standin::write(composer)?;
    let mut command = Command::new(std::env::current_exe().context("this program has no path")?);
    command
        .args(["lab", "--jobs", "1", "--bootwright"])
        .arg(binary)
        .arg(composer.scenario());
    process::run_apart(&mut command)
}
