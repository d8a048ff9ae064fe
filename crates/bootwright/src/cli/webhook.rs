//! `bootwright webhook`: who is told of events.

use bootwright_proto::http::api::{Nothing, WebhookList, WebhookReport};

use super::Exit;
use super::argument::WebhookVerb;
use super::client::{Client, escape};
use super::failure::Failure;
use super::print::Printer;
use super::table::{Table, safe};

pub(super) async fn run(client: &Client, printer: Printer, verb: WebhookVerb) -> Result<Exit, Failure> {
    match verb {
        WebhookVerb::List => {
            let reply = client.get::<WebhookList>("webhooks").await?;
            printer.reply(&reply, list_words)?;
            Ok(Exit::Good)
        }
        WebhookVerb::Test { name } => {
            let path = format!("webhooks/{}/test", escape(&name));
            let reply = client.post::<_, WebhookReport>(&path, &Nothing {}).await?;
            printer.reply(&reply, report_words)?;
            let delivered = reply.document.delivered;
            Ok(if delivered { Exit::Good } else { Exit::Failed })
        }
    }
}

fn list_words(list: &WebhookList) -> String {
    if list.webhooks.is_empty() {
        return "nobody is told of events; `[webhooks.<name>]` of the configuration names who is\n".to_owned();
    }
    let mut table = Table::new(&["WEBHOOK", "TO", "EVENTS", "TOLD UP TO", "BEHIND", "TROUBLE"]);
    for one in &list.webhooks {
        let events = if one.events.is_empty() {
            "all".to_owned()
        } else {
            one.events.join(", ")
        };
        let trouble = one.trouble.as_deref().map_or_else(|| "-".to_owned(), safe);
        table.row([
            one.name.clone(),
            safe(&one.to),
            events,
            one.delivered.to_string(),
            one.behind.to_string(),
            trouble,
        ]);
    }
    table.text("")
}

fn report_words(report: &WebhookReport) -> String {
    let WebhookReport { webhook, took_ms, .. } = report;
    match &report.why {
        None => format!("{webhook}: the message was taken within {took_ms} ms\n"),
        Some(why) => format!("{webhook}: the message was not taken: {}\n", safe(why)),
    }
}
