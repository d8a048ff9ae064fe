//! `bootwright check`: everything that is wrong, before any machine asks.

mod artefact;

use std::path::{Path, PathBuf};

use bootwright_proto::http::api::{DiagnosticView, ReloadReport, Severity};
use bootwright_store::{Reader as _, Report, SqliteReader};
use serde::Serialize;

use super::Exit;
use super::argument::Common;
use super::failure::{Failure, plain};
use super::print::Printer;
use super::site::diagnostic_words;
use super::table::safe;
use crate::api::{DATABASE, diagnostic};
use crate::compat::signing;
use crate::reload::{Files, Unusable};

/// Where data lies unless somebody says otherwise.
const DATA_DIR: &str = "/var/lib/bootwright";

/// Checks the configuration: it is read and rendered, and what it needs of the data directory is looked for.
pub(super) fn configuration(printer: Printer, place: &Common, firmware_dir: &Path) -> Result<Exit, Failure> {
    let Examined { mut diagnostics, good } = examine(&Files::new(place.config.clone()), place, firmware_dir);
    if !place.config.exists() {
        diagnostics.push(no_file(&place.config));
    }
    let errors = count(&diagnostics, Severity::Error);
    let warnings = count(&diagnostics, Severity::Warning);
    let report = ReloadReport {
        // Errors beside a good configuration are in other systems' directories.
        accepted: errors == 0 || good.is_some(),
        diagnostics,
        ..ReloadReport::default()
    };
    printer.document(&report, |report| {
        let words = diagnostic_words(&report.diagnostics);
        let end = match (errors, warnings, &good) {
            (0, 0, Some(good)) => format!("the configuration is good: {good}"),
            (0, _, _) => format!("the configuration can be used: {}", counted(warnings, "warning")),
            (_, _, Some(_)) => format!(
                "the configuration can be used, without what is wrong in other systems' directories: {}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            ),
            (_, 0, None) => format!("the configuration cannot be used: {}", counted(errors, "error")),
            (_, _, None) => format!(
                "the configuration cannot be used: {}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            ),
        };
        format!("{words}{end}\n")
    })?;
    Ok(match (errors, warnings) {
        (0, 0) => Exit::Good,
        (0, _) => Exit::Failed,
        (_, _) => Exit::Usage,
    })
}

/// What is found in a configuration, and what it says if it can be used.
pub(super) struct Examined {
    pub(super) diagnostics: Vec<DiagnosticView>,
    pub(super) good: Option<String>,
}

/// Reads and renders a configuration, and looks for what it needs of the data directory.
pub(super) fn examine(files: &Files, place: &Common, firmware_dir: &Path) -> Examined {
    let mut good = None;
    let diagnostics = match files.load() {
        Ok(loaded) => {
            let data_dir = place
                .data_dir
                .clone()
                .or(loaded.daemon.data_dir.as_ref().map(PathBuf::from));
            let mut found = diagnostic::views(&loaded.warnings);
            if let Some(data_dir) = data_dir {
                found.extend(artefact::missing(
                    &loaded.policy,
                    &loaded.daemon,
                    firmware_dir,
                    &data_dir,
                    &loaded.images,
                ));
            }
            let of_secrets = crate::vault::troubles(&loaded.secrets);
            let of_keys = loaded
                .daemon
                .compat
                .iter()
                .filter_map(|compat| signing::key(compat).err());
            found.extend(of_keys.map(|(words, hint)| diagnostic::plain(Severity::Warning, words, &hint)));
            found.extend(
                of_secrets
                    .into_iter()
                    .map(|(words, hint)| diagnostic::plain(Severity::Warning, words, hint)),
            );
            good = Some(summary(&loaded.policy));
            found
        }
        Err(Unusable::Wrong(wrong)) => diagnostic::views(&wrong),
        Err(Unusable::Unreadable { path, why }) => vec![diagnostic::plain(
            Severity::Error,
            format!("cannot read `{}`: {}", path.display(), plain(&why)),
            "name another file with `--config`, or make this one readable",
        )],
    };
    Examined { diagnostics, good }
}

/// Without a file every key has its default. That is no fault where nobody has named one.
fn no_file(config: &Path) -> DiagnosticView {
    let severity = if config == Path::new(super::argument::CONFIG) {
        Severity::Note
    } else {
        Severity::Error
    };
    diagnostic::plain(
        severity,
        format!("there is no file `{}`", config.display()),
        "`bootwright init` writes one in which every key is commented out",
    )
}

fn summary(policy: &bootwright_core::Policy) -> String {
    format!(
        "{}, {}, {}",
        counted(policy.profiles.len(), "profile"),
        counted(policy.hosts.len(), "host"),
        counted(policy.rules.len(), "rule")
    )
}

pub(super) fn count(diagnostics: &[DiagnosticView], severity: Severity) -> usize {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == severity)
        .count()
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// The data directory: that of the command, else of the configuration, else the one that is built in.
pub(super) fn data_dir(place: &Common) -> PathBuf {
    let from_config = || {
        Files::new(place.config.clone())
            .load()
            .ok()?
            .daemon
            .data_dir
            .map(PathBuf::from)
    };
    place
        .data_dir
        .clone()
        .or_else(from_config)
        .unwrap_or_else(|| PathBuf::from(DATA_DIR))
}

/// What `check --store --json` prints.
#[derive(Serialize)]
struct StoreReport {
    store: String,
    good: bool,
    first: u64,
    last: u64,
    hosts: usize,
    leases: usize,
    problems: Vec<String>,
}

/// Folds the record again and compares it with the tables. The daemon may run meanwhile.
pub(super) fn store(printer: Printer, place: &Common) -> Result<Exit, Failure> {
    let data_dir = data_dir(place);
    let path = data_dir.join(DATABASE);
    let failed = |error: bootwright_store::StoreError| Failure::File {
        message: error.to_string(),
        hint: "name the daemon's data directory with `--data-dir`".to_owned(),
    };
    if !path.exists() {
        return Err(Failure::File {
            message: format!("there is no store `{}`", path.display()),
            hint: "name the daemon's data directory with `--data-dir`".to_owned(),
        });
    }
    let Report {
        first,
        last,
        hosts,
        leases,
        problems,
    } = SqliteReader::open(&path)
        .and_then(|mut reader| reader.verify())
        .map_err(failed)?;
    let report = StoreReport {
        store: path.display().to_string(),
        good: problems.is_empty(),
        first: first.get(),
        last: last.get(),
        hosts,
        leases,
        problems,
    };
    printer.document(&report, store_words)?;
    Ok(if report.good { Exit::Good } else { Exit::Failed })
}

fn store_words(report: &StoreReport) -> String {
    let mut words: String = report
        .problems
        .iter()
        .map(|problem| format!("error: {}\n", safe(problem)))
        .collect();
    let verdict = if report.good { "is good" } else { "is damaged" };
    words.push_str(&format!(
        "the store `{}` {verdict}: entries {} to {}, {}, {}\n",
        report.store,
        report.first,
        report.last,
        counted(report.hosts, "host"),
        counted(report.leases, "lease")
    ));
    words
}
