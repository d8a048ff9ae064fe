//! What holds without a word of configuration.

use bootwright_config::{Daemon, Loaded, load};
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

fn defaults() -> Loaded {
    Loaded {
        policy: Policy::default(),
        daemon: Daemon::default(),
        warnings: Vec::new(),
    }
}

#[test]
fn an_empty_configuration_is_the_default_one() {
    assert_eq!(load(&[source("config.toml", "")], &no_files), Ok(defaults()));
    assert_eq!(load(&[], &no_files), Ok(defaults()));
}

#[test]
fn the_shipped_file_changes_nothing() {
    let shipped = include_str!("../../../../config/config.toml");
    assert_eq!(load(&[source("config.toml", shipped)], &no_files), Ok(defaults()));
}

#[test]
fn every_key_of_the_shipped_file_shows_its_default() {
    let text = switched_on();
    assert!(text.contains("\nmax_attempts = "), "keys were switched on:\n{text}");
    assert_eq!(load(&[source("config.toml", &text)], &no_files), Ok(defaults()));
}
