//! `bootwright host …`: lists, one host, and decisions about it.

mod show;

use bootwright_proto::http::api::{Command, CommandReport, HostDetail, HostList, HostLog, HostSummary, ProgressView};

use super::Exit;
use super::age::Now;
use super::argument::{HostVerb, Named};
use super::client::{Client, Reply, escape};
use super::failure::Failure;
use super::print::Printer;
use super::table::{Table, or_dash, safe};

/// The most hosts that one question asks for.
const PAGE_HOSTS: usize = 1000;

pub(super) async fn run(client: &Client, printer: Printer, verb: HostVerb) -> Result<Exit, Failure> {
    let (host, command) = match verb {
        HostVerb::List { state, text, limit } => return list(client, printer, state, text, limit).await,
        HostVerb::Show(Named { host }) => return show(client, printer, &host).await,
        HostVerb::Log { host, run } => return log(client, printer, &host, run).await,
        HostVerb::Set { host, items } => return set(client, printer, &host, &items).await,
        HostVerb::Arm {
            host,
            profiles,
            allow_wipe,
        } => (host, Command::Arm { profiles, allow_wipe }),
        HostVerb::Reinstall {
            host,
            confirm,
            allow_wipe,
        } => (host, Command::Reinstall { confirm, allow_wipe }),
        HostVerb::Wake(Named { host }) => (host, Command::Wake {}),
        HostVerb::Queue { host, profiles } => (host, Command::Queue { profiles }),
        HostVerb::Hold(Named { host }) => (host, Command::Hold {}),
        HostVerb::Local(Named { host }) => (host, Command::Local {}),
        HostVerb::Live { host, profile } => (host, Command::Live { profile }),
        HostVerb::Ignore(Named { host }) => (host, Command::Ignore {}),
        HostVerb::Lock(Named { host }) => (host, Command::Lock {}),
        HostVerb::Unlock(Named { host }) => (host, Command::Unlock {}),
        HostVerb::Forget(Named { host }) => (host, Command::Forget {}),
        HostVerb::Done(Named { host }) => (host, Command::Done {}),
    };
    let reply = tell(client, &host, &command).await?;
    printer.reply(&reply, report_words)?;
    Ok(Exit::Good)
}

async fn tell(client: &Client, host: &str, command: &Command) -> Result<Reply<CommandReport>, Failure> {
    let path = format!("hosts/{}/command", escape(host));
    client.post(&path, command).await
}

fn report_words(report: &CommandReport) -> String {
    report.notes.iter().map(|note| format!("{}\n", safe(note))).collect()
}

async fn show(client: &Client, printer: Printer, host: &str) -> Result<Exit, Failure> {
    let reply = client.get::<HostDetail>(&format!("hosts/{}", escape(host))).await?;
    printer.reply(&reply, |detail| show::words(detail, Now::read()))?;
    Ok(Exit::Good)
}

async fn log(client: &Client, printer: Printer, host: &str, run: Option<u32>) -> Result<Exit, Failure> {
    let run = run.map(|run| format!("?run={run}")).unwrap_or_default();
    let reply = client
        .get::<HostLog>(&format!("hosts/{}/log{run}", escape(host)))
        .await?;
    printer.reply(&reply, log_words)?;
    Ok(Exit::Good)
}

fn log_words(log: &HostLog) -> String {
    let host = safe(&log.host);
    if log.text.is_empty() {
        return match log.run {
            0 => format!("{host}: no installer has said anything that is kept\n"),
            run => format!("{host}: nothing is kept of run {run}\n"),
        };
    }
    let end = if log.whole { "" } else { ", its end" };
    format!(
        "{host}, run {}, {} bytes{end}:\n\n{}",
        log.run,
        log.bytes,
        safe(&log.text)
    )
}

/// Reads page after page, so that no answer holds up the daemon for long.
async fn list(
    client: &Client,
    printer: Printer,
    state: Option<String>,
    text: Option<String>,
    limit: Option<usize>,
) -> Result<Exit, Failure> {
    let mut all = HostList::default();
    loop {
        let wanted = limit.map_or(PAGE_HOSTS, |limit| limit.saturating_sub(all.hosts.len()));
        if wanted == 0 {
            break;
        }
        let mut path = format!("hosts?limit={}", wanted.min(PAGE_HOSTS));
        let filters = [("state", &state), ("text", &text), ("after", &all.next)];
        for (name, value) in filters {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", escape(value)));
            }
        }
        let page = client.get::<HostList>(&path).await?.document;
        all.hosts.extend(page.hosts);
        all.total = page.total;
        all.next = page.next;
        if all.next.is_none() {
            break;
        }
    }
    let filtered = state.is_some() || text.is_some();
    printer.document(&all, |list| list_words(list, filtered, Now::read()))?;
    Ok(Exit::Good)
}

