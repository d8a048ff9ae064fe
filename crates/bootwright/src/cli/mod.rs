//! The command line: what operators type, and how the answers look.
//!
//! All that it says about hosts comes from the running daemon, over the API that everything else uses as well.

mod age;
mod argument;
mod backup;
mod bundle;
mod check;
mod client;
mod completion;
mod config;
mod doctor;
mod event;
mod explain;
mod export;
mod failure;
mod help;
mod host;
mod image;
mod import;
mod init;
mod lease;
mod login;
mod man;
mod print;
mod profile;
mod progress;
mod remote;
mod simulate;
mod site;
mod table;
mod usage;
mod webhook;

use std::process::ExitCode;

use clap::Parser as _;

pub use argument::Arguments;
use argument::{ProfileVerb, Verb};
use client::Client;
use failure::Failure;
use print::Printer;

use crate::app::{self, ServeOptions};
use crate::telemetry::LogFormat;

/// How a command ended, as its caller's shell sees it. `app::Ended` has further words for the daemon's own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// It did what it was asked.
    Good,
    /// It failed, or found something odd.
    Failed,
    /// The words or the configuration do not make sense.
    Usage,
    /// No daemon answers.
    CannotRun,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::CannotRun => 3,
        })
    }
}

/// Does what the process's arguments say.
#[must_use]
pub fn run() -> ExitCode {
    completion::answer();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::explain(&error),
    };
    let json = arguments.common.json;
    match dispatch(arguments) {
        Ok(exit) => exit,
        Err(failure) => {
            tell(json, &failure);
            failure.exit()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { common, verb } = arguments;
    let (client, printer) = (Client::of(&common), Printer::new(common.json));
    let exit = match verb {
        Verb::Host(verb) => wait(host::run(&client, printer, verb)),
        Verb::Lease(verb) => wait(lease::run(&client, printer, verb)),
        Verb::Image(verb) => image::run(printer, &common, verb),
        Verb::Bundle(verb) => bundle::run(printer, &common, verb),
        Verb::Profile(ProfileVerb::List) => wait(profile::list(&client, printer)),
        Verb::Profile(ProfileVerb::New { name, os }) => profile::run(printer, &common, name, os),
        Verb::Events(options) => wait(event::run(&client, printer, &options)),
        Verb::Simulate(options) => wait(simulate::run(&client, printer, &options)),
        Verb::Explain(options) => wait(explain::run(&client, printer, &options)),
        Verb::Status => wait(site::status(&client, printer)),
        Verb::Whoami => wait(login::whoami(&client, printer)),
        Verb::User(verb) => wait(login::user(&client, printer, verb)),
        Verb::Token(verb) => wait(login::token(&client, printer, verb)),
        Verb::Pause { why } => wait(site::pause(&client, printer, &why.join(" "))),
        Verb::Resume => wait(site::resume(&client, printer)),
        Verb::Reload => wait(site::reload(&client, printer)),
        Verb::Apply { hosts, dry_run } => wait(site::apply(&client, printer, hosts, dry_run)),
        Verb::Init { lenient } => init::run(printer, &common.config, lenient),
        Verb::Import(options) => import::run(&client, printer, &common, &options),
        Verb::Check { store: true, .. } => check::store(printer, &common),
        Verb::Check { firmware_dir, .. } => check::configuration(printer, &common, &firmware_dir),
        Verb::Webhook(verb) => wait(webhook::run(&client, printer, verb)),
        Verb::Openapi => site::openapi(printer),
        Verb::Backup { file, with_config } => wait(backup::write(&client, printer, &file, with_config)),
        Verb::Restore { file, with_config } => backup::put_back(printer, &common, &file, with_config),
        Verb::Config(verb) => wait(config::run(&client, printer, verb)),
        Verb::Export { hosts, .. } => wait(export::run(&client, printer, &hosts)),
        Verb::Man { directory } => man::write(printer, &directory),
        Verb::Help { words } => help::run(printer, &words),
        Verb::Doctor { firmware_dir, only } => {
            doctor::run(&Client::new(&common.socket), printer, &common, firmware_dir, &only)
        }
        Verb::Version => site::version(printer),
        Verb::Completions { shell } => {
            print::raw(&completion::script(&shell.to_string())?)?;
            Ok(Exit::Good)
        }
        Verb::Serve { firmware_dir, log } => {
            let usual = if common.json { LogFormat::Json } else { LogFormat::Text };
            let options = ServeOptions {
                config: common.config,
                data_dir: common.data_dir,
                socket: common.socket,
                firmware_dir,
                log: log.unwrap_or(usual),
            };
            app::serve(options).map_err(Failure::Daemon)?;
            return Ok(Exit::Good.into());
        }
    };
    exit.map(ExitCode::from)
}

/// Waits for an answer on this thread alone: a command asks one question at a time.
fn wait<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(answer)
}

/// Tells a failure: to a person, and with `--json` to a program as well.
fn tell(json: bool, failure: &Failure) {
    if let Some(document) = failure.document().filter(|_| json) {
        // There is nobody else to tell.
        let _ = print::raw(format!("{document}\n").as_bytes());
    }
    if let Some(words) = failure.words() {
        eprint!("{words}");
    }
}
