//! Why a command did not do what it was asked, and how that is told.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use bootwright_proto::http::api::Problem;
use serde::Serialize;

use super::Exit;
use crate::app::Ended;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The words do not make sense.
    Usage { message: String, hint: String },
    /// The daemon refuses.
    Refused { problem: Box<Problem>, text: String },
    /// No daemon answers.
    NoDaemon { socket: PathBuf, cause: io::Error },
    /// No daemon can be reached at a URL.
    Unreachable { url: String, why: String },
    /// Who answers at a URL is not known to be the daemon.
    Untrusted { url: String, why: String },
    /// The daemon's answer cannot be understood, or breaks off.
    Broken(String),
    /// The daemon did not start, or ended by a fault.
    Daemon(Ended),
    /// A file cannot be read or written.
    File { message: String, hint: String },
    /// Nobody reads what is printed any more.
    ReaderGone,
    /// What is printed cannot be written, such as on a full disk.
    Output(io::Error),
}

impl Failure {
    /// The exit status that goes with it.
    pub(super) fn exit(&self) -> ExitCode {
        match self {
            Self::Usage { .. } => Exit::Usage.into(),
            Self::Refused { .. } | Self::Broken(_) | Self::File { .. } | Self::Output(_) => Exit::Failed.into(),
            Self::NoDaemon { .. } | Self::Unreachable { .. } | Self::Untrusted { .. } => Exit::CannotRun.into(),
            Self::ReaderGone => Exit::Good.into(),
            Self::Daemon(ended) => ended.status.into(),
        }
    }

    /// The same, where something was done before it was refused: these sentences say what.
    pub(super) fn after(self, done: &[String]) -> Self {
        let Self::Refused { mut problem, text } = self else {
            return self;
        };
        let why = problem.detail.take().unwrap_or_else(|| problem.title.clone());
        problem.detail = Some(format!("{why}; done before that: {}", done.join("; ")));
        let text = serde_json::to_string(&problem).unwrap_or(text);
        Self::Refused { problem, text }
    }

    /// What a person is told: the error, and in the next line what to do.
    pub(super) fn words(&self) -> Option<String> {
        if let Self::Daemon(ended) = self {
            return Some(ended.words.clone());
        }
        let (message, hint) = self.facts()?;
        let mut words = format!("error: {message}\n");
        if let Some(hint) = hint {
            // Writing to a string cannot fail.
            let _ = writeln!(words, " hint: {hint}");
        }
        Some(words)
    }

    /// What a program is told, on one line: the daemon's own document, or one of the same form.
    pub(super) fn document(&self) -> Option<String> {
        let (code, title) = match self {
            Self::Refused { text, .. } => return Some(text.trim_end().to_owned()),
            Self::Usage { .. } => ("bad_usage", "the command cannot be understood"),
            Self::NoDaemon { .. } | Self::Unreachable { .. } => ("no_daemon", "no daemon answers"),
            Self::Untrusted { .. } => ("untrusted", "who answers is not known to be the daemon"),
            Self::Broken(_) => ("broken_answer", "the daemon's answer cannot be used"),
            Self::File { .. } => ("failed", "it could not be done"),
            Self::Daemon(ended) => (ended.code, "the daemon does not run"),
            // There is nowhere to print it.
            Self::ReaderGone | Self::Output(_) => return None,
        };
        let (detail, hint) = self.facts()?;
        let trouble = Trouble {
            code,
            title,
            detail,
            hint,
        };
        serde_json::to_string(&trouble).ok()
    }

    /// What it is in this case, and what to do about it.
    fn facts(&self) -> Option<(String, Option<String>)> {
        Some(match self {
            Self::Usage { message, hint } | Self::File { message, hint } => (message.clone(), Some(hint.clone())),
            Self::Daemon(Ended { detail, hint, .. }) => (detail.clone(), hint.map(str::to_owned)),
            Self::Refused { problem, .. } => {
                let message = problem.detail.as_ref().unwrap_or(&problem.title);
                (message.clone(), problem.hint.clone())
            }
            Self::NoDaemon { socket, cause } => {
                let message = format!("no daemon answers on `{}`: {}", socket.display(), plain(cause));
                (message, Some(daemon_hint(cause).to_owned()))
            }
            Self::Unreachable { url, why } => (
                format!("no daemon can be reached at `{url}`: {why}"),
                Some("look whether the daemon runs there and its `[control]` listens for other boxes".to_owned()),
            ),
            Self::Untrusted { url, why } => (
                format!("`{url}` is not trusted: {why}"),
                Some(
                    "`bootwright status` on the box says the SHA-256 of its certificate: name that with `--fingerprint`"
                        .to_owned(),
                ),
            ),
            Self::Broken(message) => (
                message.clone(),
                Some("the daemon may be of another version: compare `bootwright version` with its log".to_owned()),
            ),
            Self::ReaderGone => return None,
            Self::Output(cause) => (format!("cannot write the output: {}", plain(cause)), None),
        })
    }
}

/// A problem as the API tells it (RFC 9457), without `status`: nobody has answered over HTTP.
#[derive(Serialize)]
struct Trouble {
    code: &'static str,
    title: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        if cause.kind() == io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::Output(cause)
        }
    }
}

fn daemon_hint(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            "run it as root or as a member of the group that owns the socket, such as `bootwright`"
        }
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            "start `bootwright serve`, or name the daemon's socket with `--socket`"
        }
        _ => "name the daemon's socket with `--socket`",
    }
}

/// An error of the operating system in words, without its number.
pub(super) fn plain(cause: &io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error ").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}
