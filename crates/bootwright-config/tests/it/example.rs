//! The examples that the project ships: each is a configuration without a complaint, and what it makes is well formed.
#![allow(clippy::disallowed_methods, reason = "the examples are files")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bootwright_config::{Source, load, render_all};
use bootwright_content::{Context, check_host, check_profile, made_up, render_document};
use bootwright_core::{Policy, Profile};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples")
}

/// The directories of the examples, by name.
fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory()).expect("there are examples");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("a directory").path()).collect();
    found.sort();
    found
}

fn policy(example: &Path) -> Policy {
    let path = example.join("config.toml");
    let read = |path: &str| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let text = read(&path.display().to_string()).expect("each example has a config.toml");
    let sources = [Source {
        path: path.display().to_string(),
        text,
    }];
    let loaded = load(&sources, &read).unwrap_or_else(|errors| panic!("{}", render_all(&errors)));
    assert_eq!(render_all(&loaded.warnings), "");
    loaded.policy
}

/// A profile for each host that it is meant for, and for one that has neither labels nor metadata.
fn contexts(policy: &Policy, profile: &Profile) -> Vec<Context> {
    let mut contexts = vec![made_up(profile)];
    for (name, definition) in &policy.hosts {
        let mut context = made_up(profile);
        context.host = name.clone();
        context.labels.configured = definition.labels.clone();
        context.metadata.configured = definition.metadata.clone();
        contexts.push(context);
    }
    contexts
}

#[test]
fn every_example_is_a_configuration_without_a_complaint() {
    let names: Vec<String> = examples()
        .iter()
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    for name in ["debian", "fedora-coreos", "flatcar", "memtest", "minimal"] {
        assert!(names.iter().any(|found| found == name), "{name} among {names:?}");
    }
    for example in examples() {
        let policy = policy(&example);
        assert!(!policy.profiles.is_empty(), "{}", example.display());
        for profile in policy.profiles.values() {
            assert_eq!(check_profile(profile), []);
            for context in contexts(&policy, profile) {
                assert_eq!(check_host(profile, &context), []);
            }
        }
    }
}

#[test]
fn every_script_of_an_example_is_one_that_a_shell_reads() {
    let mut scripts = 0;
    for example in examples() {
        let policy = policy(&example);
        for profile in policy.profiles.values() {
            for name in profile.files.keys().filter(|name| name.ends_with(".sh")) {
                for context in contexts(&policy, profile) {
                    let script = render_document(profile, name, &context).expect("it renders");
                    let mut shell = Command::new("sh")
                        .args(["-n", "-s"])
                        .stdin(Stdio::piped())
                        .spawn()
                        .expect("a shell");
                    shell
                        .stdin
                        .take()
                        .expect("its input")
                        .write_all(script.as_bytes())
                        .expect("it reads");
                    assert!(
                        shell.wait().expect("it ends").success(),
                        "{} {name}:\n{script}",
                        example.display()
                    );
                    scripts += 1;
                }
            }
        }
    }
    assert!(scripts > 5, "{scripts} scripts were read");
}

/// A report that no template of an example makes would leave its runs open until their deadline.
#[test]
fn every_example_that_waits_for_a_call_makes_one() {
    for example in examples() {
        let policy = policy(&example);
        for profile in policy
            .profiles
            .values()
            .filter(|profile| profile.done == bootwright_core::DoneTrigger::Callback)
        {
            let context = made_up(profile);
            // Harvester calls a URL, the others run a script.
            let call = format!("{}/done", context.run_url().expect("a run"));
            let documents: Vec<String> = profile
                .files
                .keys()
                .map(|name| render_document(profile, name, &context).expect("it renders"))
                .collect();
            assert!(
                documents
                    .iter()
                    .any(|text| text.contains("bootwright_report done") || text.contains(&call)),
                "{}",
                example.display()
            );
        }
    }
}
