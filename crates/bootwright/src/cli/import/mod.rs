//! `bootwright import`: an installation of another system as a configuration of ours.
//!
//! What comes out is checked as `bootwright check` would before anything is written, and nothing is written without
//! `--write`. Machines become known before the configuration is in force, so that none of its rules meets a machine that
//! nobody has spoken of.

mod gather;
mod place;
mod record;
mod show;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bootwright_config::{Imported, Known, Standing, System, import};
use bootwright_core::ProfileName;
use bootwright_proto::http::api::{DiagnosticView, ReloadReport, Severity, Status};
use serde::Serialize;

use super::Exit;
use super::argument::{Common, ImportOptions, Unrecorded};
use super::check::{self, Examined, count};
use super::client::Client;
use super::failure::{Failure, plain};
use super::print::Printer;
use super::table::safe;
use crate::api::diagnostic;
use crate::reload::Files;
use crate::starter;
use record::Became;

/// What `import --json` prints.
#[derive(Serialize)]
struct Report {
    system: &'static str,
    /// Whether files were written and machines made known.
    written: bool,
    /// The files, the configuration first.
    files: Vec<String>,
    /// The configuration's text.
    config: String,
    machines: Vec<MachineReport>,
    /// What could not be carried over.
    left: Vec<DiagnosticView>,
    /// How many more of those there are.
    more_left: usize,
    /// What is left to be done by hand.
    steps: Vec<String>,
    /// What `bootwright check` says of the configuration with these files.
    check: ReloadReport,
}

#[derive(Serialize)]
struct MachineReport {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
    /// What it becomes: `installed`, `waiting`, `ignored`.
    becomes: &'static str,
    /// With `written`: whether it was told, or stays as it was decided before.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<bool>,
}

pub(super) fn run(
    client: &Client,
    printer: Printer,
    common: &Common,
    options: &ImportOptions,
) -> Result<Exit, Failure> {
    let system = System::ALL
        .iter()
        .copied()
        .find(|system| system.name() == options.system);
    let system = system.ok_or_else(|| Failure::Broken("a system without a name".to_owned()))?;
    let name = options.name.as_deref().unwrap_or(system.name());
    let name: ProfileName = name.parse().map_err(|why| Failure::Usage {
        message: format!("`{}` is {why}", safe(name)),
        hint: "such as `rack-1`".to_owned(),
    })?;
    let mut imported = import(system, &gather::files(system, &options.paths)?, name.as_str());
    let otherwise = match options.unrecorded {
        Unrecorded::Installed => Standing::Installed,
        Unrecorded::Waiting => Standing::Waiting,
    };
    for machine in imported
        .machines
        .iter_mut()
        .filter(|machine| machine.standing == Standing::Unrecorded)
    {
        machine.standing = otherwise;
    }
    let targets = targets(common, name.as_str(), &imported);
    let files = Files::new(common.config.clone()).ahead(targets.clone());
    let Examined { diagnostics, good } = check::examine(&files, common, &options.firmware_dir);
    let check = ReloadReport {
        accepted: good.is_some() && count(&diagnostics, Severity::Error) == 0,
        diagnostics,
        ..ReloadReport::default()
    };
    let accepted = check.accepted;
    let mut report = report(system, &targets, imported, check);
    let mut machines = std::mem::take(&mut report.1);
    let mut report = report.0;
    if options.write && accepted {
        write(client, common, options, &files, &targets, &mut machines, &mut report)?;
    }
    let exit = match (accepted, report.left.is_empty() && report.check.diagnostics.is_empty()) {
        (false, _) => Exit::Usage,
        (true, false) => Exit::Failed,
        (true, true) => Exit::Good,
    };
    printer.document(&report, |report| show::words(report, options.write))?;
    Ok(exit)
}

/// The files by where they are to be.
fn targets(common: &Common, name: &str, imported: &Imported) -> BTreeMap<PathBuf, String> {
    let further = Files::new(common.config.clone()).further();
    let mut targets: BTreeMap<PathBuf, String> = imported
        .documents
        .iter()
        .map(|(path, text)| (further.join(name).join(path), text.clone()))
        .collect();
    targets.insert(further.join(format!("{name}.toml")), imported.config.clone());
    targets
}

fn report(
    system: System,
    targets: &BTreeMap<PathBuf, String>,
    imported: Imported,
    check: ReloadReport,
) -> (Report, Vec<Known>) {
    let mut files: Vec<String> = targets.keys().map(|path| path.display().to_string()).collect();
    files.sort_by_key(|path| !path.ends_with(".toml"));
    let machine = |machine: &Known| MachineReport {
        host: machine.host.to_string(),
        mac: machine.mac.map(|mac| mac.to_string()),
        becomes: match machine.standing {
            Standing::Installed | Standing::Unrecorded => "installed",
            Standing::Waiting => "waiting",
            Standing::Ignored => "ignored",
        },
        told: None,
    };
    let report = Report {
        system: system.name(),
        written: false,
        files,
        config: imported.config,
        machines: imported.machines.iter().map(machine).collect(),
        left: diagnostic::views(&imported.left),
        more_left: imported.more_left,
        steps: imported.steps,
        check,
    };
    (report, imported.machines)
}

/// Makes the machines known, and puts the files in place.
fn write(
    client: &Client,
    common: &Common,
    options: &ImportOptions,
    files: &Files,
    targets: &BTreeMap<PathBuf, String>,
    machines: &mut [Known],
    report: &mut Report,
) -> Result<(), Failure> {
    for path in targets.keys() {
        if !options.force && path.symlink_metadata().is_ok() {
            return Err(Failure::File {
                message: format!("`{}` is there already", path.display()),
                hint: "nothing was changed; `--force` writes over it, and `--name` chooses another name".to_owned(),
            });
        }
    }
    let policy = match files.load() {
        Ok(loaded) => loaded.policy,
        Err(_) => return Err(Failure::Broken("the configuration has changed meanwhile".to_owned())),
    };
    let staged = place::stage(targets)?;
    starter::write_if_missing(&common.config).map_err(|cause| Failure::File {
        message: format!("cannot write `{}`: {}", common.config.display(), plain(&cause)),
        hint: "nothing else was changed; name another file with `--config`".to_owned(),
    })?;
    let data_dir = check::data_dir(common);
    let became = super::wait(async {
        match client.get::<Status>("status").await {
            Ok(_) => {
                let mut became = record::tell_daemon(client, machines).await?;
                staged.put()?;
                later(client, machines, &mut became, &mut report.steps).await?;
                Ok(became)
            }
            Err(Failure::NoDaemon { .. }) => {
                let became = record::write_store(&data_dir, policy, machines).await?;
                staged.put()?;
                Ok(became)
            }
            Err(failure) => Err(failure),
        }
    })?;
    for (machine, became) in report.machines.iter_mut().zip(&became) {
        machine.told = Some(*became == Became::Told);
    }
    report.written = true;
    Ok(())
}

/// Takes the configuration into force, and tells of machines that are recognised by it alone.
async fn later(
    client: &Client,
    machines: &[Known],
    became: &mut [Became],
    steps: &mut Vec<String>,
) -> Result<(), Failure> {
    let reloaded = client.post::<_, ReloadReport>("reload", &serde_json::json!({})).await?;
    if !reloaded.document.accepted {
        steps.push("the daemon has not taken the configuration: `bootwright reload` says why".to_owned());
        return Ok(());
    }
    for (machine, became) in machines
        .iter()
        .zip(became)
        .filter(|(_, became)| **became == Became::Later)
    {
        *became = record::tell_one(client, machine.host.as_str(), machine.standing).await?;
    }
    Ok(())
}
