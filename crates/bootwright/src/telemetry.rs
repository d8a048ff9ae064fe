//! What the log says: one line for each event that changes what a person should believe.
//!
//! A log that nobody reads any more must not hold up a machine: lines go to a thread, and what it cannot keep up with is
//! dropped and counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};

use bootwright_core::{Change, Verb};
use bootwright_store::Recorded;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How many lines may wait for a slow reader.
const LINES_MAX: usize = 8192;

/// From how many bytes on lines are written out, although more of them wait: the reader gets them together.
const BYTES_TOGETHER: usize = 4096;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How long the log has to say why the process ends.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(200);

/// Lines that were dropped because nobody read them in time.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many lines of the log were dropped.
#[must_use]
pub fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Starts the log. `BOOTWRIGHT_LOG` sets what is shown, in the words of `tracing_subscriber`: `info`, `debug`,
/// `bootwright::dhcp=trace`.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("BOOTWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Lossy::start());
    // A second start, as in tests, changes nothing.
    let _ = match format {
        LogFormat::Text => builder.with_target(false).with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Tells an entry in the log.
pub fn tell(recorded: &Recorded) {
    let entry = &recorded.entry;
    let seq = recorded.seq.get();
    let event = verb_name(entry.verb);
    let text = sanitise(&entry.note);
    let host = entry.change.host().map(|host| tracing::field::display(host.clone()));
    match (entry.verb, &entry.change) {
        (Verb::Warn | Verb::Loop | Verb::Fail | Verb::Stall, _) => tracing::warn!(host, event, seq, "{text}"),
        (Verb::Set, Change::FactsBound { .. }) => tracing::debug!(host, event, seq, "{text}"),
        (Verb::Pause, _) => tracing::warn!(event, seq, "{text}"),
        _ => tracing::info!(host, event, seq, "{text}"),
    }
}

/// The name of a verb, as the log and the API spell it.
#[must_use]
pub const fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::New => "new",
        Verb::Hold => "hold",
        Verb::Armed => "armed",
        Verb::Boot => "boot",
        Verb::Fetch => "fetch",
        Verb::Guard => "guard",
        Verb::Done => "done",
        Verb::Up => "up",
        Verb::Fail => "fail",
        Verb::Stall => "stall",
        Verb::Local => "local",
        Verb::Loop => "loop",
        Verb::Live => "live",
        Verb::Ignore => "ignore",
        Verb::Lock => "lock",
        Verb::Set => "set",
        Verb::Forget => "forget",
        Verb::Warn => "warn",
        Verb::Pause => "pause",
        Verb::Reload => "reload",
        Verb::Seen => "seen",
    }
}

/// What machines say may stand in a log line: no control characters, no marks that turn the direction of writing.
#[must_use]
pub fn sanitise(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c })
        .collect()
}

#[derive(Clone)]
struct Lossy(SyncSender<Vec<u8>>);

impl Lossy {
    fn start() -> Self {
        static SENDER: OnceLock<SyncSender<Vec<u8>>> = OnceLock::new();
        Self(
            SENDER
                .get_or_init(|| {
                    let (sender, lines) = sync_channel::<Vec<u8>>(LINES_MAX);
                    let writing = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
                        let mut told = 0;
                        while let Ok(mut text) = lines.recv() {
                            // What came meanwhile leaves with it.
                            while text.len() < BYTES_TOGETHER
                                && let Ok(line) = lines.try_recv()
                            {
                                text.extend(line);
                            }
                            // There is nobody to tell.
                            let _ = io::stderr().lock().write_all(&text);
                            told = tell_dropped(told);
                        }
                    });
                    drop(writing);
                    sender
                })
                .clone(),
        )
    }
}

/// Says once in place of the lines that were dropped how many they were; returns how many were told of.
fn tell_dropped(told: u64) -> u64 {
    let dropped = dropped_lines();
    if dropped > told {
        tracing::warn!(
            "{} lines of the log were dropped here, since nobody read them in time",
            dropped - told
        );
    }
    dropped
}

impl<'a> MakeWriter<'a> for Lossy {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            sender: self.0.clone(),
            text: Vec::new(),
        }
    }
}

/// One line on its way to the thread.
struct Line {
    sender: SyncSender<Vec<u8>>,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(std::mem::take(&mut self.text)) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A panic in the engine may have left the world half changed: the process ends, and a restart replays the record.
/// Elsewhere a panic ends one task or request.
pub fn end_on_engine_panic() {
    static HOOKED: OnceLock<Arc<()>> = OnceLock::new();
    HOOKED.get_or_init(|| {
        std::panic::set_hook(Box::new(move |panic| {
            // Not to standard error itself, where a reader who has gone away would hold us up for ever.
            tracing::error!(why = sanitise(&panic.to_string()), "a bug");
            let inside = panic.location().is_some_and(|place| {
                place.file().contains("bootwright-engine") || place.file().contains("bootwright-core")
            });
            if inside {
                std::thread::sleep(LAST_WORDS);
                std::process::abort();
            }
        }));
        Arc::new(())
    });
}
