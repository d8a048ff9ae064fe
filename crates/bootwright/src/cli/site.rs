//! Words about the site as a whole: status, pause, resume, reload, apply.

use bootwright_proto::http::api::{
    ApplyReport, ApplyRequest, ControlView, DiagnosticView, FirmwareView, LinkView, PauseRequest, ProposalList,
    ReloadReport, Severity, Status,
};
use serde::Serialize;

use super::Exit;
use super::age::Now;
use super::client::Client;
use super::failure::Failure;
use super::print::Printer;
use super::table::{Table, safe};

/// An empty document, for routes that need none.
#[derive(Serialize)]
struct Nothing {}

/// What `version --json` prints.
#[derive(Serialize)]
struct Version {
    version: &'static str,
}

pub(super) fn version(printer: Printer) -> Result<Exit, Failure> {
    let version = Version {
        version: env!("CARGO_PKG_VERSION"),
    };
    printer.document(&version, |document| format!("bootwright {}\n", document.version))?;
    Ok(Exit::Good)
}

pub(super) fn openapi(printer: Printer) -> Result<Exit, Failure> {
    printer.document(&crate::api::openapi(), |document| format!("{document:#}\n"))?;
    Ok(Exit::Good)
}

pub(super) async fn status(client: &Client, printer: Printer) -> Result<Exit, Failure> {
    let reply = client.get::<Status>("status").await?;
    printer.reply(&reply, |status| status_words(status, Now::read()))?;
    let well = reply.document.ready && reply.document.store.ready;
    Ok(if well { Exit::Good } else { Exit::Failed })
}

fn status_words(status: &Status, now: Now) -> String {
    let mut table = Table::bare();
    let mut line = |name: &str, words: String| table.row([name.to_owned(), safe(&words)]);
    let ready = if status.ready { "ready" } else { "not ready" };
    let started = now.relative(&status.started);
    line(
        "daemon",
        format!("{ready}, version {}, started {started}", status.version),
    );
    line("dhcp", format!("mode {}", status.mode));
    let installs = match &status.paused {
        Some(why) => format!("paused: {why}; `bootwright resume` lets them go on"),
        None => "go on".to_owned(),
    };
    line("installs", installs);
    let hosts: Vec<String> = status
        .hosts
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let hosts = if hosts.is_empty() {
        "none".to_owned()
    } else {
        hosts.join(", ")
    };
    line("hosts", hosts);
    for link in &status.links {
        line("interface", link_words(link));
        for server in &link.dhcp_servers {
            line("", format!("beside {server}"));
        }
    }
    for own in &status.own_firmware {
        line("firmware", firmware_words(own));
    }
    if let Some(control) = &status.control {
        line("dashboard", control_words(control));
    }
    let store = &status.store;
    let health = match (&store.why, store.ready) {
        (Some(why), _) => why.clone(),
        (None, true) => "good".to_owned(),
        (None, false) => "cannot be written".to_owned(),
    };
    line("store", format!("{}: {health}, {} entries", store.kind, store.seq));
    for warning in &status.warnings {
        line("warning", warning.clone());
    }
    table.text("")
}

fn control_words(control: &ControlView) -> String {
    let mut words = if control.open {
        control.urls.join(", ")
    } else {
        format!("NOT open, port {}", control.port)
    };
    if let Some(fingerprint) = &control.fingerprint {
        words.push_str(&format!("; {} certificate, SHA-256 {fingerprint}", control.tls));
    }
    if control.awaits_first {
        words.push_str("; nobody can log in yet: the code is in the daemon's log");
    }
    words
}

fn firmware_words(own: &FirmwareView) -> String {
    let mut words = own.name.clone();
    if !own.arch.is_empty() {
        words.push_str(&format!(", first of {}", own.arch.join(", ")));
    }
    if !own.replaces.is_empty() {
        words.push_str(&format!(", in place of {}", own.replaces.join(", ")));
    }
    words.push_str(match (own.served, own.listed) {
        (true, true) => ": served, as `manifest.toml` lists it",
        (true, false) => ": served",
        (false, _) => ": NOT served",
    });
    if let Some(sha256) = &own.sha256 {
        words.push_str(&format!(", SHA-256 {sha256}"));
    }
    words
}

fn link_words(link: &LinkView) -> String {
    let mut words = link.link.clone();
    if let Some(address) = &link.address {
        words.push_str(&format!(" {address}"));
    }
    match (&link.why, link.served) {
        (Some(why), _) => words.push_str(&format!(": {why}")),
        (None, true) => words.push_str(": served"),
        (None, false) => words.push_str(": not served"),
    }
    if link.dhcp_servers.is_empty() && link.searched {
        words.push_str("; no other DHCP server");
    }
    words
}

