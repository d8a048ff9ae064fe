//! `bootwright config`: what the configuration says and may say, and what of it is not in force yet.

mod schema;

use bootwright_proto::http::api::{ConfigDiff, ConfigView};

use super::Exit;
use super::argument::ConfigVerb;
use super::client::Client;
use super::failure::Failure;
use super::print::{self, Printer};
use super::table::{Table, safe};

pub(super) async fn run(client: &Client, printer: Printer, verb: ConfigVerb) -> Result<Exit, Failure> {
    match verb {
        ConfigVerb::Show => show(client, printer).await,
        ConfigVerb::Schema => {
            let text = serde_json::to_string_pretty(&schema::document());
            let text = text.map_err(|error| Failure::Broken(error.to_string()))?;
            print::raw(format!("{text}\n").as_bytes())?;
            Ok(Exit::Good)
        }
        ConfigVerb::Diff => {
            let reply = client.get::<ConfigDiff>("config/diff").await?;
            printer.reply(&reply, diff_words)?;
            let diff = &reply.document;
            Ok(if !diff.usable {
                Exit::Usage
            } else if diff.changes.is_empty() {
                Exit::Good
            } else {
                Exit::Failed
            })
        }
    }
}

fn diff_words(diff: &ConfigDiff) -> String {
    let mut words = super::site::diagnostic_words(&diff.diagnostics);
    if !diff.usable {
        words.push_str("the configuration on disk cannot be used: a reload would change nothing\n");
        return words;
    }
    if diff.changes.is_empty() {
        words.push_str("the configuration on disk is in force\n");
        return words;
    }
    for (restart, title) in [(false, "a reload changes"), (true, "a restart changes")] {
        let changes: Vec<_> = diff.changes.iter().filter(|change| change.restart == restart).collect();
        if changes.is_empty() {
            continue;
        }
        words.push_str(&format!("{title}:\n"));
        for change in changes {
            let line = match (&change.before, &change.after) {
                (None, Some(after)) => format!("+ {} = {after}", change.key),
                (Some(before), None) => format!("- {} = {before}", change.key),
                (Some(before), Some(after)) => format!("~ {} = {before} -> {after}", change.key),
                (None, None) => format!("~ {}", change.key),
            };
            words.push_str(&format!("  {}\n", safe(&line)));
        }
    }
    words
}

/// Shows each setting with where it stands.
async fn show(client: &Client, printer: Printer) -> Result<Exit, Failure> {
    let reply = client.get::<ConfigView>("config").await?;
    printer.reply(&reply, setting_words)?;
    Ok(Exit::Good)
}

fn setting_words(config: &ConfigView) -> String {
    let mut text = String::new();
    if config.files.is_empty() {
        text.push_str("there is no file: every setting has its default\n");
    }
    if !config.settings.is_empty() {
        let mut table = Table::new(&["SETTING", "VALUE", "STANDS IN"]);
        for setting in &config.settings {
            let name = if setting.section.is_empty() {
                setting.key.clone()
            } else {
                format!("{}.{}", setting.section, setting.key)
            };
            let lines: Vec<&str> = setting.value.lines().map(str::trim).collect();
            table.row([name, lines.join(" "), format!("{}:{}", setting.file, setting.line)]);
        }
        text.push_str(&table.text(""));
    }
    if let Some(refused) = &config.refused {
        text.push_str(&format!("{}\n", safe(refused)));
    }
    text
}
