//! Words of the command line that make no sense, told as everything else is.

use std::process::ExitCode;

use clap::builder::{BoolishValueParser, TypedValueParser as _};
use clap::error::{Error, ErrorKind};

use super::failure::Failure;
use super::{Arguments, print};
use clap::CommandFactory as _;

/// Says what is wrong with the words, or gives the help that they ask for. Returns what the process should exit with.
pub(super) fn explain(error: &Error) -> ExitCode {
    if error.use_stderr()
        && wants_json()
        && let Some(document) = failure(error).document()
    {
        // There is nobody else to tell.
        let _ = print::raw(format!("{document}\n").as_bytes());
    }
    // Likewise.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

/// Whether a document is asked for, as far as that can be told of words that were not understood.
fn wants_json() -> bool {
    let mut words = std::env::args_os().skip(1).take_while(|word| word != "--");
    let variable = || {
        let value = std::env::var_os("BOOTWRIGHT_JSON")?;
        let parser = BoolishValueParser::new();
        parser.parse_ref(&Arguments::command(), None, &value).ok()
    };
    words.any(|word| word == "--json") || variable().unwrap_or(false)
}

fn failure(error: &Error) -> Failure {
    let text = error.render().to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
    let message = match error.kind() {
        // What is printed then is the help, without a word on what is wrong.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
        _ => lines.join(" ").trim_start_matches("error: ").to_owned(),
    };
    Failure::Usage {
        message,
        hint: "`bootwright help` shows the commands, and `--help` what each of them takes".to_owned(),
    }
}
