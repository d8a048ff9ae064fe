//! How far something has come, for people.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use bootwright_images::Progress;

use super::table::safe;

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 0;
    let mut tenths = bytes.saturating_mul(10) / 1024;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Tells of progress on the standard error: a line that changes on a terminal, else a line for each tenth of a file.
pub(super) struct Teller {
    state: RefCell<State>,
    terminal: bool,
}

struct State {
    /// Whether the present line is one that changes.
    open: bool,
    file: String,
    tenth: u64,
    begun: (Instant, u64),
}

impl Teller {
    pub(super) fn new() -> Self {
        Self {
            state: RefCell::new(State {
                open: false,
                file: String::new(),
                tenth: 0,
                begun: (Instant::now(), 0),
            }),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn tell(&self, progress: Progress) {
        match progress {
            Progress::Step(words) => {
                self.end_line();
                eprintln!("{}", safe(&words));
            }
            Progress::Bytes { name, done, total } => {
                let mut state = self.state.borrow_mut();
                if state.file != name || done < state.begun.1 {
                    state.file.clone_from(&name);
                    state.begun = (Instant::now(), done);
                    state.tenth = 0;
                }
                let share = total
                    .filter(|total| *total > 0)
                    .map(|total| done.saturating_mul(100) / total);
                let of = match (share, total) {
                    (Some(share), Some(total)) => format!("{} of {}, {share} %", size(done), size(total)),
                    _ => size(done),
                };
                let millis = u64::try_from(state.begun.0.elapsed().as_millis())
                    .unwrap_or(u64::MAX)
                    .max(1);
                let rate = (done - state.begun.1).saturating_mul(1000) / millis;
                if self.terminal {
                    state.open = true;
                    eprint!("\r\x1b[K{}: {of}, {}/s", safe(&name), size(rate));
                    // Nobody is left to tell if that fails.
                    let _ = std::io::stderr().flush();
                } else {
                    let tenth = share.map_or(done >> 26, |share| share / 10);
                    if tenth > state.tenth {
                        state.tenth = tenth;
                        eprintln!("{}: {of}", safe(&name));
                    }
                }
            }
        }
    }

    /// What is printed next begins on a line of its own.
    pub(super) fn end_line(&self) {
        let mut state = self.state.borrow_mut();
        if std::mem::take(&mut state.open) {
            eprintln!();
        }
    }
}
