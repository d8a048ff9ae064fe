//! What the log says: one line for each event that changes what a person should believe.
//!
//! Every line has the same columns: time, verb, machine, run, text. The verbs are a closed list ([`VERBS`]), and `--log json`
//! gives the same as one object a line. A log that nobody reads any more must not hold up a machine: lines go to a thread, and
//! what it cannot keep up with is dropped and counted.

mod fold;
mod line;
mod pipe;

use std::sync::{Arc, OnceLock};

use bootwright_core::{Change, Failure, Phase, Verb};
use bootwright_store::Recorded;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use pipe::{dropped_lines, flush};

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

/// All words that the second column of a line may have: those of the record, those of the daemon itself, and for what has
/// none of them its level.
pub const VERBS: [&str; 32] = [
    "new", "hold", "armed", "boot", "fetch", "guard", "done", "up", "fail", "stall", "local", "loop", "live", "ignore",
    "lock", "set", "forget", "warn", "pause", "reload", "seen", "ready", "safe", "net", "img", "auth", "hint", "stop",
    "error", "info", "debug", "trace",
];

/// Starts the log. `BOOTWRIGHT_LOG` sets what is shown, in the words of `tracing_subscriber`: `info`, `debug`,
/// `bootwright::dhcp=trace`. Repeats are folded unless more than `info` is shown: whoever looks that closely wants each line.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("BOOTWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let folds = filter.max_level_hint().is_some_and(|most| most <= LevelFilter::INFO);
    // A second start, as in tests, changes nothing.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(pipe::Pipe::start(format, folds))
        .try_init();
}

/// Tells an entry in the log.
pub fn tell(recorded: &Recorded) {
    let entry = &recorded.entry;
    let seq = recorded.seq.get();
    let event = verb_name(entry.verb);
    let (run, text) = run_and_text(recorded);
    let text = sanitise(text);
    let host = entry.change.host().map(|host| tracing::field::display(host.clone()));
    let code = code_of(recorded);
    let by = match &entry.by {
        bootwright_core::Cause::Operator(name) => Some(name.as_str()),
        _ => None,
    };
    match (entry.verb, &entry.change) {
        (Verb::Warn | Verb::Loop | Verb::Fail | Verb::Stall | Verb::Pause, _) => {
            tracing::warn!(host, run, event, seq, by, code, "{text}");
        }
        (Verb::Set, Change::FactsBound { .. }) => tracing::debug!(host, run, event, seq, by, code, "{text}"),
        _ => tracing::info!(host, run, event, seq, by, code, "{text}"),
    }
    if let Change::HostAdded { host, .. } = &entry.change {
        tracing::info!(
            %host,
            event = "hint",
            "`bootwright host arm {host} PROFILE` installs it, `bootwright explain {host}` says what it is told now"
        );
    }
}

/// The run that an entry is about, and its text without those words.
fn run_and_text(recorded: &Recorded) -> (Option<u32>, &str) {
    let note = recorded.entry.note.as_str();
    let named = note.strip_prefix("run ").and_then(|rest| {
        let (number, text) = rest.split_once(", ")?;
        Some((number.parse().ok()?, text))
    });
    if let Some((run, text)) = named {
        return (Some(run), text);
    }
    let run = match &recorded.entry.change {
        Change::StateSet { state, .. } => state.phase.run().map(|run| run.number.get()),
        _ => None,
    };
    (run, note)
}

/// The code under which `bootwright help` says more of it.
fn code_of(recorded: &Recorded) -> Option<&'static str> {
    let entry = &recorded.entry;
    match (entry.verb, &entry.change) {
        (Verb::Fail, Change::StateSet { state, .. }) => match &state.phase {
            Phase::Failed { failure, .. } => Some(match failure {
                Failure::Guard(_) => "E601",
                Failure::Reported(_) => "E602",
                Failure::Deadline => "E603",
                Failure::AttemptsUsed => "E604",
                Failure::IdentityChanged(_) => "E605",
                Failure::Cancelled => return None,
            }),
            _ => None,
        },
        (Verb::Warn, _) if entry.note.contains(" was refused to ") => Some("W613"),
        (Verb::Stall, _) => Some("W611"),
        (Verb::Loop, _) => Some("W612"),
        (Verb::Pause, Change::PauseSet { why: Some(_) }) => Some("W616"),
        _ => None,
    }
}

/// The name of a verb, as the log and the API spell it.
#[must_use]
pub const fn verb_name(verb: Verb) -> &'static str {
    verb.name()
}

/// What machines say may stand in a log line: no control characters, no marks that turn the direction of writing, nothing
/// that is there and not seen.
#[must_use]
pub fn sanitise(text: &str) -> String {
    text.chars()
        .map(|c| if is_unsafe(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Whether a character steers what shows it instead of being shown.
pub use bootwright_proto::syslog::steers as is_unsafe;

/// A panic in the engine may have left the world half changed: the process ends, and a restart replays the record.
/// Elsewhere a panic ends one task or request.
pub fn end_on_engine_panic() {
    static HOOKED: OnceLock<Arc<()>> = OnceLock::new();
    HOOKED.get_or_init(|| {
        std::panic::set_hook(Box::new(move |panic| {
            // Not to standard error itself, where a reader who has gone away would hold us up for ever.
            tracing::error!(code = "E901", why = sanitise(&panic.to_string()), "a bug");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_hides_in_a_line_is_seen_as_what_it_is() {
        let hostile = "a\x1b[2Jb\u{9b}31mc\u{202e}d\u{200b}e\r\nf\u{2066}g\0h\u{e0041}i\u{2028}j";
        let shown = sanitise(hostile);
        assert!(!shown.chars().any(is_unsafe), "{shown:?}");
        let plain: String = shown.chars().filter(|c| *c != '\u{fffd}').collect();
        assert_eq!(plain, "a[2Jb31mcdefghij");
        assert_eq!(sanitise("Straße 日本 ✓"), "Straße 日本 ✓");
    }
}
