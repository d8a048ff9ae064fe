//! `bootwright help`: what a code means, and how a command is used.

use bootwright_content::nearest;
use clap::CommandFactory as _;
use serde::Serialize;

use super::failure::Failure;
use super::print::Printer;
use super::{Arguments, Exit};
use crate::code::{self, Code};

/// A code, as programs read it.
#[derive(Serialize)]
struct CodeView {
    code: &'static str,
    what: &'static str,
    why: &'static str,
    #[serde(rename = "do")]
    act: &'static str,
    check: &'static str,
    document: String,
}

impl CodeView {
    fn of(code: &Code) -> Self {
        Self {
            code: code.id,
            what: code.what,
            why: code.why,
            act: code.act,
            check: code.check,
            document: code.anchor(),
        }
    }
}

/// What is known of an error that is no entry of the table, such as one of iPXE.
#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    words: String,
}

pub(super) fn run(printer: Printer, words: &[String]) -> Result<Exit, Failure> {
    let Some(first) = words.first() else {
        return command(&[]);
    };
    if words.len() == 1 {
        if first == "codes" {
            let views: Vec<CodeView> = code::own()
                .chain(code::of_doctor())
                .chain(code::of_firmware())
                .map(CodeView::of)
                .collect();
            printer.document(&views, |_| code::list())?;
            return Ok(Exit::Good);
        }
        if let Some(found) = code::find(first) {
            printer.document(&CodeView::of(found), |_| found.words())?;
            return Ok(Exit::Good);
        }
        if let Some(words) = code::explain(first) {
            let told = Told { code: first, words };
            printer.document(&told, |told| told.words.clone())?;
            return Ok(Exit::Good);
        }
    }
    command(words)
}

/// The help of a command, or of all of them.
fn command(words: &[String]) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    // Only a command that was built shows the options that all have.
    command.build();
    let mut found = &mut command;
    for word in words {
        let names: Vec<String> = found
            .get_subcommands()
            .map(|below| below.get_name().to_owned())
            .collect();
        match found.find_subcommand_mut(word) {
            Some(below) => found = below,
            None => return Err(nothing(word, &names)),
        }
    }
    let text = found.render_long_help().to_string();
    super::print::raw(text.as_bytes())?;
    Ok(Exit::Good)
}

fn nothing(word: &str, names: &[String]) -> Failure {
    let shown: String = word.chars().take(80).filter(|c| !c.is_control()).collect();
    let codes = code::own().chain(code::of_firmware()).map(|code| code.id);
    let upper = shown.to_uppercase();
    let near = nearest(&upper, codes).or_else(|| nearest(&shown, names.iter().map(String::as_str)));
    Failure::Usage {
        message: format!("`{shown}` is neither a code nor a command"),
        hint: match near {
            Some(near) => format!("did you mean `bootwright help {near}`? `bootwright help codes` lists all codes"),
            None => "`bootwright help` lists the commands, `bootwright help codes` the codes".to_owned(),
        },
    }
}
