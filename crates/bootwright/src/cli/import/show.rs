//! What an import comes to, for people.

use super::super::check::{count, counted};
use super::super::site::diagnostic_words;
use super::super::table::{Table, or_dash, safe};
use super::{Report, Severity};

pub(super) fn words(report: &Report, write: bool) -> String {
    let mut words = String::new();
    if !report.left.is_empty() {
        words.push_str("what is not carried over, or not as a whole:\n\n");
        words.push_str(&diagnostic_words(&report.left));
        if report.more_left > 0 {
            words.push_str(&format!("and {} more\n\n", report.more_left));
        }
    }
    if !report.written {
        let first = report.files.first().map_or("", String::as_str);
        words.push_str(&format!("`{}` would be:\n\n{}\n", safe(first), report.config));
    }
    if !report.machines.is_empty() {
        let mut table = Table::new(&["HOST", "MAC", "BECOMES", ""]);
        for machine in &report.machines {
            table.row([
                machine.host.clone(),
                or_dash(machine.mac.as_deref()),
                meaning(machine.becomes).to_owned(),
                match machine.told {
                    Some(false) => "(stays as it was decided before)".to_owned(),
                    _ => String::new(),
                },
            ]);
        }
        words.push_str(&table.text(""));
        words.push('\n');
    }
    if !report.check.diagnostics.is_empty() {
        words.push_str("`bootwright check` of the configuration with this file:\n\n");
        words.push_str(&diagnostic_words(&report.check.diagnostics));
    }
    for step in &report.steps {
        words.push_str(&format!("to do: {step}\n"));
    }
    words.push_str(&end(report, write));
    words
}

fn end(report: &Report, write: bool) -> String {
    let warnings = counted(count(&report.check.diagnostics, Severity::Warning), "warning");
    let left = counted(report.left.len() + report.more_left, "line");
    let kept = format!("{left} could not be carried over as a whole");
    if !report.check.accepted {
        return format!("the result does not pass `bootwright check`, so that nothing was changed; {kept}\n");
    }
    let check = format!("the result passes `bootwright check` with {warnings}; {kept}");
    if report.written {
        let files: String = report
            .files
            .iter()
            .map(|file| format!("wrote `{}`\n", safe(file)))
            .collect();
        return format!("{files}{check}; no machine was armed\n");
    }
    let hint = if write {
        ""
    } else {
        "; nothing was changed: `--write` does it"
    };
    format!("{check}{hint}\n")
}

/// What a machine is told that became so.
const fn meaning(becomes: &str) -> &'static str {
    match becomes.as_bytes() {
        b"installed" => "installed: boots its own disk, locked",
        b"waiting" => "waiting: held until an operator decides",
        _ => "ignored: is not answered",
    }
}