fn list_words(list: &HostList, filtered: bool, now: Now) -> String {
    if list.hosts.is_empty() {
        return if filtered {
            "no host fits\n".to_owned()
        } else {
            "no host was seen yet; switch a machine on, and let it boot from the network\n".to_owned()
        };
    }
    let mut table = Table::new(&["HOST", "STATE", "PROFILE", "RUN", "PROGRESS", "MAC", "ADDRESS", "SEEN"]);
    for host in &list.hosts {
        table.row([
            host.host.clone(),
            state_word(host),
            or_dash(host.profile.as_deref()),
            if host.run == 0 {
                "-".to_owned()
            } else {
                host.run.to_string()
            },
            host.progress.as_ref().map_or_else(|| "-".to_owned(), progress_words),
            or_dash(host.mac.as_deref()),
            or_dash(host.address.as_deref()),
            now.relative_or_dash(host.last_seen.as_ref()),
        ]);
    }
    table.text("")
}

/// The state's name with its marks.
fn state_word(host: &HostSummary) -> String {
    let mut word = host.state.clone();
    if host.stalled {
        word.push_str(", stalled");
    }
    if host.locked {
        word.push_str(", locked");
    }
    word
}

/// How far an install is, in a few words.
fn progress_words(progress: &ProgressView) -> String {
    let mut words = safe(&progress.stage);
    if let Some(percent) = progress.percent {
        words.push_str(&format!(" {percent} %"));
    }
    if let (Some(file), Some(bytes), Some(total)) = (&progress.file, progress.bytes, progress.bytes_total) {
        words.push_str(&format!(
            ", {} {} of {} kB",
            safe(file),
            bytes / 1000,
            total.div_ceil(1000)
        ));
    }
    words
}

/// Sends one command for each item, after all of them were understood, and tells what became of them together.
async fn set(client: &Client, printer: Printer, host: &str, items: &[String]) -> Result<Exit, Failure> {
    let commands = items
        .iter()
        .map(|item| set_command(item))
        .collect::<Result<Vec<_>, _>>()?;
    let mut told: Option<CommandReport> = None;
    for command in &commands {
        match tell(client, host, command).await {
            Ok(Reply { document, .. }) => told = Some(together(told, document)),
            Err(failure) => {
                let Some(told) = told else { return Err(failure) };
                if printer.is_json() {
                    return Err(failure.after(&told.notes));
                }
                printer.document(&told, report_words)?;
                return Err(failure);
            }
        }
    }
    // The words ask for at least one item.
    if let Some(told) = told {
        printer.document(&told, report_words)?;
    }
    Ok(Exit::Good)
}

/// What became of a host by one command and the next.
fn together(before: Option<CommandReport>, now: CommandReport) -> CommandReport {
    let Some(before) = before else { return now };
    CommandReport {
        changed: before.changed || now.changed,
        notes: before.notes.into_iter().chain(now.notes).collect(),
        ..now
    }
}

fn set_command(item: &str) -> Result<Command, Failure> {
    let usage = || Failure::Usage {
        message: format!("`{item}` is nothing that can be set"),
        hint: "write `label.KEY=VALUE` or `metadata.KEY=VALUE`; `KEY=` without a value removes".to_owned(),
    };
    let (name, value) = item.split_once('=').ok_or_else(usage)?;
    let value = Some(value.to_owned()).filter(|value| !value.is_empty());
    match name.split_once('.') {
        Some(("label", key)) if !key.is_empty() => Ok(Command::SetLabel {
            key: key.to_owned(),
            value,
        }),
        Some(("metadata", key)) if !key.is_empty() => Ok(Command::SetMetadata {
            key: key.to_owned(),
            value,
        }),
        _ => Err(usage()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_metadata_are_set_and_removed() {
        let command = |item| set_command(item).ok();
        let label = |key: &str, value: Option<&str>| {
            Some(Command::SetLabel {
                key: key.to_owned(),
                value: value.map(str::to_owned),
            })
        };
        assert_eq!(command("label.rack=a=b"), label("rack", Some("a=b")));
        assert_eq!(command("label.a.b="), label("a.b", None));
        let role = Command::SetMetadata {
            key: "role".to_owned(),
            value: Some("db".to_owned()),
        };
        assert_eq!(command("metadata.role=db"), Some(role));
        for bad in ["rack=a", "label.=a", "label.rack", "colour.rack=a", ""] {
            assert_eq!(command(bad), None, "{bad}");
        }
    }
}
