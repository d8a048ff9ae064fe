//! What a shell offers behind a TAB: words from the command line's own table, names from the daemon that runs.
//!
//! The shell's part is a few lines that call the program again; with [`VARIABLE`] set it prints what fits and does nothing
//! else. So the completions are always those of the program that is installed.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bootwright_proto::http::api::HostList;
use clap::CommandFactory as _;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};

use super::Arguments;
use super::argument::{CONFIG, SOCKET};
use super::client::{Client, escape};
use crate::reload::Files;

/// What the shell's part sets.
const VARIABLE: &str = "BOOTWRIGHT_COMPLETE";

/// How long a person waits behind a TAB for a daemon that does not answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Nobody reads through more names.
const NAMES_MAX: usize = 200;

/// Answers a shell that asks, and then ends the process.
pub(super) fn answer() {
    CompleteEnv::with_factory(Arguments::command).var(VARIABLE).complete();
}

/// The shell's part.
///
/// # Errors
/// When the shell has none.
pub(super) fn script(shell: &str) -> io::Result<Vec<u8>> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell)
        .ok_or_else(|| io::Error::other(format!("there are no completions for {shell}")))?;
    let mut text = Vec::new();
    completer.write_registration(VARIABLE, "bootwright", "bootwright", "bootwright", &mut text)?;
    Ok(text)
}

/// The names of hosts that begin so, with their states. Nothing where no daemon answers.
pub(super) fn hosts(begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let socket = std::env::var_os("BOOTWRIGHT_SOCKET").map_or_else(|| PathBuf::from(SOCKET), PathBuf::from);
    let route = format!("hosts?text={}&limit={NAMES_MAX}", escape(&begun));
    let asked = async {
        let client = Client::new(&socket);
        let answer = tokio::time::timeout(PATIENCE, client.get::<HostList>(&route)).await;
        Ok(answer.ok().and_then(Result::ok))
    };
    let Ok(Some(list)) = super::wait(asked) else {
        return Vec::new();
    };
    let hosts = list.document.hosts.into_iter();
    hosts
        .filter(|host| host.host.starts_with(&*begun))
        .map(|host| CompletionCandidate::new(host.host).help(Some(host.state.into())))
        .collect()
}

/// The names of profiles of the configuration that begin so.
pub(super) fn profiles(begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let config = std::env::var_os("BOOTWRIGHT_CONFIG").map_or_else(|| PathBuf::from(CONFIG), PathBuf::from);
    let Ok(loaded) = Files::new(config).load() else {
        return Vec::new();
    };
    let names = loaded.policy.profiles.keys().map(ToString::to_string);
    names
        .filter(|name| name.starts_with(&*begun))
        .map(CompletionCandidate::new)
        .collect()
}
