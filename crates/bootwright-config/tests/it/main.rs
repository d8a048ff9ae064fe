//! Configurations as operators write them, and what is said of them.

mod default;
mod example;
mod foreign;
mod foreign_ignition;
mod foreign_matchbox;
mod menu;
mod merge;
mod mistake;
mod noise;
mod place;
mod policy;

use bootwright_config::{Loaded, Source, load, render_all};
use expect_test::Expect;

fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// Reads nothing: for configurations that name no file.
fn no_files(_: &str) -> Result<String, String> {
    Err("no such file".to_owned())
}

/// What is said of one file, as a terminal shows it.
fn said(text: &str) -> String {
    said_of(&[source("config.toml", text)])
}

fn said_of(sources: &[Source]) -> String {
    match load(sources, &no_files) {
        Ok(loaded) => render_all(&loaded.warnings),
        Err(errors) => render_all(&errors),
    }
}

/// Asserts what is said of one file.
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&said(text));
}

/// A configuration without mistakes.
fn good(text: &str) -> Loaded {
    load(&[source("config.toml", text)], &no_files).unwrap_or_else(|errors| panic!("{}", render_all(&errors)))
}