pub(super) async fn pause(client: &Client, printer: Printer, why: &str) -> Result<Exit, Failure> {
    let why = Some(why.to_owned()).filter(|why| !why.is_empty());
    let reply = client.post::<_, Status>("pause", &PauseRequest { why }).await?;
    printer.reply(&reply, |status| {
        let why = status.paused.as_deref().unwrap_or("no reason was given");
        format!(
            "installs are paused: {}; `bootwright resume` lets them go on\n",
            safe(why)
        )
    })?;
    Ok(Exit::Good)
}

pub(super) async fn resume(client: &Client, printer: Printer) -> Result<Exit, Failure> {
    let reply = client.post::<_, Status>("resume", &Nothing {}).await?;
    printer.reply(&reply, |_| "installs go on\n".to_owned())?;
    Ok(Exit::Good)
}

pub(super) async fn reload(client: &Client, printer: Printer) -> Result<Exit, Failure> {
    let reply = client.post::<_, ReloadReport>("reload", &Nothing {}).await?;
    printer.reply(&reply, reload_words)?;
    let accepted = reply.document.accepted;
    Ok(if accepted { Exit::Good } else { Exit::Usage })
}

fn reload_words(report: &ReloadReport) -> String {
    let mut words = diagnostic_words(&report.diagnostics);
    if !report.accepted {
        words.push_str("the configuration was not taken: the last good one stays in force\n");
        return words;
    }
    words.push_str("the configuration is in force\n");
    for change in &report.changes {
        words.push_str(&format!("  {}\n", safe(change)));
    }
    if report.proposals > 0 {
        words.push_str(&format!(
            "{} hosts wait for `bootwright apply`; `bootwright apply --dry-run` lists them\n",
            report.proposals
        ));
    }
    words
}

/// Diagnostics one after the other, each followed by an empty line, and their number.
pub(super) fn diagnostic_words(diagnostics: &[DiagnosticView]) -> String {
    let mut words = String::new();
    for diagnostic in diagnostics {
        words.push_str(safe(&one_diagnostic(diagnostic)).trim_end());
        words.push_str("\n\n");
    }
    words
}

fn one_diagnostic(diagnostic: &DiagnosticView) -> String {
    let code = diagnostic
        .code
        .as_ref()
        .map(|code| format!("[{code}]"))
        .unwrap_or_default();
    if let Some(rendered) = &diagnostic.rendered {
        // The first word is the severity.
        return rendered.replacen(": ", &format!("{code}: "), 1);
    }
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let hint = diagnostic.hint.as_ref();
    let hint = hint.map(|hint| format!("\n hint: {hint}")).unwrap_or_default();
    format!("{severity}{code}: {}{hint}", diagnostic.message)
}

pub(super) async fn apply(
    client: &Client,
    printer: Printer,
    hosts: Vec<String>,
    dry_run: bool,
) -> Result<Exit, Failure> {
    if dry_run {
        let mut list = client.get::<ProposalList>("proposals").await?.document;
        list.proposals
            .retain(|proposal| hosts.is_empty() || hosts.contains(&proposal.host));
        printer.document(&list, proposal_words)?;
        return Ok(Exit::Good);
    }
    let reply = client.post::<_, ApplyReport>("apply", &ApplyRequest { hosts }).await?;
    printer.reply(&reply, apply_words)?;
    let skipped = !reply.document.skipped.is_empty();
    Ok(if skipped { Exit::Failed } else { Exit::Good })
}

fn proposal_words(list: &ProposalList) -> String {
    if list.proposals.is_empty() {
        return "no rule proposes to arm a host\n".to_owned();
    }
    let mut table = Table::new(&["HOST", "STATE", "RULE", "PROFILE"]);
    for proposal in list.proposals.iter().cloned() {
        table.row([proposal.host, proposal.state, proposal.rule, proposal.profile]);
    }
    table.text("")
}

fn apply_words(report: &ApplyReport) -> String {
    let mut words: String = report
        .armed
        .iter()
        .map(|armed| format!("{}: armed with {} by rule {}\n", armed.host, armed.profile, armed.rule))
        .collect();
    words.extend(report.skipped.iter().map(|skipped| format!("{}\n", safe(skipped))));
    if words.is_empty() {
        words.push_str("no rule proposes to arm a host\n");
    }
    words
}
