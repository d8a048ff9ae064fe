//! What becomes known of machines: told to the daemon, or to its store where no daemon runs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::sync::Arc;

use bootwright_config::{Known, Standing};
use bootwright_core::{HostState, Phase, Policy, Stance};
use bootwright_engine::{Command as Order, Decision};
use bootwright_proto::http::api::{Command, CommandReport, HostDetail, StateView};
use bootwright_store::{Limits, SqliteStore};

use crate::api::DATABASE;
use crate::cli::client::{Client, escape};
use crate::cli::failure::Failure;
use crate::core::Core;

/// Who says so, in the record.
const OPERATOR: &str = "import";

/// What became of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// It was told.
    Told,
    /// Somebody has decided about it before, and that stays.
    Stays,
    /// The daemon cannot be told before it has read the configuration.
    Later,
}

/// What is said of a machine that stands so, in order.
fn words(standing: Standing) -> Vec<Command> {
    match standing {
        Standing::Installed | Standing::Unrecorded => vec![Command::Local {}, Command::Lock {}],
        Standing::Waiting => vec![Command::Hold {}],
        Standing::Ignored => vec![Command::Ignore {}],
    }
}

/// Tells the running daemon, by the cards of machines, since it has not read the configuration yet.
pub(super) async fn tell_daemon(client: &Client, machines: &[Known]) -> Result<Vec<Became>, Failure> {
    let mut all = Vec::new();
    for machine in machines {
        let Some(mac) = machine.mac else {
            all.push(Became::Later);
            continue;
        };
        all.push(tell_one(client, &mac.to_string(), machine.standing).await?);
    }
    Ok(all)
}

/// Tells the running daemon of one machine by one of its names.
pub(super) async fn tell_one(client: &Client, name: &str, standing: Standing) -> Result<Became, Failure> {
    let path = format!("hosts/{}", escape(name));
    match client.get::<HostDetail>(&path).await {
        Ok(known) => {
            let undecided = matches!(&known.document.detail, StateView::New { stance } if stance == "policy");
            if !undecided || known.document.summary.locked {
                return Ok(Became::Stays);
            }
        }
        Err(Failure::Refused { problem, .. }) if problem.status == 404 => {}
        Err(failure) => return Err(failure),
    }
    for command in words(standing) {
        client
            .post::<_, CommandReport>(&format!("{path}/command"), &command)
            .await?;
    }
    Ok(Became::Told)
}

/// Writes it into the store of a daemon that does not run, through the same door that the daemon's operators use.
pub(super) async fn write_store(data_dir: &Path, policy: Policy, machines: &[Known]) -> Result<Vec<Became>, Failure> {
    let failed = |message: String| Failure::File {
        message,
        hint: "no machine was made known, and no file was written; `--data-dir` names the daemon's data directory"
            .to_owned(),
    };
    let database = data_dir.join(DATABASE);
    let store = SqliteStore::open(&database, Limits::default()).map_err(|error| failed(error.to_string()))?;
    let core =
        Core::start(Box::new(store), Arc::new(policy), Arc::default()).map_err(|error| failed(error.to_string()))?;
    let (mut all, mut answers) = (Vec::new(), Vec::new());
    for machine in machines {
        let name = machine.host.as_str();
        let decided = |state: &HostState| state.locked || !matches!(state.phase, Phase::New { stance: Stance::Policy });
        let stays = core.read(|engine, _| engine.view(name).is_some_and(|view| decided(&view.host.state)));
        all.push(if stays { Became::Stays } else { Became::Told });
        let words = if stays { Vec::new() } else { words(machine.standing) };
        for word in words {
            let order = Order::Host {
                host: name.to_owned(),
                decision: decision(&word),
            };
            answers.push(core.ask(|engine, now| engine.command(now, OPERATOR, &order)));
        }
        // The writer has a bound, and each of these waits for the disk anyway.
        if answers.len() >= 500 {
            settle(&mut answers).await.map_err(failed)?;
        }
    }
    settle(&mut answers).await.map_err(failed)?;
    core.flush();
    drop(core);
    own(data_dir);
    Ok(all)
}

type Told = crate::commit::Answer<Result<String, bootwright_engine::Refusal>>;

async fn settle(answers: &mut Vec<Told>) -> Result<(), String> {
    for answer in answers.drain(..) {
        match answer.settled().await {
            Ok(Ok(_)) => {}
            Ok(Err(refusal)) => return Err(refusal.to_string()),
            Err(why) => return Err(format!("the store could not be written: {why}")),
        }
    }
    Ok(())
}

const fn decision(word: &Command) -> Decision {
    match word {
        Command::Local {} => Decision::Local,
        Command::Lock {} => Decision::Lock,
        Command::Ignore {} => Decision::Ignore,
        // Whatever else there is, waiting harms nobody.
        _ => Decision::Hold,
    }
}

/// Gives the store to whom its directory belongs: the daemon need not run as root, as who imports does.
fn own(data_dir: &Path) {
    let Ok(directory) = data_dir.metadata() else { return };
    let Ok(entries) = fs::read_dir(data_dir) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(DATABASE);
        if ours
            && entry
                .metadata()
                .is_ok_and(|about| about.is_file() && about.uid() != directory.uid())
        {
            // Only root may; whoever else wrote it is the owner already.
            let _ = chown(entry.path(), Some(directory.uid()), Some(directory.gid()));
        }
    }
}
