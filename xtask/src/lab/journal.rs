//! What happened to one machine, in order and from every source, for people to watch and for assertions to wait on.

use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Where a line comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// The harness acted on the machine: power, reset, a key pressed.
    Power,
    /// A packet on the machine's wire, in words.
    Wire,
    /// A line on the machine's first serial port.
    Serial,
    /// Bootwright's own event or log line.
    Bootwright,
    /// An operator's command.
    Operator,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Source::Power => "power",
            Source::Wire => "wire",
            Source::Serial => "serial",
            Source::Bootwright => "bootwright",
            Source::Operator => "operator",
        })
    }
}

/// One line of a journal.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    pub(crate) source: Source,
    pub(crate) text: String,
}

/// A place in a journal: what came before it is not looked at again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark(usize);

/// The clock and the printer that all journals share.
pub(crate) struct Timeline {
    start: Instant,
    file: Option<Mutex<std::fs::File>>,
}

impl Timeline {
    /// Starts the clock; what is printed also goes to `file`.
    pub(crate) fn start(file: Option<std::fs::File>) -> Arc<Self> {
        Arc::new(Timeline {
            start: Instant::now(),
            file: file.map(Mutex::new),
        })
    }

    /// One line about `who`, on the terminal and in the file.
    pub(crate) fn print(&self, who: &str, source: Source, text: &str) {
        let line = format!(
            "{:8.2}s  {who:<12} {source:<10} {text}\n",
            self.start.elapsed().as_secs_f64()
        );
        // A closed terminal must not stop the lab: the assertions decide, not the printer.
        let _ = std::io::stdout().write_all(line.as_bytes());
        if let Some(file) = &self.file {
            let _ = file
                .lock()
                .expect("a printer does not panic")
                .write_all(line.as_bytes());
        }
    }
}

/// The lines of one machine (or of the daemon).
pub(crate) struct Journal {
    who: String,
    timeline: Arc<Timeline>,
    entries: Mutex<Vec<Entry>>,
    grew: Condvar,
}

impl Journal {
    pub(crate) fn new(who: &str, timeline: &Arc<Timeline>) -> Arc<Self> {
        Arc::new(Journal {
            who: who.to_owned(),
            timeline: Arc::clone(timeline),
            entries: Mutex::new(Vec::new()),
            grew: Condvar::new(),
        })
    }

    /// Adds a line and prints it.
    pub(crate) fn tell(&self, source: Source, text: impl Into<String>) {
        let text = text.into();
        self.timeline.print(&self.who, source, &text);
        self.keep(source, text);
    }

    /// Prints a line that assertions do not need.
    pub(crate) fn show(&self, source: Source, text: &str) {
        self.timeline.print(&self.who, source, text);
    }

    /// Adds a line that only assertions and the log need.
    pub(crate) fn keep(&self, source: Source, text: impl Into<String>) {
        self.lock().push(Entry {
            at: Instant::now(),
            source,
            text: text.into(),
        });
        self.grew.notify_all();
    }

    /// The end of the journal as it is now.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.lock().len())
    }

    /// Waits for the first line after `since` that `matches`, and fails with the last lines when none came in time.
    pub(crate) fn wait_for(
        &self,
        since: Mark,
        what: &str,
        within: Duration,
        matches: impl Fn(&Entry) -> bool,
    ) -> Result<Entry> {
        let deadline = Instant::now() + within;
        let mut entries = self.lock();
        let mut looked_at = since.0;
        loop {
            while let Some(entry) = entries.get(looked_at) {
                if matches(entry) {
                    return Ok(entry.clone());
                }
                looked_at += 1;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let tail = tail(&entries, 25);
                bail!(
                    "`{}`: {what} did not come within {} s; its last lines:\n{tail}",
                    self.who,
                    within.as_secs()
                );
            }
            entries = self
                .grew
                .wait_timeout(entries, left)
                .expect("nobody panics while holding a journal")
                .0;
        }
    }

    /// Waits for a line of `source` that contains `text`.
    pub(crate) fn wait_text(&self, since: Mark, source: Source, text: &str, within: Duration) -> Result<Entry> {
        self.wait_for(since, &format!("{source} line with `{text}`"), within, |entry| {
            entry.source == source && entry.text.contains(text)
        })
    }

    /// Every line after `since` that `matches`.
    pub(crate) fn since(&self, since: Mark, matches: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        self.lock()
            .iter()
            .skip(since.0)
            .filter(|entry| matches(entry))
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().expect("nobody panics while holding a journal")
    }
}

fn tail(entries: &[Entry], count: usize) -> String {
    let skip = entries.len().saturating_sub(count);
    entries
        .iter()
        .skip(skip)
        .map(|entry| format!("    {:<10} {}\n", entry.source, entry.text))
        .collect()
}
