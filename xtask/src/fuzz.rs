//! `cargo xtask fuzz`: the targets of `crates/bootwright-fuzz` under libFuzzer, one after the other.
//!
//! The bodies of the targets run in the ordinary tests too, with a seeded generator; this is for the long search.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{package, process, tree};

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only these targets; all of them without.
    target: Vec<String>,
    /// Name the targets and run none.
    #[arg(long)]
    list: bool,
}

/// Where the targets are, from the top of the tree.
const CRATE: &str = "crates/bootwright-fuzz";
/// The programs for libFuzzer have this in front of the target's name.
const PREFIX: &str = "fuzz-";
/// libFuzzer is C++, and comes as its source.
const COMPILER: &[(&str, &str)] = &[("cc", "gcc"), ("c++", "g++")];
/// An input that takes longer than so many seconds is a finding.
const TIMEOUT_SECS: u32 = 10;
/// And so is one that takes more memory, in megabytes.
const MEMORY_MB: u32 = 1024;

#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Bin>,
}

#[derive(Deserialize)]
struct Bin {
    name: String,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

/// Runs the targets. What they find stops the run, and lies below `target/fuzz`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let manifest = tree::root().join(CRATE).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
    let all = targets(&text)?;
    if args.list {
        all.iter().for_each(|target| println!("{target}"));
        return Ok(());
    }
    if let Some(unknown) = args.target.iter().find(|name| !all.contains(name)) {
        bail!("there is no target `{unknown}`; there are {}", all.join(", "));
    }
    package::need(COMPILER)?;
    let chosen = if args.target.is_empty() { &all } else { &args.target };
    let path = with_cargo_fuzz()?;
    for target in chosen {
        search(target, args.seconds, &path)?;
    }
    println!("{} passed, 0 failed", chosen.len());
    Ok(())
}

/// The names of the targets in the crate's manifest.
fn targets(manifest: &str) -> Result<Vec<String>> {
    let manifest: Manifest = toml::from_str(manifest).context("cannot read the manifest of the fuzz targets")?;
    let bins = manifest.bin.into_iter().filter(|bin| !bin.required_features.is_empty());
    Ok(bins
        .filter_map(|bin| bin.name.strip_prefix(PREFIX).map(str::to_owned))
        .collect())
}

/// A `PATH` on which cargo finds `cargo fuzz`, which is built below `target` where it is not there.
fn with_cargo_fuzz() -> Result<std::ffi::OsString> {
    let tools = tree::target().join("tools");
    let mut directories = vec![tools.join("bin")];
    directories.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(directories).context("a directory of PATH has a colon in its name")?;
    let version = tree::cargo()
        .env("PATH", &path)
        .args(["fuzz", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        process::run(
            tree::cargo()
                .args(["install", "cargo-fuzz", "--locked", "--root"])
                .arg(&tools),
        )?;
    }
    Ok(path)
}

fn search(target: &str, seconds: u64, path: &std::ffi::OsStr) -> Result<()> {
    let corpus = made(&["fuzz", "corpus", target])?;
    let findings = made(&["fuzz", "findings", target])?;
    let mut seeds = tree::cargo();
    seeds.args([
        "run",
        "--quiet",
        "--package=bootwright-fuzz",
        "--bin=fuzz-seeds",
        "--",
        target,
    ]);
    process::run(seeds.arg(&corpus))?;
    process::run(&mut cargo_fuzz("build", target, path))?;
    let mut fuzz = cargo_fuzz("run", target, path);
    fuzz.arg(&corpus)
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={TIMEOUT_SECS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"))
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .args(["-max_len=4096", "-print_final_stats=1", "-verbosity=1"]);
    run_quietly(&mut fuzz, target, &findings)
}

/// `cargo fuzz`, to do this with a target.
fn cargo_fuzz(what: &str, target: &str, path: &std::ffi::OsStr) -> Command {
    let mut cargo = tree::cargo();
    cargo
        .env("PATH", path)
        // The sanitizers are asked for by unstable options; the stable compiler has them all the same.
        .env("RUSTC_BOOTSTRAP", "1")
        // Seven programs are linked, and none of them is slow for want of it.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .args(["fuzz", what, "--fuzz-dir", CRATE, "--features=libfuzzer"])
        .arg("--target-dir")
        .arg(tree::target().join("fuzz").join("build"))
        .arg(format!("{PREFIX}{target}"));
    cargo
}

/// Runs libFuzzer and shows its last words only, unless it found something.
fn run_quietly(fuzz: &mut Command, target: &str, findings: &std::path::Path) -> Result<()> {
    println!("--- {}", process::line(fuzz));
    let done = fuzz
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", process::line(fuzz)))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        eprintln!("{said}");
        bail!("`{target}` has a finding, which lies in `{}`", findings.display());
    }
    for line in said.lines().filter(|line| line.starts_with("stat::")) {
        println!("{target}: {}", line.trim_start_matches("stat::"));
    }
    Ok(())
}

/// A directory below `target`.
fn made(parts: &[&str]) -> Result<PathBuf> {
    let directory = parts.iter().fold(tree::target(), |path, part| path.join(part));
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_manifest_and_have_a_body_each() {
        let directory = tree::root().join(CRATE);
        let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let targets = targets(&manifest).unwrap();
        assert!(targets.len() >= 7, "{targets:?}");
        for target in targets {
            assert!(directory.join(format!("src/{target}.rs")).is_file(), "{target}");
            assert!(
                directory.join(format!("fuzz_targets/{target}.rs")).is_file(),
                "{target}"
            );
        }
    }
}
