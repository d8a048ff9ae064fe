//! Why a command did not do what it was asked, and how that is told.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use bootwright_proto::http::api::Problem;

use super::Exit;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The words do not make sense.
    Usage { message: String, hint: String },
    /// The daemon refuses.
    Refused { problem: Box<Problem>, text: String },
    /// No daemon answers.
    NoDaemon { socket: PathBuf, cause: io::Error },
    /// The daemon's answer cannot be understood, or breaks off.
    Broken(String),
    /// A file cannot be read or written.
    File { message: String, hint: String },
    /// Nobody reads what is printed any more.
    ReaderGone,
    /// What is printed cannot be written, such as on a full disk.
    Output(io::Error),
}

impl Failure {
    /// The exit status that goes with it.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Refused { .. } | Self::Broken(_) | Self::File { .. } | Self::Output(_) => Exit::Failed,
            Self::NoDaemon { .. } => Exit::CannotRun,
            Self::ReaderGone => Exit::Good,
        }
    }

    /// What a person is told: the error, and in the next line what to do.
    pub(super) fn words(&self) -> Option<String> {
        let (message, hint) = match self {
            Self::Usage { message, hint } | Self::File { message, hint } => (message.clone(), Some(hint.clone())),
            Self::Refused { problem, .. } => {
                let message = problem.detail.as_ref().unwrap_or(&problem.title);
                (message.clone(), problem.hint.clone())
            }
            Self::NoDaemon { socket, cause } => {
                let message = format!("no daemon answers on `{}`: {}", socket.display(), plain(cause));
                (message, Some(daemon_hint(cause).to_owned()))
            }
            Self::Broken(message) => (
                message.clone(),
                Some("the daemon may be of another version: compare `bootwright version` with its log".to_owned()),
            ),
            Self::ReaderGone => return None,
            Self::Output(cause) => (format!("cannot write the output: {}", plain(cause)), None),
        };
        let mut words = format!("error: {message}\n");
        if let Some(hint) = hint {
            // Writing to a string cannot fail.
            let _ = writeln!(words, " hint: {hint}");
        }
        Some(words)
    }
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
