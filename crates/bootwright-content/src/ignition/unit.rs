//! systemd's units: their names, and that their text is read as one.

use std::ops::Range;

use crate::tree::{Fault, Node};

/// The kinds of units that Ignition writes.
const ENDINGS: &[&str] = &[
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "snapshot",
    "slice",
    "scope",
];

/// The longest line of a unit, in bytes, lines that are continued counted as one.
const LINE_BYTES_MAX: usize = 2048;

pub(super) fn check(unit: &Node, faults: &mut Vec<Fault>) {
    let name = unit.text("name").unwrap_or_default();
    if !name
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ENDINGS.contains(&ending))
    {
        let message = format!("`{}` is no name of a unit", name.escape_debug());
        let fault = Fault::new(unit.at("name"), message);
        faults.push(fault.hint("it ends in the unit's kind, such as `.service` or `.mount`"));
    }
    let contents = unit.text("contents").unwrap_or_default();
    text(contents, unit.at("contents"), faults);
    if unit.flag("enabled") == Some(true) && !contents.is_empty() && !has_install(contents) {
        let message = "the unit is enabled, but has no `[Install]` section, so that nothing starts it";
        faults.push(Fault::warning(unit.at("contents"), message));
    }
    for dropin in unit.list("dropins") {
        let name = dropin.text("name").unwrap_or_default();
        if !name.ends_with(".conf") {
            let message = format!("`{}` is no name of a drop-in", name.escape_debug());
            faults.push(Fault::new(dropin.at("name"), message).hint("it ends in `.conf`"));
        }
        text(
            dropin.text("contents").unwrap_or_default(),
            dropin.at("contents"),
            faults,
        );
    }
}

fn has_install(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "[Install]")
}

/// Reads a unit's text by systemd.syntax(7), as far as Ignition does.
fn text(text: &str, at: &Range<usize>, faults: &mut Vec<Fault>) {
    let mut in_section = false;
    let mut continued = 0;
    for (number, line) in text.lines().enumerate() {
        let shown = line.trim();
        let was_continued = continued > 0;
        continued = if line.ends_with('\\') {
            continued + line.len()
        } else {
            0
        };
        let refusal = if line.len().max(continued) > LINE_BYTES_MAX {
            Some(format!("is longer than {LINE_BYTES_MAX} bytes"))
        } else if was_continued || shown.is_empty() || shown.starts_with(['#', ';']) {
            if !was_continued && shown.starts_with(['#', ';']) {
                // A comment is not continued.
                continued = 0;
            }
            None
        } else if let Some(section) = shown.strip_prefix('[') {
            in_section = true;
            match section.split_once(']') {
                Some((_, "")) => None,
                Some(_) => Some("has something behind the name of its section".to_owned()),
                None => Some("begins a section with `[` and has no `]`".to_owned()),
            }
        } else if in_section && !shown.contains('=') {
            Some("sets nothing: it has no `=`".to_owned())
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let start: String = shown.chars().take(40).collect();
            let message = format!("line {} of the unit, `{}`, {refusal}", number + 1, start.escape_debug());
            faults.push(Fault::new(at, message));
            return;
        }
    }
}
