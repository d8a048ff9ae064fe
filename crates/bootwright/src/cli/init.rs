//! `bootwright init`: the first configuration.

use std::path::Path;

use serde::Serialize;

use super::Exit;
use super::failure::{Failure, plain};
use super::print::Printer;
use crate::starter::{self, Outcome};

/// What `init --json` prints.
#[derive(Serialize)]
struct Initialised {
    config: String,
    written: bool,
}

pub(super) fn run(printer: Printer, config: &Path, lenient: bool) -> Result<Exit, Failure> {
    let written = starter::write_if_missing(config).map_err(|cause| Failure::File {
        message: format!("cannot write `{}`: {}", config.display(), plain(&cause)),
        hint: "name another file with `--config`, or go on without one: every key has a default".to_owned(),
    });
    let outcome = match written {
        Err(failure) if lenient => {
            eprint!("{}", failure.words().unwrap_or_default());
            None
        }
        written => Some(written?),
    };
    let document = Initialised {
        config: config.display().to_string(),
        written: outcome == Some(Outcome::Written),
    };
    printer.document(&document, |document| match outcome {
        Some(Outcome::Written) => format!("wrote `{}`; every key in it is commented out\n", document.config),
        Some(_) => format!("`{}` is there already; nothing was changed\n", document.config),
        // Why not stands above it.
        None => String::new(),
    })?;
    Ok(Exit::Good)
}
