//! `bootwright config`: what the daemon's configuration says.

use bootwright_proto::http::api::ConfigView;

use super::Exit;
use super::client::Client;
use super::failure::Failure;
use super::print::Printer;
use super::table::{Table, safe};

/// Shows each setting with where it stands.
pub(super) async fn show(client: &Client, printer: Printer) -> Result<Exit, Failure> {
    let reply = client.get::<ConfigView>("config").await?;
    printer.reply(&reply, words)?;
    Ok(Exit::Good)
}

fn words(config: &ConfigView) -> String {
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
