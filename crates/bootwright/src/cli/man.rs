//! `bootwright man`: the pages of the manual.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use serde::Serialize;

use super::failure::{Failure, plain};
use super::print::Printer;
use super::{Arguments, Exit};

/// What `man --json` prints.
#[derive(Serialize)]
struct Written {
    files: Vec<String>,
}

/// Writes a page for the program and one for each command.
pub(super) fn write(printer: Printer, directory: &Path) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    command.build();
    let mut files = Vec::new();
    let written = fs::create_dir_all(directory).and_then(|()| page(&command, directory, &mut files));
    written.map_err(|error| Failure::File {
        message: format!("cannot write to `{}`: {}", directory.display(), plain(&error)),
        hint: "name a directory that you may write to".to_owned(),
    })?;
    let document = Written { files };
    printer.document(&document, |document| {
        format!("wrote {} pages to `{}`\n", document.files.len(), directory.display())
    })?;
    Ok(Exit::Good)
}

fn page(command: &Command, directory: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    let mut text = Vec::new();
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    Man::new(command.clone())
        .title(name.to_uppercase())
        .source(concat!("bootwright ", env!("CARGO_PKG_VERSION")))
        .manual("Bootwright")
        .render(&mut text)?;
    let place = directory.join(format!("{name}.1"));
    fs::write(&place, text)?;
    files.push(place.display().to_string());
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    below.into_iter().try_for_each(|below| page(below, directory, files))
}
