//! What a code means: the one table of all of ours, and what is known of those that firmware and iPXE show.
//!
//! Whoever sees a code asks `bootwright help CODE`, which needs no daemon and no network.

mod api;

mod config;
mod firmware;
mod ipxe;
mod place;
mod run;
mod segment;
mod store;

use std::fmt::Write as _;

pub use api::of_problem;
pub use ipxe::words as ipxe_words;

/// The document in which each code has a section.
const DOCUMENT: &str = "docs/codes.md";

/// A code and what a person needs to know of it. No part is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `E` and a number where something does not work, `W` where it works and is odd; the id of a check of the doctor; or the code that
    /// a machine shows.
    pub id: &'static str,
    /// What happened.
    pub what: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub act: &'static str,
    /// The command that shows whether it is so, and whether it helped.
    pub check: &'static str,
}

/// All codes of ours, in their order.
pub fn own() -> impl Iterator<Item = &'static Code> {
    let parts: [&[Code]; 6] = [
        place::CODES,
        segment::CODES,
        config::CODES,
        store::CODES,
        api::CODES,
        run::CODES,
    ];
    parts.into_iter().flatten()
}

/// The codes that the firmware of machines shows.
pub fn of_firmware() -> impl Iterator<Item = &'static Code> {
    firmware::CODES.iter()
}

/// The ids of the doctor's checks.
pub fn of_doctor() -> impl Iterator<Item = &'static Code> {
    crate::doctor::CHECKS.iter().map(|check| &check.code)
}

/// The code of this name, in any case of letters, one of ours, of the doctor or a firmware's.
#[must_use]
pub fn find(id: &str) -> Option<&'static Code> {
    own()
        .chain(of_doctor())
        .chain(of_firmware())
        .find(|code| code.id.eq_ignore_ascii_case(id.trim()))
}

/// What there is to say of a code that somebody saw: one of ours, a firmware's, or the number of an error of iPXE.
#[must_use]
pub fn explain(seen: &str) -> Option<String> {
    find(seen).map(Code::words).or_else(|| ipxe::explain(seen))
}

impl Code {
    /// Where the document tells of it.
    #[must_use]
    pub fn anchor(&self) -> String {
        if crate::doctor::find(self.id).is_some() {
            return "docs/doctor.md".to_owned();
        }
        format!("{DOCUMENT}#{}", self.id.to_lowercase())
    }

    /// All of it, for a terminal.
    #[must_use]
    pub fn words(&self) -> String {
        let Self {
            id,
            what,
            why,
            act,
            check,
        } = self;
        let mut text = format!("{id}  {what}\n");
        for (name, words) in [("why", *why), ("do", *act), ("check", *check)] {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n{name:<6}{}", wrapped(words, 6));
        }
        let _ = writeln!(text, "\n{:<6}{}", "more", self.anchor());
        text
    }
}

/// A text in lines of a terminal, those behind the first indented.
fn wrapped(words: &str, indent: usize) -> String {
    const WIDTH: usize = 94;
    let mut text = String::new();
    let mut column = indent;
    for word in words.split(' ') {
        let width = word.chars().count();
        if column > indent && column + 1 + width > WIDTH {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > indent {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text
}

/// A line for each code.
#[must_use]
pub fn list() -> String {
    let mut text = String::new();
    for code in own().chain(of_doctor()).chain(of_firmware()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<8}  {}", code.id, code.what);
    }
    text.push_str("\n`bootwright help CODE` says more. Errors of iPXE (`https://ipxe.org/2d0c618e`) are explained by their number.\n");
    text
}

/// The document of all codes.
#[must_use]
pub fn document() -> String {
    let mut text = "# Codes\n\nWhat log lines, warnings and refusals of Bootwright end with or begin with, and what the firmware of machines \
                    shows. `bootwright help CODE` prints the\nsame, without a daemon and without a network; `bootwright help codes` \
                    lists all. `E` means that something does not work, `W` that it works and\nis odd. This page is written from the \
                    program's table by a test.\n"
        .to_owned();
    for code in own().chain(of_firmware()) {
        let Code {
            id,
            what,
            why,
            act,
            check,
        } = code;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n## {id}\n\n{what}\n\n- Why it matters: {why}\n- What to do: {act}\n- How to check: {check}\n"
        );
    }
    text
}

#[cfg(test)]
mod tests;
