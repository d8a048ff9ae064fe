//! What holds without a word of configuration.

use bootwright_config::{Daemon, Diagnostic, Source, load, render_all};
use bootwright_core::Policy;

use crate::{no_files, source};

/// The shipped file, with every key that stands in it as a comment switched on.
fn switched_on() -> String {
    let shipped = include_str!("../../../../config/config.toml");
    let mut text = String::new();
    for line in shipped.lines() {
        text.push_str(
            line.strip_prefix("#")
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
                .unwrap_or(line),
        );
        text.push('\n');
    }
    text
}

/// What a configuration says, whatever stands where in it.
fn read(sources: &[Source]) -> (Policy, Daemon, Vec<Diagnostic>) {
    let loaded = load(sources, &no_files).unwrap_or_else(|errors| panic!("{}", render_all(&errors)));
    (loaded.policy, loaded.daemon, loaded.warnings)
}

fn defaults() -> (Policy, Daemon, Vec<Diagnostic>) {
    (Policy::default(), Daemon::default(), Vec::new())
}

#[test]
fn an_empty_configuration_is_the_default_one() {
    assert_eq!(read(&[source("config.toml", "")]), defaults());
    assert_eq!(read(&[]), defaults());
}

#[test]
fn the_shipped_file_changes_nothing() {
    let shipped = include_str!("../../../../config/config.toml");
    assert_eq!(read(&[source("config.toml", shipped)]), defaults());
}

#[test]
fn every_key_of_the_shipped_file_shows_its_default() {
    let text = switched_on();
    assert!(text.contains("\nmax_attempts = "), "keys were switched on:\n{text}");
    assert_eq!(read(&[source("config.toml", &text)]), defaults());
}

/// The examples, which are indented behind the comment sign, switched on as well.
#[test]
fn the_examples_of_the_shipped_file_can_be_used() {
    let mut text = switched_on();
    for line in include_str!("../../../../config/config.toml").lines() {
        let example = line.strip_prefix('#').filter(|rest| rest.starts_with("     "));
        if let Some(example) = example.filter(|example| !example.trim_start().starts_with("bootwright ")) {
            text.push_str(example);
            text.push('\n');
        }
    }
    let read = |path: &str| match path {
        "preseed.cfg" => Ok("d-i preseed/late_command string wget -O- {{ run.url }}/done\n".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    let loaded =
        load(&[source("config.toml", &text)], &read).unwrap_or_else(|errors| panic!("{}", render_all(&errors)));
    assert_eq!(render_all(&loaded.warnings), "");
    let Policy {
        profiles, hosts, rules, ..
    } = loaded.policy;
    assert_eq!((profiles.len(), hosts.len(), rules.len()), (2, 1, 1));
}

#[test]
fn the_reference_names_every_key_of_the_shipped_file() {
    let reference = include_str!("../../../../docs/configuration.md");
    let mut keys = 0;
    let mut section = "";
    for line in include_str!("../../../../config/config.toml").lines() {
        if line.starts_with('[') {
            section = line;
            assert!(reference.contains(&format!("`{line}`")), "{line}");
        }
        let key = line
            .strip_prefix('#')
            .and_then(|rest| rest.split_once(" = "))
            .map(|(key, _)| key);
        let Some(key) = key.filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase())) else {
            continue;
        };
        if section != "[dhcp.arch]" {
            assert!(reference.contains(&format!("| `{key}` |")), "{section} {key}");
            keys += 1;
        }
    }
    assert!(keys >= 25, "{keys} keys were looked for");
}
